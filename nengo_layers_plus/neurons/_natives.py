"""Which types of neurons there is TensorFlow code for, and whose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import nengo
from nengo.builder import Builder
from nengo.neurons import NeuronType, RatesToSpikesNeuronType
from nengo.params import FrozenObject

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.neurons._native import Native
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._surrogate import Surrogate
from nengo_layers_plus.neurons.models import (
    RegularSpikingModel,
    SpikingRectifiedLinearModel,
    TrainableAdaptiveLIF,
    TrainableAdaptiveLIFRate,
    TrainableIzhikevich,
    TrainableLIF,
)


def _twin(model: type[NeuronModel], *names: str) -> Callable[[Any], NeuronModel]:
    def make(neurons: Any) -> NeuronModel:
        return model(trainable=False, **{name: getattr(neurons, name) for name in names})

    return make


_LIF = ("tau_rc", "tau_ref", "amplitude")
_ADAPTATION = ("tau_n", "inc_n")
_IZHIKEVICH = ("tau_recovery", "coupling", "reset_voltage", "reset_recovery")

# Models with the mathematics of types of nengo and nengo_dl.
_MODELS: Mapping[type[NeuronType], Callable[[Any], NeuronModel]] = {
    nengo.LIF: _twin(TrainableLIF, *_LIF, "min_voltage"),
    nengo.AdaptiveLIF: _twin(TrainableAdaptiveLIF, *_LIF, *_ADAPTATION, "min_voltage"),
    nengo.AdaptiveLIFRate: _twin(TrainableAdaptiveLIFRate, *_LIF, *_ADAPTATION),
    nengo.Izhikevich: _twin(TrainableIzhikevich, *_IZHIKEVICH),
    nengo.SpikingRectifiedLinear: _twin(SpikingRectifiedLinearModel, "amplitude"),
    nengo_dl.SpikingLeakyReLU: _twin(SpikingRectifiedLinearModel, "amplitude", "negative_slope"),
    nengo.RegularSpiking: _twin(RegularSpikingModel, "amplitude"),
}


def _known_types() -> Mapping[type, Any]:
    return {**_MODELS, **nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL}


def known_type_of(neurons: NeuronType) -> type[NeuronType] | str:
    """
    Find the type, of nengo or nengo_dl, whose mathematics neurons have.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons: of such a type, or of a subclass that does not change the mathematics.

    Returns
    -------
    known : type or str
        The type; or, in words, why there is none.
    """
    cls, known = type(neurons), _known_types()
    if cls in known:
        return cls
    name = cls.__name__
    base = next((each for each in cls.__mro__ if each in known), None)
    if base is None:
        return f"{name} has no TensorFlow code"
    for changed, what in (("step", "a step"), ("state", "other states")):
        if getattr(cls, changed) is not getattr(base, changed):
            return (
                f"{name} is a {base.__name__} with {what} of its own, for which there is no "
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
        return _MODELS[known](neurons)
    if issubclass(known, RatesToSpikesNeuronType):
        return (
            "draws its spikes from a distribution: there is no membrane with a threshold; without "
            "a Surrogate it trains through its rates"
        )
    return "can't be computed by a model that is written once"


def native_of(neurons: NeuronType) -> Native | None:
    """
    Return how this package computes neurons; None if it leaves them to nengo_dl.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    """
    if isinstance(neurons, Surrogate):
        model = model_of(neurons.neuron_type)
        assert isinstance(model, NeuronModel)  # it was checked when it was made
        declared = isinstance(neurons.neuron_type, NeuronModel)
        return Native(model, neurons.function, neurons.through_reset, declared)
    if isinstance(neurons, NeuronModel):
        return Native(neurons)
    known = known_type_of(neurons)
    in_nengo_dl = nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL
    if isinstance(known, str) or known in in_nengo_dl:
        return None
    return Native(_MODELS[known](neurons), is_declared=False)


def build_function_of(neurons: NeuronType) -> Any:
    """
    Return the function that somebody else registered to build neurons; None if nobody did.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    """
    own = ("nengo.builder.neurons", f"{__name__.rpartition('.')[0]}._build")
    for registry in (nengo_dl.builder.NengoBuilder.builders, Builder.builders):
        nearest = next((each for each in type(neurons).__mro__ if each in registry), None)
        if nearest is not None and registry[nearest].__module__ not in own:
            return registry[nearest]
    return None


def why_in_python(neurons: NeuronType) -> str | None:
    """
    Say why neurons run in Python, which stops gradients; None if they do not.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    """
    if isinstance(neurons, Surrogate | NeuronModel | nengo.Direct):
        return None
    if build_function_of(neurons) is not None:
        return None  # nobody knows what it builds
    known = known_type_of(neurons)
    if isinstance(known, str):
        return known
    if isinstance(neurons, RatesToSpikesNeuronType):
        return why_in_python(neurons.base_type)
    return None
