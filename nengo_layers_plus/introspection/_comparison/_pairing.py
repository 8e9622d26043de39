"""The objects and connections of two networks, and which of them have the same place."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule

from nengo_layers_plus.graph import GraphObject, NetworkGraph, Parameter
from nengo_layers_plus.graph._canonical_order import Colouring
from nengo_layers_plus.graph._keras_layers import keras_layer_of, layers_within
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.introspection._comparison._fact import Member
from nengo_layers_plus.introspection._comparison._facts import ROWS

# How far around members one looks.
_DISTANCE = 24
# The weight of the similarity of members that are joined to two members.
_AROUND = 0.5
# The weight of pairs that are joined to a pair.
_SUPPORT = 0.5
# The weight of objects being the same in all given facts. Connections are much alike, and follow
# the objects that they join.
_SAME = 1.0
# What decides where nothing else does: the number of nodes that share a Keras layer, numbers that
# were drawn, names, and the order of creation. Together they weigh less than any other difference.
_SHARING, _NUMBERS, _NAME, _ORDER = 1e-7, 1e-9, 1e-10, 1e-12
# Pairs with alternatives of the same score come last: pairs beside them may decide between these.
_TIE, _DECIDED = 1e-6, 100.0

Links = list[list[tuple[str, int]]]
"""For each member the roles and indices of the members that are joined to it."""


# members


def whole_members(graph: NetworkGraph) -> tuple[Member, Member]:
    """Return a network and its Simulator, or the default of that, as a whole."""
    network = Member(graph, graph.network, "network", "the network")
    simulator = Member(graph, graph.simulator, "simulator", "the Simulator")
    for member in (network, simulator):
        member.find_facts(ROWS[member.kind])
    return network, simulator


def members_of(graph: NetworkGraph) -> list[Member]:
    """List the objects and connections of a network, in the order data flows."""
    parameters: dict[Any, list[Parameter]] = {}
    for parameter in graph.parameters:
        parameters.setdefault(parameter.obj, []).append(parameter)
    # those of a layer that is used in several nodes are listed with the first
    listed_at = {item.obj: first.obj for item, first in first_uses(graph.objects).items()}
    objects: dict[GraphObject, Member] = {}
    links: dict[nengo.Connection, Member] = {}
    members: list[Member] = []

    def add(obj: Any, kind: str, name: str) -> Member:
        own = parameters.get(listed_at.get(obj, obj), ())
        members.append(Member(graph, obj, kind, name, own))
        members[-1].find_facts(ROWS[kind])
        return members[-1]

    for item in graph.objects:
        for edge in graph.predecessors(item):
            if edge.connection is not None:
                name = graph.name_of(edge.connection)
                links[edge.connection] = add(edge.connection, "connection", name)
        objects[item] = add(item.obj, item.kind, item.name)
    for edge in graph.edges:
        source, target = objects[edge.source], objects[edge.target]
        if edge.connection is None:
            read = target.obj.obj
            read = read.connection if isinstance(read, LearningRule) else read
            _join(links[read] if isinstance(read, nengo.Connection) else source, target, "read")
            continue
        link, post = links[edge.connection], edge.connection.post_obj
        _join(source, link, "pre")
        if isinstance(post, LearningRule):
            _join(link, links[post.connection], "learning rule")
        else:
            _join(link, target, "post")
    _share_weights(objects, parameters)
    return members


def _join(source: Member, target: Member, role: str) -> None:
    target.sources.append((role, source))
    source.targets.append((role, target))


def _share_weights(
    objects: Mapping[GraphObject, Member], parameters: Mapping[Any, Sequence[Parameter]]
) -> None:
    """Note at nodes which nodes share weights with them."""
    users: dict[int, list[Member]] = {}
    for item, member in objects.items():
        layer = keras_layer_of(item.obj) if item.kind == "tensor node" else None
        for inner in () if layer is None else layers_within(layer):
            users.setdefault(id(inner), []).append(member)
    for members in users.values():
        # of a layer in several nodes the parameters are listed with the first
        if len(members) > 1 and any(parameters.get(member.obj) for member in members):
            for member in members:
                both = [*member.shares_weights, *members]
                member.shares_weights = list(dict.fromkeys(both))


# pairs


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

    First come members that are the only ones in both networks with the same facts around them, up
    to some distance: with all facts, then with those that both networks have. Between several that
    have the same place their shared layers decide, then numbers that were drawn, then names. This
    takes time in proportion to the size of the networks. The rest is beside a difference.

    Of the rest, members are similar as far as their facts are the same. The most similar pair is
    taken first, and adds to the scores of the pairs next to it.

    Parameters
    ----------
    a, b : sequence of Member
        The members of each network.
    """
    partner = _Places(a, b).pairs()
    partner |= _pairs_of_rest(a, b, partner)
    taken = set(partner.values())
    return Pairing(
        tuple((member, b[partner[i]]) for i, member in enumerate(a) if i in partner),
        tuple(member for i, member in enumerate(a) if i not in partner),
        tuple(member for j, member in enumerate(b) if j not in taken),
    )


