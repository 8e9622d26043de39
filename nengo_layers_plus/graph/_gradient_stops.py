"""Neurons that stop gradients on their way from probes to what should be trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import nengo

from nengo_layers_plus._declared import items_in
from nengo_layers_plus.graph._gradient_flow import GradientFlow, passes_edge
from nengo_layers_plus.graph._network_graph import NetworkGraph
from nengo_layers_plus.graph._parameters import Parameter
from nengo_layers_plus.graph._structure import GraphObject


@dataclass(frozen=True, eq=False)
class GradientStop:
    """
    An Ensemble whose type of neurons stops gradients.

    Parameters
    ----------
    item : GraphObject
        The Ensemble.
    lost : tuple of Parameter
        What should be trained and gets no gradient from any probe.
    partly_lost : tuple of Parameter
        What should be trained and gets a gradient by other ways alone.
    """

    item: GraphObject
    lost: tuple[Parameter, ...]
    partly_lost: tuple[Parameter, ...]


def gradient_stops(
    graph: NetworkGraph, probes: Iterable[nengo.Probe] | None = None
) -> tuple[GradientStop, ...]:
    """
    Find the Ensembles whose type of neurons stops gradients that something trainable needs.

    Parameters
    ----------
    graph : NetworkGraph
        The network, of a Simulator.
    probes : iterable of nengo.Probe, optional
        The probes that gradients come from; by default all.

    Returns
    -------
    stops : tuple of GradientStop
        In the order data flows.

    Raises
    ------
    ValueError
        If the graph was made of a Network.
    """
    sim = getattr(graph, "simulator", None)
    if sim is None:
        raise ValueError(f"expected a graph of a Simulator, got {graph!r}")
    flow = GradientFlow(graph, sim.model)
    items = items_in(probes)
    chosen = None if probes is None else [probes] if items is None else list(items)
    if chosen is not None and not all(isinstance(each, nengo.Probe) for each in chosen):
        raise ValueError(f"expected probes, got {probes!r}")
    stops = [item for item in graph.objects if item.kind == "ensemble" and not flow.passes(item)]
    if not stops:
        return ()
    needed = flow.reaching_a_probe(chosen, through=stops)
    reached = flow.reaching_a_probe(chosen)
    found = []
    for item in stops:
        if item not in needed:
            continue
        concerned = _trained_before(graph, flow, item, stops)
        lost = tuple(each for each in concerned if not _gets_gradient(graph, flow, each, reached))
        partly = tuple(each for each in concerned if each not in lost)
        if concerned:
            found.append(GradientStop(item, lost, partly))
    return tuple(found)


def trained_through(
    graph: NetworkGraph, item: GraphObject, probes: Iterable[nengo.Probe] | None = None
) -> list[Parameter]:
    """
    List what should be trained in an object and before it, by a gradient that comes to the object.

    Parameters
    ----------
    graph : NetworkGraph
        The network, of a Simulator.
    item : GraphObject
        The object.
    probes : iterable of nengo.Probe, optional
        The probes that gradients come from; by default all.

    Returns
    -------
    parameters : list of Parameter
    """
    flow = GradientFlow(graph, graph.model)
    return _trained_before(graph, flow, item, []) if item in flow.reaching_a_probe(probes) else []


def _trained_before(
    graph: NetworkGraph, flow: GradientFlow, item: GraphObject, stops: list[GraphObject]
) -> list[Parameter]:
    before = _before(graph, flow, item, stops)
    return [each for each in graph.parameters if each.trainable and _owner(graph, each) in before]


def _before(
    graph: NetworkGraph, flow: GradientFlow, item: GraphObject, stops: list[GraphObject]
) -> set[GraphObject]:
    """Return an object, and those from whose output something comes to it."""
    found: set[GraphObject] = set()
    waiting = [item]
    while waiting:
        now = waiting.pop()
        if now in found:
            continue
        found.add(now)
        if now in stops or flow.passes(now):
            waiting += [edge.source for edge in graph.predecessors(now) if passes_edge(edge)]
    return found


def _owner(graph: NetworkGraph, parameter: Parameter) -> GraphObject:
    """Return the object that a parameter acts on."""
    obj = parameter.obj
    return graph[obj.post_obj if isinstance(obj, nengo.Connection) else obj]


def _gets_gradient(
    graph: NetworkGraph, flow: GradientFlow, parameter: Parameter, reached: set[GraphObject]
) -> bool:
    owner = _owner(graph, parameter)
    return owner in reached and flow.passes(owner)
