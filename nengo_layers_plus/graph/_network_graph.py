"""A network as a graph of objects and edges, with its parameters and what of it is alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any

import numpy as np

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._canonical_order import (
    stable_colours,
    structure_of,
    structure_of_link,
)
from nengo_layers_plus.graph._parameters import Parameter, initial_value, parameters_of
from nengo_layers_plus.graph._structure import GraphObject, NetworkStructure
from nengo_layers_plus.graph._words import by_numbers, unique_name

_FEWEST_ALIKE = 3
"""The fewest objects that share a line, a box or a loop."""


class NetworkGraph(NetworkStructure):
    """
    What is in a network, how data flows through it and what of it would train.

    Parameters
    ----------
    network : nengo.Network or nengo_dl.Simulator
        Any network, whatever made it. With a Simulator, what is trained is read from what was
        built; with a Network it is planned as nengo_dl would plan it, without running anything
        and without touching the network's seeds or NumPy's random state.
    seed : int, optional
        Taken for the seed of a network that has none; by default it is drawn.
    builder : nengo.builder.Builder, optional
        Builds the objects of a network, by default as nengo_dl does.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is neither, or a subnetwork with connections to objects outside of it.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import CustomLayer
    >>> from nengo_layers_plus.graph import NetworkGraph
    >>> with nengo.Network() as net:
    ...     image = nengo.Node([0.0] * 4, label="image")
    ...     hidden = CustomLayer(nengo.LIF(), label="hidden")(image)
    ...     output = CustomLayer(tf.keras.layers.Dense(2), label="output")(hidden)
    ...     probe = nengo.Probe(output, label="probe")
    >>> graph = NetworkGraph(net)
    >>> [item.name for item in graph.objects]
    ['image', 'hidden', 'output', 'probe']
    >>> [
    ...     (parameter.name, parameter.shape)
    ...     for parameter in graph.parameters
    ...     if parameter.is_trained
    ... ]
    [('hidden.bias', (4,)), ('output.kernel', (4, 2)), ('output.bias', (2,))]
    >>> graph.settings(net.connections[0])["trainable"].value
    False
    """

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Everything that could train, in the order data flows, with whether it will, and why."""
        return parameters_of(self)

    def value(self, parameter: Parameter) -> np.ndarray:
        """
        Return the value that a parameter has now.

        Parameters
        ----------
        parameter : Parameter
            One of `parameters`.

        Raises
        ------
        ValueError
            If the graph was made of a Network, which holds no values.
        """
        sim = self.simulator
        if not isinstance(parameter, Parameter):
            raise ValueError(f"expected one of the parameters of the graph, got {parameter!r}")
        if sim is None:
            raise ValueError(
                f"{parameter.name} has no value yet: make the graph of a nengo_dl.Simulator"
            )
        source = parameter.source
        if isinstance(source, tf.Variable):
            return tf.keras.backend.get_value(
                sim.tensor_graph.saved_state.get(source.ref(), source)
            )
        if source not in sim.tensor_graph.signals:  # left out by nengo_dl
            return initial_value(source)
        value = tf.keras.backend.get_value(sim.tensor_graph.get_tensor(source))
        if isinstance(source, ParameterSignal):
            return source.value(value)
        # nengo_dl holds a single number as an array of one; what learns has one for each item
        shape = np.shape(initial_value(source))
        return value.reshape((len(value), *shape) if source.minibatched else shape)


