"""The networks that are measured, as functions of a layer class and a type of neurons.

Their weights are scaled so that neurons fire at 20 to 200 Hz, or hardly at all, as in networks that
have been trained: how much work a step is depends little on it, but whether numbers agree does.
"""

from benchmarks.networks._alternating import alternating_layers
from benchmarks.networks._benchmark_network import BenchmarkNetwork
from benchmarks.networks._feedforward import (
    COLOUR_IMAGE_SHAPE,
    IMAGE_SHAPE,
    LOWPASS,
    VECTOR_SHAPE,
    convolutional,
    convolutional_layers,
    deep,
    deep_layers,
    dense,
    dense_layers,
    feedforward,
    one_dense,
    one_dense_layers,
    with_synapses,
)
from benchmarks.networks._population import population
from benchmarks.networks._recurrent import recurrent, recurrent_ensemble
from benchmarks.networks._residual import residual
from benchmarks.networks._scale import BIAS, GAIN, LIF, apply, weights

__all__ = [
    "BIAS",
    "COLOUR_IMAGE_SHAPE",
    "GAIN",
    "IMAGE_SHAPE",
    "LIF",
    "LOWPASS",
    "VECTOR_SHAPE",
    "BenchmarkNetwork",
    "alternating_layers",
    "apply",
    "convolutional",
    "convolutional_layers",
    "deep",
    "deep_layers",
    "dense",
    "dense_layers",
    "feedforward",
    "one_dense",
    "one_dense_layers",
    "population",
    "recurrent",
    "recurrent_ensemble",
    "residual",
    "weights",
    "with_synapses",
]
