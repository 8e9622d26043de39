"""Runs two networks on the same input, and one of them with differences undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from functools import cache, cached_property
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._comparison._causes import Cause, Change
from nengo_layers_plus.introspection._comparison._comparison import (
    Difference,
    Divergence,
    GradientDifference,
    differ,
    distance,
    diverge,
    write_place,
)
from nengo_layers_plus.introspection._comparison._fact import GROUPS, Affects, Member, Undo
from nengo_layers_plus.introspection._comparison._fact_values import undo_difference
from nengo_layers_plus.introspection._inputs import check_fits, fits
from nengo_layers_plus.introspection._network_copy import NetworkCopy
from nengo_layers_plus.introspection._recording import ParameterKey, Recorder
from nengo_layers_plus.layers._layer_func import weights_stay

_KERAS = ("Keras weights", "Keras state")
_SIZES = {"shape in", "shape out", "size in", "size out"}


class PairedRunError(Exception):
    """One of two networks could not be run."""


class PairedRun(AbstractContextManager["PairedRun"]):
    """
    Runs two networks on the same input, with the same weights where nothing says which.

    Parameters
    ----------
    graphs : tuple of NetworkGraph
        The networks.
    pairs : sequence of tuple of Member
        The members that have the same place.
    data : Mapping
        Values of input Nodes of the first, ``(batch, time, size)``.
    n_steps : int
        The number of steps.
    seed : int
        Taken for the seed of networks that have none.

    Raises
    ------
    PairedRunError
        If one of them can't be run; its message says which, and why.
    """

    def __init__(
        self,
        graphs: tuple[NetworkGraph, NetworkGraph],
        pairs: Sequence[tuple[Member, Member]],
        data: Mapping[nengo.Node, np.ndarray],
        n_steps: int,
        seed: int,
    ) -> None:
        self.graphs = graphs
        self.partner = {a.obj: b.obj for a, b in pairs}
        self.recorded = [(a, b) for a, b in pairs if _are_recorded(a, b)]
        probes = [(a.obj, b.obj) for a, b in self.recorded if a.kind == "probe"]
        self.compared = probes or [(a.obj, b.obj) for a, b in self.recorded]
        self.n_steps = n_steps
        self.seed = seed
        data_b = {self.partner[node]: value for node, value in data.items()}
        self.data = (dict(data), data_b)
        self.n_items = next((len(value) for value in data.values()), 1)
        self.shares_weights = False
        self._draws_weights = cache(self._find_drawn_weights)
        side = 0
        with ExitStack() as stack:
            try:
                self.a = stack.enter_context(self._recorder(0, [a.obj for a, _ in self.recorded]))
                side = 1
                self.b = stack.enter_context(self._recorder(1, [b.obj for _, b in self.recorded]))
                self._share_weights(self.a, self.b)
                side = 0
                outputs_a = self.a.run(self.data[0], n_steps)
                side = 1
                self.outputs = (outputs_a, self.b.run(self.data[1], n_steps))
            except Exception as error:
                message = f"{'ab'[side]} could not be run ({_reason_of(error)})."
                raise PairedRunError(message) from error
            self._stack = stack.pop_all()
        self.distance = self._distance(self.outputs[1])

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def divergences(self) -> tuple[Divergence, ...]:
        """How far the outputs of the objects are apart, in the order data flows."""
        outputs_a, outputs_b = self.outputs
        return tuple(
            diverge(
                write_place(a.name, b.name),
                a.kind,
                (a.obj, b.obj),
                outputs_a[a.obj],
                outputs_b[b.obj],
            )
            for a, b in self.recorded
        )

    def distance_with(self, causes: Sequence[Cause]) -> float:
        """Return how far the outputs are apart with some differences of the second undone."""
        follows = [change for cause in causes for change in cause.follows]
        undone = [change for cause in causes for change in cause.changes]
        undone += filter(_has_to_follow, follows)
        # weights that a layer holds are not drawn anew when what they were drawn with is undone
        weights = [change for change in follows if (change.a.parameter or ("",))[0] in _KERAS]
        a = NetworkCopy(self.graphs[0].network)

        def edit(b: NetworkCopy) -> None:
            for change in undone:
                source, target = change.place.objects
                ends = a[source], b[target]
                undo_difference(Undo(change.a, change.b, *ends, self.graphs[0], b.network))

        with self._recorder(1, [b for _, b in self.compared], edit) as recorder:
            self._share_weights(self.a, recorder)
            self._take_over(recorder, [*undone, *weights])
            return self._distance(recorder.run(self.data[1], self.n_steps))

    def gradients(
        self, loss: Mapping[nengo.Probe, Any], targets: Mapping[nengo.Probe, np.ndarray]
    ) -> tuple[tuple[GradientDifference, ...], tuple[str, ...]]:
        """
        Return how the gradients of a loss differ, for all that trains.

        Parameters
        ----------
        loss : Mapping of nengo.Probe to loss
            Losses of Probes of the first.
        targets : Mapping
            Their targets, ``(batch, time, size)``.

        Returns
        -------
        differences : tuple of GradientDifference
            None if there is no loss that both have.
        notes : tuple of str
            Why losses were left out.

        Raises
        ------
        nengo.exceptions.ValidationError
            If the targets do not fit the outputs of the first.
        """
        probes, notes = [], []
        for probe, function in loss.items():
            check_fits(self.graphs[0], probe, function, targets[probe], self.outputs[0][probe])
            partner = self.partner.get(probe)
            if partner is None:
                why = "has no counterpart in b"
            elif not fits(function, targets[probe], self.outputs[1][partner]):
                why = "has an output of another shape in b, which the targets do not fit"
            else:
                probes.append(probe)
                continue
            name = self.graphs[0][probe].name
            notes.append(f"the loss of {name} was left out of both: the Probe {why}.")
        if not probes:
            return (), tuple(notes)
        gradients = []
        partners = {probe: self.partner[probe] for probe in probes}
        for name, recorder, data, own in (
            ("a", self.a, self.data[0], {probe: probe for probe in probes}),
            ("b", self.b, self.data[1], partners),
        ):
            losses, goals = (
                {own[probe]: values[probe] for probe in probes} for values in (loss, targets)
            )
            try:
                gradients.append(recorder.gradients(data, self.n_steps, losses, goals))
            except Exception as error:  # the loss of a user may fail in any way
                notes.append(f"the gradients of {name} can't be computed ({_reason_of(error)}).")
                return (), tuple(notes)
        in_a = {self._key_in_b(key): value for key, value in gradients[0].items()}
        in_b = gradients[1]
        differences = []
        for key in dict.fromkeys((*in_a, *in_b)):
            name, _ = in_a.get(key) or in_b[key]
            values = (side[key][1] if key in side else None for side in (in_a, in_b))
            differences.append(differ(name, *values))
        return tuple(differences), tuple(notes)

    def _recorder(
        self,
        side: int,
        objects: Iterable[Any],
        edit: Callable[[NetworkCopy], None] | None = None,
    ) -> Recorder:
        graph = self.graphs[side]
        return Recorder(
            graph.simulator or graph.network,
            [obj for obj in objects if not isinstance(obj, nengo.Probe)],
            minibatch_size=self.n_items,
            seed=self.seed,
            edit=edit,
        )

    def _distance(self, outputs_b: Mapping[Any, np.ndarray]) -> float:
        return distance(
            [self.outputs[0][a] for a, _ in self.compared],
            [outputs_b[b] for _, b in self.compared],
        )

    def _key_in_b(self, key: ParameterKey) -> ParameterKey:
        """Return the parameter of the second with the place of one of the first, or that itself."""
        return self.partner.get(key[0], key[0]), *key[1:]

    def _of_one_shape(self, b: Recorder) -> list[tuple[ParameterKey, ParameterKey]]:
        """List the parameters that both have, and in the same shape."""
        pairs = [(key, self._key_in_b(key)) for key in self.a.parameters]
        return [
            (key, key_b)
            for key, key_b in pairs
            if key_b in b.parameters and b.parameters[key_b].shape == self.a.parameters[key].shape
        ]

    def _share_weights(self, a: Recorder, b: Recorder) -> None:
        """Give Keras layers that have no weights yet those of the layers with their places."""
        values_a, values_b = {}, {}
        for key, key_b in self._of_one_shape(b):
            if key[1] in _KERAS and self._draws_weights(1, key_b[0]):
                values_b[key_b] = a.parameters[key]
            elif key[1] in _KERAS and self._draws_weights(0, key[0]):
                values_a[key] = b.parameters[key_b]
        for recorder, values in ((a, values_a), (b, values_b)):
            if values:
                recorder.set_parameters(values)
                self.shares_weights = True

    def _find_drawn_weights(self, side: int, node: nengo_dl.TensorNode) -> bool:
        """Say whether the weights of a Keras layer are drawn when it is first simulated."""
        return self.graphs[side].simulator is None and not weights_stay(node)

    def _take_over(self, recorder: Recorder, changes: Sequence[Change]) -> None:
        """Set the parameters that hold some facts to their values in the first network."""
        values = {
            key_b: self.a.parameters[key]
            for key, key_b in self._of_one_shape(recorder)
            for change in changes
            if key[0] is change.place.objects[0]
            and (key[1:] == change.a.parameter or key[1] in change.row.parameters)
        }
        if values:
            recorder.set_parameters(values)


def _are_recorded(a: Member, b: Member) -> bool:
    """Say whether the outputs of two members can be recorded and compared."""
    kinds = [a.kind, b.kind]
    if "connection" in kinds or (a.kind == "probe") != (b.kind == "probe"):
        return False
    size = "size_in" if a.kind == "probe" else "size_out"
    return min(int(getattr(a.obj, size)), int(getattr(b.obj, size))) > 0


def _has_to_follow(change: Change) -> bool:
    """Say whether a consequence has to be undone with its cause: sizes of objects have to."""
    fact = change.a
    is_of_sizes = bool(change.row.affects & Affects.SIZES) or fact.is_before
    return is_of_sizes and fact.can_undo and fact.parameter is None


def _reason_of(error: Exception) -> str:
    """Write the class of an error, and the line that says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # Keras first says where it was
    lines = [line for line in lines if not line.startswith("Exception encountered")]
    return f"{type(error).__name__}: {lines[0] if lines else '(no message)'}"


