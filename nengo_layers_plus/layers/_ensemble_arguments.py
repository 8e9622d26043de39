"""Arguments of a layer's Ensemble, from the levels that may give them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
from nengo.neurons import NeuronType

from nengo_layers_plus._declared import array_of, is_nan
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.layers._errors import LayerError, UnknownArgumentError
from nengo_layers_plus.layers._neuron_parameters import names_of_parameters

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer

# two ways to give a neuron its response curve, of which nengo uses one
_CURRENTS = ("gain", "bias")
_RATES = ("max_rates", "intercepts")
_CURVE = (*_CURRENTS, *_RATES)

_OWN = ("n_neurons", "dimensions", "neuron_type")
_NAMES = tuple(
    name for name in inspect.signature(nengo.Ensemble.__init__).parameters if name != "self"
)


def ensemble_arguments(
    layer: CustomLayer,
    levels: Mapping[str, Mapping[str, Any]],
    inherited: Sequence[Mapping[str, Any]],
    shape: Shape,
    neuron_type: NeuronType,
) -> dict[str, Any]:
    """
    Combine what the call, the hook and the blocks around the layer give to the Ensemble.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    levels : Mapping
        Arguments of `nengo.Ensemble` by where they were given, the nearest first; it wins.
    inherited : sequence of Mapping
        Those of the blocks around the layer, which checked them; the nearest first.
    shape : tuple of int
        Shape of the population; an array of this shape is taken neuron by neuron.
    neuron_type : nengo.neurons.NeuronType
        The type of the neurons, for error messages.

    Returns
    -------
    arguments : dict
        Response curves are given in one way only: by gain and bias, or by maximum rates and
        intercepts, whichever the nearest level (call, hook, blocks, configuration) uses.

    Raises
    ------
    LayerError
        If an argument is unknown or the layer's own, if one level gives both kinds of response
        curve, or if there is a gain without a bias or a bias without a gain.
    """
    for attr, level in levels.items():
        check_ensemble_arguments(layer, attr, level, neuron_type)
    n_neurons = size_of(shape)
    nearest_first = [
        (
            attr,
            {
                name: _per_neuron(layer, attr, name, value, shape, n_neurons)
                for name, value in _resolve_defaults(level).items()
            },
        )
        for attr, level in (*levels.items(), *(("ensemble_kwargs", each) for each in inherited))
    ]
    merged = {} if layer.label is None else {"label": layer.label}
    for _, level in reversed(nearest_first):
        merged.update(level)
    _choose_curve(layer, merged, nearest_first)
    return merged


def check_ensemble_arguments(
    layer: CustomLayer,
    attr: str,
    level: Mapping[str, Any],
    neuron_type: NeuronType | None = None,
) -> None:
    """
    Check the names of arguments, and that they give one kind of response curve.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    attr : str
        Where they were given.
    level : Mapping
        The arguments, without the parameters that the type of neurons declares.
    neuron_type : nengo.neurons.NeuronType or None
        The type of the neurons; None for a block, in which there may be several.

    Raises
    ------
    LayerError
        If an argument is unknown or the layer's own, or if both kinds are given.
    """
    _check_names(layer, attr, level, neuron_type)
    _check_one_kind(layer, attr, _resolve_defaults(level))


def closest(name: str, names: tuple[str, ...]) -> str:
    """Return ``"did you mean 'x'? "`` for the nearest of some names, or nothing."""
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def _check_names(
    layer: CustomLayer, attr: str, level: Mapping[str, Any], neuron_type: NeuronType | None
) -> None:
    usable = tuple(each for each in _NAMES if each not in _OWN)
    declared = names_of_parameters(neuron_type)
    inner = type(getattr(neuron_type, "neuron_type", neuron_type))  # that within a Surrogate
    # what nengo's types take themselves, one value for all neurons
    settings: tuple[str, ...] = ()
    if neuron_type is not None and not declared:
        settings = tuple(inspect.signature(inner).parameters)
    for name in level:
        if name in _OWN:
            raise UnknownArgumentError(
                f"{name!r} is the layer's own: the number of neurons follows from the input, the "
                "neuron type is its layer_func",
                attr=attr,
                obj=layer,
            )
        if name in ("ensemble_kwargs", "trainable"):
            raise UnknownArgumentError(
                f"{name!r} is an argument of the layer itself, not of its call: write "
                f"{type(layer).__name__}(..., {name}=...)(input)",
                attr=attr,
                obj=layer,
            )
        if name not in _NAMES:
            near = closest(name, (*usable, *declared, *settings))
            for each in settings:
                near = near.replace(repr(each), f"{inner.__name__}({each}=...)")
            parameters = f", and {', '.join(declared)} of {inner.__name__}" if declared else ""
            raise UnknownArgumentError(
                f"nengo.Ensemble has no argument {name!r}; {near}"
                f"it takes {', '.join(usable)}{parameters}",
                attr=attr,
                obj=layer,
            )


def _resolve_defaults(level: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: nengo.Config.default(nengo.Ensemble, name) if value is nengo.Default else value
        for name, value in level.items()
    }


def _per_neuron(
    layer: CustomLayer, attr: str, name: str, value: Any, shape: Shape, n_neurons: int
) -> Any:
    """Spread a number over the neurons, which nengo refuses, and flatten a shaped array."""
    if is_nan(value):
        raise LayerError(f"{name}: expected a number, got {value!r}", attr=attr, obj=layer)
    if name not in _CURVE or value is None or isinstance(value, nengo.dists.Distribution):
        return value
    array = array_of(value)
    if array is None:
        raise LayerError(
            f"{name}: expected a number, an array with one for each neuron, a distribution or "
            f"None, got {value!r}",
            attr=attr,
            obj=layer,
        )
    if array.ndim == 0:
        return np.full(n_neurons, float(array))
    return array.reshape(-1) if array.ndim != 1 and array.shape == shape else value


def _given(level: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if level.get(name) is not None]


def _check_one_kind(layer: CustomLayer, attr: str, level: Mapping[str, Any]) -> None:
    currents, rates = _given(level, _CURRENTS), _given(level, _RATES)
    if currents and rates:
        raise LayerError(
            f"{' and '.join(currents)} can't be given together with {' and '.join(rates)}: each "
            "fixes the response curves, and nengo would ignore the latter; give gain and bias, or "
            "max_rates and intercepts",
            attr=attr,
            obj=layer,
        )


def _choose_curve(
    layer: CustomLayer,
    merged: dict[str, Any],
    nearest_first: Sequence[tuple[str, Mapping[str, Any]]],
) -> None:
    """Keep in ``merged`` the kind of response curve that the nearest level gives."""
    for attr, level in nearest_first:
        # values that a nearer level has not replaced
        alive = {name: value for name, value in level.items() if merged[name] is value}
        if _given(alive, _CURRENTS):
            for name in _CURRENTS:
                if merged.get(name) is None:
                    merged[name] = nengo.Config.default(nengo.Ensemble, name)
                if merged[name] is None:
                    other = _CURRENTS[1 - _CURRENTS.index(name)]
                    raise LayerError(
                        f"{other} was given without {name}, from which nengo can't find the "
                        f"response curves; give {name} too, or max_rates and intercepts",
                        attr=attr,
                        obj=layer,
                    )
            # nengo would warn of rates that come from the configuration and have no effect
            merged.update({name: getattr(nengo.Ensemble, name).default for name in _RATES})
            return
        if _given(alive, _RATES):
            merged.update(dict.fromkeys(_CURRENTS))
            return
