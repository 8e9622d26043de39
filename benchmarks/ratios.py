"""Prints how many times as fast as `nengo_dl.Simulator` networks run.

``python -m benchmarks.ratios`` is for work on the simulator: by default it measures what has a
target. The tests in this folder measure the same cases and more, and keep what they measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings

from benchmarks import DEVICES


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 if numbers differ or a row fails."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    options = _parser().parse_args(arguments)

    from benchmarks import cases, fresh, machine
    from benchmarks.measure import measure
    from benchmarks.members import open_members
    from benchmarks.table import add_measurement, make_console, make_table
    from nengo_layers_plus._upstream import tf

    tf.get_logger().setLevel("ERROR")  # it warns where many functions are traced
    console = make_console()
    starts = {f"start-{use}": use for use in fresh.START_USES}
    names = [*cases.BY_NAME, *starts]
    if options.list:
        console.print(*names, sep="\n")
        return 0
    for part in options.rows:
        if not any(_matches(part, name) for name in names):
            console.print(f"No row has {part!r} in its name. There are: {', '.join(names)}")
            return 2
    try:
        chosen_device = machine.choose_device(options.device)
    except machine.NoGpuError as error:
        console.print(str(error), style="red", markup=False)
        return 2

    def is_chosen(name: str) -> bool:
        if options.rows:
            return any(_matches(part, name) for part in options.rows)
        case = cases.BY_NAME.get(name)
        return case is None or (case.quick if options.quick else case.target is not None)

    ours = {} if options.execution is None else {"execution": options.execution}
    table = make_table(machine.summarise(machine.describe()))
    failed = False
    try:
        for name, case in cases.BY_NAME.items():
            if not is_chosen(name):
                continue
            try:
                with console.status(name), open_members(case, ours) as members:
                    members.settle()
                    measured = measure(members, options.rounds, case.same, members.remark)
                add_measurement(table, name, measured, case.target, case.samples_steps)
            except Exception as error:
                failed = True  # and the others are measured all the same
                table.add_row(f"[red]{name}: failed")
                if options.traceback:
                    console.print_exception()
                text = f"{name}: {type(error).__name__}: {error}"
                console.print(text, style="red", markup=False)
        chosen = [name for name in starts if is_chosen(name)]
        if chosen:
            case = cases.START[0]
            with console.status("start"):
                started = fresh.measure_start(case, min(options.rounds, 3), chosen_device)
            for name in chosen:
                add_measurement(table, name, started[starts[name]], fresh.START_TARGET)
    finally:
        console.print(table)
    return int(failed)


def _matches(part: str, name: str) -> bool:
    # The start takes long: "fit" alone does not ask for "start-first-fit".
    return name.startswith(part) if name.startswith("start") else part in name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ratios", description=__doc__)
    parser.add_argument("rows", nargs="*", help="parts of names; by default all that have a target")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is timed (5)")
    parser.add_argument("--quick", action="store_true", help="only the cases of the quick run")
    parser.add_argument("--device", choices=DEVICES, default="auto", help="where it runs")
    parser.add_argument("--list", action="store_true", help="only name the rows")
    parser.add_argument("--execution", help="for our simulator: auto, layerwise or stepwise")
    parser.add_argument("--traceback", action="store_true", help="show where an error is from")
    return parser


if __name__ == "__main__":
    sys.exit(main())
