"""What the benchmarks beside other libraries share. They run only where this folder is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.table import Table

from benchmarks.peers.comparison import Peers
from benchmarks.table import new_table, write_table

HERE = Path(__file__).parent
TABLE = pytest.StashKey[Table]()
MISSING = pytest.StashKey[dict[str, str]]()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if HERE not in collection_path.parents or collection_path.suffix != ".py":
        return None
    folder = config.invocation_params.dir
    named = [(folder / argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(HERE in (path, *path.parents) for path in named) else True


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if MISSING not in config.stash:
        return
    terminalreporter.section("beside other libraries")
    if TABLE in config.stash:
        write_table(config.stash[TABLE], terminalreporter, width=120)
    for name, reason in config.stash[MISSING].items():
        terminalreporter.write_line(f"{name} is missing: {reason}", yellow=True)


@pytest.fixture(scope="session")
def peers_table(request: pytest.FixtureRequest) -> Table:
    """Return the table that is printed at the end: who took how long."""
    numbers = ("seconds", "times as long\nas ours", "least\nto most")
    numbers += ("samples x\nsteps / s", "agree\nfor")
    return request.config.stash.setdefault(TABLE, new_table(("case", "library"), numbers))


@pytest.fixture(scope="session")
def peers(request: pytest.FixtureRequest, device_kind: str) -> Iterator[Peers]:
    """Return the processes of the libraries."""
    processes = Peers(device_kind)
    request.config.stash[MISSING] = processes.missing
    yield processes
    processes.stop()
