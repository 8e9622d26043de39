"""Measures several ways to do one thing in turns, so that a busy machine slows all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Measurement:
    """
    Seconds that each member took, in each round.

    Parameters
    ----------
    seconds : dict of list of float
        By member, one number a round.
    difference : float
        Of the numbers of "stock" and "ours", relative to their size.
    """

    seconds: Mapping[str, list[float]]
    difference: float = field(default=float("nan"))

    def median(self, member: str) -> float:
        """Return the median of a member's seconds."""
        return statistics.median(self.seconds[member])

    def ratios(self, slow: str = "stock", fast: str = "ours") -> list[float]:
        """Return how many times as long the first takes as the second, in each round."""
        return [a / b for a, b in zip(self.seconds[slow], self.seconds[fast], strict=True)]

    def ratio(self, slow: str = "stock", fast: str = "ours") -> float:
        """Return the median of the ratios."""
        return statistics.median(self.ratios(slow, fast))


def measure(members: Mapping[str, Callable[[], Any]], rounds: int = 5) -> Measurement:
    """
    Compare the numbers of "stock" and "ours", then measure all members in turns.

    Parameters
    ----------
    members : dict of callable
        Each does its work once and returns its numbers as an array of NumPy, hence only after
        they are on the host. Those of "stock" and "ours" are compared.
    rounds : int
        How often each is timed.

    Returns
    -------
    measurement : Measurement

    Raises
    ------
    AssertionError
        If the numbers differ.
    """
    first = {name: run() for name, run in members.items()}  # warms up as well
    difference = assert_same(first["stock"], first["ours"])
    for run in members.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in members}
    for _ in range(rounds):
        for name, run in members.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    return Measurement(seconds, difference)


def assert_same(stock: Any, ours: Any) -> float:
    """
    Compare the numbers that two simulators gave.

    Spikes of 32-bit simulations flip where a membrane is within rounding of the threshold, and move
    others; what is compared are the means over time.

    Parameters
    ----------
    stock, ours : ndarray of shape (batch, time, size), or of any shape with fewer axes
        The numbers; with fewer axes each is compared.

    Returns
    -------
    difference : float
        Root mean square of the differences, relative to that of the numbers.

    Raises
    ------
    AssertionError
        If it is more than `TOLERANCE`, or a shape differs.
    """
    stock, ours = np.asarray(stock, np.float64), np.asarray(ours, np.float64)
    assert stock.shape == ours.shape, f"stock has the shape {stock.shape}, ours {ours.shape}"
    if stock.ndim == 3:
        stock, ours = stock.mean(axis=1), ours.mean(axis=1)
    size = np.sqrt(np.mean(stock**2))
    assert size > 0, "the network puts out nothing, hence there is nothing to compare"
    difference = float(np.sqrt(np.mean((ours - stock) ** 2)) / size)
    assert difference <= TOLERANCE, (
        f"the numbers differ from those of nengo_dl.Simulator by {difference:.1e} of their size, "
        f"more than {TOLERANCE:.0e}"
    )
    return difference
