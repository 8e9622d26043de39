"""`nengo.AdaptiveLIFRate`, with parameters that train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import lif_rate


class TrainableAdaptiveLIFRate(NeuronModel):
    r"""
    `nengo.AdaptiveLIFRate`, with an adaptation that trains: rates in the place of spikes.

    .. math::

        a &= LIF(J - n) \\
        \tau_n \frac{dn}{dt} &= inc_n a - n

    Parameters
    ----------
    tau_n : float or array_like
        Time constant of the adaptation (s), trains.
    inc_n : float or array_like
        How much the output adapts, trains.
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
        "tau_n": NeuronParameter(1.0, unit="s", positive=True, trainable=True),
        "inc_n": NeuronParameter(0.01, unit="s", positive=True, allows_zero=True, trainable=True),
        "tau_rc": NeuronParameter(0.02, unit="s", positive=True, trainable=True),
        "tau_ref": NeuronParameter(0.002, unit="s", positive=True, allows_zero=True),
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
