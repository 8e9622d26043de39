"""Which object of one network has the place of which in another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nengo_layers_plus.introspection._comparison._member import Member

# How much what is around two members counts beside what they are themselves, and how far one looks.
_AROUND = 0.5
_DISTANCE = 24
# How much it counts that what is joined to them was paired, too.
_SUPPORT = 0.5
# How much it counts that two objects are the same in all that was asked for. Connections are much
# alike, and follow the objects that they join.
_SAME = 1.0
# What decides where nothing else does: with how many nodes they share a Keras layer, numbers that
# were drawn, then names, then the order in which they were made. Together they are less than any
# other difference.
_SHARING, _NUMBERS, _NAME, _ORDER = 1e-7, 1e-9, 1e-10, 1e-12
# Pairs are taken last if others fit as well: what is beside them may decide between these.
_TIE, _DECIDED = 1e-6, 100.0
_NEVER = -np.inf


@dataclass(frozen=True, eq=False)
class Pairing:
    """
    Which members of two networks have the same place.

    Parameters
    ----------
    pairs : tuple of tuple of Member
        In the order data flows in the first.
    only_in_a, only_in_b : tuple of Member
        Those without a partner.
    """

    pairs: tuple[tuple[Member, Member], ...]
    only_in_a: tuple[Member, ...]
    only_in_b: tuple[Member, ...]


def pair_members(a: Sequence[Member], b: Sequence[Member]) -> Pairing:
    """
    Pair the members of two networks by their places.

    Members are alike as far as they are the same themselves, and what is around them is alike (the
    similarity flooding of Melnik et al., 2002, Similarity Flooding: A Versatile Graph Matching
    Algorithm and its Application to Schema Matching). The pair that is most alike is taken first,
    and then speaks for the pairs next to it.

    Parameters
    ----------
    a, b : sequence of Member
        The members of each network.
    """
    if not a or not b:
        return Pairing((), tuple(a), tuple(b))
    choice = _Choice(a, b)
    choice.choose()
    partner = choice.partner
    taken = set(partner.values())
    return Pairing(
        tuple((each, b[partner[i]]) for i, each in enumerate(a) if i in partner),
        tuple(each for i, each in enumerate(a) if i not in partner),
        tuple(each for j, each in enumerate(b) if j not in taken),
    )


class _Choice:
    def __init__(self, a: Sequence[Member], b: Sequence[Member]) -> None:
        self.a, self.b = a, b
        self.index_a = {id(each): i for i, each in enumerate(a)}
        self.index_b = {id(each): j for j, each in enumerate(b)}
        self.own, self.same, self.alike = _own_similarity(a, b)
        self.scores = self._flood() + _SAME * self.same
        self.scores[~self.alike] = _NEVER
        self.partner: dict[int, int] = {}
        self.taken: dict[int, int] = {}

    def choose(self) -> None:
        """Pair all that have the same kind, then those that have the same place alone."""
        self._take_best(lambda i, j: self._support(i, j) > 0 or self._stands_alone(i, j))
        left = [i for i, x in enumerate(self.a) if i not in self.partner and x.kind != "connection"]
        free = [j for j, y in enumerate(self.b) if j not in self.taken and y.kind != "connection"]
        for i, j in itertools.product(left, free):
            if not self.alike[i, j]:
                self.scores[i, j] = _SUPPORT * self._support(i, j)
        self._take_best(self._same_place)

    def _take_best(self, fits: Callable[[int, int], bool]) -> None:
        scores = self.scores.copy()
        scores[list(self.partner)] = _NEVER
        scores[:, list(self.taken)] = _NEVER
        best = scores.argmax(axis=1)
        decided = np.array([self._is_decided(scores, i, int(best[i])) for i in range(len(scores))])
        rows = np.arange(len(scores))
        while True:
            i = int((scores[rows, best] + decided).argmax())
            j = int(best[i])
            if scores[i, j] == _NEVER:
                return
            if not decided[i]:  # neither is any other: what made them so may be taken by now
                decided = np.array([self._is_decided(scores, int(x), int(best[x])) for x in rows])
                i = int((scores[rows, best] + decided).argmax())
                j = int(best[i])
            changed = [i]
            if fits(i, j):
                self.partner[i], self.taken[j] = j, i
                scores[i] = _NEVER
                scores[:, j] = _NEVER
                changed += np.flatnonzero(best == j).tolist()
                for x, y, gain in self._neighbours(i, j):
                    scores[x, y] += gain
                    changed.append(x)
            else:
                scores[i, j] = _NEVER
            best[changed] = scores[changed].argmax(axis=1)
            for x in changed:
                decided[x] = self._is_decided(scores, x, int(best[x]))

    @staticmethod
    def _is_decided(scores: np.ndarray, i: int, j: int) -> float:
        """Return a bonus for a pair if neither of both has another one that fits as well."""
        score = scores[i, j] - _TIE
        alone = np.count_nonzero(scores[i] >= score) < 2 and (
            np.count_nonzero(scores[:, j] >= score) < 2
        )
        return _DECIDED if alone else 0.0

    def _neighbours(self, i: int, j: int) -> list[tuple[int, int, float]]:
        """List the pairs next to a pair, and how much it speaks for each of them."""
        found = []
        for role, x in self.a[i].links:
            for other_role, y in self.b[j].links:
                if role == other_role:
                    n_links = max(len(x.links), len(y.links))
                    found.append((self.index_a[id(x)], self.index_b[id(y)], _SUPPORT / n_links))
        return found

    def _support(self, i: int, j: int) -> int:
        """Count the pairs that are joined to both in the same way."""
        partners = [
            (role, self.partner.get(self.index_a[id(each)])) for role, each in self.a[i].links
        ]
        there = [(role, self.index_b[id(each)]) for role, each in self.b[j].links]
        return sum(each in there for each in partners)

    def _stands_alone(self, i: int, j: int) -> bool:
        """Say whether two members may be paired though no neighbours are: they are the same."""
        a, b = self.a[i], self.b[j]
        undecided = not any(self.index_a[id(each)] in self.partner for _, each in a.links)
        undecided &= not any(self.index_b[id(each)] in self.taken for _, each in b.links)
        return undecided or bool(self.same[i, j])

    def _same_place(self, i: int, j: int) -> bool:
        """Say whether all that is joined to two members and was paired is joined alike."""
        support = self._support(i, j)
        paired_a = sum(self.index_a[id(each)] in self.partner for _, each in self.a[i].links)
        paired_b = sum(self.index_b[id(each)] in self.taken for _, each in self.b[j].links)
        return support > 0 and support == paired_a == paired_b

    def _flood(self) -> np.ndarray:
        links_a, links_b = _links(self.a, self.index_a), _links(self.b, self.index_b)
        total = np.zeros_like(self.own)
        for role in links_a.keys() | links_b.keys():
            has = [
                np.isin(np.arange(len(members)), links[role][0] if role in links else [])
                for members, links in ((self.a, links_a), (self.b, links_b))
            ]
            total += has[0][:, np.newaxis] | has[1]
        scores = self.own
        for _ in range(_DISTANCE):
            around = np.zeros_like(self.own)
            for role in sorted(links_a.keys() & links_b.keys()):
                means = _mean_over_links(scores, *links_a[role])
                around += _mean_over_links(means.T, *links_b[role]).T
            scores = self.own + _AROUND * around / np.maximum(total, 1)
        return scores.copy()


def _links(
    members: Sequence[Member], index: dict[int, int]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return which member leads to which, by how."""
    found: dict[str, list[tuple[int, int]]] = {}
    for i, member in enumerate(members):
        for role, each in member.links:
            found.setdefault(role, []).append((i, index[id(each)]))
    return {role: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for role, pairs in found.items()}


