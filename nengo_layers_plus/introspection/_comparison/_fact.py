"""A fact of an object of a network, and a row of the table of facts."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
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
    "structure",
    "shape",
    "synapse",
    "training",
    "neurons",
    "weights",
    "layer",
    "input",
    "recording",
    "simulation",
    "seed",
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


@dataclass(frozen=True, eq=False)
class Subject:
    """
    What facts are about.

    Parameters
    ----------
    graph : NetworkGraph
        Its network.
    obj : NengoObject, nengo.Network or nengo_dl.Simulator
        The object or connection; or the network or the Simulator as a whole.
    kind : str
        That of a `GraphObject`, ``"connection"``, ``"network"`` or ``"simulator"``.
    name : str
        Its name in the graph.
    parameters : sequence of Parameter
        Its parameters; of a Keras layer that several nodes apply those that are listed with the
        first.
    """

    graph: NetworkGraph
    obj: Any
    kind: str
    name: str
    parameters: Sequence[Parameter] = ()


@dataclass(eq=False)
class Fact:
    """
    One thing that is true of an object.

    Parameters
    ----------
    name : str
        Its name, e.g. ``"synapse"``.
    value : object
        Its value.
    shown : str, optional
        How the value is written, where that is not by itself.
    counts : bool
        Whether it is a difference where nothing follows from it.
    is_editable : bool
        Whether a copy of the object can be given another value.
    equal : callable, optional
        Says whether two values do the same, where that is not seen by looking at them.
    parameter : tuple of str and int, optional
        The kind of the parameter that it is the value of, and its number among those.
    causes : sequence of str, optional
        In the place of the causes of its row.
    follows_input : bool, optional
        In the place of what its row says.
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
        """What the value is."""
        return fingerprint(self.value)

    @property
    def can_undo(self) -> bool:
        """Whether a difference can be undone by itself."""
        is_held = self.row.undo is not None or self.row.parameters or self.parameter
        return self.is_editable and bool(is_held)

    @property
    def is_before(self) -> bool:
        """Whether it follows from what differs before the object, where something does."""
        return self.row.follows_input if self.follows_input is None else self.follows_input

    def same(self, other: Fact) -> bool:
        """Say whether another fact has the same value."""
        if self.fingerprint == other.fingerprint:
            return True
        return self.equal is not None and self.equal(self.value, other.value)


@dataclass(frozen=True, eq=False)
class Undo:
    """
    What is needed to give an object of a copy of the second network what that of the first has.

    Parameters
    ----------
    facts : tuple of Fact
        What differs, in each.
    source, target : NengoObject
        The object in a copy of the first network, and the one that is changed.
    graph : NetworkGraph
        The first network.
    network : nengo.Network
        The copy of the second network.
    """

    facts: tuple[Fact, Fact]
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
        Takes a `Subject` and returns the value, or yields facts. Rows beside each other may have
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
        What follows from it at other objects.
    runs : bool
        Whether it changes what is computed before anything is trained.
    """

    name: str
    group: str
    get: Callable[[Subject], Any] | None
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

    @property
    def drawn(self) -> bool:
        """Whether it is about numbers that may be drawn, or what they are drawn with."""
        return self.group == "seed" or "seed" in self.causes

    def fact(self, value: Any, name: str = "", **more: Any) -> Fact:
        """Return a fact of this row."""
        fact = Fact(name or self.name, value, **more)
        fact.row = self
        return fact

    def write_meaning(self, fact: Fact, other: Fact, objects: tuple[Any, Any], *shown: str) -> str:
        """Say what a difference does."""
        if callable(self.meaning):
            return self.meaning(fact, other, objects)
        return self.meaning.format(a=shown[0], b=shown[1])

    def write_remedy(self, fact: Fact, shown: str) -> str:
        """Say what to change in the second network."""
        if callable(self.remedy):
            return self.remedy(fact)
        separator = "." if "." in fact.name else " "
        argument = fact.name.partition(separator)[2]
        return self.remedy.format(a=shown, name=fact.name, argument=argument)


def facts_of(subject: Subject, rows: Sequence[Row]) -> Iterator[Fact]:
    """Yield what is true of an object, by the rows for its kind."""
    for index, row in enumerate(rows):
        if row.get is not None and index and rows[index - 1].get is row.get:
            continue  # of the same getter
        value = getattr(subject.obj, row.name) if row.get is None else row.get(subject)
        facts = value if isinstance(value, GeneratorType) else [Fact(row.name, value)]
        for fact in facts:
            fact.row = next(
                each
                for each in rows[index:]
                if each.get is row.get and fnmatchcase(fact.name, each.name)
            )
            yield fact
