"""Measures several ways to do one thing in turns, so that a busy machine slows all of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.agreement import assert_same

ROUNDS = 5
LEAST_ROUNDS = 3
MANY_SECONDS = 8.0
"""Where a round of all members takes longer, there are fewer rounds."""

MOST_ROUNDS = 11
NOISY = 1.3
"""Where the slowest of the middle half of rounds took so many times as long as the fastest, there
are more rounds, as long as all of them take less than `MOST_SECONDS`."""

MOST_SECONDS = 20.0

LEAST_SECONDS = 0.1
"""What takes less is done several times for one timing."""

COMPARED = ("layer", "ours")
"""Who has to give the numbers of "stock". Plain tf.keras has no spikes."""


@dataclass(frozen=True)
class Measurement:
    """
    Seconds that each member took, in each round.

    Parameters
    ----------
    seconds : dict of list of float
        By member, one number a round.
    agreement : dict of float
        By member, the share of steps, 0 to 1, up to which its numbers are those of "stock".
    """

    seconds: Mapping[str, list[float]]
    agreement: Mapping[str, float] = field(default_factory=dict)

    def median(self, member: str) -> float:
        """Return the median of a member's seconds."""
        return statistics.median(self.seconds[member])

    def ratios(self, slow: str = "stock", fast: str = "ours") -> list[float]:
        """Return how many times as long the first takes as the second, in each round."""
        return [a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True)]

    def ratio(self, slow: str = "stock", fast: str = "ours") -> float:
        """Return the median of the ratios."""
        return statistics.median(self.ratios(slow, fast))


def measure(
    members: Mapping[str, Callable[[], Any]],
    rounds: int | None = None,
    same: bool = True,
    remark: str = "",
) -> Measurement:
    """
    Compare the numbers of the members with those of "stock", then measure all in turns.

    Parameters
    ----------
    members : dict of callable
        Each does its work once and returns its numbers as an array of NumPy, hence only after
        they are on the host. Those of "layer" and "ours" are compared with those of "stock".
    rounds : int
        How often each is timed; by default `ROUNDS`, or `LEAST_ROUNDS` of what takes long, and up
        to `MOST_ROUNDS` of what a busy machine disturbs.
    same : bool
        Whether the numbers have to be the same.
    remark : str
        What is said beside, where they differ.

    Returns
    -------
    measurement : Measurement

    Raises
    ------
    AssertionError
        If the numbers differ.
    """
    first = {name: run() for name, run in members.items()}  # warms up as well
    agreement = {}
    if same and "stock" in first:
        for name in COMPARED:
            if name in first:
                try:
                    agreement[name] = assert_same(first["stock"], first[name], name)
                except AssertionError as error:
                    raise AssertionError(f"{error}{remark}") from None
    del first
    once = {name: _time(run) for name, run in members.items()}
    repeats = {name: math.ceil(LEAST_SECONDS / each) for name, each in once.items()}
    seconds: dict[str, list[float]] = {name: [] for name in members}
    order = list(members)

    def do_round() -> None:
        for name in order:
            seconds[name].append(_time(members[name], repeats[name]))
        order.append(order.pop(0))  # who comes first changes

    if rounds is not None:
        more = 0
    else:
        a_round = sum(each * repeats[name] for name, each in once.items())
        rounds = ROUNDS if a_round < MANY_SECONDS else LEAST_ROUNDS
        more = min(MOST_ROUNDS, int(MOST_SECONDS / a_round)) - rounds
    for _ in range(rounds):
        do_round()
    while more > 0 and any(_is_noisy(each) for each in seconds.values()):
        do_round()
        more -= 1
    return Measurement(
        seconds, {name: each for name, each in agreement.items() if each is not None}
    )


def _is_noisy(seconds: list[float]) -> bool:
    least, _, most = statistics.quantiles(seconds, method="inclusive")
    return most > NOISY * least


def _time(run: Callable[[], Any], repeats: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats
