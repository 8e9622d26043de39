"""The neurons of other libraries, as neuron models of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from benchmarks.peers import equations
from nengo_layers_plus import NeuronModel, NeuronParameter, Surrogate, surrogate


class EulerLIF(NeuronModel):
    """
    Leaky neurons as of `equations.LIF`: integrated by Euler's method, spikes of height 1.

    Parameters
    ----------
    tau : float
        Membrane time constant, in steps.
    **kwargs
        Arguments of `NeuronModel`.
    """

    state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012 - nengo asks for a dict
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau": NeuronParameter(equations.TAU, positive=True)
    }
    spiking = True
    negative = False

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, tau: Any) -> Any:
        """Return the spikes and the voltage."""
        voltage = voltage + (current - voltage) / tau
        spikes = xp.spike(voltage - 1)
        return spikes, {"voltage": voltage * (1 - xp.reset(spikes))}


class AwareRectified(NeuronModel):
    """
    Neurons as of `equations.RECTIFIED`: spikes forwards, the slope of the rate backwards.

    They are declared not to spike, so that they train through what they compute. ``xp.reset`` keeps
    a value and takes its gradient away.
    """

    state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012
    negative = False

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any) -> Any:
        """Return the spikes, with the gradient of the rate, and the voltage."""
        rate = xp.maximum(current, 0.0)
        still = xp.reset(rate)
        voltage = voltage + still * dt
        spikes = xp.reset(xp.spike_count(voltage))
        return spikes / dt + (rate - still), {"voltage": voltage - spikes}


def make(equation: str) -> nengo.neurons.NeuronType:
    """Return our neurons for one of `equations`."""
    if equation == equations.LIF:
        return Surrogate(EulerLIF(), surrogate.fast_sigmoid(equations.STEEPNESS))
    return AwareRectified()
