"""Networks in which a step needs the result of the step before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np

from benchmarks.networks._benchmark_network import BenchmarkNetwork
from benchmarks.networks._scale import LIF, apply, weights
from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf

_N_UNITS = 256


def recurrent(
    layer: Callable[..., Any] = CustomLayer, neurons: nengo.neurons.NeuronType = LIF
) -> BenchmarkNetwork:
    """
    Build a dense layer of 256 neurons that are connected with each other, and a readout.

    Parameters
    ----------
    layer : class
        `CustomLayer` or `nengo_dl.Layer`.
    neurons : nengo.neurons.NeuronType
        Their type.

    Returns
    -------
    built : BenchmarkNetwork
    """
    # Weak: with strong weights rounding grows from step to step, and numbers can't be compared.
    back = np.random.RandomState(0).normal(0, 0.5 / _N_UNITS**0.5, (_N_UNITS, _N_UNITS))
    first = tf.keras.layers.Dense(_N_UNITS, kernel_initializer=weights(784, seed=1, images=True))
    readout = tf.keras.layers.Dense(10, kernel_initializer=weights(_N_UNITS, seed=2))
    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.full(784, 0.5))
        x = apply(layer(neurons), apply(layer(first), source))
        nengo.Connection(x, x, transform=back, synapse=0.01)
        return BenchmarkNetwork(network, source, nengo.Probe(apply(layer(readout), x)))


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
