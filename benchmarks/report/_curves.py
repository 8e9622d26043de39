"""Draws what grows with what: curves on logarithmic axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from benchmarks.report._colours import GREY, look
from benchmarks.report._power_law import PowerLaw
from benchmarks.report._words import exponent

_WIDTH = 7.2  # inches
_HEIGHT = 2.15  # inches of a row of panels
_AROUND = 0.45  # inches of the legend
_MOST_TICKS = 7
_PREFIXES = {"n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@dataclass(frozen=True)
class Curve:
    """
    A curve.

    Parameters
    ----------
    member : str
        Whose it is.
    x, y : tuple of float
        Its points.
    law : PowerLaw or None
        What was fitted to them.
    """

    member: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    law: PowerLaw | None = None


@dataclass(frozen=True)
class Panel:
    """
    Curves with axes of their own.

    Parameters
    ----------
    title : str
        Stands above it.
    x_label, y_label : str
        Of its axes.
    curves : tuple of Curve
        The curves.
    unit : str
        What stands behind the numbers of the vertical axis.
    """

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    unit: str = ""


@dataclass(frozen=True)
class CurveChart:
    """
    All that a picture of curves shows.

    Parameters
    ----------
    panels : tuple of Panel
        Row by row.
    columns : int
        How many are side by side.
    same_y : bool
        Whether all have the same vertical axis, and its label stands at the left alone.
    """

    panels: tuple[Panel, ...]
    columns: int = 3
    same_y: bool = False


def draw_curves(figure: Figure, data: tuple[CurveChart]) -> None:
    """
    Draw curves into an empty figure, and set its size.

    Parameters
    ----------
    figure : Figure
        The figure.
    data : tuple of CurveChart
        One chart.
    """
    (chart,) = data
    columns = min(chart.columns, len(chart.panels))
    rows = -(-len(chart.panels) // columns)
    width = _WIDTH if columns > 1 else 0.62 * _WIDTH
    figure.set_size_inches(width, _AROUND + _HEIGHT * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=chart.same_y).flat
    members = list(dict.fromkeys(curve.member for panel in chart.panels for curve in panel.curves))
    for index, ax in enumerate(axes):
        if index >= len(chart.panels):
            ax.set_visible(False)
            continue
        panel = chart.panels[index]
        _draw_panel(ax, panel, members)
        if chart.same_y and index % columns:
            ax.set_ylabel("")
    figure.legend(
        handles=[_handle(each, members) for each in members],
        loc="outside upper center",
        ncols=len(members),
        frameon=False,
        handlelength=3,
    )


def _handle(member: str, members: list[str]) -> Line2D:
    colour, marker, dashes = look(member, members)
    return Line2D([], [], color=colour, marker=marker, linestyle=dashes, ms=4.5, label=member)


def _draw_panel(ax: Axes, panel: Panel, members: list[str]) -> None:
    laws: list[Any] = []
    for curve in panel.curves:
        colour, marker, dashes = look(curve.member, members)
        ax.plot(
            curve.x,
            curve.y,
            color=colour,
            marker=marker,
            ms=4.5,
            linestyle=dashes if curve.law is None else "",
            linewidth=1.4,
        )
        if curve.law is not None:
            ends = (min(curve.x), max(curve.x))
            (line,) = ax.plot(
                ends,
                [curve.law(end) for end in ends],
                color=colour,
                linestyle=dashes,
                linewidth=1.2,
                label=f"{curve.member}: exponent {exponent(curve.law)}",
            )
            laws.append(line)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_title(panel.title.replace(", ", ",\n"), fontsize="medium")
    ax.set_xlabel(panel.x_label)
    ax.set_ylabel(panel.y_label)
    ax.grid(color=GREY, alpha=0.25, linewidth=0.6)
    ax.xaxis.set_major_locator(FixedLocator(_ticks(panel)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value)))
    low, high = ax.get_ylim()
    if laws:
        # The exponents stand above the curves.
        high *= (high / low) ** (0.13 * len(laws) + 0.05)
        ax.set_ylim(low, high)
        ax.legend(handles=laws, fontsize="small", frameon=False, loc="upper left")
    decades = math.log10(high / low)
    subs = (1.0,) if decades > 2 else (1.0, 2.0, 5.0) if decades > 0.7 else (1, 1.5, 2, 3, 5, 7)
    ax.yaxis.set_major_locator(LogLocator(subs=subs, numticks=12))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: with_prefix(value, panel.unit)))


def _ticks(panel: Panel) -> list[float]:
    """Return where numbers stand: what was measured, from the largest down, with room between."""
    measured = sorted({x for curve in panel.curves for x in curve.x})
    room = (measured[-1] / measured[0]) ** (1 / _MOST_TICKS)
    ticks = measured[-1:]
    for each in reversed(measured[:-1]):
        if each * room <= ticks[-1]:
            ticks.append(each)
    return ticks[::-1]


def with_prefix(value: float, unit: str = "") -> str:
    """Return a number with a prefix of the SI, such as ``10k`` or ``20 ms``."""
    if not unit and 1 <= value < 9999.5:
        return f"{value:.4g}"
    prefix, factor = max(
        (each for each in _PREFIXES.items() if value >= 0.9995 * each[1]),
        key=lambda each: each[1],
        default=("n", 1e-9),
    )
    return f"{value / factor:.4g}{' ' if unit else ''}{prefix}{unit}"
