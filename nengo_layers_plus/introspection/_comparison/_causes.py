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
from nengo_layers_plus.introspection._comparison._fact import GROUPS, Affects, Fact, Member, Row
from nengo_layers_plus.introspection._comparison._facts import EXTRA, SHARING, STRUCTURE
from nengo_layers_plus.introspection._comparison._pairing import Pairing
from nengo_layers_plus.introspection._comparison._shown import show_both

# facts of a connection that follow from its source; others of its ends follow from its target
_AT_SOURCE = ("reads", "pre slice")
_AT_ENDS = (*_AT_SOURCE, "leads into", "post slice")


@dataclass(eq=False)
class Place:
    """
    A place in the graph, with the member that each network has there.

    Parameters
    ----------
    a, b : Member or None
        The member of each network; None where it has none.
    changes : dict of Change
        The facts that differ, by name; of a place that one network alone has that this is so.
    before, behind : list of Place
        The places that lead to it, and to which it leads.
    """

    a: Member | None
    b: Member | None
    changes: dict[str, Change] = field(default_factory=dict)
    before: list[Place] = field(default_factory=list)
    behind: list[Place] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.a is not None and self.b is not None:
            for name, fact in self.a.facts.items():
                fact_b = self.b.facts.get(name)
                if fact_b is not None and not fact.same(fact_b):
                    self.add(fact, fact_b)
            return
        name = f"{self.members[0].kind} only in {'b' if self.a is None else 'a'}"
        values = [member is not None for member in (self.a, self.b)]
        shown = {True: "there is one", False: "there is none"}
        self.add(*(EXTRA.fact(value, name, shown[value]) for value in values))

    def add(self, a: Fact, b: Fact) -> None:
        """Note that a fact differs."""
        self.changes[a.name] = Change(self, a, b)

    @property
    def is_extra(self) -> bool:
        """Whether one of the networks alone has it."""
        return self.a is None or self.b is None

    @property
    def members(self) -> list[Member]:
        """The members of both networks, or of the one that has it."""
        return [member for member in (self.a, self.b) if member is not None]

    @property
    def names(self) -> tuple[str | None, str | None]:
        """The names in each network."""
        return getattr(self.a, "name", None), getattr(self.b, "name", None)

    @property
    def objects(self) -> tuple[Any, Any]:
        """The objects themselves."""
        return getattr(self.a, "obj", None), getattr(self.b, "obj", None)


@dataclass(eq=False)
class Change:
    """A fact that differs at a place: the fact in both networks."""

    place: Place
    a: Fact
    b: Fact

    @property
    def name(self) -> str:
        """The name of the fact."""
        return self.a.name

    @property
    def row(self) -> Row:
        """Its row in the table of facts."""
        return self.a.row

    @property
    def counts(self) -> bool:
        """Whether it is a difference if it has no cause."""
        if self.a.counts or self.b.counts:
            return True
        # numbers that are drawn differ with a seed, whatever else changes them
        around = self.place.changes.values()
        return self.name == "seed" and any("seed" in change.row.causes for change in around)

    @property
    def kind(self) -> Any:
        """The same for changes that are the same at several places."""
        if self.row is EXTRA:
            return self
        values = (self.a.fingerprint, self.b.fingerprint)
        return self.name if self.row.group == "seed" else (self.name, *values)

    def show(self) -> tuple[str, str]:
        """Return both values as text."""
        shown = self.a.shown, self.b.shown
        if None not in shown:
            return str(shown[0]), str(shown[1])
        values = show_both(self.a.value, self.b.value)
        return shown[0] or values[0], shown[1] or values[1]


