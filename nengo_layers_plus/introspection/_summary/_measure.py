"""Runs a network and measures what its neurons do."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.neurons import Direct

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import GraphObject, NetworkGraph
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.introspection._recording import record
from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._fan_out import FanOut

_NEARLY = 0.95


def measure(
    graph: NetworkGraph,
    network: nengo.Network | nengo_dl.Simulator,
    data: Any,
    n_steps: int | None,
) -> dict[nengo.Ensemble, Activity]:
    """
    Run a copy of a network, and measure what the neurons of each ensemble do.

    Parameters
    ----------
    graph : NetworkGraph
        The graph of it.
    network : nengo.Network or nengo_dl.Simulator
        The network; or a Simulator, whose parameters are taken over.
    data : object
        What `record` takes.
    n_steps : int or None
        The number of steps.

    Returns
    -------
    activities : dict
        By ensemble; those in Direct mode have no neurons.
    """
    items = [
        item
        for item in graph.objects
        if item.kind == "ensemble" and not isinstance(item.obj.neuron_type, Direct)
    ]
    outputs = record(network, [item.obj for item in items], data, n_steps)
    fan_out = FanOut(graph)
    dt = float(graph.model.dt)
    periods = _tau_ref_now(graph)
    return {
        item.obj: _activity(item, outputs[item.obj], fan_out, dt, periods.get(item.obj))
        for item in items
    }


def _activity(
    item: GraphObject, outputs: np.ndarray, fan_out: FanOut, dt: float, tau_ref: Any
) -> Activity:
    neuron_type = item.obj.neuron_type
    amplitude = float(getattr(neuron_type, "amplitude", 1.0))
    # types that can be below 0 have spikes of two signs, which all are events
    rates = np.abs(outputs.astype(np.float64)).mean(axis=1) / amplitude  # (batch, size)
    of_neuron = rates.mean(axis=0)
    greatest = _greatest_rate(neuron_type, tau_ref)
    connections, not_counted = fan_out.of(item)
    return Activity(
        mean_rate=float(rates.mean()),
        max_rate=float(rates.max()),
        silent=float(np.mean(of_neuron == 0)),
        saturated=None if greatest is None else float(np.mean(of_neuron >= _NEARLY * greatest)),
        spikes=float(of_neuron.sum() * dt) if neuron_type.spiking else None,
        synaptic_operations=float(of_neuron @ connections * dt),
        not_counted=not_counted,
    )


def _tau_ref_now(graph: NetworkGraph) -> dict[nengo.Ensemble, np.ndarray]:
    """Return the refractory periods that types of neurons learn."""
    return {
        each.obj: initial_value(each.source) if graph.simulator is None else graph.value(each)
        for each in graph.parameters
        if each.kind == "neuron parameter" and each.source.parameter == "tau_ref"
    }


def _greatest_rate(neuron_type: Any, tau_ref: Any) -> Any:
    """Return the greatest rate (Hz) that neurons can have; None if there is none."""
    for name in ("neuron_type", "base_type"):  # of a Surrogate, and of types that spike at a rate
        inner = getattr(neuron_type, name, None)
        if inner is not None:
            return _greatest_rate(inner, tau_ref)
    if tau_ref is None:
        tau_ref = getattr(neuron_type, "tau_ref", None)
    if tau_ref is None or np.any(np.asarray(tau_ref) <= 0):
        return None
    return 1 / np.asarray(tau_ref, dtype=float)
