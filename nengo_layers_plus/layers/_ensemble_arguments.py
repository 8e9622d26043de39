"""Arguments of a layer's Ensemble and parameters of its neurons, from all who may give them."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType

from nengo_layers_plus._declared import array_of, is_nan
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.layers._errors import LayerError, UnknownArgumentError
from nengo_layers_plus.neurons import changed, model_in

# two ways to give a neuron its response curve, of which nengo uses one
_CURRENTS = ("gain", "bias")
_RATES = ("max_rates", "intercepts")

_OWN = ("n_neurons", "dimensions", "neuron_type")
_NAMES = tuple(
    name for name in inspect.signature(nengo.Ensemble.__init__).parameters if name != "self"
)
_USABLE = tuple(name for name in _NAMES if name not in _OWN)


@dataclass(frozen=True)
class Level:
    """
    Arguments that were given in one place.

    Parameters
    ----------
    set_by : str
        Who gave them, for reports.
    attr : str
        Where, for errors.
    values : Mapping
        The arguments by name.
    """

    set_by: str
    attr: str
    values: Mapping[str, Any]


def ensemble_arguments(
    nearest_first: Sequence[Level], shape: Shape, neuron_type: NeuronType
) -> tuple[NeuronType, dict[str, Any], dict[str, str]]:
    """
    Combine what the call, the hook and the blocks around the layer give to the Ensemble.

    Parameters
    ----------
    nearest_first : sequence of Level
        Arguments of `nengo.Ensemble`, and parameters that the type of neurons declares; the
        nearest wins.
    shape : tuple of int
        Shape of the population; an array of this shape is taken neuron by neuron.
    neuron_type : nengo.neurons.NeuronType
        The type of the neurons.

    Returns
    -------
    neuron_type : nengo.neurons.NeuronType
        The type, with the parameters that were given.
    arguments : dict
        Response curves are given in one way only: by gain and bias, or by maximum rates and
        intercepts, whichever the nearest level (call, hook, blocks, configuration) uses.
    set_by : dict
        Who set the arguments and parameters.

    Raises
    ------
    LayerError
        If an argument is unknown or the layer's own, if a value can't be used, if one level gives
        both kinds of response curve, or if there is a gain without a bias or the other way round.
    """
    declared = names_of_parameters(neuron_type)
    for level in nearest_first:
        check_ensemble_arguments(level, neuron_type)
    given: dict[str, tuple[Any, Level]] = {}  # the values that win, and where they were given
    for level in reversed(nearest_first):
        for name, value in level.values.items():
            usable = value if name in declared else _per_neuron(level, name, value, shape)
            given[name] = (usable, level)
    parameters = {name: given[name][0] for name in declared if name in given}
    # not the seed of a block, which its layers share
    seeds = [level.values["seed"] for level in nearest_first[:2] if "seed" in level.values]
    neuron_type = _with_parameters(neuron_type, parameters, shape, seeds)
    arguments = {name: value for name, (value, _) in given.items() if name not in parameters}
    _choose_curve(arguments, {name: level for name, (_, level) in given.items()}, nearest_first)
    # of two ways to give a response curve one is dropped
    dropped = {name for name, value in arguments.items() if value is None}
    if arguments.get("gain") is not None:
        dropped.update(_RATES)
    set_by = {name: level.set_by for name, (_, level) in given.items() if name not in dropped}
    return neuron_type, arguments, set_by


def check_ensemble_arguments(level: Level, neuron_type: NeuronType | None = None) -> None:
    """
    Check the names of arguments, and that they give one kind of response curve.

    Parameters
    ----------
    level : Level
        The arguments.
    neuron_type : nengo.neurons.NeuronType or None
        The type of the neurons; None for a block, in which there may be several.

    Raises
    ------
    LayerError
        If an argument is unknown or the layer's own, or if both kinds are given.
    """
    declared = names_of_parameters(neuron_type)
    for name in level.values:
        if name not in _USABLE and name not in declared:
            raise UnknownArgumentError(_why_unknown(name, neuron_type, declared), level.attr)
    values = {
        name: _resolve_default(name, value)
        for name, value in level.values.items()
        if name not in declared
    }
    currents, rates = _given(values, _CURRENTS), _given(values, _RATES)
    if currents and rates:
        raise LayerError(
            f"{' and '.join(currents)} can't be given together with {' and '.join(rates)}: each "
            "fixes the response curves, and nengo would ignore the latter; give gain and bias, or "
            "max_rates and intercepts",
            attr=level.attr,
        )


def closest(name: str, names: Iterable[str]) -> str:
    """Return ``"did you mean 'x'? "`` for the nearest of some names, or nothing."""
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]!r}? " if near else ""


def names_of_parameters(neuron_type: NeuronType | None) -> tuple[str, ...]:
    """Return the names of the parameters that a type of neurons declares."""
    model = None if neuron_type is None else model_in(neuron_type)
    return () if model is None else tuple(model.parameters)


def _why_unknown(name: str, neuron_type: NeuronType | None, declared: tuple[str, ...]) -> str:
    if name in _OWN:
        return (
            f"{name!r} is the layer's own: the number of neurons follows from the input, the "
            "neuron type is its layer_func"
        )
    inner = type(getattr(neuron_type, "neuron_type", neuron_type))  # that within a Surrogate
    # what nengo's types take themselves, one value for all neurons
    settings = () if neuron_type is None or declared else tuple(inspect.signature(inner).parameters)
    near = closest(name, (*_USABLE, *declared, *settings))
    for setting in settings:
        near = near.replace(repr(setting), f"{inner.__name__}({setting}=...)")
    parameters = f", and {', '.join(declared)} of {inner.__name__}" if declared else ""
    return (
        f"nengo.Ensemble has no argument {name!r}; {near}it takes {', '.join(_USABLE)}{parameters}"
    )


def _with_parameters(
    neuron_type: NeuronType, values: dict[str, Any], shape: Shape, seeds: Sequence[Any]
) -> NeuronType:
    """Return a type of neurons with values for its parameters, drawn where they are random."""
    if not values:
        return neuron_type
    rng = _generator(seeds[0] if seeds else None)
    for name, value in values.items():
        if isinstance(value, nengo.dists.Distribution):
            values[name] = value = value.sample(size_of(shape), rng=rng)
        array = array_of(value)
        if array is not None and array.ndim and array.shape not in (shape, (size_of(shape),)):
            raise LayerError(
                f"{name}: expected a number, or an array of shape {shape} with one for each "
                f"neuron, got one of shape {array.shape}",
                attr="ensemble_kwargs",
            )
    try:
        return changed(neuron_type, **values)
    except ValidationError as error:
        raise LayerError(str(error), attr="ensemble_kwargs") from error


def _generator(seed: Any) -> np.random.RandomState:
    """Return a random generator, the same one whenever a network with a seed is made."""
    if isinstance(seed, int | np.integer):
        return np.random.RandomState(seed)
    networks = nengo.Network.context
    seeds = [network.seed for network in networks if network.seed is not None]
    if not seeds:
        return np.random.RandomState()
    return np.random.RandomState([seeds[-1], len(networks[0].all_ensembles)])


def _resolve_default(name: str, value: Any) -> Any:
    return nengo.Config.default(nengo.Ensemble, name) if value is nengo.Default else value


def _per_neuron(level: Level, name: str, value: Any, shape: Shape) -> Any:
    """Spread a number over the neurons, which nengo refuses, and flatten a shaped array."""
    value = _resolve_default(name, value)
    if is_nan(value):
        raise LayerError(f"{name}: expected a number, got {value!r}", attr=level.attr)
    is_curve = name in _CURRENTS or name in _RATES
    if not is_curve or value is None or isinstance(value, nengo.dists.Distribution):
        return value
    array = array_of(value)
    if array is None:
        raise LayerError(
            f"{name}: expected a number, an array with one for each neuron, a distribution or "
            f"None, got {value!r}",
            attr=level.attr,
        )
    if array.ndim == 0:
        return np.full(size_of(shape), float(array))
    return array.reshape(-1) if array.ndim != 1 and array.shape == shape else value


def _given(values: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if values.get(name) is not None]


def _choose_curve(
    arguments: dict[str, Any], winners: Mapping[str, Level], nearest_first: Sequence[Level]
) -> None:
    """Keep in ``arguments`` the kind of response curve that the nearest level gives."""
    for level in nearest_first:
        values = {name: arguments.get(name) for name in level.values if winners[name] is level}
        if _given(values, _CURRENTS):
            for name, partner in (_CURRENTS, _CURRENTS[::-1]):
                if arguments.get(name) is None:
                    arguments[name] = nengo.Config.default(nengo.Ensemble, name)
                if arguments[name] is None:
                    raise LayerError(
                        f"{partner} was given without {name}, from which nengo can't find the "
                        f"response curves; give {name} too, or max_rates and intercepts",
                        attr=level.attr,
                    )
            # nengo would warn of rates that come from the configuration and have no effect
            arguments.update({name: getattr(nengo.Ensemble, name).default for name in _RATES})
            return
        if _given(values, _RATES):
            arguments.update(dict.fromkeys(_CURRENTS))
            return
