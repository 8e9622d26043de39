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
from nengo_layers_plus.introspection._comparison._fact import Fact, Subject, facts_of
from nengo_layers_plus.introspection._comparison._facts import ROWS


@dataclass(eq=False)
class Member:
    """
    An object or a connection of a network, or the network or Simulator as a whole.

    Parameters
    ----------
    obj : NengoObject, nengo.Network or nengo_dl.Simulator
        The object or connection itself.
    kind : str
        That of its `Subject`.
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


def whole_members(graph: NetworkGraph) -> tuple[Member, Member]:
    """Return a network and its Simulator, or what that would be by default, as a whole."""
    return (
        _member(Subject(graph, graph.network, "network", "the network")),
        _member(Subject(graph, graph.simulator, "simulator", "the Simulator")),
    )


def members_of(graph: NetworkGraph) -> list[Member]:
    """List the objects and connections of a network, in the order data flows."""
    parameters: dict[Any, list[Parameter]] = {}
    for parameter in graph.parameters:
        parameters.setdefault(parameter.obj, []).append(parameter)
    # those of a layer that is used in several nodes are listed with the first
    listed_at = {item.obj: first.obj for item, first in first_uses(graph.objects).items()}

    def member(obj: Any, kind: str, name: str) -> Member:
        own = parameters.get(listed_at.get(obj, obj), ())
        return _member(Subject(graph, obj, kind, name, own))

    objects = {item: member(item.obj, item.kind, item.name) for item in graph.objects}
    _share_weights(objects, parameters)
    members: list[Member] = []
    links: dict[Any, Member] = {}
    for item, target in objects.items():
        for edge in graph.predecessors(item):
            link = edge.connection
            if link is not None:
                links[link] = member(link, "connection", graph.name_of(link))
                members.append(links[link])
        members.append(target)
    for edge in graph.edges:
        source, target = objects[edge.source], objects[edge.target]
        if edge.connection is None:
            read = target.obj.obj
            read = read.connection if isinstance(read, LearningRule) else read
            _join(links[read] if isinstance(read, nengo.Connection) else source, target, "read")
            continue
        _join(source, links[edge.connection], "pre")
        post = edge.connection.post_obj
        if isinstance(post, LearningRule):
            _join(links[edge.connection], links[post.connection], "learning rule")
        else:
            _join(links[edge.connection], target, "post")
    return members


def _member(subject: Subject) -> Member:
    facts = {fact.name: fact for fact in facts_of(subject, ROWS[subject.kind])}
    return Member(subject.obj, subject.kind, subject.name, facts)


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
        if len(members) > 1 and any(parameters.get(each.obj) for each in members):
            for member in members:
                both = [*member.shares_weights, *members]
                member.shares_weights = list(dict.fromkeys(both))


def _join(source: Member, target: Member, role: str) -> None:
    target.sources.append((role, source))
    source.targets.append((role, target))
