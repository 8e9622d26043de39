"""A picture of how two networks come apart."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus.introspection import Comparison
from nengo_layers_plus.plot._axes import (
    COLOURS,
    DASHES,
    VERMILLION,
    add_legend,
    axes_or_new,
    tidy,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_LINES = 8
_FEWEST_DECADES = 2
_LEGEND, _SIDE = 32, 40  # letters in a line of the legend, and beside a map
_UNIT = "greatest difference, relative to the greatest output"


def divergence(comparison: Comparison, *, ax: Any = None) -> Axes:
    """
    Draw how far what the objects of two networks put out is apart, over time.

    Differences are relative to the greatest absolute output of the object in the first network;
    of an object that puts out nothing but 0 they are as they are. What differs first is
    highlighted. Up to 8 objects are lines, more of them rows of a map, both in the order data
    flows.

    Parameters
    ----------
    comparison : Comparison
        What `.compare` returned for networks that were run, with ``data`` or ``n_steps``.
    ax : matplotlib.axes.Axes, optional
        What to draw in; by default a new figure.

    Returns
    -------
    ax : matplotlib.axes.Axes
        Where it was drawn.

    Raises
    ------
    nengo.exceptions.ValidationError
        If what is given is none, or the networks were not run.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import CustomLayer, compare, plot
    >>> def build(amplitude):
    ...     with nengo.Network(seed=0) as net:
    ...         image = nengo.Node([1.0] * 4, label="image")
    ...         rates = nengo.LIFRate(amplitude=amplitude)
    ...         nengo.Probe(CustomLayer(rates, label="rates")(image))
    ...     return net
    >>> ax = plot.divergence(compare(build(1.0), build(0.5), n_steps=10))
    >>> ax.get_xlabel(), [line.get_label() for line in ax.lines][:2]
    ('time (s)', ['image: no difference', 'rates: first to differ'])
    """
    if not isinstance(comparison, Comparison):
        raise ValidationError(
            f"expected what compare returned, got {comparison!r}", attr="comparison"
        )
    divergences = comparison.divergences
    if not divergences or not divergences[0].difference.size:
        raise ValidationError(
            "expected a comparison of networks that were run, got one without outputs; give "
            "compare the data, or n_steps",
            attr="comparison",
        )
    # relative to the greatest output, if that is not 0
    values = np.stack([item.difference / (item.scale or 1.0) for item in divergences])
    values = values.astype(np.float64)
    dt, first, first_row = comparison.dt, comparison.first_divergence, None
    for row, item in enumerate(divergences):
        if item is first:
            first_row = row, dt * (item.first_step or 0)
    draw, width, size = _draw_lines, _LEGEND, (6.4, 3.8)
    if len(divergences) > _MOST_LINES:
        draw, width, size = _draw_map, _SIDE, (7.2, 1.4 + 0.2 * len(divergences))
    labels = [
        _label(item.name, differences, item is first, width)
        for item, differences in zip(divergences, values, strict=True)
    ]
    ax = axes_or_new(ax, *size)
    draw(ax, values, labels, dt, first_row)
    ax.set_xlabel("time (s)")
    return ax


def _bounds(values: np.ndarray) -> tuple[int, int]:
    """Return the powers of ten below and above all differences that are not 0."""
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:
        return -_FEWEST_DECADES, 0
    low, high = int(np.floor(np.log10(values.min()))), int(np.ceil(np.log10(values.max())))
    return min(low, high - _FEWEST_DECADES), high


# `first` below is the row of the first to differ, and the time at which it begins to


def _draw_lines(
    ax: Axes,
    values: np.ndarray,
    labels: Sequence[str],
    dt: float,
    first: tuple[int, float] | None,
) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = _bounds(values)
    zero = 10.0 ** (low - 1)  # where a logarithmic axis has room for it
    n_steps = values.shape[1]
    others = [colour for colour in COLOURS if colour != VERMILLION]
    handles = []
    for place, (row, label) in enumerate(zip(values, labels, strict=True)):
        is_first = first is not None and place == first[0]
        handles += ax.plot(
            dt * np.arange(1, n_steps + 1),
            np.where(row == 0, zero, np.where(np.isfinite(row), row, np.nan)),
            color=VERMILLION if is_first else others[place % len(others)],
            linestyle=DASHES[0] if is_first else DASHES[place // len(others) % len(DASHES)],
            linewidth=2.6 if is_first else 1.2,
            zorder=2 if is_first else 3,  # behind those that do the same
            label=label,
            marker="o" if n_steps == 1 else "",
        )
    ax.set_yscale("log")
    ax.set_ylim(zero / 2, 10.0**high * 2)
    step = max(1, -(-(high - low) // 8))
    ticks = [zero, *(10.0**power for power in range(low, high + 1, step))]
    ax.yaxis.set_major_locator(FixedLocator(ticks))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(
        FuncFormatter(lambda y, _: "0" if y == zero else f"$10^{{{round(np.log10(y))}}}$")
    )
    ax.set_xlim(0, dt * (n_steps + 0.5))
    ax.set_ylabel(_UNIT.replace(", ", ",\n"))
    if first is not None and not np.isnan(values[first[0]]).all():
        ax.axvline(first[1], color=VERMILLION, linestyle=":", linewidth=1)
    tidy(ax)
    add_legend(ax, handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0), handlelength=3)


def _draw_map(
    ax: Axes,
    values: np.ndarray,
    labels: Sequence[str],
    dt: float,
    first: tuple[int, float] | None,
) -> None:
    from matplotlib import colormaps
    from matplotlib.colors import LogNorm

    low, high = _bounds(values)
    n_rows, n_steps = values.shape
    mesh = ax.imshow(
        np.where(values == 0, 10.0 ** (low - 1), values),
        cmap=colormaps["viridis"].with_extremes(bad="white", under="0.85"),
        norm=LogNorm(10.0**low, 10.0**high),
        aspect="auto",
        interpolation="nearest",
        extent=(0.5 * dt, (n_steps + 0.5) * dt, n_rows - 0.5, -0.5),
    )
    ax.set_yticks(range(n_rows), labels, fontsize="small")
    if first is not None:
        row, time = first
        ax.get_yticklabels()[row].set(color=VERMILLION, fontweight="bold")
        ax.plot(time, row, "o", color="white", mec=VERMILLION, mew=2, ms=7)
    figure: Any = ax.get_figure()
    bar = figure.colorbar(mesh, ax=ax, extend="min", pad=0.02)
    bar.set_label(f"{_UNIT}\n(grey: 0)", fontsize="small")


def _label(name: str, values: np.ndarray, is_first: bool, width: int) -> str:
    """Return the name of an object, with remarks on its differences."""
    remarks = []
    n_lost = int(np.count_nonzero(~np.isfinite(values)))
    if n_lost == len(values):
        remarks.append("can't be compared")
    elif n_lost:
        remarks.append(f"not finite in {n_lost} steps")
    if is_first:
        remarks.append("first to differ")
    elif not values.any():
        remarks.append("no difference")
    text = f"{name}: {', '.join(remarks)}" if remarks else name
    return "\n".join(textwrap.wrap(text, width))
