"""Prints how many times as fast as `nengo_dl.Simulator` networks run.

``python -m benchmarks.ratios`` is for work on the simulator. `test_bench_simulator.py` measures the
same rows and more, and keeps what it measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from benchmarks.measure import Measurement
    from benchmarks.rows import Row


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 if numbers differ or a row fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    options = _parser().parse_args(arguments)

    from benchmarks import machine
    from benchmarks.measure import measure
    from benchmarks.rows import ROWS, open_members
    from nengo_layers_plus._upstream import tf

    tf.get_logger().setLevel("ERROR")  # it warns where many functions are traced
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)  # a file has room
    if options.list:
        console.print(*ROWS, sep="\n")
        return 0
    unknown = [each for each in options.rows if not any(each in name for name in ROWS)]
    if unknown:
        console.print(f"No row has {unknown[0]!r} in its name. There are: {', '.join(ROWS)}")
        return 2
    rows = [
        row.small() if options.quick else row
        for name, row in ROWS.items()
        if not options.rows or any(each in name for each in options.rows)
    ]
    ours = {} if options.execution is None else {"execution": options.execution}
    table = _table(", ".join(f"{name} {value}" for name, value in machine.describe().items()))
    failed = False
    try:
        for row in rows:
            try:
                with console.status(row.name), open_members(row, ours) as members:
                    _add(table, row, measure(members, options.rounds))
            except Exception as error:
                failed = True
                table.add_row(f"[red]{row.name}")
                console.print(f"[red]{row.name}: {type(error).__name__}: {error}")
                if options.traceback:
                    console.print_exception()
    finally:
        console.print(table)
    return int(failed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratios", description=__doc__)
    parser.add_argument("rows", nargs="*", help="parts of the names of rows; all without any")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--execution", help="for our simulator: auto, layerwise or stepwise")
    parser.add_argument("--traceback", action="store_true", help="show where an error is from")
    return parser


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="")
    table.add_column("row", no_wrap=True)
    for name in (
        "stock\n(s)",
        "ours\n(s)",
        "stock /\nours",
        "least\nto most",
        "at\nleast",
        "ours /\nkeras",
        "ours: samples\nx steps / s",
        "numbers\ndiffer by",
    ):
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _add(table: Table, row: Row, measured: Measurement) -> None:
    ratio, ratios = measured.ratio(), measured.ratios()
    colour = "green" if ratio >= row.target else "yellow"
    keras = f"{measured.ratio('ours', 'keras'):.2f}" if "keras" in measured.seconds else ""
    table.add_row(
        row.name,
        f"{measured.median('stock'):.3f}",
        f"{measured.median('ours'):.3f}",
        f"[{colour}]{ratio:.2f}",
        f"{min(ratios):.2f}-{max(ratios):.2f}",
        f"{row.target:g}",
        keras,
        f"{row.samples_steps / measured.median('ours'):,.0f}",
        f"{measured.difference:.0e}",
    )


if __name__ == "__main__":
    sys.exit(main())
