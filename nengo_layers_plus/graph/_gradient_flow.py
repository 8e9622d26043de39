"""Which objects of a network gradients come to on their way back from the probes."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import nengo
from nengo.builder.neurons import SimNeurons
from nengo.neurons import Direct

from nengo_layers_plus._upstream import native_process_builder, nengo_dl
from nengo_layers_plus.graph._structure import GraphEdge, GraphObject, NetworkStructure


class GradientFlow:
    """
    Says through which objects of a network gradients pass.

    Parameters
    ----------
    graph : NetworkStructure
        The network, with what nengo_dl has built or would build of it.
    """

    def __init__(self, graph: NetworkStructure) -> None:
        self.graph = graph
        self._operators: dict[Any, list[Any]] = {}
        owners = {
            graph.model.sig[item.obj.neurons].get(name): item.obj
            for item in graph.objects
            if item.kind == "ensemble" and not isinstance(item.obj.neuron_type, Direct)
            for name in ("out", "rate_out")
        }
        for operator in graph.model.operators:
            if isinstance(operator, SimNeurons) and operator.output in owners:
                self._operators.setdefault(owners[operator.output], []).append(operator)

    def passes(self, item: GraphObject) -> bool:
        """Say whether a gradient passes from the output of an object to its input."""
        if item.kind == "ensemble":
            return all(map(passes_operator, self._operators.get(item.obj, ())))
        return item.kind != "node" or item.obj.output is None

    def trained_names(self, item: GraphObject) -> tuple[str, ...]:
        """Name the parameters of a type of neurons that a gradient comes to."""
        return tuple(
            name
            for operator in self._operators.get(item.obj, ())
            for name in getattr(operator, "trained_names", ())
        )

    def reaching_a_probe(
        self, probes: Iterable[nengo.Probe] | None = None, through: Container[GraphObject] = ()
    ) -> set[GraphObject]:
        """
        Return the objects to whose output a gradient comes from some probe.

        Parameters
        ----------
        probes : iterable of nengo.Probe, optional
            The probes; by default all.
        through : collection of GraphObject
            Objects that are taken to pass gradients, though they do not.
        """
        chosen = None if probes is None else set(probes)
        return self.reached_from(
            [
                item
                for item in self.graph.objects
                if item.kind == "probe" and (chosen is None or item.obj in chosen)
            ],
            through,
        )

    def reached_from(
        self, ends: Iterable[GraphObject], through: Container[GraphObject] = ()
    ) -> set[GraphObject]:
        """Return some objects, and those to whose output a gradient comes from theirs."""
        reached: set[GraphObject] = set()
        waiting = list(ends)
        while waiting:
            item = waiting.pop()
            if item in reached:
                continue
            reached.add(item)
            if item in through or self.passes(item):
                waiting += [
                    edge.source for edge in self.graph.predecessors(item) if _passes_edge(edge)
                ]
        return reached


def passes_operator(operator: Any) -> bool:
    """Say whether a gradient passes an operator of neurons."""
    builders = nengo_dl.neuron_builders
    builder = nengo_dl.builder.Builder.builders.get(type(operator))
    if builder is not builders.SimNeuronsBuilder:
        return True  # it was written for TensorFlow
    return type(operator.neurons) in builders.SimNeuronsBuilder.TF_NEURON_IMPL


def passes_synapse(connection: nengo.Connection) -> bool:
    """Say whether a gradient passes from the end of a connection to its weights."""
    if isinstance(connection.post_obj, nengo.connection.LearningRule):
        return False
    synapse = connection.synapse
    if synapse is None or native_process_builder(synapse) is not None:
        return True
    # it was written for TensorFlow
    return any(kind in nengo_dl.builder.NengoBuilder.builders for kind in type(synapse).__mro__)


def _passes_edge(edge: GraphEdge) -> bool:
    """Say whether a gradient passes from the end of an edge to its beginning."""
    connection = edge.connection
    if connection is None:
        return True
    runs_python = connection.function is not None and (
        isinstance(connection.pre_obj, nengo.Node)
        or isinstance(getattr(connection.pre_obj, "neuron_type", None), Direct)
    )
    return passes_synapse(connection) and not runs_python
