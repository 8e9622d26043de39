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
        array = array_of(value, "biuf")
        if array is None:
            problem = f"expected numbers for the Node {graph[node].name}, got {value!r}"
        elif array.ndim != 3 or array.shape[2] != node.size_out or 0 in array.shape:
            problem = (
                f"expected values of shape (batch, time, {node.size_out}) for the Node "
                f"{graph[node].name}, got {array.shape}"
            )
        elif n_steps is not None and array.shape[1] != n_steps:
            problem = (
                f"expected {n_steps} steps (n_steps) for the Node {graph[node].name}, "
                f"got {array.shape[1]}"
            )
        else:
            values[node] = array
            continue
        raise ValidationError(problem, "data", graph)
    sizes = {graph[node].name: array.shape[:2] for node, array in values.items()}
    if len(set(sizes.values())) > 1:
        texts = ", ".join(f"{size} for {name}" for name, size in sizes.items())
        message = f"expected as many items and steps for all Nodes, got {texts}"
        raise ValidationError(message, "data", graph)
    return values


def check_loss(
    graph: NetworkGraph, loss: Any, targets: Any
) -> tuple[dict[nengo.Probe, Any], dict[nengo.Probe, np.ndarray]]:
    """
    Return the loss and the target of the Probes that have some.

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
        message = f"expected loss and targets, or neither; {missing} is missing"
        raise ValidationError(message, missing, graph)
    if loss is None:
        return {}, {}
    probes = graph.network.all_probes
    given = _by_object(graph, probes, targets, "targets", "Probes")
    losses = dict.fromkeys(given, loss)
    if isinstance(loss, Mapping):
        losses = _by_object(graph, probes, loss, "loss", "Probes")
    if set(losses) != set(given):
        of_losses, of_targets = (", ".join(graph[p].name for p in ps) for ps in (losses, given))
        message = (
            f"expected a target for each loss, got losses of {of_losses} and targets of "
            f"{of_targets}"
        )
        raise ValidationError(message, "targets", graph)
    return (
        {probe: _as_loss(graph, probe, value) for probe, value in losses.items()},
        {probe: _as_target(graph, probe, value) for probe, value in given.items()},
    )


def _as_loss(graph: NetworkGraph, probe: nengo.Probe, loss: Any) -> Any:
    try:
        function = tf.keras.losses.get(loss)
    except (ValueError, TypeError):
        function = None
    if not callable(function) or isinstance(function, type | tf.keras.metrics.Metric):
        message = (
            "expected a loss of Keras, its name or a function of targets and outputs for the "
            f"Probe {graph[probe].name}, got {loss!r}"
        )
        raise ValidationError(message, "loss", graph)
    return function


def _as_target(graph: NetworkGraph, probe: nengo.Probe, target: Any) -> np.ndarray:
    array = np.asarray(target)
    if array.ndim != 3 or array.dtype.kind not in "biuf":
        message = (
            "expected numbers of shape (batch, time, size) as targets of the Probe "
            f"{graph[probe].name}, got {array.dtype} of shape {array.shape}"
        )
        raise ValidationError(message, "targets", graph)
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
        The Probe that recorded the outputs.
    loss : callable
        What `check_loss` returned.
    target, outputs : array
        Both ``(batch, time, size)``; sparse losses of Keras take the numbers of classes as targets.
    """
    if not fits(loss, target, outputs):
        wanted = wanted_shape(loss, target.shape, outputs.shape)
        message = (
            f"expected targets of shape {wanted} (batch, time, size) for the Probe "
            f"{graph[probe].name}, which puts out {outputs.shape}, got {target.shape}"
        )
        raise ValidationError(message, "targets", graph)


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
        known: dict[Any, Any] = {obj.label: obj for obj in reversed(objects) if obj.label}
        known |= {graph[obj].name: obj for obj in objects} | {obj: obj for obj in objects}
        for key in given:
            if key not in known:
                message = f"expected {kind} of {graph.network} ({names}), got {key!r}"
                raise ValidationError(message, argument, graph)
        return {known[key]: value for key, value in given.items()}
    is_list = isinstance(given, list | tuple)
    values = list(given) if is_list else [given]
    if len(values) > len(objects) or (is_list and len(values) != len(objects)):
        message = (
            f"expected one array for each of the {kind} {names}, or a dict of arrays by Node, "
            f"Probe or name, got {len(values)}"
        )
        raise ValidationError(message, argument, graph)
    return dict(zip(objects, values, strict=False))
