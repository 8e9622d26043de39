"""Writes the report, or keeps the file of a run: ``python -m benchmarks.report``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.report import NotKept, ResultFileError, keep, make_report, read_run

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """
    Run the command.

    Parameters
    ----------
    arguments : list of str or None
        By default those of the process.

    Returns
    -------
    status : int
        1 if ``--check`` finds differences, 2 if a file can't be taken.
    """
    options = _parser().parse_args(arguments)
    try:
        if options.keep:
            for path in options.keep:
                kept = keep(path, options.results, part=options.part, force=options.force)
                print(f"kept {path} as {kept}; `make bench-report` writes the page anew")
            return 0
        files = options.files or sorted(options.results.glob("*.json"))
        report = make_report(read_run(path) for path in files)
    except (ResultFileError, NotKept) as error:
        print(error, file=sys.stderr)
        return 2
    if options.check:
        differences = report.differences(options.docs)
        for each in differences:
            print(each, file=sys.stderr)
        if differences:
            print("`make bench-report` writes them anew", file=sys.stderr)
        return int(bool(differences))
    report.write(options.docs)
    print(f"wrote {options.docs / 'benchmarks.md'} of {len(files)} file{'s' * (len(files) != 1)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="JSON files of pytest-benchmark; all that are kept without any",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if the page is not up to date"
    )
    parser.add_argument(
        "--keep",
        action="append",
        type=Path,
        metavar="FILE",
        help="copy a run to those that are kept, named by its hardware",
    )
    parser.add_argument("--part", default="", help="with --keep: a name for a run of some suites")
    parser.add_argument(
        "--force", action="store_true", help="with --keep: even if it is no run of a commit"
    )
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where the page is")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "benchmarks" / "results", help="what is kept"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
