"""Options of the benchmarks, and the table that they print at the end."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks import machine
from benchmarks.table import make_table

TABLE = pytest.StashKey[Table]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="small sizes and fewer rounds; no peak memory"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = make_table("small sizes" if config.getoption("--quick") else "")


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.update(machine.describe())


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    table = config.stash[TABLE]
    if table.row_count == 0:
        return
    console = Console(width=max(120, terminalreporter._tw.fullwidth))
    with console.capture() as captured:
        console.print(table)
    terminalreporter.section("beside nengo_dl.Simulator (stock)")
    terminalreporter.write(captured.get())


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    """Whether to use small sizes."""
    return request.config.getoption("--quick")


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    """Return the table that is printed at the end."""
    return request.config.stash[TABLE]
