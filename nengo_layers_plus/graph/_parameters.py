"""What of a network an optimiser would move."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import nengo
import numpy as np
from nengo.builder import Signal
from nengo.neurons import Direct
from nengo.transforms import SparseMatrix

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import (
    is_automatic_name,
    random_state_kept,
    snake_case_of,
    tf,
)
from nengo_layers_plus.graph._gradient_flow import GradientFlow, passes_from_weights
from nengo_layers_plus.graph._keras_layers import (
    layer_itself,
    layers_within,
    name_within_layer,
    weights_of,
)
from nengo_layers_plus.graph._settings import trains_by_setting
from nengo_layers_plus.graph._shapes import Shape
from nengo_layers_plus.graph._structure import GraphObject, NetworkStructure
from nengo_layers_plus.graph._words import network_in_words, unique_name


@dataclass(frozen=True, eq=False)
class Parameter:
    """
    An array of numbers that an optimiser could move.

    Parameters
    ----------
    obj : nengo.Ensemble, nengo.Connection or nengo_dl.TensorNode
        What it belongs to. A Keras layer that is used in several nodes is listed once, at the
        first.
    kind : str
        ``"bias"``, ``"encoders"``, ``"neuron parameter"``, ``"synapse parameter"``,
        ``"connection weights"``, ``"Keras weights"``, or
        ``"Keras state"`` for what a Keras layer keeps by itself, such as moving averages.
    name : str
        Unique: the name of the object (for a connection those of its ends) and of the array. A
        Keras layer within a model that was given no name is numbered within its model.
    shape : tuple of int or None
        Of a sparse transform that of the values it stores. None if it can't be known before a
        Simulator builds the Keras layer.
    trainable : bool
        Whether it is among the trainable weights of the Simulator's Keras model.
    moves : bool
        Whether an optimiser will really move it: it is trainable, and a gradient comes to it
        from some probe. Functions and processes of Nodes and neuron types that nengo_dl has no
        TensorFlow code for stop gradients.
    why : str
        The reason, in words.
    """

    obj: Any
    kind: str
    name: str
    shape: Shape | None
    trainable: bool
    moves: bool
    why: str
    source: Any = field(default=None, repr=False)
    """The signal or variable that holds it."""
    holder: Any = field(default=None, repr=False)
    """The Keras layer, or the one within it, that made it."""

    @property
    def size(self) -> int | None:
        """The number of values, None if the shape is not known."""
        return None if self.shape is None else int(np.prod(self.shape, dtype=int))


def count_values(parameters: Iterable[Parameter]) -> int | None:
    """Add up numbers of values; None if one is not known."""
    sizes = [each.size for each in parameters]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def parameters_of(graph: NetworkStructure) -> tuple[Parameter, ...]:
    """Return everything in a network that could train, in the order data flows."""
    # nengo draws the seed of a network without one from NumPy, Keras those of initial weights
    with random_state_kept():
        found = tuple(_Parameters(graph))
    used: set[str] = set()
    return tuple(replace(each, name=unique_name(each.name, used)) for each in found)


class _Parameters:
    def __init__(self, graph: NetworkStructure) -> None:
        self.graph = graph
        self.model, self.tensor_graph = graph.model, graph.tensor_graph
        self.flow = GradientFlow(graph, self.model)
        self.seen_by_probe = self.flow.reaching_a_probe()

    def __iter__(self) -> Iterator[Parameter]:
        listed: set[int] = set()
        for item in self.graph.objects:
            for edge in self.graph.predecessors(item):
                connection = edge.connection
                if connection is None:
                    continue
                if connection.has_weights:
                    yield self._signal(
                        connection,
                        connection,
                        "connection weights",
                        f"{edge.source.name}->{edge.target.name}.weights",
                        self.model.sig[connection]["weights"],
                        edge.target in self.seen_by_probe
                        and passes_from_weights(edge)
                        and self.flow.passes(edge.target),
                    )
                yield from self._declared(
                    connection,
                    "synapse parameter",
                    f"{edge.source.name}->{edge.target.name}",
                    connection,
                    edge.target in self.seen_by_probe
                    and not isinstance(connection.post_obj, nengo.connection.LearningRule)
                    and self.flow.passes(edge.target),
                )
            if item.kind in ("node", "probe"):
                # a process runs in a Node, and a probe has a synapse
                yield from self._declared(
                    item.obj,
                    "synapse parameter",
                    item.name,
                    item.obj,
                    item.kind == "probe" or item in self.seen_by_probe,
                )
            if item.kind == "ensemble":
                moves = item in self.seen_by_probe and self.flow.passes(item)
                ensemble = item.obj
                yield self._signal(
                    ensemble,
                    ensemble,
                    "encoders",
                    f"{item.name}.encoders",
                    self.model.sig[ensemble]["encoders"],
                    moves,
                )
                if not isinstance(ensemble.neuron_type, Direct):
                    yield self._signal(
                        ensemble,
                        ensemble.neurons,
                        "bias",
                        f"{item.name}.bias",
                        self.model.sig[ensemble.neurons]["bias"],
                        moves,
                    )
                    yield from self._neuron_parameters(item)
            elif item.kind == "tensor node":
                layer = item.obj.tensor_func
                if isinstance(layer, tf.keras.layers.Layer):
                    yield from self._keras(item, layer, listed)

    def _signal(
        self, obj: Any, configured: Any, kind: str, name: str, signal: Any, reaches: bool
    ) -> Parameter:
        exists = signal in self.tensor_graph.signals
        trainable = exists and bool(signal.trainable)
        if self.tensor_graph.inference_only:
            why = "the network is set to inference_only"
        elif signal.trainable and not exists:
            why = "nothing in the network depends on it"
        else:
            why = self._configured(obj, configured, trainable)
        if trainable and not reaches:
            why = "trainable, but no gradient comes to it from any probe"
        shape = tuple(np.shape(initial_value(signal)))
        return Parameter(obj, kind, name, shape, trainable, trainable and reaches, why, signal)

    def _neuron_parameters(self, item: GraphObject) -> Iterator[Parameter]:
        ensemble = item.obj
        return self._declared(
            ensemble,
            "neuron parameter",
            item.name,
            ensemble.neurons,
            item in self.seen_by_probe,
            self.flow.trained_names(item),
        )

    def _declared(
        self,
        obj: Any,
        kind: str,
        name: str,
        holder: Any,
        reaches: bool,
        trained: Sequence[str] | None = None,
    ) -> Iterator[Parameter]:
        """Yield the parameters that a type of neurons or a synapse declares."""
        declares = "neuron type" if kind == "neuron parameter" else "synapse"
        for signal in self.model.sig[holder].values():
            if not isinstance(signal, ParameterSignal):
                continue
            trainable = bool(signal.trainable)
            by_curve = trained is not None and signal.parameter not in trained
            if self.tensor_graph.inference_only:
                why = "the network is set to inference_only"
            elif trainable and by_curve:
                why = (
                    "trainable, but the neurons train by a response curve that does not depend on "
                    "it; put a Surrogate around them"
                )
            elif trainable and not reaches:
                why = "trainable, but no gradient comes to it from any probe"
            elif trainable:
                why = f"the {declares} says so"
            elif trains_by_setting(self.graph.network, *_followed(obj)) is False:
                why = "trainable is False in the network's settings"
            else:
                why = f"trainable of the {declares} does not name it"
            yield Parameter(
                obj,
                kind,
                f"{name}.{signal.parameter}",
                tuple(signal.shape),
                trainable,
                trainable and reaches and not by_curve,
                why,
                signal,
            )

    def _configured(self, obj: Any, configured: Any, trainable: bool) -> str:
        setting = self.graph.settings(configured).get("trainable")
        if setting is None or setting.value is None:
            # neurons that say nothing follow their ensemble
            setting = self.graph.settings(obj).get("trainable")
        if setting is None or setting.value is None:
            return "nengo_dl's default" if trainable else "a learning rule moves it"
        if bool(setting.value) != trainable:
            return "a learning rule moves it"
        of_class = f"its class in <{network_in_words(setting.network)}>"
        whose = "the object itself" if setting.own else of_class
        return f"trainable is {setting.value} for {whose}"

    def _keras(
        self, item: GraphObject, layer: tf.keras.layers.Layer, listed: set[int]
    ) -> Iterator[Parameter]:
        inference_only = self.tensor_graph.inference_only
        reaches = item in self.seen_by_probe
        if not weights_of(layer):
            if id(layer_itself(layer)) in listed:  # it is used in several nodes
                return
            listed.add(id(layer_itself(layer)))
            if self.graph.simulator is not None:
                return  # it has none
        built = layer if weights_of(layer) else _built_copy(layer, item.shape_in)
        if built is None:
            trainable = layer.trainable and not inference_only
            yield Parameter(
                item.obj,
                "Keras weights",
                f"{item.name}.weights",
                None,
                trainable,
                trainable and reaches,
                "not known before a Simulator builds the Keras layer",
                holder=layer_itself(layer),
            )
            return
        trained = {id(weight) for weight in built.trainable_weights}
        held_elsewhere = frozenset(listed)  # of a copy, layers that another model holds as well
        originals = layers_within(layer_itself(layer))
        for name, weight, index in _named_weights(built):
            holder = originals[index] if index < len(originals) else originals[0]
            within_a_copy = built is not layer and holder is not originals[0]
            if id(weight) in listed or (within_a_copy and id(holder) in held_elsewhere):
                continue
            listed.add(id(weight))
            if within_a_copy:
                listed.add(id(holder))
            trainable = id(weight) in trained and not inference_only
            kind = "Keras weights" if weight.trainable else "Keras state"
            if not weight.trainable:
                why = "not made to train"
            elif inference_only:
                why = "the network is set to inference_only"
            elif trainable:
                why = (
                    "the Keras layer says so"
                    if reaches
                    else "trainable, but no gradient comes to it from any probe"
                )
            else:
                why = "the Keras layer says so (trainable is False)"
            yield Parameter(
                item.obj,
                kind,
                f"{item.name}.{name}",
                tuple(weight.shape),
                trainable,
                trainable and reaches,
                why,
                weight,
                holder,
            )


def value_of(graph: NetworkStructure, parameter: Parameter) -> np.ndarray:
    """Return the value that a parameter has in the graph's Simulator."""
    sim = graph.simulator
    if not isinstance(parameter, Parameter):
        raise ValueError(f"expected one of the parameters of the graph, got {parameter!r}")
    if sim is None:
        raise ValueError(
            f"{parameter.name} has no value yet: make the graph of a nengo_dl.Simulator"
        )
    source = parameter.source
    if isinstance(source, tf.Variable):
        return tf.keras.backend.get_value(source)
    if source not in sim.tensor_graph.signals:  # left out by nengo_dl
        return initial_value(source)
    value = tf.keras.backend.get_value(sim.tensor_graph.get_tensor(source))
    if isinstance(source, ParameterSignal):
        return source.value(value)
    # nengo_dl holds a single number as an array of one; what learns has one for each item
    shape = np.shape(initial_value(source))
    return value.reshape((len(value), *shape) if source.minibatched else shape)


