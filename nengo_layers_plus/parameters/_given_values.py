"""What a network says itself of its parameters, against what was saved."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.dists import Choice, Distribution, Uniform
from nengo.transforms import SparseMatrix

from nengo_layers_plus.graph import range_of
from nengo_layers_plus.layers._layer_call import origin_of
from nengo_layers_plus.neurons import model_in
from nengo_layers_plus.parameters._parameter_file import ParameterFile, digest_of
from nengo_layers_plus.parameters._simulator_parameters import SavedParameter, SimulatorParameters

# how far numbers of single precision that were computed in other ways may be apart
_TOLERANCE = 1e-4


class ScaledResponses:
    """
    Compares amplitudes, which a network says itself, with those beside the saved gains.

    Neurons that fire ``s`` times as fast, and of which each spike counts ``1 / s`` as much, are
    the same neurons for the layers behind them (exactly so if their rate is linear). Their gains
    and biases are ``s`` times those that were saved, and so are their encoders, which are kept as
    nengo has them, times the gains. With another amplitude and no such gains they are other
    neurons.

    Parameters
    ----------
    parameters : SimulatorParameters
        Those of the network.
    arrays : Mapping
        What was saved.
    amplitudes : Mapping
        Those of the neurons where it was saved, by the names of their gains.

    Attributes
    ----------
    scales : dict
        By how much to scale what was saved, by name.
    other_amplitude : dict
        By name, the amplitude that was saved and that of the network, of gains and biases that
        can't be loaded.
    """

    def __init__(
        self,
        parameters: SimulatorParameters,
        arrays: Mapping[str, np.ndarray],
        amplitudes: Mapping[str, float],
    ) -> None:
        self._arrays = arrays
        self.scales: dict[str, float] = {}
        self.other_amplitude: dict[str, tuple[float, float]] = {}
        own_amplitudes = parameters.amplitudes
        changed = {
            name: (saved, own_amplitudes[name])
            for name, saved in amplitudes.items()
            if name in arrays and own_amplitudes.get(name, saved) != saved
        }
        gains = parameters.read_some(changed)
        for name, (saved, own) in changed.items():
            stem = name.removesuffix("gain")
            names = [n for n in (name, f"{stem}bias", f"{stem}encoders") if n in arrays]
            scale = saved / own if own else np.nan
            scaled = arrays[name] * scale
            if gains[name].shape == scaled.shape and np.allclose(gains[name], scaled, rtol=1e-4):
                self.scales.update(dict.fromkeys(names, scale))
            else:
                self.other_amplitude.update(dict.fromkeys(names, (saved, own)))

    def scaled(self, name: str) -> np.ndarray:
        """Return what was saved, scaled for the neurons here."""
        array = self._arrays[name]
        return array * self.scales[name] if name in self.scales else array


@dataclass(frozen=True, eq=False)
class GivenValue:
    """
    A value that a network gives: numbers, or a distribution that has but one.

    Parameters
    ----------
    name : str
        The name of the object and of what it was given for.
    obj : NengoObject
        The object.
    attribute : str
        What it was given for: an attribute of the object, or a parameter of its neurons or synapse.
    value : array
        The value.
    kinds : tuple of str
        The kinds of the object's parameters that follow from it.
    first_of : str or None
        The parameter that it is but the first value of, where that trains.
    """

    name: str
    obj: Any
    attribute: str
    value: np.ndarray
    kinds: tuple[str, ...]
    first_of: str | None

    @property
    def statement(self) -> str:
        """The number itself, or a digest of an array, as files hold it."""
        array = np.asarray(self.value, np.float64)
        same = array.size and np.all(array == array.flat[0])
        return repr(float(array.flat[0])) if same else f"sha256:{digest_of(array)}"

    def follows_from(self, other: GivenValue) -> bool:
        """Say whether it is a gain that was found from max_rates and intercepts."""
        return self.attribute == "gain" and other.obj is self.obj and self.obj.gain is None

    @property
    def in_words(self) -> str:
        """The value, and what gave it."""
        origin = origin_of(self.obj)
        set_by = None if origin is None else origin.set_by.get(self.attribute)
        if self.attribute == "neuron_type":
            set_by = "the type of neurons"
        elif self.attribute == "gain" and self.obj.gain is None:
            set_by = "found from max_rates and intercepts"
        return f"{range_of(self.value)}, {set_by or 'given to the object'}"


class GivenValues:
    """
    The values that a network gives its parameters itself.

    Parameters
    ----------
    parameters : SimulatorParameters
        Those of the network.
    """

    def __init__(self, parameters: SimulatorParameters) -> None:
        self._parameters = parameters
        self._by_object: dict[tuple[int, str], list[SavedParameter]] = {}
        for parameter in parameters:
            self._by_object.setdefault((id(parameter.obj), parameter.kind), []).append(parameter)
        self._all = [given for parameter in parameters for given in self._given(parameter)]

    @property
    def statements(self) -> dict[str, str]:
        """What files hold of the values, by name."""
        return {given.name: given.statement for given in self._all}

    def contradictions(
        self, arrays: Mapping[str, np.ndarray], contents: ParameterFile
    ) -> dict[GivenValue, str]:
        """
        Return the values that saved ones contradict, with what was saved in words.

        What trains, here or where it was saved, was given but to begin with. A network that gives
        what the saved one gave may have other values, which were loaded there.

        Parameters
        ----------
        arrays : Mapping
            What was saved, by name, of the right shapes.
        contents : ParameterFile
            What was noted beside it.
        """
        contradicted: dict[GivenValue, str] = {}
        learned = {parameter.name for parameter in self._parameters if parameter.trains}
        learned.update(contents.trained)
        for given in self._all:
            may_have_trained = not contents.notes_given and given.first_of is not None
            statement = contents.given.get(given.name, "")
            if given.first_of in learned or may_have_trained or statement == given.statement:
                continue
            if any(given.follows_from(cause) for cause in contradicted):
                continue
            saved = self._saved(given, arrays)
            if saved is None:
                if statement:
                    contradicted[given] = _shown(statement)
            elif not _close(saved, given.value):
                contradicted[given] = range_of(saved)
        return contradicted

    def kept(self, given: GivenValue) -> tuple[str, ...]:
        """Return the names of the parameters that follow from a value."""
        return tuple(
            parameter.name
            for kind in given.kinds
            for parameter in self._of(given.obj, kind)
            if kind not in _SEVERAL or parameter.name == given.name
        )

    def _of(self, obj: Any, kind: str) -> list[SavedParameter]:
        return self._by_object.get((id(obj), kind), [])

    def _given(self, parameter: SavedParameter) -> Iterator[GivenValue]:
        obj, name, kinds = parameter.obj, parameter.name, (parameter.kind,)
        if parameter.kind == "gain":
            yield from self._given_of_ensemble(obj, name.rpartition(".")[0])
        elif parameter.kind in _SEVERAL:
            attribute = name.rpartition(".")[2]
            if parameter.kind == "neuron parameter":
                model = model_in(obj.neuron_type)
                assert model is not None  # it has declared the parameter
                own, default = getattr(model, attribute), model.parameters[attribute].default
                if _given(own) is None or (np.ndim(own) == 0 and own == default):
                    return
                attribute = "neuron_type"
            else:
                attribute = "synapse"
            value = parameter.source.reparametrisation.initial
            yield GivenValue(name, obj, attribute, value, kinds, name)
        elif parameter.kind == "connection weights":
            transform = _transform(obj.transform)
            if transform is not None:
                yield GivenValue(name, obj, "transform", transform, kinds, name)

    def _given_of_ensemble(self, ensemble: nengo.Ensemble, stem: str) -> Iterator[GivenValue]:
        def given(name: str, value: Any, kinds: tuple[str, ...], first_of: str | None) -> Any:
            held = [] if first_of is None else self._of(ensemble, first_of)
            name_of_first = held[0].name if held else None
            return GivenValue(f"{stem}.{name}", ensemble, name, value, kinds, name_of_first)

        response = ("gain", "bias", "encoders")
        curve = {
            name: _numbers(getattr(ensemble, name), ensemble.n_neurons)
            for name in ("gain", "bias", "max_rates", "intercepts")
        }
        if curve["gain"] is not None and curve["bias"] is not None:
            yield given("gain", curve["gain"], response, None)
            yield given("bias", curve["bias"], ("bias",), "bias")
        else:
            rates = [name for name in ("max_rates", "intercepts") if curve[name] is not None]
            # the same gain means others with another bias
            yield from (given(name, curve[name], response, "bias") for name in rates)
            if len(rates) == 2:
                gain_bias = ensemble.neuron_type.gain_bias
                computed = _quietly(gain_bias, *(curve[name] for name in rates))
                if computed is not None:
                    yield given("gain", np.asarray(computed[0]), response, None)
        if not self._parameters.is_decoded_into(ensemble):
            return  # its encoders multiply zeros
        encoders = _given(ensemble.encoders)
        if encoders is not None:
            shape = (ensemble.n_neurons, ensemble.dimensions)
            encoders = np.array(np.broadcast_to(encoders, shape))
            if ensemble.normalize_encoders:
                with np.errstate(all="ignore"):
                    encoders /= np.linalg.norm(encoders, axis=1, keepdims=True)
            yield given("encoders", encoders, ("encoders",), "encoders")
        yield given("radius", np.asarray(ensemble.radius), ("encoders",), None)

    def _saved(self, given: GivenValue, arrays: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """Return what was saved for what was given; None if that can't be told."""
        if isinstance(given.obj, nengo.Connection) and given.attribute == "transform":
            # weights of decoded connections are made of more than the transform
            return None if isinstance(given.obj.pre_obj, nengo.Ensemble) else arrays.get(given.name)
        if given.attribute in ("gain", "bias", "neuron_type", "synapse"):
            return arrays.get(given.name)
        saved = {
            kind: arrays[parameter.name]
            for kind in ("gain", "bias", "encoders")
            for parameter in self._of(given.obj, kind)
            if parameter.name in arrays
        }
        if given.attribute == "radius" or len(saved) < 3:
            return None
        if given.attribute == "encoders":
            with np.errstate(all="ignore"):
                scale = given.obj.radius / np.asarray(saved["gain"], np.float64)
                return np.asarray(saved["encoders"] * scale[:, np.newaxis])
        curve = _quietly(given.obj.neuron_type.max_rates_intercepts, saved["gain"], saved["bias"])
        return None if curve is None else np.asarray(curve[given.attribute == "intercepts"])


