"""Neurons that adapt to their own spikes: adaptive leaky integrate-and-fire, and Izhikevich's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import NeuronParameter, RealParam
from nengo_layers_plus.neurons._integrate_and_fire import (
    TAU_RC,
    TAU_REF,
    VOLTAGE,
    lif_rate,
    refractory_lif,
)
from nengo_layers_plus.neurons._neuron_model import NeuronModel

_TAU_N = NeuronParameter(1.0, unit="s", positive=True, trainable=True)
_INC_N = NeuronParameter(0.01, unit="s", positive=True, allows_zero=True, trainable=True)
# The threshold of Izhikevich's neurons, and the unit of a surrogate's distance from it (mV)
_PEAK, _WIDTH = 30.0, 30.0


class TrainableAdaptiveLIF(NeuronModel):
    r"""
    `nengo.AdaptiveLIF`, with an adaptation that trains.

    .. math::

        \tau_{rc} \frac{dv}{dt} &= J - n - v \\
        \tau_n \frac{dn}{dt} &= -n

    A neuron fires where :math:`v > 1`; then :math:`v` is 0 for :math:`\tau_{ref}`, and :math:`n` is
    increased by :math:`inc_n / \tau_n`.

    Parameters
    ----------
    tau_n : float or array_like
        Time constant of the adaptation (s), trains.
    inc_n : float or array_like
        The increment by a spike: in the long run the adaptation is ``inc_n`` times the rate (Hz).
        Trains.
    tau_rc : float or array_like
        Membrane time constant (s), trains.
    tau_ref : float or array_like
        Refractory period (s).
    min_voltage : float
        The lowest voltage.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The numbers are those of `nengo.AdaptiveLIF`. The source of the equations is Camera, G. La, et
    al. (2004), Minimal models of adapted neuronal response to in vivo-like input currents, Neural
    Computation 16(10).

    Examples
    --------
    >>> from nengo_layers_plus.neurons import TrainableAdaptiveLIF
    >>> TrainableAdaptiveLIF(tau_n=0.2)
    TrainableAdaptiveLIF(tau_n=0.2)
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": VOLTAGE,
        "refractory_time": nengo.dists.Choice([0]),
        "adaptation": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_n": _TAU_N,
        "inc_n": _INC_N,
        "tau_rc": TAU_RC,
        "tau_ref": TAU_REF,
    }
    spiking = True
    negative = False
    min_voltage: Any = RealParam("min_voltage", default=0, high=0, readonly=True)

    def __init__(self, *, min_voltage: float = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.min_voltage = min_voltage

    def dynamics(
        self,
        xp: Any,
        dt: float,
        current: Any,
        voltage: Any,
        refractory_time: Any,
        adaptation: Any,
        tau_n: Any,
        inc_n: Any,
        tau_rc: Any,
        tau_ref: Any,
    ) -> Any:
        spikes, voltage, refractory_time = refractory_lif(
            xp,
            dt,
            current - adaptation,
            voltage,
            refractory_time,
            tau_rc,
            tau_ref,
            self.min_voltage,
        )
        output = spikes / dt
        # as in nengo, adaptation depends on the output, with the amplitude
        adaptation = adaptation + dt / tau_n * (inc_n * self.amplitude * output - adaptation)
        return output, {
            "voltage": voltage,
            "refractory_time": refractory_time,
            "adaptation": adaptation,
        }

    def rate_curve(self, xp: Any, current: Any, adaptation: Any, tau_rc: Any, tau_ref: Any) -> Any:
        return lif_rate(xp, current - adaptation, tau_rc, tau_ref)


class TrainableAdaptiveLIFRate(NeuronModel):
    r"""
    `nengo.AdaptiveLIFRate`, with an adaptation that trains: rates in place of spikes.

    .. math::

        a &= LIF(J - n) \\
        \tau_n \frac{dn}{dt} &= inc_n a - n

    Parameters
    ----------
    tau_n : float or array_like
        Time constant of the adaptation (s), trains.
    inc_n : float or array_like
        The ratio of the adaptation to the output in the long run, trains.
    tau_rc : float or array_like
        Membrane time constant (s), trains.
    tau_ref : float or array_like
        Refractory period (s).
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The numbers are those of `nengo.AdaptiveLIFRate`. The source of the equations is Camera, G. La,
    et al. (2004), Minimal models of adapted neuronal response to in vivo-like input currents,
    Neural Computation 16(10).

    Examples
    --------
    >>> from nengo_layers_plus.neurons import TrainableAdaptiveLIFRate
    >>> TrainableAdaptiveLIFRate(inc_n=0.02).inc_n
    0.02
    """

    state = {"adaptation": nengo.dists.Choice([0])}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_n": _TAU_N,
        "inc_n": _INC_N,
        "tau_rc": TAU_RC,
        "tau_ref": TAU_REF,
    }
    negative = False

    def dynamics(
        self,
        xp: Any,
        dt: float,
        current: Any,
        adaptation: Any,
        tau_n: Any,
        inc_n: Any,
        tau_rc: Any,
        tau_ref: Any,
    ) -> Any:
        rates = lif_rate(xp, current - adaptation, tau_rc, tau_ref)
        change = dt / tau_n * (inc_n * self.amplitude * rates - adaptation)
        return rates, {"adaptation": adaptation + change}

    def rate_curve(self, xp: Any, current: Any, adaptation: Any, tau_rc: Any, tau_ref: Any) -> Any:
        return lif_rate(xp, current - adaptation, tau_rc, tau_ref)