@dataclass(eq=False)
class Cause:
    """
    A difference that follows from no other one.

    Parameters
    ----------
    changes : list of Change
        The fact, at all places where it differs in the same way.
    follows : list of Change
        What differs because of it.
    """

    changes: list[Change] = field(default_factory=list)
    follows: list[Change] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the fact."""
        return self.changes[0].name

    @property
    def row(self) -> Row:
        """Its row in the table of facts."""
        return self.changes[0].row

    @property
    def can_undo(self) -> bool:
        """Whether it can be undone by itself."""
        return all(change.a.can_undo for change in self.changes)

    def difference(self) -> Difference:
        """Return it as it is shown to users."""
        first = self.changes[0]
        shown, objects = first.show(), first.place.objects
        return Difference(
            what=self.name,
            group=self.row.group,
            places=tuple(change.place.names for change in self.changes),
            objects=tuple(change.place.objects for change in self.changes),
            value_a=shown[0],
            value_b=shown[1],
            meaning=self.row.write_meaning(first.a, first.b, objects, *shown),
            remedy=self.row.write_remedy(first.a, shown[0]),
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
        self.wholes = [Place(a, b) for a, b in wholes]
        self.pairs = [Place(a, b) for a, b in pairing.pairs]
        self.extras = [
            *(Place(member, None) for member in pairing.only_in_a),
            *(Place(None, member) for member in pairing.only_in_b),
        ]
        self._place_of = {
            id(member): place for place in (*self.pairs, *self.extras) for member in place.members
        }
        in_a, in_b = zip(*pairing.pairs, strict=True) if pairing.pairs else ((), ())
        sharing = (
            SHARING.fact(_write_sharing([*in_a, *pairing.only_in_a])),
            SHARING.fact(_write_sharing([*in_b, *pairing.only_in_b])),
        )
        for place, (a, b) in zip(self.pairs, pairing.pairs, strict=True):
            place.before = self._places(member for _, member in (*a.sources, *b.sources))
            place.behind = self._places(member for _, member in (*a.targets, *b.targets))
            self._compare_ends(place, a, b)
            if self._share_differently(a, b):
                place.add(*sharing)
        self._shift = self._find_shift()
        self._roots: dict[Change, Change | None] = {}

    def find(self) -> tuple[Cause, ...]:
        """Return all causes, those that change most first."""
        follows: dict[Change, list[Change]] = {}
        for place in (*self.extras, *self.wholes, *self.pairs):
            for change in place.changes.values():
                root = self._root(change)
                if root is not None:
                    follows.setdefault(root, []).extend([] if root is change else [change])
        causes: dict[Any, Cause] = {}
        for root, others in follows.items():
            cause = causes.setdefault(root.kind, Cause())
            cause.changes.append(root)
            cause.follows += others
        return tuple(sorted(causes.values(), key=lambda cause: GROUPS.index(cause.row.group)))

    def _places(self, members: Iterable[Member]) -> list[Place]:
        return list(dict.fromkeys(self._place_of[id(member)] for member in members))

    # facts that show only in the comparison

    def _compare_ends(self, place: Place, a: Member, b: Member) -> None:
        """Note if two connections or probes do not join the same objects."""
        ends = _ends(a), _ends(b)
        joined = [[(role, self._place_of[id(end)]) for role, end in pair] for pair in ends]
        # what leads to an object that one of them alone has follows from that
        if joined[0] != joined[1] and not any(end.is_extra for pair in joined for _, end in pair):
            texts = [" -> ".join(end.name for _, end in pair) for pair in ends]
            place.add(STRUCTURE.fact(texts[0]), STRUCTURE.fact(texts[1]))

    def _share_differently(self, a: Member, b: Member) -> bool:
        """Say whether two nodes do not share their Keras layer with the same nodes."""
        groups = [
            {place for place in self._places(member.shares_weights) if not place.is_extra}
            for member in (a, b)
        ]
        has_other_layer = any(
            {"layer", "kind"} & set(place.changes) for group in groups for place in group
        )
        # a node that shares with nothing that the other network has shares with nothing
        shared = [group if len(group) > 1 else set() for group in groups]
        return shared[0] != shared[1] and not has_other_layer

    def _find_shift(self) -> Change | None:
        """
        Return the first object that one network alone has, if it shifts the seeds of the others.

        nengo draws a seed for each object in the order they were made, those of each class by
        themselves. Where the order differs too, that is the reason.
        """
        partner = {id(a): b for a, b in (place.objects for place in self.pairs)}
        in_b = set(map(id, partner.values()))
        network_a, network_b = self.wholes[0].objects
        for kind in (nengo.Connection, nengo.Ensemble, nengo.Node):
            made_a, made_b = (
                [obj for obj in network.all_objects if isinstance(obj, kind)]
                for network in (network_a, network_b)
            )
            if [partner[id(obj)] for obj in made_a if id(obj) in partner] != [
                obj for obj in made_b if id(obj) in in_b
            ]:
                return None
        drawn = (place for place in self.extras if place.members[0].kind != "probe")
        return next((change for place in drawn for change in place.changes.values()), None)

    # what follows from what

    def _root(self, change: Change) -> Change | None:
        """Return what a change follows from; itself, or None if it does not count."""
        if change not in self._roots:
            self._roots[change] = None  # in a cycle nothing is the cause of itself
            itself = change if change.counts else None
            cause = self._cause(change) if itself or change.name != "seed" else None
            # what does not count by itself does where something that counts follows from it
            self._roots[change] = (
                itself if cause is None else self._root(cause) or (cause if itself else None)
            )
        return self._roots[change]

    def _cause(self, change: Change) -> Change | None:
        place, row, name = change.place, change.row, change.name
        if row is EXTRA:
            return self._cause_of_extra(place)
        # what it is a part of, and whether it trains at all
        patterns = [re.split(r"[.\[]", name)[0], name.replace("gets a gradient", "trains")]
        patterns += row.causes if change.a.causes is None else change.a.causes
        if row.shape_causes and np.shape(change.a.value) != np.shape(change.b.value):
            patterns += row.shape_causes
        for pattern in patterns:
            for candidates in (place, *self.wholes):
                for candidate in candidates.changes.values():
                    if candidate is not change and fnmatchcase(candidate.name, pattern):
                        return candidate
        if name in _AT_ENDS:
            affects = Affects.ENDS
            if name.endswith("slice"):
                affects |= Affects.SIZE_BEHIND if name in _AT_SOURCE else Affects.SIZE_BEFORE
            return _first(place.before if name in _AT_SOURCE else place.behind, affects)
        if name == "seed" and not (change.a.counts or change.b.counts):
            return self._shift
        if change.a.is_before:
            return _cause_before(change)
        return _cause_behind(place) if row.follows_output else None

    def _cause_of_extra(self, place: Place) -> Change | None:
        """Return what one network alone has at an end of a connection, or its learning rule."""
        (member,) = place.members
        for role, linked in (
            (*member.targets, *member.sources) if member.kind == "connection" else ()
        ):
            end = self._place_of[id(linked)]
            if end.is_extra:
                return next(iter(end.changes.values()))
            if role == "learning rule" and role in end.changes:
                return end.changes[role]
        return None


def _cause_before(change: Change) -> Change | None:
    place, row = change.place, change.row
    if change.name.endswith(" values"):
        # decoders are solved for the neurons that they decode, and weights between neurons for
        # those that they lead to as well
        return next(
            (
                candidate
                for beside in (*place.before, *place.behind)
                for candidate in beside.changes.values()
                if not beside.is_extra
                and candidate.name not in ("structure", "seed")
                and not candidate.name.endswith(" gradient")
            ),
            None,
        )
    if row.group == "shape" and _size(change.a.value) == _size(change.b.value):
        return None  # the shape alone differs
    for beside in place.before:
        cause = _first([beside], Affects.SIZE_THROUGH | Affects.SIZE_BEHIND)
        cause = cause or _first(beside.before, Affects.SIZE_BEHIND)
        if cause is not None:
            return cause
    return None


def _cause_behind(place: Place) -> Change | None:
    """Return what changes gradients, the nearest first."""
    places = list(place.behind)
    seen = set(places)
    for behind in places:  # which grows
        cause = _first([behind], Affects.GRADIENT)
        if cause is not None:
            return cause
        further = [candidate for candidate in behind.behind if candidate not in seen]
        places += further
        seen.update(further)
    return None


def _first(places: Iterable[Place], affects: Affects) -> Change | None:
    """Return the first change, of some places, that affects something."""
    changes = (change for place in places for change in place.changes.values())
    return next((change for change in changes if change.row.affects & affects), None)


def _ends(member: Member) -> list[tuple[str, Member]]:
    """Return what a connection joins, or what a probe reads, and by which end."""
    if member.kind not in ("connection", "probe"):
        return []
    sources = [link for link in member.sources if link[0] in ("pre", "read")]
    return sources + [link for link in member.targets if link[0] in ("post", "learning rule")]


def _size(value: Any) -> int:
    return int(np.prod(value)) if value is not None else 0


# as text


def _write_consequences(follows: Iterable[Change]) -> Iterator[str]:
    """Write what differs because of something else, what is the same at several objects once."""
    places: dict[tuple[str, str], list[str]] = {}
    for change in follows:
        row, place = change.row, write_place(*change.place.names)
        if row is EXTRA:
            yield f"{place} is {change.name.partition(' ')[2]}, too"
            continue
        has_values = row.runs and not row.drawn and row.group != "weights"
        values = ": {} / {}".format(*change.show()) if has_values else ""
        places.setdefault((change.name, values), []).append(place)
    for (name, values), names in places.items():
        yield f"{name} of {listed(names, 4)}{values}"


def _write_sharing(members: Iterable[Member]) -> str:
    groups = [tuple(user.name for user in member.shares_weights) for member in members]
    texts = [f"one Keras layer in {', '.join(names)}" for names in dict.fromkeys(groups) if names]
    return "; ".join(texts) or "one in each"
