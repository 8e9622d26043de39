"""Builds types of neurons into the models of nengo and nengo_dl."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.builder import Builder, Signal
from nengo.builder.neurons import SimNeurons, build_neurons, build_rates_to_spikes
from nengo.neurons import NeuronType, RatesToSpikesNeuronType

from nengo_layers_plus._declared import ParameterSignal, reparametrise
from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import may_train
from nengo_layers_plus.neurons._dynamics_error import check_in_tensorflow, warn_of_height
from nengo_layers_plus.neurons._native import Native
from nengo_layers_plus.neurons._natives import (
    as_known_type,
    build_function_of,
    known_type_of,
    native_of,
)
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._sim_neuron_model import SimNeuronModel
from nengo_layers_plus.neurons._surrogate import Surrogate


@Builder.register(NeuronModel)  # type: ignore[untyped-decorator]
def build_model(model: Any, neuron_type: NeuronModel, neurons: Any, **signals: Any) -> None:
    """
    Build neurons that are written once, for nengo.

    Parameters
    ----------
    model : nengo.builder.Model
        The model to build into.
    neuron_type : NeuronModel
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    **signals
        See `nengo.builder.neurons.build_neurons`.
    """
    neuron_type.values_for(neurons.size_in)  # raises if an array has another size
    warn_of_height(neuron_type, neurons.size_in)
    build_neurons(model, neuron_type, neurons, **signals)


@Builder.register(Surrogate)  # type: ignore[untyped-decorator]
def build_surrogate(model: Any, surrogate: Surrogate, neurons: Any) -> None:
    """
    Build neurons that train through their spikes, for nengo: where nothing trains.

    Parameters
    ----------
    model : nengo.builder.Model
        The model to build into.
    surrogate : Surrogate
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    """
    model.build(surrogate.neuron_type, neurons)


@nengo_dl.builder.NengoBuilder.register(NeuronType)  # type: ignore[untyped-decorator]
def build_native(
    model: Any,
    neuron_type: NeuronType,
    neurons: Any,
    input_sig: Signal | None = None,
    output_sig: Signal | None = None,
) -> None:
    """
    Build neurons for nengo_dl, with TensorFlow code where there is some.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model to build into.
    neuron_type : nengo.neurons.NeuronType
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    input_sig, output_sig : nengo.builder.Signal, optional
        See `nengo.builder.neurons.build_neurons`.
    """
    other = build_function_of(neuron_type)
    if other is not None:
        other(model, neuron_type, neurons)
        return
    native = native_of(neuron_type)
    if native is None:
        build_neurons(model, neuron_type, neurons, input_sig=input_sig, output_sig=output_sig)
        known = known_type_of(neuron_type)
        if not isinstance(known, str):
            # nengo_dl knows types, and none that are derived from them
            model.operators[-1].neurons = as_known_type(neuron_type, known)
        return
    if isinstance(neuron_type, Surrogate) and isinstance(
        neuron_type.neuron_type, RatesToSpikesNeuronType
    ):
        _build_rates(model, neuron_type.neuron_type, neuron_type, neurons, native)
        return
    _build(model, neuron_type, neurons, native, input_sig, output_sig)


@nengo_dl.builder.NengoBuilder.register(RatesToSpikesNeuronType)  # type: ignore[untyped-decorator]
def build_native_rates_to_spikes(
    model: Any, neuron_type: RatesToSpikesNeuronType, neurons: Any
) -> None:
    """
    Build neurons that make spikes of rates, for nengo_dl.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model to build into.
    neuron_type : nengo.neurons.RatesToSpikesNeuronType
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    """
    other = build_function_of(neuron_type)
    if other is not None:
        other(model, neuron_type, neurons)
        return
    known = known_type_of(neuron_type)
    if type(neuron_type) is known and native_of(neuron_type.base_type) is None:
        build_rates_to_spikes(model, neuron_type, neurons)
    else:
        _build_rates(model, neuron_type, neuron_type, neurons, None)


def _build_rates(
    model: Any,
    rates_type: RatesToSpikesNeuronType,
    neuron_type: NeuronType,
    neurons: Any,
    native: Native | None,
) -> None:
    """Build the base type, and behind it what makes spikes of its rates."""
    signals = model.sig[neurons]
    rates = Signal(shape=signals["in"].shape, name=f"{neurons}.rate_out")
    signals["rate_out"] = rates
    build_native(model, rates_type.base_type, neurons, signals["in"], rates)
    if native is None:
        build_native(model, rates_type, neurons, rates, signals["out"])
    else:
        _build(model, neuron_type, neurons, native, rates, signals["out"])


def _build(
    model: Any,
    neuron_type: NeuronType,
    neurons: Any,
    native: Native,
    input_sig: Signal | None,
    output_sig: Signal | None,
) -> None:
    """Build neurons that this package computes."""
    current = model.sig[neurons]["in"] if input_sig is None else input_sig
    output = model.sig[neurons]["out"] if output_sig is None else output_sig
    # nengo makes the states, with the random numbers that it would use
    build_neurons(model, neuron_type, neurons, input_sig=current, output_sig=output)
    made = model.operators.pop()
    assert isinstance(made, SimNeurons)
    values = native.model.values_for(neurons.size_in)
    signals = _parameter_signals(model, neurons, native, values, current.dtype)
    if native.is_declared:
        check_in_tensorflow(native.model, neurons.size_in, signals)
        warn_of_height(native.model, neurons.size_in)
    model.sig[neurons].update(signals)
    model.add_op(SimNeuronModel(neuron_type, native, current, output, made.state, values, signals))


def _parameter_signals(
    model: Any, neurons: Any, native: Native, values: dict[str, np.ndarray], dtype: Any
) -> dict[str, ParameterSignal]:
    """Make signals for what trains, or would if it were not told otherwise."""
    trains = may_train(model, neurons, neurons.ensemble)
    signals = {}
    for name, declared in native.model.parameters.items():
        asked = name in native.model.trainable_names
        # what was set not to train can still be loaded by name; what nengo's own types have can't
        if asked or (declared.trainable and native.is_declared):
            signals[name] = ParameterSignal(
                reparametrise(values[name], declared),
                asked and trains,
                f"{neurons}.{name}",
                dtype,
                name,
            )
    return signals
