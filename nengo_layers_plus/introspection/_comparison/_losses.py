"""The losses whose gradients are compared, and their targets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._inputs import in_order, known_by, names_of
from nengo_layers_plus.simulator._target_shapes import wanted_shape


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
    if not isinstance(targets, Mapping):
        targets = in_order(graph, graph.network.all_probes, targets, "targets", "Probes")
    given = _by_probe(graph, targets, "targets")
    losses = (
        _by_probe(graph, loss, "loss") if isinstance(loss, Mapping) else dict.fromkeys(given, loss)
    )
    if set(losses) != set(given):
        raise ValidationError(
            "expected a target for each loss, got losses of "
            f"{', '.join(graph[each].name for each in losses)} and targets of "
            f"{', '.join(graph[each].name for each in given)}",
            "targets",
            graph,
        )
    return (
        {probe: _check_is_loss(graph, probe, each) for probe, each in losses.items()},
        {probe: _check_is_target(graph, probe, each) for probe, each in given.items()},
    )


def _by_probe(graph: NetworkGraph, given: Mapping[Any, Any], what: str) -> dict[nengo.Probe, Any]:
    probes = graph.network.all_probes
    known = known_by(graph, probes)
    for key in given:
        if key not in known:
            raise ValidationError(
                f"expected Probes of {graph.network} ({names_of(graph, probes)}), got {key!r}",
                what,
                graph,
            )
    return {known[key]: each for key, each in given.items()}


def _check_is_loss(graph: NetworkGraph, probe: nengo.Probe, loss: Any) -> Any:
    try:
        found = tf.keras.losses.get(loss)
    except (ValueError, TypeError):
        found = None
    if not callable(found) or isinstance(found, type | tf.keras.metrics.Metric):
        raise ValidationError(
            f"expected a loss of Keras, its name or a function of targets and outputs for the "
            f"Probe {graph[probe].name}, got {loss!r}",
            "loss",
            graph,
        )
    return found


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
