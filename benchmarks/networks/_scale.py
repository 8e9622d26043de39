"""Weights and currents with which neurons fire moderately."""

from __future__ import annotations

from typing import Any

import nengo

from nengo_layers_plus._upstream import tf

GAIN = 1.0
BIAS = 0.9
"""Current of a neuron without input: near 1, the threshold of LIF neurons, but not at it."""

LIF = nengo.LIF(amplitude=0.01)
"""A spike counts 0.01, so that 100 Hz put out 1."""


def tuning(gain: float = GAIN) -> dict[str, Any]:
    """Return the arguments for an Ensemble, of any size, that either class of layers takes."""
    return {"gain": nengo.dists.Choice([gain]), "bias": nengo.dists.Choice([BIAS])}


def weights(fan_in: int, *, seed: int, images: bool = False) -> tf.keras.initializers.Initializer:
    """Return weights that make neurons fire at 20 to 150 Hz, if they fire."""
    # 0.58 is the root mean square of pixels from 0 to 1; that of filtered spikes is near 1.
    spread = 2 / 0.58 if images else 2.5
    return tf.keras.initializers.RandomNormal(stddev=spread / fan_in**0.5, seed=seed)
