"""The lines of arrows in a layered layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from nengo_layers_plus.plot._layout_cells import Box, Cell, Edge

RISE = 12.0  # from the top of a box to an arrow that leads back
_BEND = 5.0  # the radius of a bend
_SAME = 1e-6  # points this near to each other are one
_CLEAR = 3.0  # how far a line is above a box to meet it from above

Point = tuple[float, float]
Step = tuple[str, tuple[Point, ...]]


@dataclass(frozen=True)
class Route:
    """
    The line of an arrow.

    Parameters
    ----------
    steps : list of tuple
        A command and its points: ``"M"`` begins at a point, ``"L"`` draws a line to one, ``"Q"``
        and ``"C"`` draw a curve with one and two control points.
    label : tuple of float
        The point of the arrow between the text above and the text below it.
    back : bool
        Whether it leads back, in a loop.
    """

    steps: list[Step]
    label: Point
    back: bool


def loop(x: float, y: float, box: Box) -> list[Step]:
    """Return the line from a box to itself."""
    top = y - box.height / 2
    side = min(0.12 * box.width, 8.0)
    high = top - RISE * 4 / 3
    return [
        ("M", ((x + side, top),)),
        ("C", ((x + 2.5 * side, high), (x - 2.5 * side, high), (x - side, top))),
    ]


def line(edges: Sequence[Edge], back: bool) -> list[Step]:
    """Return the line from one box to another, along edges from left to right or back."""
    steps: list[Step] = []
    for edge in reversed(edges) if back else edges:
        source, target = (edge.right, edge.left) if back else (edge.left, edge.right)
        start, rises = _leave(source, target, edge, back)
        end, falls = _leave(target, source, edge, back)
        steps += [("L" if steps else "M", (start[0],)), *(("L", (point,)) for point in start[1:])]
        if edge.turns is not None:
            steps += _around(start[-1], end[-1], edge.turns[::-1] if back else edge.turns)
        else:
            steps.append(_curve(start[-1], end[-1], rises, falls))
        steps += [("L", (point,)) for point in end[-2::-1]]
    return [
        step
        for before, step in pairwise([("", ((math.inf, math.inf),)), *steps])
        if step[0] != "L" or math.dist(before[1][-1], step[1][0]) > _SAME
    ]


def _leave(cell: Cell, beside: Cell, edge: Edge, back: bool) -> tuple[list[Point], bool]:
    """
    Return how a line leaves a cell, and whether it does so upright.

    From a box it goes straight to the edge of the column, in which other boxes may be wider.
    """
    to_right = beside.column > cell.column
    side, direction = (cell.right, 1) if to_right else (cell.left, -1)
    box = cell.box
    if box is None:
        return [(side, cell.y)], False
    top, bottom = cell.y - box.height / 2, cell.y + box.height / 2
    if back and edge.turns is None and not top - _CLEAR <= beside.y <= bottom + _CLEAR:
        return [(cell.x + direction * 0.3 * box.width, top if beside.y < top else bottom)], True
    # not where the arrow to the next box is
    y = cell.y - box.height / 4 if back else cell.y
    return [(cell.x + direction * box.width / 2, y), (side, y)], False


def _curve(start: Point, end: Point, rises: bool, falls: bool) -> Step:
    """Return a curve whose ends are level, or upright."""
    middle = (start[0] + end[0]) / 2
    return (
        "C",
        (
            (start[0], end[1]) if rises else (middle, start[1]),
            (end[0], start[1]) if falls else (middle, end[1]),
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
