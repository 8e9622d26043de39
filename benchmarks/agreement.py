"""Whether the numbers of two members are the same."""

from __future__ import annotations

from typing import Any

import numpy as np

CLOSE = 1e-4  # of the largest number
LEAST_AGREEMENT = 0.5
ENOUGH_STEPS = 500  # sooner or later rounding moves a spike, however long the simulation is
LARGEST_MEAN_DIFFERENCE = 0.05
LOSSES_DIFFERENCE = 0.01


def assert_same(stock: Any, ours: Any, member: str = "ours") -> float | None:
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
    difference = np.sqrt(np.mean((means - expected) ** 2) / np.mean(expected**2))
    assert difference <= LARGEST_MEAN_DIFFERENCE, (
        f"the means over time of {member} differ from those of stock by {difference:.1%} of their "
        f"size; {LARGEST_MEAN_DIFFERENCE:.0%} are allowed"
    )
    return agreement