def initial_value(signal: Signal) -> np.ndarray:
    """Return the value that a signal was built with; of a sparse one, those that are stored."""
    value = signal.initial_value
    if isinstance(signal, ParameterSignal):
        return signal.value(value)
    if signal.sparse:
        value = value.data if isinstance(value, SparseMatrix) else value.tocoo().data
    return np.asarray(value)


def _followed(obj: Any) -> tuple[Any, ...]:
    """Return the objects whose settings an object follows."""
    return (obj.neurons, obj) if isinstance(obj, nengo.Ensemble) else (obj,)


def _built_copy(layer: tf.keras.layers.Layer, shape_in: Shape) -> tf.keras.layers.Layer | None:
    """
    Build a copy of a Keras layer, if it can be copied.

    The layer itself is left alone: building it here would draw its initial weights too early.
    """
    for duplicate in (_made_again, deepcopy):
        try:
            copy = duplicate(layer)
            copy.build((1, *shape_in))
        except Exception:  # a user's layer may fail in any way; then it stays unknown
            continue
        return copy
    return None


def _made_again(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    return type(layer).from_config(layer.get_config())


def _named_weights(layer: tf.keras.layers.Layer) -> Iterator[tuple[str, tf.Variable, int]]:
    """
    Yield the weights of a Keras layer, named by the layers within that hold them.

    With each comes the number of that layer among the layer and all within it.
    """
    layer = layer_itself(layer)
    within = layers_within(layer)
    holders = within[1:]
    inner_names = _names_within(holders)
    used: set[str] = set()
    for weight in layer.weights:
        own = name_within_layer(weight)
        # the innermost is the one that holds the fewest
        inside = [each for each in holders if any(weight is other for other in each.weights)]
        inner = min(inside, key=lambda each: len(each.weights), default=layer)
        name = unique_name(own if inner is layer else f"{inner_names[id(inner)]}.{own}", used)
        yield name, weight, next(i for i, each in enumerate(within) if each is inner)


def _names_within(holders: Sequence[tf.keras.layers.Layer]) -> dict[int, str]:
    """
    Name the layers within a Keras layer, by their ids.

    Keras numbers the layers that were given no name as the process makes them, over all models.
    Here they are numbered within their model, as those of the first model of a process are.
    """
    automatic = [each for each in holders if is_automatic_name(each)]
    given = {id(each): str(each.name) for each in holders if not is_automatic_name(each)}
    used = set(given.values())
    return given | {id(each): unique_name(snake_case_of(each), used) for each in automatic}
