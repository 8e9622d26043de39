"""What the neurons of a network do when it is run: rates, spikes and synaptic operations."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.neurons import Direct

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import GraphObject, NetworkGraph, number, size_of
from nengo_layers_plus.graph._keras_layers import keras_layer_of
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.introspection._recording import record

_layers = tf.keras.layers
# they move or average values, or draw some of them: the layer behind them gets the spikes
_WITHOUT_WEIGHTS = tuple(
    getattr(_layers, name)
    for name in (
        *("Flatten", "Reshape", "Permute", "Dropout", "Add", "Concatenate"),
        *(f"{kind}Pooling{n}D" for kind in ("Average", "GlobalAverage") for n in (1, 2, 3)),
    )
)
_CONVOLUTIONS = (_layers.Conv1D, _layers.Conv2D, _layers.Conv3D)
_TRANSPOSED = (_layers.Conv1DTranspose, _layers.Conv2DTranspose, _layers.Conv3DTranspose)
_SATURATION = 0.95
"""Neurons are saturated from this share of their greatest rate."""


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
        Synaptic operations in a step of an item: spikes times the connections that a spike goes
        over. Neurons that put out rates are counted as if they fired at these rates.
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
        """Yield the lines of a report: a name and a text."""
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
    Run a copy of a network, and measure the activity of its ensembles.

    Parameters
    ----------
    graph : NetworkGraph
        The graph of the network.
    network : nengo.Network or nengo_dl.Simulator
        The network; or a Simulator, whose parameters are taken over.
    data : object
        The values of input Nodes, as `record` takes them.
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
    learned_periods = {
        parameter.obj: initial_value(parameter.source)
        if graph.simulator is None
        else graph.value(parameter)
        for parameter in graph.parameters
        if parameter.kind == "neuron parameter" and parameter.source.parameter == "tau_ref"
    }
    return {
        item.obj: _activity(graph, item, outputs[item.obj], learned_periods.get(item.obj))
        for item in items
    }


def _activity(
    graph: NetworkGraph, item: GraphObject, outputs: np.ndarray, tau_ref: Any
) -> Activity:
    neuron_type = item.obj.neuron_type
    dt = float(graph.model.dt)
    amplitude = float(getattr(neuron_type, "amplitude", 1.0))
    # types whose outputs can be below 0 have spikes of two signs; both are events
    rates = np.abs(outputs.astype(np.float64)).mean(axis=1) / amplitude  # (batch, size)
    neuron_rates = rates.mean(axis=0)
    greatest = _greatest_rate(neuron_type, tau_ref)
    fan_out = FanOut(graph, item)
    return Activity(
        mean_rate=float(rates.mean()),
        max_rate=float(rates.max()),
        silent=float(np.mean(neuron_rates == 0)),
        saturated=None
        if greatest is None
        else float(np.mean(neuron_rates >= _SATURATION * greatest)),
        spikes=float(neuron_rates.sum() * dt) if neuron_type.spiking else None,
        synaptic_operations=float(neuron_rates @ fan_out.connections * dt),
        not_counted=tuple(fan_out.not_counted),
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


class FanOut:
    """
    The number of connections that the spikes of an ensemble go over.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    item : GraphObject
        The ensemble.

    Attributes
    ----------
    connections : array
        The number of connections behind a neuron, for all neurons; ``(n_neurons,)``.
    not_counted : dict of str to None
        Names of objects behind the neurons whose connections are not known, in order.
    """

    def __init__(self, graph: NetworkGraph, item: GraphObject) -> None:
        self._graph = graph
        self.connections = np.zeros(item.obj.n_neurons)
        self.not_counted: dict[str, None] = {}
        for edge in self._leaving(item):
            connection = edge.connection
            if isinstance(connection.pre_obj, Neurons):
                indices = np.arange(item.obj.n_neurons)[connection.pre_slice]
                # an index may name a neuron several times
                np.add.at(self.connections, indices, self._behind(edge, (item,)))
            else:
                # a neuron has a decoder for each value; decoded values are no spikes
                self.connections += self._weights(connection).shape[0]

    def _behind(self, edge: Any, passed: tuple[GraphObject, ...]) -> np.ndarray | float:
        """Return the connections behind each value that goes into an edge."""
        transform = edge.connection.transform
        if isinstance(transform, nengo.Convolution | nengo.ConvolutionTranspose):
            # the mean: values at the border of an image have fewer
            is_transposed = isinstance(transform, nengo.ConvolutionTranspose)
            shape = transform.input_shape if is_transposed else transform.output_shape
            size = math.prod(shape.spatial_shape) * math.prod(transform.kernel_shape)
            return size / transform.size_in
        if isinstance(transform, nengo.Sparse):
            weights = self._graph.model.sig[edge.connection]["weights"].initial_value
            matrix = weights.allocate() if hasattr(weights, "allocate") else weights
            matrix = matrix.tocsc() if hasattr(matrix, "tocsc") else np.asarray(matrix)
            return np.asarray((matrix != 0).sum(axis=0)).ravel()
        if not isinstance(transform, nengo.transforms.NoTransform):
            weights = self._weights(edge.connection)
            if weights.ndim == 2:
                return float(weights.shape[0])
        return 1.0 if edge.target.kind == "ensemble" else self._into(edge.target, passed)

    def _into(self, item: GraphObject, passed: tuple[GraphObject, ...]) -> float:
        """Return the connections behind each value that comes to a node, on average."""
        if item in passed:
            return 0.0
        if item.kind == "tensor node":
            layer = keras_layer_of(item.obj)
            multiplications = _multiplications(layer, item)
            if multiplications is not None:
                return multiplications / item.obj.size_in
            if not _is_without_weights(layer):
                self.not_counted[item.name] = None
                return 0.0
        elif item.obj.output is not None:
            return 0.0  # the values leave the network
        total = 0.0
        for edge in self._leaving(item):
            behind = self._behind(edge, (*passed, item))
            total += float(np.sum(np.broadcast_to(behind, edge.connection.pre.size_out)))
        return total / item.obj.size_in if item.obj.size_in else 0.0

    def _leaving(self, item: GraphObject) -> list[Any]:
        """List the edges of connections from an object, without those of probes."""
        return [edge for edge in self._graph.successors(item) if edge.connection is not None]

    def _weights(self, connection: nengo.Connection) -> np.ndarray:
        return np.asarray(self._graph.model.sig[connection]["weights"].initial_value)


def _multiplications(layer: Any, item: GraphObject) -> float | None:
    """Return the multiplications of a Keras layer for one input; None if they are not known."""
    if isinstance(layer, _layers.Dense):
        return float(size_of(item.shape_out) * item.shape_in[-1])
    if isinstance(layer, _CONVOLUTIONS) and not isinstance(layer, _TRANSPOSED):
        axis = -1 if layer.data_format == "channels_last" else 0
        kernel = math.prod(layer.kernel_size) * item.shape_in[axis] // layer.groups
        return float(size_of(item.shape_out) * kernel)
    return None


def _is_without_weights(layer: Any) -> bool:
    is_linear = getattr(layer, "activation", None) is tf.keras.activations.linear
    return isinstance(layer, _WITHOUT_WEIGHTS) or (
        isinstance(layer, _layers.Activation) and is_linear
    )
