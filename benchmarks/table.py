"""What was measured, as a table to read: one row a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    """Write a table at the end of a run of pytest, at least so wide whatever the terminal is."""
    console = Console(width=max(width, reporter._tw.fullwidth))
    with console.capture() as captured:
        console.print(table)
    reporter.write(captured.get())


def new_table(texts: Iterable[str], numbers: Iterable[str], title: str = "") -> Table:
    """Return a table without rows, with columns for texts and for numbers."""
    table = Table(title=title or None, title_justify="left", title_style="")
    for header in texts:
        table.add_column(header, no_wrap=True)
    for header in numbers:
        table.add_column(header, justify="right", no_wrap=True)
    return table


def make_table(title: str = "") -> Table:
    """Return a table for `add_measurement`, without rows."""
    headers = [f"{member}\n(s)" for member in _MEMBERS]
    headers += [f"{slow} /\n{fast}" for slow, fast in _RATIOS]
    headers[5:5] = ["least\nto most", "target"]
    headers += ["ours: samples\nx steps / s", "agree\nfor", "MiB: stock,\nours"]
    return new_table(["group"], headers, title)


def add_measurement(
    table: Table,
    name: str,
    measured: Measurement,
    target: float | None = None,
    samples_steps: int | None = None,
    peaks: Mapping[str, int] | None = None,
) -> None:
    """Add a row for a group; see `Case` and `Group` for what is in it."""
    seconds = [
        f"{measured.median(member):.4f}" if member in measured.seconds else ""
        for member in _MEMBERS
    ]
    ratios = [
        f"{measured.ratio(*pair):.2f}" if set(pair) <= set(measured.seconds) else ""
        for pair in _RATIOS
    ]
    figures = measured.figures("ours", samples_steps)
    spread = ""
    if ratios[0]:
        spread = "{ratio_least:.2f}-{ratio_most:.2f}".format(**figures)
        if target is not None:
            colour = "green" if figures["ratio_to_stock"] >= target else "yellow"
            ratios[0] = f"[{colour}]{ratios[0]}"
    throughput = f"{figures['samples_steps_per_second']:,.0f}" if samples_steps else ""
    agreement = f"{figures['agreement']:.1%}" if "agreement" in figures else ""
    known = [peaks[member] for member in ("stock", "ours") if member in (peaks or ())]
    memory = ", ".join(f"{peak / 1024**2:,.0f}" for peak in known)
    least = "" if target is None else f"{target:.2g}"
    table.add_row(
        name, *seconds, ratios[0], spread, least, *ratios[1:], throughput, agreement, memory
    )
