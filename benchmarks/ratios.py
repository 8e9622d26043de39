"""Prints how many times as fast as `nengo_dl.Simulator` networks run.

``python -m benchmarks.ratios`` is for work on the simulator. `test_bench_simulator.py` measures the
same rows and more, and keeps what it measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings

from rich.console import Console


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 if numbers differ or a row fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    options = _parser().parse_args(arguments)

    from benchmarks import fresh, machine
    from benchmarks.measure import measure
    from benchmarks.rows import ROWS, open_members
    from benchmarks.table import add_measurement, make_table
    from nengo_layers_plus._upstream import tf

    tf.get_logger().setLevel("ERROR")  # it warns where many functions are traced
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)  # a file has room
    names = [*ROWS, *fresh.START_TARGETS]
    if options.list:
        console.print(*names, sep="\n")
        return 0
    chosen = [
        name
        for name in names
        if not options.rows or any(_means(each, name) for each in options.rows)
    ]
    for each in options.rows:
        if not any(_means(each, name) for name in names):
            console.print(f"No row has {each!r} in its name. There are: {', '.join(names)}")
            return 2
    ours = {} if options.execution is None else {"execution": options.execution}
    title = ", ".join(f"{name} {value}" for name, value in machine.describe().items())
    table = make_table(f"{title}; small sizes" if options.quick else title)
    failed = False
    try:
        for row in (row.small() if options.quick else row for row in ROWS.values()):
            if row.name not in chosen:
                continue
            try:
                with console.status(row.name), open_members(row, ours) as members:
                    measured = measure(members, options.rounds, row.same)
                add_measurement(table, row.name, measured, row.target, row.samples_steps)
            except Exception as error:
                # The others are worth knowing all the same.
                failed = True
                table.add_row(f"[red]{row.name}: failed")
                if options.traceback:
                    console.print_exception()
                else:
                    console.print(f"{row.name}: {type(error).__name__}: {error}", style="red")
        if any(name in chosen for name in fresh.START_TARGETS):
            with console.status("start"):
                started = fresh.measure_start(min(options.rounds, 3))
            for name in fresh.START_TARGETS:
                if name in chosen:
                    add_measurement(table, name, started[name], fresh.START_TARGETS[name])
    finally:
        console.print(table)
    return int(failed)


def _means(part: str, name: str) -> bool:
    # The start takes long: "fit" alone does not ask for "start-first-fit".
    return name.startswith(part) if name.startswith("start") else part in name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratios", description=__doc__)
    parser.add_argument("rows", nargs="*", help="parts of the names of rows; all without any")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--execution", help="for our simulator: auto, layerwise or stepwise")
    parser.add_argument("--traceback", action="store_true", help="show where an error is from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
