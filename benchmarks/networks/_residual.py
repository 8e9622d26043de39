"""A network with a shortcut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np

from benchmarks.networks._benchmark_network import BenchmarkNetwork
from benchmarks.networks._scale import LIF, apply, weights
from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf

_N_BLOCKS = 2
_SHAPE = (14, 14, 16)


def residual(
    layer: Callable[..., Any] = CustomLayer, neurons: nengo.neurons.NeuronType = LIF
) -> BenchmarkNetwork:
    """
    Build a convolution and two residual blocks for 28x28 images, with neurons, and a readout.

    Parameters
    ----------
    layer : class
        `CustomLayer` or `nengo_dl.Layer`.
    neurons : nengo.neurons.NeuronType
        Of all layers of neurons.

    Returns
    -------
    built : BenchmarkNetwork
    """
    size = int(np.prod(_SHAPE))
    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.full(28 * 28, 0.5))
        first = tf.keras.layers.Conv2D(
            16,
            3,
            strides=2,
            padding="same",
            kernel_initializer=weights(9, seed=1, images=True),
        )
        x = apply(layer(first), source, shape_in=(28, 28, 1))
        for number in range(_N_BLOCKS):
            x = apply(layer(neurons), x)
            body = apply(layer(_convolution(seed=2 + 2 * number)), x, shape_in=_SHAPE)
            body = apply(layer(neurons), body)
            body = apply(layer(_convolution(seed=3 + 2 * number)), body, shape_in=_SHAPE)
            # a layer of nengo_dl has one input: a Node adds the two
            added = nengo.Node(size_in=size)
            nengo.Connection(body, added, synapse=None)
            nengo.Connection(x, added, synapse=None)
            x = added
        x = apply(layer(neurons), x)
        readout = tf.keras.layers.Dense(10, kernel_initializer=weights(size, seed=9))
        return BenchmarkNetwork(network, source, nengo.Probe(apply(layer(readout), x)))


def _convolution(seed: int) -> tf.keras.layers.Layer:
    return tf.keras.layers.Conv2D(
        16, 3, padding="same", kernel_initializer=weights(9 * 16, seed=seed)
    )
