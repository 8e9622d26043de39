"""The objects and connections of a network, as what is compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import nengo
from nengo.connection import LearningRule

from nengo_layers_plus.graph import GraphObject, NetworkGraph, Parameter
from nengo_layers_plus.graph._keras_layers import keras_layer_of, layers_within
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.introspection._comparison._fact import Fact
from nengo_layers_plus.introspection._comparison._object_facts import facts_of_object
from nengo_layers_plus.introspection._comparison._parameter_facts import (
    facts_of_parameters,
    parameters_by_object,
)


@dataclass(eq=False)
class Member:
    """
    An object or a connection of a network.

    Parameters
    ----------
    obj : NengoObject
        The object or connection itself.
    kind : str
        That of a `GraphObject`, or ``"connection"``.
    name : str
        Its name in the graph; of a connection those of its ends.
    facts : dict of Fact
        What is true of it, by name.
    sources, targets : list of tuple of str and Member
        What leads to it and from it, and by which end.
    shares_weights : list of Member
        The nodes, itself among them, that apply the same Keras layer, or one with a layer within it
        that is the same; empty if there is no other one, or the layer has no weights.
    """

    obj: Any
    kind: str
    name: str
    facts: dict[str, Fact]
    sources: list[tuple[str, Member]] = field(default_factory=list)
    targets: list[tuple[str, Member]] = field(default_factory=list)
    shares_weights: list[Member] = field(default_factory=list)

    @cached_property
    def links(self) -> list[tuple[str, Member]]:
        """All that is joined to it; those it leads to have names of their own."""
        return [*self.sources, *((f"{role} of", each) for role, each in self.targets)]


def members_of(graph: NetworkGraph) -> list[Member]:
    """List the objects and connections of a network, in the order data flows."""
    parameters = parameters_by_object(graph)
    # those of a layer that is used in several nodes are listed with the first
    listed_at = {item.obj: first.obj for item, first in first_uses(graph.objects).items()}

    def facts(obj: Any, name: str, kind: str) -> dict[str, Fact]:
        found = [
            Fact("kind", "structure", kind),
            *facts_of_object(graph, obj),
            *facts_of_parameters(graph, obj, name, parameters.get(listed_at.get(obj, obj), ())),
        ]
        return {each.name: each for each in found}

    objects = {
        item: Member(item.obj, item.kind, item.name, facts(item.obj, item.name, item.kind))
        for item in graph.objects
    }
    _share_weights(objects, parameters)
    members: list[Member] = []
    links: dict[Any, Member] = {}
    for item, member in objects.items():
        for edge in graph.predecessors(item):
            if edge.connection is None:
                continue
            name = graph.name_of(edge.connection)
            link = Member(
                edge.connection, "connection", name, facts(edge.connection, name, "connection")
            )
            links[edge.connection] = link
            members.append(link)
        members.append(member)
    for edge in graph.edges:
        source, target = objects[edge.source], objects[edge.target]
        if edge.connection is None:
            _join_probe(source, target, links)
            continue
        link = links[edge.connection]
        _join(source, link, "pre")
        post = edge.connection.post_obj
        if isinstance(post, LearningRule):
            _join(link, links[post.connection], "learning rule")
        else:
            _join(link, target, "post")
    return members


def _share_weights(
    objects: Mapping[GraphObject, Member], parameters: Mapping[Any, Sequence[Parameter]]
) -> None:
    """Have nodes know with which ones they share weights."""
    users: dict[int, list[Member]] = {}
    for item, member in objects.items():
        layer = keras_layer_of(item.obj) if item.kind == "tensor node" else None
        for each in () if layer is None else layers_within(layer):
            users.setdefault(id(each), []).append(member)
    for members in users.values():
        # of a layer in several nodes the parameters are listed with the first
        if len(members) < 2 or not any(parameters.get(each.obj) for each in members):
            continue
        for member in members:
            found = [*member.shares_weights, *members]
            member.shares_weights = list({id(each): each for each in found}.values())


def _join(source: Member, target: Member, role: str) -> None:
    target.sources.append((role, source))
    source.targets.append((role, target))


def _join_probe(source: Member, probe: Member, links: dict[Any, Member]) -> None:
    read = probe.obj.obj
    read = read.connection if isinstance(read, LearningRule) else read
    _join(links[read] if isinstance(read, nengo.Connection) else source, probe, "read")
