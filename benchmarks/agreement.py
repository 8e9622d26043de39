"""Whether the numbers of two members are the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

CLOSE = 1e-4  # of the largest number
LEAST_AGREEMENT = 0.5
ENOUGH_STEPS = 500  # sooner or later rounding moves a spike, however long the simulation is
LARGEST_MEAN_DIFFERENCE = 0.05
DEVIATIONS = 2.0
LOSS_DIFFERENCE = 0.03


def assert_same(
    expected: Any,
    values: Any,
    member: str = "ours",
    reference: str = "stock",
    *,
    deviations: float = DEVIATIONS,
    loss_difference: float = LOSS_DIFFERENCE,
) -> float | None:
    """
    Compare the numbers of a member, (batch, time, size) or losses (n,), with the reference.

    A spike of a 32-bit simulation flips where a membrane is within rounding of the threshold, and
    then moves others of the same sample. Hence a sample is compared up to the first step at which
    it differs, and in the steps behind it only its mean, which may also differ by so many standard
    deviations of a mean of outputs drawn anew. Returns the share of steps up to which samples
    agree, as a mean over samples.

    Losses may differ by ``loss_difference`` of the largest; None is returned. The slope of a LIF
    rate has no bound near the threshold, so rounding changes gradients: even with 64 bits, inputs
    changed by 1e-14 changed the loss of nengo_dl.Simulator after 20 minibatches of 1,000 samples
    times steps by 0.6 %. This finds coarse errors of training; the tests find fine ones.
    """
    expected, values = np.asarray(expected, np.float64), np.asarray(values, np.float64)
    assert expected.shape == values.shape, (
        f"{reference} has the shape {expected.shape}, {member} {values.shape}"
    )
    size = np.abs(expected).max()
    assert size > 0, "the network puts out nothing, hence there is nothing to compare"
    if expected.ndim == 1:
        assert np.abs(values - expected).max() <= loss_difference * size, (
            f"losses of {member} are {values}; those of {reference} are {expected}, "
            f"where {loss_difference:.1%} of difference is allowed"
        )
        return None
    close = np.abs(values - expected) <= CLOSE * size
    agreement = float(np.logical_and.accumulate(close.all(axis=2), axis=1).mean())
    needed = min(LEAST_AGREEMENT, ENOUGH_STEPS / expected.shape[1])
    assert agreement >= needed, (
        f"the outputs of {member} are those of {reference}, within {CLOSE:.0e} of the largest, "
        f"only for {agreement:.0%} of the steps, as a mean over samples; {needed:.0%} are needed"
    )
    means, expected_means = values.mean(axis=1), expected.mean(axis=1)
    mean_size = _root_mean_square(expected_means) or size
    difference = _root_mean_square(means - expected_means) / mean_size
    spread = _root_mean_square(expected - expected_means[:, np.newaxis]) / mean_size
    error = spread * math.sqrt(2 * (1 - agreement) / expected.shape[1])
    allowed = LARGEST_MEAN_DIFFERENCE + deviations * error
    assert difference <= allowed, (
        f"the means over time of {member} differ from those of {reference} by {difference:.1%} of "
        f"their size; {allowed:.1%} are allowed where they agree for {agreement:.0%} of the steps"
    )
    return agreement


def _root_mean_square(values: np.ndarray) -> float:
    return math.sqrt(np.mean(np.square(values)))
