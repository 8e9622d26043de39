"""What of two networks differs, and what of it follows from what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus.graph import listed
from nengo_layers_plus.introspection._comparison._comparison import Difference, write_place
from nengo_layers_plus.introspection._comparison._fact import GROUPS, Affects, Fact
from nengo_layers_plus.introspection._comparison._facts import EXTRA, SHARING, STRUCTURE
from nengo_layers_plus.introspection._comparison._member import Member
from nengo_layers_plus.introspection._comparison._pairing import Pairing
from nengo_layers_plus.introspection._comparison._shown import show_both

# facts of a connection that follow from its source, and from its target
_AT_SOURCE = ("reads", "pre slice")
_AT_TARGET = ("leads into", "post slice")


@dataclass(eq=False)
class Place:
    """
    A place in the graph, with what the networks have there.

    Parameters
    ----------
    a, b : Member or None
        The member of each network; None where it has none.
    differing : dict of tuple of Fact
        The facts that differ, by name; of a place that one of them alone has that this is so.
    before, behind : list of Place
        What leads to it, and from it.
    """

    a: Member | None
    b: Member | None
    differing: dict[str, tuple[Fact, Fact]]
    before: list[Place] = field(default_factory=list)
    behind: list[Place] = field(default_factory=list)

    @property
    def is_extra(self) -> bool:
        """Whether one of the networks alone has it."""
        return self.a is None or self.b is None

    @property
    def members(self) -> list[Member]:
        """What there is."""
        return [each for each in (self.a, self.b) if each is not None]

    @property
    def names(self) -> tuple[str | None, str | None]:
        """The names in each network."""
        return getattr(self.a, "name", None), getattr(self.b, "name", None)

    @property
    def objects(self) -> tuple[Any, Any]:
        """The objects themselves."""
        return getattr(self.a, "obj", None), getattr(self.b, "obj", None)


At = tuple[Place, str]
"""A fact that differs: where, and its name."""


@dataclass(eq=False)
class Cause:
    """
    A difference that follows from no other one.

    Parameters
    ----------
    name : str
        The name of the fact that differs.
    places : list of Place
        Where it does in the same way.
    follows : list of tuple of Place and str
        What differs because of it.
    """

    name: str
    places: list[Place]
    follows: list[At]

    @property
    def facts(self) -> tuple[Fact, Fact]:
        """The fact in each network."""
        return self.places[0].differing[self.name]

    def difference(self) -> Difference:
        """Return it as it is shown to users."""
        fact, other = self.facts
        shown = _show(fact, other)
        objects = tuple(place.objects for place in self.places)
        return Difference(
            what=self.name,
            group=fact.row.group,
            places=tuple(place.names for place in self.places),
            objects=objects,
            value_a=shown[0],
            value_b=shown[1],
            meaning=fact.row.write_meaning(fact, other, objects[0], *shown),
            remedy=fact.row.write_remedy(fact, shown[0]),
            consequences=tuple(_write_consequences(self.follows)),
        )


def find_causes(pairing: Pairing, wholes: Sequence[tuple[Member, Member]]) -> tuple[Cause, ...]:
    """
    Find what differs of two networks and follows from no other difference.

    Parameters
    ----------
    pairing : Pairing
        Their objects and connections.
    wholes : sequence of tuple of Member
        The networks and the Simulators as a whole.

    Returns
    -------
    causes : tuple of Cause
        Those that change most first.
    """
    return _Causes(pairing, wholes).find()


class _Causes:
    def __init__(self, pairing: Pairing, wholes: Sequence[tuple[Member, Member]]) -> None:
        self.wholes = [Place(a, b, _differing(a, b)) for a, b in wholes]
        self.pairs = [Place(a, b, _differing(a, b)) for a, b in pairing.pairs]
        self.extras = [
            *(Place(each, None, _extra_fact(each, True)) for each in pairing.only_in_a),
            *(Place(None, each, _extra_fact(each, False)) for each in pairing.only_in_b),
        ]
        self._place_of = {
            id(member): place for place in (*self.pairs, *self.extras) for member in place.members
        }
        self._sharing = [
            _write_sharing([*paired, *alone])
            for paired, alone in (
                ([a for a, _ in pairing.pairs], pairing.only_in_a),
                ([b for _, b in pairing.pairs], pairing.only_in_b),
            )
        ]
        for place, (a, b) in zip(self.pairs, pairing.pairs, strict=True):
            place.before = self._places(member for _, member in (*a.sources, *b.sources))
            place.behind = self._places(member for _, member in (*a.targets, *b.targets))
            self._compare_ends(place, a, b)
            self._compare_sharing(place, a, b)
        self._shift = self._find_shift()
        self._roots: dict[tuple[int, str], At | None] = {}

    def find(self) -> tuple[Cause, ...]:
        """Return all causes, those that change most first."""
        follows: dict[At, list[At]] = {}
        for place in (*self.extras, *self.wholes, *self.pairs):
            for name in place.differing:
                root = self._root(place, name)
                if root is not None:
                    others = follows.setdefault(root, [])
                    if root != (place, name):
                        others.append((place, name))
        causes: dict[Any, Cause] = {}
        for (place, name), others in follows.items():
            cause = causes.setdefault(_group_key(place, name), Cause(name, [], []))
            cause.places.append(place)
            cause.follows += others
        return tuple(
            sorted(causes.values(), key=lambda cause: GROUPS.index(cause.facts[0].row.group))
        )

    def _places(self, members: Iterable[Member]) -> list[Place]:
        return list(dict.fromkeys(self._place_of[id(member)] for member in members))

    # what is seen beside the other network

    def _compare_ends(self, place: Place, a: Member, b: Member) -> None:
        """Note two connections or probes that do not join the same objects."""
        ends = _ends(a), _ends(b)
        joined = [[(role, self._place_of[id(each)]) for role, each in some] for some in ends]
        # what leads to an object that one of them alone has follows from that
        if joined[0] != joined[1] and not any(end.is_extra for some in joined for _, end in some):
            texts = [" -> ".join(each.name for _, each in some) for some in ends]
            place.differing["structure"] = (STRUCTURE.fact(texts[0]), STRUCTURE.fact(texts[1]))

    def _compare_sharing(self, place: Place, a: Member, b: Member) -> None:
        """Note two nodes that do not share their Keras layer with the same nodes."""
        groups = [
            [each for each in self._places(member.shares_weights) if not each.is_extra]
            for member in (a, b)
        ]
        # what shares with nothing that the other network has shares with nothing
        shared = [set(group) if len(group) > 1 else set() for group in groups]
        has_other_layer = any(
            {"layer", "kind"} & set(p.differing) for group in groups for p in group
        )
        if shared[0] != shared[1] and not has_other_layer:
            in_a, in_b = self._sharing
            place.differing["shares weights"] = SHARING.fact(in_a), SHARING.fact(in_b)

    def _find_shift(self) -> At | None:
        """
        Return what one network alone has that shifts the seeds of the others, if it is that.

        nengo draws a seed for each object in the order they were made, those of each class by
        themselves.
        """
        drawn = [each for each in self.extras if each.members[0].kind != "probe"]
        partner = {id(a): b for a, b in (place.objects for place in self.pairs)}
        in_b = set(map(id, partner.values()))
        network_a, network_b = self.wholes[0].objects
        for kind in (nengo.Connection, nengo.Ensemble, nengo.Node):
            made_a = [
                partner.get(id(each)) for each in network_a.all_objects if isinstance(each, kind)
            ]
            made_b = [each for each in network_b.all_objects if isinstance(each, kind)]
            if [each for each in made_a if each is not None] != [
                each for each in made_b if id(each) in in_b
            ]:
                return None
        return next(((place, name) for place in drawn for name in place.differing), None)

    # what follows from what

    def _root(self, place: Place, name: str) -> At | None:
        """Return what a fact that differs follows from; itself, or None if it does not count."""
        key = (id(place), name)
        if key not in self._roots:
            self._roots[key] = None  # in a cycle nothing is the cause of itself
            itself = (place, name) if _counts(place, name) else None
            cause = self._cause(place, name) if itself or name != "seed" else None
            # what does not count by itself does where something that counts follows from it
            self._roots[key] = (
                itself if cause is None else self._root(*cause) or (cause if itself else None)
            )
        return self._roots[key]

    def _cause(self, place: Place, name: str) -> At | None:
        fact, other = place.differing[name]
        row = fact.row
        if row is EXTRA:
            return self._cause_of_extra(place)
        # what it is a part of, and whether it trains at all
        causes = [re.split(r"[.\[]", name)[0], name.replace("gets a gradient", "trains")]
        causes += row.causes if fact.causes is None else fact.causes
        if row.shape_causes and np.shape(fact.value) != np.shape(other.value):
            causes += row.shape_causes
        for pattern in causes:
            for each in (place, *self.wholes):
                for candidate in each.differing:
                    if candidate != name and fnmatchcase(candidate, pattern):
                        return each, candidate
        if name in (*_AT_SOURCE, *_AT_TARGET):
            return self._cause_at_end(place, name)
        if name == "seed" and not (fact.counts or other.counts):
            return self._shift
        if fact.is_before:
            return self._cause_before(place, fact, other)
        return self._cause_behind(place) if row.follows_output else None

    def _cause_of_extra(self, place: Place) -> At | None:
        """Return what one network alone has at an end of a connection, or its learning rule."""
        (member,) = place.members
        if member.kind != "connection":
            return None
        ends = [
            (role, self._place_of[id(each)]) for role, each in (*member.targets, *member.sources)
        ]
        for role, end in ends:
            if end.is_extra or (role == "learning rule" and "learning rule" in end.differing):
                return end, next(iter(end.differing)) if end.is_extra else "learning rule"
        return None

    def _cause_at_end(self, place: Place, name: str) -> At | None:
        """Return what is different of the object at one end of a connection."""
        affects = Affects.ENDS
        if name.endswith("slice"):
            affects |= Affects.SIZE_BEHIND if name in _AT_SOURCE else Affects.SIZE_BEFORE
        return _first(place.before if name in _AT_SOURCE else place.behind, affects)

    def _cause_before(self, place: Place, fact: Fact, other: Fact) -> At | None:
        if fact.name.endswith(" values"):
            # decoders are solved for the neurons that they decode, and weights between neurons
            # for those that they lead to as well
            return next(
                (
                    (each, name)
                    for each in (*place.before, *place.behind)
                    for name in each.differing
                    if not each.is_extra
                    and name not in ("structure", "seed")
                    and not name.endswith(" gradient")
                ),
                None,
            )
        if fact.row.group == "shape" and _size(fact.value) == _size(other.value):
            return None  # only the shape is another one
        for each in place.before:
            cause = _first([each], Affects.SIZE_THROUGH | Affects.SIZE_BEHIND)
            cause = cause or _first(each.before, Affects.SIZE_BEHIND)
            if cause is not None:
                return cause
        return None

    def _cause_behind(self, place: Place) -> At | None:
        waiting, seen = list(place.behind), set()
        while waiting:
            each = waiting.pop(0)
            if each not in seen:
                seen.add(each)
                cause = _first([each], Affects.GRADIENT)
                if cause is not None:
                    return cause
                waiting += each.behind
        return None


def _differing(a: Member, b: Member) -> dict[str, tuple[Fact, Fact]]:
    """Return the facts that are known of both and differ, by name."""
    return {
        name: (fact, b.facts[name])
        for name, fact in a.facts.items()
        if name in b.facts and not fact.same(b.facts[name])
    }


def _extra_fact(member: Member, in_a: bool) -> dict[str, tuple[Fact, Fact]]:
    name = f"{member.kind} only in {'a' if in_a else 'b'}"
    shown = {True: "there is one", False: "there is none"}
    fact, other = (EXTRA.fact(each, name=name, shown=shown[each]) for each in (in_a, not in_a))
    return {name: (fact, other)}


def _first(places: Iterable[Place], affects: Affects) -> At | None:
    """Return the first fact that differs, of some places, that affects something."""
    return next(
        (
            (place, name)
            for place in places
            for name, (fact, _) in place.differing.items()
            if fact.row.affects & affects
        ),
        None,
    )


def _counts(place: Place, name: str) -> bool:
    """Say whether a fact that differs for no other reason is a difference."""
    fact, other = place.differing[name]
    if fact.counts or other.counts:
        return True
    # numbers that are drawn differ with a seed, whatever else changes them
    return name == "seed" and any("seed" in each.row.causes for each, _ in place.differing.values())


def _group_key(place: Place, name: str) -> Any:
    """Return what is the same for causes that are the same at several places."""
    fact, other = place.differing[name]
    if fact.row is EXTRA:
        return place
    return name if fact.row.group == "seed" else (name, fact.fingerprint, other.fingerprint)


def _ends(member: Member) -> list[tuple[str, Member]]:
    """Return what a connection joins, or what a probe reads, and by which end."""
    if member.kind not in ("connection", "probe"):
        return []
    ends = [each for each in member.sources if each[0] in ("pre", "read")]
    return ends + [each for each in member.targets if each[0] in ("post", "learning rule")]


def _size(value: Any) -> int:
    return int(np.prod(value)) if value is not None else 0


# as text


def _show(fact: Fact, other: Fact) -> tuple[str, str]:
    if fact.shown is not None and other.shown is not None:
        return fact.shown, other.shown
    value_a, value_b = show_both(fact.value, other.value)
    return fact.shown or value_a, other.shown or value_b


def _write_consequences(follows: Iterable[At]) -> Iterator[str]:
    """Write what differs because of something else, what is the same at several objects once."""
    places: dict[tuple[str, str], list[str]] = {}
    for place, name in follows:
        fact, other = place.differing[name]
        if fact.row is EXTRA:
            yield f"{write_place(*place.names)} is {name.partition(' ')[2]}, too"
            continue
        values = ""
        if fact.row.runs and not fact.row.drawn and fact.row.group != "weights":
            values = ": {} / {}".format(*_show(fact, other))
        places.setdefault((name, values), []).append(write_place(*place.names))
    for (name, values), names in places.items():
        yield f"{name} of {listed(names, 4)}{values}"


def _write_sharing(members: Iterable[Member]) -> str:
    groups = {
        frozenset(map(id, each.shares_weights)): ", ".join(one.name for one in each.shares_weights)
        for each in members
        if each.shares_weights
    }
    return "; ".join(f"one Keras layer in {names}" for names in groups.values()) or "one in each"
