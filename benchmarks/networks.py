"""The networks that are measured, as functions of a layer class and a type of neurons.

Their weights are scaled so that neurons fire at 20 to 200 Hz, or hardly at all, as in networks that
have been trained: how much work a step is depends little on it, but whether numbers agree does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._layer_call import NOT_GIVEN

GAIN = 1.0
BIAS = 0.9
"""Current of a neuron without input: near 1, the threshold of LIF neurons, but not at it."""

LIF = nengo.LIF(amplitude=0.01)
"""A spike counts 0.01, so that 100 Hz put out 1."""

LOWPASS = nengo.Lowpass(0.005)
VECTOR_SHAPE = (784,)
IMAGE_SHAPE = (28, 28, 1)
COLOUR_IMAGE_SHAPE = (32, 32, 3)

_N_RECURRENT = 256
_RESIDUAL_SHAPE = (14, 14, 16)
_N_RESIDUAL_BLOCKS = 2
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


# Layers, with weights and currents with which neurons fire moderately


def apply(
    layer: nengo_dl.Layer,
    x: Any,
    *,
    synapse: float | nengo.synapses.Synapse | None = None,
    gain: float = GAIN,
    **arguments: Any,
) -> Any:
    """
    Call a layer with settings of the network, over which those of the layer itself win.

    Arguments of the call would win over what a subclass of `CustomLayer` decides in its hooks: the
    network would then be measured with the layers of nengo_dl, whatever class it was given.

    The synapse is a filter on the way to the layer. The gain is that of neurons, which also get a
    bias with which they fire moderately. Other arguments are those of the call: ``shape_in`` and
    ``transform``.
    """
    if not isinstance(layer, CustomLayer):
        arguments["synapse"] = synapse
    elif layer.synapse is NOT_GIVEN:
        layer.synapse = synapse
    with nengo.Config(nengo.Ensemble) as config:
        config[nengo.Ensemble].gain = nengo.dists.Choice([gain])
        config[nengo.Ensemble].bias = nengo.dists.Choice([BIAS])
        return layer(x, **arguments)


def _weights(fan_in: int, *, seed: int, images: bool = False) -> tf.keras.initializers.Initializer:
    """Return weights that make neurons fire at 20 to 150 Hz, if they fire."""
    # 0.58 is the root mean square of pixels from 0 to 1; that of filtered spikes is near 1.
    spread = 2 / 0.58 if images else 2.5
    return tf.keras.initializers.RandomNormal(stddev=spread / fan_in**0.5, seed=seed)


def _dense(units: int, fan_in: int, seed: int) -> tf.keras.layers.Layer:
    kernel = _weights(fan_in, seed=seed, images=seed == 1)
    return tf.keras.layers.Dense(units, kernel_initializer=kernel)


def _convolution(
    filters: int, channels: int, seed: int, strides: int = 1, padding: str = "valid"
) -> tf.keras.layers.Layer:
    kernel = _weights(9 * channels, seed=seed, images=seed == 1)
    return tf.keras.layers.Conv2D(
        filters, 3, strides=strides, padding=padding, kernel_initializer=kernel
    )


# Layers of Keras with neurons between them


def dense_layers(width: int = 256, n_layers: int = 3) -> list[tf.keras.layers.Layer]:
    """Return the layers for 784 values: three of 256 units, then ten outputs."""
    sizes = [VECTOR_SHAPE[0], *[width] * n_layers]
    outputs = [*sizes[1:], 10]
    return [_dense(outputs[i], sizes[i], seed=i + 1) for i in range(n_layers + 1)]


one_dense_layers = partial(dense_layers, n_layers=1)
"""Returns the layers for 784 values: one of 256 units, then ten outputs."""


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
        _convolution(
            channels[seed],
            channels[seed - 1],
            seed=seed,
            strides=2 if seed in (3, 5, 7) else 1,
            padding="same",
        )
        for seed in range(1, len(channels))
    ]
    return [*layers, _dense(10, 16 * channels[-1], seed=9)]


def feedforward(
    keras_layers: Callable[[], Sequence[tf.keras.layers.Layer]],
    shape: tuple[int, ...],
    layer: Callable[..., Any] = CustomLayer,
    neurons: nengo.neurons.NeuronType = LIF,
    synapse: nengo.synapses.Synapse | None = None,
) -> BenchmarkNetwork:
    """
    Build a network of Keras layers, new ones of each call, with neurons between them.

    The shape is that of one sample, and the synapse is from neurons to the layer behind them.
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


# These and the functions below take a layer class and a type of neurons, as `feedforward` does.

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


# Other networks


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
        for number in range(_N_RESIDUAL_BLOCKS):
            x = apply(layer(neurons), x)
            body = apply(layer(neurons), convolve(x, seed=2 + 2 * number))
            body = convolve(body, seed=3 + 2 * number)
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
    """Build a network of Dense layers and of neurons, in turn, to look into."""
    with nengo.Network(seed=0) as network:
        layer: Any = nengo.Node(np.zeros(_N_ALTERNATING), label="input")
        for number in range(n_layers):
            is_dense = number % 2 == 0
            function = (
                tf.keras.layers.Dense(_N_ALTERNATING) if is_dense else nengo.LIF(tau_rc=tau_rc)
            )
            kwargs = None if is_dense else {"gain": 1, "bias": 1}
            layer = CustomLayer(function, ensemble_kwargs=kwargs, label=f"layer {number}")(layer)
        nengo.Probe(layer, label="output")
    return network
