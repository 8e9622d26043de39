"""Draws bars: ratios on a logarithmic axis, and amounts on a linear one."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from benchmarks.report._colours import GREY, INK, look

_WIDTH = 7.2  # inches
_BAR = 0.27  # inches, with the room around it
_AROUND = 0.95  # inches of axes and legend
_GAP = 0.5  # between groups, likewise
_THICKNESS = 0.74  # of a bar, where 1 is the distance to the next


@dataclass(frozen=True)
class Bar:
    """
    A bar.

    Parameters
    ----------
    member : str
        Whose it is.
    value : float
        Its end.
    text : str
        What is written beside it.
    least, most : float or None
        Where its whisker ends.
    """

    member: str
    value: float
    text: str
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Bars:
    """
    Bars that belong together.

    Parameters
    ----------
    title : str
        Stands beside them.
    bars : tuple of Bar
        The bars, from above.
    marks : tuple of tuple
        Members and values that are marks upon the bars.
    family : str
        What those share that stand together, without a gap.
    """

    title: str
    bars: tuple[Bar, ...]
    marks: tuple[tuple[str, float], ...] = ()
    family: str = ""


@dataclass(frozen=True)
class BarChart:
    """
    All that a picture of bars shows.

    Parameters
    ----------
    label : str
        Of the axis.
    groups : tuple of Bars
        From above.
    origin : float or None
        Where bars begin on a logarithmic axis; None for a linear one, from 0.
    origin_label : str
        What the origin means.
    """

    label: str
    groups: tuple[Bars, ...]
    origin: float | None = None
    origin_label: str = ""


def draw_bars(figure: Figure, data: tuple[BarChart]) -> None:
    """
    Draw bars into an empty figure, and set its size.

    Parameters
    ----------
    figure : Figure
        The figure.
    data : tuple of BarChart
        One chart.
    """
    (chart,) = data
    n_bars = sum(len(group.bars) for group in chart.groups)
    one_each = n_bars == len(chart.groups)
    in_family = Counter(group.family for group in chart.groups)
    gaps = [
        _gap(one, other, in_family) if one_each else _GAP
        for one, other in itertools.pairwise(chart.groups)
    ]
    rows = n_bars + sum(gaps)
    figure.set_size_inches(_WIDTH, _AROUND + _BAR * rows)
    ax = figure.subplots()
    bar_members = list(dict.fromkeys(bar.member for group in chart.groups for bar in group.bars))
    marked = list(dict.fromkeys(mark[0] for group in chart.groups for mark in group.marks))
    members = [*bar_members, *(each for each in marked if each not in bar_members)]
    low, high = _limits(ax, chart)

    place = 0.0
    ticks: list[tuple[float, str]] = []
    for group, gap in zip(chart.groups, [*gaps, 0.0], strict=True):
        places = [place + index for index in range(len(group.bars))]
        for y, bar in zip(places, group.bars, strict=True):
            _draw_bar(ax, y, bar, look(bar.member, members)[0], chart.origin)
        middle = sum(places) / len(places)
        for member, value in group.marks:
            colour, marker, _ = look(member, members)
            ax.plot(value, middle, marker, color=colour, mec="white", mew=0.8, ms=6.5, zorder=4)
        ticks.append((middle, group.title))
        place += len(group.bars) + gap
    ax.set_ylim(rows - 0.4, -0.6)
    ax.set_yticks([y for y, _ in ticks], [_plain(title) for _, title in ticks])
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(low, high)
    ax.set_xlabel(chart.label)
    handles: list[Any] = [Patch(color=look(each, members)[0], label=each) for each in bar_members]
    for each in marked:
        colour, marker, _ = look(each, members)
        handles.append(
            Line2D([], [], color=colour, marker=marker, linestyle="", ms=6.5, label=each)
        )
    if chart.origin is not None:
        line = ax.axvline(chart.origin, color=INK, linewidth=1, zorder=3, label=chart.origin_label)
        handles.append(line)
    if len(handles) > 1:
        figure.legend(
            handles=handles, loc="outside upper center", ncols=len(handles), frameon=False
        )


def _gap(one: Bars, other: Bars, in_family: Counter[str]) -> float:
    """Return the room between bars: none within a family, nor where families are of one bar."""
    alone = in_family[one.family] == in_family[other.family] == 1
    return 0.0 if one.family == other.family or alone else _GAP


def _limits(ax: Axes, chart: BarChart) -> tuple[float, float]:
    """Choose the axis; return where it begins and ends."""
    values = [
        value
        for group in chart.groups
        for value in (
            *(each for bar in group.bars for each in (bar.value, bar.least, bar.most)),
            *(value for _, value in group.marks),
        )
        if value is not None
    ]
    ax.grid(axis="x", color=GREY, alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    if chart.origin is None:
        ax.xaxis.set_major_locator(MaxNLocator(6))
        return 0.0, max(values) * 1.12 or 1.0
    ax.set_xscale("log")
    low, high = min(*values, chart.origin / 1.1), max(*values, chart.origin * 1.6)
    decades = math.log10(high / low)
    # With few decades their powers alone would be too few numbers to read.
    subs = (
        (1.0,) if decades > 3 else (1.0, 2.0, 5.0) if decades > 0.7 else (1, 1.2, 1.5, 2, 3, 5, 8)
    )
    ax.xaxis.set_major_locator(LogLocator(subs=subs, numticks=20))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    room = decades * 0.06
    return low * 10**-room, high * 10**room


def _draw_bar(ax: Axes, y: float, bar: Bar, colour: str, origin: float | None) -> None:
    start = origin or 0.0
    ax.barh(y, bar.value - start, _THICKNESS, start, color=colour, zorder=2)
    if bar.least is not None and bar.most is not None:
        low, high = bar.least, bar.most
        x = [low, low, low, high, high, high]
        heights = [y - 0.16, y + 0.16, y, y, y - 0.16, y + 0.16]
        ax.plot(x, heights, color=INK, linewidth=1.1, zorder=3)
    ax.annotate(
        bar.text,
        (1, y),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        color=INK,
        annotation_clip=False,
    )


def _plain(title: str) -> str:
    """Return a title in which a dollar sign means itself."""
    return title.replace("$", r"\$")
