"""Members of a network that is compared, facts of them, and a row of the table of facts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from fnmatch import fnmatchcase
from functools import cached_property
from types import GeneratorType
from typing import Any

import nengo

from nengo_layers_plus.graph import NetworkGraph, Parameter
from nengo_layers_plus.introspection._same import fingerprint

GROUPS = (
    *("structure", "shape", "synapse", "training", "neurons", "weights"),
    *("layer", "input", "recording", "simulation", "seed"),
)
"""Kinds of differences, those that change most first."""


class Affects(Flag):
    """What a fact may change of the objects and connections around its own."""

    NOTHING = 0
    ENDS = auto()  # what a connection to it or from it reads and leads into
    SIZE_BEFORE = auto()  # how many values a connection to it has to bring
    SIZE_BEHIND = auto()  # how many values it puts out
    SIZE_THROUGH = auto()  # of a connection, how many values arrive
    SIZES = SIZE_BEFORE | SIZE_BEHIND | SIZE_THROUGH
    GRADIENT = auto()  # whether a gradient comes to what is before it


@dataclass(eq=False)
class Member:
    """
    An object or a connection of a network, or the network or Simulator as a whole.

    Parameters
    ----------
    graph : NetworkGraph
        Its network.
    obj : NengoObject, nengo.Network or nengo_dl.Simulator
        The object or connection itself.
    kind : str
        That of a `GraphObject`, ``"connection"``, ``"network"`` or ``"simulator"``.
    name : str
        Its name in the graph; of a connection those of its ends.
    parameters : sequence of Parameter
        Its parameters; of a Keras layer that several nodes apply those that are listed with the
        first.
    facts : dict of Fact
        Its facts, by name.
    sources, targets : list of tuple of str and Member
        The members that lead to it, and to which it leads, and by which end.
    shares_weights : list of Member
        The nodes, itself among them, that apply the same Keras layer, or one with a layer within it
        that is the same; empty if there is no other one, or the layer has no weights.
    """

    graph: NetworkGraph
    obj: Any
    kind: str
    name: str
    parameters: Sequence[Parameter] = ()
    facts: dict[str, Fact] = field(default_factory=dict)
    sources: list[tuple[str, Member]] = field(default_factory=list)
    targets: list[tuple[str, Member]] = field(default_factory=list)
    shares_weights: list[Member] = field(default_factory=list)

    @cached_property
    def links(self) -> list[tuple[str, Member]]:
        """All members that are joined to it; those it leads to by roles of their own."""
        return [*self.sources, *((f"{role} of", member) for role, member in self.targets)]

    def find_facts(self, rows: Sequence[Row]) -> None:
        """Collect the facts by the rows for its kind."""
        for index, row in enumerate(rows):
            if row.get is not None and index and rows[index - 1].get is row.get:
                continue  # it shares a getter with the row before
            value = getattr(self.obj, row.name) if row.get is None else row.get(self)
            is_one = not isinstance(value, GeneratorType)
            facts = [Fact(row.name, value, counts=row.counts)] if is_one else value
            for fact in facts:
                fact.row = next(
                    candidate
                    for candidate in rows[index:]
                    if candidate.get is row.get and fnmatchcase(fact.name, candidate.name)
                )
                self.facts[fact.name] = fact


@dataclass(eq=False)
class Fact:
    """
    One thing that is true of a member.

    Parameters
    ----------
    name : str
        Its name, e.g. ``"synapse"``.
    value : object
        Its value.
    shown : str, optional
        The value as text, where its own text does not do.
    counts : bool
        Whether it is a difference even if nothing follows from it.
    is_editable : bool
        Whether a copy of the object can be given another value.
    equal : callable, optional
        Tests whether two values do the same, where their fingerprints don't tell.
    parameter : tuple of str and int, optional
        The kind of the parameter whose value it is, and its number among those.
    causes : sequence of str, optional
        In the place of the causes of its row.
    follows_input : bool, optional
        In the place of that of its row.
    """

    name: str
    value: Any
    shown: str | None = None
    counts: bool = True
    is_editable: bool = True
    equal: Callable[[Any, Any], bool] | None = None
    parameter: tuple[str, int] | None = None
    causes: Sequence[str] | None = None
    follows_input: bool | None = None
    row: Row = field(init=False, repr=False)

    @cached_property
    def fingerprint(self) -> Hashable:
        """The fingerprint of the value."""
        return fingerprint(self.value)

    @property
    def can_undo(self) -> bool:
        """Whether a difference can be undone by itself."""
        is_held = self.row.undo is not None or self.row.parameters or self.parameter
        return self.is_editable and bool(is_held)

    @property
    def is_before(self) -> bool:
        """Whether it follows from differences before the object, where there are any."""
        return self.row.follows_input if self.follows_input is None else self.follows_input

    def same(self, other: Fact) -> bool:
        """Say whether another fact has the same value."""
        if self.fingerprint == other.fingerprint:
            return True
        return self.equal is not None and self.equal(self.value, other.value)


@dataclass(frozen=True, eq=False)
class Undo:
    """
    What is needed to give an object of a copy of the second network a value of the first.

    Parameters
    ----------
    a, b : Fact
        The fact in the first network, and in the second.
    source, target : NengoObject
        The object in a copy of the first network, and the one that is changed.
    graph : NetworkGraph
        The first network.
    network : nengo.Network
        The copy of the second network.
    """

    a: Fact
    b: Fact
    source: Any
    target: Any
    graph: NetworkGraph
    network: nengo.Network


@dataclass(frozen=True, eq=False)
class Row:
    """
    A row of the table of facts: what is known of all facts of one name.

    Parameters
    ----------
    name : str
        The name, or a pattern of several names as of `fnmatch`.
    group : str
        One of `GROUPS`.
    get : callable or None
        Takes a `Member` and returns the value, or yields facts. Rows beside each other may have
        the same one: the first whose name fits a fact is its row. None if the value is the
        attribute of this name.
    undo : tuple of str, callable or None
        The attributes to take over, that of this name if it is empty; or what does it, given an
        `Undo`; None for what can't be undone by itself.
    meaning : str or callable
        What a difference does. ``{a}`` and ``{b}`` stand for both values; a callable takes the two
        facts and their objects.
    remedy : str or callable
        What to change in the second network. ``{a}`` stands for the value in the first, ``{name}``
        for the name and ``{argument}`` for what follows a dot or a space in it; a callable takes
        the first fact.
    parameters : tuple of str
        The kinds of parameters that hold it in a Simulator.
    causes : tuple of str
        Names of facts of the same object, of the network or of the Simulator, or patterns of names:
        where one differs, this one follows from it. What is a part of something (``"layer.units"``)
        follows from that as well.
    shape_causes : tuple of str
        The same where the value has another shape.
    follows_input, follows_output : bool
        Whether it follows from what differs before the object, or behind it.
    affects : Affects
        What follows from it at the objects around.
    runs : bool
        Whether it changes what is computed before anything is trained.
    counts : bool
        That of its facts; those that a getter yields say it themselves.
    """

    name: str
    group: str
    get: Callable[[Member], Any] | None
    undo: tuple[str, ...] | Callable[[Undo], None] | None
    meaning: str | Callable[[Fact, Fact, tuple[Any, Any]], str]
    remedy: str | Callable[[Fact], str] = "in b, set {name} to {a}"
    parameters: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    shape_causes: tuple[str, ...] = ()
    follows_input: bool = False
    follows_output: bool = False
    affects: Affects = Affects.NOTHING
    runs: bool = True
    counts: bool = True

    @property
    def drawn(self) -> bool:
        """Whether it is about numbers that may be drawn, or what they are drawn with."""
        return self.group == "seed" or "seed" in self.causes

    def fact(self, value: Any, name: str = "", shown: str | None = None) -> Fact:
        """Return a fact of this row."""
        fact = Fact(name or self.name, value, shown)
        fact.row = self
        return fact

    def write_meaning(self, a: Fact, b: Fact, objects: tuple[Any, Any], *shown: str) -> str:
        """Say what a difference does."""
        if callable(self.meaning):
            return self.meaning(a, b, objects)
        return self.meaning.format(a=shown[0], b=shown[1])

    def write_remedy(self, fact: Fact, shown: str) -> str:
        """Say what to change in the second network."""
        if callable(self.remedy):
            return self.remedy(fact)
        separator = "." if "." in fact.name else " "
        argument = fact.name.partition(separator)[2]
        return self.remedy.format(a=shown, name=fact.name, argument=argument)
