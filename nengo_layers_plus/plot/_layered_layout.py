"""
Places for the boxes, arrows and frames of a network, as data flows from left to right.

A layered layout [1]_: each box has a rank, the length of the longest way to it. Boxes of one rank
make a column, and between two columns of boxes there is one of labels, so that a label can't lie
on anything else. A link that passes a column has a cell in it as well, so that it goes around
boxes. The cells of a column are ordered so that few arrows cross, and placed so that arrows are
straight, as a linear program [2]_. Frames are kept apart from what is not in them by the same
means. Columns that do not fit beside each other go on in another row, as words do.

Lengths are in points, and y grows downwards.

References
----------
.. [1] Sugiyama, Tagawa, Toda (1981). Methods for visual understanding of hierarchical system
   structures. IEEE Transactions on Systems, Man, and Cybernetics 11(2), 109-125.
.. [2] Gansner, Koutsofios, North, Vo (1993). A technique for drawing directed graphs. IEEE
   Transactions on Software Engineering 19(3), 214-230.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from nengo_layers_plus.plot._layout_cells import (
    PAD,
    SEPARATION,
    Box,
    Cell,
    Edge,
    Link,
    order_columns,
    ranks_of,
    straighten,
)
from nengo_layers_plus.plot._layout_routes import RISE, Point, Route, line, loop

_GAP = 16.0  # between columns
_TRACK = 6.0  # between lines to the next row
# the cost of the end of a row: that it is short, each row, each line and frame it breaks
_ROW, _BROKEN_LINE, _BROKEN_FRAME = 0.2, 0.2, 0.5
# how much it matters that a line is straight: to the next box, around boxes, back or to a leaf
_NEXT, _FAR, _LEAST = 12.0, 2.0, 1.0


@dataclass(frozen=True)
class Frame:
    """The part of a frame that is in one row, and the title in its upper left corner."""

    number: int
    left: float
    top: float
    right: float
    bottom: float
    title: str


@dataclass(frozen=True)
class Layout:
    """The places of all boxes, arrows and frames, and the rectangle around them."""

    centres: list[Point]
    routes: list[Route]
    frames: list[Frame]
    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Its width."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Its height."""
        return self.bottom - self.top


@dataclass
class _Row:
    """
    Columns beside each other.

    Parameters
    ----------
    first, stop : int
        The first column, and the one behind the last.
    spans : dict
        The first and last column, in this row, of each frame.
    left, right : dict
        Where each column begins and ends.
    width, top : float
        Its width, and its place.
    """

    first: int
    stop: int
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    left: dict[int, float] = field(default_factory=dict)
    right: dict[int, float] = field(default_factory=dict)
    width: float = 0.0
    top: float = 0.0


