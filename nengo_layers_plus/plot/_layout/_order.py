"""The order of the cells of each column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from nengo_layers_plus.plot._layout._parts import Cell, Edge

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
