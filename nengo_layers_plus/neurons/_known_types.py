"""Types of neurons of nengo and nengo_dl, and the models with their mathematics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
from nengo.builder import Builder
from nengo.neurons import NeuronType, RatesToSpikesNeuronType
from nengo.params import FrozenObject

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.neurons._adaptive import (
    TrainableAdaptiveLIF,
    TrainableAdaptiveLIFRate,
    TrainableIzhikevich,
)
from nengo_layers_plus.neurons._integrate_and_fire import (
    RegularSpikingModel,
    SpikingRectifiedLinearModel,
    TrainableLIF,
)
from nengo_layers_plus.neurons._neuron_model import NeuronModel

TYPES_IN_NENGO_DL: Mapping[type, Any] = nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL
"""The types that nengo_dl computes in TensorFlow; others may register more."""

_LIF = ("tau_rc", "tau_ref", "amplitude")
_ADAPTATION = ("tau_n", "inc_n")
_IZHIKEVICH = ("tau_recovery", "coupling", "reset_voltage", "reset_recovery")

# The model with the mathematics of a type, and the arguments that they share.
_MODELS: Mapping[type, tuple[type[NeuronModel], tuple[str, ...]]] = {
    nengo.LIF: (TrainableLIF, (*_LIF, "min_voltage")),
    nengo.AdaptiveLIF: (TrainableAdaptiveLIF, (*_LIF, *_ADAPTATION, "min_voltage")),
    nengo.AdaptiveLIFRate: (TrainableAdaptiveLIFRate, (*_LIF, *_ADAPTATION)),
    nengo.Izhikevich: (TrainableIzhikevich, _IZHIKEVICH),
    nengo.SpikingRectifiedLinear: (SpikingRectifiedLinearModel, ("amplitude",)),
    nengo_dl.SpikingLeakyReLU: (SpikingRectifiedLinearModel, ("amplitude", "negative_slope")),
    nengo.RegularSpiking: (RegularSpikingModel, ("amplitude",)),
}


def known_type_of(neurons: NeuronType) -> type[NeuronType] | str:
    """
    Return the type of nengo or nengo_dl whose mathematics neurons have.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons: of such a type, or of a subclass that does not change the mathematics.

    Returns
    -------
    known : type or str
        The type; or, in words, why there is none.
    """
    cls = type(neurons)
    name = cls.__name__
    base = next((c for c in cls.__mro__ if c in _MODELS or c in TYPES_IN_NENGO_DL), None)
    if base is None:
        return f"{name} has no TensorFlow code"
    for attribute, words in (("step", "a step"), ("state", "other states")):
        if getattr(cls, attribute) is not getattr(base, attribute):
            return (
                f"{name} is a {base.__name__} with {words} of its own, for which there is no "
                "TensorFlow code"
            )
    return base


def as_known_type(neurons: NeuronType, known: type[NeuronType]) -> NeuronType:
    """
    Return neurons of a known type with the parameters of a subclass of it.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    known : type
        The type; see `known_type_of`.
    """
    if type(neurons) is known:
        return neurons
    copy: Any = object.__new__(known)
    FrozenObject.__init__(copy)
    for name in copy._paramdict:
        setattr(copy, name, getattr(neurons, name))
    more = {k: v for k, v in vars(neurons).items() if k not in vars(copy) and "argreprs" not in k}
    copy.__dict__.update(more)
    return copy


def model_of(neurons: NeuronType) -> NeuronModel | str:
    """
    Return a model that computes neurons.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.

    Returns
    -------
    model : NeuronModel or str
        The model; or, in words, why there is none.
    """
    if isinstance(neurons, NeuronModel):
        return neurons
    known = known_type_of(neurons)
    if isinstance(known, str):
        return f"can't be computed: {known}"
    if known in _MODELS:
        model, names = _MODELS[known]
        return model(trainable=False, **{name: getattr(neurons, name) for name in names})
    if issubclass(known, RatesToSpikesNeuronType):
        return (
            "draws its spikes from a distribution: there is no membrane with a threshold; without "
            "a Surrogate it trains through its rates"
        )
    return "can't be computed by a model that is written once"


def build_function_of(neurons: NeuronType) -> Any:
    """
    Return the function that other code registered to build neurons; None if there is none.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    """
    own = ("nengo.builder.neurons", f"{__name__.rpartition('.')[0]}._build")
    for registry in (nengo_dl.builder.NengoBuilder.builders, Builder.builders):
        nearest = next((cls for cls in type(neurons).__mro__ if cls in registry), None)
        if nearest is not None and registry[nearest].__module__ not in own:
            return registry[nearest]
    return None
