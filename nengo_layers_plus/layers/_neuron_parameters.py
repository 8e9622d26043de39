"""Parameters of a layer's type of neurons: their values, and which of them train."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_layers_plus._declared import array_of
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._warnings import warn_user
from nengo_layers_plus.neurons import (
    StoppedGradientWarning,
    changed,
    model_in,
    why_in_python,
)

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer

PART = "neuron_parameters"


def names_of_parameters(neuron_type: NeuronType | None) -> tuple[str, ...]:
    """Return the names of the parameters that a type of neurons declares."""
    model = None if neuron_type is None else model_in(neuron_type)
    return () if model is None else tuple(model.parameters)


def take_values(
    layer: CustomLayer,
    neuron_type: Any,
    levels: Mapping[str, Mapping[str, Any]],
    shape: Shape,
) -> tuple[Any, dict[str, dict[str, Any]]]:
    """
    Take the parameters of a type of neurons out of the arguments of its Ensemble.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    neuron_type : nengo.neurons.NeuronType
        Its type of neurons.
    levels : Mapping
        Arguments by where they were given, the nearest first; it wins.
    shape : tuple of int
        Shape of the population; an array of this shape is taken neuron by neuron.

    Returns
    -------
    neuron_type : nengo.neurons.NeuronType
        The type, with these values.
    levels : dict
        The other arguments.

    Raises
    ------
    LayerError
        If a value can't be used.
    """
    names = names_of_parameters(neuron_type)
    values: dict[str, Any] = {}
    for level in reversed(list(levels.values())):
        values.update({name: level[name] for name in names if name in level})
    rest = {
        attr: {name: value for name, value in level.items() if name not in names}
        for attr, level in levels.items()
    }
    if not values:
        return neuron_type, rest
    rng = _generator(next((each["seed"] for each in levels.values() if "seed" in each), None))
    for name in names:  # in one order, whatever that of the arguments is
        value = values.get(name)
        if isinstance(value, nengo.dists.Distribution):
            values[name] = value.sample(int(np.prod(shape)), rng=rng)
    for name, value in values.items():
        array = array_of(value)
        if array is not None and array.ndim and array.shape not in (shape, (size_of(shape),)):
            raise LayerError(
                f"{name}: expected a number, or an array of shape {shape} with one for each "
                f"neuron, got one of shape {array.shape}",
                attr="ensemble_kwargs",
                obj=layer,
            )
    try:
        return changed(neuron_type, **values), rest
    except ValidationError as error:
        raise LayerError(str(error), attr="ensemble_kwargs", obj=layer) from error


def _generator(seed: Any) -> np.random.RandomState:
    """Return what values are drawn by, the same ones whenever a network with a seed is made."""
    if isinstance(seed, int | np.integer):
        return np.random.RandomState(seed)
    networks = nengo.Network.context
    seeds = [network.seed for network in networks if network.seed is not None]
    if not seeds:
        return np.random.RandomState()
    return np.random.RandomState([seeds[-1], len(networks[0].all_ensembles)])


def set_trained(layer: CustomLayer, neuron_type: Any, trains: bool | tuple[str, ...] | None) -> Any:
    """
    Return a type of neurons of which some parameters train.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    neuron_type : nengo.neurons.NeuronType
        Its type of neurons.
    trains : bool, tuple of str or None
        What `Trainable.neuron_parameters` says.

    Raises
    ------
    LayerError
        If it has no parameter of a name.
    """
    if trains is None or model_in(neuron_type) is None:
        return neuron_type
    try:
        return changed(neuron_type, trainable=trains)
    except ValidationError as error:
        raise LayerError(str(error), attr="trainable", obj=layer) from error


def warn_of_stopped_gradients(layer: CustomLayer, ensemble: nengo.Ensemble) -> None:
    """Warn of a type of neurons that no gradient passes."""
    reason = why_in_python(ensemble.neuron_type)
    if reason is not None:
        warn_user(
            f"{layer}: {reason}, so that it runs in Python, step by step, and stops gradients: "
            "nothing before it can be trained through it. What to do: write it as a "
            "nengo_layers_plus.NeuronModel, or filter this StoppedGradientWarning if you want that",
            StoppedGradientWarning,
        )
