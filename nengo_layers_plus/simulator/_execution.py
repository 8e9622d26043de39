"""How a Simulator runs its network, as a table."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from nengo_layers_plus.graph import Line, Report, Table, listed, plain

_HEADER = ("what", "operator", "runs", "why")


@dataclass(frozen=True)
class ExecutionRow:
    """How one part of a network runs.

    Parameters
    ----------
    names : tuple of str
        The object of the network, or the objects of a cycle, as `summary` names them.
    operator : str
        What it does there.
    runs : str
        ``"all steps at once"``, ``"along time, by itself"`` or ``"step by step"``.
    why : str
        The reason.
    """

    names: tuple[str, ...]
    operator: str
    runs: str
    why: str

    @property
    def name(self) -> str:
        """All names."""
        return ", ".join(self.names)


class Execution(Report, Sequence[ExecutionRow]):
    """How a Simulator runs its network.

    A sequence of `ExecutionRow`; ``str`` writes it as a table, and notebooks show it as one. In the
    table parts that are alike share a line; the sequence has all, and so has the table of
    `expanded`.

    Parameters
    ----------
    mode : str
        ``"layerwise"`` if each layer runs over the whole sequence before the next one does, as far
        as that is possible; ``"stepwise"`` if all of the network runs one step after another, as
        in `nengo_dl.Simulator`, for now or always.
    why : str
        The reason for the mode.
    rows : sequence of ExecutionRow
        The parts of the network, in the order in which they run; if compilation is deferred, as
        they will run afterwards.
    training : bool
        Whether this is how it is trained, else how it is simulated.
    waits : int
        The number of steps, about, for which compilation is still deferred and the network runs
        step by step.
    alike : mapping of str to hashable
        By name, what is the same for parts that are alike.
    """

    def __init__(
        self,
        mode: str,
        why: str,
        rows: Sequence[ExecutionRow],
        training: bool = False,
        waits: int = 0,
        alike: Mapping[str, Hashable] = MappingProxyType({}),
    ) -> None:
        self.mode = mode
        self.why = why
        self.rows = tuple(rows)
        self.training = training
        self.waits = waits
        self.alike = dict(alike)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.rows[index]

    def __iter__(self) -> Iterator[ExecutionRow]:
        return iter(self.rows)

    def expanded(self) -> Execution:
        """Return it with a line in the table for each part, also for those that are alike."""
        return Execution(self.mode, self.why, self.rows, self.training, self.waits)

    def _cells(self) -> list[tuple[str, str, str, str]]:
        groups: dict[Hashable, list[ExecutionRow]] = {}
        for number, row in enumerate(self.rows):
            parts = tuple(dict.fromkeys(self.alike.get(name, name) for name in row.names))
            key = (parts, row.operator, row.runs, row.why) if self.alike else number
            groups.setdefault(key, []).append(row)
        lines = []
        for rows in groups.values():
            names = listed(dict.fromkeys(name for row in rows for name in row.names))
            several = f"{len(rows)} x " if len(rows) > 1 else ""
            lines.append((f"{several}{names}", rows[0].operator, rows[0].runs, rows[0].why))
        return lines

    @property
    def _title(self) -> str:
        return f"{'in training' if self.training else 'in simulation'}: {self.mode}, {self.why}"

    def __repr__(self) -> str:
        return plain(f"<{type(self).__name__} {self._title}>")

    def _parts(self) -> Iterator[Line | Table]:
        yield Line(self._title)
        if self.rows:
            yield Table(_HEADER, self._cells())
