"""The networks that are measured, as functions of a layer class and a type of neurons.

Their weights are scaled so that neurons fire at 20 to 200 Hz, or hardly at all, as in networks that
have been trained: how much work a step is depends little on it, but whether numbers agree does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._layer_call import NOT_GIVEN

GAIN = 1.0
BIAS = 0.9  # current of a neuron without input: near 1, the threshold of LIF neurons, but not at it
LIF = nengo.LIF(amplitude=0.01)  # a spike counts 0.01, so that 100 Hz put out 1
LOWPASS = nengo.Lowpass(0.005)
VECTOR_SHAPE = (784,)
IMAGE_SHAPE = (28, 28, 1)
COLOUR_IMAGE_SHAPE = (32, 32, 3)

_N_RECURRENT = 256
_RESIDUAL_SHAPE = (14, 14, 16)
_N_ALTERNATING = 32
_POPULATION_GAIN = 8.0  # scales data from 0 to 1 where it is the current of neurons by itself


@dataclass(frozen=True, eq=False)
class BenchmarkNetwork:
    """A network with one input, and one output: to train it, ten values, one a class."""

    network: nengo.Network
    input: nengo.Node
    probe: nengo.Probe

    @property
    def n_neurons(self) -> int:
        """How many neurons it has."""
        return sum(ensemble.n_neurons for ensemble in self.network.all_ensembles)


def apply(
    layer: nengo_dl.Layer,
    x: Any,
    *,
    synapse: float | nengo.synapses.Synapse | None = None,
    gain: float = GAIN,
    **arguments: Any,
) -> Any:
    """
    Call a layer with settings of the network, unless a hook of its subclass sets them.

    Neurons get the gain, and a bias with which they fire moderately.
    """
    if not isinstance(layer, CustomLayer):
        arguments["synapse"] = synapse
    elif layer.synapse is NOT_GIVEN:
        layer.synapse = synapse
    with nengo.Config(nengo.Ensemble) as config:
        config[nengo.Ensemble].gain = nengo.dists.Choice([gain])
        config[nengo.Ensemble].bias = nengo.dists.Choice([BIAS])
        return layer(x, **arguments)


def _weights(fan_in: int, seed: int) -> tf.keras.initializers.Initializer:
    """Return weights that make neurons fire at 20 to 150 Hz, if they fire."""
    # The first layer takes pixels from 0 to 1, whose root mean square is 0.58; that of filtered
    # spikes is near 1.
    spread = 2 / 0.58 if seed == 1 else 2.5
    return tf.keras.initializers.RandomNormal(stddev=spread / fan_in**0.5, seed=seed)


def _dense(units: int, fan_in: int, seed: int) -> tf.keras.layers.Layer:
    return tf.keras.layers.Dense(units, kernel_initializer=_weights(fan_in, seed))


def _convolution(filters: int, channels: int, seed: int, **kwargs: Any) -> tf.keras.layers.Layer:
    kernel = _weights(9 * channels, seed)
    return tf.keras.layers.Conv2D(filters, 3, kernel_initializer=kernel, **kwargs)


def dense_layers(width: int = 256, n_layers: int = 3) -> list[tf.keras.layers.Layer]:
    """Return the layers for 784 values: three of 256 units, then ten outputs."""
    sizes = pairwise([VECTOR_SHAPE[0], *[width] * n_layers, 10])
    return [_dense(after, before, seed) for seed, (before, after) in enumerate(sizes, 1)]


# returns the layers for 784 values: one of 256 units, then ten outputs
one_dense_layers = partial(dense_layers, n_layers=1)


def convolutional_layers() -> list[tf.keras.layers.Layer]:
    """Return the layers for 28x28 images: 26x26x32, 12x12x64, 5x5x128, then ten outputs."""
    return [
        _convolution(32, 1, seed=1),
        _convolution(64, 32, seed=2, strides=2),
        _convolution(128, 64, seed=3, strides=2),
        _dense(10, 5 * 5 * 128, seed=4),
    ]


def deep_layers() -> list[tf.keras.layers.Layer]:
    """Return eight convolutions for 32x32 colour images, two each of a size, then ten outputs."""
    channels = [COLOUR_IMAGE_SHAPE[-1], 32, 32, 64, 64, 128, 128, 128, 128]
    layers = [
        _convolution(after, before, seed, padding="same", strides=2 if seed in (3, 5, 7) else 1)
        for seed, (before, after) in enumerate(pairwise(channels), 1)
    ]
    return [*layers, _dense(10, 16 * channels[-1], seed=9)]


def feedforward(
    keras_layers: Callable[[], Sequence[tf.keras.layers.Layer]],
    shape: tuple[int, ...],
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    synapse: nengo.synapses.Synapse | None = None,
) -> BenchmarkNetwork:
    """Build a network of new Keras layers, for samples of a shape, with neurons between them."""
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


# These and the functions below take a layer class and a type of neurons, as `feedforward` does.
one_dense = partial(feedforward, one_dense_layers, VECTOR_SHAPE)
dense = partial(feedforward, dense_layers, VECTOR_SHAPE)
convolutional = partial(feedforward, convolutional_layers, IMAGE_SHAPE)
deep = partial(feedforward, deep_layers, COLOUR_IMAGE_SHAPE)  # as in VGG
with_synapses = partial(convolutional, synapse=LOWPASS)  # behind each layer of neurons


def residual(
    layer: Callable[..., Any] = CustomLayer, neurons: nengo.neurons.NeuronType = LIF
) -> BenchmarkNetwork:
    """Build a convolution and two residual blocks for 28x28 images, with neurons, and a readout."""
    size, channels = int(np.prod(_RESIDUAL_SHAPE)), _RESIDUAL_SHAPE[-1]

    def convolve(x: Any, seed: int) -> Any:
        convolution = _convolution(channels, channels, seed, padding="same")
        return apply(layer(convolution), x, shape_in=_RESIDUAL_SHAPE)

    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.full(28 * 28, 0.5))
        first = _convolution(channels, 1, seed=1, strides=2, padding="same")
        x = apply(layer(first), source, shape_in=IMAGE_SHAPE)
        for seed in (2, 4):
            x = apply(layer(neurons), x)
            body = convolve(apply(layer(neurons), convolve(x, seed)), seed + 1)
            # a layer of nengo_dl has one input: a Node adds the two
            added = nengo.Node(size_in=size)
            nengo.Connection(body, added, synapse=None)
            nengo.Connection(x, added, synapse=None)
            x = added
        x = apply(layer(_dense(10, size, seed=9)), apply(layer(neurons), x))
        return BenchmarkNetwork(network, source, nengo.Probe(x))


def recurrent(
    layer: Callable[..., Any] = CustomLayer, neurons: nengo.neurons.NeuronType = LIF
) -> BenchmarkNetwork:
    """Build a dense layer of 256 neurons that are connected with each other, and a readout."""
    # Weak: with strong weights rounding grows from step to step, and numbers can't be compared.
    shape = (_N_RECURRENT, _N_RECURRENT)
    back = np.random.RandomState(0).normal(0, 0.5 / _N_RECURRENT**0.5, shape)
    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.full(784, 0.5))
        x = apply(layer(neurons), apply(layer(_dense(_N_RECURRENT, 784, seed=1)), source))
        nengo.Connection(x, x, transform=back, synapse=0.01)
        x = apply(layer(_dense(10, _N_RECURRENT, seed=2)), x)
        return BenchmarkNetwork(network, source, nengo.Probe(x))


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


def population(
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    size: int = 2000,
) -> BenchmarkNetwork:
    """Build neurons that get the data as their current, and nothing else."""
    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.zeros(size))
        x = apply(layer(neurons), source, gain=_POPULATION_GAIN)
        return BenchmarkNetwork(network, source, nengo.Probe(x))


def alternating_layers(n_layers: int, tau_rc: float = 0.02) -> nengo.Network:
    """Build a network of Dense layers and of neurons, in turn."""
    with nengo.Network(seed=0) as network:
        layer: Any = nengo.Node(np.zeros(_N_ALTERNATING), label="input")
        for number in range(n_layers):
            function, kwargs = tf.keras.layers.Dense(_N_ALTERNATING), None
            if number % 2:
                function, kwargs = nengo.LIF(tau_rc=tau_rc), {"gain": 1, "bias": 1}
            layer = CustomLayer(function, ensemble_kwargs=kwargs, label=f"layer {number}")(layer)
        nengo.Probe(layer, label="output")
    return network
