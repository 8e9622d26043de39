"""Types of neurons that nengo_dl has no TensorFlow code for, or only what a user wrote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import NeuronModel, NeuronParameter, Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF

ADAPTIVE = nengo.AdaptiveLIF(amplitude=0.01)  # nengo_dl alone steps it in Python
# trains through its spikes and through time, with its time constant
THROUGH_SPIKES = Surrogate(TrainableLIF(amplitude=0.01), surrogate.arctan(2.0))
TAU = 0.02  # s, the default of LIF neurons


class SoftReset(nengo.LIF):
    """
    LIF neurons of which a spike subtracts the threshold, without a refractory time.

    Their builder is registered as users of nengo_dl do it, which goes by the exact type.
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


class OwnLIF(NeuronModel):
    """LIF neurons as a user writes them, without a refractory period."""

    state = {"voltage": nengo.dists.Uniform(0, 1)}  # noqa: RUF012 - nengo asks for a dict
    parameters = {  # noqa: RUF012
        "tau_rc": NeuronParameter(TAU, unit="s", positive=True, trainable=True)
    }
    spiking = True
    negative = False

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, tau_rc: Any) -> Any:
        """Return the output and the voltage."""
        voltage = voltage + (current - voltage) * -xp.expm1(-dt / tau_rc)
        spikes = xp.spike(voltage - 1)
        return spikes / dt, {"voltage": voltage * (1 - xp.reset(spikes))}


class OwnRefractoryLIF(NeuronModel):
    """The same with all that `nengo.LIF` has: two states, and spike times between steps."""

    state = {  # noqa: RUF012
        "voltage": nengo.dists.Uniform(0, 1),
        "refractory_time": nengo.dists.Choice([0]),
    }
    parameters = {  # noqa: RUF012
        "tau_rc": NeuronParameter(TAU, unit="s", positive=True, trainable=True),
        "tau_ref": NeuronParameter(0.002, unit="s", positive=True),
    }
    spiking = True
    negative = False

    def dynamics(
        self,
        xp: Any,
        dt: float,
        current: Any,
        voltage: Any,
        refractory_time: Any,
        tau_rc: Any,
        tau_ref: Any,
    ) -> Any:
        """Return the output, the voltage and the refractory time."""
        refractory_time = refractory_time - dt
        time = xp.clip(dt - refractory_time, 0.0, dt)
        voltage = voltage + (current - voltage) * -xp.expm1(-time / tau_rc)
        spikes = xp.spike(voltage - 1)
        fires = voltage > 1
        overshoot = (voltage - 1) / xp.where(fires, current - 1, 1.0)
        since = -tau_rc * xp.log1p(-overshoot)
        refractory_time = xp.where(fires, tau_ref + dt - since, refractory_time)
        voltage = xp.maximum(voltage, 0.0) * (1 - xp.reset(spikes))
        return spikes / dt, {"voltage": voltage, "refractory_time": refractory_time}


@contextlib.contextmanager
def in_python() -> Iterator[None]:
    """Have nengo_dl build types of neurons as it does without this package."""
    builders = nengo_dl.builder.NengoBuilder.builders
    types = (nengo.neurons.NeuronType, nengo.neurons.RatesToSpikesNeuronType)
    kept = {neurons: builders.pop(neurons) for neurons in types}
    try:
        yield
    finally:
        builders.update(kept)
