"""The report: a page and pictures, made of the JSON files that pytest-benchmark writes.

``python -m benchmarks.report`` makes ``docs/benchmarks.md`` of ``benchmarks/results``, and with
``--against`` compares a run with one of them.
"""

from benchmarks.report._against import Change, Comparison, compare, print_comparison
from benchmarks.report._hardware import hardware_name
from benchmarks.report._keep import NotKept, keep
from benchmarks.report._power_law import PowerLaw, fit_power_law
from benchmarks.report._report import Report, make_report
from benchmarks.report._result import Result
from benchmarks.report._run import ResultFileError, Run, read_run

__all__ = [
    "Change",
    "Comparison",
    "NotKept",
    "PowerLaw",
    "Report",
    "Result",
    "ResultFileError",
    "Run",
    "compare",
    "fit_power_law",
    "hardware_name",
    "keep",
    "make_report",
    "print_comparison",
    "read_run",
]
