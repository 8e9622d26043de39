"""Settings of an Ensemble: as given, as built, and what set them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.neurons import Direct

from nengo_layers_plus.graph import NetworkGraph, in_words, network_in_words, number
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._summary._summary_setting import SummarySetting
from nengo_layers_plus.layers._layer_call import origin_of
from nengo_layers_plus.parameters._simulator_parameters import was_loaded

_UNITS = {"max_rates": "Hz", "refractory_time": "s"}
_CURVE = ("gain", "bias", "max_rates", "intercepts")
_FROM_RATES = "found from max_rates and intercepts"
_FROM_CURRENTS = "found from gain and bias"
_FROM_LOADED = "found from gain and bias that were loaded"


def neuron_settings(
    graph: NetworkGraph, ensemble: nengo.Ensemble, bias: np.ndarray | None
) -> tuple[SummarySetting, ...]:
    """
    Return the settings of an Ensemble.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    ensemble : nengo.Ensemble
        The Ensemble.
    bias : array or None
        The biases that it has now, if they are other ones than were built.
    """
    return tuple(_settings(graph, ensemble, bias))


def set_by_of(graph: NetworkGraph, obj: Any, name: str) -> str:
    """
    Say what set an attribute of an Ensemble or connection.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    obj : nengo.Ensemble or nengo.Connection
        The object.
    name : str
        The attribute.
    """
    origin = origin_of(obj)
    if origin is not None and name in origin.set_by:
        return origin.set_by[name]
    value = getattr(obj, name)
    cls = nengo.Ensemble if isinstance(obj, nengo.Ensemble) else nengo.Connection
    default = graph.default(cls, name, graph.path(obj)[-1])
    if value is default.value or _equal(value, default.value):
        if default.network is None:
            return "nengo's default"
        return f"the configuration of <{network_in_words(default.network)}>"
    return "given to the object"


def _settings(
    graph: NetworkGraph, ensemble: nengo.Ensemble, bias: np.ndarray | None
) -> Iterator[SummarySetting]:
    built = graph.model.params[ensemble]
    neuron_type = ensemble.neuron_type
    direct = isinstance(neuron_type, Direct)
    if not direct:
        curve = {name: getattr(built, name) for name in _CURVE}
        trained = bias is not None and not np.array_equal(bias, built.bias)
        if trained:
            curve["bias"] = bias
            with np.errstate(all="ignore"):
                found = neuron_type.max_rates_intercepts(built.gain, bias)
            curve["max_rates"], curve["intercepts"] = found
        from_currents = ensemble.gain is not None and ensemble.bias is not None
        loaded = {each for each in _CURVE if was_loaded(graph.simulator, ensemble, each)}
        for name in _CURVE:
            derived = (name in ("max_rates", "intercepts")) == from_currents
            given = None if derived else getattr(ensemble, name)
            if derived:
                set_by = _FROM_CURRENTS if from_currents else _FROM_RATES
            else:
                set_by = set_by_of(graph, ensemble, name)
            if name in loaded or (loaded and name in ("max_rates", "intercepts")):
                by = "loaded" if name in loaded else _FROM_LOADED
                given, set_by = _replaced(given, getattr(built, name), set_by, by)
            if trained and name != "gain":
                set_by = f"trained; at first {set_by}"
            yield SummarySetting(name, given, curve[name], set_by, _UNITS.get(name, ""))
    given, set_by = ensemble.encoders, set_by_of(graph, ensemble, "encoders")
    if was_loaded(graph.simulator, ensemble, "encoders"):
        given, set_by = _replaced(given, built.encoders, set_by, "loaded")
    yield SummarySetting("encoders", given, built.encoders, set_by)
    for name in ("radius", "noise"):
        value = getattr(ensemble, name)
        set_by = set_by_of(graph, ensemble, name)
        if set_by != "nengo's default":
            numbers = np.asarray(value) if name == "radius" else None
            yield SummarySetting(name, value, numbers, set_by)
    given = neuron_type.initial_state or {}
    for name, default in neuron_type.state.items():
        signal = graph.model.sig[ensemble.neurons].get(name)
        yield SummarySetting(
            name,
            given.get(name, default),
            None if signal is None else np.asarray(signal.initial_value),
            "the type of neurons" if name in given else "the default of the type of neurons",
            _UNITS.get(name, ""),
            initial_state=True,
        )


def _replaced(given: Any, value: np.ndarray, set_by: str, by: str) -> tuple[Any, str]:
    """Return what was given and what set it for a value that was loaded."""
    if given is None:
        return None, by
    is_array = isinstance(given, np.ndarray)
    if is_array and np.allclose(np.broadcast_to(given, value.shape), value, rtol=1e-4):
        return given, set_by
    return None, f"{by}, in place of {in_words(given)}, {set_by}"


def parameters_in_words(arguments: dict[str, Any]) -> str:
    """Write the arguments of a type of neurons."""
    times = ("tau_", "delay")

    def write(name: str, value: Any) -> str:
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            return f"{name}={number(value)}{' s' if name.startswith(times) else ''}"
        return f"{name}={value!r}" if np.ndim(value) == 0 else f"{name}=array {np.shape(value)}"

    return ", ".join(write(name, value) for name, value in arguments.items())


def _equal(value: Any, other: Any) -> bool:
    if isinstance(value, nengo.transforms.NoTransform):
        return other is None  # nengo makes the one of the other
    return same(value, other)
