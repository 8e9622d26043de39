"""Runs two networks on the same input, and one of them with differences undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, cached_property
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._comparison._causes import At, Cause
from nengo_layers_plus.introspection._comparison._comparison import write_place
from nengo_layers_plus.introspection._comparison._divergence import (
    Divergence,
    GradientDifference,
    differ,
    distance,
    diverge,
)
from nengo_layers_plus.introspection._comparison._fact import Affects, Fact, Undo
from nengo_layers_plus.introspection._comparison._member import Member
from nengo_layers_plus.introspection._comparison._undo import undo_difference
from nengo_layers_plus.introspection._inputs import check_fits, fits
from nengo_layers_plus.introspection._network_copy import NetworkCopy
from nengo_layers_plus.introspection._recording import ParameterKey, Recorder
from nengo_layers_plus.layers._layer_func import weights_stay

_KERAS = ("Keras weights", "Keras state")


class PairedRun:
    """
    Runs two networks on the same input, with the same weights where nothing says which.

    Parameters
    ----------
    graph_a, graph_b : NetworkGraph
        The networks.
    pairs : sequence of tuple of Member
        Which members have the same place.
    data : Mapping
        Values of input Nodes of the first, ``(batch, time, size)``.
    n_steps : int
        The number of steps.
    seed : int
        Taken for the seed of networks that have none.
    """

    def __init__(
        self,
        graph_a: NetworkGraph,
        graph_b: NetworkGraph,
        pairs: Sequence[tuple[Member, Member]],
        data: Mapping[nengo.Node, np.ndarray],
        n_steps: int,
        seed: int,
    ) -> None:
        self.graphs = (graph_a, graph_b)
        self.partner = {a.obj: b.obj for a, b in pairs}
        self.recorded = [
            (a, b)
            for a, b in pairs
            if a.kind != "connection"
            and b.kind != "connection"
            and (a.kind == "probe") == (b.kind == "probe")
            and min(_n_outputs(a.obj), _n_outputs(b.obj)) > 0
        ]
        self.n_steps = n_steps
        self.seed = seed
        self.data_a = dict(data)
        self.data_b = {
            self.partner[node]: value for node, value in data.items() if node in self.partner
        }
        self.n_items = next((len(value) for value in data.values()), 1)
        self.failed = ""
        self.shares_weights = False
        self._stack = ExitStack()
        self._undecided = cache(self._find_undecided)

    def start(self) -> None:
        """Build both networks and run them; if that fails, ``failed`` says which."""
        with ExitStack() as stack:
            recorders = []
            for side, self.failed in enumerate(("a", "b")):
                objects = [pair[side].obj for pair in self.recorded]
                recorders.append(stack.enter_context(self._recorder(side, objects)))
            self.a, self.b = recorders
            self._share_weights(self.a, self.b)
            self.failed = "a"
            outputs_a = self.a.run(self.data_a, self.n_steps)
            self.failed = "b"
            self.outputs = (outputs_a, self.b.run(self.data_b, self.n_steps))
            self._stack = stack.pop_all()
        probes = [(a.obj, b.obj) for a, b in self.recorded if a.kind == "probe"]
        self.compared = probes or [(a.obj, b.obj) for a, b in self.recorded]
        self.distance = self._distance(self.outputs[1])

    def __enter__(self) -> PairedRun:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @cached_property
    def divergences(self) -> tuple[Divergence, ...]:
        """How far what the objects put out is apart, in the order data flows."""
        return tuple(
            diverge(
                write_place(a.name, b.name),
                a.kind,
                (a.obj, b.obj),
                self.outputs[0][a.obj],
                self.outputs[1][b.obj],
            )
            for a, b in self.recorded
        )

    @property
    def same_within(self) -> bool:
        """Whether all objects put out the same, and not the probes alone."""
        return all(each.first_step is None for each in self.divergences)

    def distance_with(self, causes: Sequence[Cause]) -> float:
        """Return how far the outputs are apart with some differences of the second undone."""
        undone = [(place, cause.name) for cause in causes for place in cause.places]
        follows = [at for cause in causes for at in cause.follows]
        undone += filter(_has_to_follow, follows)
        # weights that a layer holds are not drawn anew when what they were drawn with is undone
        weights = [at for at in follows if (_fact(at).parameter or ("",))[0] in _KERAS]
        a = NetworkCopy(self.graphs[0].network)

        def edit(b: NetworkCopy) -> None:
            for place, name in undone:
                obj_a, obj_b = place.objects
                facts = place.differing[name]
                undo_difference(Undo(facts, a[obj_a], b[obj_b], self.graphs[0], b.network))

        objects = [b for _, b in self.compared if not isinstance(b, nengo.Probe)]
        with self._recorder(1, objects, edit) as recorder:
            self._share_weights(self.a, recorder)
            self._take_over(recorder, [*undone, *weights])
            return self._distance(recorder.run(self.data_b, self.n_steps))

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
            If the targets do not fit what the first puts out.
        """
        compared, notes = [], []
        for probe, function in loss.items():
            check_fits(self.graphs[0], probe, function, targets[probe], self.outputs[0][probe])
            other = self.partner.get(probe)
            if other is None:
                why = "has no partner in b"
            elif not fits(function, targets[probe], self.outputs[1][other]):
                why = "puts out values of another shape in b, which the targets do not fit"
            else:
                compared.append(probe)
                continue
            name = self.graphs[0][probe].name
            notes.append(f"the loss of {name} was left out of both: the Probe {why}.")
        if not compared:
            return (), tuple(notes)
        gradients = []
        for name, recorder, data, probes in (
            ("a", self.a, self.data_a, compared),
            ("b", self.b, self.data_b, [self.partner[probe] for probe in compared]),
        ):
            losses, goals = (
                dict(zip(probes, (values[probe] for probe in compared), strict=True))
                for values in (loss, targets)
            )
            try:
                gradients.append(recorder.gradients(data, self.n_steps, losses, goals))
            except Exception as error:  # the loss of a user may fail in any way
                notes.append(f"the gradients of {name} can't be computed ({reason_of(error)}).")
                return (), tuple(notes)
        in_a, in_b = gradients
        in_a = {self._key_in_b(key): value for key, value in in_a.items()}
        names = {key: name for key, (name, _) in in_a.items()}
        for key, (name, _) in in_b.items():
            names.setdefault(key, name)
        nothing = (None, None)
        differences = (
            differ(name, in_a.get(key, nothing)[1], in_b.get(key, nothing)[1])
            for key, name in names.items()
        )
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
            [each for each in objects if not isinstance(each, nengo.Probe)],
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

    def _of_one_shape(self, a: Recorder, b: Recorder) -> list[tuple[ParameterKey, ParameterKey]]:
        """List the parameters that both have, and in the same shape."""
        pairs = [(key, self._key_in_b(key)) for key in a.parameters]
        return [
            (key, other)
            for key, other in pairs
            if other in b.parameters and b.parameters[other].shape == a.parameters[key].shape
        ]

    def _share_weights(self, a: Recorder, b: Recorder) -> None:
        """Give Keras layers that have no weights yet those of the layers with their places."""
        pairs = [(key, other) for key, other in self._of_one_shape(a, b) if key[1] in _KERAS]
        to_b = {key: other for key, other in pairs if self._undecided(1, other[0])}
        to_a = {key: other for key, other in pairs if key not in to_b}
        to_a = {key: other for key, other in to_a.items() if self._undecided(0, key[0])}
        values_a = {key: b.parameters[other] for key, other in to_a.items()}
        values_b = {other: a.parameters[key] for key, other in to_b.items()}
        for recorder, values in ((a, values_a), (b, values_b)):
            if values:
                recorder.set_parameters(values)
                self.shares_weights = True

    def _find_undecided(self, side: int, node: nengo_dl.TensorNode) -> bool:
        """Say whether the weights of a Keras layer will be drawn when it is first simulated."""
        return self.graphs[side].simulator is None and not weights_stay(node)

    def _take_over(self, recorder: Recorder, differing: Sequence[At]) -> None:
        """Set parameters that differ by themselves to those of the first network."""
        taken = {}
        for key, other in self._of_one_shape(self.a, recorder):
            for at in differing:
                fact = _fact(at)
                is_held = key[1:] == fact.parameter or key[1] in fact.row.parameters
                if key[0] is at[0].objects[0] and is_held:
                    taken[other] = self.a.parameters[key]
        if taken:
            recorder.set_parameters(taken)


def _fact(at: At) -> Fact:
    place, name = at
    return place.differing[name][0]


def _has_to_follow(at: At) -> bool:
    """Say whether what follows from a difference has to be undone with it: what says sizes does."""
    fact = _fact(at)
    says_sizes = bool(fact.row.affects & Affects.SIZES) or fact.is_before
    return says_sizes and fact.can_undo and fact.parameter is None


def reason_of(error: Exception) -> str:
    """Write the class of an error, and the line that says what is wrong."""
    lines = [each.strip() for each in str(error).splitlines() if each.strip()]
    # Keras says first where it was, and then what
    said = (each for each in lines if not each.startswith("Exception encountered"))
    return f"{type(error).__name__}: {next(said, 'it says no more')}"


def _n_outputs(obj: Any) -> int:
    if isinstance(obj, nengo.Probe):
        return int(obj.size_in)
    return int(obj.size_out)
