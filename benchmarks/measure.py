"""Measures several ways to do one thing in turns, so that a busy machine slows all of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from benchmarks.agreement import assert_same

ROUNDS = 5
LEAST_ROUNDS = 3
MANY_SECONDS = 8.0  # where a round of all members takes longer, there are fewer rounds
MOST_ROUNDS = 11
# where the slowest of the middle half of rounds took so many times as long as the fastest, there
# are more rounds, as long as all of them take less than `MOST_SECONDS`
NOISY = 1.3
MOST_SECONDS = 20.0

LEAST_SECONDS = 0.1  # what takes less is done several times for one timing
COMPARED = ("layer", "ours")  # who has to give the numbers of "stock". Plain tf.keras has no spikes


@dataclass(frozen=True)
class Measurement:
    """Seconds of each member, one a round, and how far its numbers agree with the reference."""

    seconds: Mapping[str, list[float]]
    agreement: Mapping[str, float] = field(default_factory=dict)  # shares of steps
    loss_difference: Mapping[str, float] = field(default_factory=dict)  # relative, among peers

    def median(self, member: str) -> float:
        """Return the median of a member's seconds."""
        return statistics.median(self.seconds[member])

    def ratios(self, slow: str = "stock", fast: str = "ours") -> list[float]:
        """Return how many times as long the first takes as the second, in each round."""
        return [a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True)]

    def ratio(self, slow: str = "stock", fast: str = "ours") -> float:
        """Return the median of the ratios."""
        return statistics.median(self.ratios(slow, fast))

    def figures(
        self, member: str, samples_steps: int | None = None, reference: str = "stock"
    ) -> dict[str, float]:
        """
        Return the figures of a member for reports, besides its seconds.

        Ratios are to the reference, within the same round, if it was measured: how many times as
        fast as "stock", or how many times as long as "ours". ``times_of_keras`` is how many times
        as long as "keras" ours takes.
        """
        figures: dict[str, float] = {}
        if samples_steps is not None:
            figures["samples_steps"] = samples_steps
            figures["samples_steps_per_second"] = samples_steps / self.median(member)
        if reference in self.seconds:
            pair = (member, "ours") if reference == "ours" else ("stock", member)
            ratios = self.ratios(*pair)
            figures[f"ratio_to_{reference}"] = self.ratio(*pair)
            figures |= {"ratio_least": min(ratios), "ratio_most": max(ratios)}
        if member == "ours" and "keras" in self.seconds:
            figures["times_of_keras"] = self.ratio("ours", "keras")
        for name in ("agreement", "loss_difference"):
            if member in getattr(self, name):
                figures[name] = getattr(self, name)[member]
        return figures


def measure(
    members: Mapping[str, Callable[[], Any]],
    rounds: int | None = None,
    same: bool = True,
    remark: str = "",
) -> Measurement:
    """
    Compare the numbers of the members with those of "stock", then measure all in turns.

    A member does its work once and returns its numbers as an array of NumPy, hence only after they
    are on the host. Unless they need not be the same, those of "layer" and "ours" are compared with
    those of "stock"; an error ends with the remark. Rounds are as for `take_turns`.
    """
    first = {name: run() for name, run in members.items()}  # warms up as well
    agreement: dict[str, float] = {}
    for name in COMPARED if same and "stock" in first else ():
        if name not in first:
            continue
        try:
            share = assert_same(first["stock"], first[name], name)
        except AssertionError as error:
            raise AssertionError(f"{error}{remark}") from None
        if share is not None:
            agreement[name] = share
    del first
    seconds = take_turns({name: partial(_time, run) for name, run in members.items()}, rounds)
    return Measurement(seconds, agreement)


def take_turns(
    timers: Mapping[str, Callable[..., float]], rounds: int | None = None
) -> dict[str, list[float]]:
    """
    Time members in turns; return seconds, one number a round.

    A timer does its work as often as is given, and returns the seconds of one time. By default
    there are `ROUNDS`, or `LEAST_ROUNDS` where they take long, and up to `MOST_ROUNDS` where a busy
    machine disturbs them.
    """
    once = {name: time_it() for name, time_it in timers.items()}
    repeats = {name: math.ceil(LEAST_SECONDS / duration) for name, duration in once.items()}
    seconds: dict[str, list[float]] = {name: [] for name in timers}
    order = list(timers)

    def do_round() -> None:
        for name in order:
            seconds[name].append(timers[name](repeats[name]))
        order.append(order.pop(0))  # who comes first changes

    most = rounds
    if rounds is None:
        a_round = sum(duration * repeats[name] for name, duration in once.items())
        rounds = ROUNDS if a_round < MANY_SECONDS else LEAST_ROUNDS
        most = min(MOST_ROUNDS, int(MOST_SECONDS / a_round))
    for _ in range(rounds):
        do_round()
    while rounds < most and any(map(_is_noisy, seconds.values())):
        do_round()
        rounds += 1
    return seconds


def _is_noisy(seconds: list[float]) -> bool:
    least, _, most = statistics.quantiles(seconds, method="inclusive")
    return most > NOISY * least


def _time(run: Callable[[], Any], repeats: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats
