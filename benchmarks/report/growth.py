"""How time and memory grow: power laws, fitted to what was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

FEWEST_SIZES = 3
"""Through two points goes a line whatever they are."""

_DIGITS = 6  # more of them are those of the machine that computes the fit


@dataclass(frozen=True)
class PowerLaw:
    """The power law ``10**intercept * n**exponent``."""

    exponent: float  # 1 if twice the size takes twice as much
    error: float  # the standard error of the exponent
    intercept: float  # the decimal logarithm of the value at 1
    last: float  # the exponent between the largest two, where what is paid once a call counts least

    def __call__(self, size: Any) -> Any:
        """Return the value at a size."""
        return 10**self.intercept * size**self.exponent

    def __str__(self) -> str:
        """Return the exponent with its standard error."""
        error = f"{self.error:.2f}" if self.error >= 0.005 else "<0.01"
        return f"{self.exponent:.2f} ± {error}"


def fit_power_law(sizes: Sequence[float], values: Sequence[float]) -> PowerLaw | None:
    """Fit a power law by least squares of the logarithms, if there are `FEWEST_SIZES` sizes."""
    points = sorted(
        (size, value) for size, value in zip(sizes, values, strict=True) if min(size, value) > 0
    )
    if len({size for size, _ in points}) < FEWEST_SIZES:
        return None
    fit = stats.linregress(*np.log10(points).T)
    (size, value), (largest, at_largest) = points[-2:]
    last = (
        math.log(at_largest / value) / math.log(largest / size)
        if largest > size
        else fit.slope  # the largest was measured twice
    )
    numbers = (fit.slope, fit.stderr, fit.intercept, last)
    return PowerLaw(*(round(float(number), _DIGITS) for number in numbers))