# kinds of which an object may have several parameters, named as what is given for them
_SEVERAL = ("neuron parameter", "synapse parameter")


def _given(value: Any) -> np.ndarray | None:
    """Return numbers; None for what is drawn from several, and for what was not given."""
    if isinstance(value, Choice) and len(value.options) == 1:
        value = value.options[0]
    elif isinstance(value, Uniform) and value.low == value.high:
        value = value.low
    if value is None or isinstance(value, Distribution):
        return None
    return np.asarray(value, np.float64)


def _numbers(value: Any, n_neurons: int) -> np.ndarray | None:
    """Return an array for neurons; None for what is drawn or was not given."""
    numbers = _given(value)
    return None if numbers is None else np.broadcast_to(numbers, (n_neurons,))


def _transform(transform: Any) -> np.ndarray | None:
    """Return the numbers that a transform was given; None for those that are drawn."""
    init: Any = getattr(transform, "init", None)
    if isinstance(init, SparseMatrix):
        init = init.data  # which may be drawn
    elif hasattr(init, "tocoo"):
        init = init.tocoo().data
    return _given(init)


def _shown(statement: str) -> str:
    try:
        return range_of(np.array(float(statement)))
    except ValueError:
        return "another array"


def _quietly(function: Any, *arguments: Any) -> Any:
    """Call a method of a type of neurons; None if it has no answer for what was saved."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return function(*(np.asarray(argument, np.float64) for argument in arguments))
        except Exception:  # a type of a user may fail in any way
            return None


def _close(saved: np.ndarray, given: np.ndarray) -> bool:
    try:
        given = np.broadcast_to(given, saved.shape)
    except ValueError:
        return True  # another shape is listed as such
    scale = np.max(np.abs(given), initial=0, where=np.isfinite(given))
    return np.allclose(saved, given, _TOLERANCE, _TOLERANCE * scale, equal_nan=True)
