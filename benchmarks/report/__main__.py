"""Writes the report, keeps the file of a run, or compares two: ``python -m benchmarks.report``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.report.against import print_comparison
from benchmarks.report.keep import NotKept, keep
from benchmarks.report.page import make_report
from benchmarks.report.runs import ResultFileError, read_run

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 if ``--check`` finds differences, 2 if a file can't be taken."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not options.keep:
        for name in ("part", "force"):
            if getattr(options, name):
                parser.error(f"--{name} is for --keep, which is not given")
    elif options.files:
        parser.error(f"--keep takes one file; give it once more for {options.files[0]}")
    if options.against and len(options.files) != 1:
        parser.error(f"--against compares with one FILE, got {len(options.files) or 'none'}")
    try:
        if options.against:
            print_comparison(read_run(options.files[0]), read_run(options.against))
            return 0
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
        if differences:
            print(*differences, "`make bench-report` writes them anew", sep="\n", file=sys.stderr)
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
        help="JSON files of pytest-benchmark; without any all that are kept",
    )
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument(
        "--check", action="store_true", help="write nothing; fail if the page is not up to date"
    )
    mode.add_argument(
        "--against",
        type=Path,
        metavar="KEPT",
        help="print how fast ours is in FILE beside what it was in another file, and write nothing",
    )
    mode.add_argument(
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
