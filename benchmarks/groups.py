"""Groups of members: measured once, together, and handed to pytest-benchmark one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.case import Case
from benchmarks.measure import Measurement, measure
from benchmarks.members import open_members
from benchmarks.parts import Parts


@dataclass(frozen=True)
class Group:
    """The measurement of a case."""

    case: Case
    measured: Measurement
    n_neurons: int
    execution: str = ""  # how ours ran, and why
    peaks: dict[str, int] = field(default_factory=dict)  # of memory, in bytes, if it was measured
    parts: dict[str, Parts | None] = field(default_factory=dict)  # of a call, if it was profiled


def measure_group(case: Case, rounds: int | None = None) -> Group:
    """Compare the numbers of a case's members, and measure them in turns; see `measure`."""
    with open_members(case) as members:
        members.settle()
        measured = measure(members, rounds, case.same, members.remark)
        return Group(case, measured, members.n_neurons, members.execution)


class Cache:
    """Keeps measurements and errors: where numbers differ, the tests of all members fail."""

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return the value of a key, which is made once; raise its error again if that failed."""
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
    """A clock that replays durations which were measured before."""

    __name__ = "RecordedClock"  # what pytest-benchmark notes as the timer

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time (s), as timers of pytest-benchmark do."""
        return self.now

    def record(self, benchmark: Any, seconds: Iterable[float]) -> None:
        """Give the seconds to pytest-benchmark, each as a round."""
        rounds = list(seconds)

        def advance() -> None:
            self.now += rounds.pop(0)

        benchmark.pedantic(advance, rounds=len(rounds))


RECORDED = RecordedClock()
