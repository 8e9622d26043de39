"""Groups of members: measured once, together, and handed to pytest-benchmark one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.case import Case
from benchmarks.measure import Measurement, measure
from benchmarks.members import open_members


@dataclass(frozen=True)
class Group:
    """What was measured of the members of a case."""

    case: Case
    measured: Measurement
    n_neurons: int
    execution: str = ""  # how ours ran, and why
    peaks: dict[str, int] = field(default_factory=dict)  # of memory, in bytes, if it was measured


def measure_group(case: Case, rounds: int | None = None) -> Group:
    """Compare the numbers of a case's members, and measure them in turns; see `measure`."""
    with open_members(case) as members:
        members.settle()
        measured = measure(members, rounds, case.same, members.remark)
        return Group(case, measured, members.n_neurons, members.execution)


class Cache:
    """
    Keeps what was measured, and what failed.

    Where the numbers of a group differ, the tests of all its members fail.
    """

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return what is kept by this key; at most once it is made."""
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except Exception as error:
                self._kept[key] = error
        kept = self._kept[key]
        if isinstance(kept, Exception):
            raise kept
        return kept


class RecordedClock:
    """A clock that is moved on by what was timed before."""

    __name__ = "RecordedClock"  # what pytest-benchmark notes as the timer

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds, as timers of pytest-benchmark do."""
        return self.now

    def record(self, benchmark: Any, seconds: Iterable[float]) -> None:
        """Give the seconds to pytest-benchmark, each as a round of what is measured."""
        left = list(seconds)

        def advance() -> None:
            self.now += left.pop(0)

        benchmark.pedantic(advance, rounds=len(left))


RECORDED = RecordedClock()
