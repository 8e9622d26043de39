"""Draws the boxes, arrows and frames of a network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

from nengo_layers_plus.plot._axes import GREY, INK, VERMILLION, text_colour
from nengo_layers_plus.plot._layered_layout import LayeredLayout, Layout
from nengo_layers_plus.plot._layout_cells import Box, Link
from nengo_layers_plus.plot._layout_routes import Route
from nengo_layers_plus.plot._network_contents import BoxContent, LinkContent, NetworkContents

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
_BROKEN = 0.25  # the weight of broken lines and frames, beside that of the ratio
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
    contents : NetworkContents
        The boxes, arrows and frames.
    """

    def __init__(self, contents: NetworkContents) -> None:
        self.contents = contents
        self.lines = [_lines(box) for box in contents.boxes]
        boxes = [
            Box(*_size(box.kind, lines), box.frames, leaf=box.kind == "probe")
            for box, lines in zip(contents.boxes, self.lines, strict=True)
        ]
        links = [Link(link.source, link.target, *_label_size(link)) for link in contents.links]
        self.layered = LayeredLayout(boxes, links, self._title)
        self.layout: Layout
        self.legend: list[list[tuple[str, float]]] = []  # rows of entries, with their widths
        self.width = self.height = 0.0

    def place(self, width: float | None = None, height: float | None = None) -> None:
        """Place all; with a width and height (points), so that it fits into them."""
        if width is None or height is None:
            whole = self.layered.estimate(math.inf)[0]
            best = whole if whole <= _ONE_ROW else min(_WIDTHS, key=self._unlike_a_page)
        else:
            best = min(
                [*_WIDTHS, math.inf], key=lambda row: self._least_reduction(row, width, height)
            )
        self.layout = self.layered.place(best)
        self._place_legend()
        legend_width = max(sum(wide for _, wide in row) for row in self.legend)
        self.width = max(self.layout.width, legend_width) + 2 * _MARGIN
        self.height = self.layout.height + 4 * _MARGIN + len(self.legend) * _SMALL * 2

    def draw(self, ax: Axes) -> None:
        """Draw all."""
        left, top = self.layout.left - _MARGIN, self.layout.top - _MARGIN
        ax.set_axis_off()
        ax.set_xlim(left, left + self.width)
        ax.set_ylim(top + self.height, top)
        ax.set_aspect("equal")
        for frame in self.layout.frames:
            ax.add_patch(
                Rectangle(
                    (frame.left, frame.top),
                    frame.right - frame.left,
                    frame.bottom - frame.top,
                    facecolor=(0, 0, 0, 0.03),
                    edgecolor=GREY,
                    linewidth=0.8,
                    linestyle=(0, (1, 1.5)),
                    zorder=0.5,
                    gid=f"frame {self.contents.frames[frame.number]}",
                )
            )
            for index, title in enumerate(frame.title.splitlines()):
                y = frame.top + 3 + _SMALL * _LEADING * index
                _write(ax, frame.left + 5, y, _plain_line(title), "left", "top")
        for route, link in zip(self.layout.routes, self.contents.links, strict=True):
            _draw_arrow(ax, route, link.name)
            for side, texts in ((-1, reversed(link.above)), (1, link.below)):
                for index, text in enumerate(texts):
                    y = route.label[1] + side * (_SMALL * _LEADING * (index + 0.5) + 2)
                    _write(ax, route.label[0], y, _small_line(text, text_colour()))
        for content, lines, box, (x, y) in zip(
            self.contents.boxes, self.lines, self.layered.boxes, self.layout.centres, strict=True
        ):
            name = f"box {content.name}"
            _draw_box(ax, content.kind, x, y, box.width, box.height, name, content.trains)
            text_x = x - _TIP / 2 if content.kind == "node" else x
            text_y = y - _height(lines) / 2
            for line in lines:
                height = line[1] * _LEADING
                _write(ax, text_x, text_y + height / 2, line)
                text_y += height
        self._draw_legend(ax)

    def _title(self, number: int, width: float, continued: bool) -> tuple[str, float]:
        name = self.contents.frames[number]
        if not name:
            return "", 0.0
        text = f"{name} (continued)" if continued else name
        lines = _wrapped(text, width - 10, _SMALL, "normal")
        return "\n".join(lines), len(lines) * _SMALL * _LEADING

    def _unlike_a_page(self, row_width: float) -> float:
        """Return how far the ratio of width to height is from that of a page."""
        width, height, broken = self.layered.estimate(row_width)
        return abs(math.log(width / height / _RATIO)) + _BROKEN * broken

    def _least_reduction(self, row_width: float, width: float, height: float) -> float:
        """Return how much all has to shrink, in rows of a width, to fit."""
        wide, high, _ = self.layered.estimate(row_width)
        return max((wide + 2 * _MARGIN) / width, (high + 6 * _MARGIN) / height)

    def _place_legend(self) -> None:
        kinds = {box.kind for box in self.contents.boxes}
        entries = [kind for kind in _COLOURS if kind in kinds]
        if any(box.trains for box in self.contents.boxes):
            entries.append("trains")
        if any(route.back for route in self.layout.routes):
            entries.append("leads back")
        self.legend = [[]]
        used = 0.0
        for entry in entries:
            wide = 22 + _width_of(entry, _SMALL, "normal") + 14
            if self.legend[-1] and used + wide > self.layout.width:
                self.legend.append([])
                used = 0.0
            self.legend[-1].append((entry, wide))
            used += wide

    def _draw_legend(self, ax: Axes) -> None:
        y = self.layout.bottom + 2 * _MARGIN + _SMALL
        for row in self.legend:
            x = self.layout.left
            for entry, wide in row:
                if entry == "leads back":
                    start, end = (x + 18, y), (x, y)
                    route = Route([("M", (start,)), ("L", (end,))], start, back=True)
                    _draw_arrow(ax, route, "legend")
                else:
                    _draw_box(ax, entry, x + 9, y, 18, 10, f"legend {entry}", entry == "trains")
                _write(ax, x + 23, y, _plain_line(entry), "left")
                x += wide
            y += _SMALL * 2


