"""How high or low each cell is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from nengo_layers_plus.plot._layout._parts import PAD, SEPARATION, Cell, Edge, Row

_COMPACT = 0.02  # what a frame's height weighs
_UP = 1e-4  # what the distance from the top weighs


def straighten(
    row: Row,
    columns: Sequence[Sequence[Cell]],
    edges: Sequence[Edge],
    parents: Mapping[int, tuple[int, ...]],
    values: Mapping[int, float],
) -> None:
    """
    Place the cells of a row so that edges are as straight as order and frames allow.

    Parameters
    ----------
    row : Row
        The row, whose ``limits`` and ``height`` are set.
    columns : sequence of sequence of Cell
        Its columns, in order; ``y`` of the cells is set, from the top of the row.
    edges : sequence of Edge
        What joins them.
    parents : Mapping
        The frames around each frame.
    values : Mapping
        What the place of each frame follows.
    """
    cells = [cell for column in columns for cell in column]
    program = _Program(cells, list(row.spans), edges)
    for number, column in enumerate(columns, row.first):
        here = [each for each, (first, last) in row.spans.items() if first <= number <= last]
        program.stack(column, here, parents, values, {each: row.titles[each][1] for each in here})
    placed = program.solve()
    top = min(
        [placed[cell] - cell.up for cell in cells] + [placed[each, "top"] for each in row.spans]
    )
    for cell in cells:
        cell.y = placed[cell] - top
    row.limits = {
        each: (placed[each, "top"] - top, placed[each, "bottom"] - top) for each in row.spans
    }
    row.height = max(
        [cell.y + cell.down for cell in cells] + [bottom for _, bottom in row.limits.values()]
    )


class _Program:
    """
    A linear program: the weighted sum of how far edges are from straight becomes the least.

    Parameters
    ----------
    cells : sequence of Cell
        The cells to place.
    frames : sequence of int
        The frames to place.
    edges : sequence of Edge
        What joins the cells.
    """

    def __init__(self, cells: Sequence[Cell], frames: Sequence[int], edges: Sequence[Edge]) -> None:
        sides = [(each, side) for each in frames for side in ("top", "bottom")]
        self.variables = {each: index for index, each in enumerate([*cells, *sides, *edges])}
        self.limits: list[tuple[dict[object, float], float]] = []
        self.cost = np.zeros(len(self.variables))
        for cell in cells:
            self.cost[self.variables[cell]] = _UP
        for each, side in sides:
            self.cost[self.variables[each, side]] = _COMPACT if side == "bottom" else -_COMPACT
        for edge in edges:
            self.cost[self.variables[edge]] = edge.weight
            self.limits.append(({edge.right: 1, edge.left: -1, edge: -1}, edge.rise))
            self.limits.append(({edge.right: -1, edge.left: 1, edge: -1}, -edge.rise))

    def stack(
        self,
        column: Sequence[Cell],
        frames: Sequence[int],
        parents: Mapping[int, tuple[int, ...]],
        values: Mapping[int, float],
        titles: Mapping[int, float],
    ) -> None:
        """Demand that what is in a column lies below each other, with frames around it."""
        place = {cell: index for index, cell in enumerate(column)}
        waiting: list[tuple[int, ...]] = [()]
        while waiting:
            path = waiting.pop()
            within: list[tuple[tuple[float, int, int], object, object, float, float]] = [
                ((cell.value, 0, place[cell]), cell, cell, cell.up, cell.down)
                for cell in column
                if cell.frames == path
            ]
            for each in frames:
                if parents[each] == path:
                    sides = (each, "top"), (each, "bottom")
                    within.append(((values[each], 1, each), *sides, 0.0, 0.0))
                    waiting.append((*path, each))
            within.sort(key=lambda entry: entry[0])
            if path:
                around = (path[-1], "top"), (path[-1], "bottom")
                within.insert(0, ((0, 0, 0), None, around[0], 0.0, titles[path[-1]] + PAD))
                within.append(((0, 0, 0), around[1], None, PAD, 0.0))
            for (*_, upper, _, down), (_, lower, _, up, _) in pairwise(within):
                apart = (
                    0.0 if self._is_side(upper, path) or self._is_side(lower, path) else SEPARATION
                )
                self.limits.append(({upper: 1, lower: -1}, -(down + up + apart)))

    def _is_side(self, each: object, path: tuple[int, ...]) -> bool:
        return bool(path) and each in ((path[-1], "top"), (path[-1], "bottom"))

    def solve(self) -> dict[object, float]:
        """Return where everything is."""
        from scipy.optimize import linprog
        from scipy.sparse import csr_array

        entries = [
            (row, self.variables[each], factor)
            for row, (factors, _) in enumerate(self.limits)
            for each, factor in factors.items()
        ]
        rows, places, factors = zip(*entries, strict=True) if entries else ((), (), ())
        matrix = csr_array((factors, (rows, places)), shape=(len(self.limits), len(self.variables)))
        bounds = [limit for _, limit in self.limits]
        if not entries:
            return dict.fromkeys(self.variables, 0.0)
        result = linprog(self.cost, matrix, bounds, method="highs")
        assert result.success, result.message
        return {each: float(result.x[index]) for each, index in self.variables.items()}
