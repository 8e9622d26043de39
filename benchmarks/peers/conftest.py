"""What the benchmarks beside other libraries share. They run only where this folder is named."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from benchmarks.peers.measured import MeasuredPeers, PeerCase, Peers
from benchmarks.table import write_table

HERE = Path(__file__).parent


class PeersTable:
    """What is printed at the end: who took how long, and who is missing."""

    def __init__(self) -> None:
        self.table = Table()
        self.missing: dict[str, str] = {}
        self.table.add_column("case", no_wrap=True)
        self.table.add_column("library", no_wrap=True)
        names = (
            "seconds",
            "times as long\nas ours",
            "least\nto most",
            "samples x\nsteps / s",
            "agree\nfor",
        )
        for name in names:
            self.table.add_column(name, justify="right", no_wrap=True)

    def add(self, case: PeerCase, member: str, measured: MeasuredPeers) -> None:
        """
        Add a row.

        Parameters
        ----------
        case : PeerCase
            What was done.
        member : str
            Who did it.
        measured : MeasuredPeers
            What was measured of all.
        """
        figures = measured.figures(member, case.samples_steps)
        self.table.add_row(
            str(case) if member == "ours" else "",
            member,
            f"{statistics.median(measured.seconds[member]):.4f}",
            f"{figures['ratio_to_ours']:.2f}",
            f"{figures['ratio_least']:.2f}-{figures['ratio_most']:.2f}",
            f"{figures['samples_steps_per_second']:,.0f}",
            f"{figures['agreement']:.1%}" if "agreement" in figures else "",
        )


TABLE = pytest.StashKey[PeersTable]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if HERE not in collection_path.parents or collection_path.suffix != ".py":
        return None
    folder = config.invocation_params.dir
    named = [(folder / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(HERE in (path, *path.parents) for path in named) else True


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    table = config.stash.get(TABLE, None)
    if table is None:
        return
    terminalreporter.section("beside other libraries")
    if table.table.row_count:
        write_table(table.table, terminalreporter, width=120)
    for name, reason in table.missing.items():
        terminalreporter.write_line(f"{name} is missing: {reason}", yellow=True)


@pytest.fixture(scope="session")
def peers_table(request: pytest.FixtureRequest) -> PeersTable:
    """Return the table that is printed at the end."""
    return request.config.stash.setdefault(TABLE, PeersTable())


@pytest.fixture(scope="session")
def peers(device_kind: str, peers_table: PeersTable) -> Iterator[Peers]:
    """Return the processes of the libraries."""
    found = Peers(device_kind)
    peers_table.missing = found.missing
    yield found
    found.stop()
