"""Parts of a network that are alike, such as the ensembles of an array."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import groupby
from typing import Any

from nengo_layers_plus.graph._canonical_order import (
    by_numbers,
    stable_colours,
    structure_of,
    structure_of_link,
)
from nengo_layers_plus.graph._network_graph import NetworkGraph
from nengo_layers_plus.graph._structure import GraphObject

_FEWEST = 3
"""The fewest objects that share a line, a box or a loop."""
_MOST_RANGES = 3


def alike_parts(
    graph: NetworkGraph, shown: Callable[[GraphObject], Hashable] | None = None
) -> list[tuple[GraphObject, ...]]:
    """
    Group the objects of a network that are alike, as in a `nengo.networks.EnsembleArray`.

    Objects are alike if they are in the same network, are made alike, have labels that differ in
    numbers alone, and are joined in the same way to objects that are the same or alike. Numbers
    that were drawn, and which part of a slice is theirs, do not tell them apart.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    shown : callable, optional
        Returns what else has to be the same for an object to be alike.

    Returns
    -------
    groups : list of tuple of GraphObject
        All objects, each in one group, in the order data flows; in a group by their numbers.
    """
    networks: dict[Any, int] = {}
    extra: dict[Hashable, int] = {}
    labels = {}
    for item in graph.objects:
        stem = re.sub(r"\d+", "0", str(item.obj.label or ""))
        place = networks.setdefault(item.path[-1], len(networks))
        _, _, *structure = structure_of(item.obj, item.kind, item.path)
        labels[item] = (
            place,
            stem,
            *structure,
            extra.setdefault(shown and shown(item), len(extra)),
        )
    edges = []
    for edge in graph.edges:
        link = structure_of_link(edge.target.obj if edge.connection is None else edge.connection)
        edges.append((edge.source, edge.target, _without_slices(link)))
    colours = stable_colours(labels, edges)
    groups: dict[int, list[GraphObject]] = {}
    for item in graph.objects:
        groups.setdefault(colours[item], []).append(item)
    found: list[tuple[GraphObject, ...]] = []
    for item in graph.objects:
        group = groups[colours[item]]
        # what is joined to nothing is not beside anything
        joined = graph.predecessors(item) or graph.successors(item)
        if len(group) < _FEWEST or not joined:
            found.append((item,))
        elif group[0] is item:
            found.append(tuple(sorted(group, key=lambda each: by_numbers(each.name))))
    return found


def _without_slices(link: tuple[str, ...]) -> tuple[str, ...]:
    return (*link[:3], *link[5:]) if link[0] == "connection" else link


def range_of_names(names: Iterable[str]) -> str:
    """
    Name several objects that are alike.

    Parameters
    ----------
    names : iterable of str
        Their names.

    Examples
    --------
    >>> from nengo_layers_plus.graph import range_of_names
    >>> range_of_names([f"ea_{number}" for number in range(12)])
    'ea_0 .. ea_11'
    >>> range_of_names(["ea_0", "ea_1", "ea_2", "ea_4"])
    'ea_0 .. ea_2, ea_4'
    >>> range_of_names([f"ea_{number}.bias" for number in range(12)])
    'ea_[0 .. 11].bias'
    """
    ordered = sorted(set(names), key=by_numbers)
    keys = [by_numbers(name) for name in ordered]
    varying = {
        index
        for key in keys
        for index, part in enumerate(key)
        if len(key) != len(keys[0]) or part != keys[0][index]
    }
    if len(varying) != 1 or (place := varying.pop()) % 2 == 0:
        return _from_to(ordered)
    runs = groupby(enumerate(ordered), key=lambda each: int(keys[each[0]][place]) - each[0])
    numbers = [[index for index, _ in run] for _, run in runs]
    tail = "".join(map(str, keys[0][place + 1 :]))
    if tail:  # the numbers stand within
        ranges = [_from_to([str(keys[index][place]) for index in run]) for run in numbers]
    else:
        ranges = [_from_to([ordered[index] for index in run]) for run in numbers]
    more = len(ranges) - _MOST_RANGES
    text = ", ".join(ranges[:_MOST_RANGES]) + (f" and {more} more ranges" if more > 0 else "")
    return f"{''.join(map(str, keys[0][:place]))}[{text}]{tail}" if tail else text


def listed(names: Iterable[str], most: int = 8) -> str:
    """
    List names, those that differ in numbers alone as a range.

    Parameters
    ----------
    names : iterable of str
        The names.
    most : int
        How many are written; of the others their number is.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(re.sub(r"\d+", "0", name), []).append(name)
    ranges = [range_of_names(each) for each in alike.values()]
    more = len(ranges) - most
    return ", ".join(ranges[:most]) + (f" and {more} more" if more > 0 else "")


def _from_to(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}"
