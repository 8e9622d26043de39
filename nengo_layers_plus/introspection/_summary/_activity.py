"""What the neurons of a network do when it is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.neurons import Direct

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import GraphObject, NetworkGraph, number
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.introspection._recording import record
from nengo_layers_plus.introspection._summary._fan_out import FanOut

_NEARLY = 0.95


@dataclass(frozen=True)
class Activity:
    r"""
    What the neurons of a layer did while data was run.

    Parameters
    ----------
    mean_rate : float
        Firing rate (Hz), the mean over neurons, steps and items. A neuron of amplitude :math:`A`
        that puts out :math:`y` fires at the rate :math:`|y| / A`; a spike lasts one step, in which
        :math:`y = A / dt`.
    max_rate : float
        The greatest firing rate (Hz) of a neuron in an item, the mean over the steps.
    silent : float
        Share of neurons that put out nothing in any step of any item, from 0 to 1.
    saturated : float or None
        Share of neurons whose rate, the mean over steps and items, is within 5 % of the greatest
        that there is, ``1 / tau_ref``. None for a type of neurons without a refractory period.
    spikes : float or None
        Spikes of all neurons in a step of an item. None for neurons that put out rates.
    synaptic_operations : float
        Synaptic operations in a step of an item: spikes times the connections that each of them
        goes over. Neurons that put out rates are counted as if they fired at these rates.
    not_counted : tuple of str
        Names of objects behind the neurons whose connections are not known, such as functions, and
        are not in that number.

    Notes
    -----
    Synaptic operations are those of ``keras_spiking.ModelEnergy`` (KerasSpiking 0.3.0). They are
    the number of connections from all inputs of a layer to its units, times the mean firing rate of
    the inputs, times the length of a step. The connections of a Dense or convolutional Keras layer
    are its multiplications for one input, and those of a transform of nengo its weights. A decoded
    connection has one for each decoded value and neuron. Layers that only move or average values
    (Flatten, pooling) have none, and what follows them is counted. What follows the first weights
    does not get spikes and is not counted.
    """

    mean_rate: float
    max_rate: float
    silent: float
    saturated: float | None
    spikes: float | None
    synaptic_operations: float
    not_counted: tuple[str, ...] = ()

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield it in words, a line at a time."""
        yield "firing rates", f"{self.mean_rate:.1f} Hz on average, at most {self.max_rate:.1f} Hz"
        saturated = "" if self.saturated is None else f", {self.saturated:.1%} saturated"
        yield "silent", f"{self.silent:.1%} of the neurons{saturated}"
        spikes = "" if self.spikes is None else f"{number(self.spikes)} spikes, "
        without = f" without those of {', '.join(self.not_counted)}" if self.not_counted else ""
        operations = f"{number(self.synaptic_operations)} synaptic operations"
        yield "in a step", f"{spikes}{operations}{without}"


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
    periods = {  # refractory periods that types of neurons learn
        parameter.obj: initial_value(parameter.source)
        if graph.simulator is None
        else graph.value(parameter)
        for parameter in graph.parameters
        if parameter.kind == "neuron parameter" and parameter.source.parameter == "tau_ref"
    }
    fan_out = FanOut(graph)
    return {
        item.obj: _activity(item, outputs[item.obj], fan_out, periods.get(item.obj))
        for item in items
    }


def _activity(item: GraphObject, outputs: np.ndarray, fan_out: FanOut, tau_ref: Any) -> Activity:
    neuron_type = item.obj.neuron_type
    dt = float(fan_out.graph.model.dt)
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
