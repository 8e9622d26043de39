"""A network of many layers, to look into."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf

_N_UNITS = 32


def alternating_layers(n_layers: int, tau_rc: float = 0.02) -> nengo.Network:
    """
    Build a network of Dense layers and of neurons, in turn.

    Parameters
    ----------
    n_layers : int
        How many layers there are, without the input.
    tau_rc : float
        The membrane time constant of all neurons (s).
    """
    with nengo.Network(seed=0) as network:
        layer: Any = nengo.Node(np.zeros(_N_UNITS), label="input")
        for number in range(n_layers):
            is_dense = number % 2 == 0
            function = tf.keras.layers.Dense(_N_UNITS) if is_dense else nengo.LIF(tau_rc=tau_rc)
            settings = {} if is_dense else {"gain": 1, "bias": 1}
            layer = CustomLayer(
                function, ensemble_kwargs=settings or None, label=f"layer {number}"
            )(layer)
        nengo.Probe(layer, label="output")
    return network