class TrainableIzhikevich(NeuronModel):
    r"""
    `nengo.Izhikevich`, with parameters that train.

    .. math::

        \frac{dv}{dt} &= 0.04 v^2 + 5 v + 140 - u + J \\
        \frac{du}{dt} &= a (b v - u)

    with time in ms. A neuron fires where :math:`v \ge 30`; then :math:`v` is set to :math:`c`, and
    :math:`u` is increased by :math:`d`.

    Parameters
    ----------
    tau_recovery : float or array_like
        *a* of the paper: the rate of the recovery, trains.
    coupling : float or array_like
        *b* of the paper: the coupling of the recovery to the voltage, trains.
    reset_voltage : float or array_like
        *c* of the paper: the voltage after a spike (mV), trains.
    reset_recovery : float or array_like
        *d* of the paper: the increment of the recovery by a spike, trains.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The numbers are those of `nengo.Izhikevich`, which clips currents at -30. The source is
    Izhikevich, E. M. (2003), Simple model of spiking neurons, IEEE Transactions on Neural Networks
    14(6).

    The argument of a surrogate is the distance from the threshold in units of 30 mV. The model has
    no rate in closed form: without a surrogate, it trains through a measured response curve, which
    does not depend on the parameters.

    Examples
    --------
    >>> from nengo_layers_plus.neurons import TrainableIzhikevich
    >>> TrainableIzhikevich(reset_voltage=-55, reset_recovery=4)  # intrinsically bursting
    TrainableIzhikevich(reset_voltage=-55.0, reset_recovery=4.0)
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": VOLTAGE,
        "recovery": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_recovery": NeuronParameter(0.02, unit="1/ms", positive=True, trainable=True),
        "coupling": NeuronParameter(0.2, positive=True, allows_zero=True, trainable=True),
        "reset_voltage": NeuronParameter(-65.0, unit="mV", trainable=True),
        "reset_recovery": NeuronParameter(8.0, trainable=True),
    }
    spiking = True
    negative = False

    def dynamics(
        self,
        xp: Any,
        dt: float,
        current: Any,
        voltage: Any,
        recovery: Any,
        tau_recovery: Any,
        coupling: Any,
        reset_voltage: Any,
        reset_recovery: Any,
    ) -> Any:
        current = xp.maximum(current, -30.0)
        # in ms, with the rounding of nengo
        change = (0.04 * (voltage * voltage) + 5 * voltage + 140 - recovery + current) * 1000
        voltage = voltage + change * dt
        spikes = xp.spike((voltage - _PEAK) / _WIDTH, inclusive=True)
        reset = xp.reset(spikes)
        # the voltage of a neuron that fires is not used, and can be very large
        voltage = xp.where(voltage >= _PEAK, 0.0, voltage) * (1 - reset) + reset_voltage * reset
        change = tau_recovery * (coupling * voltage - recovery) * 1000
        recovery = recovery + change * dt + reset_recovery * reset
        return spikes / dt, {"voltage": voltage, "recovery": recovery}
