"""How two networks differ: the results of a comparison, and its report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nengo_layers_plus.graph import Line, Report, Table, listed, plain

_SHOWN = 20
_FEW = 5
# relative to a gradient; below it, gradients differ by rounding alone
_GRADIENT_ROUNDING = 1e-4
# relative to the largest value; below it, numbers differ by rounding alone
_ROUNDING = {4: 1e-5, 8: 1e-10}


@dataclass(frozen=True, eq=False)
class Divergence:
    """
    How far the outputs of two objects are apart, over time.

    Parameters
    ----------
    name : str
        The name of the objects, or both names.
    objects : tuple of NengoObject
        The objects; of an ensemble its neurons were recorded.
    kind : str
        That of a `.graph.GraphObject`.
    difference : array
        The greatest difference of any item and unit at each step, ``(n_steps,)``; ``nan`` if the
        outputs have different shapes.
    scale : float
        The greatest absolute value in the output of the first.
    shapes : tuple of tuple of int
        The shapes of the outputs, ``(batch, time, size)``.
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
    """Compare the outputs of two objects, ``(batch, time, size)``."""
    scale = _largest(a)
    if a.shape != b.shape:
        difference = np.full(a.shape[1], np.nan)
        return Divergence(name, objects, kind, difference, scale, (a.shape, b.shape), 1)
    apart = np.abs(a.astype(np.float64) - b)
    # NaN in both is no difference
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    difference = np.max(apart, axis=(0, 2), initial=0)
    tolerance = _ROUNDING[min(a.dtype.itemsize, b.dtype.itemsize, 8)] * max(scale, _largest(b))
    beyond = np.flatnonzero(~(difference <= tolerance))
    first = int(beyond[0]) + 1 if len(beyond) else None
    return Divergence(name, objects, kind, difference, scale, (a.shape, b.shape), first)


def first_of(divergences: Iterable[Divergence]) -> Divergence | None:
    """Return the divergence at the earliest step; of several the first."""
    differing = [divergence for divergence in divergences if divergence.first_step is not None]
    return min(differing, key=lambda divergence: divergence.first_step or 0, default=None)


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values[np.isfinite(values)]), initial=0))


