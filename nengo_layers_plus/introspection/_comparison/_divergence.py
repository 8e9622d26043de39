"""How far apart what two networks compute is: outputs over time, and gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# relative to the largest value; below it, numbers differ by rounding alone
_ROUNDING = {4: 1e-5, 8: 1e-10}


@dataclass(frozen=True, eq=False)
class Divergence:
    """
    How far what two objects put out is apart, over time.

    Parameters
    ----------
    name : str
        The name of the objects, or both names.
    objects : tuple of NengoObject
        The objects; of an ensemble its neurons were recorded.
    kind : str
        That of a `.graph.GraphObject`.
    difference : array
        The greatest difference of any item and unit at each step, ``(n_steps,)``; ``nan`` if they
        put out arrays of other shapes.
    scale : float
        The greatest absolute value that the first puts out.
    shapes : tuple of tuple of int
        The shapes of what they put out, ``(batch, time, size)``.
    first_step : int or None
        The first step, counted from 1, at which they differ by more than rounding; None if they do
        not.
    """

    name: str
    objects: tuple[Any, Any] = field(repr=False)
    kind: str
    difference: np.ndarray = field(repr=False)
    scale: float
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    first_step: int | None

    @property
    def largest(self) -> float:
        """The greatest difference at any step; ``nan`` if they can't be compared."""
        return float(np.max(self.difference, initial=0))


def diverge(
    name: str, kind: str, objects: tuple[Any, Any], a: np.ndarray, b: np.ndarray
) -> Divergence:
    """Compare what two objects put out, ``(batch, time, size)``."""
    scale = _largest(a)
    if a.shape != b.shape:
        difference = np.full(a.shape[1], np.nan)
        return Divergence(name, objects, kind, difference, scale, (a.shape, b.shape), 1)
    apart = np.abs(a.astype(np.float64) - b)
    # what is not a number in both is the same in both
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    difference = np.max(apart, axis=(0, 2), initial=0)
    tolerance = _ROUNDING[min(a.dtype.itemsize, b.dtype.itemsize, 8)] * max(scale, _largest(b))
    beyond = np.flatnonzero(~(difference <= tolerance))
    first = int(beyond[0]) + 1 if len(beyond) else None
    return Divergence(name, objects, kind, difference, scale, (a.shape, b.shape), first)


def first_of(divergences: Iterable[Divergence]) -> Divergence | None:
    """Return what differs at the earliest step; of several the first."""
    differing = [each for each in divergences if each.first_step is not None]
    return min(differing, key=lambda each: each.first_step or 0, default=None)


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0))


def distance(outputs_a: list[np.ndarray], outputs_b: list[np.ndarray]) -> float:
    """
    Return how far outputs are apart, as a part of their size.

    Returns
    -------
    distance : float
        The root of the mean square of the difference, over that of the first (of the second if that
        is all 0); infinite if they have other shapes.
    """
    pairs = list(zip(outputs_a, outputs_b, strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        return np.inf
    apart, size_a, size_b = (
        float(sum(np.sum(np.square(each, dtype=np.float64)) for each in some))
        for some in ([a.astype(np.float64) - b for a, b in pairs], outputs_a, outputs_b)
    )
    if apart == 0:
        return 0.0
    return float(np.sqrt(apart / (size_a or size_b)))


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
