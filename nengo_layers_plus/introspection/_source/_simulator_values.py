"""The values of a Simulator, as far as plain code can give them to a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model, Signal
from nengo.ensemble import Neurons
from nengo.neurons import Direct
from nengo.transforms import NoTransform

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.graph._planned import build_model
from nengo_layers_plus.introspection._source._contents import SourceError
from nengo_layers_plus.introspection._source._network_source import NetworkSource
from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters, probe_weights


def values_to_write(sim: nengo_dl.Simulator) -> dict[Any, dict[str, Any]]:
    """
    Return what to write instead of what the objects of a network were made with.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator.

    Returns
    -------
    replaced : dict
        Arguments by object. The weights of Keras layers are read from the layers themselves.
    """
    network = sim.model.toplevel
    replaced: dict[Any, dict[str, Any]] = {}
    if network.seed is None:
        replaced[network] = {"seed": sim.model.seeds[network]}
    moved_neurons = set()
    saved = SimulatorParameters(sim, "write the values of")
    values = saved.read()
    connections = []
    for parameter in saved:
        obj, value = parameter.obj, values[parameter.name]
        if parameter.kind == "bias" and not _same_numbers(initial_value(parameter.source), value):
            gain = values[f"{saved.graph[obj].name}.gain"]
            replaced[obj] = {"gain": _wide(gain), "bias": _wide(value)}
            moved_neurons.add(obj)
        elif parameter.kind == "connection weights":
            connections.append((obj, parameter.source, value))
    for obj, signal, value in connections:
        decoded = isinstance(obj.pre_obj, nengo.Ensemble)
        is_initial = _same_numbers(initial_value(signal), value)
        if is_initial and not (decoded and obj.pre_obj in moved_neurons):
            continue
        arguments = _weights_as_arguments(obj, value)
        if arguments is not None:
            replaced[obj] = arguments
    return replaced


def _weights_as_arguments(connection: nengo.Connection, value: np.ndarray) -> Any:
    if isinstance(connection.pre_obj, Neurons | nengo.Node) or isinstance(
        connection.pre_obj.neuron_type, Direct
    ):
        is_dense = type(connection.transform) is nengo.Dense
        return {"transform": _wide(value)} if is_dense else None
    if isinstance(connection.transform, NoTransform) and not connection.solver.weights:
        return {"solver": nengo.solvers.NoSolver(_wide(value).T)}
    return None


def _wide(value: np.ndarray) -> np.ndarray:
    return np.asarray(value, dtype=np.float64)


def check_same_values(sim: nengo_dl.Simulator, source: NetworkSource) -> None:
    """
    Raise if the network that some code builds would not begin with the values of a Simulator.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator.
    source : NetworkSource
        The code.
    """
    saved = SimulatorParameters(sim, "write the values of")
    values = saved.read()
    network = source.build(**source.values)
    model = build_model(network)
    begins = _initial_values(NetworkGraph(network), model)
    names = {id(signal): name for name, signal in _signals(saved.graph, sim.model)}
    # nengo makes these connections when it builds, in the same order in both
    of_probes = (initial_value(each) for _, each in probe_weights(model))
    different = []
    for parameter in saved:
        if isinstance(parameter.source, tf.Variable):
            continue
        value = values[parameter.name]
        if parameter.kind == "probe weights":
            initial = next(of_probes, None)
        else:
            name = saved.graph.name_of(parameter.obj), "gain"
            initial = begins.get(names.get(id(parameter.source), name))
        if initial is None or not _same_numbers(initial, value):
            different.append(parameter.name)
    if different:
        raise SourceError(
            f"the Simulator's values of {', '.join(different)} have no plain form that gives them "
            "exactly. Write the network instead (to_source(network)), and beside it the values: "
            "save_parameters(sim, path), then load_parameters(new_sim, path)",
            attr="simulator",
            obj=sim,
        )


def _initial_values(graph: NetworkGraph, model: Model) -> dict[tuple[str, str], np.ndarray]:
    """Return what signals begin with, and gains, by the names of their objects and their own."""
    found = {name: initial_value(signal) for name, signal in _signals(graph, model)}
    for item in graph.objects:
        if item.kind == "ensemble" and not isinstance(item.obj.neuron_type, Direct):
            found[item.name, "gain"] = np.asarray(model.params[item.obj].gain)
    return found


def _signals(graph: NetworkGraph, model: Model) -> Iterator[tuple[tuple[str, str], Signal]]:
    """Yield the signals of a network, by the names of their objects and their own."""
    for obj in (*(each.obj for each in graph.objects), *graph.network.all_connections):
        for holder in (obj, getattr(obj, "neurons", None)):
            for name, signal in model.sig.get(holder, {}).items():
                if signal is not None:
                    yield (graph.name_of(obj), name), signal


def _same_numbers(initial: np.ndarray, value: np.ndarray) -> bool:
    alike = initial.size == value.size
    return alike and np.array_equal(
        initial.astype(value.dtype).reshape(value.shape), value, equal_nan=True
    )