class _Places:
    """Pairs the members that alone have a place that is the same in both networks."""

    def __init__(self, a: Sequence[Member], b: Sequence[Member]) -> None:
        self.members = [*a, *b]
        self.kinds = list(map(_kind, self.members))
        self.n_a = len(a)
        links_b = [[(role, j + self.n_a) for role, j in links] for links in _links_of(b)]
        self.links = _links_of(a) + links_b
        self.partner: dict[int, int] = {}

    def pairs(self) -> dict[int, int]:
        facts = [_facts(member, drawn=False) for member in self.members]
        self._refine(facts, 0)
        colours = self._refine(self._common_facts(facts), 1)
        self._follow()
        self._decide_ties(colours)
        return {i: j - self.n_a for i, j in self.partner.items() if i < self.n_a}

    def _pair(self, cell: Sequence[int]) -> None:
        """Pair the members of a cell if there is one of each network."""
        if len(cell) == 2 and min(cell) < self.n_a <= max(cell):
            self.partner |= {cell[0]: cell[1], cell[1]: cell[0]}

    def _refine(self, labels: Sequence[Hashable], nearest: int) -> list[int]:
        """
        Distinguish members by the labels around them, farther and farther away, and pair them.

        Parameters
        ----------
        labels : sequence of hashable
            Their own labels.
        nearest : int
            The least distance that has to be looked at; for connections, which are much alike, it
            is at least 1.

        Returns
        -------
        colours : list of int
            A number for each member, the same for those that can't be distinguished.
        """
        colours = _numbered(
            [
                min(index, self.partner[index]) if index in self.partner else (kind, label)
                for index, (kind, label) in enumerate(zip(self.kinds, labels, strict=True))
            ]
        )
        for distance in range(_DISTANCE):
            cells = defaultdict(list)
            for index, colour in enumerate(colours):
                cells[colour].append(index)
            for cell in cells.values():
                if distance >= max(nearest, self.kinds[cell[0]] == "connection"):
                    self._pair(cell)
            around = [
                tuple(sorted((role, colours[j]) for role, j in links)) for links in self.links
            ]
            refined = _numbered(list(zip(colours, around, strict=True)))
            if len(set(refined)) == len(cells):
                break
            colours = refined
        return colours

    def _common_facts(self, facts: Sequence[frozenset[Any]]) -> list[Hashable]:
        """Leave out facts that no unpaired member of the same kind in the other network has."""
        held: tuple[set[Any], set[Any]] = (set(), set())
        for index, own in enumerate(facts):
            if index not in self.partner:
                held[index >= self.n_a].update((self.kinds[index], fact) for fact in own)
        in_both = held[0] & held[1]
        return [
            frozenset(fact for fact in own if (kind, fact) in in_both)
            for kind, own in zip(self.kinds, facts, strict=True)
        ]

    def _follow(self) -> None:
        """Pair members if most of the members joined to them are paired, and with no others."""
        joined: Links = [[] for _ in self.members]
        for index, links in enumerate(self.links):
            for role, linked in links:
                joined[linked].append((role, index))
        for i in range(self.n_a):
            if i in self.partner:
                continue
            support = Counter(
                j
                for role, linked in self.links[i]
                if linked in self.partner
                for role_in_b, j in joined[self.partner[linked]]
                if role_in_b == role and j not in self.partner and self.kinds[j] == self.kinds[i]
            )
            (j, count), (_, next_count) = [*support.most_common(2), (i, 0), (i, 0)][:2]
            if count > next_count and 2 * count > max(len(self.links[i]), len(self.links[j])):
                self._pair((i, j))

    def _decide_ties(self, colours: Sequence[int]) -> None:
        """Pair members of which several have the same place; the members beside them follow."""
        edges = [(i, j, role) for i, links in enumerate(self.links) for role, j in links]
        colouring = Colouring(dict(enumerate(colours)), edges)
        shared = [len(member.shares_weights) for member in self.members]
        drawn = _numbered([_facts(member, drawn=True) for member in self.members])
        names = [member.name for member in self.members]
        # the first that fits is taken, the last fits always
        criteria: Sequence[Sequence[Hashable]] = (
            list(zip(shared, drawn, names, strict=True)),
            list(zip(shared, drawn, strict=True)),
            list(zip(shared, names, strict=True)),
            shared,
            [None] * len(names),
        )
        # connections follow the objects that they join
        is_link = [kind == "connection" for kind in self.kinds]
        waiting = deque(sorted(colouring.cells, key=lambda c: is_link[min(colouring.cells[c])]))
        while waiting:
            colour = waiting.popleft()
            cell = sorted(colouring.cells[colour] - self.partner.keys())
            in_a, in_b = ([i for i in cell if (i < self.n_a) == side] for side in (True, False))
            if len(cell) < 3 or not in_a or not in_b:
                continue
            pair = next(
                [i, j] for keys in criteria for i in in_a for j in in_b if keys[i] == keys[j]
            )
            n_cells = len(colouring.cells)
            colouring.refine(colouring.move(pair, colour))
            waiting.appendleft(colour)
            waiting.extend(range(n_cells, len(colouring.cells)))
        for members in colouring.cells.values():
            self._pair(sorted(members - self.partner.keys()))


