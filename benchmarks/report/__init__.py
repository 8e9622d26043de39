"""The report: a page and pictures, made of the JSON files that pytest-benchmark writes.

``python -m benchmarks.report`` makes ``docs/benchmarks.md`` of ``benchmarks/results``.
"""

from benchmarks.report._hardware import hardware_name
from benchmarks.report._keep import NotKept, keep
from benchmarks.report._power_law import PowerLaw, fit_power_law
from benchmarks.report._report import Report, make_report
from benchmarks.report._result import Result
from benchmarks.report._run import ResultFileError, Run, read_run

__all__ = [
    "NotKept",
    "PowerLaw",
    "Report",
    "Result",
    "ResultFileError",
    "Run",
    "fit_power_law",
    "hardware_name",
    "keep",
    "make_report",
    "read_run",
]
