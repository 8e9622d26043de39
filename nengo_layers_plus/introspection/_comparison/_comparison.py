"""How two networks differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nengo_layers_plus.graph import Line, Report, Table, listed, plain
from nengo_layers_plus.introspection._comparison._divergence import (
    Divergence,
    GradientDifference,
    first_of,
)

_SHOWN = 20
_FEW = 5
# relative to a gradient; below it, gradients differ by rounding alone
_ROUNDING = 1e-4


@dataclass(frozen=True, eq=False)
class Difference:
    """
    One way in which two networks differ, wherever it is found.

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
        What is found in each.
    meaning : str
        What it does.
    remedy : str
        What to change in the second to make it like the first.
    consequences : tuple of str
        What else differs because of it.
    effect : float or None
        How much of the difference of the outputs goes away when this one is undone alone: 1 if all
        of it does, 0 if it does not matter, below 0 if the outputs get farther apart. None if it
        was not tried.
    note : str
        What was found when it was undone, or why it was not tried.

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
    How two networks differ. It is true where they are the same, and could be run if asked to be.

    ``str`` writes it, terminals with rich and notebooks show it in colour. Iterating over it gives
    the differences.

    Parameters
    ----------
    title_a, title_b : str
        What was compared.
    differences : tuple of Difference
        All differences, those that change most first: by their measured effect on the outputs where
        the networks were run, else by what they are about.
    pairs : tuple of tuple of NengoObject
        Which objects and connections have the same place.
    only_in_a, only_in_b : tuple of NengoObject
        The others.
    divergences : tuple of Divergence
        If the networks were run, how far what their objects put out is apart, in the order data
        flows.
    gradients : tuple of GradientDifference
        If a loss was given, how its gradients differ.
    dt : float
        The length of a step (s).
    distance : float or None
        If the networks were run, how far the outputs of their probes are apart: the root of the
        mean square of the difference, over that of the first. Infinite if they have other shapes.
    remaining : float or None
        The same with all differences undone that can be undone: 0 if they explain everything.
    notes : tuple of str
        What should be known to read it.
    failure : str
        Which of the networks could not be run, and why; empty where they were, or none was asked
        to be.
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
        """What differs at the earliest step; of several the first in the order data flows."""
        return first_of(self.divergences)

    def to_dicts(self) -> list[dict[str, Any]]:
        """Return a dict for each place of each difference, e.g. for ``pandas.DataFrame``."""
        texts = ("value_a", "value_b", "effect", "meaning", "remedy")
        return [
            {"what": each.what, "group": each.group, "a": name_a, "b": name_b}
            | {name: getattr(each, name) for name in texts}
            | {"consequences": "; ".join(each.consequences), "note": each.note}
            for each in self.differences
            for name_a, name_b in each.places
        ]

    # as text

    def __repr__(self) -> str:
        titles = f"{self.title_a} and {self.title_b}"
        return plain(f"<{type(self).__name__} of {titles}: {self._verdict()}>")

    def _parts(self) -> Iterator[Line | Table]:
        yield Line(f"a: {self.title_a}", "cyan")
        yield Line(f"b: {self.title_b}", "magenta")
        yield Line(self._verdict(), "bold green" if self else "bold red")
        styles = {"a": "cyan", "b": "magenta", "remedy": "bold", "more": "dim"}
        for number, each in enumerate(self.differences[:_SHOWN], 1):
            yield Line("")
            yield Line(f"{number}. {each.what}: {_places(each)}", "bold")
            for kind, line in _lines(each):
                yield Line(line, styles.get(kind, ""), indent=3)
        for lines in (self._more(), [*self._findings(), *self.notes]):
            yield from map(Line, ["", *lines] if lines else [])

    def _repr_html_(self) -> str:
        header = ("what", "where", "a", "b", "effect", "meaning")
        rows = [
            (
                each.what,
                _places(each),
                each.value_a,
                each.value_b,
                _write_effect(each.effect),
                f"{each.meaning}. {each.remedy[:1].upper()}{each.remedy[1:]}.",
            )
            for each in self.differences[:_SHOWN]
        ]
        titles = (f"a: {self.title_a}", f"b: {self.title_b}", self._verdict())
        parts: list[Line | Table] = [*map(Line, titles)]
        parts += [Table(header, rows)] if rows else []
        parts += map(Line, (*self._more(), *self._findings(), *self.notes))
        return "".join(part.html() for part in parts)

    def _more(self) -> list[str]:
        more = len(self) - _SHOWN
        return [f"... and {more} more, in .differences"] if more > 0 else []

    def _verdict(self) -> str:
        if self:
            ran = " and put out the same" if self.divergences else ""
            return f"they are the same{ran}"
        number = len(self)
        if not number:
            return "no difference was found, but they could not be run beside each other"
        return f"{number} difference{'' if number == 1 else 's'}"

    def _findings(self) -> list[str]:
        lines = [self.failure] if self.failure else []
        first = self.first_divergence
        if first is not None:
            lines.append(f"What they put out first differs at {first.name}: {_write_first(first)}.")
        if self.distance is not None and self.differences:
            lines.append(f"The outputs {_write_distance(self.distance)}.")
        if self.remaining is not None:
            lines.append(
                f"With all undone that can be undone, they {_write_distance(self.remaining)}."
            )
        differing = [each for each in self.gradients if _differs(each)]
        if self.gradients:
            lines.append(
                f"The gradients of {len(differing)} of {len(self.gradients)} parameters differ"
                + (":" if differing else ".")
            )
            lines += [f"  {each.name}: {_write_gradient(each)}" for each in differing[:_SHOWN]]
            if len(differing) > _SHOWN:
                lines.append(f"  ... and {len(differing) - _SHOWN} more, in .gradients")
        return lines


