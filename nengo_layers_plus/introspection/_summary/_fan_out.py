"""How many connections a spike goes over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import GraphObject, NetworkGraph, size_of
from nengo_layers_plus.graph._keras_layers import keras_layer_of

_layers = tf.keras.layers
# they move or average values, or draw some: what gets spikes is what comes next
_WITHOUT_WEIGHTS = tuple(
    getattr(_layers, name)
    for name in (
        *("Flatten", "Reshape", "Permute", "Dropout", "Add", "Concatenate"),
        *(f"{kind}Pooling{n}D" for kind in ("Average", "GlobalAverage") for n in (1, 2, 3)),
    )
)
_CONVOLUTIONS = (_layers.Conv1D, _layers.Conv2D, _layers.Conv3D)
_TRANSPOSED = (_layers.Conv1DTranspose, _layers.Conv2DTranspose, _layers.Conv3DTranspose)


class FanOut:
    """
    Counts the connections that a spike of each neuron goes over.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    """

    def __init__(self, graph: NetworkGraph) -> None:
        self.graph = graph

    def of(self, item: GraphObject) -> tuple[np.ndarray, tuple[str, ...]]:
        """
        Return the connections behind each neuron of an ensemble.

        Returns
        -------
        connections : array
            Their number for each neuron, ``(n_neurons,)``.
        not_counted : tuple of str
            Names of objects behind it whose connections are not known.
        """
        connections = np.zeros(item.obj.n_neurons)
        not_counted: dict[str, None] = {}
        for edge in self._leaving(item):
            connection = edge.connection
            if not isinstance(connection.pre_obj, Neurons):
                # each neuron has a decoder for each value; what is decoded are no spikes
                connections += self._weights(connection).shape[0]
                continue
            places = np.arange(item.obj.n_neurons)[connection.pre_slice]
            # an index may name a neuron several times
            np.add.at(connections, places, self._behind(edge, not_counted, (item,)))
        return connections, tuple(not_counted)

    def _behind(
        self, edge: Any, not_counted: dict[str, None], seen: Sequence[GraphObject]
    ) -> np.ndarray | float:
        """Return the connections behind each value that goes into an edge."""
        transform = edge.connection.transform
        if isinstance(transform, nengo.Convolution | nengo.ConvolutionTranspose):
            # the mean: those at the border of an image have fewer
            is_transposed = isinstance(transform, nengo.ConvolutionTranspose)
            shape = transform.input_shape if is_transposed else transform.output_shape
            size = math.prod(shape.spatial_shape) * math.prod(transform.kernel_shape)
            return size / transform.size_in
        if isinstance(transform, nengo.Sparse):
            weights = self.graph.model.sig[edge.connection]["weights"].initial_value
            matrix = weights.allocate() if hasattr(weights, "allocate") else weights
            matrix = matrix.tocsc() if hasattr(matrix, "tocsc") else np.asarray(matrix)
            return np.asarray((matrix != 0).sum(axis=0)).ravel()
        if not isinstance(transform, nengo.transforms.NoTransform):
            weights = self._weights(edge.connection)
            if weights.ndim == 2:
                return float(weights.shape[0])
        if edge.target.kind == "ensemble":
            return 1.0
        return self._into(edge.target, not_counted, seen)

    def _into(
        self, item: GraphObject, not_counted: dict[str, None], seen: Sequence[GraphObject]
    ) -> float:
        """Return the connections behind each value that comes to a node, on average."""
        if item in seen:
            return 0.0
        if item.kind == "tensor node":
            layer = keras_layer_of(item.obj)
            own = _connections_of(layer, item)
            if own is not None:
                return own / item.obj.size_in
            if not _is_without_weights(layer):
                not_counted[item.name] = None
                return 0.0
        elif item.obj.output is not None:
            return 0.0  # it goes out of the network
        behind = 0.0
        for edge in self._leaving(item):
            values = np.broadcast_to(
                self._behind(edge, not_counted, (*seen, item)), edge.connection.pre.size_out
            )
            behind += float(np.sum(values))
        return behind / item.obj.size_in if item.obj.size_in else 0.0

    def _leaving(self, item: GraphObject) -> list[Any]:
        """List the connections from an object; what is left out are probes."""
        return [edge for edge in self.graph.successors(item) if edge.connection is not None]

    def _weights(self, connection: nengo.Connection) -> np.ndarray:
        return np.asarray(self.graph.model.sig[connection]["weights"].initial_value)


def _connections_of(layer: Any, item: GraphObject) -> float | None:
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
