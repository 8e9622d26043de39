"""How a Simulator runs its network, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nengo_layers_plus.graph import render_html, render_table

_HEADER = ("what", "operator", "runs", "why")


@dataclass(frozen=True)
class ExecutionRow:
    """How one part of a network runs.

    Parameters
    ----------
    name : str
        The object of the network, or the objects of a cycle.
    operator : str
        What it does there.
    runs : str
        ``"all steps at once"``, ``"along time, by itself"`` or ``"step by step"``.
    why : str
        The reason.
    """

    name: str
    operator: str
    runs: str
    why: str


class Execution(Sequence[ExecutionRow]):
    """How a Simulator runs its network.

    A sequence of `ExecutionRow`; ``str`` writes it as a table, and notebooks show it as one.

    Parameters
    ----------
    mode : str
        ``"layerwise"`` if each layer runs over the whole sequence before the next one does, as far
        as that is possible; ``"stepwise"`` if all of the network runs one step after another, as
        in `nengo_dl.Simulator`.
    why : str
        The reason for the mode.
    rows : sequence of ExecutionRow
        The parts of the network, in the order in which they run.
    training : bool
        Whether this is how it is trained, else how it is simulated.
    waits : int
        For about how many steps it still runs step by step, as compiling takes longer than that.
    """

    def __init__(
        self,
        mode: str,
        why: str,
        rows: Sequence[ExecutionRow],
        training: bool = False,
        waits: int = 0,
    ) -> None:
        self.mode = mode
        self.why = why
        self.rows = tuple(rows)
        self.training = training
        self.waits = waits

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self.rows[index]

    def __iter__(self) -> Iterator[ExecutionRow]:
        return iter(self.rows)

    def _cells(self) -> list[tuple[str, str, str, str]]:
        return [(each.name, each.operator, each.runs, each.why) for each in self.rows]

    @property
    def _title(self) -> str:
        return f"{'in training' if self.training else 'in simulation'}: {self.mode}, {self.why}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._title}>"

    def __str__(self) -> str:
        return (
            f"{self._title}\n{render_table(_HEADER, self._cells())}" if self.rows else self._title
        )

    def _repr_html_(self) -> str:
        return f"<p>{self._title}</p>{render_html(_HEADER, self._cells())}"
