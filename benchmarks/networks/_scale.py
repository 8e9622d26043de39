"""Weights and currents with which neurons fire moderately."""

from __future__ import annotations

from typing import Any

import nengo

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._layer_call import NOT_GIVEN

GAIN = 1.0
BIAS = 0.9
"""Current of a neuron without input: near 1, the threshold of LIF neurons, but not at it."""

LIF = nengo.LIF(amplitude=0.01)
"""A spike counts 0.01, so that 100 Hz put out 1."""


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

    Parameters
    ----------
    layer : nengo_dl.Layer
        The layer, also a `CustomLayer` or one of a subclass.
    x : NengoObject
        What it is applied to.
    synapse : float, nengo.synapses.Synapse or None
        Filter on the way to it.
    gain : float
        Of neurons, which also get a bias with which they fire moderately.
    **arguments
        Of the call: ``shape_in``, ``transform``.

    Returns
    -------
    obj : nengo.ensemble.Neurons or nengo_dl.TensorNode
        What the call returns.
    """
    if not isinstance(layer, CustomLayer):
        arguments["synapse"] = synapse
    elif layer.synapse is NOT_GIVEN:
        layer.synapse = synapse
    with nengo.Config(nengo.Ensemble) as config:
        config[nengo.Ensemble].gain = nengo.dists.Choice([gain])
        config[nengo.Ensemble].bias = nengo.dists.Choice([BIAS])
        return layer(x, **arguments)


def weights(fan_in: int, *, seed: int, images: bool = False) -> tf.keras.initializers.Initializer:
    """Return weights that make neurons fire at 20 to 150 Hz, if they fire."""
    # 0.58 is the root mean square of pixels from 0 to 1; that of filtered spikes is near 1.
    spread = 2 / 0.58 if images else 2.5
    return tf.keras.initializers.RandomNormal(stddev=spread / fan_in**0.5, seed=seed)
