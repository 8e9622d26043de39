"""The values of a Simulator, as far as plain code can give them to a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model, Signal
from nengo.neurons import Direct
from nengo.transforms import NoTransform

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.graph._structure import build_model
from nengo_layers_plus.introspection._source._contents import SourceError
from nengo_layers_plus.introspection._source._network_source import NetworkSource
from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters


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
    saved = SimulatorParameters(sim, "write the values of")
    values = saved.read()
    changed = {
        parameter.obj: values[parameter.name]
        for parameter in saved
        if parameter.kind in ("bias", "connection weights")
        and not _same_numbers(initial_value(parameter.source), values[parameter.name])
    }
    network = sim.model.toplevel
    replaced: dict[Any, dict[str, Any]] = {}
    if network.seed is None:
        replaced[network] = {"seed": sim.model.seeds[network]}
    for parameter in saved:
        obj = parameter.obj
        if parameter.kind == "bias" and obj in changed:
            gain = values[f"{saved.graph[obj].name}.gain"]
            replaced[obj] = {"gain": _wide(gain), "bias": _wide(changed[obj])}
        elif parameter.kind == "connection weights" and {obj, obj.pre_obj} & changed.keys():
            # nengo would decode neurons that have changed by other weights
            replaced[obj] = _weights_as_arguments(obj, _wide(values[parameter.name]))
    return replaced


def _weights_as_arguments(connection: nengo.Connection, weights: np.ndarray) -> dict[str, Any]:
    """Return the arguments that give a connection its weights; none if no plain ones do."""
    source = connection.pre_obj
    if isinstance(source, nengo.Ensemble) and not isinstance(source.neuron_type, Direct):
        has_decoders = isinstance(connection.transform, NoTransform)
        is_plain = has_decoders and not connection.solver.weights
        return {"solver": nengo.solvers.NoSolver(weights.T)} if is_plain else {}
    return {"transform": weights} if type(connection.transform) is nengo.Dense else {}


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
    # nengo builds the same objects in the same order
    signals = dict(zip(_signals(sim.model), _signals(model), strict=False))
    pairs = zip(sim.model.toplevel.all_ensembles, network.all_ensembles, strict=True)
    ensembles = dict(pairs)
    different = []
    for parameter in saved:
        if isinstance(parameter.source, tf.Variable):
            continue
        if parameter.source is None:
            begins = np.asarray(model.params[ensembles[parameter.obj]].gain)
        else:
            begins = initial_value(signals[parameter.source])
        if not _same_numbers(begins, values[parameter.name]):
            different.append(parameter.name)
    if different:
        raise SourceError(
            f"the Simulator's values of {', '.join(different)} have no plain form that gives them "
            "exactly. Write the network instead (to_source(network)), and beside it the values: "
            "save_parameters(sim, path), then load_parameters(new_sim, path)",
            attr="simulator",
            obj=sim,
        )


def _signals(model: Model) -> Iterator[Signal]:
    for operator in model.operators:
        yield from operator.all_signals


def _wide(value: np.ndarray) -> np.ndarray:
    return np.asarray(value, dtype=np.float64)


def _same_numbers(initial: np.ndarray, value: np.ndarray) -> bool:
    alike = initial.size == value.size
    return alike and np.array_equal(
        initial.astype(value.dtype).reshape(value.shape), value, equal_nan=True
    )
