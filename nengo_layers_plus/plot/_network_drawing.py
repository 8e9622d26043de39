"""Draws the boxes, arrows and frames of a network."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path

from nengo_layers_plus.graph import (
    GraphEdge,
    GraphObject,
    NetworkGraph,
    Parameter,
    alike_parts,
)
from nengo_layers_plus.graph._structure import first_uses
from nengo_layers_plus.plot._axes import GREY, INK, VERMILLION, text_colour
from nengo_layers_plus.plot._layout import Box, LayeredLayout, Layout, Link, Route
from nengo_layers_plus.plot._network_words import (
    BoxWords,
    box_words,
    frame_words,
    link_words,
)
from nengo_layers_plus.plot._text import ScaledText, width_of, wrapped

# kind: fill, edge
_COLOURS = {
    "node": ("#fdf0d5", "#9a6700"),
    "tensor node": ("#dcecf7", "#0072b2"),
    "ensemble": ("#d9f0e8", "#00785a"),
    "probe": ("#f7e6f0", "#99457a"),
}
_NAME, _SMALL = 9.0, 7.5  # sizes of text (points)
_LEADING = 1.25  # from line to line, in sizes
_WIDEST = 126.0  # text of a box
_INSET, _TIP, _ROUND = 7.0, 7.0, 11.0  # of boxes
_HEAD = 5.0  # of arrows
_THIN, _THICK = 0.9, 2.4
_MARGIN = 6.0
_RATIO = 1.6  # width to height of a picture
_BROKEN = 0.25  # what lines and frames that are broken weigh against it
_ONE_ROW = 760.0  # up to this width nothing is broken
_WIDTHS = range(540, 1101, 40)
_COMMANDS = {"M": [Path.MOVETO], "L": [Path.LINETO], "Q": [Path.CURVE3] * 2, "C": [Path.CURVE4] * 3}
_DASHES = (0, (4, 2))

_Line = tuple[str, float, str, str]  # text, size, weight, colour


class NetworkDrawing:
    """
    A picture of a network.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    expand : bool
        Whether each object has a box of its own, also those that are alike.
    """

    def __init__(self, graph: NetworkGraph, expand: bool = False) -> None:
        self.graph = graph
        parameters: dict[Any, list[Parameter]] = defaultdict(list)
        is_read = any(item.kind == "probe" for item in graph.objects)
        for each in graph.parameters:
            # without a probe there is no gradient at all
            if each.is_trained or is_read:
                parameters[each.obj].append(each)
        owners = first_uses(graph.objects)

        def words_of(*items: GraphObject) -> BoxWords:
            owner = owners[items[0]]
            return box_words(graph, parameters[owner.obj], owner, items)

        def shown(item: GraphObject) -> BoxWords:
            return replace(words_of(item), name="")

        groups = [(item,) for item in graph.objects] if expand else alike_parts(graph, shown)
        self.items = [group[0] for group in groups]
        number = {item: index for index, group in enumerate(groups) for item in group}
        self.words = [words_of(*group) for group in groups]
        self.lines = [_lines(words) for words in self.words]
        self.networks = list(
            dict.fromkeys(around for item in self.items for around in item.path[1:])
        )
        frame = {around: index for index, around in enumerate(self.networks)}
        self.boxes = [
            Box(*_size(item, lines), tuple(frame[each] for each in item.path[1:]), _is_leaf(item))
            for item, lines in zip(self.items, self.lines, strict=True)
        ]

        between: dict[tuple[int, int], list[GraphEdge]] = defaultdict(list)
        for edge in graph.edges:
            between[number[edge.source], number[edge.target]].append(edge)
        self.link_names = [
            f"{self.items[source].name}->{self.items[target].name}" for source, target in between
        ]
        self.labels = []
        for (source, target), edges in between.items():
            own = [
                each for edge in edges if edge.connection for each in parameters[edge.connection]
            ]
            above, below = link_words(edges, own)
            # nothing can stand below an arrow from a box to itself
            self.labels.append(([*above, *below], []) if source == target else (above, below))
        self.links = [
            Link(source, target, *_label_size(above, below))
            for (source, target), (above, below) in zip(between, self.labels, strict=True)
        ]
        self.layered = LayeredLayout(self.boxes, self.links, self._title)
        self.layout: Layout
        self.legend: list[list[tuple[str, float]]] = []
        self.width = self.height = 0.0

    def place(self, width: float | None = None, height: float | None = None) -> None:
        """Find places for all; with a width and height (points), to fit into them."""
        if width is None or height is None:
            whole = self.layered.estimate(math.inf)[0]
            best = whole if whole <= _ONE_ROW else min(_WIDTHS, key=self._unlike_a_page)
        else:
            best = min([*_WIDTHS, math.inf], key=lambda each: self._shrinking(each, width, height))
        self.layout = self.layered.place(best)
        self.width = self.layout.width + 2 * _MARGIN
        self._place_legend()
        self.height = self.layout.height + 3 * _MARGIN + len(self.legend) * _SMALL * 2 + _MARGIN

    def draw(self, ax: Axes) -> None:
        """Draw all."""
        ax.set_axis_off()
        ax.set_xlim(0, self.width)
        ax.set_ylim(self.height, 0)
        ax.set_aspect("equal")
        for frame in self.layout.frames:
            left, top = frame.left + _MARGIN, frame.top + _MARGIN
            ax.add_patch(
                Rectangle(
                    (left, top),
                    frame.right - frame.left,
                    frame.bottom - frame.top,
                    facecolor=(0, 0, 0, 0.03),
                    edgecolor=GREY,
                    linewidth=0.8,
                    linestyle=(0, (1, 1.5)),
                    zorder=0.5,
                    gid=f"frame {frame_words(self.graph, self.networks[frame.number])}",
                )
            )
            for index, title in enumerate(frame.title.splitlines()):
                y = top + 3 + _SMALL * _LEADING * index
                _write(ax, left + 5, y, (title, _SMALL, "normal", text_colour()), "left", "top")
        for route, name, label in zip(
            self.layout.routes, self.link_names, self.labels, strict=True
        ):
            self._draw_arrow(ax, route, name)
            self._draw_label(ax, route, label)
        for item, words, lines, box, (x, y) in zip(
            self.items, self.words, self.lines, self.boxes, self.layout.centres, strict=True
        ):
            x, y = x + _MARGIN, y + _MARGIN
            trains = bool(words.trains)
            _draw_box(ax, item.kind, x, y, box.width, box.height, trains, f"box {item.name}")
            heights = [size * _LEADING for _, size, *_ in lines]
            at = y - sum(heights) / 2
            for line, high in zip(lines, heights, strict=True):
                _write(ax, x + _shift(item.kind), at + high / 2, line)
                at += high
        self._draw_legend(ax)

    def _title(self, number: int, width: float, continued: bool) -> tuple[str, float]:
        words = frame_words(self.graph, self.networks[number])
        if not words:
            return "", 0.0
        lines = wrapped(
            f"{words} (continued)" if continued else words, width - 10, _SMALL, "normal"
        )
        return "\n".join(lines), len(lines) * _SMALL * _LEADING

    def _unlike_a_page(self, each: float) -> float:
        width, height, broken = self.layered.estimate(each)
        return abs(math.log(width / height / _RATIO)) + _BROKEN * broken

    def _shrinking(self, each: float, width: float, height: float) -> float:
        """Return how much all has to shrink, in rows of a width, to fit."""
        wide, high, _ = self.layered.estimate(each)
        return max((wide + 2 * _MARGIN) / width, (high + 6 * _MARGIN) / height)

    def _draw_arrow(self, ax: Axes, route: Route, name: str) -> None:
        points = [(x + _MARGIN, y + _MARGIN) for _, step in route.steps for x, y in step]
        codes = [code for command, _ in route.steps for code in _COMMANDS[command]]
        colour = VERMILLION if route.back else text_colour()
        dashes = _DASHES if route.back else "-"
        tip = points[-1]
        before = next(each for each in reversed(points) if math.dist(each, tip) > 1e-6)
        length = math.dist(before, tip)
        along = (tip[0] - before[0]) / length, (tip[1] - before[1]) / length
        ax.add_patch(
            PathPatch(
                Path(points, codes),
                fill=False,
                edgecolor=colour,
                linewidth=1.0,
                linestyle=dashes,
                zorder=1,
                gid=f"arrow {name}",
            )
        )
        back = tip[0] - _HEAD * along[0], tip[1] - _HEAD * along[1]
        across = 0.45 * _HEAD * along[1], -0.45 * _HEAD * along[0]
        ax.add_patch(
            Polygon(
                [
                    tip,
                    (back[0] + across[0], back[1] + across[1]),
                    (back[0] - across[0], back[1] - across[1]),
                ],
                facecolor=colour,
                edgecolor=colour,
                linewidth=0.5,
                zorder=1.5,
                gid=f"head {name}",
            )
        )

    def _draw_label(self, ax: Axes, route: Route, label: tuple[list[str], list[str]]) -> None:
        x, y = route.label[0] + _MARGIN, route.label[1] + _MARGIN
        above, below = label
        step = _SMALL * _LEADING
        for index, text in enumerate(reversed(above)):
            _write(
                ax, x, y - step * (index + 0.5) - 2, (text, _SMALL, *_emphasis(text, text_colour()))
            )
        for index, text in enumerate(below):
            _write(
                ax, x, y + step * (index + 0.5) + 2, (text, _SMALL, *_emphasis(text, text_colour()))
            )

    def _place_legend(self) -> None:
        kinds = {item.kind for item in self.items}
        entries = [kind for kind in _COLOURS if kind in kinds]
        if any(words.trains for words in self.words):
            entries.append("trains")
        if any(route.back for route in self.layout.routes):
            entries.append("leads back")
        self.legend = []
        for entry in entries:
            wide = 22 + width_of(entry, _SMALL, "normal") + 14
            used = sum(each for _, each in self.legend[-1]) if self.legend else math.inf
            if used + wide > max(self.layout.width, wide):
                self.legend.append([])
            self.legend[-1].append((entry, wide))
        widest = max(sum(wide for _, wide in row) for row in self.legend) + 2 * _MARGIN
        self.width = max(self.width, widest)

    def _draw_legend(self, ax: Axes) -> None:
        y = self.layout.height + 3 * _MARGIN + _SMALL
        for row in self.legend:
            x = _MARGIN
            for entry, wide in row:
                middle = x + 9
                if entry in _COLOURS:
                    _draw_box(ax, entry, middle, y, 18, 10, False, f"legend {entry}")
                elif entry == "trains":
                    rectangle = Rectangle(
                        (x, y - 5),
                        18,
                        10,
                        facecolor="none",
                        edgecolor=text_colour(),
                        linewidth=_THICK,
                        gid="legend trains",
                    )
                    ax.add_patch(rectangle)
                else:
                    start, end = (x + 18 - _MARGIN, y - _MARGIN), (x - _MARGIN, y - _MARGIN)
                    route = Route([("M", (start,)), ("L", (end,))], start, back=True)
                    self._draw_arrow(ax, route, "legend")
                _write(ax, x + 23, y, (entry, _SMALL, "normal", text_colour()), "left")
                x += wide
            y += _SMALL * 2


def _is_leaf(item: GraphObject) -> bool:
    return item.kind == "probe"


def _lines(words: BoxWords) -> list[_Line]:
    """Return the lines of a box."""
    written = [
        (words.name, _NAME, "bold", INK),
        (words.what, _SMALL, "normal", INK),
        *((text, _SMALL, *_emphasis(text)) for text in (words.trains, words.stopped)),
    ]
    return [
        (line, size, weight, colour)
        for text, size, weight, colour in written
        for line in wrapped(text, _WIDEST, size, weight)
    ]


def _emphasis(text: str, colour: str = INK) -> tuple[str, str]:
    """Return the weight and colour of a line."""
    if text.startswith("no gradient"):
        return "bold", VERMILLION
    return ("bold" if text.startswith("trains") else "normal"), colour


def _size(item: GraphObject, lines: Sequence[_Line]) -> tuple[float, float]:
    tips = {"node": _TIP, "probe": 2 * _TIP}.get(item.kind, 0.0)
    width = max(width_of(text, size, weight) for text, size, weight, _ in lines)
    height = sum(size * _LEADING for _, size, *_ in lines)
    return width + 2 * _INSET + tips, height + 2 * 5


def _label_size(above: Sequence[str], below: Sequence[str]) -> tuple[float, float, float]:
    widths = [width_of(text, _SMALL, _emphasis(text)[0]) for text in (*above, *below)]
    step = _SMALL * _LEADING
    high, low = (len(each) * step + 2 if each else 0.0 for each in (above, below))
    return max(widths) + 4, high, low


def _shift(kind: str) -> float:
    """Return how far the text of a box is from its middle."""
    return -_TIP / 2 if kind == "node" else 0.0


def _draw_box(
    ax: Axes, kind: str, x: float, y: float, width: float, height: float, trains: bool, gid: str
) -> None:
    fill, edge = _COLOURS[kind]
    left, right, top, bottom = x - width / 2, x + width / 2, y - height / 2, y + height / 2
    tip = min(_TIP, height / 2)
    style: dict[str, Any] = {
        "facecolor": fill,
        "edgecolor": edge,
        "linewidth": _THICK if trains else _THIN,
        "zorder": 2,
        "gid": gid,
    }
    if kind == "ensemble":
        rounding = min(_ROUND, height / 2)
        shape = f"round,pad=0,rounding_size={rounding}"
        ax.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=shape, **style))
    elif kind == "tensor node":
        ax.add_patch(Rectangle((left, top), width, height, **style))
    else:
        left_tip = tip if kind == "probe" else 0.0
        corners = [(left + left_tip, top), (right - tip, top), (right, y), (right - tip, bottom)]
        corners += [(left + left_tip, bottom), (left, y)]
        ax.add_patch(Polygon(corners, **style))


def _write(
    ax: Axes, x: float, y: float, line: _Line, across: str = "center", down: str = "center"
) -> None:
    text, size, weight, colour = line
    # centred by what all letters need, so that lines of one row are level
    down = "center_baseline" if down == "center" else down
    artist = ScaledText(x, y, text, size, weight=weight, color=colour, ha=across, va=down, zorder=3)
    ax.add_artist(artist)