def distance(outputs_a: list[np.ndarray], outputs_b: list[np.ndarray]) -> float:
    """
    Return how far outputs are apart, as a part of their size.

    Returns
    -------
    distance : float
        The root of the mean square of the difference, over that of the first (of the second if that
        is all 0); infinite if their shapes differ.
    """
    pairs = list(zip(outputs_a, outputs_b, strict=True))
    if any(a.shape != b.shape for a, b in pairs):
        return np.inf
    apart, size_a, size_b = (
        float(sum(np.sum(np.square(values, dtype=np.float64)) for values in arrays))
        for arrays in ([a.astype(np.float64) - b for a, b in pairs], outputs_a, outputs_b)
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
    """Compare two gradients for one parameter; None where it does not train."""
    norm_a, norm_b = (None if x is None else float(np.linalg.norm(x)) for x in (a, b))
    difference = cosine = None
    if a is not None and b is not None and a.shape == b.shape:
        largest = max(norm_a or 0.0, norm_b or 0.0)
        apart = float(np.linalg.norm(np.asarray(a, dtype=np.float64) - b))
        difference = apart / largest if largest else 0.0
        if norm_a and norm_b:
            cosine = float(np.vdot(a, b) / (norm_a * norm_b))
    return GradientDifference(name, norm_a, norm_b, difference, cosine)


@dataclass(frozen=True, eq=False)
class Difference:
    """
    One way in which two networks differ, at all places where they do.

    Parameters
    ----------
    what : str
        What differs, e.g. ``"synapse"``.
    group : str
        What kind of difference that is: ``"structure"``, ``"shape"``, ``"synapse"``,
        ``"training"``, ``"neurons"``, ``"weights"``, ``"layer"``, ``"input"``, ``"recording"``,
        ``"simulation"`` or ``"seed"``.
    places : tuple of tuple of str or None
        The names of the objects or connections in each network. None where there is none.
    objects : tuple of tuple of NengoObject or None
        The objects themselves. For what is true of a network or a Simulator as a whole, that.
    value_a, value_b : str
        The value in each network.
    meaning : str
        What the difference does.
    remedy : str
        What to change in the second to make it like the first.
    consequences : tuple of str
        What else differs because of it.
    effect : float or None
        The share by which the distance of the outputs shrinks when this difference is undone alone:
        1 if they become the same, 0 if nothing changes, below 0 if the distance grows. None if it
        was not measured.
    note : str
        What else is known of the effect, or why it was not measured.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import compare
    >>> def build(synapse):
    ...     with nengo.Network(seed=0) as net:
    ...         image = nengo.Node([0.5], label="image")
    ...         neurons = nengo.Ensemble(5, 1, label="hidden").neurons
    ...         nengo.Connection(image, neurons[:1], synapse=synapse)
    ...         nengo.Probe(neurons)
    ...     return net
    >>> (difference,) = compare(build(None), build(0.01))
    >>> difference.what, difference.places, difference.value_a, difference.value_b
    ('synapse', (('image->hidden', 'image->hidden'),), 'None', 'Lowpass(tau=0.01)')
    """

    what: str
    group: str
    places: tuple[tuple[str | None, str | None], ...]
    objects: tuple[tuple[Any, Any], ...] = field(repr=False)
    value_a: str
    value_b: str
    meaning: str
    remedy: str
    consequences: tuple[str, ...] = ()
    effect: float | None = None
    note: str = ""

    @property
    def where(self) -> str:
        """The names of all places, in words."""
        return ", ".join(write_place(*place) for place in self.places)


def write_place(a: str | None, b: str | None) -> str:
    """Return the name of a place in two networks."""
    if a is None or b is None or a == b:
        return str(b if a is None else a)
    return f"{a} (in b {b})"


@dataclass(frozen=True, eq=False)
class Comparison(Report):
    """
    How two networks differ. It is true if they are the same, and could be run where that was asked.

    ``str`` writes it, terminals with rich and notebooks show it in colour. Iterating over it gives
    the differences.

    Parameters
    ----------
    title_a, title_b : str
        The names of the networks.
    differences : tuple of Difference
        All differences, those that change most first: by their measured effect on the outputs where
        the networks were run, else by what they are about.
    pairs : tuple of tuple of NengoObject
        Which objects and connections have the same place.
    only_in_a, only_in_b : tuple of NengoObject
        The others.
    divergences : tuple of Divergence
        If the networks were run, how far the outputs of their objects are apart, in the order data
        flows.
    gradients : tuple of GradientDifference
        If a loss was given, how its gradients differ.
    dt : float
        The length of a step (s).
    distance : float or None
        If the networks were run, how far the outputs of their probes are apart: the root of the
        mean square of the difference, over that of the first. Infinite if their shapes differ.
    remaining : float or None
        The same with all differences undone that can be undone: 0 if they explain everything.
    notes : tuple of str
        What else should be known to read it.
    failure : str
        Which of the networks could not be run, and why; empty if both were, or none had to be.
    """

    title_a: str
    title_b: str
    differences: tuple[Difference, ...]
    pairs: tuple[tuple[Any, Any], ...]
    only_in_a: tuple[Any, ...]
    only_in_b: tuple[Any, ...]
    divergences: tuple[Divergence, ...] = ()
    gradients: tuple[GradientDifference, ...] = ()
    dt: float = 0.001
    distance: float | None = None
    remaining: float | None = None
    notes: tuple[str, ...] = ()
    failure: str = ""

    def __bool__(self) -> bool:
        return not self.differences and not self.failure

    def __iter__(self) -> Iterator[Difference]:
        return iter(self.differences)

    def __len__(self) -> int:
        return len(self.differences)

    def __getitem__(self, index: int) -> Difference:
        return self.differences[index]

    @property
    def first_divergence(self) -> Divergence | None:
        """The divergence at the earliest step; of several the first in the order data flows."""
        return first_of(self.divergences)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a dict for each place of each difference, e.g. for ``pandas.DataFrame``."""
        texts = ("value_a", "value_b", "effect", "meaning", "remedy")
        return [
            {"what": difference.what, "group": difference.group, "a": name_a, "b": name_b}
            | {name: getattr(difference, name) for name in texts}
            | {"consequences": "; ".join(difference.consequences), "note": difference.note}
            for difference in self.differences
            for name_a, name_b in difference.places
        ]

    # as text

    def __repr__(self) -> str:
        titles = f"{self.title_a} and {self.title_b}"
        return plain(f"<{type(self).__name__} of {titles}: {self._verdict()}>")

    def _parts(self) -> Iterator[Line | Table]:
        yield from self._titles()
        for number, difference in enumerate(self.differences[:_SHOWN], 1):
            yield Line("")
            yield Line(f"{number}. {difference.what}: {_places(difference)}", "bold")
            yield from _lines(difference)
        for lines in (self._more(), self._findings()):
            yield from map(Line, ["", *lines] if lines else [])

    def _repr_html_(self) -> str:
        header = ("what", "where", "a", "b", "effect", "meaning")
        rows = [
            (
                difference.what,
                _places(difference),
                difference.value_a,
                difference.value_b,
                "" if difference.effect is None else _percent(difference.effect),
                f"{difference.meaning}. {difference.remedy[:1].upper()}{difference.remedy[1:]}.",
            )
            for difference in self.differences[:_SHOWN]
        ]
        table = [Table(header, rows)] if rows else []
        parts: list[Line | Table] = [
            *self._titles(),
            *table,
            *map(Line, (*self._more(), *self._findings())),
        ]
        return "".join(part.html() for part in parts)

    def _titles(self) -> Iterator[Line]:
        yield Line(f"a: {self.title_a}", "cyan")
        yield Line(f"b: {self.title_b}", "magenta")
        yield Line(self._verdict(), "bold green" if self else "bold red")

    def _more(self) -> list[str]:
        more = len(self) - _SHOWN
        return [f"... and {more} more, in .differences"] if more > 0 else []

    def _verdict(self) -> str:
        if self:
            return "they are the same" + (" and put out the same" if self.divergences else "")
        if not self.differences:
            return "no difference was found, but they could not be run beside each other"
        return f"{len(self)} difference{'' if len(self) == 1 else 's'}"

    def _findings(self) -> list[str]:
        lines = [self.failure] if self.failure else []
        first = self.first_divergence
        if first is not None:
            lines.append(f"The output first differs at {first.name}: {_write_first(first)}.")
        if self.distance is not None and self.differences:
            lines.append(f"The outputs {_write_distance(self.distance)}.")
        if self.remaining is not None:
            distance = _write_distance(self.remaining)
            lines.append(f"With all differences undone that can be undone, they {distance}.")
        differing = [gradient for gradient in self.gradients if _differs(gradient)]
        if self.gradients:
            counts = f"{len(differing)} of {len(self.gradients)}"
            end = ":" if differing else "."
            lines.append(f"The gradients of {counts} parameters differ{end}")
        lines += [
            f"  {gradient.name}: {_write_gradient(gradient)}" for gradient in differing[:_SHOWN]
        ]
        if len(differing) > _SHOWN:
            lines.append(f"  ... and {len(differing) - _SHOWN} more, in .gradients")
        return [*lines, *self.notes]


def _places(difference: Difference) -> str:
    return listed((write_place(*place) for place in difference.places), _FEW)


def _lines(difference: Difference) -> Iterator[Line]:
    yield Line(f"a: {difference.value_a}", "cyan", indent=3)
    yield Line(f"b: {difference.value_b}", "magenta", indent=3)
    yield Line(difference.meaning, indent=3)
    yield Line(f"-> {difference.remedy}", "bold", indent=3)
    more = len(difference.consequences) - _FEW
    for consequence in difference.consequences[:_FEW]:
        yield Line(f"follows: {consequence}", "dim", indent=3)
    if more > 0:
        yield Line(f"... and {more} more, in .consequences", "dim", indent=3)
    if difference.effect:
        changes = "reduces" if difference.effect > 0 else "increases"
        share = _percent(abs(difference.effect))
        yield Line(f"undoing it alone {changes} the distance of the outputs by {share}", indent=3)
    if difference.note:
        yield Line(difference.note, indent=3)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _write_distance(distance: float) -> str:
    if np.isinf(distance):
        return "can't be compared, since their shapes differ"
    if distance == 0:
        return "are the same to the last bit"
    return f"differ by {_percent(distance)} of their size (root mean square)"


def _write_first(first: Divergence) -> str:
    shape_a, shape_b = first.shapes
    if shape_a != shape_b:
        return f"its shape is {shape_a} in a, {shape_b} in b (batch, time, size)"
    assert first.first_step is not None
    now = first.difference[first.first_step - 1]
    return (
        f"at step {first.first_step} by {now:.3g}, later by up to {first.largest:.3g} "
        f"(its largest value in a is {first.scale:.3g})"
    )


def _differs(gradient: GradientDifference) -> bool:
    if (gradient.norm_a is None) != (gradient.norm_b is None):
        return True
    return gradient.difference is None or gradient.difference > _GRADIENT_ROUNDING


def _write_gradient(gradient: GradientDifference) -> str:
    norms = (
        f"not trained in {side}" if norm is None else f"norm {norm:.3g} in {side}"
        for side, norm in (("a", gradient.norm_a), ("b", gradient.norm_b))
    )
    text = ", ".join(norms)
    if gradient.difference is not None:
        text += f", differ by {_percent(gradient.difference)}"
    if gradient.cosine is not None:
        text += f", cosine {gradient.cosine:.3f}"
    return text
