"""The boxes, arrows and frames of a network, and the text in and between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.connection import LearningRule
from nengo.exceptions import SimulatorClosed
from nengo.neurons import Direct

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import (
    GraphEdge,
    GraphObject,
    NetworkGraph,
    Parameter,
    alike_parts,
    range_of_names,
)
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.introspection._summary._words import synapse_in_words, what_of

_MOST_NAMES = 3
_MOST_LINES = 4


@dataclass(frozen=True)
class BoxContent:
    """
    A box: an object, or several that are alike.

    Parameters
    ----------
    kind, name : str
        The kind and the full name of the object.
    texts : tuple of str
        Its name without those of the networks around it; what it is; which of its parameters an
        optimiser moves; and which are trainable, but get no gradient. The last two may be empty.
    frames : tuple of int
        The indices of the frames around it.
    """

    kind: str
    name: str
    texts: tuple[str, str, str, str]
    frames: tuple[int, ...]

    @property
    def trains(self) -> bool:
        """Whether an optimiser moves a parameter of it."""
        return bool(self.texts[2])


@dataclass(frozen=True)
class LinkContent:
    """
    An arrow, from the box of an index to that of another.

    Parameters
    ----------
    source, target : int
        The indices.
    name : str
        The names of the objects.
    above, below : list of str
        The lines above it: shapes; and below it: synapses, and what learns.
    """

    source: int
    target: int
    name: str
    above: list[str]
    below: list[str]


def graph_of(network: nengo.Network | nengo_dl.Simulator) -> NetworkGraph:
    """Return the graph of a network, or of a Simulator that is open."""
    if isinstance(network, nengo_dl.Simulator) and network.closed:
        raise SimulatorClosed(
            "can't draw a Simulator that is closed, as its values are gone; draw it before it is "
            "closed, inside its `with` block, or draw its network"
        )
    return NetworkGraph(network)


class NetworkContents:
    """
    The contents of a picture of a network.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    expand : bool
        Whether each object has a box of its own, also those that are alike.

    Attributes
    ----------
    boxes : list of BoxContent
        The boxes.
    links : list of LinkContent
        The arrows between them.
    frames : list of str
        The names of the subnetworks, empty for those without one.
    """

    def __init__(self, graph: NetworkGraph, expand: bool = False) -> None:
        self._graph = graph
        self._owners = first_uses(graph.objects)
        self._parameters: dict[Any, list[Parameter]] = defaultdict(list)
        is_read = any(item.kind == "probe" for item in graph.objects)
        for parameter in graph.parameters:
            # without a probe there is no gradient at all
            if parameter.trainable and (parameter.is_trained or is_read):
                self._parameters[parameter.obj].append(parameter)
        groups: list[tuple[GraphObject, ...]] = [(item,) for item in graph.objects]
        if not expand:
            groups = alike_parts(graph, lambda item: self._texts((item,))[1:])
        networks = list(dict.fromkeys(around for item, *_ in groups for around in item.path[1:]))
        self.frames = [self._frame_name(network) for network in networks]
        self.boxes = [
            BoxContent(
                group[0].kind,
                group[0].name,
                self._texts(group),
                tuple(networks.index(around) for around in group[0].path[1:]),
            )
            for group in groups
        ]
        box_of = {item: index for index, group in enumerate(groups) for item in group}
        between: dict[tuple[int, int], list[GraphEdge]] = defaultdict(list)
        for edge in graph.edges:
            between[box_of[edge.source], box_of[edge.target]].append(edge)
        self.links = [self._link(*ends, edges) for ends, edges in between.items()]

    def _texts(self, group: Sequence[GraphObject]) -> tuple[str, str, str, str]:
        """Return the texts of a box."""
        item = group[0]
        # the parameters of a Keras layer that is used several times are listed with the first use
        owner = self._owners[item]
        shared = "" if owner is item else f" (those of {owner.name})"

        def listed(head: str, is_trained: bool) -> str:
            names = [
                parameter.name.removeprefix(f"{owner.name}.")
                for parameter in self._parameters[owner.obj]
                if parameter.is_trained == is_trained
            ]
            few = len(names) <= _MOST_NAMES
            words = ", ".join(names) if few else f"{len(names)} arrays"
            return f"{head}: {words}{shared}" if names else ""

        return (
            range_of_names(self._within(alike.path[-1], alike.name) for alike in group),
            f"{len(group)} x {_what(item)}" if len(group) > 1 else _what(item),
            listed("trains", True),
            listed("no gradient", False),
        )

    def _link(self, source: int, target: int, edges: Sequence[GraphEdge]) -> LinkContent:
        shapes: dict[str, None] = {}
        remarks: dict[str, None] = {}
        if len(edges) > 1:
            remarks[f"{len(edges)} connections"] = None
        for edge in edges:
            link = edge.target.obj if edge.connection is None else edge.connection
            # of a slice of an image the size is known, and not the shape
            shapes[str((int(link.size_in),) if edge.shape is None else edge.shape)] = None
            if edge.connection is None:
                if link.attr not in ("output", "decoded_output"):
                    remarks[str(link.attr)] = None
            else:
                if isinstance(link.post_obj, LearningRule):
                    remarks["to the learning rule"] = None
                if link.learning_rule_type is not None:
                    remarks[f"learns by {_rules(link.learning_rule_type)}"] = None
            if link.synapse is not None:
                remarks[synapse_in_words(link.synapse)] = None
        for edge in edges:
            for parameter in self._parameters.get(edge.connection, ()):
                what = "synapse" if parameter.kind == "synapse parameter" else "weights"
                remarks[f"{'trains' if parameter.is_trained else 'no gradient'}: {what}"] = None
        above, below = _few(list(shapes)), _few(list(remarks))
        if source == target:  # nothing can stand below an arrow from a box to itself
            above, below = [*above, *below], []
        name = f"{self.boxes[source].name}->{self.boxes[target].name}"
        return LinkContent(source, target, name, above, below)

    def _frame_name(self, network: nengo.Network) -> str:
        """Return the name of a subnetwork, empty if it has none."""
        around = self._graph.path(network)[-1]
        name = self._graph.network_name(network)
        return "" if name == self._graph.network_name(around) else self._within(around, name)

    def _within(self, network: nengo.Network, name: str) -> str:
        """Return a name without that of the network around it."""
        return name.removeprefix(f"{self._graph.network_name(network)}/") or name


def _what(item: GraphObject) -> str:
    obj = item.obj
    if item.kind == "probe":
        return "probe"
    if item.kind == "ensemble":
        neurons = obj.neuron_type
        name = type(neurons).__name__
        for attribute in ("neuron_type", "base_type"):
            if getattr(neurons, attribute, None) is not None:
                name += f" of {type(getattr(neurons, attribute)).__name__}"
                break
        is_direct = isinstance(neurons, Direct)
        n, unit = (obj.dimensions, "dimension") if is_direct else (obj.n_neurons, "neuron")
        return f"{name}, {n:,} {unit}{'s' * (n != 1)}"
    if item.kind == "node" and isinstance(obj.output, nengo.Process):
        return type(obj.output).__name__
    return what_of(item)


def _few(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_LINES:
        return lines
    shown = lines[: _MOST_LINES - 1]
    return [*shown, f"and {len(lines) - len(shown)} more"]


def _rules(rules: Any) -> str:
    if isinstance(rules, dict):
        rules = rules.values()
    elif not isinstance(rules, list | tuple):
        rules = [rules]
    return ", ".join(type(rule).__name__ for rule in rules)
