"""The operator of neurons that are written once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.builder import Signal
from nengo.builder.neurons import SimNeurons

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus.neurons._native import Native


class SimNeuronModel(SimNeurons):
    """
    Advances neurons by one step, with parameters that may train.

    Derived from `nengo.builder.neurons.SimNeurons`, so that nengo_dl takes its states for what they
    are.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The type of neurons that the user gave.
    native : Native
        How it is computed.
    current : nengo.builder.Signal
        The input.
    output : nengo.builder.Signal
        The output.
    state : Mapping of str to nengo.builder.Signal
        The states.
    values : Mapping of str to array
        The values of the parameters, ``(1,)`` or ``(n_neurons,)``.
    signals : Mapping of str to ParameterSignal
        Those that have a signal.
    """

    def __init__(
        self,
        neurons: Any,
        native: Native,
        current: Signal,
        output: Signal,
        state: Mapping[str, Signal],
        values: Mapping[str, np.ndarray],
        signals: Mapping[str, ParameterSignal],
    ) -> None:
        super().__init__(neurons, current, output, state=state)
        self.native = native
        self.values = dict(values)
        self.parameter_names = tuple(signals)
        self.reads = [current, *signals.values()]

    @property
    def trained_names(self) -> tuple[str, ...]:
        """The names of the parameters that a gradient comes to."""
        return self.native.trained_names

    @property
    def parameter_signals(self) -> dict[str, ParameterSignal]:
        """The signals of parameters, by name."""
        return dict(zip(self.parameter_names, self.reads[1:], strict=True))