def _mean_over_links(values: np.ndarray, ends: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return for each member the mean of the rows of those that it is joined to."""
    sums = np.zeros_like(values)
    np.add.at(sums, ends, values[others])
    return sums / np.maximum(np.bincount(ends, minlength=len(values)), 1)[:, np.newaxis]


def _own_similarity(
    a: Sequence[Member], b: Sequence[Member]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how alike members are, which are the same objects, and which are of one kind."""
    shape = (len(a), len(b))
    own, same, alike = np.zeros(shape), np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    same_name = np.array([x.name for x in a])[:, np.newaxis] == np.array([y.name for y in b])
    order = np.arange(len(a))[:, np.newaxis] / len(a) - np.arange(len(b)) / len(b)
    for kind in sorted({_kind(each) for each in a} & {_kind(each) for each in b}):
        rows = [i for i, each in enumerate(a) if _kind(each) == kind]
        columns = [j for j, each in enumerate(b) if _kind(each) == kind]
        mine, other = [a[i] for i in rows], [b[j] for j in columns]
        given, n_given = _count_same(mine, other, drawn=False)
        drawn, n_drawn = _count_same(mine, other, drawn=True)
        where = np.ix_(rows, columns)
        alike[where] = True
        same[where] = (given == n_given) & (kind != "connection")
        own[where] = given / np.maximum(n_given, 1) + _NUMBERS * drawn / np.maximum(n_drawn, 1)
    uses = [np.array([len(each.shares_weights) for each in some]) for some in (a, b)]
    own += _SHARING * (uses[0][:, np.newaxis] == uses[1])
    return own + _NAME * same_name - _ORDER * np.abs(order), same, alike


def _count_same(
    a: Sequence[Member], b: Sequence[Member], drawn: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Count the facts that are the same for each two members, and those that either of them has."""
    chosen = [
        {name: fact for name, fact in each.facts.items() if fact.drawn == drawn}
        for each in (*a, *b)
    ]
    names = {
        name: column for column, name in enumerate(dict.fromkeys(k for c in chosen for k in c))
    }
    numbers: dict[Any, int] = {}
    values = np.zeros((len(chosen), len(names)), dtype=int)
    for row, facts in enumerate(chosen):
        for name, fact in facts.items():
            key = (name, fact.fingerprint)
            values[row, names[name]] = numbers.setdefault(key, len(numbers) + 1)
    mine, other = values[: len(a)], values[len(a) :]
    same, either = np.zeros((len(a), len(b))), np.zeros((len(a), len(b)))
    for column in range(len(names)):
        x, y = mine[:, column, np.newaxis], other[:, column]
        same += (x == y) & (x > 0)
        either += (x > 0) | (y > 0)
    return same, either


def _kind(member: Member) -> str:
    # what is a Node here may be a TensorNode there
    return "node" if member.kind == "tensor node" else member.kind
