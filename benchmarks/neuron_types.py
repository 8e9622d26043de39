"""Neuron types that nengo_dl has no TensorFlow code for, or only what a user registered."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf

ADAPTIVE = nengo.AdaptiveLIF(amplitude=0.01)
"""nengo_dl steps it in Python, one sample after another."""

TAU = 0.02  # s, the default of LIF neurons


class SoftReset(nengo.LIF):
    """
    LIF neurons from which a spike takes the threshold away and no more, without a refractory time.

    They have a builder of their own, registered as users of nengo_dl do it. nengo_dl goes by the
    exact type, hence that of `nengo.LIF` is not used.
    """

    probeable = ("output", "voltage")
    state = {"voltage": nengo.dists.Uniform(0, 1)}  # noqa: RUF012 - nengo asks for a dict

    def step(self, dt: float, J: Any, output: Any, voltage: Any) -> None:  # noqa: N803
        """Advance one time step, in NumPy."""
        voltage += (J - voltage) * -np.expm1(-dt / self.tau_rc)
        spiked = voltage > 1
        voltage -= spiked
        output[...] = spiked * (self.amplitude / dt)


class SoftResetBuilder(nengo_dl.neuron_builders.TFNeuronBuilder):
    """`SoftReset` in TensorFlow."""

    spiking = True

    def step(self, J: Any, dt: Any, voltage: Any) -> Any:  # noqa: N803
        """Return the output and the voltage."""
        voltage = voltage + (J - voltage) * -tf.math.expm1(-dt / TAU)
        spiked = tf.cast(voltage > 1, J.dtype)
        return spiked * self.alpha, voltage - spiked

    def training_step(self, J: Any, dt: Any, **state: Any) -> Any:  # noqa: N803
        """Return the amplitude times a rate that is near that of the spikes."""
        return tf.nn.relu(J - 0.5) * self.alpha * dt / TAU


nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL[SoftReset] = SoftResetBuilder
