"""Hands seconds that were measured before to pytest-benchmark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


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