# effects


def measure_effects(
    causes: Sequence[Cause], run: PairedRun, trials: int
) -> tuple[tuple[Difference, ...], float | None]:
    """
    Undo every difference alone, and measure how much nearer the outputs come.

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
    start, always = run.distance, list[Cause]()
    if np.isinf(start) and trials:  # undo what gives the outputs the same shape
        chosen = [cause for cause in causes if cause.can_undo and _changes_shape(cause)]
        shaped = _distance_with(chosen, run) if chosen else None
        if shaped is not None and not np.isinf(shaped):
            start, always = shaped, chosen
    is_same = all(divergence.first_step is None for divergence in run.divergences)
    differences, failed = [], []
    left = trials
    for cause in causes:
        difference, effect, note, why_not = cause.difference(), None, "", ""
        if not cause.row.runs or is_same:
            effect, note = 0.0, _no_effect(difference)
        elif not cause.can_undo:
            why_not = "a difference of this kind can't be undone by itself"
        elif cause in always:
            note = "undoing it gives the outputs the same shape"
        elif np.isinf(start):
            why_not = "the outputs have different shapes, for more reasons than this"
        elif not left:
            why_not = f"the limit of trials={trials} was reached"
        else:
            left -= 1
            try:
                distance_without = run.distance_with([*always, cause])
            except Exception as error:  # what is undone alone may not fit the rest
                failed.append(cause)
                why_not = f"undoing it alone failed ({_reason_of(error)})"
            else:
                effect, note = _effect(difference, start, distance_without)
                if always and not note:
                    note = "measured with the differences that change shapes undone too"
        if why_not:
            note = f"effect not measured: {why_not}"
        differences.append(replace(difference, effect=effect, note=note))
    undone = [cause for cause in causes if cause.can_undo and cause not in failed]
    remaining = _distance_with(undone, run) if undone and run.distance and trials else None
    return tuple(sorted(differences, key=_rank)), remaining


def _distance_with(causes: Sequence[Cause], run: PairedRun) -> float | None:
    try:
        return run.distance_with(causes)
    except Exception:  # each alone could be undone; together they need not fit
        return None


def _changes_shape(cause: Cause) -> bool:
    """Say whether a difference may change the shape of the output of an object."""
    is_layer = cause.name.startswith("layer")
    return is_layer or any(_SIZES & set(change.place.changes) for change in cause.changes)


def _effect(difference: Difference, start: float, distance: float) -> tuple[float | None, str]:
    """Return the effect of a difference, given the distance without it, and a note."""
    if np.isinf(distance):
        return None, "undoing it alone gives the outputs different shapes"
    if distance == start:
        return 0.0, _no_effect(difference)
    if start == 0:
        return None, (
            "another difference compensates for it: undoing it alone moves the outputs "
            f"{100 * distance:.3g} % of their size apart"
        )
    return 1 - distance / start, ""


def _no_effect(difference: Difference) -> str:
    if "initializer" in difference.what:
        return "no effect on the outputs: both networks were run with the same weights"
    if difference.group == "training":
        return "no effect on the outputs before training"
    if difference.group == "recording":
        return "no effect on what is computed, only on what is recorded"
    return "no effect on the outputs of this run"


def _rank(difference: Difference) -> tuple[float, ...]:
    group = GROUPS.index(difference.group)
    if difference.effect is None:
        return (0 if difference.group in ("structure", "shape") else 2, 0, group)
    return (1 if difference.effect else 3, -difference.effect, group)
