"""How much each difference does to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nengo_layers_plus.introspection._comparison._difference import Difference
from nengo_layers_plus.introspection._comparison._differing import Cause, Extra, Found
from nengo_layers_plus.introspection._comparison._fact import GROUPS
from nengo_layers_plus.introspection._comparison._running import Running, reason_of
from nengo_layers_plus.introspection._comparison._undo import can_undo, has_no_effect

_BIG = ("structure", "shape")


def measure_effects(
    found: Sequence[Found], running: Running, most: int
) -> tuple[tuple[Difference, ...], float | None]:
    """
    Undo each difference alone, and see how much nearer the outputs come.

    Parameters
    ----------
    found : sequence of Found
        The differences.
    running : Running
        The networks.
    most : int
        How many of them are undone.

    Returns
    -------
    differences : tuple of Difference
        With their effects, those that change most first.
    remaining : float or None
        How far the outputs are apart with all undone that can be; None if that is not known.
    """
    trial = _Trials(found, running, most)
    measured = trial.measure()
    return tuple(sorted(measured, key=_rank)), trial.remaining()


class _Trials:
    def __init__(self, found: Sequence[Found], running: Running, most: int) -> None:
        self.found = found
        self.running = running
        self.most = self.left = most
        self.start = running.distance
        self.always: list[Found] = []
        self.failed: set[int] = set()

    def measure(self) -> list[Difference]:
        if np.isinf(self.start):
            self._make_comparable()
        return [self._measure(index) for index in range(len(self.found))]

    def remaining(self) -> float | None:
        chosen = [
            each
            for index, each in enumerate(self.found)
            if _can_be_undone(each) and index not in self.failed
        ]
        if not chosen or self.running.distance == 0 or self.most == 0:
            return None
        try:
            return self.running.distance_with(chosen)
        except Exception:  # each alone could be undone; together they need not fit
            return None

    def _make_comparable(self) -> None:
        """Find the differences that give the outputs the same shape when they are undone."""
        chosen = [
            each
            for each in self.found
            if _can_be_undone(each) and any(map(_changes_shape, each.causes))
        ]
        if not chosen or self.most == 0:
            return
        try:
            start = self.running.distance_with(chosen)
        except Exception:  # then they can't be undone by themselves
            return
        if not np.isinf(start):
            self.start, self.always = start, chosen

    def _measure(self, index: int) -> Difference:
        found = self.found[index]
        difference = found.difference
        if all(map(has_no_effect, found.causes)) or self.running.same_within:
            return _without_effect(difference)
        if not _can_be_undone(found):
            return replace(difference, note="it was not tried what happens when it is undone")
        if found in self.always:
            return replace(difference, note="undone, the outputs have the same shape")
        if np.isinf(self.start):
            return replace(difference, note="not undone: the outputs have other shapes anyway")
        if self.left == 0:
            return replace(difference, note="not undone: as many as `trials` were")
        self.left -= 1
        try:
            distance = self.running.distance_with([*self.always, found])
        except Exception as error:  # one that is undone alone may not fit the rest
            self.failed.add(index)
            return replace(difference, note=f"it could not be undone alone ({reason_of(error)})")
        if np.isinf(distance):
            return replace(difference, note="undone alone, the outputs have other shapes")
        if distance == self.start:
            return _without_effect(difference)
        if self.start == 0:
            return replace(
                difference,
                note="another difference makes up for it: undone alone, the outputs would be "
                f"{100 * distance:.3g} % of their size apart",
            )
        note = "measured with what changes the shapes undone, too" if self.always else ""
        return replace(difference, effect=1 - distance / self.start, note=note)


def _rank(difference: Difference) -> tuple[float, ...]:
    group = GROUPS.index(difference.group)
    if difference.effect is None:
        return (0 if difference.group in _BIG else 2, 0, group)
    return (1 if difference.effect else 3, -difference.effect, group)


def _can_be_undone(found: Found) -> bool:
    return all(can_undo(cause) and not has_no_effect(cause) for cause in found.causes)


def _changes_shape(cause: Cause) -> bool:
    """Say whether a difference may change the shape of what comes out of an object."""
    if isinstance(cause, Extra):
        return False
    pair, name = cause
    sizes = ("shape in", "shape out", "size in", "size out")
    return name in sizes or any(each in pair.differing for each in sizes) or "layer" in name


def _without_effect(difference: Difference) -> Difference:
    notes = {
        "training": "it does not matter before something is trained",
        "recording": "it changes what is recorded, and not what is computed",
    }
    note = notes.get(difference.group, "it changes nothing in what was run")
    if "initializer" in difference.what:
        note = "both were run with the same weights, so that it did not matter"
    return replace(difference, effect=0.0, note=note)
