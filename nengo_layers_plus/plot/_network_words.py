"""What is written in and between the boxes of a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import nengo
from nengo.connection import LearningRule
from nengo.neurons import Direct

from nengo_layers_plus.graph import (
    GraphEdge,
    GraphObject,
    NetworkGraph,
    Parameter,
    range_of_names,
)
from nengo_layers_plus.introspection._summary._words import synapse_in_words, what_of

_MOST_NAMES = 3
_MOST_LINES = 4


@dataclass(frozen=True)
class BoxWords:
    """
    What is written in a box.

    Parameters
    ----------
    name : str
        The name of the object, without those of the networks around it.
    what : str
        What it is.
    trains : str
        Which of its parameters an optimiser moves, empty if none.
    stopped : str
        Which are trainable, but get no gradient, empty if none.
    """

    name: str
    what: str
    trains: str
    stopped: str


def box_words(
    graph: NetworkGraph,
    parameters: Iterable[Parameter],
    owner: GraphObject,
    alike: Sequence[GraphObject],
) -> BoxWords:
    """
    Say what an object is, and what of it trains.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    parameters : iterable of Parameter
        Its parameters.
    owner : GraphObject
        The object that they are listed with; another one if a Keras layer is used in several.
    alike : sequence of GraphObject
        The object, or those that the box stands for if several are alike.
    """
    item = alike[0]
    own = [each for each in parameters if each.trainable]
    shared = "" if owner is item else f" (those of {owner.name})"
    return BoxWords(
        range_of_names(_within(graph, each.path[-1], each.name) for each in alike),
        f"{len(alike)} x {_what(item)}" if len(alike) > 1 else _what(item),
        _listed("trains", owner, [each for each in own if each.is_trained], shared),
        _listed("no gradient", owner, [each for each in own if not each.is_trained], shared),
    )


def link_words(
    edges: Sequence[GraphEdge], parameters: Iterable[Parameter]
) -> tuple[list[str], list[str]]:
    """
    Say what goes over the edges from one object to another.

    Parameters
    ----------
    edges : sequence of GraphEdge
        The edges.
    parameters : iterable of Parameter
        Those of their connections.

    Returns
    -------
    above, below : list of str
        The lines above the arrow: shapes; and below it: synapses, and what learns.
    """
    shapes: dict[str, None] = {}
    below: dict[str, None] = {}
    if len(edges) > 1:
        below[f"{len(edges)} connections"] = None
    for edge in edges:
        link = edge.target.obj if edge.connection is None else edge.connection
        # of which values a slice of an image is made is not known, but how many there are
        shapes[str((int(link.size_in),) if edge.shape is None else edge.shape)] = None
        if edge.connection is None:
            if link.attr not in ("output", "decoded_output"):
                below[str(link.attr)] = None
        else:
            if isinstance(link.post_obj, LearningRule):
                below["to the learning rule"] = None
            if link.learning_rule_type is not None:
                below[f"learns by {_rules(link.learning_rule_type)}"] = None
        if link.synapse is not None:
            below[synapse_in_words(link.synapse)] = None
    for each in parameters:
        if each.trainable:
            what = "synapse" if each.kind == "synapse parameter" else "weights"
            below[f"trains: {what}" if each.is_trained else f"no gradient: {what}"] = None
    return _few(list(shapes)), _few(list(below))


def frame_words(graph: NetworkGraph, network: nengo.Network) -> str:
    """Return the name of a subnetwork, empty if it has none."""
    around = graph.path(network)[-1]
    name = graph.network_name(network)
    return "" if name == graph.network_name(around) else _within(graph, around, name)


def _within(graph: NetworkGraph, network: nengo.Network, name: str) -> str:
    """Return a name without that of the network around it."""
    return name.removeprefix(f"{graph.network_name(network)}/") or name


def _what(item: GraphObject) -> str:
    obj = item.obj
    if item.kind == "probe":
        return "probe"
    if item.kind == "ensemble":
        name = type(obj.neuron_type).__name__
        inner = getattr(obj.neuron_type, "neuron_type", None) or getattr(
            obj.neuron_type, "base_type", None
        )
        name += f" of {type(inner).__name__}" if inner is not None else ""
        size = (
            _counted(obj.dimensions, "dimension")
            if isinstance(obj.neuron_type, Direct)
            else _counted(obj.n_neurons, "neuron")
        )
        return f"{name}, {size}"
    if item.kind == "node" and isinstance(obj.output, nengo.Process):
        return type(obj.output).__name__
    return what_of(item)


def _listed(head: str, owner: GraphObject, parameters: Sequence[Parameter], shared: str) -> str:
    if not parameters:
        return ""
    if len(parameters) > _MOST_NAMES:
        return f"{head}: {len(parameters)} arrays{shared}"
    names = (each.name.removeprefix(f"{owner.name}.") for each in parameters)
    return f"{head}: {', '.join(names)}{shared}"


def _counted(number: int, one: str) -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {one}s"


def _few(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_LINES:
        return lines
    shown = lines[: _MOST_LINES - 1]
    return [*shown, f"and {len(lines) - len(shown)} more"]


def _rules(rules: object) -> str:
    if isinstance(rules, dict):
        rules = list(rules.values())
    if isinstance(rules, list | tuple):
        return ", ".join(type(each).__name__ for each in rules)
    return type(rules).__name__
