"""Ranks of boxes, and their order within these."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import networkx
import numpy as np

from nengo_layers_plus.plot._layout._parts import Cell, Edge, Link


def ranks_of(n_boxes: int, links: Sequence[Link]) -> tuple[list[int], set[int]]:
    """
    Rank boxes as data flows.

    Parameters
    ----------
    n_boxes : int
        How many boxes there are.
    links : sequence of Link
        What leads from one to another.

    Returns
    -------
    ranks : list of int
        The rank of each box, from 0.
    back : set of int
        The numbers of the links that lead back, in a loop.
    """
    flow = networkx.DiGraph()
    flow.add_nodes_from(range(n_boxes))
    flow.add_edges_from((link.source, link.target) for link in links)
    on_the_way: set[int] = set()
    backward = set()
    for source, target, how in networkx.dfs_labeled_edges(flow):
        if how == "forward":
            on_the_way.add(target)
        elif how == "reverse":
            on_the_way.discard(target)
        elif target in on_the_way:
            backward.add((source, target))
    flow.remove_edges_from(backward)
    ranks = [0] * n_boxes
    for rank, generation in enumerate(networkx.topological_generations(flow)):
        for box in generation:
            ranks[box] = rank
    # what only puts something in stands beside what takes it
    for box in range(n_boxes):
        if flow.in_degree(box) == 0 and flow.out_degree(box):
            ranks[box] = min(ranks[after] for after in flow.successors(box)) - 1
    back = {index for index, each in enumerate(links) if (each.source, each.target) in backward}
    return ranks, back


_SWEEPS = 8
_ABOVE = 0.4  # where an arrow back is beside the boxes that it joins


def order_columns(columns: Sequence[list[Cell]], edges: Sequence[Edge]) -> dict[int, float]:
    """
    Sort the cells of columns so that few edges cross, and what is in a frame stays together.

    Each cell goes to the mean place of what it is joined to, in the columns before it and behind
    it in turn; the order with the fewest crossings is kept.

    Parameters
    ----------
    columns : sequence of list of Cell
        The columns, which are sorted.
    edges : sequence of Edge
        What joins their cells.

    Returns
    -------
    values : dict of float
        For each frame what its place among other frames and cells follows, in all columns.
    """
    before, behind = _neighbours(edges)
    for column in columns:
        column.sort(key=lambda cell: cell.value)
        _number(column)
    best: tuple[int, dict[Cell, float]] | None = None
    for sweep in range(_SWEEPS):
        values = _sorted(columns)
        crossings = _n_crossings(columns, edges)
        if best is None or crossings < best[0]:
            best = crossings, {cell: cell.value for column in columns for cell in column}
        if not best[0]:
            break
        forward = sweep % 2 == 0
        beside = before if forward else behind
        for column in columns if forward else columns[::-1]:
            for cell in column:
                if beside[cell]:
                    cell.value = float(np.mean([each.value + lift for each, lift in beside[cell]]))
            _sort(column, values)
            _number(column)
    assert best is not None
    for cell, value in best[1].items():
        cell.value = value
    return _sorted(columns)


def _sorted(columns: Sequence[list[Cell]]) -> dict[int, float]:
    found: dict[int, list[float]] = defaultdict(list)
    for column in columns:
        for cell in column:
            for number in cell.frames:
                found[number].append(cell.value)
    values = {number: float(np.mean(each)) for number, each in found.items()}
    for column in columns:
        _sort(column, values)
    return values


def _sort(column: list[Cell], values: Mapping[int, float]) -> None:
    place = {cell: index for index, cell in enumerate(column)}
    column.sort(
        key=lambda cell: (
            *((values[number], 1, number) for number in cell.frames),
            (cell.value, 0, place[cell]),
        )
    )


def _number(column: Sequence[Cell]) -> None:
    for index, cell in enumerate(column):
        cell.value = index - (len(column) - 1) / 2


def _neighbours(
    edges: Sequence[Edge],
) -> tuple[dict[Cell, list[tuple[Cell, float]]], dict[Cell, list[tuple[Cell, float]]]]:
    before: dict[Cell, list[tuple[Cell, float]]] = defaultdict(list)
    behind: dict[Cell, list[tuple[Cell, float]]] = defaultdict(list)
    for edge in edges:
        # an arrow back follows the boxes at its ends, which do not follow it
        if edge.rise <= 0:
            before[edge.right].append((edge.left, _ABOVE * np.sign(edge.rise)))
        if edge.rise >= 0:
            behind[edge.left].append((edge.right, -_ABOVE * np.sign(edge.rise)))
    return before, behind


def _n_crossings(columns: Sequence[Sequence[Cell]], edges: Sequence[Edge]) -> int:
    place = {cell: index for column in columns for index, cell in enumerate(column)}
    ends: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge in edges:
        ends[edge.left.column].append((place[edge.left], place[edge.right]))
    total = 0
    for each in ends.values():
        left, right = np.array(each).T
        turned = np.sign(left[:, np.newaxis] - left) * np.sign(right[:, np.newaxis] - right) < 0
        total += int(turned.sum()) // 2
    return total
