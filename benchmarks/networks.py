"""The networks that are measured, as functions of a layer class and a type of neurons.

Their weights are scaled so that neurons fire at 20 to 200 Hz, or hardly at all, as in networks that
have been trained: how much work a step is depends little on it, but whether numbers agree does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf

IMAGE_SHAPE = (28, 28, 1)
GAIN = 1.0
BIAS = 0.9
"""Current of a neuron without input: near 1, the threshold of LIF neurons, but not at it."""

CURRENT = 8.0
"""What the data, from 0 to 1, is scaled to where it is the current of neurons by itself."""

LIF = nengo.LIF(amplitude=0.01)
"""A spike counts 0.01, so that 100 Hz put out 1."""


@dataclass(frozen=True, eq=False)
class BenchmarkNetwork:
    """
    A network with one input and one output.

    Parameters
    ----------
    network : nengo.Network
        All of it.
    input : nengo.Node
        Takes the data.
    probe : nengo.Probe
        Records the output.
    """

    network: nengo.Network
    input: nengo.Node
    probe: nengo.Probe


# -----------------------------------------------------------------------------
# Layers of Keras with neurons between them


def convolutional_layers() -> list[tf.keras.layers.Layer]:
    """Return the layers for 28x28 images: 26x26x32, 12x12x64, 5x5x128, then ten outputs."""
    return [
        tf.keras.layers.Conv2D(32, 3, kernel_initializer=_weights(9, seed=1, images=True)),
        tf.keras.layers.Conv2D(64, 3, strides=2, kernel_initializer=_weights(9 * 32, seed=2)),
        tf.keras.layers.Conv2D(128, 3, strides=2, kernel_initializer=_weights(9 * 64, seed=3)),
        tf.keras.layers.Dense(10, kernel_initializer=_weights(5 * 5 * 128, seed=4)),
    ]


def dense_layers() -> list[tf.keras.layers.Layer]:
    """Return the layers for 784 values: three of 256 units, then ten outputs."""
    return [
        tf.keras.layers.Dense(256, kernel_initializer=_weights(784, seed=1, images=True)),
        tf.keras.layers.Dense(256, kernel_initializer=_weights(256, seed=2)),
        tf.keras.layers.Dense(256, kernel_initializer=_weights(256, seed=3)),
        tf.keras.layers.Dense(10, kernel_initializer=_weights(256, seed=4)),
    ]


def convolutional(
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    synapse: nengo.synapses.Synapse | None = None,
) -> BenchmarkNetwork:
    """
    Build a spiking convolutional network for images.

    Parameters
    ----------
    layer : class
        `CustomLayer` or `nengo_dl.Layer`.
    neurons : nengo.neurons.NeuronType
        Of all three layers of neurons.
    synapse : nengo.synapses.Synapse or None
        From neurons to the layer behind them.

    Returns
    -------
    built : BenchmarkNetwork
    """
    return _with_neurons(convolutional_layers(), IMAGE_SHAPE, layer, neurons, synapse)


def dense(
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    synapse: nengo.synapses.Synapse | None = None,
) -> BenchmarkNetwork:
    """
    Build a spiking network of three dense layers with 256 neurons each.

    Parameters
    ----------
    layer : class
        `CustomLayer` or `nengo_dl.Layer`.
    neurons : nengo.neurons.NeuronType
        Of all three layers of neurons.
    synapse : nengo.synapses.Synapse or None
        From neurons to the layer behind them.

    Returns
    -------
    built : BenchmarkNetwork
    """
    return _with_neurons(dense_layers(), (784,), layer, neurons, synapse)


def _with_neurons(
    keras_layers: Sequence[tf.keras.layers.Layer],
    shape: tuple[int, ...],
    layer: Callable[..., Any],
    neurons: nengo.neurons.NeuronType,
    synapse: nengo.synapses.Synapse | None,
) -> BenchmarkNetwork:
    with nengo.Network(seed=0) as network:
        source = x = nengo.Node(np.full(int(np.prod(shape)), 0.5))
        for keras_layer in keras_layers:
            if isinstance(keras_layer, tf.keras.layers.Dense):
                shape = (int(np.prod(shape)),)
            if x is source:
                x = layer(keras_layer)(x, shape_in=shape)
            else:
                x = layer(neurons)(
                    x, gain=nengo.dists.Choice([GAIN]), bias=nengo.dists.Choice([BIAS])
                )
                x = layer(keras_layer)(x, shape_in=shape, synapse=synapse)
            shape = tuple(keras_layer.compute_output_shape((None, *shape)))[1:]
        return BenchmarkNetwork(network, source, nengo.Probe(x))


def _weights(fan_in: int, *, seed: int, images: bool = False) -> tf.keras.initializers.Initializer:
    """Return weights that make neurons fire at 20 to 150 Hz, if they fire."""
    # 0.58 is the root mean square of pixels from 0 to 1; that of filtered spikes is near 1.
    spread = 2 / 0.58 if images else 2.5
    return tf.keras.initializers.RandomNormal(stddev=spread / fan_in**0.5, seed=seed)


# -----------------------------------------------------------------------------
# Others


def population(neurons: nengo.neurons.NeuronType, size: int = 2000) -> BenchmarkNetwork:
    """
    Build neurons that get the data as their current, and nothing else.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        Their type.
    size : int
        How many there are.

    Returns
    -------
    built : BenchmarkNetwork
    """
    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.zeros(size))
        layer = CustomLayer(neurons, ensemble_kwargs={"gain": CURRENT, "bias": BIAS})
        return BenchmarkNetwork(network, source, nengo.Probe(layer(source)))


def recurrent_ensemble() -> BenchmarkNetwork:
    """Build an oscillator of 500 LIF neurons that decode their own next state, and a readout."""
    turn = np.array([[1.0, -0.5], [0.5, 1.0]])
    with nengo.Network(seed=0) as network:
        network.config[nengo.Ensemble].max_rates = nengo.dists.Uniform(100, 200)
        source = nengo.Node(np.zeros(2))
        ensemble = nengo.Ensemble(500, 2)
        squared = nengo.Ensemble(200, 2)
        nengo.Connection(source, ensemble, synapse=0.005)
        nengo.Connection(ensemble, ensemble, transform=turn, synapse=0.1)
        nengo.Connection(ensemble, squared, function=np.square)
        return BenchmarkNetwork(network, source, nengo.Probe(squared, synapse=0.01))
