"""Changes to neuron types, which nengo makes unchangeable."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.exceptions import ValidationError


def with_amplitude(neuron_type: nengo.neurons.NeuronType, amplitude: float) -> Any:
    """
    Return a copy of a neuron type with another amplitude.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The neuron type.
    amplitude : float
        What a spike, or a rate of 1 Hz, counts for.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the neuron type has no amplitude.
    """
    state = neuron_type.__getstate__()
    if "amplitude" not in state:
        raise ValidationError(
            f"{type(neuron_type).__name__} has no amplitude; scale what it puts out by the "
            "transform of the connections from it",
            attr="amplitude",
            obj=neuron_type,
        )
    state["amplitude"] = amplitude
    copy: Any = object.__new__(type(neuron_type))
    # without what it remembers of how it shows itself
    copy.__setstate__({key: value for key, value in state.items() if "argreprs" not in key})
    return copy
