"""Which object of one network has the place of which in another."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nengo_layers_plus.graph._canonical_order import Colouring
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

Facts = frozenset[tuple[str, Hashable]]


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

    Those that no others are like, and those that alone have the same around them up to some
    distance, are paired first: by all that is true of them, then without what no other one has.
    Of those with one place decides with how many they share a
    layer, then numbers that were drawn, then names. That takes time in
    proportion to the size of the networks. What is left is beside a difference.

    Members are alike as far as they are the same themselves, and what is around them is alike (the
    similarity flooding of Melnik et al., 2002, Similarity Flooding: A Versatile Graph Matching
    Algorithm and its Application to Schema Matching). The pair that is most alike is taken first,
    and then speaks for the pairs next to it.

    Parameters
    ----------
    a, b : sequence of Member
        The members of each network.
    """
    partner = _Places(a, b).pairs()
    partner |= _pairs_of_rest(a, b, partner)
    taken = set(partner.values())
    return Pairing(
        tuple((each, b[partner[i]]) for i, each in enumerate(a) if i in partner),
        tuple(each for i, each in enumerate(a) if i not in partner),
        tuple(each for j, each in enumerate(b) if j not in taken),
    )


class _Places:
    """Pairs the members that alone have a place that is the same in both networks."""

    def __init__(self, a: Sequence[Member], b: Sequence[Member]) -> None:
        self.members = [*a, *b]
        self.n_a = len(a)
        self.links = _links_of(a)
        self.links += [[(role, other + len(a)) for role, other in each] for each in _links_of(b)]
        self.partner: dict[int, int] = {}

    def pairs(self) -> dict[int, int]:
        given = [_facts(each, drawn=False) for each in self.members]
        self._refine(given, 0)
        colours = self._refine(self._without_what_differs(given), 1)
        self._follow()
        self._tell_alike_apart(colours)
        return {i: j - self.n_a for i, j in self.partner.items() if i < self.n_a}

    def _refine(self, labels: Sequence[Hashable], nearest: int) -> list[int]:
        """
        Tell members apart by what is around them, farther and farther away, and pair them.

        Parameters
        ----------
        labels : sequence of hashable
            What they are themselves.
        nearest : int
            How far at least has to be looked; for connections, which are much alike, at least 1.

        Returns
        -------
        colours : list of int
            A number for each, the same for those that can't be told apart.
        """
        kinds = [_kind(each) for each in self.members]
        pairs = [min(index, self.partner.get(index, index)) for index in range(len(self.members))]
        colours = _numbered(
            [
                ("paired", pairs[index]) if index in self.partner else (kinds[index], label)
                for index, label in enumerate(labels)
            ]
        )
        for distance in range(_DISTANCE):
            cells = defaultdict(list)
            for index, colour in enumerate(colours):
                cells[colour].append(index)
            for cell in cells.values():
                i, j = cell[0], cell[-1]
                is_near = distance < max(nearest, kinds[i] == "connection")
                if len(cell) == 2 and i < self.n_a <= j and not is_near:
                    self.partner[i], self.partner[j] = j, i
            around = [sorted((role, colours[other]) for role, other in each) for each in self.links]
            refined = _numbered(list(zip(colours, map(tuple, around), strict=True)))
            if len(set(refined)) == len(cells):
                break
            colours = refined
        return colours

    def _follow(self) -> None:
        """Pair members if most of what is joined to them is paired, and with nothing else."""
        joined: list[list[tuple[str, int]]] = [[] for _ in self.members]
        for index, links in enumerate(self.links):
            for role, other in links:
                joined[other].append((role, index))
        for i in range(self.n_a):
            if i in self.partner:
                continue
            kind = _kind(self.members[i])
            beside = [(role, self.partner.get(other)) for role, other in self.links[i]]
            support = Counter(
                j
                for role, other in beside
                if other is not None
                for other_role, j in joined[other]
                if other_role == role and j not in self.partner and _kind(self.members[j]) == kind
            )
            best = support.most_common(2)
            if not best or (len(best) == 2 and best[0][1] == best[1][1]):
                continue
            j, count = best[0]
            if 2 * count > max(len(self.links[i]), len(self.links[j])):
                self.partner |= {i: j, j: i}

    def _tell_alike_apart(self, colours: Sequence[int]) -> None:
        """Pair members of which several have the same place; what is beside them follows."""
        edges = [(i, j, role) for i, each in enumerate(self.links) for role, j in each]
        colouring = Colouring(dict(enumerate(colours)), edges)
        shared = [len(each.shares_weights) for each in self.members]
        drawn = _numbered([_facts(each, drawn=True) for each in self.members])
        names = [each.name for each in self.members]
        # the first that fits is taken, the last fits always
        tellers: Sequence[Sequence[Hashable]] = (
            list(zip(shared, drawn, names, strict=True)),
            list(zip(shared, drawn, strict=True)),
            list(zip(shared, names, strict=True)),
            shared,
            [None] * len(names),
        )
        # connections follow the objects that they join
        is_link = [each.kind == "connection" for each in self.members]
        waiting = deque(sorted(colouring.cells, key=lambda c: is_link[min(colouring.cells[c])]))
        while waiting:
            colour = waiting.popleft()
            cell = sorted(colouring.cells[colour] - self.partner.keys())
            theirs = [index for index in cell if index >= self.n_a]
            if len(cell) < 3 or not 0 < len(theirs) < len(cell):
                continue
            for keys in tellers:
                first = {keys[index]: index for index in reversed(theirs)}
                pair = next(
                    ([i, first[keys[i]]] for i in cell[: -len(theirs)] if keys[i] in first), []
                )
                if pair:
                    break
            n_cells = len(colouring.cells)
            colouring.refine(colouring.move(pair, colour))
            waiting.appendleft(colour)
            waiting.extend(range(n_cells, len(colouring.cells)))
        for members in colouring.cells.values():
            cell = sorted(members - self.partner.keys())
            if len(cell) == 2 and cell[0] < self.n_a <= cell[1]:
                self.partner |= {cell[0]: cell[1], cell[1]: cell[0]}

    def _without_what_differs(self, given: Sequence[Facts]) -> list[Hashable]:
        """Leave out what is true of no member of a kind, of those left, in the other network."""
        true: tuple[set[Hashable], set[Hashable]] = (set(), set())
        for index, facts in enumerate(given):
            if index not in self.partner:
                true[index >= self.n_a].update((_kind(self.members[index]), each) for each in facts)
        of_both = true[0] & true[1]
        return [
            frozenset(each for each in facts if (_kind(member), each) in of_both)
            for member, facts in zip(self.members, given, strict=True)
        ]


