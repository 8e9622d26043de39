"""Integrate-and-fire neurons of nengo and nengo_dl that may fire several times in a step."""

from __future__ import annotations

from typing import Any

import nengo

from nengo_layers_plus._declared import RealParam
from nengo_layers_plus.neurons._neuron_model import NeuronModel


class SpikingRectifiedLinearModel(NeuronModel):
    """
    `nengo.SpikingRectifiedLinear`, and `nengo_dl.SpikingLeakyReLU`.

    Parameters
    ----------
    negative_slope : float
        The slope of the response to currents below 0.
    **kwargs
        Arguments of `.NeuronModel`.
    """

    state = {"voltage": nengo.dists.Uniform(low=0, high=1)}  # noqa: RUF012  as nengo declares it
    spiking = True
    negative_slope: Any = RealParam("negative_slope", default=0, low=0, readonly=True)

    def __init__(self, *, negative_slope: float = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any) -> Any:
        voltage = voltage + self.rate_curve(xp, current) * dt
        spikes = xp.spike_count(voltage)
        if self.negative_slope:
            # towards 0: below it they fire backwards
            spikes = spikes + xp.where(voltage < 0, 1.0, 0.0)
        return spikes / dt, {"voltage": voltage - xp.reset(spikes)}

    def rate_curve(self, xp: Any, current: Any) -> Any:
        rate = xp.maximum(current, 0.0)
        if self.negative_slope:
            rate = rate - self.negative_slope * xp.maximum(-current, 0.0)
        return rate


class RegularSpikingModel(NeuronModel):
    """
    `nengo.RegularSpiking`, whose input is a rate (Hz).

    Parameters
    ----------
    **kwargs
        Arguments of `.NeuronModel`.
    """

    state = {"voltage": nengo.dists.Uniform(low=0, high=1)}  # noqa: RUF012  as nengo declares it
    spiking = True

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any) -> Any:
        voltage = voltage + current * dt
        spikes = xp.spike_count(voltage)
        return spikes / dt, {"voltage": voltage - xp.reset(spikes)}

    def rate_curve(self, xp: Any, current: Any) -> Any:
        return current
