"""Finds what was made of each layer of a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.builder import Signal
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess
from nengo.ensemble import Neurons

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import GraphEdge, GraphObject, NetworkGraph, Parameter
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._neuron_settings import neuron_settings, set_by_of
from nengo_layers_plus.introspection._summary._summary_row import (
    SummaryInput,
    SummaryRow,
    SummarySetting,
)
from nengo_layers_plus.introspection._summary._words import transform_in_words, what_of
from nengo_layers_plus.layers._layer_call import origin_of
from nengo_layers_plus.parameters._simulator_parameters import SignalArrays, was_loaded
from nengo_layers_plus.synapses._build import SimTrainableFilter


def rows_of(
    graph: NetworkGraph, activities: Mapping[nengo.Ensemble, Activity]
) -> tuple[SummaryRow, ...]:
    """
    Return one row for each ensemble, TensorNode and node, in the order data flows.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    activities : Mapping
        What neurons did, by their ensemble.
    """
    read_by = {edge.target.obj: edge.source for edge in graph.edges if edge.connection is None}
    parameters: dict[GraphObject | None, list[Parameter]] = {}
    for parameter in graph.parameters:
        parameters.setdefault(_row_of(graph, read_by, parameter.obj), []).append(parameter)
    probes: dict[GraphObject, list[str]] = {}
    for probe, item in read_by.items():
        probes.setdefault(item, []).append(graph[probe].name)
    arrays = None if graph.simulator is None else SignalArrays(graph.simulator)
    state = _state_bytes(graph, read_by)
    first_of = first_uses(graph.objects)
    rows = []
    for item in graph.objects:
        if item.kind == "probe":
            continue
        obj = item.obj
        arriving = graph.predecessors(item)
        own = tuple(parameters.get(item, ()))
        left_out = [parameter for parameter in own if _is_left_out(graph, parameter)]
        unused = tuple(parameter for parameter in left_out if _is_unused(parameter, arriving))
        origin = origin_of(obj)
        seed, given = _seed_of(graph, obj)
        settings: tuple[SummarySetting, ...] = ()
        if item.kind == "ensemble":
            biases = [
                parameter.source
                for parameter in own
                if parameter.kind == "bias" and parameter.obj is obj
            ]
            bias = arrays.get(biases[0]) if arrays is not None and biases else None
            settings = tuple(neuron_settings(graph, obj, bias))
        rows.append(
            SummaryRow(
                item=item,
                what=what_of(item),
                made_by=None if origin is None else origin.layer,
                inputs=tuple(_input(graph, edge) for edge in arriving),
                parameters=own,
                unused=unused,
                constants=tuple(parameter for parameter in left_out if parameter not in unused),
                shares_with=None if first_of[item] is item else first_of[item].name,
                settings=settings,
                seed=seed,
                seed_given=given,
                state_bytes=state.get(item, 0),
                probes=tuple(probes.get(item, ())),
                activity=activities.get(obj),
                declared={
                    parameter.name: _first_and_now(parameter.source, arrays)
                    for parameter in own
                    if isinstance(parameter.source, ParameterSignal)
                },
            )
        )
    return tuple(rows)


def _row_of(
    graph: NetworkGraph, read_by: Mapping[nengo.Probe, GraphObject], obj: Any
) -> GraphObject | None:
    """
    Return the object whose row something belongs to; None if it is no part of the network.

    A connection belongs to what it leads to, and a probe to what it reads.
    """
    end = obj.post_obj if isinstance(obj, nengo.Connection) else obj
    try:
        return read_by[end] if isinstance(end, nengo.Probe) else graph[end]
    except KeyError:
        return None


def _is_left_out(graph: NetworkGraph, parameter: Parameter) -> bool:
    """Say whether nengo_dl keeps no array for a parameter."""
    return (
        not parameter.kind.startswith("Keras")
        and parameter.source not in graph.tensor_graph.signals
    )


def _is_unused(parameter: Parameter, arriving: Iterable[GraphEdge]) -> bool:
    """Say whether nengo_dl leaves out a parameter because nothing depends on it."""
    if parameter.kind == "encoders":
        # without a value to encode they multiply zeros
        ends = (edge.connection.post_obj for edge in arriving if edge.connection is not None)
        return not any(end is parameter.obj for end in ends)
    # else it is what can't train, and is built in
    return bool(parameter.source.trainable)


def _seed_of(graph: NetworkGraph, obj: Any) -> tuple[int | None, bool]:
    """Return the seed of an object (None: drawn anew each time) and whether it was given."""
    if obj.seed is not None:
        return int(obj.seed), True
    seeds, fixed = graph.model.seeds, graph.model.seeded
    known = fixed.get(obj, False) or graph.simulator is not None or graph.seed is not None
    return (int(seeds[obj]), False) if known and obj in seeds else (None, False)


def _first_and_now(
    source: ParameterSignal, arrays: SignalArrays | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first value of a parameter that neurons or a synapse declare, and that of now."""
    free = None if arrays is None else arrays.get(source)
    now = source.initial_value if free is None else free
    return source.reparametrisation.initial, source.value(now)


def _input(graph: NetworkGraph, edge: GraphEdge) -> SummaryInput:
    connection = edge.connection
    assert connection is not None
    given = not isinstance(connection.transform, nengo.transforms.NoTransform)
    loaded = given and was_loaded(graph.simulator, connection, "connection weights")
    return SummaryInput(
        connection=connection,
        source=edge.source.name,
        transform=transform_in_words(connection),
        synapse_set_by=set_by_of(graph, connection, "synapse"),
        transform_set_by=set_by_of(graph, connection, "transform")
        + ("; its weights were loaded" if loaded else ""),
    )


def _state_bytes(
    graph: NetworkGraph, read_by: Mapping[nengo.Probe, GraphObject]
) -> dict[GraphObject, int]:
    """Return the memory (bytes an item) of the states of neurons, synapses and processes."""
    owners: dict[Signal, GraphObject] = {}
    for obj, signals in graph.model.sig.items():
        item = _row_of(graph, read_by, obj)
        # a signal that comes to another object is that one's output
        own = ("in", "rate_out") if isinstance(obj, Neurons) else ()
        for name in ("out", "weighted", "filtered", *own):
            if item is not None and signals.get(name) is not None:
                owners.setdefault(signals[name], item)
    held: dict[GraphObject, dict[Signal, int]] = {}
    for operator in graph.model.operators:
        item = owners.get(getattr(operator, "output", None))
        for signal in _states(operator):
            base = signal.base
            if item is not None and base in graph.tensor_graph.signals:
                dtype = base.dtype
                if np.issubdtype(dtype, np.floating):
                    dtype = tf.as_dtype(graph.tensor_graph.dtype).as_numpy_dtype
                held.setdefault(item, {})[base] = base.size * np.dtype(dtype).itemsize
    return {item: sum(sizes.values()) for item, sizes in held.items()}


def _states(operator: Any) -> list[Any]:
    """Return the signals that an operator keeps from step to step."""
    if isinstance(operator, SimNeurons):
        return list(nengo_dl.compat.neuron_state(operator).values())
    return list(operator.updates) if isinstance(operator, SimProcess | SimTrainableFilter) else []
