"""`nengo.Izhikevich`, with parameters that train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._neuron_model import NeuronModel

# Where a neuron fires (mV), and over which distance from there a surrogate acts.
_PEAK = 30.0
_WIDTH = 30.0


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
        *a* of the paper: how fast the recovery is, trains.
    coupling : float or array_like
        *b* of the paper: how much the recovery depends on the voltage, trains.
    reset_voltage : float or array_like
        *c* of the paper: the voltage after a spike (mV), trains.
    reset_recovery : float or array_like
        *d* of the paper: what a spike adds to the recovery, trains.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The numbers are those of `nengo.Izhikevich`, which takes currents below -30 for -30. The source
    is Izhikevich, E. M. (2003), Simple model of spiking neurons, IEEE Transactions on Neural
    Networks 14(6).

    A surrogate sees the distance from the peak in units of 30 mV. The paper's model has no rate in
    a closed form: without a surrogate, it trains through a curve that is measured, which does not
    depend on the parameters.

    Examples
    --------
    >>> from nengo_layers_plus.neurons import TrainableIzhikevich
    >>> TrainableIzhikevich(reset_voltage=-55, reset_recovery=4)  # intrinsically bursting
    TrainableIzhikevich(reset_voltage=-55.0, reset_recovery=4.0)
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": nengo.dists.Uniform(low=0, high=1),
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
        # in ms, and rounded as nengo does
        change = (0.04 * (voltage * voltage) + 5 * voltage + 140 - recovery + current) * 1000
        voltage = voltage + change * dt
        spikes = xp.spike((voltage - _PEAK) / _WIDTH, inclusive=True)
        reset = xp.reset(spikes)
        # what a neuron that fires would go on from is of no account, and can be very large
        voltage = xp.where(voltage >= _PEAK, 0.0, voltage) * (1 - reset) + reset_voltage * reset
        change = tau_recovery * (coupling * voltage - recovery) * 1000
        recovery = recovery + change * dt + reset_recovery * reset
        return spikes / dt, {"voltage": voltage, "recovery": recovery}
