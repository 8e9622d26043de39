"""`nengo.LIF`, with parameters that train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import NeuronParameter, RealParam
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import lif_rate, refractory_lif


class TrainableLIF(NeuronModel):
    r"""
    `nengo.LIF`, with a time constant and a refractory period that can train.

    .. math:: \tau_{rc} \frac{dv}{dt} = J - v

    A neuron fires where :math:`v > 1`; then :math:`v` is 0 for :math:`\tau_{ref}`.

    Parameters
    ----------
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
    The voltage and the spikes are those of `nengo.LIF`. The source of the equations is Koch, C.
    (1999), Biophysics of computation, Oxford University Press.

    Examples
    --------
    >>> from nengo_layers_plus.neurons import TrainableLIF
    >>> TrainableLIF(tau_rc=0.03, trainable=["tau_rc", "tau_ref"]).trainable_names
    ('tau_rc', 'tau_ref')
    """

    state = {  # noqa: RUF012  as nengo declares it
        "voltage": nengo.dists.Uniform(low=0, high=1),
        "refractory_time": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_rc": NeuronParameter(0.02, unit="s", positive=True, trainable=True),
        "tau_ref": NeuronParameter(0.002, unit="s", positive=True, allows_zero=True),
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
        tau_rc: Any,
        tau_ref: Any,
    ) -> Any:
        spikes, voltage, refractory_time = refractory_lif(
            xp, dt, current, voltage, refractory_time, tau_rc, tau_ref, self.min_voltage
        )
        return spikes / dt, {"voltage": voltage, "refractory_time": refractory_time}

    def rate_curve(self, xp: Any, current: Any, tau_rc: Any, tau_ref: Any) -> Any:
        return lif_rate(xp, current, tau_rc, tau_ref)
