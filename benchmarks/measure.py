"""Measures several ways to do one thing in turns, so that a busy machine slows all of them."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

CLOSE = 1e-4  # of the largest number
LEAST_AGREEMENT = 0.5
LARGEST_MEAN_DIFFERENCE = 0.05
LOSSES_DIFFERENCE = 0.01
LEAST_SECONDS = 0.1
"""What takes less is done several times for one timing."""


@dataclass(frozen=True)
class Measurement:
    """
    Seconds that each member took, in each round.

    Parameters
    ----------
    seconds : dict of list of float
        By member, one number a round.
    agreement : float or None
        The share of steps, 0 to 1, up to which the numbers of "stock" and "ours" agree.
    """

    seconds: Mapping[str, list[float]]
    agreement: float | None = None

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
    members: Mapping[str, Callable[[], Any]], rounds: int = 5, same: bool = True
) -> Measurement:
    """
    Compare the numbers of "stock" and "ours", then measure all members in turns.

    Parameters
    ----------
    members : dict of callable
        Each does its work once and returns its numbers as an array of NumPy, hence only after
        they are on the host. Those of "stock" and "ours" are compared.
    rounds : int
        How often each is timed.
    same : bool
        Whether the numbers have to be the same.

    Returns
    -------
    measurement : Measurement

    Raises
    ------
    AssertionError
        If the numbers differ.
    """
    first = {name: run() for name, run in members.items()}  # warms up as well
    agreement = assert_same(first["stock"], first["ours"]) if same else None
    repeats = {name: math.ceil(LEAST_SECONDS / _time(run)) for name, run in members.items()}
    seconds: dict[str, list[float]] = {name: [] for name in members}
    for _ in range(rounds):
        for name, run in members.items():
            seconds[name].append(_time(run, repeats[name]))
    return Measurement(seconds, agreement)


def _time(run: Callable[[], Any], repeats: int = 1) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return (time.perf_counter() - start) / repeats


def assert_same(stock: Any, ours: Any) -> float | None:
    """
    Compare the numbers that two simulators gave.

    A spike of a 32-bit simulation flips where a membrane is within rounding of the threshold, and
    then moves others of the same sample. Hence each sample is compared up to the first step at
    which it differs, and for the steps behind it only its mean.

    The slope of a LIF rate has no bound near the threshold. Rounding alone, put into
    nengo_dl.Simulator, changed gradients by 1 % and the losses of an epoch by 0.3 %. What is
    compared here finds coarse errors of training; the tests do so for fine ones, with 64 bits.

    Parameters
    ----------
    stock, ours : ndarray of shape (batch, time, size), or of shape (n,) for losses
        The numbers.

    Returns
    -------
    agreement : float or None
        The share of steps up to which samples agree, as a mean over samples; None for losses.

    Raises
    ------
    AssertionError
        If samples differ early, means over time differ, or any loss does.
    """
    stock, ours = np.asarray(stock, np.float64), np.asarray(ours, np.float64)
    assert stock.shape == ours.shape, f"stock has the shape {stock.shape}, ours {ours.shape}"
    size = np.abs(stock).max()
    assert size > 0, "the network puts out nothing, hence there is nothing to compare"
    if stock.ndim == 1:
        assert np.abs(ours - stock).max() <= LOSSES_DIFFERENCE * size, (
            f"losses are {ours}; with nengo_dl.Simulator they are {stock}, "
            f"where {LOSSES_DIFFERENCE:.0%} of difference is allowed"
        )
        return None
    close = np.abs(ours - stock) <= CLOSE * size
    agreement = float(np.logical_and.accumulate(close.all(axis=2), axis=1).mean())
    assert agreement >= LEAST_AGREEMENT, (
        f"only for {agreement:.0%} of the steps, as a mean over samples, are the outputs those of "
        f"nengo_dl.Simulator, within {CLOSE:.0e} of the largest; {LEAST_AGREEMENT:.0%} are needed"
    )
    means, expected = ours.mean(axis=1), stock.mean(axis=1)
    difference = np.sqrt(np.mean((means - expected) ** 2) / np.mean(expected**2))
    assert difference <= LARGEST_MEAN_DIFFERENCE, (
        f"the outputs' means over time differ from those of nengo_dl.Simulator by {difference:.1%}"
        f" of their size; {LARGEST_MEAN_DIFFERENCE:.0%} are allowed"
    )
    return agreement
