"""How much each difference does to the outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from nengo_layers_plus.introspection._comparison._causes import Cause
from nengo_layers_plus.introspection._comparison._comparison import Difference
from nengo_layers_plus.introspection._comparison._fact import GROUPS
from nengo_layers_plus.introspection._comparison._paired_run import PairedRun, reason_of

_BIG = ("structure", "shape")
_SIZES = {"shape in", "shape out", "size in", "size out"}
_NOT_MEASURED = "effect not measured: "


def measure_effects(
    causes: Sequence[Cause], run: PairedRun, trials: int
) -> tuple[tuple[Difference, ...], float | None]:
    """
    Undo each difference alone, and see how much nearer the outputs come.

    Parameters
    ----------
    causes : sequence of Cause
        The differences.
    run : PairedRun
        The networks.
    trials : int
        How many of them are undone.

    Returns
    -------
    differences : tuple of Difference
        With their effects, those that change most first.
    remaining : float or None
        How far the outputs are apart with all undone that can be; None if that is not known.
    """
    can_start = not np.isinf(run.distance) or not trials
    start, always = (run.distance, ()) if can_start else _make_comparable(causes, run)
    differences = []
    failed = []
    left = trials
    for cause in causes:
        difference = cause.difference()
        note = ""
        if not cause.facts[0].row.runs or run.same_within:
            difference = _without_effect(difference)
        elif not _can_undo(cause):
            note = "a difference of this kind can't be undone by itself"
        elif cause in always:
            difference = replace(difference, note="undone, the outputs have the same shape")
        elif np.isinf(start):
            note = "the shapes of the outputs differ, and not by this alone"
        elif not left:
            note = f"the limit of trials={trials} was reached"
        else:
            left -= 1
            try:
                distance = run.distance_with([*always, cause])
            except Exception as error:  # one that is undone alone may not fit the rest
                failed.append(cause)
                note = f"it could not be undone alone ({reason_of(error)})"
            else:
                difference = _with_effect(difference, start, distance, bool(always))
        if note:
            difference = replace(difference, note=f"{_NOT_MEASURED}{note}")
        differences.append(difference)
    remaining = None
    undone = [cause for cause in causes if _can_undo(cause) and cause not in failed]
    if undone and run.distance and trials:
        remaining = _distance_with(undone, run)
    return tuple(sorted(differences, key=_rank)), remaining


def _make_comparable(causes: Sequence[Cause], run: PairedRun) -> tuple[float, Sequence[Cause]]:
    """Find the differences that give the outputs the same shape when they are undone."""
    chosen = [cause for cause in causes if _can_undo(cause) and _changes_shape(cause)]
    distance = _distance_with(chosen, run) if chosen else None
    return (run.distance, ()) if distance in (None, np.inf) else (distance, chosen)


def _distance_with(causes: Sequence[Cause], run: PairedRun) -> float | None:
    try:
        return run.distance_with(causes)
    except Exception:  # each alone could be undone; together they need not fit
        return None


def _with_effect(
    difference: Difference, start: float, distance: float, others_undone: bool
) -> Difference:
    if np.isinf(distance):
        return replace(difference, note="undone alone, the outputs have other shapes")
    if distance == start:
        return _without_effect(difference)
    if start == 0:
        return replace(
            difference,
            note="another difference makes up for it: undone alone, the outputs would be "
            f"{100 * distance:.3g} % of their size apart",
        )
    note = "measured with what changes the shapes undone, too" if others_undone else ""
    return replace(difference, effect=1 - distance / start, note=note)


def _without_effect(difference: Difference) -> Difference:
    notes = {
        "training": "it does not matter before something is trained",
        "recording": "it changes what is recorded, and not what is computed",
    }
    note = notes.get(difference.group, "it changes nothing in what was run")
    if "initializer" in difference.what:
        note = "both were run with the same weights, so that it did not matter"
    return replace(difference, effect=0.0, note=note)


def _rank(difference: Difference) -> tuple[float, ...]:
    group = GROUPS.index(difference.group)
    if difference.effect is None:
        return (0 if difference.group in _BIG else 2, 0, group)
    return (1 if difference.effect else 3, -difference.effect, group)


def _can_undo(cause: Cause) -> bool:
    return all(place.differing[cause.name][0].can_undo for place in cause.places)


def _changes_shape(cause: Cause) -> bool:
    """Say whether a difference may change the shape of what comes out of an object."""
    is_layer = cause.name.startswith("layer")
    return is_layer or any(_SIZES & set(place.differing) for place in cause.places)
