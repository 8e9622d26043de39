"""Leaky integrate-and-fire neurons with a synaptic current."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo
from nengo.params import EnumParam

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import after_spikes, leaky_membrane, lif_rate


class CurrentBasedLIF(NeuronModel):
    r"""
    Leaky integrate-and-fire neurons whose input passes an exponential synapse of their own.

    .. math::

        \tau_{synapse} \frac{di}{dt} &= J - i \\
        \tau_{rc} \frac{dv}{dt} &= i - v

    A neuron fires where :math:`v > \theta`, at most once a step. Then :math:`v` is set to 0 by a
    hard reset, and lowered by :math:`\theta` by a soft one. The current :math:`i` is not reset.

    Parameters
    ----------
    tau_synapse : float or array_like
        Time constant of the synaptic current (s), trains.
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
    In each step the synaptic current comes first, then the membrane sees its new value; each is
    integrated exactly for an input that is constant within a step. Unlike in models whose current
    jumps by the weight of a spike, the synapse has a gain of 1, like `nengo.Lowpass`: in the long
    run :math:`i` is the input. So the rate for a constant input is that of
    `.LeakyIntegrateAndFire`,

    .. math:: \frac{1}{\tau_{rc} \ln \frac{J}{J - \theta}}

    A surrogate sees the distance from the threshold in units of the threshold.

    The source of the equations is Neftci, E. O., Mostafa, H., & Zenke, F. (2019), Surrogate
    gradient learning in spiking neural networks, IEEE Signal Processing Magazine 36(6).

    Examples
    --------
    >>> from nengo_layers_plus import Surrogate, surrogate
    >>> from nengo_layers_plus.neurons import CurrentBasedLIF
    >>> CurrentBasedLIF(tau_synapse=0.01).trainable_names
    ('tau_synapse', 'tau_rc')
    >>> Surrogate(CurrentBasedLIF(), surrogate.fast_sigmoid(5.0))
    Surrogate(CurrentBasedLIF(), surrogate.fast_sigmoid(steepness=5.0))
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": nengo.dists.Uniform(low=0, high=1),
        "synaptic_current": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_synapse": NeuronParameter(0.005, unit="s", positive=True, trainable=True),
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
        self,
        xp: Any,
        dt: float,
        current: Any,
        voltage: Any,
        synaptic_current: Any,
        tau_synapse: Any,
        tau_rc: Any,
        threshold: Any,
    ) -> Any:
        synaptic_current = leaky_membrane(xp, dt, current, synaptic_current, tau_synapse)
        voltage = leaky_membrane(xp, dt, synaptic_current, voltage, tau_rc)
        spikes = xp.spike(voltage / threshold - 1)
        return spikes / dt, {
            "voltage": after_spikes(xp, voltage, spikes, threshold, self.reset),
            "synaptic_current": synaptic_current,
        }

    def rate_curve(self, xp: Any, current: Any, tau_rc: Any, threshold: Any) -> Any:
        return lif_rate(xp, current, tau_rc, 0.0, threshold)
