"""How the gradients of a parameter differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class GradientDifference:
    """
    How the gradients of a loss for a parameter differ.

    Parameters
    ----------
    name : str
        The name of the parameter, in the first network or, where it trains in the second alone,
        there.
    norm_a, norm_b : float or None
        The Euclidean norm of the gradient in each; None where it does not train.
    difference : float or None
        The norm of the difference, as a part of the greater of both; None if that can't be
        computed.
    cosine : float or None
        The cosine of the angle between both.
    """

    name: str
    norm_a: float | None
    norm_b: float | None
    difference: float | None
    cosine: float | None


def differ(name: str, a: np.ndarray | None, b: np.ndarray | None) -> GradientDifference:
    """Compare two gradients of one parameter."""
    norms = [None if each is None else float(np.linalg.norm(each)) for each in (a, b)]
    difference = cosine = None
    if a is not None and b is not None and a.shape == b.shape:
        largest = max(norm for norm in norms if norm is not None)
        apart = float(np.linalg.norm(np.asarray(a, dtype=np.float64) - b))
        difference = apart / largest if largest else 0.0
        if norms[0] and norms[1]:
            cosine = float(np.vdot(a, b) / (norms[0] * norms[1]))
    return GradientDifference(name, norms[0], norms[1], difference, cosine)