class LayeredLayout:
    """
    Places boxes, links between them, and frames around them.

    Parameters
    ----------
    boxes : sequence of Box
        The boxes, at least one, in the order data flows.
    links : sequence of Link
        The links between them.
    title : callable
        Called with the number of a frame, the width that it has, and whether it goes on from the
        row above; returns its title, and the height of that.
    """

    def __init__(
        self,
        boxes: Sequence[Box],
        links: Sequence[Link],
        title: Callable[[int, float, bool], tuple[str, float]],
    ) -> None:
        self.boxes, self.links, self.title = boxes, links, title
        self.ranks, self.back = ranks_of(len(boxes), links)
        self.columns: list[list[Cell]] = [[] for _ in range(2 * max(self.ranks) + 1)]
        self.widths = [0.0] * len(self.columns)
        self.cells = self._make_cells()
        self.labelled: dict[int, Cell] = {}  # the cell of a link's label
        self.chains = self._make_chains()
        self.edges = [edge for chain in self.chains for edge in chain]
        self.parents: dict[int, tuple[int, ...]] = {}
        self.spans: dict[int, tuple[int, int]] = {}
        self.pads: dict[int, float] = defaultdict(float)
        for cell in self.cells:
            for depth, frame in enumerate(cell.frames):
                self.parents[frame] = cell.frames[:depth]
                first, last = self.spans.get(frame, (cell.column, cell.column))
                self.spans[frame] = min(first, cell.column), max(last, cell.column)
                self.pads[frame] = max(self.pads[frame], PAD * (len(cell.frames) - depth))
        self.broken = self._cost_of_breaks()
        self.frame_values = order_columns(self.columns, self.edges)

    def estimate(self, width: float) -> tuple[float, float, float]:
        """Return about how wide and high all will be in rows of a width, and the cost of breaks."""
        rows = self._rows(width)
        heights = [
            max(
                sum(cell.up + cell.down + SEPARATION for cell in column)
                for column in self.columns[row.first : row.stop]
            )
            + 2.5 * max((self.pads[frame] for frame in row.spans), default=0)
            for row in rows
        ]
        return (
            max(row.width for row in rows),
            sum(heights) + 3 * SEPARATION * (len(rows) - 1),
            sum(self.broken[row.first // 2] for row in rows[1:]),
        )

    def place(self, width: float) -> Layout:
        """Place all in rows of at most a width, but for single columns that are wider."""
        rows = self._rows(width)
        frames: list[Frame] = []
        bottom = 0.0
        for number, row in enumerate(rows):
            if number:
                n_tracks = sum(edge.right.column == row.first for edge in self.edges)
                bottom += SEPARATION + (SEPARATION + _TRACK * n_tracks if n_tracks else 0.0)
            row.top = bottom
            frames += self._place_row(row)
            cells = [cell for column in self.columns[row.first : row.stop] for cell in column]
            bottoms = [cell.y + cell.down for cell in cells]
            bottom = max(bottoms + [frame.bottom for frame in frames])
        self._set_turns(rows)
        routes = [self._route(index, link) for index, link in enumerate(self.links)]
        points = [point for route in routes for _, step in route.steps for point in step]
        x, y = ([0.0, *(point[axis] for point in points)] for axis in (0, 1))
        return Layout(
            [(cell.x, cell.y) for cell in self.cells],
            routes,
            frames,
            left=min([*x, *(frame.left for frame in frames)]),
            top=min(y),
            right=max([*x, *(row.width for row in rows), *(frame.right for frame in frames)]),
            bottom=bottom,
        )

    def _make_cells(self) -> list[Cell]:
        loops = {link.source: link for link in self.links if link.source == link.target}
        ends = {
            end
            for index in self.back
            for end in (self.links[index].source, self.links[index].target)
        }
        cells = []
        for number, box in enumerate(self.boxes):
            up, width, column = box.height / 2, box.width, 2 * self.ranks[number]
            if number in loops:
                up += RISE + 6 + loops[number].above + loops[number].below
                width = max(width, loops[number].width)
            elif number in ends:
                up += RISE + 4
            cells.append(Cell(column, up, box.height / 2, box.frames, 1.0 + box.leaf, box))
            self.columns[column].append(cells[-1])
            self.widths[column] = max(self.widths[column], width)
        return cells

    def _make_chains(self) -> list[list[Edge]]:
        """Make the edges of each link, from left to right, and the cells of columns it passes."""
        forward = [link for index, link in enumerate(self.links) if index not in self.back]
        n_behind = Counter(link.source for link in forward)
        n_before = Counter(link.target for link in forward)
        chains: list[list[Edge]] = []
        for index, link in enumerate(self.links):
            back = index in self.back
            first, last = (link.target, link.source) if back else (link.source, link.target)
            left, right = self.cells[first], self.cells[last]
            passed = range(left.column + 1, right.column)
            chains.append([])
            if not passed:  # from a box to itself
                continue
            labelled = passed[len(passed) // 4 * 2] if back else passed[0]
            around = tuple(frame for frame in left.frames if frame in right.frames)
            cells = [left]
            for column in passed:
                above, below = (link.above, link.below) if column == labelled else (0.0, 0.0)
                # behind boxes, and arrows back above them
                value = 0.0 if back else 3.0
                cells.append(Cell(column, max(above, 3.0), max(below, 3.0), around, value))
                self.columns[column].append(cells[-1])
            cells.append(right)
            self.labelled[index] = cells[labelled - left.column]
            self.widths[labelled] = max(self.widths[labelled], link.width)
            weight = _NEXT if len(passed) == 1 else _FAR
            if back or self.boxes[link.target].leaf:
                weight = _LEAST
            for one, other in pairwise(cells):
                factor, rise = 2.0, 0.0
                # level with the end that has no other lines; an arrow back is above both
                if one is left:
                    factor = 1 + 1 / max(n_behind[first], 1)
                    rise = -self.boxes[first].height / 2 - RISE if back else 0.0
                elif other is right:
                    factor = 1 + 1 / max(n_before[last], 1)
                    rise = self.boxes[last].height / 2 + RISE if back else 0.0
                chains[-1].append(Edge(one, other, factor * weight, rise))
        return chains

    def _cost_of_breaks(self) -> list[float]:
        """Return the cost of what the end of a row before each rank would break."""
        broken = [0.0] * (max(self.ranks) + 1)
        for edge in self.edges:
            if edge.right.column % 2 == 0:
                broken[edge.right.column // 2] += _BROKEN_LINE
        for first, last in self.spans.values():
            for rank in range(first // 2 + 1, last // 2 + 1):
                broken[rank] += _BROKEN_FRAME
        return broken

    def _rows(self, width: float) -> list[_Row]:
        """Break the columns into rows, where few lines and frames are broken."""
        n_ranks = len(self.broken)
        best: list[tuple[float, int]] = [(0.0, 0)]
        for stop in range(1, n_ranks + 1):
            choices = []
            for start in reversed(range(stop)):
                wide = self._row(start, stop).width
                if wide > width and start < stop - 1:
                    break
                short = 0.0 if stop == n_ranks else max(0.0, 1 - wide / width) ** 2
                broken = self.broken[start] if start else 0.0
                choices.append((best[start][0] + _ROW + short + broken, start))
            best.append(min(choices))
        bounds = [n_ranks]
        while bounds[-1]:
            bounds.append(best[bounds[-1]][1])
        return [self._row(start, stop) for start, stop in pairwise(reversed(bounds))]

    def _row(self, start: int, stop: int) -> _Row:
        """Place the columns of some ranks from left to right."""
        row = _Row(2 * start, min(2 * stop, len(self.columns)))
        before: dict[int, float] = defaultdict(float)
        behind: dict[int, float] = defaultdict(float)
        for frame, (left, right) in self.spans.items():
            if left < row.stop and right >= row.first:
                first, last = max(left, row.first), min(right, row.stop - 1)
                row.spans[frame] = first, last
                before[first] = max(before[first], self.pads[frame])
                behind[last] = max(behind[last], self.pads[frame])
        x = 0.0
        for column in range(row.first, row.stop):
            row.left[column] = x + before[column]
            row.right[column] = row.left[column] + self.widths[column]
            row.width = row.right[column] + behind[column]
            x = row.width + _GAP
        return row

    def _place_row(self, row: _Row) -> list[Frame]:
        """Place the cells of a row whose top is known; return its frames."""
        titles: dict[int, tuple[str, float]] = {}
        for frame, (first, last) in row.spans.items():
            width = row.right[last] - row.left[first] + 2 * self.pads[frame] - PAD
            titles[frame] = self.title(frame, width, self.spans[frame][0] < row.first)
        columns = {number: self.columns[number] for number in range(row.first, row.stop)}
        limits = straighten(
            columns,
            [
                edge
                for edge in self.edges
                if row.first <= edge.left.column and edge.right.column < row.stop
            ],
            row.spans,
            {frame: height for frame, (_, height) in titles.items()},
            self.parents,
            self.frame_values,
        )
        for number, column in columns.items():
            for cell in column:
                cell.y += row.top
                cell.left, cell.right = row.left[number], row.right[number]
        return [
            Frame(
                frame,
                row.left[first] - self.pads[frame],
                row.top + limits[frame][0],
                row.right[last] + self.pads[frame],
                row.top + limits[frame][1],
                titles[frame][0],
            )
            for frame, (first, last) in row.spans.items()
        ]

    def _set_turns(self, rows: Sequence[_Row]) -> None:
        """Set where edges to a next row turn."""
        for edge in self.edges:
            edge.turns = None
        for row, following in pairwise(rows):
            edges = [edge for edge in self.edges if edge.right.column == following.first]
            leaving = sorted(edges, key=lambda edge: (edge.left.y, edge.right.y))
            entering = sorted(leaving, key=lambda edge: (edge.right.y, edge.left.y))
            for place, edge in enumerate(leaving):
                # those above go around those below, and so do not cross them
                edge.turns = (
                    row.width + SEPARATION + _TRACK * (len(leaving) - 1 - place),
                    following.top - SEPARATION - _TRACK * place,
                    -SEPARATION - _TRACK * entering.index(edge),
                )

    def _route(self, index: int, link: Link) -> Route:
        source = self.cells[link.source]
        if link.source == link.target:
            box = self.boxes[link.source]
            label = (source.x, source.y - box.height / 2 - RISE - 2 - link.below)
            return Route(loop(source.x, source.y, box), label, back=True)
        labelled, back = self.labelled[index], index in self.back
        return Route(line(self.chains[index], back), (labelled.x, labelled.y), back)
