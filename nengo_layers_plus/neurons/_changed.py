"""Copies of types of neurons, which nengo makes unchangeable."""

from __future__ import annotations

from typing import Any

from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_layers_plus._declared import is_nan
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._surrogate import Surrogate


def changed(neuron_type: NeuronType, **changes: Any) -> Any:
    """
    Return a copy of a type of neurons with other values for some of its arguments.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The type of neurons. A `.Surrogate` stays around what is in it.
    **changes
        The arguments.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it has no such argument, or it can't have such a value.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus.neurons import changed
    >>> changed(nengo.LIF(tau_rc=0.03), amplitude=0.01)
    LIF(tau_rc=0.03, amplitude=0.01)
    """
    if isinstance(neuron_type, NeuronModel):
        return neuron_type.replace(**changes)
    if isinstance(neuron_type, Surrogate):
        return Surrogate(
            changed(neuron_type.neuron_type, **changes),
            neuron_type.function,
            through_reset=neuron_type.through_reset,
        )
    if not isinstance(neuron_type, NeuronType):
        raise ValidationError(
            f"expected a type of neurons, such as nengo.LIF(), got {neuron_type!r}",
            attr="neuron_type",
        )
    for name, value in changes.items():
        if is_nan(value):  # for which nengo has no words
            raise ValidationError(f"expected a number, got {value!r}", attr=name, obj=neuron_type)
    state = neuron_type.__getstate__()
    unknown = [name for name in changes if name not in state]
    if unknown:
        what = f"{type(neuron_type).__name__} has no {', '.join(unknown)}"
        if unknown == ["amplitude"]:
            what += "; scale what it puts out by the transform of the connections from it"
        raise ValidationError(what, attr=unknown[0], obj=neuron_type)
    copy: Any = object.__new__(type(neuron_type))
    # without what it remembers of how it shows itself
    kept = {key: value for key, value in state.items() if "argreprs" not in key}
    copy.__setstate__({**kept, **changes})
    return copy