def _lines(box: BoxContent) -> list[_Line]:
    """Return the lines of a box."""
    name, what, *of_parameters = box.texts
    lines = [
        (name, _NAME, "bold", INK),
        (what, _SMALL, "normal", INK),
        *(_small_line(text, INK) for text in of_parameters),
    ]
    return [
        (part, size, weight, colour)
        for text, size, weight, colour in lines
        for part in _wrapped(text, _WIDEST, size, weight)
    ]


def _plain_line(text: str) -> _Line:
    return text, _SMALL, "normal", text_colour()


def _small_line(text: str, colour: str) -> _Line:
    """Return a small line, in which what is said of parameters stands out."""
    if text.startswith("no gradient"):
        return text, _SMALL, "bold", VERMILLION
    return text, _SMALL, "bold" if text.startswith("trains") else "normal", colour


def _height(lines: Sequence[_Line]) -> float:
    return sum(size * _LEADING for _, size, *_ in lines)


def _size(kind: str, lines: Sequence[_Line]) -> tuple[float, float]:
    tips = {"node": _TIP, "probe": 2 * _TIP}.get(kind, 0.0)
    width = max(_width_of(text, size, weight) for text, size, weight, _ in lines)
    return width + 2 * _INSET + tips, _height(lines) + 2 * 5


def _label_size(link: LinkContent) -> tuple[float, float, float]:
    """Return the width of a label, and its heights above and below the arrow."""
    above, below = ([_small_line(text, INK) for text in side] for side in (link.above, link.below))
    width = max(_width_of(text, size, weight) for text, size, weight, _ in (*above, *below))
    high, low = (_height(side) + 2 if side else 0.0 for side in (above, below))
    return width + 4, high, low


