"""Leaky integrate-and-fire neurons without a refractory period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo
from nengo.params import EnumParam

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import after_spikes, leaky_membrane, lif_rate


class LeakyIntegrateAndFire(NeuronModel):
    r"""
    Leaky integrate-and-fire neurons without a refractory period.

    .. math:: \tau_{rc} \frac{dv}{dt} = J - v

    A neuron fires where :math:`v > \theta`, at most once a step. Then :math:`v` is set to 0 by a
    hard reset, and lowered by :math:`\theta` by a soft one.

    Parameters
    ----------
    tau_rc : float or array_like
        Membrane time constant (s), trains.
    threshold : float or array_like
        :math:`\theta`, the voltage at which neurons fire.
    reset : {"hard", "soft"}
        What a spike does to the voltage.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The voltage has the unit of the input, and has no lower limit. It is integrated exactly for an
    input that is constant within a step. Spikes are in Hz: their mean is the rate, which for a
    constant input is

    .. math:: \frac{1}{\tau_{rc} \ln \frac{J}{J - \theta}}

    above the threshold, as far as it is well below one spike a step.

    A surrogate sees the distance from the threshold in units of the threshold.

    The model is that of Gerstner, W., et al. (2014), Neuronal dynamics, Cambridge University Press,
    chapter 1. The form in which it is trained, with either reset, is described by Eshraghian, J.
    K., et al. (2023), Training spiking neural networks using lessons from deep learning,
    Proceedings of the IEEE 111(9).

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.neurons import LeakyIntegrateAndFire
    >>> neurons = LeakyIntegrateAndFire(tau_rc=0.03, reset="soft")
    >>> neurons
    LeakyIntegrateAndFire(tau_rc=0.03, reset='soft')
    >>> neurons.rates(np.array([[0.5], [1.5]]), gain=[1], bias=[0]).round(2)
    array([[ 0.  ],
           [30.34]])
    """

    state = {"voltage": nengo.dists.Uniform(low=0, high=1)}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_rc": NeuronParameter(0.02, unit="s", positive=True, trainable=True),
        "threshold": NeuronParameter(1.0, positive=True),
    }
    spiking = True
    negative = False
    reset = EnumParam("reset", default="hard", values=("hard", "soft"), readonly=True)

    def __init__(self, *, reset: str = "hard", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.reset = reset

    def dynamics(
        self, xp: Any, dt: float, current: Any, voltage: Any, tau_rc: Any, threshold: Any
    ) -> Any:
        voltage = leaky_membrane(xp, dt, current, voltage, tau_rc)
        spikes = xp.spike(voltage / threshold - 1)
        return spikes / dt, {"voltage": after_spikes(xp, voltage, spikes, threshold, self.reset)}

    def rate_curve(self, xp: Any, current: Any, tau_rc: Any, threshold: Any) -> Any:
        return lif_rate(xp, current, tau_rc, 0.0, threshold)