def _places(difference: Difference) -> str:
    return listed((write_place(*each) for each in difference.places), _FEW)


def _lines(difference: Difference) -> Iterator[tuple[str, str]]:
    yield "a", f"a: {difference.value_a}"
    yield "b", f"b: {difference.value_b}"
    yield "", f"{difference.meaning}"
    yield "remedy", f"-> {difference.remedy}"
    for each in difference.consequences[:_FEW]:
        yield "more", f"follows: {each}"
    if len(difference.consequences) > _FEW:
        yield "more", f"... and {len(difference.consequences) - _FEW} more, in .consequences"
    if difference.effect:
        share = _write_effect(abs(difference.effect))
        away = difference.effect > 0
        yield (
            "",
            f"undone alone, {share} of what differs goes away"
            if away
            else f"undone alone, the outputs come {share} farther apart",
        )
    if difference.note:
        yield "", difference.note


def _write_effect(effect: float | None) -> str:
    return "" if effect is None else f"{100 * effect:.3g} %"


def _write_distance(distance: float) -> str:
    if np.isinf(distance):
        return "can't be compared: their shapes are others"
    if distance == 0:
        return "are the same to the last bit"
    return f"differ by {100 * distance:.3g} % of their size (root mean square)"


def _write_first(first: Divergence) -> str:
    shape_a, shape_b = first.shapes
    if shape_a != shape_b:
        return f"its output has shape {shape_a} in a, {shape_b} in b (batch, time, size)"
    assert first.first_step is not None
    now = first.difference[first.first_step - 1]
    return (
        f"at step {first.first_step} by {now:.3g}, later by up to {first.largest:.3g} "
        f"(its largest value in a is {first.scale:.3g})"
    )


def _differs(gradient: GradientDifference) -> bool:
    if (gradient.norm_a is None) != (gradient.norm_b is None):
        return True
    return gradient.difference is None or gradient.difference > _ROUNDING


def _write_gradient(gradient: GradientDifference) -> str:
    norms = [
        "it does not train" if norm is None else f"{norm:.3g}"
        for norm in (gradient.norm_a, gradient.norm_b)
    ]
    text = f"norm {norms[0]} in a, {norms[1]} in b"
    if gradient.difference is not None:
        text += f", differ by {100 * gradient.difference:.3g} %"
    if gradient.cosine is not None:
        text += f", cosine {gradient.cosine:.3f}"
    return text
