"""The lines of arrows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

from nengo_layers_plus.plot._layout._parts import (
    RISE,
    SEPARATION,
    Box,
    Cell,
    Edge,
    Point,
    Row,
    Step,
)

TRACK = 6.0  # between lines to the next row
_BEND = 5.0  # the radius of a bend
_SAME = 1e-6  # points this near to each other are one
_CLEAR = 3.0  # how far a line is above a box to meet it from above

Tracks = Mapping[Edge, tuple[float, float, float]]


def tracks_between(rows: Sequence[Row], edges: Sequence[Edge]) -> Tracks:
    """Return where edges to a next row turn: x behind the row, y between rows, x before the row."""
    tracks = {}
    for row, following in pairwise(rows):
        leaving = leaving_row(row, edges)
        entering = sorted(leaving, key=lambda edge: (edge.right.y, edge.left.y))
        for place, edge in enumerate(leaving):
            # those above go around those below, and so do not cross them
            tracks[edge] = (
                row.width + SEPARATION + TRACK * (len(leaving) - 1 - place),
                following.top - SEPARATION - TRACK * place,
                -SEPARATION - TRACK * entering.index(edge),
            )
    return tracks


def leaving_row(row: Row, edges: Sequence[Edge]) -> list[Edge]:
    """List the edges that lead to the next row, from top to bottom."""
    return sorted(
        (edge for edge in edges if edge.left.column == row.stop - 1),
        key=lambda edge: (edge.left.y, edge.right.y),
    )


def loop(x: float, y: float, box: Box) -> list[Step]:
    """Return the line from a box to itself."""
    top = y - box.height / 2
    side = min(0.12 * box.width, 8.0)
    high = top - RISE * 4 / 3
    return [
        ("M", ((x + side, top),)),
        ("C", ((x + 2.5 * side, high), (x - 2.5 * side, high), (x - side, top))),
    ]


def line(
    cells: Sequence[Cell],
    ends: tuple[Box, Box],
    edges: Mapping[tuple[Cell, Cell], Edge],
    row_of: Mapping[int, Row],
    tracks: Tracks,
    back: bool,
) -> list[Step]:
    """
    Return the line from one box to another.

    Parameters
    ----------
    cells : sequence of Cell
        What it passes, with those of the boxes.
    ends : tuple of Box
        The boxes.
    edges : Mapping
        The edges, by their left and right cell.
    row_of : Mapping
        The row of each column.
    tracks : Mapping
        Where the edges to a next row turn.
    back : bool
        Whether it leads back.
    """
    steps: list[Step] = []
    for index, (one, other) in enumerate(pairwise(cells)):
        edge = edges[(other, one) if back else (one, other)]
        turns = tracks.get(edge)
        first, last = index == 0, index == len(cells) - 2
        start, rises = _leave(one, ends[0] if first else None, other, row_of, back, turns)
        end, falls = _leave(other, ends[1] if last else None, one, row_of, back, turns)
        steps += [("L" if steps else "M", (start[0],)), *(("L", (each,)) for each in start[1:])]
        if turns is not None:
            steps += _around(start[-1], end[-1], turns if not back else turns[::-1])
        else:
            steps.append(_curve(start[-1], end[-1], (rises, falls)))
        steps += [("L", (each,)) for each in end[-2::-1]]
    return [
        step
        for before, step in pairwise([("", ((math.inf, math.inf),)), *steps])
        if step[0] != "L" or math.dist(before[1][-1], step[1][0]) > _SAME
    ]


def _leave(
    cell: Cell,
    box: Box | None,
    beside: Cell,
    row_of: Mapping[int, Row],
    back: bool,
    turns: tuple[float, float, float] | None,
) -> tuple[list[Point], bool]:
    """
    Return how a line leaves a cell, and whether it does so upright.

    From a box it goes straight to the edge of the column, in which other boxes may be wider.
    """
    row = row_of[cell.column]
    to_right = beside.column > cell.column
    side = (row.right if to_right else row.left)[cell.column]
    if box is None:
        return [(side, cell.y)], False
    x, direction = row.middle(cell.column), 1 if to_right else -1
    top, bottom = cell.y - box.height / 2, cell.y + box.height / 2
    if back and turns is None and not top - _CLEAR <= beside.y <= bottom + _CLEAR:
        return [(x + direction * 0.3 * box.width, top if beside.y < top else bottom)], True
    # not where the arrow to the next box is
    y = cell.y - box.height / 4 if back else cell.y
    return [(x + direction * box.width / 2, y), (side, y)], False


def _curve(start: Point, end: Point, upright: tuple[bool, bool]) -> Step:
    """Return a curve that begins and ends level, or upright."""
    middle = (start[0] + end[0]) / 2
    return (
        "C",
        (
            (start[0], end[1]) if upright[0] else (middle, start[1]),
            (end[0], start[1]) if upright[1] else (middle, end[1]),
            end,
        ),
    )


def _around(start: Point, end: Point, turns: tuple[float, float, float]) -> list[Step]:
    """Return the line to another row."""
    first, between, last = turns
    corners = [start, (first, start[1]), (first, between), (last, between), (last, end[1]), end]
    steps: list[Step] = []
    for before, corner, behind in zip(corners, corners[1:], corners[2:], strict=False):
        near, far = _towards(corner, before), _towards(corner, behind)
        steps += [("L", (near,)), ("Q", (corner, far))]
    return [*steps, ("L", (end,))]


def _towards(corner: Point, other: Point) -> Point:
    """Return the point near a corner where a bend begins or ends."""
    across, down = other[0] - corner[0], other[1] - corner[1]
    length = abs(across) + abs(down)
    part = min(_BEND, length / 2) / length if length else 0.0
    return corner[0] + part * across, corner[1] + part * down
