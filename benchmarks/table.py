"""What was measured, as a table to read: one row a group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measurement

_MEMBERS = ("stock", "layer", "ours", "keras")
_RATIOS = (("stock", "ours"), ("stock", "layer"), ("ours", "keras"))
_WIDTH = 220  # so that no column is cut


def make_console() -> Console:
    """Return the standard output, with room for a whole table where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDTH)


def write_table(table: Table, reporter: Any, width: int = _WIDTH) -> None:
    """
    Write a table at the end of a run of pytest.

    Parameters
    ----------
    table : rich.table.Table
        The table.
    reporter : pytest.TerminalReporter
        Where to.
    width : int
        How many columns it may have at least, whatever the terminal has.
    """
    console = Console(width=max(width, reporter._tw.fullwidth))
    with console.capture() as captured:
        console.print(table)
    reporter.write(captured.get())


def make_table(title: str = "") -> Table:
    """Return a table without rows."""
    table = Table(title=title or None, title_justify="left", title_style="")
    table.add_column("group", no_wrap=True)
    headers = [f"{member}\n(s)" for member in _MEMBERS]
    headers += [f"{slow} /\n{fast}" for slow, fast in _RATIOS]
    headers[5:5] = ["least\nto most", "target"]
    for header in [*headers, "ours: samples\nx steps / s", "agree\nfor", "MiB: stock,\nours"]:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def add_measurement(
    table: Table,
    name: str,
    measured: Measurement,
    target: float | None = None,
    samples_steps: int | None = None,
    peaks: Mapping[str, int] | None = None,
) -> None:
    """
    Add a row.

    Parameters
    ----------
    table : rich.table.Table
        A table of `make_table`.
    name : str
        Of the group.
    measured : Measurement
        What was measured of all members.
    target : float or None
        How many times as fast as "stock" ours shall be.
    samples_steps : int or None
        Samples times steps that were timed.
    peaks : dict of int
        Peak memory in bytes, by member.
    """
    seconds = [
        f"{measured.median(member):.4f}" if member in measured.seconds else ""
        for member in _MEMBERS
    ]
    ratios = [
        f"{measured.ratio(*pair):.2f}" if set(pair) <= set(measured.seconds) else ""
        for pair in _RATIOS
    ]
    spread = ""
    if ratios[0]:
        each = measured.ratios()
        spread = f"{min(each):.2f}-{max(each):.2f}"
        if target is not None:
            ratios[0] = f"[{'green' if measured.ratio() >= target else 'yellow'}]{ratios[0]}"
    throughput = f"{samples_steps / measured.median('ours'):,.0f}" if samples_steps else ""
    agreement = f"{measured.agreement['ours']:.1%}" if "ours" in measured.agreement else ""
    peaks = peaks or {}
    memory = ", ".join(
        f"{peaks[member] / 1024**2:,.0f}" for member in ("stock", "ours") if member in peaks
    )
    least = "" if target is None else f"{target:.2g}"
    table.add_row(
        name, *seconds, ratios[0], spread, least, *ratios[1:], throughput, agreement, memory
    )
