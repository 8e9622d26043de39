"""
An order of the objects of a network that does not depend on the order they were made in.

Objects are told apart by what they are, then by what leads to and from them, transitively: the
coarsest stable colouring of a directed graph with labelled edges. Whenever a colour splits, its
largest part keeps it and only the neighbours of the others are looked at again, so that a chain of
n objects takes steps in proportion to n.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Edge = tuple[Any, Any, Any]
"""Source, target and label; labels must be comparable with each other."""


def canonical_ranks(labels: Mapping[Any, Any], edges: Iterable[Edge]) -> dict[Any, int]:
    """
    Rank the nodes of a graph by their place in it.

    Parameters
    ----------
    labels : Mapping
        What each node is, by node: values that can be compared with each other. Nodes are given in
        the order they were made in.
    edges : iterable of tuple
        Source, target and a label that can be compared with other labels.

    Returns
    -------
    ranks : dict of int
        The rank of each node. Nodes with smaller labels come first, then what the graph says
        decides. Of nodes that the graph can't tell apart, the one made first comes first, and
        what is beside it follows that choice.
    """
    initial = _initial_colours(labels)
    colouring = Colouring(initial, edges)
    colouring.refine(list(labels))
    colouring.tell_all_apart({node: index for index, node in enumerate(labels)})
    order = sorted(labels, key=lambda node: (initial[node], colouring.colours[node]))
    return {node: index for index, node in enumerate(order)}


def stable_colours(labels: Mapping[Any, Any], edges: Iterable[Edge]) -> dict[Any, int]:
    """
    Return a number for each node of a graph, the same for nodes that can't be told apart.

    Parameters
    ----------
    labels, edges
        As of `canonical_ranks`.
    """
    colouring = Colouring(_initial_colours(labels), edges)
    colouring.refine(list(labels))
    return colouring.colours


def _initial_colours(labels: Mapping[Any, Any]) -> dict[Any, int]:
    numbers = {label: index for index, label in enumerate(sorted(set(labels.values())))}
    return {node: numbers[label] for node, label in labels.items()}


class Colouring:
    """
    Colours of nodes, and the sets of nodes that have them.

    Parameters
    ----------
    colours : dict of int
        A number for each node, from 0 without gaps.
    edges : iterable of tuple
        Source, target and label.
    """

    def __init__(self, colours: dict[Any, int], edges: Iterable[Edge]) -> None:
        self.colours = dict(colours)
        self.cells: dict[int, set[Any]] = defaultdict(set)
        for node, colour in colours.items():
            self.cells[colour].add(node)
        self.neighbours: dict[Any, list[tuple[Any, tuple[int, int]]]] = defaultdict(list)
        edges = list(edges)
        numbers = {
            label: index for index, label in enumerate(sorted({label for _, _, label in edges}))
        }
        for source, target, label in edges:
            self.neighbours[source].append((target, (0, numbers[label])))
            self.neighbours[target].append((source, (1, numbers[label])))

    def refine(self, changed: Sequence[Any]) -> None:
        """Split colours until nodes of one colour have neighbours of the same colours."""
        while changed:
            seen: dict[Any, list[tuple[tuple[int, int], int]]] = defaultdict(list)
            for node in changed:
                for neighbour, link in self.neighbours[node]:
                    seen[neighbour].append((link, self.colours[node]))
            touched: dict[int, dict[tuple[Any, ...], list[Any]]] = defaultdict(
                lambda: defaultdict(list)
            )
            for node, links in seen.items():
                touched[self.colours[node]][tuple(sorted(links))].append(node)
            changed = [
                node for colour in sorted(touched) for node in self._split(colour, touched[colour])
            ]

    def tell_all_apart(self, made: Mapping[Any, int]) -> None:
        """Give every node a colour of its own; where nothing else decides, as they were made."""
        waiting = [colour for colour, cell in self.cells.items() if len(cell) > 1]
        heapq.heapify(waiting)
        members: dict[int, list[Any]] = {}
        while waiting:
            colour = waiting[0]
            cell = self.cells[colour]
            if len(cell) < 2:
                heapq.heappop(waiting)
                continue
            if colour not in members:
                members[colour] = sorted(cell, key=made.__getitem__, reverse=True)
            # those that left the cell since then have another colour
            while self.colours[members[colour][-1]] != colour:
                members[colour].pop()
            first = members[colour].pop()
            before = len(self.cells)
            self.refine(self.move([first], colour))
            for new in range(before, len(self.cells)):
                heapq.heappush(waiting, new)

    def _split(self, colour: int, groups: Mapping[tuple[Any, ...], list[Any]]) -> list[Any]:
        """Split a colour into groups; return the nodes that were given a new one."""
        cell = self.cells[colour]
        n_untouched = len(cell) - sum(map(len, groups.values()))
        sizes = {key: len(group) for key, group in groups.items()}
        if n_untouched:
            sizes[()] = n_untouched
        if len(sizes) == 1:
            return []
        kept = min(sizes, key=lambda key: (-sizes[key], key))
        changed = []
        for key in sorted(sizes):
            if key != kept:
                group = groups.get(key)
                if group is None:
                    group = list(cell.difference(*groups.values()))
                changed += self.move(group, colour)
        return changed

    def move(self, group: list[Any], colour: int) -> list[Any]:
        """Give nodes of a colour a new one, and return them."""
        new = len(self.cells)
        self.cells[colour].difference_update(group)
        self.cells[new].update(group)
        for node in group:
            self.colours[node] = new
        return group
