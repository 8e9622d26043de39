"""Neurons and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np

from benchmarks.networks._benchmark_network import BenchmarkNetwork
from benchmarks.networks._scale import LIF, apply
from nengo_layers_plus import CustomLayer

CURRENT = 8.0
"""What the data, from 0 to 1, is scaled to where it is the current of neurons by itself."""


def population(
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    size: int = 2000,
) -> BenchmarkNetwork:
    """
    Build neurons that get the data as their current, and nothing else.

    Parameters
    ----------
    layer : class
        `CustomLayer` or `nengo_dl.Layer`.
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
        return BenchmarkNetwork(
            network, source, nengo.Probe(apply(layer(neurons), source, gain=CURRENT))
        )
