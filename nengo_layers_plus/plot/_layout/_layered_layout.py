"""Places boxes, arrows and frames."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise, takewhile

from nengo_layers_plus.plot._layout._order import order_columns, ranks_of
from nengo_layers_plus.plot._layout._parts import (
    GAP,
    PAD,
    RISE,
    SEPARATION,
    Box,
    Cell,
    Edge,
    Frame,
    Layout,
    Link,
    Point,
    Route,
    Row,
    Step,
)
from nengo_layers_plus.plot._layout._routes import (
    TRACK,
    Tracks,
    leaving_row,
    line,
    loop,
    tracks_between,
)
from nengo_layers_plus.plot._layout._straighten import straighten

# what counts against the end of a row: that it is short, each row, each line and frame it breaks
_ROW, _BROKEN_LINE, _BROKEN_FRAME = 0.2, 0.2, 0.5
# how much it matters that a line is straight: to the next box, around boxes, back or to a leaf
_NEXT, _FAR, _LEAST = 12.0, 2.0, 1.0


class LayeredLayout:
    """
    Places boxes, links between them, and frames around them.

    Parameters
    ----------
    boxes : sequence of Box
        The boxes, at least one, in the order data flows.
    links : sequence of Link
        What leads from one to another.
    title : callable
        Called with the number of a frame, the width that it has, and whether it goes on from the
        row above; returns what to write there, and its height.
    """

    def __init__(
        self,
        boxes: Sequence[Box],
        links: Sequence[Link],
        title: Callable[[int, float, bool], tuple[str, float]],
    ) -> None:
        self.boxes, self.links, self.title = boxes, links, title
        self.ranks, self.back = ranks_of(len(boxes), links)
        n_columns = 2 * max(self.ranks) + 1
        self.columns: list[list[Cell]] = [[] for _ in range(n_columns)]
        self.widths = [0.0] * n_columns
        self.edges: dict[tuple[Cell, Cell], Edge] = {}
        self._labelled: dict[int, Cell] = {}
        forward = [link for number, link in enumerate(links) if number not in self.back]
        self._n_behind = Counter(link.source for link in forward)
        self._n_before = Counter(link.target for link in forward)
        self.cells = self._make_cells()
        self.chains = [self._make_chain(number) for number in range(len(links))]
        self.parents: dict[int, tuple[int, ...]] = {}
        self.spans: dict[int, tuple[int, int]] = {}
        self._pads: dict[int, float] = {}
        self._find_frames()
        self.frame_values = order_columns(self.columns, list(self.edges.values()))

    def estimate(self, width: float) -> tuple[float, float, float]:
        """Return about how wide and high all will be in rows of a width, and what is broken."""
        rows = self._rows(width)
        heights = [
            max(
                sum(cell.up + cell.down + SEPARATION for cell in column)
                for column in self.columns[row.first : row.stop]
            )
            + 2.5 * max((self._pads[number] for number in row.spans), default=0)
            for row in rows
        ]
        broken = self._broken()
        return (
            max(row.width for row in rows),
            sum(heights) + 3 * SEPARATION * (len(rows) - 1),
            sum(broken[row.first // 2] for row in rows[1:]),
        )

    def place(self, width: float) -> Layout:
        """Place all in rows of at most a width, but for single columns that are wider."""
        rows = self._rows(width)
        edges = list(self.edges.values())
        bottom = 0.0
        for number, row in enumerate(rows):
            if number:
                # the lines that come from the row above
                n_tracks = len(leaving_row(rows[number - 1], edges))
                bottom += SEPARATION + (SEPARATION + TRACK * n_tracks if n_tracks else 0.0)
            self._place_row(row)
            row.top = bottom
            for column in self.columns[row.first : row.stop]:
                for cell in column:
                    cell.y += row.top
            bottom = row.top + row.height
        row_of = {column: row for row in rows for column in range(row.first, row.stop)}
        tracks = tracks_between(rows, edges)
        routes = [self._route(number, row_of, tracks) for number in range(len(self.links))]
        frames = [
            Frame(
                number,
                row.left[first] - self._pads[number],
                row.top + row.limits[number][0],
                row.right[last] + self._pads[number],
                row.top + row.limits[number][1],
                row.titles[number][0],
            )
            for row in rows
            for number, (first, last) in row.spans.items()
        ]
        centres = [(row_of[cell.column].middle(cell.column), cell.y) for cell in self.cells]
        return _from_the_origin(centres, routes, frames, max(row.width for row in rows), bottom)

    def _make_cells(self) -> list[Cell]:
        with_loops = {link.source: link for link in self.links if link.source == link.target}
        back = {
            end for each in self.back for end in (self.links[each].source, self.links[each].target)
        }
        cells = []
        for number, box in enumerate(self.boxes):
            up, width, column = box.height / 2, box.width, 2 * self.ranks[number]
            if number in with_loops:
                own = with_loops[number]
                up += RISE + 6 + own.above + own.below
                width = max(width, own.width)
            elif number in back:
                up += RISE + 4
            cell = Cell(column, up, box.height / 2, box.frames, value=1.0 + box.leaf)
            self.columns[column].append(cell)
            self.widths[column] = max(self.widths[column], width)
            cells.append(cell)
        return cells

    def _make_chain(self, number: int) -> list[Cell]:
        """Make the cells of what a link passes, from left to right, and join them."""
        link = self.links[number]
        if link.source == link.target:
            return []
        back = number in self.back
        ends = (link.target, link.source) if back else (link.source, link.target)
        left, right = (self.cells[each] for each in ends)
        passed = range(left.column + 1, right.column)
        labelled = passed[len(passed) // 4 * 2] if back else passed[0]
        both = zip(left.frames, right.frames, strict=False)
        around = tuple(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], both))
        chain = []
        for column in passed:
            above, below = (link.above, link.below) if column == labelled else (0.0, 0.0)
            # behind boxes, and arrows back above them
            cell = Cell(
                column, max(above, 3.0), max(below, 3.0), around, value=0.0 if back else 3.0
            )
            self.columns[column].append(cell)
            chain.append(cell)
        self._labelled[number] = chain[passed.index(labelled)]
        self.widths[labelled] = max(self.widths[labelled], link.width)

        weight = _NEXT if len(chain) == 1 else _FAR
        if back or self.boxes[link.target].leaf:
            weight = _LEAST
        for one, other in pairwise([left, *chain, right]):
            rise = 0.0
            if back and one is left:
                rise = -self.boxes[ends[0]].height / 2 - RISE
            elif back and other is right:
                rise = self.boxes[ends[1]].height / 2 + RISE
            inner = one is not left and other is not right
            if inner:
                factor = 2.0
            else:
                # level with the end that has no other lines
                beside = self._n_behind[ends[0]] if one is left else self._n_before[ends[1]]
                factor = 1 + 1 / max(beside, 1)
            self.edges[one, other] = Edge(one, other, factor * weight, rise)
        return chain

    def _find_frames(self) -> None:
        """Find which columns each frame spans, what is around it, and how wide its border is."""
        depths: dict[int, int] = defaultdict(int)
        for cell in self.cells:
            for depth, number in enumerate(cell.frames):
                self.parents[number] = cell.frames[:depth]
                first, last = self.spans.get(number, (cell.column, cell.column))
                self.spans[number] = min(first, cell.column), max(last, cell.column)
                depths[number] = max(depths[number], len(cell.frames) - depth)
        self._pads = {number: PAD * depth for number, depth in depths.items()}

    def _rows(self, width: float) -> list[Row]:
        """Break the columns into rows, where few lines and frames are broken."""
        n_ranks = max(self.ranks) + 1
        broken = self._broken()
        best: list[tuple[float, int]] = [(0.0, 0)]
        for stop in range(1, n_ranks + 1):
            choices = []
            for start in range(stop - 1, -1, -1):
                wide = self._row(start, stop).width
                if wide > width and start < stop - 1:
                    break
                short = 0.0 if stop == n_ranks else max(0.0, 1 - wide / width) ** 2
                choices.append(
                    (best[start][0] + _ROW + short + (broken[start] * (start > 0)), start)
                )
            best.append(min(choices))
        bounds = [n_ranks]
        while bounds[-1]:
            bounds.append(best[bounds[-1]][1])
        return [self._row(start, stop) for start, stop in pairwise(reversed(bounds))]

    def _broken(self) -> list[float]:
        """Return how much would be broken by the end of a row before each rank."""
        broken = [0.0] * (max(self.ranks) + 1)
        for edge in self.edges.values():
            if edge.right.column % 2 == 0:
                broken[edge.right.column // 2] += _BROKEN_LINE
        for first, last in self.spans.values():
            for rank in range(first // 2 + 1, last // 2 + 1):
                broken[rank] += _BROKEN_FRAME
        return broken

    def _row(self, start: int, stop: int) -> Row:
        """Place the columns of some ranks from left to right."""
        row = Row(2 * start, min(2 * stop, len(self.columns)))
        before: dict[int, float] = defaultdict(float)
        behind: dict[int, float] = defaultdict(float)
        for number, (left, right) in self.spans.items():
            if left < row.stop and right >= row.first:
                first, last = max(left, row.first), min(right, row.stop - 1)
                row.spans[number] = first, last
                before[first] = max(before[first], self._pads[number])
                behind[last] = max(behind[last], self._pads[number])
        x = 0.0
        for column in range(row.first, row.stop):
            row.left[column] = x + before[column]
            row.right[column] = row.left[column] + self.widths[column]
            row.width = row.right[column] + behind[column]
            x = row.width + GAP
        return row

    def _place_row(self, row: Row) -> None:
        for number, (first, last) in row.spans.items():
            wide = row.right[last] - row.left[first] + 2 * self._pads[number] - PAD
            row.titles[number] = self.title(number, wide, self.spans[number][0] < row.first)
        inside = [
            edge
            for edge in self.edges.values()
            if row.first <= edge.left.column and edge.right.column < row.stop
        ]
        columns = self.columns[row.first : row.stop]
        straighten(row, columns, inside, self.parents, self.frame_values)

    def _route(self, number: int, row_of: dict[int, Row], tracks: Tracks) -> Route:
        link = self.links[number]
        ends = self.boxes[link.source], self.boxes[link.target]
        source, target = self.cells[link.source], self.cells[link.target]
        if source is target:
            x, y = row_of[source.column].middle(source.column), source.y
            label = (x, y - ends[0].height / 2 - RISE - 2 - link.below)
            return Route(loop(x, y, ends[0]), label, back=True)
        back = number in self.back
        cells = [source, *(self.chains[number][::-1] if back else self.chains[number]), target]
        labelled = self._labelled[number]
        label = row_of[labelled.column].middle(labelled.column), labelled.y
        return Route(line(cells, ends, self.edges, row_of, tracks, back), label, back)


def _from_the_origin(
    centres: list[Point], routes: list[Route], frames: list[Frame], width: float, height: float
) -> Layout:
    """Move all so that nothing is left of or above (0, 0)."""
    points = [point for route in routes for _, each in route.steps for point in each]
    left = min([0.0, *(x for x, _ in points), *(frame.left for frame in frames)])
    right = max([width, *(x for x, _ in points), *(frame.right for frame in frames)])
    top = min([0.0, *(y for _, y in points)])

    def moved(point: Point) -> Point:
        return point[0] - left, point[1] - top

    def moved_step(step: Step) -> Step:
        return step[0], tuple(map(moved, step[1]))

    return Layout(
        [moved(point) for point in centres],
        [
            Route([moved_step(step) for step in route.steps], moved(route.label), route.back)
            for route in routes
        ],
        [
            Frame(
                each.number,
                *moved((each.left, each.top)),
                *moved((each.right, each.bottom)),
                each.title,
            )
            for each in frames
        ],
        right - left,
        height - top,
    )
