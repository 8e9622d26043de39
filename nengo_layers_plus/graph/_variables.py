"""Which variable of a Simulator holds which parameter."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._network_graph import NetworkGraph
from nengo_layers_plus.graph._parameters import Parameter
from nengo_layers_plus.graph._words import unique_name

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
        For each of ``keras_model.weights`` by its name, in their order, the names of the parameters
        that it holds, each with what the variable is indexed with to get it. Of two variables of
        one name the second has a number behind it.
    """
    sim = graph.simulator
    if sim is None:
        return {}
    found: dict[int, list[tuple[str, Index]]] = {id(each): [] for each in sim.keras_model.weights}
    for parameter in graph.parameters:
        place = _place(graph, parameter)
        if place is not None and id(place[0]) in found:
            found[id(place[0])].append((parameter.name, place[1]))
    used: set[str] = set()
    return {unique_name(str(each.name), used): found[id(each)] for each in sim.keras_model.weights}


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
    parts = (":" if each == slice(None) else f"{each.start}:{each.stop}" for each in index)
    return f"[{', '.join(parts)}]"