def _facts(member: Member, drawn: bool) -> Facts:
    return frozenset(
        (name, fact.fingerprint) for name, fact in member.facts.items() if fact.row.drawn == drawn
    )


def _numbered(labels: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels]


def _links_of(members: Sequence[Member]) -> list[list[tuple[str, int]]]:
    """Return what each member is joined to, by how, of those that are given."""
    index = {id(each): i for i, each in enumerate(members)}
    return [
        [(role, index[id(other)]) for role, other in each.links if id(other) in index]
        for each in members
    ]


def _pairs_of_rest(
    a: Sequence[Member], b: Sequence[Member], partner: dict[int, int]
) -> dict[int, int]:
    """Pair what is left, beside what is paired."""
    taken = {j: i for i, j in partner.items()}
    left_a = [i for i in range(len(a)) if i not in partner]
    left_b = [j for j in range(len(b)) if j not in taken]
    if not left_a or not left_b:
        return {}
    links_a, links_b = _links_of(a), _links_of(b)
    beside = {other for i in left_a for _, other in links_a[i] if other in partner}
    beside |= {taken[other] for j in left_b for _, other in links_b[j] if other in taken}
    some_a = sorted([*left_a, *beside])
    some_b = sorted([*left_b, *(partner[i] for i in beside)])
    choice = _Choice(
        [a[i] for i in some_a],
        [b[j] for j in some_b],
        [(some_a.index(i), some_b.index(partner[i])) for i in beside],
    )
    choice.choose()
    return {some_a[i]: some_b[j] for i, j in choice.partner.items()}


