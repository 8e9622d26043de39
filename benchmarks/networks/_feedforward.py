"""Layers of Keras with neurons between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import nengo
import numpy as np

from benchmarks.networks._benchmark_network import BenchmarkNetwork
from benchmarks.networks._scale import LIF, apply, weights
from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf

VECTOR_SHAPE = (784,)
IMAGE_SHAPE = (28, 28, 1)
COLOUR_IMAGE_SHAPE = (32, 32, 3)
LOWPASS = nengo.Lowpass(0.005)

KerasLayers = Callable[[], Sequence[tf.keras.layers.Layer]]


def one_dense_layers() -> list[tf.keras.layers.Layer]:
    """Return the layers for 784 values: one of 256 units, then ten outputs."""
    return dense_layers(n_layers=1)


def dense_layers(width: int = 256, n_layers: int = 3) -> list[tf.keras.layers.Layer]:
    """Return the layers for 784 values: three of 256 units, then ten outputs."""
    sizes = [VECTOR_SHAPE[0], *[width] * n_layers]
    return [
        tf.keras.layers.Dense(
            units, kernel_initializer=weights(fan_in, seed=seed, images=seed == 1)
        )
        for seed, (fan_in, units) in enumerate(zip(sizes, [*sizes[1:], 10], strict=True), 1)
    ]


def convolutional_layers() -> list[tf.keras.layers.Layer]:
    """Return the layers for 28x28 images: 26x26x32, 12x12x64, 5x5x128, then ten outputs."""
    return [
        tf.keras.layers.Conv2D(32, 3, kernel_initializer=weights(9, seed=1, images=True)),
        tf.keras.layers.Conv2D(64, 3, strides=2, kernel_initializer=weights(9 * 32, seed=2)),
        tf.keras.layers.Conv2D(128, 3, strides=2, kernel_initializer=weights(9 * 64, seed=3)),
        tf.keras.layers.Dense(10, kernel_initializer=weights(5 * 5 * 128, seed=4)),
    ]


def deep_layers() -> list[tf.keras.layers.Layer]:
    """Return eight convolutions for 32x32 colour images, two each of a size, then ten outputs."""
    layers = []
    channels = COLOUR_IMAGE_SHAPE[-1]
    for seed, filters in enumerate((32, 32, 64, 64, 128, 128, 128, 128), 1):
        layers.append(
            tf.keras.layers.Conv2D(
                filters,
                3,
                strides=2 if seed in (3, 5, 7) else 1,
                padding="same",
                kernel_initializer=weights(9 * channels, seed=seed, images=seed == 1),
            )
        )
        channels = filters
    return [*layers, tf.keras.layers.Dense(10, kernel_initializer=weights(16 * channels, seed=9))]


def feedforward(
    keras_layers: KerasLayers,
    shape: tuple[int, ...],
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    synapse: nengo.synapses.Synapse | None = None,
) -> BenchmarkNetwork:
    """
    Build a network of Keras layers with neurons between them.

    Parameters
    ----------
    keras_layers : callable
        Returns the layers, new ones at each call; the last one has no neurons behind it.
    shape : tuple of int
        Of one sample.
    layer : class
        `CustomLayer` or a subclass of it, or `nengo_dl.Layer`.
    neurons : nengo.neurons.NeuronType
        Of all layers of neurons.
    synapse : nengo.synapses.Synapse or None
        From neurons to the layer behind them.

    Returns
    -------
    built : BenchmarkNetwork
    """
    with nengo.Network(seed=0) as network:
        source = x = nengo.Node(np.full(int(np.prod(shape)), 0.5))
        for keras_layer in keras_layers():
            if isinstance(keras_layer, tf.keras.layers.Dense):
                shape = (int(np.prod(shape)),)
            if x is source:
                x = apply(layer(keras_layer), x, shape_in=shape)
            else:
                x = apply(layer(neurons), x)
                x = apply(layer(keras_layer), x, shape_in=shape, synapse=synapse)
            shape = tuple(keras_layer.compute_output_shape((None, *shape)))[1:]
        return BenchmarkNetwork(network, source, nengo.Probe(x))


# Each takes a layer class, a type of neurons and a synapse, as `feedforward` does.

one_dense = partial(feedforward, one_dense_layers, VECTOR_SHAPE)
"""One dense layer of 256 neurons, and a readout."""

dense = partial(feedforward, dense_layers, VECTOR_SHAPE)
"""Three dense layers with 256 neurons each, and a readout."""

convolutional = partial(feedforward, convolutional_layers, IMAGE_SHAPE)
"""Three convolutions with neurons, and a readout."""

deep = partial(feedforward, deep_layers, COLOUR_IMAGE_SHAPE)
"""Eight convolutions with neurons, as in VGG, and a readout."""

with_synapses = partial(convolutional, synapse=LOWPASS)
"""The convolutional network with a filter behind each layer of neurons."""
