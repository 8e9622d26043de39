"""How the members of two networks differ, and what follows from what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus.graph import listed
from nengo_layers_plus.introspection._comparison._difference import Difference, write_place
from nengo_layers_plus.introspection._comparison._fact import GROUPS, Fact
from nengo_layers_plus.introspection._comparison._meanings import meaning_of, remedy_of
from nengo_layers_plus.introspection._comparison._member import Member
from nengo_layers_plus.introspection._comparison._pairing import Pairing
from nengo_layers_plus.introspection._comparison._shown import show_both

# what of an object, or of a connection, decides the size of what comes behind it
_SIZES = frozenset({"n_neurons", "dimensions", "shape out", "size out"})
_SIZES_IN = frozenset({"n_neurons", "dimensions", "shape in", "size in"})
_SIZES_OF_LINK = frozenset({"transform", "pre slice", "post slice", "function", "reads"})
# what of an object decides whether a gradient passes it
_GRADIENT = ("kind", "neuron type", "layer", "function", "synapse", "structure", "reads", "output")


@dataclass(eq=False)
class Pair:
    """
    Two members that have the same place, or what is true of both networks as a whole.

    Parameters
    ----------
    name_a, name_b : str
        Their names.
    objects : tuple
        The objects themselves.
    differing : dict of tuple of Fact
        The facts that differ, by name.
    prefix : str
        What is written before the names of facts to find what they mean.
    before, behind : list of Pair or Extra
        What leads to them, and from them.
    """

    name_a: str
    name_b: str
    objects: tuple[Any, Any]
    differing: dict[str, tuple[Fact, Fact]]
    prefix: str = ""
    before: list[Pair | Extra] = field(default_factory=list)
    behind: list[Pair | Extra] = field(default_factory=list)


@dataclass(eq=False)
class Extra:
    """
    A member that one of the networks alone has.

    Parameters
    ----------
    member : Member
        The member.
    in_a : bool
        Whether it is the first network that has it.
    belongs_to : Extra
        Of a connection to or from another such member, that member; else itself.
    of_rule : Pair or None
        Of a connection into a learning rule that one of them alone has, the connection that learns.
    """

    member: Member
    in_a: bool
    belongs_to: Extra = field(init=False)
    of_rule: Pair | None = None

    def __post_init__(self) -> None:
        self.belongs_to = self


Cause = tuple[Pair, str] | Extra


@dataclass(frozen=True, eq=False)
class Found:
    """
    A difference, and what it was found in.

    Parameters
    ----------
    difference : Difference
        The difference.
    causes : tuple of Cause
        What differs, at each of its places.
    follows : tuple of tuple of Pair and str
        What differs because of it.
    """

    difference: Difference
    causes: tuple[Cause, ...]
    follows: tuple[tuple[Pair, str], ...]


class Differing:
    """
    Finds the differences of two networks whose members were paired.

    Parameters
    ----------
    pairing : Pairing
        The members.
    wholes : list of Pair
        What differs of the networks and Simulators as a whole.
    """

    def __init__(self, pairing: Pairing, wholes: list[Pair]) -> None:
        self.wholes = wholes
        self.pairs = [
            Pair(a.name, b.name, (a.obj, b.obj), differing_facts(a.facts, b.facts))
            for a, b in pairing.pairs
        ]
        self.extras = [
            *(Extra(each, in_a=True) for each in pairing.only_in_a),
            *(Extra(each, in_a=False) for each in pairing.only_in_b),
        ]
        self._places: dict[int, Pair | Extra] = {}
        for pair, members in zip(self.pairs, pairing.pairs, strict=True):
            self._places |= {id(member): pair for member in members}
        self._places |= {id(each.member): each for each in self.extras}
        self._sharing = [
            _write_sharing([*some, *alone])
            for some, alone in (
                ([a for a, _ in pairing.pairs], pairing.only_in_a),
                ([b for _, b in pairing.pairs], pairing.only_in_b),
            )
        ]
        self._join(pairing)
        self._shifted = self._find_shift()
        self._roots: dict[tuple[int, str], Cause | None] = {}

    def _join(self, pairing: Pairing) -> None:
        for pair, (a, b) in zip(self.pairs, pairing.pairs, strict=True):
            pair.before = self._beside(a.sources, b.sources)
            pair.behind = self._beside(a.targets, b.targets)
            moved = self._moved(a, b)
            if moved is not None:
                pair.differing["structure"] = moved
            shared = self._shared(a, b)
            if shared is not None:
                pair.differing["shares weights"] = shared
        for extra in self.extras:
            if extra.member.kind != "connection":
                continue
            ends = [each for _, each in (*extra.member.sources, *extra.member.targets)]
            for end in (self._place(each) for each in ends):
                if isinstance(end, Extra):
                    extra.belongs_to = end
                elif "learning rule" in end.differing and ("learning rule", end) in [
                    (role, self._place(each)) for role, each in extra.member.targets
                ]:
                    extra.of_rule = end

    def _find_shift(self) -> Extra | None:
        """
        Return what one network alone has that shifts the seeds of the others, if it is that.

        nengo draws a seed for each object in the order they were made, those of each class by
        themselves.
        """
        drawn = [each for each in self.extras if each.member.kind != "probe"]
        if not drawn:
            return None
        partner = {id(pair.objects[0]): pair.objects[1] for pair in self.pairs}
        networks = [pair.objects for pair in self.wholes if pair.prefix == "network."]
        for network_a, network_b in networks:
            alone = {id(each.member.obj) for each in self.extras}
            made = [
                [each for each in network.all_objects if id(each) not in alone]
                for network in (network_a, network_b)
            ]
            in_b = [partner[id(each)] for each in made[0] if id(each) in partner]
            there = {id(each) for each in in_b}
            for kind in (nengo.Connection, nengo.Ensemble, nengo.Node):
                mine = [each for each in in_b if isinstance(each, kind)]
                other = [each for each in made[1] if isinstance(each, kind) and id(each) in there]
                if mine != other:
                    return None
        return drawn[0]

    def _beside(self, *links: list[tuple[str, Member]]) -> list[Pair | Extra]:
        found = {id(each): self._place(each) for some in links for _, each in some}
        return list(dict.fromkeys(found.values()))

    def _moved(self, a: Member, b: Member) -> tuple[Fact, Fact] | None:
        """Say where two connections or probes lead that do not join the same objects."""
        if a.kind not in ("connection", "probe"):
            return None
        ends = _ends(a), _ends(b)
        places = [[(role, self._place(each)) for role, each in some] for some in ends]
        alone = any(isinstance(place, Extra) for some in places for _, place in some)
        if places[0] == places[1] or alone:
            return None  # the same, or what follows from an object that one of them alone has
        written = [" -> ".join(each.name for _, each in some) for some in ends]
        return Fact("structure", "structure", written[0]), Fact(
            "structure", "structure", written[1]
        )

    def _shared(self, a: Member, b: Member) -> tuple[Fact, Fact] | None:
        """Say with which nodes two nodes share weights, if those do not have the same places."""
        groups = a.shares_weights, b.shares_weights
        # what shares with nothing that the other network has shares with nothing
        places, others = (
            [place for place in map(self._place, group) if isinstance(place, Pair)]
            for group in groups
        )
        if _several(places) == _several(others):
            return None
        if any({"layer", "kind"} & set(each.differing) for each in (*places, *others)):
            return None  # then there is another layer
        fact, other = (
            Fact("shares weights", "weights", text, attributes=("tensor_func", "shape_out"))
            for text in self._sharing
        )
        return fact, other

    def _place(self, member: Member) -> Pair | Extra:
        return self._places[id(member)]

    # what follows from what

    def causes(self) -> dict[Any, tuple[Cause, list[tuple[Pair, str]]]]:
        """Return each cause, and all that differs because of it."""
        found: dict[Any, tuple[Cause, list[tuple[Pair, str]]]] = {}
        for extra in self.extras:
            root = self._root_of_extra(extra)
            found.setdefault(_key(root), (root, []))
        for pair in (*self.wholes, *self.pairs):
            for name in pair.differing:
                cause = self._root(pair, name)
                if cause is None:
                    continue
                _, follows = found.setdefault(_key(cause), (cause, []))
                if isinstance(cause, Extra) or (pair, name) != cause:
                    follows.append((pair, name))
        return found

    def _root(self, pair: Pair, name: str) -> Cause | None:
        """Return what a fact that differs follows from; itself, or None if it does not count."""
        key = (id(pair), name)
        if key not in self._roots:
            self._roots[key] = None  # in a cycle nothing is the cause of itself
            counts = _counts(pair, name)
            cause = self._cause(pair, name) if counts or name != "seed" else None
            if cause is None:
                self._roots[key] = (pair, name) if counts else None
            elif isinstance(cause, Extra):
                self._roots[key] = self._root_of_extra(cause)
            else:
                # what does not count by itself does where something that counts follows from it
                self._roots[key] = self._root(*cause) or (cause if counts else None)
        return self._roots[key]

    def _root_of_extra(self, extra: Extra) -> Cause:
        extra = extra.belongs_to
        if extra.of_rule is None:
            return extra
        return self._root(extra.of_rule, "learning rule") or extra

    def _cause(self, pair: Pair, name: str) -> Cause | None:
        fact, other = pair.differing[name]
        reshaped = np.shape(fact.value) != np.shape(other.value) if fact.shape_causes else False
        for each in (*fact.causes, *(fact.shape_causes if reshaped else ())):
            for candidate in pair.differing:
                fits = candidate.startswith(each) if each.endswith(".") else candidate == each
                if fits and candidate != name:
                    return pair, candidate
        if name in ("reads", "pre slice", "leads into", "post slice"):
            return self._cause_at_end(pair, fact, other)
        for whole in self.wholes:
            for each in fact.network_causes:
                if each in whole.differing and (whole, each) != (pair, name):
                    return whole, each
        if name == "seed" and not (fact.counts or other.counts):
            return self._shifted
        if fact.follows_input:
            return self._cause_before(pair, fact, other)
        return self._cause_behind(pair) if fact.follows_output else None

    def _cause_at_end(self, pair: Pair, fact: Fact, other: Fact) -> Cause | None:
        """Return what is different of the object at one end of a connection."""
        at_source = fact.name in ("reads", "pre slice")
        for each in pair.before if at_source else pair.behind:
            if isinstance(each, Extra):
                return each
            if "kind" in each.differing:
                return each, "kind"
            if fact.name.endswith("slice"):
                sizes = _SIZES if at_source else _SIZES_IN
                for name in each.differing:
                    if name in sizes:
                        return each, name
        return None

    def _cause_before(self, pair: Pair, fact: Fact, other: Fact) -> Cause | None:
        if fact.name.endswith(" values"):
            # decoders are solved for the neurons that they decode, and weights between neurons
            # for those that they lead to as well
            return next(
                (
                    (each, name)
                    for each in (*pair.before, *pair.behind)
                    if isinstance(each, Pair)
                    for name in each.differing
                    if name not in ("structure", "seed") and "gradient" not in name
                ),
                None,
            )
        if fact.group == "shape" and _size(fact.value) == _size(other.value):
            return None  # only the shape is another one
        for each in pair.before:
            if isinstance(each, Extra):
                return each
            for name in each.differing:
                if name.partition(".")[0] in _SIZES_OF_LINK or name in _SIZES | {"structure"}:
                    return each, name
            for further in each.before:
                if isinstance(further, Extra):
                    return further
                for name in further.differing:
                    if name in _SIZES:
                        return further, name
        return None

    def _cause_behind(self, pair: Pair) -> Cause | None:
        waiting, seen = list(pair.behind), set()
        while waiting:
            each = waiting.pop(0)
            if id(each) in seen:
                continue
            seen.add(id(each))
            if isinstance(each, Extra):
                return each
            for name in each.differing:
                if name in _GRADIENT:
                    return each, name
            waiting += each.behind
        return None

    # as differences

    def found(self) -> list[Found]:
        """Return all differences with what they are found in, those that change most first."""
        groups: dict[Any, list[tuple[Cause, list[tuple[Pair, str]]]]] = {}
        for cause, follows in self.causes().values():
            groups.setdefault(_group_key(cause), []).append((cause, follows))
        found = []
        for members in groups.values():
            first, because_of_first = members[0]
            if isinstance(first, Extra):
                difference = self._of_extra(first, because_of_first)
            else:
                difference = _of_facts(members)
            causes = tuple(cause for cause, _ in members)
            because = tuple(each for _, some in members for each in some)
            found.append(Found(difference, causes, because))
        return sorted(found, key=lambda each: GROUPS.index(each.difference.group))

    def _of_extra(self, extra: Extra, follows: list[tuple[Pair, str]]) -> Difference:
        member = extra.member
        with_it = [
            each.member.name
            for each in self.extras
            if each.belongs_to is extra and each is not extra
        ]
        here, there = (
            ("there is one", "there is none") if extra.in_a else ("there is none", "there is one")
        )
        name = (member.name, None) if extra.in_a else (None, member.name)
        what = f"{member.kind} only in {'a' if extra.in_a else 'b'}"
        return Difference(
            what=what,
            group="structure",
            places=(name,),
            objects=((member.obj, None) if extra.in_a else (None, member.obj),),
            value_a=here,
            value_b=there,
            meaning="what it computes is missing in the other one"
            if member.kind != "probe"
            else "what it records is missing in the other one",
            remedy=f"{'add it to' if extra.in_a else 'take it out of'} b",
            consequences=(*(f"{each} is there too" for each in with_it), *_write_follows(follows)),
        )


def differing_facts(a: dict[str, Fact], b: dict[str, Fact]) -> dict[str, tuple[Fact, Fact]]:
    """Return the facts that are known of both and differ, by name."""
    return {
        name: (fact, b[name]) for name, fact in a.items() if name in b and not fact.same(b[name])
    }


def _counts(pair: Pair, name: str) -> bool:
    """Say whether a fact that differs for no other reason is a difference."""
    fact, other = pair.differing[name]
    if fact.counts or other.counts:
        return True
    # numbers that are drawn differ with a seed, whatever else changes them
    return name == "seed" and any("seed" in each.causes for each, _ in pair.differing.values())


def _of_facts(members: list[tuple[Any, list[tuple[Pair, str]]]]) -> Difference:
    causes = [cause for cause, _ in members]
    pair, name = causes[0]
    fact, other = pair.differing[name]
    value_a, value_b = fact.shown, other.shown
    if value_a is None or value_b is None:
        shown = show_both(fact.value, other.value)
        value_a, value_b = value_a or shown[0], value_b or shown[1]
    full_name = f"{pair.prefix}{name}"
    return Difference(
        what=f"{pair.prefix.replace('.', ' ')}{name}",
        group=fact.group,
        places=tuple((each.name_a, each.name_b) for each, _ in causes),
        objects=tuple(each.objects for each, _ in causes),
        value_a=value_a,
        value_b=value_b,
        meaning=meaning_of(fact, other, full_name, pair.objects),
        remedy=remedy_of(full_name, value_a),
        consequences=tuple(_write_follows([each for _, follows in members for each in follows])),
    )


def _ends(member: Member) -> list[tuple[str, Member]]:
    """Return what a connection joins, or what a probe reads, and by which end."""
    sources = [each for each in member.sources if each[0] in ("pre", "read")]
    if member.kind == "probe":
        return sources
    return sources + [each for each in member.targets if each[0] in ("post", "learning rule")]


def _write_follows(follows: list[tuple[Pair, str]]) -> Iterator[str]:
    """Write what differs because of something else, what is the same at several objects once."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for pair, name in follows:
        fact, other = pair.differing[name]
        shown = ("", "")
        if (
            fact.shown is None
            and other.shown is None
            and not fact.drawn
            and fact.group != "weights"
        ):
            shown = show_both(fact.value, other.value)
        places.setdefault((f"{pair.prefix}{name}", *shown), []).append(
            write_place(pair.name_a, pair.name_b)
        )
    for (name, value_a, value_b), names in places.items():
        values = f": {value_a} / {value_b}" if value_a else ""
        yield f"{name} of {listed(names, 4)}{values}"


def _key(cause: Cause) -> Any:
    return id(cause) if isinstance(cause, Extra) else (id(cause[0]), cause[1])


def _group_key(cause: Cause) -> Any:
    """Return what is the same for causes that are the same at several places."""
    if isinstance(cause, Extra):
        return id(cause)
    pair, name = cause
    fact, other = pair.differing[name]
    if fact.group == "seed":
        return (pair.prefix, name)
    return (pair.prefix, name, fact.fingerprint, other.fingerprint)


def _write_sharing(members: Iterable[Member]) -> str:
    groups = {
        frozenset(map(id, each.shares_weights)): ", ".join(one.name for one in each.shares_weights)
        for each in members
        if each.shares_weights
    }
    return "; ".join(f"one Keras layer in {names}" for names in groups.values()) or "one in each"


def _several(places: list[Pair]) -> set[int]:
    return set(map(id, places)) if len(places) > 1 else set()


def _size(value: Any) -> int:
    return int(np.prod(value)) if value is not None else 0
