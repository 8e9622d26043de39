"""Scaling of firing rates that leaves the output of neurons as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.neurons import NeuronType

from nengo_layers_plus._declared import is_finite
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._conversion_error import ConversionError
from nengo_layers_plus.conversion._layer_names import LayerName
from nengo_layers_plus.conversion._named import Named
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
