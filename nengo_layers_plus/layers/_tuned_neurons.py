"""Neurons that are given by their firing rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo

from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.neurons import changed


class TunedNeurons(CustomLayer):
    """
    Neurons given by their tuning curves: from which input on they fire, and how fast at 1.

    A neuron is silent below its intercept, and fires at its maximum rate for an input of 1. It
    puts out its firing rate (Hz) times the amplitude; a spiking neuron does so on average, as
    each spike has the height ``amplitude / dt`` for one time step.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The neuron type.
    max_rates : float, array_like or nengo.dists.Distribution, optional
        Firing rate (Hz) for an input of 1: one for all neurons, one each, or a distribution.
        Not given, it is that of the network's configuration, else nengo's.
    intercepts : float, array_like or nengo.dists.Distribution, optional
        The input from which on a neuron fires, below 1, in the same ways.
    amplitude : float, optional
        What 1 Hz counts for, in place of the neuron type's own. With ``1 / max_rates`` the
        output is 1 for an input of 1.
    **kwargs
        Arguments of `.CustomLayer`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If an amplitude is given for a neuron type that has none, such as `nengo.Sigmoid`.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import TunedNeurons, nengo_dl
    >>> layer = TunedNeurons(nengo.LIFRate(), max_rates=100, intercepts=0.5, amplitude=0.01)
    >>> with nengo.Network() as net:
    ...     probe = nengo.Probe(layer(nengo.Node([0.4, 1.0])))
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(1)
    >>> sim.data[probe].round(3).tolist()
    [[0.0, 1.0]]
    """

    def __init__(
        self,
        neuron_type: nengo.neurons.NeuronType,
        *,
        max_rates: Any = None,
        intercepts: Any = None,
        amplitude: float | None = None,
        **kwargs: Any,
    ) -> None:
        if amplitude is not None:
            neuron_type = changed(neuron_type, amplitude=amplitude)
        super().__init__(neuron_type, **kwargs)
        self.max_rates = max_rates
        self.intercepts = intercepts
        self.amplitude = amplitude

    def make_ensemble_kwargs(self, context: LayerContext) -> Mapping[str, Any]:
        """Return the tuning curves, and what else was given for the Ensemble."""
        curves = {"max_rates": self.max_rates, "intercepts": self.intercepts}
        given = {name: value for name, value in curves.items() if value is not None}
        return {**(self.ensemble_kwargs or {}), **given}
