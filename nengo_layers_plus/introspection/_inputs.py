"""What a network is run with: the data of its input Nodes, losses and targets of its Probes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import array_of, as_count
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.simulator._losses import wanted_shape


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
    given = {} if data is None else _by_object(graph, nodes, data, "data", "input Nodes")
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


def check_loss(
    graph: NetworkGraph, loss: Any, targets: Any
) -> tuple[dict[nengo.Probe, Any], dict[nengo.Probe, np.ndarray]]:
    """
    Return the loss and the target of each Probe that has some.

    Parameters
    ----------
    graph : NetworkGraph
        The first network.
    loss : str, tf.keras.losses.Loss, callable, dict of nengo.Probe or str to these, or None
        A loss for each Probe with a target, or those of Probes, which may be named.
    targets : array, list of arrays, dict of nengo.Probe or str to array, or None
        For the first Probe, for each, or for those that are named; ``(batch, time, size)``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If one of both is missing, is of no Probe, or is no loss or target.
    """
    if (loss is None) != (targets is None):
        missing = "targets" if targets is None else "loss"
        raise ValidationError(
            f"expected loss and targets, or neither; {missing} is missing", missing, graph
        )
    if loss is None:
        return {}, {}
    probes = graph.network.all_probes
    given = _by_object(graph, probes, targets, "targets", "Probes")
    losses = dict.fromkeys(given, loss)
    if isinstance(loss, Mapping):
        losses = _by_object(graph, probes, loss, "loss", "Probes")
    if set(losses) != set(given):
        raise ValidationError(
            "expected a target for each loss, got losses of "
            f"{', '.join(graph[probe].name for probe in losses)} and targets of "
            f"{', '.join(graph[probe].name for probe in given)}",
            "targets",
            graph,
        )
    return (
        {probe: _check_is_loss(graph, probe, value) for probe, value in losses.items()},
        {probe: _check_is_target(graph, probe, value) for probe, value in given.items()},
    )


def _check_is_loss(graph: NetworkGraph, probe: nengo.Probe, loss: Any) -> Any:
    try:
        function = tf.keras.losses.get(loss)
    except (ValueError, TypeError):
        function = None
    if not callable(function) or isinstance(function, type | tf.keras.metrics.Metric):
        raise ValidationError(
            f"expected a loss of Keras, its name or a function of targets and outputs for the "
            f"Probe {graph[probe].name}, got {loss!r}",
            "loss",
            graph,
        )
    return function


def _check_is_target(graph: NetworkGraph, probe: nengo.Probe, target: Any) -> np.ndarray:
    array = np.asarray(target)
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        raise ValidationError(
            "expected numbers of shape (batch, time, size) as targets of the Probe "
            f"{graph[probe].name}, got {array.dtype} of shape {array.shape}",
            "targets",
            graph,
        )
    return array


def fits(loss: Any, target: np.ndarray, outputs: np.ndarray) -> bool:
    """Say whether targets have the shape that a loss wants for some outputs."""
    return target.shape == wanted_shape(loss, target.shape, outputs.shape)


def check_fits(
    graph: NetworkGraph, probe: nengo.Probe, loss: Any, target: np.ndarray, outputs: np.ndarray
) -> None:
    """
    Raise if targets do not have the shape that a loss wants for some outputs.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    probe : nengo.Probe
        Whose outputs these are.
    loss : callable
        What `check_loss` returned.
    target, outputs : array
        Both ``(batch, time, size)``; sparse losses of Keras take the numbers of classes as targets.
    """
    if not fits(loss, target, outputs):
        wanted = wanted_shape(loss, target.shape, outputs.shape)
        raise ValidationError(
            f"expected targets of shape {wanted} (batch, time, size) for the Probe "
            f"{graph[probe].name}, which puts out {outputs.shape}, got {target.shape}",
            "targets",
            graph,
        )


def _by_object(
    graph: NetworkGraph, objects: Sequence[Any], given: Any, argument: str, kind: str
) -> dict[Any, Any]:
    """
    Return what was given for some objects: one value for the first, one for each, or a dict.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    objects : sequence of NengoObject
        The objects.
    given : object, list or Mapping
        What was given for them. The keys may be objects, their names in the graph, and labels.
    argument, kind : str
        The argument, and what the objects are, for the error.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a key is no object, or if there are not as many values as objects.
    """
    names = ", ".join(graph[obj].name for obj in objects) or "(none)"
    if isinstance(given, Mapping):
        known = {graph[obj].name: obj for obj in objects}
        for obj in reversed(objects):
            if obj.label is not None:
                known.setdefault(obj.label, obj)
        known |= {obj: obj for obj in objects}
        for key in given:
            if key not in known:
                raise ValidationError(
                    f"expected {kind} of {graph.network} ({names}), got {key!r}", argument, graph
                )
        return {known[key]: value for key, value in given.items()}
    is_list = isinstance(given, list | tuple)
    several = list(given) if is_list else [given]
    if len(several) > len(objects) or (is_list and len(several) != len(objects)):
        raise ValidationError(
            f"expected one array for each of the {kind} {names}, or a dict that says which is for "
            f"which, got {len(several)}",
            argument,
            graph,
        )
    return dict(zip(objects, several, strict=False))
