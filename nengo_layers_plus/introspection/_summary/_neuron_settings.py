"""Settings of an Ensemble: as given, as built, and what set them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.neurons import Direct

from nengo_layers_plus.graph import NetworkGraph, in_words, network_in_words
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._summary._summary_row import SummarySetting
from nengo_layers_plus.layers._layer_call import origin_of
from nengo_layers_plus.parameters._simulator_parameters import was_loaded

_UNITS = {"max_rates": "Hz", "refractory_time": "s"}
_CURRENTS = ("gain", "bias")
_RATES = ("max_rates", "intercepts")
_FROM_RATES = "found from max_rates and intercepts"
_FROM_CURRENTS = "found from gain and bias"
_FROM_LOADED = "found from gain and bias that were loaded"


def neuron_settings(
    graph: NetworkGraph, ensemble: nengo.Ensemble, bias: np.ndarray | None
) -> Iterator[SummarySetting]:
    """
    Yield the settings of an Ensemble.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    ensemble : nengo.Ensemble
        The Ensemble.
    bias : array or None
        The biases that it has now, if they are other ones than were built.
    """
    built = graph.model.params[ensemble]
    neuron_type = ensemble.neuron_type
    if not isinstance(neuron_type, Direct):
        yield from _response_curve(graph, ensemble, bias)
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
    initial = neuron_type.initial_state or {}
    for name, default in neuron_type.state.items():
        signal = graph.model.sig[ensemble.neurons].get(name)
        yield SummarySetting(
            name,
            initial.get(name, default),
            None if signal is None else np.asarray(signal.initial_value),
            "the type of neurons" if name in initial else "the default of the type of neurons",
            _UNITS.get(name, ""),
            initial_state=True,
        )


def _response_curve(
    graph: NetworkGraph, ensemble: nengo.Ensemble, bias: np.ndarray | None
) -> Iterator[SummarySetting]:
    built = graph.model.params[ensemble]
    curve = {name: getattr(built, name) for name in (*_CURRENTS, *_RATES)}
    is_trained = bias is not None and not np.array_equal(bias, built.bias)
    if is_trained:
        curve["bias"] = bias
        with np.errstate(all="ignore"):
            rates = ensemble.neuron_type.max_rates_intercepts(built.gain, bias)
        curve |= dict(zip(_RATES, rates, strict=True))
    from_currents = ensemble.gain is not None and ensemble.bias is not None
    loaded = [name for name in curve if was_loaded(graph.simulator, ensemble, name)]
    for name, values in curve.items():
        if (name in _RATES) == from_currents:
            given, set_by = None, _FROM_CURRENTS if from_currents else _FROM_RATES
        else:
            given, set_by = getattr(ensemble, name), set_by_of(graph, ensemble, name)
        if name in loaded or (loaded and name in _RATES):
            by = "loaded" if name in loaded else _FROM_LOADED
            given, set_by = _replaced(given, getattr(built, name), set_by, by)
        if is_trained and name != "gain":
            set_by = f"trained; at first {set_by}"
        yield SummarySetting(name, given, values, set_by, _UNITS.get(name, ""))


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
    if isinstance(value, nengo.transforms.NoTransform):
        value = None  # nengo makes the one of the other
    cls = nengo.Ensemble if isinstance(obj, nengo.Ensemble) else nengo.Connection
    default = graph.default(cls, name, graph.path(obj)[-1])
    if same(value, default.value):
        if default.network is None:
            return "nengo's default"
        return f"the configuration of <{network_in_words(default.network)}>"
    return "given to the object"


def _replaced(given: Any, value: np.ndarray, set_by: str, by: str) -> tuple[Any, str]:
    """Return what was given and what set it for a value that was loaded."""
    if given is None:
        return None, by
    is_array = isinstance(given, np.ndarray)
    if is_array and np.allclose(np.broadcast_to(given, value.shape), value, rtol=1e-4):
        return given, set_by
    return None, f"{by}, in place of {in_words(given)}, {set_by}"