@lru_cache(maxsize=4096)
def _width_of(text: str, size: float, weight: str) -> float:
    """Return how wide a line of text of a size is, in its unit."""
    font = FontProperties(size=size, weight=weight)
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0])


def _wrapped(text: str, width: float, size: float, weight: str) -> list[str]:
    """Break a text into lines of at most a width, where words or parts of names end."""
    lines = [""]
    for piece in re.findall(r"[^\s_/.,:-]*[\s_/.,:-]*", " ".join(text.split())):
        if _width_of((lines[-1] + piece).rstrip(), size, weight) <= width:
            lines[-1] += piece
            continue
        lines.append("")
        for letter in piece:  # a piece that is wider than a line goes on in the next one
            if lines[-1] and _width_of((lines[-1] + letter).rstrip(), size, weight) > width:
                lines.append("")
            lines[-1] += letter
    return [line.rstrip() for line in lines if line.strip()]


def _draw_arrow(ax: Axes, route: Route, name: str) -> None:
    points = np.array([point for _, step in route.steps for point in step])
    codes = [code for command, _ in route.steps for code in _COMMANDS[command]]
    colour = VERMILLION if route.back else text_colour()
    ax.add_patch(
        PathPatch(
            Path(points, codes),
            fill=False,
            edgecolor=colour,
            linewidth=1.0,
            linestyle=_DASHES if route.back else "-",
            zorder=1,
            gid=f"arrow {name}",
        )
    )
    tip = points[-1]
    distances = np.hypot(*(tip - points).T)
    last = np.flatnonzero(distances > 1e-6)[-1]
    along = (tip - points[last]) / distances[last]
    base, across = tip - _HEAD * along, 0.45 * _HEAD * np.array([along[1], -along[0]])
    ax.add_patch(
        Polygon(
            [tip, base + across, base - across],
            facecolor=colour,
            edgecolor=colour,
            linewidth=0.5,
            zorder=1.5,
            gid=f"head {name}",
        )
    )


def _draw_box(
    ax: Axes, kind: str, x: float, y: float, width: float, height: float, gid: str, trains: bool
) -> None:
    fill, edge = _COLOURS.get(kind, ("none", text_colour()))
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
    elif kind in ("node", "probe"):
        left_tip = tip if kind == "probe" else 0.0
        corners = [(left + left_tip, top), (right - tip, top), (right, y), (right - tip, bottom)]
        corners += [(left + left_tip, bottom), (left, y)]
        ax.add_patch(Polygon(corners, **style))
    else:
        ax.add_patch(Rectangle((left, top), width, height, **style))


def _write(
    ax: Axes, x: float, y: float, line: _Line, across: str = "center", down: str = "center_baseline"
) -> None:
    text, size, weight, colour = line
    # by default centred by what all letters need, so that lines of one row are level
    ax.add_artist(
        _ScaledText(x, y, text, size, weight=weight, color=colour, ha=across, va=down, zorder=3)
    )


class _ScaledText(Text):
    """Text whose size is given in the units of the y axis, so that it fits its box at any scale."""

    def __init__(self, x: float, y: float, text: str, size: float, **settings: Any) -> None:
        super().__init__(x, y, text, parse_math=False, usetex=False, **settings)
        self.size = size

    def get_window_extent(self, *args: Any, **kwargs: Any) -> Any:
        """Return the place that it takes, after it is brought to its size."""
        self._scale()
        return super().get_window_extent(*args, **kwargs)

    def draw(self, *args: Any, **kwargs: Any) -> None:
        """Draw it in its size."""
        self._scale()
        super().draw(*args, **kwargs)

    def _scale(self) -> None:
        figure: Any = self.get_figure(root=True)
        axes: Any = self.axes
        origin, one_up = axes.transData.transform([(0, 0), (0, 1)])
        self.set_fontsize(self.size * abs(one_up[1] - origin[1]) * 72 / figure.dpi)
