"""The order of the objects of a network that were given no label, by their structure."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import is_automatic_name, tf
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.graph._words import by_numbers

# neither the seeds of a network nor values that may be drawn anew decide: they change from one
# run of a script to the next, and with them names would


def structure_of(obj: Any, kind: str, path: tuple[nengo.Network, ...]) -> tuple[Any, ...]:
    """Return what tells an ensemble, node or probe from others, apart from its place."""
    around = tuple(by_numbers(network.label) for network in path[1:])
    sizes = (int(obj.size_in), 0 if isinstance(obj, nengo.Probe) else int(obj.size_out))
    return (around, by_numbers(obj.label), kind, sizes, _details(obj))


def _details(obj: Any) -> tuple[str, ...]:
    if isinstance(obj, nengo.Ensemble):
        return (str(obj.n_neurons), repr(obj.neuron_type))
    if isinstance(obj, nengo.Probe):
        return (type(obj.obj).__name__, str(obj.attr), repr(obj.synapse), _slice(obj.target))
    function = getattr(obj, "tensor_func", obj.output)
    layer = layer_itself(function)
    if isinstance(layer, tf.keras.layers.Layer):
        shapes = (str(obj.shape_in), str(obj.shape_out))
        own_name = "" if is_automatic_name(layer) else str(layer.name)
        return ("layer", type(layer).__name__, *shapes, own_name, _config(layer))
    if isinstance(function, np.ndarray):
        return ("array",)
    return (type(function).__name__, getattr(function, "__qualname__", ""))


def structure_of_link(link: nengo.Connection | nengo.Probe) -> tuple[str, ...]:
    """Return what tells a connection, or what a probe reads, from others, apart from its ends."""
    if isinstance(link, nengo.Probe):
        return ("probe", type(link.obj).__name__)
    transform = link.transform
    return (
        "connection",
        _end(link.pre_obj),
        _end(link.post_obj),
        _slice(link.pre),
        _slice(link.post),
        type(transform).__name__,
        str((transform.size_in, transform.size_out)),
        str(_shape(transform)),
        repr(link.synapse),
        str(link.size_mid),
        "" if link.function is None else getattr(link.function, "__qualname__", ""),
        repr(link.learning_rule_type),
    )


def _end(obj: Any) -> str:
    return next((cls.__name__ for cls in (Neurons, LearningRule) if isinstance(obj, cls)), "object")


def _slice(obj: Any) -> str:
    return repr(obj.slice) if isinstance(obj, nengo.base.ObjView) else ""


def _shape(transform: Any) -> Any:
    if isinstance(transform, nengo.Convolution | nengo.ConvolutionTranspose):
        return (transform.kernel_shape, transform.strides, transform.padding)
    init = getattr(transform, "init", None)
    if isinstance(init, nengo.dists.Distribution):
        return type(init).__name__
    return () if init is None else np.shape(init)


def _config(layer: Any) -> str:
    try:
        config = layer.get_config()
    except Exception:  # a user's layer may fail in any way; then its class has to do
        return ""
    return repr(_plain(config))


def _plain(value: Any) -> Any:
    """Reduce a configuration to what does not differ from one process to the next."""
    if isinstance(value, dict):
        left_out = ("name", "dtype", "inbound_nodes", "input_layers", "output_layers")
        return sorted(
            (str(key), _plain(item)) for key, item in value.items() if key not in left_out
        )
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    return type(value).__name__


Edge = tuple[Any, Any, Any]
"""Source, target and label; labels must be comparable with each other."""


def canonical_ranks(labels: Mapping[Any, Any], edges: Iterable[Edge]) -> dict[Any, int]:
    """
    Rank the nodes of a graph by their place in it.

    Parameters
    ----------
    labels : Mapping
        What each node is, by node: values that can be compared with each other. Nodes are given in
        the order they were made in.
    edges : iterable of tuple
        Source, target and a label that can be compared with other labels.

    Returns
    -------
    ranks : dict of int
        The rank of each node. Nodes with smaller labels come first, then what the graph says
        decides. Of nodes that the graph can't tell apart, the one made first comes first, and
        what is beside it follows that choice.
    """
    initial = _initial_colours(labels)
    colouring = Colouring(initial, edges)
    colouring.refine(list(labels))
    colouring.tell_all_apart({node: index for index, node in enumerate(labels)})
    order = sorted(labels, key=lambda node: (initial[node], colouring.colours[node]))
    return {node: index for index, node in enumerate(order)}


def stable_colours(labels: Mapping[Any, Any], edges: Iterable[Edge]) -> dict[Any, int]:
    """
    Return a number for each node of a graph, the same for nodes that can't be told apart.

    Parameters
    ----------
    labels, edges
        As of `canonical_ranks`.
    """
    colouring = Colouring(_initial_colours(labels), edges)
    colouring.refine(list(labels))
    return colouring.colours


def _initial_colours(labels: Mapping[Any, Any]) -> dict[Any, int]:
    numbers = {label: index for index, label in enumerate(sorted(set(labels.values())))}
    return {node: numbers[label] for node, label in labels.items()}


class Colouring:
    """
    Colours of nodes, and the sets of nodes that have them.

    Parameters
    ----------
    colours : dict of int
        A number for each node, from 0 without gaps.
    edges : iterable of tuple
        Source, target and label.
    """

    def __init__(self, colours: dict[Any, int], edges: Iterable[Edge]) -> None:
        self.colours = dict(colours)
        self.cells: dict[int, set[Any]] = defaultdict(set)
        for node, colour in colours.items():
            self.cells[colour].add(node)
        self.neighbours: dict[Any, list[tuple[Any, tuple[int, int]]]] = defaultdict(list)
        edges = list(edges)
        numbers = {
            label: index for index, label in enumerate(sorted({label for _, _, label in edges}))
        }
        for source, target, label in edges:
            self.neighbours[source].append((target, (0, numbers[label])))
            self.neighbours[target].append((source, (1, numbers[label])))

    def refine(self, changed: Sequence[Any]) -> None:
        """Split colours until nodes of one colour have neighbours of the same colours."""
        while changed:
            seen: dict[Any, list[tuple[tuple[int, int], int]]] = defaultdict(list)
            for node in changed:
                for neighbour, link in self.neighbours[node]:
                    seen[neighbour].append((link, self.colours[node]))
            touched: dict[int, dict[tuple[Any, ...], list[Any]]] = defaultdict(
                lambda: defaultdict(list)
            )
            for node, links in seen.items():
                touched[self.colours[node]][tuple(sorted(links))].append(node)
            changed = [
                node for colour in sorted(touched) for node in self._split(colour, touched[colour])
            ]

    def tell_all_apart(self, made: Mapping[Any, int]) -> None:
        """Give every node a colour of its own; where nothing else decides, as they were made."""
        waiting = [colour for colour, cell in self.cells.items() if len(cell) > 1]
        heapq.heapify(waiting)
        members: dict[int, list[Any]] = {}
        while waiting:
            colour = waiting[0]
            cell = self.cells[colour]
            if len(cell) < 2:
                heapq.heappop(waiting)
                continue
            if colour not in members:
                members[colour] = sorted(cell, key=made.__getitem__, reverse=True)
            # those that left the cell since then have another colour
            while self.colours[members[colour][-1]] != colour:
                members[colour].pop()
            first = members[colour].pop()
            before = len(self.cells)
            self.refine(self.move([first], colour))
            for new in range(before, len(self.cells)):
                heapq.heappush(waiting, new)

    def _split(self, colour: int, groups: Mapping[tuple[Any, ...], list[Any]]) -> list[Any]:
        """Split a colour into groups; return the nodes that were given a new one."""
        cell = self.cells[colour]
        sizes = {key: len(group) for key, group in groups.items()}
        if n_untouched := len(cell) - sum(sizes.values()):
            sizes[()] = n_untouched
        kept = min(sizes, key=lambda key: (-sizes[key], key))
        changed = []
        for key in sorted(sizes.keys() - {kept}):
            group = groups[key] if key else list(cell.difference(*groups.values()))
            changed += self.move(group, colour)
        return changed

    def move(self, group: list[Any], colour: int) -> list[Any]:
        """Give nodes of a colour a new one, and return them."""
        new = len(self.cells)
        self.cells[colour].difference_update(group)
        self.cells[new].update(group)
        for node in group:
            self.colours[node] = new
        return group