def alike_parts(
    graph: NetworkGraph, shown: Callable[[GraphObject], Hashable] | None = None
) -> list[tuple[GraphObject, ...]]:
    """
    Group the objects of a network that are alike, as in a `nengo.networks.EnsembleArray`.

    Objects are alike if they are in the same network, are made alike, have labels that differ in
    numbers alone, and are joined in the same way to objects that are the same or alike. Numbers
    that were drawn, and which part of a slice is theirs, do not tell them apart.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    shown : callable, optional
        Returns what else has to be the same for an object to be alike.

    Returns
    -------
    groups : list of tuple of GraphObject
        All objects, each in one group, in the order data flows; in a group by their numbers.
    """
    networks: dict[Any, int] = {}
    extra: dict[Hashable, int] = {}
    labels = {}
    for item in graph.objects:
        stem = re.sub(r"\d+", "0", str(item.obj.label or ""))
        place = networks.setdefault(item.path[-1], len(networks))
        _, _, *structure = structure_of(item.obj, item.kind, item.path)
        labels[item] = (
            place,
            stem,
            *structure,
            extra.setdefault(shown and shown(item), len(extra)),
        )
    edges = []
    for edge in graph.edges:
        link = structure_of_link(edge.target.obj if edge.connection is None else edge.connection)
        edges.append((edge.source, edge.target, _without_slices(link)))
    colours = stable_colours(labels, edges)
    groups: dict[int, list[GraphObject]] = {}
    for item in graph.objects:
        groups.setdefault(colours[item], []).append(item)
    parts: list[tuple[GraphObject, ...]] = []
    for item in graph.objects:
        group = groups[colours[item]]
        # what is joined to nothing is not beside anything
        joined = graph.predecessors(item) or graph.successors(item)
        if len(group) < _FEWEST_ALIKE or not joined:
            parts.append((item,))
        elif group[0] is item:
            parts.append(tuple(sorted(group, key=lambda alike: by_numbers(alike.name))))
    return parts


def _without_slices(link: tuple[str, ...]) -> tuple[str, ...]:
    return (*link[:3], *link[5:]) if link[0] == "connection" else link


Index = tuple[slice, ...]
"""What a variable is indexed with to get a parameter; empty for all of it."""


def variables_of(graph: NetworkGraph) -> dict[str, list[tuple[str, Index]]]:
    """
    Return what the variables of a Simulator's Keras model hold.

    Parameters
    ----------
    graph : NetworkGraph
        The network, of a Simulator.

    Returns
    -------
    variables : dict
        By the names of ``keras_model.weights``, in their order, the names of the parameters that
        a variable holds, with what the variable is indexed with to get them. Of two variables of
        one name the second has a number behind it.
    """
    sim = graph.simulator
    if sim is None:
        return {}
    weights = sim.keras_model.weights
    held: dict[int, list[tuple[str, Index]]] = {id(variable): [] for variable in weights}
    for parameter in graph.parameters:
        place = _place(graph, parameter)
        if place is not None and id(place[0]) in held:
            held[id(place[0])].append((parameter.name, place[1]))
    used: set[str] = set()
    return {unique_name(str(variable.name), used): held[id(variable)] for variable in weights}


def counted_by_keras(graph: NetworkGraph, parameter: Parameter) -> int | None:
    """
    Return how many values Keras counts for a parameter; None if its shape is not known.

    What learns by a rule has values for each item of a minibatch. What nengo_dl does not keep
    counts for nothing.
    """
    if parameter.kind.startswith("Keras"):
        return parameter.size
    signals = graph.tensor_graph.signals
    if parameter.source not in signals:
        return 0
    held = signals[parameter.source]
    size = parameter.size
    return size * graph.tensor_graph.minibatch_size if size and held.minibatched else size


def _place(graph: NetworkGraph, parameter: Parameter) -> tuple[Any, Index] | None:
    """Return the variable that holds a parameter, and where in it; None if none does."""
    if isinstance(parameter.source, tf.Variable):
        return parameter.source, ()
    tensor_graph = graph.tensor_graph
    if parameter.source not in tensor_graph.signals:
        return None
    held = tensor_graph.signals[parameter.source]
    variable = tensor_graph.base_params.get(held.key)
    if variable is None:
        return None
    ((start, stop),) = held.slices  # parameters are no views, which alone may have several
    part = slice(int(start), int(stop))
    return variable, (slice(None), part) if held.minibatched else (part,)


def write_index(index: Index) -> str:
    """Write what a variable is indexed with."""
    if not index:
        return ""
    parts = (":" if part == slice(None) else f"{part.start}:{part.stop}" for part in index)
    return f"[{', '.join(parts)}]"
