"""One convolutional network of the demo, built twice: with CustomLayer and with nengo_dl.Layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer, LayerContext, LayerParts, Trainable, nengo_dl
from nengo_layers_plus._upstream import tf

RATE_PER_UNIT = 200.0  # Hz
HIDDEN_SYNAPSE = 0.005  # s
READOUT_SYNAPSE = 0.02  # s


@dataclass(frozen=True, eq=False)
class DigitNetwork:
    """
    A network that reads digits.

    Parameters
    ----------
    network : nengo.Network
        Takes one image.
    output : nengo.Probe
        Of the evidence for each of the ten digits.
    activity : dict of nengo.Probe
        Of the neurons, by the name of their layer.
    layers : tuple of CustomLayer
        Those that it was made with.
    """

    network: nengo.Network
    output: nengo.Probe
    activity: Mapping[str, nengo.Probe]
    layers: tuple[CustomLayer, ...] = ()


NetworkBuilder = Callable[[int, bool], DigitNetwork]
"""Takes a seed, and whether the neurons shall spike."""


class SteadyNeurons(CustomLayer):
    """
    Neurons that respond alike: no activity without input, and the same rate for the same input.

    Parameters
    ----------
    rate_per_unit : float
        Firing rate (Hz) for an input of 1. A spike counts the less, the more of them there are,
        so that the output keeps its scale.
    spiking : bool
        Whether the neurons spike, or put out their rate.
    label : str
        Name of the layer.
    """

    def __init__(self, rate_per_unit: float, spiking: bool, label: str) -> None:
        super().__init__(label=label, trainable=Trainable(bias=False))
        self.rate_per_unit = rate_per_unit
        self.spiking = spiking

    def make_layer_func(self, context: LayerContext) -> nengo.neurons.NeuronType:
        """Return the type of the neurons."""
        return make_neurons(self.rate_per_unit, self.spiking)

    def make_ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        """Return the response curve, one for all neurons."""
        return {"gain": self.rate_per_unit, "bias": 0}

    def on_built(self, parts: LayerParts) -> None:
        """Record what the neurons put out."""
        self.activity = nengo.Probe(parts.output)


def make_neurons(rate_per_unit: float, spiking: bool) -> nengo.neurons.NeuronType:
    """
    Return rectified linear neurons, of which each spike counts for ``1 / rate_per_unit``.

    Parameters
    ----------
    rate_per_unit : float
        Firing rate (Hz) that stands for an output of 1.
    spiking : bool
        Whether they spike, each from a membrane voltage drawn at random, or put out their rate.
    """
    if not spiking:
        return nengo.RectifiedLinear(amplitude=1 / rate_per_unit)
    return nengo.SpikingRectifiedLinear(
        amplitude=1 / rate_per_unit, initial_state={"voltage": nengo.dists.Uniform(0, 1)}
    )


def build_custom(seed: int, spiking: bool) -> DigitNetwork:
    """
    Build the network with CustomLayers.

    Parameters
    ----------
    seed : int
        Of the network.
    spiking : bool
        Whether the neurons spike, with synapses behind them, or put out their rate at once.
    """
    hidden_synapse, readout_synapse = _synapses(spiking)
    conv1 = CustomLayer(tf.keras.layers.Conv2D(32, 3), label="conv1")
    neurons1 = SteadyNeurons(RATE_PER_UNIT, spiking, label="neurons1")
    conv2 = CustomLayer(tf.keras.layers.Conv2D(64, 3), synapse=hidden_synapse, label="conv2")
    neurons2 = SteadyNeurons(RATE_PER_UNIT, spiking, label="neurons2")
    readout = CustomLayer(tf.keras.layers.Dense(10), synapse=readout_synapse, label="readout")

    with nengo.Network(seed=seed) as network:
        image = nengo.Node(np.zeros(64), label="image")
        x = neurons1(conv1(image, shape_in=(8, 8, 1)))
        x = neurons2(conv2(x, shape_in="auto"))
        output = nengo.Probe(readout(x))
    return DigitNetwork(
        network,
        output,
        activity={"neurons1": neurons1.activity, "neurons2": neurons2.activity},
        layers=(conv1, neurons1, conv2, neurons2, readout),
    )


def build_stock(seed: int, spiking: bool) -> DigitNetwork:
    """
    Build the network with stock layers: the same but for the response curves and what trains.

    Parameters
    ----------
    seed : int
        Of the network.
    spiking : bool
        Whether the neurons spike, with synapses behind them, or put out their rate at once.
    """
    hidden_synapse, readout_synapse = _synapses(spiking)
    neurons = nengo_dl.Layer(make_neurons(RATE_PER_UNIT, spiking))
    conv1 = nengo_dl.Layer(tf.keras.layers.Conv2D(32, 3))
    conv2 = nengo_dl.Layer(tf.keras.layers.Conv2D(64, 3))
    readout = nengo_dl.Layer(tf.keras.layers.Dense(10))

    with nengo.Network(seed=seed) as network:
        image = nengo.Node(np.zeros(64), label="image")
        x = conv1(image, shape_in=(8, 8, 1), label="conv1")
        x = neurons1 = neurons(x, label="neurons1")
        x = conv2(x, shape_in=(6, 6, 32), synapse=hidden_synapse, label="conv2")
        x = neurons2 = neurons(x, label="neurons2")
        output = nengo.Probe(readout(x, synapse=readout_synapse, label="readout"))
        activity = {"neurons1": nengo.Probe(neurons1), "neurons2": nengo.Probe(neurons2)}
    return DigitNetwork(network, output, activity)


BUILDERS: Mapping[str, NetworkBuilder] = {
    "CustomLayer": build_custom,
    "nengo_dl.Layer": build_stock,
}
"""By the layers that they use."""


def _synapses(spiking: bool) -> tuple[float | None, float | None]:
    return (HIDDEN_SYNAPSE, READOUT_SYNAPSE) if spiking else (None, None)