class _Choice:
    """
    Pairs members by how much they, and what is around them, are alike.

    Parameters
    ----------
    a, b : sequence of Member
        The members of each network.
    pairs : sequence of tuple of int
        Those that are paired already.
    """

    def __init__(
        self, a: Sequence[Member], b: Sequence[Member], pairs: Sequence[tuple[int, int]]
    ) -> None:
        self.a, self.b = a, b
        self.links_a, self.links_b = _links_of(a), _links_of(b)
        self.own, self.same, self.alike = _own_similarity(a, b)
        for i, j in pairs:
            self.own[i], self.own[:, j] = 0, 0
        for i, j in pairs:
            self.own[i, j] = 1
        self.scores = self._flood() + _SAME * self.same
        self.scores[~self.alike] = _NEVER
        self.partner = dict(pairs)
        self.taken = {j: i for i, j in pairs}
        for i, j in pairs:
            for x, y, gain in self._neighbours(i, j):
                self.scores[x, y] += gain

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
        rows = np.arange(len(scores))
        decided = self._decided(scores, rows, best)
        while True:
            i = int((scores[rows, best] + decided).argmax())
            j = int(best[i])
            if scores[i, j] == _NEVER:
                return
            if not decided[i]:  # neither is any other: what made them so may be taken by now
                decided = self._decided(scores, rows, best)
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
            decided[changed] = self._decided(scores, np.array(changed), best[changed])

    @staticmethod
    def _decided(scores: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return a bonus for pairs of which neither has another one that fits as well."""
        least = scores[rows, columns] - _TIE
        in_row = np.count_nonzero(scores[rows] >= least[:, np.newaxis], axis=1)
        in_column = np.count_nonzero(scores[:, columns] >= least, axis=0)
        return np.where((in_row < 2) & (in_column < 2), _DECIDED, 0.0)

    def _neighbours(self, i: int, j: int) -> list[tuple[int, int, float]]:
        """List the pairs next to a pair, and how much it speaks for each of them."""
        found = []
        for role, x in self.links_a[i]:
            for other_role, y in self.links_b[j]:
                if role == other_role:
                    n_links = max(len(self.a[x].links), len(self.b[y].links))
                    found.append((x, y, _SUPPORT / n_links))
        return found

    def _support(self, i: int, j: int) -> int:
        """Count the pairs that are joined to both in the same way."""
        partners = [(role, self.partner.get(each)) for role, each in self.links_a[i]]
        return sum(each in self.links_b[j] for each in partners)

    def _stands_alone(self, i: int, j: int) -> bool:
        """Say whether two members may be paired though no neighbours are: they are the same."""
        undecided = not any(each in self.partner for _, each in self.links_a[i])
        undecided &= not any(each in self.taken for _, each in self.links_b[j])
        return undecided or bool(self.same[i, j])

    def _same_place(self, i: int, j: int) -> bool:
        """Say whether all that is joined to two members and was paired is joined alike."""
        support = self._support(i, j)
        paired_a = sum(each in self.partner for _, each in self.links_a[i])
        paired_b = sum(each in self.taken for _, each in self.links_b[j])
        return support > 0 and support == paired_a == paired_b

    def _flood(self) -> np.ndarray:
        links_a, links_b = _by_role(self.links_a), _by_role(self.links_b)
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


def _by_role(links: Sequence[Sequence[tuple[str, int]]]) -> dict[str, tuple[np.ndarray, ...]]:
    """Return which member leads to which, by how."""
    found: dict[str, list[tuple[int, int]]] = {}
    for i, each in enumerate(links):
        for role, other in each:
            found.setdefault(role, []).append((i, other))
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
    facts = [[_facts(member, drawn) for member in members] for members in (a, b)]
    same = _count_common(*facts)
    names = [[frozenset(name for name, _ in each) for each in some] for some in facts]
    counts = [np.array([len(each) for each in some]) for some in names]
    return same, counts[0][:, np.newaxis] + counts[1] - _count_common(*names)


def _count_common(a: Sequence[frozenset[Any]], b: Sequence[frozenset[Any]]) -> np.ndarray:
    """Count what each two sets have in common."""
    both = frozenset().union(*a) & frozenset().union(*b)
    columns = {each: column for column, each in enumerate(both)}
    has = [np.zeros((len(some), len(columns)), dtype=np.float32) for some in (a, b)]
    for array, some in zip(has, (a, b), strict=True):
        for row, each in enumerate(some):
            array[row, [columns[value] for value in each & both]] = 1
    return has[0] @ has[1].T


def _kind(member: Member) -> str:
    # what is a Node here may be a TensorNode there
    return "node" if member.kind == "tensor node" else member.kind
