"""Which neurons stand for which activation, and how their firing rates are scaled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.neurons import NeuronType

from nengo_layers_plus._declared import is_finite
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.conversion._activation import NAMES, Activation, find_key, of_function
from nengo_layers_plus.conversion._layer_names import ConversionError, LayerName, Named
from nengo_layers_plus.layers._errors import warn_user
from nengo_layers_plus.neurons import changed


def read_scales(scale_firing_rates: Any, layers: Named[NeuronType | None]) -> dict[str, float]:
    """
    Return the scale of each layer of neurons that has one, by its name.

    Parameters
    ----------
    scale_firing_rates : None, number or Mapping
        As given to `from_keras`.
    layers : Named
        The neurons that stand for each layer of the model, if any.

    Raises
    ------
    ConversionError
        If a number is not above 0, or a layer has no neurons.
    """
    if scale_firing_rates is None:
        return {}
    neurons = [name for name, neuron_type in layers.items() if neuron_type is not None]
    if not isinstance(scale_firing_rates, Mapping):
        return dict.fromkeys(neurons, _positive(scale_firing_rates))
    scales: dict[str, float] = {}
    for key, value in scale_firing_rates.items():
        name = layers.only_name_of(key, "scale_firing_rates")
        if name not in neurons:
            shown = key.name if isinstance(key, tf.keras.layers.Layer) else key
            known = ", ".join(map(layers.describe, neurons)) or "no layer"
            raise ConversionError(
                f"scale_firing_rates: {shown!r} is no layer of the model with neurons; those with "
                f"neurons are: {known}"
            )
        if name in scales:
            raise ConversionError(f"scale_firing_rates: layer {name!r} is given twice")
        scales[name] = _positive(value)
    return scales


def scale_amplitude(neuron_type: NeuronType, scale: float, name: LayerName) -> NeuronType:
    """
    Return neurons whose spikes count less, by 1 / scale.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        It is left as it is.
    scale : float
        By how much their input will be larger.
    name : LayerName
        The names of the layer, for the error message.

    Raises
    ------
    ConversionError
        If they have no amplitude.
    """
    if not hasattr(neuron_type, "amplitude"):
        raise ConversionError(
            f"scale_firing_rates: {neuron_type!r} has no amplitude, so that its output would be "
            "scaled as well; give a dict with the layers to scale, without this one",
            name,
        )
    scaled: NeuronType = changed(neuron_type, amplitude=neuron_type.amplitude / scale)
    return scaled


def warn_of_skew(neuron_types: Mapping[str, tuple[NeuronType, float]]) -> None:
    """
    Warn once of neurons whose output is not proportional to their input.

    Parameters
    ----------
    neuron_types : Mapping
        Neuron type and scale of each layer, by name.
    """
    skewed = [name for name, each in neuron_types.items() if each[1] != 1 and _skews(*each)]
    if skewed:
        types = sorted({type(neuron_types[name][0]).__name__ for name in skewed})
        warn_user(
            f"from_keras, scale_firing_rates: the rates of {' and '.join(types)} are not "
            f"proportional to their input, so that scaling skews the output of "
            f"{', '.join(skewed)}; train the network again, or use SpikingRectifiedLinear"
        )


def _skews(neuron_type: NeuronType, scale: float) -> bool:
    currents = np.linspace(-3, 3, 61)[:, None]
    one, none = np.ones(1), np.zeros(1)
    rates = neuron_type.rates(currents, one, none)
    return not np.allclose(neuron_type.rates(currents, one * scale, none), rates * scale)


def _positive(value: Any) -> float:
    if not is_finite(value) or value <= 0:
        raise ConversionError(f"scale_firing_rates: expected a number above 0, got {value!r}")
    return float(value)


class NeuronChoice:
    """
    What the argument ``neuron`` of `from_keras` makes of each activation.

    Parameters
    ----------
    neuron : nengo.neurons.NeuronType or Mapping
        As given to `from_keras`.

    Raises
    ------
    ConversionError
        If it is neither, or if a key or value of the mapping means nothing.
    """

    def __init__(self, neuron: NeuronType | Mapping[Any, Any]) -> None:
        _check_kind(neuron)
        self._is_mapping = isinstance(neuron, Mapping)
        given = neuron if isinstance(neuron, Mapping) else {"relu": neuron}
        self.mapping: dict[Any, Any] = {}
        self.written: dict[Any, Any] = {}
        for key, value in given.items():
            found = find_key(key)
            if found is None:
                raise ConversionError(
                    f"neuron: {key!r} names no activation; expected a function, a class of Keras "
                    f"layers or one of {', '.join(NAMES)}"
                )
            if found == "linear":
                raise ConversionError("neuron: no neurons can stand for 'linear', which is nothing")
            if found in self.mapping:
                raise ConversionError(f"neuron: {self.written[found]!r} and {key!r} are the same")
            _check_value(key, value)
            self.mapping[found] = value
            self.written[found] = key
        self.mapping.setdefault("relu", nengo.RectifiedLinear())
        self.used: set[Any] = set()
        relu = self.mapping["relu"]
        types = [each for each in self.mapping.values() if isinstance(each, NeuronType)]
        self.spiking = (
            relu.spiking if isinstance(relu, NeuronType) else any(each.spiking for each in types)
        )

    def keeps(self, key: Any) -> bool:
        """Say whether the user asked for a class of layers, or a function, to stay as it is."""
        self.used.add(key)
        return key in self.mapping and self.mapping[key] is None

    def choose(self, activation: Activation, name: LayerName, is_output: bool) -> Any:
        """
        Choose what stands for an activation.

        Parameters
        ----------
        activation : Activation
            The activation of a layer.
        name : LayerName
            The names of the layer, for error messages.
        is_output : bool
            Whether nothing but outputs of the model follows.

        Returns
        -------
        chosen : nengo.neurons.NeuronType, Activation or None
            Neurons; another activation; None to keep the activation.

        Raises
        ------
        ConversionError
            If nothing stands for it.
        """
        first = activation
        passed: list[Any] = []
        while True:
            key = activation.find(self.mapping)
            if key is None:
                break
            if key in passed:
                raise ConversionError(
                    f"neuron: {first.name} leads to itself, by {' and '.join(map(str, passed))}; "
                    "map it to a neuron type or None",
                    name,
                )
            passed.append(key)
            self.used.add(key)
            value = self.mapping[key]
            if isinstance(value, NeuronType):
                return value
            if value is None:
                return None if activation is first else activation
            activation = of_function(value)
        if activation.name == "linear" or (is_output and activation is first):
            return None if activation is first else activation
        neurons = self._equivalent(activation)
        if neurons is None:
            raise ConversionError(_nothing_stands_for(activation), name)
        if neurons.spiking == self.spiking:
            return neurons
        raise ConversionError(
            f"nengo has no spiking neurons for {activation.name}; write "
            f"neuron={{'relu': ..., {activation.keys[-1]!r}: {neurons!r}}} for neurons that put "
            "out rates, or None in its place to keep the Keras function",
            name,
        )

    def warn_of_unused(self) -> None:
        """Warn of keys of the mapping that no layer of the model has."""
        unused = [written for key, written in self.written.items() if key not in self.used]
        if unused and self._is_mapping:
            warn_user(
                f"from_keras, neuron: no layer of the model has the activation "
                f"{' or '.join(map(_show, unused))}"
            )

    def _equivalent(self, activation: Activation) -> NeuronType | None:
        """Return neurons whose output is that of an activation, if there are some."""
        if activation.slope is not None:
            cls = nengo_dl.SpikingLeakyReLU if self.spiking else nengo_dl.LeakyReLU
            return cls(negative_slope=activation.slope)
        rates = {"sigmoid": nengo.Sigmoid(tau_ref=1), "tanh": nengo.Tanh(tau_ref=1)}
        return rates.get(activation.name)


def _check_kind(neuron: Any) -> None:
    """Raise if the argument is neither neurons nor a mapping; `_check_value` knows classes."""
    is_class = isinstance(neuron, type) and issubclass(neuron, NeuronType)
    if neuron is None or is_class or isinstance(neuron, NeuronType | Mapping):
        return
    means = find_key(neuron) is not None
    raise ConversionError(
        "neuron: expected a nengo neuron type, such as nengo.SpikingRectifiedLinear(), or a "
        f"mapping from activations to neuron types, got {neuron!r}; write "
        f"{{{_show(neuron) if means else repr('relu')}: nengo.SpikingRectifiedLinear()}} to say "
        "which activation neurons stand for"
    )


def _check_value(key: Any, value: Any) -> None:
    if isinstance(value, nengo.Direct):
        raise ConversionError(
            f"neuron: nengo.Direct, given for {_show(key)}, has no neurons; write None to keep "
            "the Keras function"
        )
    if isinstance(value, type) and issubclass(value, NeuronType):
        raise ConversionError(
            f"neuron: expected an instance for {_show(key)}, got the class {value.__name__}; "
            f"write {value.__name__}(...)"
        )
    if value is None or isinstance(value, NeuronType):
        return
    if isinstance(key, type) or isinstance(value, type) or find_key(value) is None:
        raise ConversionError(
            f"neuron: expected a nengo neuron type, another activation or None for {_show(key)}, "
            f"got {value!r}"
        )


def _nothing_stands_for(activation: Activation) -> str:
    key = activation.keys[-1]
    return (
        f"no neurons stand for its activation {activation.name}; write "
        f"from_keras(..., neuron={{{_show(key)}: ...}}) with a nengo neuron type, with another "
        "activation such as 'relu' (then train again), or with None to keep the Keras function"
    )


def _show(key: Any) -> str:
    if isinstance(key, type):
        return f"tf.keras.layers.{key.__name__}" if "keras" in key.__module__ else key.__name__
    return repr(key) if isinstance(key, str) else getattr(key, "__name__", repr(key))
