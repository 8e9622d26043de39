"""Leaky integrators, to read out spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import nengo

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons.models._equations import leaky_membrane


class LeakyIntegrator(NeuronModel):
    r"""
    Neurons that do not fire: their output is their voltage.

    .. math:: \tau \frac{dv}{dt} = J - v

    As a last layer they turn spikes into values that vary smoothly, with a time constant that
    trains, and for each neuron if it is to.

    Parameters
    ----------
    tau : float or array_like
        Time constant (s), trains.
    **kwargs
        Arguments of `.NeuronModel`.

    Notes
    -----
    The output has the unit of the input, and can be negative. It is integrated exactly for an input
    that is constant within a step, and has the numbers of ``nengo.Lowpass(tau)``. For a constant
    input the output is the input in the long run.

    Such a read-out is used by Neftci, E. O., Mostafa, H., & Zenke, F. (2019), Surrogate gradient
    learning in spiking neural networks, IEEE Signal Processing Magazine 36(6).

    Examples
    --------
    >>> from nengo_layers_plus.neurons import LeakyIntegrator
    >>> LeakyIntegrator(tau=0.05, per_neuron=True)
    LeakyIntegrator(tau=0.05, per_neuron=True)
    >>> LeakyIntegrator().trainable_names
    ('tau',)
    """

    state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012  as nengo declares it
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau": NeuronParameter(0.02, unit="s", positive=True, trainable=True)
    }
    negative = True

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, tau: Any) -> Any:
        voltage = leaky_membrane(xp, dt, current, voltage, tau)
        return voltage, {"voltage": voltage}

    def rate_curve(self, xp: Any, current: Any) -> Any:
        return current
