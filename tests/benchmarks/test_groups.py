"""A group is measured once, and its numbers reach pytest-benchmark."""

from __future__ import annotations

import pytest

from benchmarks.groups import Cache, RecordedClock


def test_what_is_kept_is_made_once():
    cache, made = Cache(), []

    for _ in range(3):
        assert cache.get("group", lambda: made.append(1) or "measured") == "measured"

    assert made == [1]


def test_all_tests_of_a_group_fail_where_numbers_differ():
    cache, tried = Cache(), []

    def make() -> None:
        tried.append(1)
        raise AssertionError("the numbers differ")

    for _ in range(3):
        with pytest.raises(AssertionError, match="the numbers differ"):
            cache.get("group", make)

    assert tried == [1]


def test_the_clock_hands_over_what_was_timed():
    clock, seconds = RecordedClock(), []

    class Benchmark:
        def pedantic(self, advance, rounds: int) -> None:
            for _ in range(rounds):
                start = clock()
                advance()
                seconds.append(clock() - start)

    clock.record(Benchmark(), [0.5, 0.25])
    clock.record(Benchmark(), [2.0])

    assert seconds == pytest.approx([0.5, 0.25, 2.0])
