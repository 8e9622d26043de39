"""Integrate-and-fire neurons without a leak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo
from nengo.params import EnumParam

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import after_spikes


class IntegrateAndFire(NeuronModel):
    r"""
    Integrate-and-fire neurons, which sum up their input.

    .. math:: \frac{dv}{dt} = J

    A neuron fires where :math:`v \ge \theta`, at most once a step. Then :math:`v` is set to 0 by a
    hard reset, and lowered by :math:`\theta` by a soft one.

    Parameters
    ----------
    threshold : float or array_like
        :math:`\theta`, the voltage at which neurons fire.
    reset : {"soft", "hard"}
        What a spike does to the voltage. A soft reset keeps what was above the threshold, so that
        the rate is exact in the long run; a hard one loses it.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The input is in Hz: with a threshold of 1 it is the rate. Up to one spike a step and for inputs
    that are not negative, a soft reset gives the numbers of `nengo.SpikingRectifiedLinear`. A
    negative input lowers the voltage, without a limit. The rate for a constant input is
    :math:`\max(J, 0) / \theta`.

    A surrogate sees the distance from the threshold in units of the threshold.

    The model is that of Abbott, L. F. (1999), Lapicque's introduction of the integrate-and-fire
    model neuron (1907), Brain Research Bulletin 50(5-6). Both resets are compared by Rueckauer, B.,
    et al. (2017), Conversion of continuous-valued deep networks to efficient event-driven networks
    for image classification, Frontiers in Neuroscience 11:682.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.neurons import IntegrateAndFire
    >>> neurons = IntegrateAndFire(threshold=2, reset="hard")
    >>> neurons
    IntegrateAndFire(threshold=2.0, reset='hard')
    >>> neurons.rates(np.array([[50.0]]), gain=[1], bias=[0])
    array([[25.]])
    """

    state = {"voltage": nengo.dists.Uniform(low=0, high=1)}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "threshold": NeuronParameter(1.0, positive=True)
    }
    spiking = True
    negative = False
    reset = EnumParam("reset", default="soft", values=("soft", "hard"), readonly=True)

    def __init__(self, *, reset: str = "soft", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset = reset

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, threshold: Any) -> Any:
        voltage = voltage + current * dt
        spikes = xp.spike(voltage / threshold - 1, inclusive=True)
        return spikes / dt, {"voltage": after_spikes(xp, voltage, spikes, threshold, self.reset)}

    def rate_curve(self, xp: Any, current: Any, threshold: Any) -> Any:
        return xp.maximum(current, 0.0) / threshold
