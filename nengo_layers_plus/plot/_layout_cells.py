"""The cells of a layered layout: their ranks, their order in a column, and how high each lies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import networkx
import numpy as np

SEPARATION = 8.0  # between what is above each other
PAD = 8.0  # between a frame and what is in it

_SWEEPS = 8
_ABOVE = 0.4  # where an arrow back is beside the boxes that it joins
_COMPACT = 0.02  # the weight of a frame's height
_UP = 1e-4  # the weight of the distance from the top


@dataclass(frozen=True)
class Box:
    """
    A box to be placed.

    Parameters
    ----------
    width, height : float
        Its size.
    frames : tuple of int
        The frames around it, the outermost first.
    leaf : bool
        Whether it only reads, so that others need not be in line with it.
    """

    width: float
    height: float
    frames: tuple[int, ...] = ()
    leaf: bool = False


@dataclass(frozen=True)
class Link:
    """
    An arrow from one box to another; no two links have the same ends.

    Parameters
    ----------
    source, target : int
        The indices of the boxes.
    width, above, below : float
        The size of the text above and below the arrow.
    """

    source: int
    target: int
    width: float = 0.0
    above: float = 0.0
    below: float = 0.0


@dataclass(eq=False)
class Cell:
    """
    A place in a column: of a box, or of a link that passes by.

    Parameters
    ----------
    column : int
        The column.
    up, down : float
        How far it extends above and below `y`, where lines meet it.
    frames : tuple of int
        The frames around it.
    value : float
        The sort key within the column.
    box : Box, optional
        The box; None if a link passes by.
    y : float
        Its height on the page.
    left, right : float
        Where its column begins and ends.
    """

    column: int
    up: float
    down: float
    frames: tuple[int, ...]
    value: float = 0.0
    box: Box | None = None
    y: float = 0.0
    left: float = 0.0
    right: float = 0.0

    @property
    def x(self) -> float:
        """The middle of its column."""
        return (self.left + self.right) / 2


@dataclass(eq=False)
class Edge:
    """
    A piece of a link, between cells of two neighbouring columns.

    Parameters
    ----------
    left, right : Cell
        The cells.
    weight : float
        How much it matters that it is straight.
    rise : float
        How far the right end is below the left one where it is straight.
    turns : tuple of float, optional
        Where it turns, if it leads to the next row: x behind the row, y between the rows, and x
        before the next row.
    """

    left: Cell
    right: Cell
    weight: float
    rise: float = 0.0
    turns: tuple[float, float, float] | None = None


def ranks_of(n_boxes: int, links: Sequence[Link]) -> tuple[list[int], set[int]]:
    """
    Rank boxes as data flows.

    Parameters
    ----------
    n_boxes : int
        The number of boxes.
    links : sequence of Link
        The arrows between them.

    Returns
    -------
    ranks : list of int
        The rank of each box, from 0.
    back : set of int
        The indices of the links that lead back, in a loop.
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
    generations = enumerate(networkx.topological_generations(flow))
    rank_of = {box: rank for rank, generation in generations for box in generation}
    # a box without inputs stands beside the first box that reads it
    for box in range(n_boxes):
        if flow.in_degree(box) == 0 and flow.out_degree(box):
            rank_of[box] = min(rank_of[reader] for reader in flow.successors(box)) - 1
    back = {index for index, link in enumerate(links) if (link.source, link.target) in backward}
    return [rank_of[box] for box in range(n_boxes)], back


def order_columns(columns: Sequence[list[Cell]], edges: Sequence[Edge]) -> dict[int, float]:
    """
    Sort the cells of columns so that few edges cross, and cells of a frame stay together.

    Each cell moves to the mean place of its neighbours, in the columns before it and behind it in
    turn; the order with the fewest crossings is kept.

    Parameters
    ----------
    columns : sequence of list of Cell
        The columns, which are sorted.
    edges : sequence of Edge
        The edges between their cells.

    Returns
    -------
    values : dict of float
        The sort key of each frame among other frames and cells, in all columns.
    """
    before: dict[Cell, list[tuple[Cell, float]]] = defaultdict(list)
    behind: dict[Cell, list[tuple[Cell, float]]] = defaultdict(list)
    for edge in edges:
        # an arrow back follows the boxes at its ends, which do not follow it
        if edge.rise <= 0:
            before[edge.right].append((edge.left, _ABOVE * np.sign(edge.rise)))
        if edge.rise >= 0:
            behind[edge.left].append((edge.right, -_ABOVE * np.sign(edge.rise)))
    for column in columns:
        column.sort(key=lambda cell: cell.value)
        _number(column)
    fewest: float = np.inf
    best: dict[Cell, float] = {}
    for sweep in range(_SWEEPS):
        frame_values = _sort_all(columns)
        n_crossings = _n_crossings(columns, edges)
        if n_crossings < fewest:
            fewest = n_crossings
            best = {cell: cell.value for column in columns for cell in column}
        if not fewest:
            break
        forward = sweep % 2 == 0
        neighbours = before if forward else behind
        for column in columns if forward else columns[::-1]:
            for cell in column:
                if neighbours[cell]:
                    places = [beside.value + lift for beside, lift in neighbours[cell]]
                    cell.value = float(np.mean(places))
            _sort(column, frame_values)
            _number(column)
    for cell, value in best.items():
        cell.value = value
    return _sort_all(columns)


