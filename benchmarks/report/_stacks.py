"""Draws what shares of a whole its parts are: stacked bars, each as long as the others."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from benchmarks.report._colours import INK, ORANGE, PURPLE, SKY

_WIDTH = 7.2  # inches
_BAR = 0.25  # inches, with the room around it
_AROUND = 0.85  # inches of axes and legend
_THICKNESS = 0.8  # of a bar, where 1 is the distance to the next
_TITLE = 1.15  # the room of a title, likewise
_LEAST_SHARE = 0.07  # what is smaller has no room for its number

# None is that of ours, stock or keras: whose bar it is, is written beside it.
_COLOURS = (SKY, PURPLE, "#f0e442", ORANGE, "#c8c8c8")


@dataclass(frozen=True)
class Stack:
    """
    A bar of parts.

    Parameters
    ----------
    label : str
        Stands beside it.
    shares : tuple of float
        Its parts, which sum up to 1.
    text : str
        What is written behind it.
    """

    label: str
    shares: tuple[float, ...]
    text: str


@dataclass(frozen=True)
class StackGroup:
    """
    Bars that belong together.

    Parameters
    ----------
    title : str
        Stands above them.
    stacks : tuple of Stack
        The bars, from above.
    """

    title: str
    stacks: tuple[Stack, ...]


@dataclass(frozen=True)
class StackChart:
    """
    All that a picture of stacked bars shows.

    Parameters
    ----------
    label : str
        Of the axis.
    parts : tuple of str
        The names of the parts, from the left.
    groups : tuple of StackGroup
        From above.
    """

    label: str
    parts: tuple[str, ...]
    groups: tuple[StackGroup, ...]


def draw_stacks(figure: Figure, data: tuple[StackChart]) -> None:
    """
    Draw stacked bars into an empty figure, and set its size.

    Parameters
    ----------
    figure : Figure
        The figure.
    data : tuple of StackChart
        One chart.
    """
    (chart,) = data
    rows = sum(len(group.stacks) + _TITLE for group in chart.groups)
    figure.set_size_inches(_WIDTH, _AROUND + _BAR * rows)
    ax = figure.subplots()
    place = 0.0
    ticks: list[tuple[float, str]] = []
    for group in chart.groups:
        # a dollar sign means itself
        title = group.title.replace("$", r"\$")
        ax.text(0, place + 0.15, title, va="center", fontsize=9, fontweight="bold", color=INK)
        place += _TITLE - 0.15
        for stack in group.stacks:
            left = 0.0
            for share, colour in zip(stack.shares, _COLOURS, strict=True):
                ax.barh(place, share, _THICKNESS, left, color=colour, edgecolor="white", lw=0.6)
                if share >= _LEAST_SHARE:
                    middle = left + share / 2
                    text = f"{share:.0%}"
                    ax.text(middle, place, text, ha="center", va="center", fontsize=7.5, color=INK)
                left += share
            ax.text(1.01, place, stack.text, va="center", fontsize=8, color=INK, clip_on=False)
            ticks.append((place, stack.label))
            place += 1
        place += 0.15
    ax.set_ylim(place - 0.4, -0.5)
    ax.set_xlim(0, 1)
    ax.set_yticks([y for y, _ in ticks], [label for _, label in ticks])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
    ax.set_xlabel(chart.label)
    handles = [
        Patch(color=colour, label=part) for part, colour in zip(chart.parts, _COLOURS, strict=True)
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