def _kind(member: Member) -> str:
    # a Node and a TensorNode may have the same place
    return "node" if member.kind == "tensor node" else member.kind


def _facts(member: Member, drawn: bool) -> frozenset[Any]:
    return frozenset(
        (name, fact.fingerprint) for name, fact in member.facts.items() if fact.row.drawn == drawn
    )


def _numbered(labels: Sequence[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(label, len(numbers)) for label in labels]


def _links_of(members: Sequence[Member]) -> Links:
    """Return which of the given members are joined to them."""
    index = {id(member): i for i, member in enumerate(members)}
    return [
        [(role, index[id(linked)]) for role, linked in member.links if id(linked) in index]
        for member in members
    ]


def _pairs_of_rest(
    a: Sequence[Member], b: Sequence[Member], partner: dict[int, int]
) -> dict[int, int]:
    """Pair the members that are left, given those that are joined to them."""
    taken = {j: i for i, j in partner.items()}
    left_a = [i for i in range(len(a)) if i not in partner]
    left_b = [j for j in range(len(b)) if j not in taken]
    if not left_a or not left_b:
        return {}
    links_a, links_b = _links_of(a), _links_of(b)
    beside = {i for left in left_a for _, i in links_a[left] if i in partner}
    beside |= {taken[j] for left in left_b for _, j in links_b[left] if j in taken}
    near_a = sorted([*left_a, *beside])
    near_b = sorted([*left_b, *(partner[i] for i in beside)])
    similarity = _Similarity(
        [a[i] for i in near_a],
        [b[j] for j in near_b],
        [(near_a.index(i), near_b.index(partner[i])) for i in beside],
    )
    return {near_a[i]: near_b[j] for i, j in similarity.choose().items()}


class _Similarity:
    """
    Pairs members by the similarity of their facts, and by the pairs next to them.

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
        self.same_kind = _equal(map(_kind, a), map(_kind, b))
        common, sizes = _count_common(a, b, drawn=False)
        drawn, n_drawn = _count_common(a, b, drawn=True)
        is_object = np.array([member.kind != "connection" for member in a])[:, np.newaxis]
        self.same = self.same_kind & is_object & (common == sizes)
        order = np.arange(len(a))[:, np.newaxis] / len(a) - np.arange(len(b)) / len(b)
        sharing = _equal(*([len(x.shares_weights) for x in members] for members in (a, b)))
        similarity = common / np.maximum(sizes, 1)
        own = similarity + _NUMBERS * drawn / np.maximum(n_drawn, 1)
        own = own * self.same_kind + _SHARING * sharing - _ORDER * np.abs(order)
        own += _NAME * _equal(*([x.name for x in members] for members in (a, b)))
        own += _AROUND * _mean_around(similarity, self.links_a, self.links_b)
        self.scores = np.where(self.same_kind, own + _SAME * self.same, -np.inf)
        self.partner: dict[int, int] = {}
        self.taken: dict[int, int] = {}
        for i, j in pairs:
            self._take(i, j)

    def choose(self) -> dict[int, int]:
        """Pair members of the same kind, then those that alone have the same place."""
        self._take_best(lambda i, j: self._support(i, j) > 0 or self._stands_alone(i, j))
        self.scores[:] = -np.inf
        for i, x in enumerate(self.a):
            for j, y in enumerate(self.b):
                is_free = i not in self.partner and j not in self.taken
                if is_free and "connection" not in (x.kind, y.kind):
                    self.scores[i, j] = _SUPPORT * self._support(i, j)
        self._take_best(self._same_place)
        return self.partner

    def _take_best(self, fits: Callable[[int, int], bool]) -> None:
        rows, best = np.arange(len(self.a)), self.scores.argmax(axis=1)
        bonus = self._bonus(rows, best)
        while True:
            i = int((self.scores[rows, best] + bonus).argmax())
            if not bonus[i]:  # no pair has one: alternatives of some may be taken by now
                bonus = self._bonus(rows, best)
                i = int((self.scores[rows, best] + bonus).argmax())
            j = int(best[i])
            if self.scores[i, j] == -np.inf:
                return
            if fits(i, j):
                changed = [i, *np.flatnonzero(best == j), *self._take(i, j)]
            else:
                changed = [i]
                self.scores[i, j] = -np.inf
            best[changed] = self.scores[changed].argmax(axis=1)
            bonus[changed] = self._bonus(changed, best[changed])

    def _bonus(self, rows: Any, columns: Any) -> np.ndarray:
        """Return a bonus for pairs of which neither member has another one that fits as well."""
        least = self.scores[rows, columns] - _TIE
        in_row = np.count_nonzero(self.scores[rows] >= least[:, np.newaxis], axis=1)
        in_column = np.count_nonzero(self.scores[:, columns] >= least, axis=0)
        return np.where((in_row < 2) & (in_column < 2), _DECIDED, 0.0)

    def _take(self, i: int, j: int) -> list[int]:
        """Pair two members; return the members of pairs next to them, whose scores that raises."""
        self.partner[i], self.taken[j] = j, i
        self.scores[i], self.scores[:, j] = -np.inf, -np.inf
        raised = []
        for role, x in self.links_a[i]:
            for role_in_b, y in self.links_b[j]:
                if role == role_in_b:
                    n_links = max(len(self.a[x].links), len(self.b[y].links))
                    self.scores[x, y] += _SUPPORT / n_links
                    raised.append(x)
        return raised

    def _support(self, i: int, j: int) -> int:
        """Count the pairs that are joined to both in the same way."""
        partners = [(role, self.partner.get(linked)) for role, linked in self.links_a[i]]
        return sum(link in self.links_b[j] for link in partners)

    def _n_paired(self, i: int, j: int) -> list[int]:
        """Count the members joined to either of two members that are paired."""
        return [
            sum(linked in paired for _, linked in links)
            for links, paired in ((self.links_a[i], self.partner), (self.links_b[j], self.taken))
        ]

    def _stands_alone(self, i: int, j: int) -> bool:
        """Say whether two members may be paired without support: they are the same."""
        return bool(self.same[i, j]) or self._n_paired(i, j) == [0, 0]

    def _same_place(self, i: int, j: int) -> bool:
        """Say whether all paired members that are joined to two members are joined alike."""
        support = self._support(i, j)
        return support > 0 and self._n_paired(i, j) == [support, support]


def _mean_around(similarity: np.ndarray, links_a: Links, links_b: Links) -> np.ndarray:
    """Return the mean similarity of the members that are joined to two members in the same role."""
    around, n_roles = np.zeros_like(similarity), np.zeros_like(similarity)
    for role in sorted({role for links in (*links_a, *links_b) for role, _ in links}):
        in_a, in_b = (_shares(links, role, similarity.dtype) for links in (links_a, links_b))
        around += in_a @ similarity @ in_b.T
        n_roles += np.logical_or.outer(in_a.any(axis=1), in_b.any(axis=1))
    return around / np.maximum(n_roles, 1)


def _shares(links: Links, role: str, dtype: Any) -> np.ndarray:
    """Return in each row the shares of the members joined in a role in the mean over them."""
    shares = np.zeros((len(links), len(links)), dtype)
    for row, own in zip(shares, links, strict=True):
        joined = [linked for its_role, linked in own if its_role == role]
        for linked in joined:
            row[linked] += 1 / len(joined)
    return shares


def _equal(a: Iterable[Any], b: Iterable[Any]) -> np.ndarray:
    return np.array(list(a))[:, np.newaxis] == np.array(list(b))


def _count_common(
    a: Sequence[Member], b: Sequence[Member], drawn: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Count the facts that any two members have in common, and those that either of them has."""
    facts = [[_facts(member, drawn) for member in members] for members in (a, b)]
    in_both = frozenset().union(*facts[0]) & frozenset().union(*facts[1])
    columns = {fact: column for column, fact in enumerate(in_both)}
    has = [np.zeros((len(sets), len(columns)), dtype=np.float32) for sets in facts]
    for array, sets in zip(has, facts, strict=True):
        for row, own in enumerate(sets):
            array[row, [columns[fact] for fact in own & in_both]] = 1
    common = has[0] @ has[1].T
    sizes = [np.array(list(map(len, sets))) for sets in facts]
    return common, sizes[0][:, np.newaxis] + sizes[1] - common
