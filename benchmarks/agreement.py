"""Whether the numbers of two members are the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

CLOSE = 1e-4  # of the largest number
LEAST_AGREEMENT = 0.5
ENOUGH_STEPS = 500  # sooner or later rounding moves a spike, however long the simulation is
LARGEST_MEAN_DIFFERENCE = 0.05
DEVIATIONS = 2.0  # standard errors of means over time, where spikes are other ones
LOSSES_DIFFERENCE = 0.03


def assert_same(stock: Any, ours: Any, member: str = "ours") -> float | None:
    """
    Compare the numbers that two simulators gave.

    A spike of a 32-bit simulation flips where a membrane is within rounding of the threshold, and
    then moves others of the same sample. Hence each sample is compared up to the first step at
    which it differs, and for the steps behind it only its mean. That of few steps says little: what
    the mean would differ by if outputs were drawn anew in those steps is allowed as well.

    The slope of a LIF rate has no bound near the threshold, so the more neurons and steps there
    are, the more rounding changes gradients. Even with 64 bits, inputs changed by 1e-14 changed the
    loss that nengo_dl.Simulator has after 20 minibatches of 1,000 samples times steps by 0.6 %.
    What is compared here finds coarse errors of training; the tests do so for fine ones.

    Parameters
    ----------
    stock, ours : ndarray of shape (batch, time, size), or of shape (n,) for losses
        The numbers.
    member : str
        Whose numbers the second are, for messages.

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
    assert stock.shape == ours.shape, f"stock has the shape {stock.shape}, {member} {ours.shape}"
    size = np.abs(stock).max()
    assert size > 0, "the network puts out nothing, hence there is nothing to compare"
    if stock.ndim == 1:
        assert np.abs(ours - stock).max() <= LOSSES_DIFFERENCE * size, (
            f"losses of {member} are {ours}; those of stock are {stock}, "
            f"where {LOSSES_DIFFERENCE:.0%} of difference is allowed"
        )
        return None
    close = np.abs(ours - stock) <= CLOSE * size
    agreement = float(np.logical_and.accumulate(close.all(axis=2), axis=1).mean())
    needed = min(LEAST_AGREEMENT, ENOUGH_STEPS / stock.shape[1])
    assert agreement >= needed, (
        f"the outputs of {member} are those of stock, within {CLOSE:.0e} of the largest, only for "
        f"{agreement:.0%} of the steps, as a mean over samples; {needed:.0%} are needed. If "
        "weights start at random, their initialisers need a seed"
    )
    means, expected = ours.mean(axis=1), stock.mean(axis=1)
    mean_size = _root_mean_square(expected) or size
    difference = _root_mean_square(means - expected) / mean_size
    spread = _root_mean_square(stock - expected[:, np.newaxis]) / mean_size
    error = spread * math.sqrt(2 * (1 - agreement) / stock.shape[1])
    allowed = LARGEST_MEAN_DIFFERENCE + DEVIATIONS * error
    assert difference <= allowed, (
        f"the means over time of {member} differ from those of stock by {difference:.1%} of their "
        f"size; {allowed:.1%} are allowed where they agree for {agreement:.0%} of the steps"
    )
    return agreement


def _root_mean_square(values: np.ndarray) -> float:
    return math.sqrt(np.mean(np.square(values)))
