"""What the input Nodes of a network are given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import array_of, as_count
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph


def input_nodes(network: nengo.Network) -> list[nengo.Node]:
    """List the Nodes whose values can be given, in the order in which nengo_dl takes them."""
    return [
        node
        for node in network.all_nodes
        if node.size_in == 0 and not isinstance(node, nengo_dl.TensorNode)
    ]


def check_data(graph: NetworkGraph, data: Any, n_steps: int | None) -> dict[nengo.Node, np.ndarray]:
    """
    Return the values of input Nodes.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    data : array, list of arrays, dict of nengo.Node or str to array, or None
        As `nengo_dl.Simulator.predict` takes it; a name may be a label, or the name in the graph.
    n_steps : int or None
        The number of steps; None to take that of the data.

    Returns
    -------
    values : dict of nengo.Node to array
        Values, ``(batch, time, size)``, for the Nodes that were given some.

    Raises
    ------
    nengo.exceptions.ValidationError
        If they do not fit the network, or each other.
    """
    if n_steps is not None:
        as_count(n_steps, "n_steps", graph)
    nodes = input_nodes(graph.network)
    given = _by_node(graph, nodes, data)
    values = {}
    for node, value in given.items():
        name = graph[node].name
        array = array_of(value, "biuf")
        if array is None:
            raise ValidationError(
                f"expected numbers for the Node {name}, got {value!r}", "data", graph
            )
        if array.ndim != 3 or array.shape[2] != node.size_out or 0 in array.shape:
            raise ValidationError(
                f"expected values of shape (batch, time, {node.size_out}) for the Node {name}, "
                f"got {array.shape}",
                "data",
                graph,
            )
        if n_steps is not None and array.shape[1] != n_steps:
            raise ValidationError(
                f"expected {n_steps} steps (n_steps) for the Node {name}, got {array.shape[1]}",
                "data",
                graph,
            )
        values[node] = array
    sizes = {graph[node].name: array.shape[:2] for node, array in values.items()}
    if len(set(sizes.values())) > 1:
        raise ValidationError(
            "expected as many items and steps for all Nodes, got "
            + ", ".join(f"{size} for {name}" for name, size in sizes.items()),
            "data",
            graph,
        )
    return values


def _by_node(
    graph: NetworkGraph, nodes: list[nengo.Node], data: Any
) -> dict[nengo.Node, np.ndarray]:
    if data is None:
        return {}
    if isinstance(data, Mapping):
        known = known_by(graph, nodes)
        for key in data:
            if key not in known:
                raise ValidationError(
                    f"{key} is not an input Node (one without inputs) of {graph.network}; these "
                    f"are {names_of(graph, nodes)}",
                    "data",
                    graph,
                )
        return {known[key]: value for key, value in data.items()}
    return in_order(graph, nodes, data, "data", "input Nodes")


def known_by(graph: NetworkGraph, objects: Sequence[Any]) -> dict[Any, Any]:
    """Return objects by all that users may call them by: themselves, graph names, and labels."""
    known = {graph[obj].name: obj for obj in objects}
    for obj in reversed(objects):
        if obj.label is not None:
            known.setdefault(obj.label, obj)
    return known | {obj: obj for obj in objects}


def in_order(
    graph: NetworkGraph, objects: Sequence[Any], given: Any, what: str, called: str
) -> dict[Any, Any]:
    """
    Return arrays by the objects that they are for: one for the first, or one for each.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    objects : sequence of NengoObject
        The objects.
    given : array, or list of arrays
        What was given for them.
    what, called : str
        The argument, and what the objects are called, for the error.

    Raises
    ------
    nengo.exceptions.ValidationError
        If there are not as many as objects.
    """
    is_list = isinstance(given, list | tuple)
    several = list(given) if is_list else [given]
    if len(several) > len(objects) or (is_list and len(several) != len(objects)):
        raise ValidationError(
            f"expected one array for each of the {called} {names_of(graph, objects)}, or a dict "
            f"that says which is for which, got {len(several)}",
            what,
            graph,
        )
    return dict(zip(objects, several, strict=False))


def names_of(graph: NetworkGraph, objects: Sequence[Any]) -> str:
    """Write the names of objects, for errors."""
    return ", ".join(graph[obj].name for obj in objects) or "(none)"
