"""The parameters of a network: which of them an optimiser trains, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import nengo
import numpy as np
from nengo.builder import Signal
from nengo.neurons import Direct
from nengo.transforms import SparseMatrix

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import random_state_kept, tf
from nengo_layers_plus.graph._gradient_flow import GradientFlow, passes_synapse
from nengo_layers_plus.graph._keras_layers import (
    built_copy,
    layer_itself,
    layers_within,
    named_weights,
    weights_of,
)
from nengo_layers_plus.graph._settings import trains_by_setting
from nengo_layers_plus.graph._shapes import Shape
from nengo_layers_plus.graph._structure import GraphEdge, GraphObject, NetworkStructure
from nengo_layers_plus.graph._words import network_in_words, renamed, unique_name

_NO_GRADIENT = "trainable, but no gradient comes to it from any probe"
_NO_GRADIENT_OF_CURVE = (
    "trainable, but the neurons train by a response curve that does not depend on it; put a "
    "Surrogate around them"
)


@dataclass(frozen=True, eq=False)
class Parameter:
    """
    An array of numbers that an optimiser could train.

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
    is_trained : bool
        Whether an optimiser will really change it: it is trainable, and a gradient comes to it
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
    is_trained: bool
    why: str
    source: Any = field(default=None, repr=False)
    """The signal or variable that holds it."""
    holder: Any = field(default=None, repr=False)
    """The Keras layer, or the one within it, that made it."""

    moves = renamed("moves", "is_trained")

    @property
    def size(self) -> int | None:
        """The number of values, None if the shape is not known."""
        return None if self.shape is None else int(np.prod(self.shape, dtype=int))


def count_values(parameters: Iterable[Parameter]) -> int | None:
    """Add up numbers of values; None if one is not known."""
    sizes = [parameter.size for parameter in parameters]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def parameters_of(graph: NetworkStructure) -> tuple[Parameter, ...]:
    """Return everything in a network that could be trained, in the order data flows."""
    # nengo draws the seed of a network without one from NumPy, Keras those of initial weights
    with random_state_kept():
        parameters = tuple(_Collector(graph).collect())
    used: set[str] = set()
    return tuple(
        replace(parameter, name=unique_name(parameter.name, used)) for parameter in parameters
    )