def _sort_all(columns: Sequence[list[Cell]]) -> dict[int, float]:
    """Sort all columns; return the mean value of the cells of each frame."""
    cells_of: dict[int, list[float]] = defaultdict(list)
    for column in columns:
        for cell in column:
            for frame in cell.frames:
                cells_of[frame].append(cell.value)
    frame_values = {frame: float(np.mean(values)) for frame, values in cells_of.items()}
    for column in columns:
        _sort(column, frame_values)
    return frame_values


def _sort(column: list[Cell], frame_values: Mapping[int, float]) -> None:
    place = {cell: index for index, cell in enumerate(column)}
    column.sort(
        key=lambda cell: (
            *((frame_values[frame], 1, frame) for frame in cell.frames),
            (cell.value, 0, place[cell]),
        )
    )


def _number(column: Sequence[Cell]) -> None:
    for index, cell in enumerate(column):
        cell.value = index - (len(column) - 1) / 2


def _n_crossings(columns: Sequence[Sequence[Cell]], edges: Sequence[Edge]) -> int:
    place = {cell: index for column in columns for index, cell in enumerate(column)}
    ends: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for edge in edges:
        ends[edge.left.column].append((place[edge.left], place[edge.right]))
    total = 0
    for pairs in ends.values():
        left, right = np.array(pairs).T
        turned = np.sign(left[:, np.newaxis] - left) * np.sign(right[:, np.newaxis] - right) < 0
        total += int(turned.sum()) // 2
    return total


def straighten(
    columns: Mapping[int, Sequence[Cell]],
    edges: Sequence[Edge],
    spans: Mapping[int, tuple[int, int]],
    title_heights: Mapping[int, float],
    parents: Mapping[int, tuple[int, ...]],
    frame_values: Mapping[int, float],
) -> dict[int, tuple[float, float]]:
    """
    Place the cells of a row so that edges are as straight as order and frames allow.

    A linear program: the weighted sum of how far edges are from straight becomes the least.

    Parameters
    ----------
    columns : Mapping
        The columns of the row, sorted; ``y`` of their cells is set, from the top of the row.
    edges : sequence of Edge
        The edges between their cells.
    spans : Mapping
        The first and last column of each frame in the row.
    title_heights : Mapping
        How high the title of each frame is.
    parents : Mapping
        The frames around each frame.
    frame_values : Mapping
        The sort key of each frame.

    Returns
    -------
    limits : dict
        The top and bottom of each frame, from the top of the row.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    cells = [cell for column in columns.values() for cell in column]
    sides = [(frame, side) for frame in spans for side in ("top", "bottom")]
    cost: dict[Any, float] = {
        **dict.fromkeys(cells, _UP),
        **{side: _COMPACT if side[1] == "bottom" else -_COMPACT for side in sides},
        **{edge: edge.weight for edge in edges},
    }
    # the sum of variables times factors is at most a bound
    limits: list[tuple[dict[Any, int], float]] = []
    for edge in edges:
        limits.append(({edge.right: 1, edge.left: -1, edge: -1}, edge.rise))
        limits.append(({edge.right: -1, edge.left: 1, edge: -1}, -edge.rise))
    for number, column in columns.items():
        frames = [frame for frame, (first, last) in spans.items() if first <= number <= last]
        for path in ((), *((*parents[frame], frame) for frame in frames)):
            inner = [frame for frame in frames if parents[frame] == path]
            stack = _stack(column, path, inner, title_heights, frame_values)
            for (*_, upper, down), (up, lower, *_) in pairwise(stack):
                limits.append(({upper: 1, lower: -1}, -(down + SEPARATION + up)))
    solution = dict.fromkeys(cost, 0.0)
    if limits:
        index = {variable: number for number, variable in enumerate(cost)}
        entries = [
            (factor, row, index[variable])
            for row, (factors, _) in enumerate(limits)
            for variable, factor in factors.items()
        ]
        factors, rows, places = zip(*entries, strict=True)
        matrix = csr_array((factors, (rows, places)), shape=(len(limits), len(cost)))
        bounds = [bound for _, bound in limits]
        result = linprog(list(cost.values()), matrix, bounds, method="highs")
        assert result.success, result.message
        solution = dict(zip(cost, map(float, result.x), strict=True))
    top = min([solution[cell] - cell.up for cell in cells] + [solution[side] for side in sides])
    for cell in cells:
        cell.y = solution[cell] - top
    return {
        frame: (solution[frame, "top"] - top, solution[frame, "bottom"] - top) for frame in spans
    }


def _stack(
    column: Sequence[Cell],
    path: tuple[int, ...],
    frames: Sequence[int],
    title_heights: Mapping[int, float],
    frame_values: Mapping[int, float],
) -> Iterator[tuple[float, Any, Any, float]]:
    """
    Yield the items of a column within a frame, from its top side to its bottom side.

    They are the cells and frames directly in it, each as the space above it, the variables of its
    top and bottom, and the space below it.
    """
    items: list[tuple[tuple[float, int, int], tuple[float, Any, Any, float]]] = [
        ((cell.value, 0, place), (cell.up, cell, cell, cell.down))
        for place, cell in enumerate(column)
        if cell.frames == path
    ]
    for frame in frames:
        sides = (frame, "top"), (frame, "bottom")
        items.append(((frame_values[frame], 1, frame), (0.0, *sides, 0.0)))
    if path:
        top = (path[-1], "top")
        yield 0.0, top, top, title_heights[path[-1]] + PAD - SEPARATION
    yield from (item for _, item in sorted(items, key=lambda item: item[0]))
    if path:
        bottom = (path[-1], "bottom")
        yield PAD - SEPARATION if items else PAD, bottom, bottom, 0.0
