"""`nengo.AdaptiveLIF`, with parameters that train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import NeuronParameter, RealParam
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import lif_rate, refractory_lif


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
        How much a spike adapts: the adaptation is at ``inc_n`` times the rate (Hz) in the long run.
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
        "voltage": nengo.dists.Uniform(low=0, high=1),
        "refractory_time": nengo.dists.Choice([0]),
        "adaptation": nengo.dists.Choice([0]),
    }
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau_n": NeuronParameter(1.0, unit="s", positive=True, trainable=True),
        "inc_n": NeuronParameter(0.01, unit="s", positive=True, allows_zero=True, trainable=True),
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
        # nengo adapts to what neurons put out, with the amplitude
        adaptation = adaptation + dt / tau_n * (inc_n * self.amplitude * output - adaptation)
        return output, {
            "voltage": voltage,
            "refractory_time": refractory_time,
            "adaptation": adaptation,
        }

    def rate_curve(self, xp: Any, current: Any, adaptation: Any, tau_rc: Any, tau_ref: Any) -> Any:
        return lif_rate(xp, current - adaptation, tau_rc, tau_ref)
