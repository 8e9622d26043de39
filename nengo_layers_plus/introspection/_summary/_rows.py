"""Finds what was made of each layer of a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus.graph import GraphEdge, GraphObject, NetworkGraph, Parameter
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.introspection._summary._activity import Activity
from nengo_layers_plus.introspection._summary._neuron_settings import (
    neuron_settings,
    set_by_of,
)
from nengo_layers_plus.introspection._summary._state import state_bytes
from nengo_layers_plus.introspection._summary._summary_input import SummaryInput
from nengo_layers_plus.introspection._summary._summary_row import SummaryRow
from nengo_layers_plus.introspection._summary._summary_setting import SummarySetting
from nengo_layers_plus.introspection._summary._words import transform_in_words, what_of
from nengo_layers_plus.layers._layer_call import origin_of
from nengo_layers_plus.parameters._signal_arrays import SignalArrays
from nengo_layers_plus.parameters._simulator_parameters import was_loaded


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
    parameters: dict[GraphObject, list[Parameter]] = {}
    for each in graph.parameters:
        parameters.setdefault(_owner(graph, each), []).append(each)
    probes: dict[GraphObject, list[str]] = {}
    for edge in graph.edges:
        if edge.connection is None:
            probes.setdefault(edge.source, []).append(edge.target.name)
    state = state_bytes(graph)
    biases = _biases_now(graph)
    declared = _declared_values(graph)
    first_of = first_uses(graph.objects)
    rows = []
    for item in graph.objects:
        if item.kind == "probe":
            continue
        obj = item.obj
        own = tuple(parameters.get(item, ()))
        unused = [each for each in own if _is_unused(graph, each, graph.predecessors(item))]
        origin = origin_of(obj)
        seed, given = seed_of(graph, obj)
        settings: tuple[SummarySetting, ...] = ()
        if item.kind == "ensemble":
            settings = neuron_settings(graph, obj, biases.get(obj))
        rows.append(
            SummaryRow(
                item=item,
                what=what_of(item),
                made_by=None if origin is None else origin.layer,
                inputs=tuple(_input(graph, edge) for edge in graph.predecessors(item)),
                parameters=own,
                unused=tuple(unused),
                constants=tuple(
                    each for each in own if _is_left_out(graph, each) and each not in unused
                ),
                shares_with=None if first_of[item] is item else first_of[item].name,
                settings=settings,
                seed=seed,
                seed_given=given,
                state_bytes=state.get(item, 0),
                probes=tuple(probes.get(item, ())),
                activity=activities.get(obj),
                declared={each.name: declared[each] for each in own if each in declared},
            )
        )
    return tuple(rows)


def _is_left_out(graph: NetworkGraph, parameter: Parameter) -> bool:
    """Say whether nengo_dl keeps no array for a parameter."""
    return (
        not parameter.kind.startswith("Keras")
        and parameter.source not in graph.tensor_graph.signals
    )


def _is_unused(graph: NetworkGraph, parameter: Parameter, arriving: Iterable[GraphEdge]) -> bool:
    """Say whether nengo_dl leaves out a parameter because nothing depends on it."""
    if not _is_left_out(graph, parameter):
        return False
    if parameter.kind == "encoders":
        # without a value to encode they multiply zeros
        ends = (edge.connection.post_obj for edge in arriving if edge.connection is not None)
        return not any(end is parameter.obj for end in ends)
    # else it is what can't train, and is built in
    return bool(parameter.source.trainable)


def seed_of(graph: NetworkGraph, obj: Any) -> tuple[int | None, bool]:
    """Return the seed of an object (None: drawn anew each time) and whether it was given."""
    if obj.seed is not None:
        return int(obj.seed), True
    seeds, fixed = graph.model.seeds, graph.model.seeded
    known = fixed.get(obj, False) or graph.simulator is not None or graph.seed is not None
    return (int(seeds[obj]), False) if known and obj in seeds else (None, False)


def _biases_now(graph: NetworkGraph) -> dict[nengo.Ensemble, np.ndarray]:
    """Return the biases that training may have moved, of a Simulator."""
    if graph.simulator is None:
        return {}
    arrays = SignalArrays(graph.simulator)
    held = {each.obj: arrays.get(each.source) for each in graph.parameters if each.kind == "bias"}
    return {ensemble: values for ensemble, values in held.items() if values is not None}


def _declared_values(graph: NetworkGraph) -> dict[Parameter, tuple[np.ndarray, np.ndarray]]:
    """Return the first values and those of now of parameters of types of neurons and synapses."""
    arrays = None if graph.simulator is None else SignalArrays(graph.simulator)
    found = {}
    for each in graph.parameters:
        if isinstance(each.source, ParameterSignal):
            first = each.source.reparametrisation.initial
            free = None if arrays is None else arrays.get(each.source)
            now = each.source.initial_value if free is None else free
            found[each] = first, each.source.value(now)
    return found


def _owner(graph: NetworkGraph, parameter: Parameter) -> GraphObject:
    """Return the object whose row lists a parameter."""
    obj = parameter.obj
    if isinstance(obj, nengo.Connection):
        return graph[obj.post_obj]
    if isinstance(obj, nengo.Probe):
        target = graph[obj]
        return next(edge.source for edge in graph.edges if edge.target is target)
    return graph[obj]


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
