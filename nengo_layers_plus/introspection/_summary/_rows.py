"""Reads the rows of a summary from the graph of a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.builder import Signal
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess
from nengo.ensemble import Neurons
from nengo.neurons import Direct
from nengo.transforms import NoTransform

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import (
    GraphEdge,
    GraphObject,
    NetworkGraph,
    Parameter,
    in_words,
    network_in_words,
)
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.introspection._comparison._facts import ROWS
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._summary_row import (
    SummaryInput,
    SummaryRow,
    SummarySetting,
)
from nengo_layers_plus.introspection._summary._words import transform_in_words, what_of
from nengo_layers_plus.layers._layer_call import origin_of
from nengo_layers_plus.parameters._simulator_parameters import SignalArrays, was_loaded
from nengo_layers_plus.synapses._build import SimTrainableFilter

_CURRENTS = ("gain", "bias")
_RATES = ("max_rates", "intercepts")
_DRAWN = (*_CURRENTS, *_RATES, "encoders")
"""Settings of which nengo draws, or solves for, a value for each neuron."""
_OTHER_SETTINGS = tuple(
    row.name
    for row in ROWS["ensemble"]
    if row.group == "neurons" and hasattr(nengo.Ensemble, row.name) and row.name not in _DRAWN
)
_UNITS = {"max_rates": "Hz", "refractory_time": "s"}


class Rows:
    """
    Makes the rows of a summary, one for each ensemble, TensorNode and node.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    activities : Mapping
        The activity of neurons, by their ensemble.

    Attributes
    ----------
    rows : tuple of SummaryRow
        The rows, in the order data flows.
    """

    def __init__(self, graph: NetworkGraph, activities: Mapping[nengo.Ensemble, Activity]) -> None:
        self._graph = graph
        self._activities = activities
        self._probed = {
            edge.target.obj: edge.source for edge in graph.edges if edge.connection is None
        }
        self._arrays = None if graph.simulator is None else SignalArrays(graph.simulator)
        self._parameters: dict[GraphObject | None, list[Parameter]] = {}
        for parameter in graph.parameters:
            self._parameters.setdefault(self._item_of(parameter.obj), []).append(parameter)
        self._state_bytes = self._measure_states()
        first_use = first_uses(graph.objects)
        self.rows = tuple(
            self._row(item, first_use[item]) for item in graph.objects if item.kind != "probe"
        )

    def _item_of(self, obj: Any) -> GraphObject | None:
        """
        Return the object whose row something belongs to; None if it is no part of the network.

        A connection belongs to its target, and a probe to the object that it reads.
        """
        end = obj.post_obj if isinstance(obj, nengo.Connection) else obj
        try:
            return self._probed[end] if isinstance(end, nengo.Probe) else self._graph[end]
        except KeyError:
            return None

    def _row(self, item: GraphObject, first_use: GraphObject) -> SummaryRow:
        graph, obj = self._graph, item.obj
        edges = graph.predecessors(item)
        parameters = tuple(self._parameters.get(item, ()))
        # those that nengo_dl keeps no array for: unused ones, and those that it builds in
        left_out = [
            parameter
            for parameter in parameters
            if not parameter.kind.startswith("Keras")
            and parameter.source not in graph.tensor_graph.signals
        ]
        reads_encoders = any(
            edge.connection is not None and edge.connection.post_obj is obj for edge in edges
        )
        unused = tuple(
            parameter
            for parameter in left_out
            if (
                # without a value to encode they multiply zeros
                not reads_encoders if parameter.kind == "encoders" else parameter.source.trainable
            )
        )
        origin = origin_of(obj)
        seeds, seeded = graph.model.seeds, graph.model.seeded
        is_seeded = seeded.get(obj, False) or graph.simulator is not None or graph.seed is not None
        derived_seed = int(seeds[obj]) if is_seeded and obj in seeds else None
        return SummaryRow(
            item=item,
            what=what_of(item),
            made_by=None if origin is None else origin.layer,
            inputs=tuple(self._input(edge) for edge in edges),
            parameters=parameters,
            unused=unused,
            constants=tuple(parameter for parameter in left_out if parameter not in unused),
            shares_with=None if first_use is item else first_use.name,
            settings=tuple(self._settings(obj)) if item.kind == "ensemble" else (),
            seed=derived_seed if obj.seed is None else int(obj.seed),
            seed_given=obj.seed is not None,
            state_bytes=self._state_bytes.get(item, 0),
            probes=tuple(
                graph[probe].name for probe, source in self._probed.items() if source is item
            ),
            activity=self._activities.get(obj),
            declared={
                parameter.name: self._first_and_current(parameter.source)
                for parameter in parameters
                if isinstance(parameter.source, ParameterSignal)
            },
        )

    def _first_and_current(self, source: ParameterSignal) -> tuple[np.ndarray, np.ndarray]:
        """Return the first and the current value of a parameter of neurons or a synapse."""
        free = None if self._arrays is None else self._arrays.get(source)
        return source.reparametrisation.initial, source.value(
            source.initial_value if free is None else free
        )

    def _input(self, edge: GraphEdge) -> SummaryInput:
        connection = edge.connection
        assert connection is not None
        transform_set_by = self._set_by(connection, "transform")
        if not isinstance(connection.transform, NoTransform) and was_loaded(
            self._graph.simulator, connection, "connection weights"
        ):
            transform_set_by += "; its weights were loaded"
        return SummaryInput(
            connection=connection,
            source=edge.source.name,
            transform=transform_in_words(connection),
            synapse_set_by=self._set_by(connection, "synapse"),
            transform_set_by=transform_set_by,
        )

    def _set_by(self, obj: nengo.Ensemble | nengo.Connection, name: str) -> str:
        """Say what set an attribute of an Ensemble or Connection."""
        origin = origin_of(obj)
        if origin is not None and name in origin.set_by:
            return origin.set_by[name]
        value = getattr(obj, name)
        if isinstance(value, NoTransform):
            value = None  # nengo makes NoTransform of None
        cls = nengo.Ensemble if isinstance(obj, nengo.Ensemble) else nengo.Connection
        default = self._graph.default(cls, name, self._graph.path(obj)[-1])
        if not same(value, default.value):
            return "given to the object"
        if default.network is None:
            return "nengo's default"
        return f"the configuration of <{network_in_words(default.network)}>"

    # the settings of an Ensemble: as given, as built, and what set them

    def _settings(self, ensemble: nengo.Ensemble) -> Iterator[SummarySetting]:
        yield from self._drawn_settings(ensemble)
        built = self._graph.model.params[ensemble]
        for name in _OTHER_SETTINGS:
            value, set_by = getattr(ensemble, name), self._set_by(ensemble, name)
            if set_by != "nengo's default":
                is_number = isinstance(value, int | float | np.number)
                numbers = getattr(built, name, value if is_number else None)
                numbers = None if numbers is None else np.asarray(numbers)
                yield SummarySetting(name, value, numbers, set_by)
        neuron_type = ensemble.neuron_type
        given_states = neuron_type.initial_state or {}
        for name, default in neuron_type.state.items():
            signal = self._graph.model.sig[ensemble.neurons].get(name)
            yield SummarySetting(
                name,
                given_states.get(name, default),
                None if signal is None else np.asarray(signal.initial_value),
                f"{'' if name in given_states else 'the default of '}the type of neurons",
                _UNITS.get(name, ""),
                initial_state=True,
            )

    def _drawn_settings(self, ensemble: nengo.Ensemble) -> Iterator[SummarySetting]:
        """Yield the settings of the response curve, and the encoders."""
        built, neuron_type = self._graph.model.params[ensemble], ensemble.neuron_type
        has_neurons = not isinstance(neuron_type, Direct)
        names = _DRAWN if has_neurons else ("encoders",)
        values = {name: getattr(built, name) for name in names}
        current: dict[str, Any] = {}
        bias = self._current_bias(ensemble)
        if has_neurons and bias is not None and not np.array_equal(bias, built.bias):
            with np.errstate(all="ignore"):
                rates = neuron_type.max_rates_intercepts(built.gain, bias)
            current = {"bias": bias, **dict(zip(_RATES, rates, strict=True))}
        sim = self._graph.simulator
        loaded = {name for name in names if was_loaded(sim, ensemble, name)}
        has_currents = ensemble.gain is not None and ensemble.bias is not None
        solved_for, given_names = (_RATES, _CURRENTS) if has_currents else (_CURRENTS, _RATES)
        for name, value in values.items():
            given, set_by = getattr(ensemble, name), self._set_by(ensemble, name)
            if name in solved_for:
                given, set_by = None, f"found from {' and '.join(given_names)}"
            if name in loaded:
                given, set_by = _replaced(given, value, set_by, "loaded")
            elif name in _RATES and loaded.intersection(_CURRENTS):
                by = "found from gain and bias that were loaded"
                given, set_by = _replaced(given, value, set_by, by)
            if name in current:
                set_by = f"trained; at first {set_by}"
            numbers = current.get(name, value)
            yield SummarySetting(name, given, numbers, set_by, _UNITS.get(name, ""))

    def _current_bias(self, ensemble: nengo.Ensemble) -> np.ndarray | None:
        """Return the biases that neurons have in a Simulator."""
        for parameter in self._parameters.get(self._graph[ensemble], ()):
            if parameter.kind == "bias" and parameter.obj is ensemble and self._arrays is not None:
                return self._arrays.get(parameter.source)
        return None

    # the states of neurons, synapses and processes

    def _measure_states(self) -> dict[GraphObject | None, int]:
        """Return the memory (bytes an item) of the states that belong to an object."""
        graph = self._graph
        owners: dict[Signal, GraphObject | None] = {}
        for obj, signals in graph.model.sig.items():
            item = self._item_of(obj)
            # a signal that comes to another object is that one's output
            own = ("in", "rate_out") if isinstance(obj, Neurons) else ()
            for name in ("out", "weighted", "filtered", *own):
                if item is not None and signals.get(name) is not None:
                    owners.setdefault(signals[name], item)
        floats = tf.as_dtype(graph.tensor_graph.dtype).as_numpy_dtype
        sizes: dict[GraphObject | None, dict[Signal, int]] = {}
        for operator in graph.model.operators:
            item = owners.get(getattr(operator, "output", None))
            for base in (signal.base for signal in _states(operator)):
                if item is not None and base in graph.tensor_graph.signals:
                    dtype = floats if np.issubdtype(base.dtype, np.floating) else base.dtype
                    sizes.setdefault(item, {})[base] = base.size * np.dtype(dtype).itemsize
        return {item: sum(held.values()) for item, held in sizes.items()}


def _states(operator: Any) -> list[Any]:
    """Return the signals that an operator keeps from step to step."""
    if isinstance(operator, SimNeurons):
        return list(nengo_dl.compat.neuron_state(operator).values())
    return list(operator.updates) if isinstance(operator, SimProcess | SimTrainableFilter) else []


def _replaced(given: Any, value: np.ndarray, set_by: str, by: str) -> tuple[Any, str]:
    """Return what was given and what set it for a value that was loaded."""
    if given is None:
        return None, by
    is_array = isinstance(given, np.ndarray)
    if is_array and np.allclose(np.broadcast_to(given, value.shape), value, rtol=1e-4):
        return given, set_by
    return None, f"{by}, in place of {in_words(given)}, {set_by}"
