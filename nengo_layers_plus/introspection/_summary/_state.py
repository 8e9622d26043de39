"""Memory for what is kept from step to step."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
from nengo.base import NengoObject
from nengo.builder.neurons import SimNeurons
from nengo.builder.processes import SimProcess
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import GraphObject, NetworkGraph
from nengo_layers_plus.synapses._build import SimTrainableFilter


def state_bytes(graph: NetworkGraph) -> dict[GraphObject, int]:
    """
    Return the memory (bytes an item) of the states of neurons, synapses and processes.

    The state of a connection is that of the object that it leads to, and that of a probe is that
    of the object that it reads.
    """
    owners: dict[Any, GraphObject] = {}
    for obj, signals in graph.model.sig.items():
        item = _row_of(graph, obj)
        if item is not None:
            for name in ("out", "weighted", "in", "filtered"):
                # a signal that comes to an object is another one's output
                if signals.get(name) is not None and (name != "in" or isinstance(obj, Neurons)):
                    owners.setdefault(signals[name], item)
            if isinstance(obj, Neurons) and signals.get("rate_out") is not None:
                owners.setdefault(signals["rate_out"], item)
    kept = graph.tensor_graph.signals
    found: dict[GraphObject, int] = {}
    counted = set()
    for operator in graph.model.operators:
        for signal in _states(operator):
            base = signal.base
            if base in counted or base not in kept:
                continue
            counted.add(base)
            item = owners.get(operator.output)
            if item is not None:
                dtype = base.dtype
                if np.issubdtype(dtype, np.floating):
                    dtype = tf.as_dtype(graph.tensor_graph.dtype).as_numpy_dtype
                found[item] = found.get(item, 0) + base.size * np.dtype(dtype).itemsize
    return found


def _states(operator: Any) -> list[Any]:
    """Return the signals that an operator keeps from step to step."""
    if isinstance(operator, SimNeurons):
        return list(nengo_dl.compat.neuron_state(operator).values())
    return list(operator.updates) if isinstance(operator, SimProcess | SimTrainableFilter) else []


def _row_of(graph: NetworkGraph, obj: Any) -> GraphObject | None:
    """Return the object whose row an object of the model belongs to."""
    if isinstance(obj, nengo.Connection):
        # nengo makes some for probes, which no network holds
        post = obj.post_obj
        return graph[obj.pre_obj] if isinstance(post, nengo.Probe) else graph[post]
    if isinstance(obj, nengo.Probe):
        target = obj.obj
        if isinstance(target, nengo.Connection):
            target = target.pre_obj
        elif isinstance(target, nengo.connection.LearningRule):
            target = target.connection.pre_obj
        return graph[target]
    return graph[obj] if isinstance(obj, NengoObject | Neurons) else None