class _Collector:
    """Lists the parameters of a network, object by object."""

    def __init__(self, graph: NetworkStructure) -> None:
        self.graph = graph
        self.model, self.tensor_graph = graph.model, graph.tensor_graph
        self.flow = GradientFlow(graph)
        self.reached = self.flow.reaching_a_probe()
        self.listed: set[int] = set()
        """Ids of the Keras layers and of their weights that are listed already."""

    def collect(self) -> Iterator[Parameter]:
        for item in self.graph.objects:
            for edge in self.graph.predecessors(item):
                yield from self._of_connection(edge)
            if item.kind == "ensemble":
                yield from self._of_ensemble(item)
            elif item.kind == "tensor node":
                if isinstance(item.obj.tensor_func, tf.keras.layers.Layer):
                    yield from self._of_keras_layer(item)
            else:  # a process runs in a Node, and a probe has a synapse
                yield from self._declared(
                    item.obj, item.obj, "synapse parameter", item.name, item in self.reached
                )

    def _of_connection(self, edge: GraphEdge) -> Iterator[Parameter]:
        connection = edge.connection
        if connection is None:
            return
        name = f"{edge.source.name}->{edge.target.name}"
        reaches = edge.target in self.reached and self.flow.passes(edge.target)
        if connection.has_weights:
            reaches_weights = reaches and passes_synapse(connection)
            yield self._built(
                connection, connection, "connection weights", name, "weights", reaches_weights
            )
        reaches &= not isinstance(connection.post_obj, nengo.connection.LearningRule)
        yield from self._declared(connection, connection, "synapse parameter", name, reaches)

    def _of_ensemble(self, item: GraphObject) -> Iterator[Parameter]:
        ensemble, neurons, name = item.obj, item.obj.neurons, item.name
        reaches_output = item in self.reached
        reaches = reaches_output and self.flow.passes(item)
        yield self._built(ensemble, ensemble, "encoders", name, "encoders", reaches)
        if not isinstance(ensemble.neuron_type, Direct):
            yield self._built(ensemble, neurons, "bias", name, "bias", reaches)
            yield from self._declared(ensemble, neurons, "neuron parameter", name, reaches_output)

    def _built(
        self, obj: Any, holder: Any, kind: str, name: str, array: str, reaches: bool
    ) -> Parameter:
        """Return an array that nengo builds of an object."""
        signal = self.model.sig[holder][array]
        exists = signal in self.tensor_graph.signals
        trainable = exists and bool(signal.trainable)
        if signal.trainable and not exists:
            setting = "nothing in the network depends on it"
        else:
            setting = self._setting(obj, holder, trainable)
        return Parameter(
            obj,
            kind,
            f"{name}.{array}",
            tuple(np.shape(initial_value(signal))),
            trainable,
            trainable and reaches,
            self._reason(trainable, reaches, setting),
            signal,
        )

    def _declared(
        self, obj: Any, holder: Any, kind: str, name: str, reaches: bool
    ) -> Iterator[Parameter]:
        """Yield the parameters that a type of neurons or a synapse declares."""
        of_neurons = kind == "neuron parameter"
        declares = "neuron type" if of_neurons else "synapse"
        by_gradient = self.flow.trained_names(self.graph[obj]) if of_neurons else None
        for signal in self.model.sig[holder].values():
            if not isinstance(signal, ParameterSignal):
                continue
            trainable = bool(signal.trainable)
            in_curve = by_gradient is None or signal.parameter in by_gradient
            if trainable:
                setting = f"the {declares} says so"
            elif trains_by_setting(self.graph.network, *dict.fromkeys((holder, obj))) is False:
                setting = "trainable is False in the network's settings"
            else:
                setting = f"trainable of the {declares} does not name it"
            yield Parameter(
                obj,
                kind,
                f"{name}.{signal.parameter}",
                tuple(signal.shape),
                trainable,
                trainable and reaches and in_curve,
                self._reason(trainable, reaches, setting, in_curve),
                signal,
            )

    def _reason(self, trainable: bool, reaches: bool, setting: str, in_curve: bool = True) -> str:
        """Say why something is trained or not: what its setting says, if nothing else decides."""
        if self.tensor_graph.inference_only:
            return "the network is set to inference_only"
        if trainable and not in_curve:
            return _NO_GRADIENT_OF_CURVE
        return _NO_GRADIENT if trainable and not reaches else setting

    def _setting(self, obj: Any, holder: Any, trainable: bool) -> str:
        # neurons that say nothing follow their ensemble
        settings = (self.graph.settings(one).get("trainable") for one in (holder, obj))
        said = [setting for setting in settings if setting and setting.value is not None]
        if not said and trainable:
            return "nengo_dl's default"
        if not said or bool(said[0].value) != trainable:
            return "a learning rule changes it"
        of_class = f"its class in <{network_in_words(said[0].network)}>"
        whose = "the object itself" if said[0].own else of_class
        return f"trainable is {said[0].value} for {whose}"

    def _of_keras_layer(self, item: GraphObject) -> Iterator[Parameter]:
        layer = item.obj.tensor_func
        itself = layer_itself(layer)
        reaches = item in self.reached
        inference_only = self.tensor_graph.inference_only
        listed_before = frozenset(self.listed)
        built = layer
        if not weights_of(layer):
            if id(itself) in self.listed or self.graph.simulator is not None:
                return  # it is used in several nodes, or has none
            self.listed.add(id(itself))
            built = built_copy(layer, item.shape_in)
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
                holder=itself,
            )
            return
        trained = {id(weight) for weight in built.trainable_weights}
        originals = layers_within(itself)
        for name, weight, index in named_weights(built):
            holder = originals[index] if index < len(originals) else itself
            # a layer within two models that are not built has a copy in either
            within_a_copy = built is not layer and holder is not itself
            if id(weight) in self.listed or (within_a_copy and id(holder) in listed_before):
                continue
            self.listed |= {id(weight), id(holder)} if within_a_copy else {id(weight)}
            is_state = is_state_of_simulation(self.tensor_graph, weight)
            trainable = id(weight) in trained and not inference_only and not is_state
            if is_state:
                why = "state of the simulation: the Keras layer changes it whenever it is called"
            elif not weight.trainable:
                why = "not made to train"
            else:
                says = "so" if id(weight) in trained else "so (trainable is False)"
                why = self._reason(trainable, reaches, f"the Keras layer says {says}")
            yield Parameter(
                item.obj,
                "Keras weights" if weight.trainable and not is_state else "Keras state",
                f"{item.name}.{name}",
                tuple(weight.shape),
                trainable,
                trainable and reaches,
                why,
                weight,
                holder,
            )


def is_state_of_simulation(tensor_graph: Any, source: Any) -> bool:
    """Say whether a Keras layer changes a variable in each step, which is no parameter then."""
    state = getattr(tensor_graph, "state_of_layers", {})  # nengo_dl's own knows of none
    return any(source is variable for variable in state.values())


def initial_value(signal: Signal) -> np.ndarray:
    """Return the value that a signal was built with; of a sparse one, those that are stored."""
    value = signal.initial_value
    if isinstance(signal, ParameterSignal):
        return signal.value(value)
    if signal.sparse:
        value = value.data if isinstance(value, SparseMatrix) else value.tocoo().data
    return np.asarray(value)
