"""The pictures of the report: bars, stacked bars and curves, drawn of tables."""

from __future__ import annotations

import hashlib
import io
import itertools
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullLocator, PercentFormatter
from scipy import stats

# As in nengo_layers_plus.plot, which would import TensorFlow; a test compares the two.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    *("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
)
INK, GREY = "#222222", "#777777"

_LOOKS = {
    "ours": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "stock": {"color": VERMILLION, "marker": "s", "linestyle": "--"},
    "layer": {"color": ORANGE, "marker": "^", "linestyle": ":"},
    "keras": {"color": GREEN, "marker": "D", "linestyle": "-."},
}
_OTHER_LOOKS = [
    {"color": PURPLE, "marker": "v", "linestyle": "--"},
    {"color": SKY, "marker": "P", "linestyle": "-."},
    {"color": GREY, "marker": "X", "linestyle": ":"},
    {"color": ORANGE, "marker": "^", "linestyle": "--"},
]
_PART_COLOURS = (SKY, PURPLE, "#f0e442", ORANGE, "#c8c8c8")  # none is that of ours, stock or keras

_CREATOR = f"Matplotlib {matplotlib.__version__}"
_STYLE = {
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "grid.alpha": 0.25,
    "grid.color": GREY,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "svg.hashsalt": "nengo_layers_plus",
}
_WIDTH = 7.2  # inches
_GAP = 0.5  # between groups of bars, where 1 is the distance from bar to bar
_LEAST_SHARE = 0.07  # a smaller part of a bar has no room for its number
_MOST_TICKS = 7
FEWEST_SIZES = 3  # of a power law
_DIGITS = 6  # more of them are those of the machine that computes the fit


@dataclass(frozen=True)
class Picture:
    """
    A picture, written so that the same data gives the same bytes.

    A function draws it: it takes an empty figure, whose size it sets, the data, and the options.
    """

    alt: str  # the text for those who don't see it
    draw: Callable[..., None]
    data: pd.DataFrame
    options: dict[str, Any] = field(default_factory=dict)
    name: str = ""  # that of its file, without the ending

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.svg"

    @property
    def identifier(self) -> str:
        """A digest of what it shows."""
        shown = repr((self.draw.__name__, self.alt, self.options, self.data.to_csv()))
        return f"sha256:{hashlib.sha256(shown.encode()).hexdigest()}"

    def figure(self) -> Figure:
        """Draw the picture, whatever the settings of matplotlib are."""
        with style.context(["default", _STYLE], after_reset=True):
            figure = Figure()
            self.draw(figure, self.data, **self.options)
            return figure

    def svg(self) -> bytes:
        """Return the picture as a file of SVG."""
        written = io.BytesIO()
        metadata = {"Creator": _CREATOR, "Identifier": self.identifier, "Title": self.alt}
        metadata["Date"] = None
        figure = self.figure()
        with style.context(["default", _STYLE], after_reset=True):
            figure.savefig(written, format="svg", metadata=metadata)
        lines = written.getvalue().decode().splitlines()
        return "".join(f"{line.rstrip()}\n" for line in lines).encode()

    def is_in(self, written: bytes) -> bool:
        """Return whether a file has this picture, or shows the same by another matplotlib."""
        text = written.decode(errors="replace")
        if _CREATOR in re.findall("<dc:title>(.*?)</dc:title>", text):
            return written == self.svg()
        return self.identifier in text


def draw_bars(
    figure: Figure, data: pd.DataFrame, *, label: str, origin: float | None = None, mark: str = ""
) -> None:
    """
    Draw horizontal bars, with a text behind each of them.

    The data has a row a bar: ``row`` is its label, ``member`` whose it is, ``value`` its end,
    ``text`` stands behind it, ``least`` and ``most`` are the ends of its whisker. A row without a
    text is a mark upon the bars of its label. Single bars of the same ``series`` stand together.
    With an origin, which has a line and a label, the axis is logarithmic.
    """
    bars, marks = data[data["text"] != ""], data[data["text"] == ""]
    row, series = bars["row"], bars["series"]
    is_new = row != row.shift()
    if row.is_unique:
        alone = series.groupby(series).transform("size") == 1
        is_new = (series != series.shift()) & ~(alone & alone.shift(fill_value=False))
    y = np.arange(len(bars)) + _GAP * (np.cumsum(is_new) - is_new.iloc[0])
    figure.set_size_inches(_WIDTH, 0.95 + 0.27 * (y.iloc[-1] + 1))
    ax = figure.subplots()
    looks, start = looks_of(data["member"]), origin or 0.0
    handles: list[Any] = []
    for member, own in bars.groupby("member", sort=False):
        places = y[own.index]
        lengths, colour = own["value"] - start, looks[member]["color"]
        handles.append(ax.barh(places, lengths, 0.74, start, color=colour, label=member, zorder=2))
        errors = own["value"] - own["least"], own["most"] - own["value"]
        if own["least"].notna().any():
            ax.errorbar(
                own["value"], places, xerr=errors, fmt="none", ecolor=INK, elinewidth=1.1, capsize=3
            )
    for place, text in zip(y, bars["text"], strict=True):
        ax.text(1.01, place, text, va="center", fontsize=8, transform=ax.get_yaxis_transform())
    middle = y.groupby(row, sort=False).mean()
    for member, own in marks.groupby("member", sort=False):
        look = {**looks[member], "linestyle": "", "mec": "white", "mew": 0.8, "ms": 6.5}
        handles += ax.plot(own["value"], middle[own["row"]], **look, label=member, zorder=4)
    if origin is not None:
        handles.append(ax.axvline(origin, color=INK, linewidth=1, zorder=3, label=mark))
    ax.set_ylim(y.iloc[-1] + 0.6, -0.6)
    ax.set_yticks(middle, map(_plain, middle.index))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(label)
    ax.grid(axis="x")
    ends = data[["value", "least", "most"]]
    if origin is None:
        ax.xaxis.set_major_locator(MaxNLocator(6))
        ax.set_xlim(0.0, ends.max(axis=None) * 1.12 or 1.0)
    else:
        low, high = min(ends.min(axis=None), origin / 1.1), max(ends.max(axis=None), origin * 1.6)
        room = (high / low) ** 0.06
        ax.set_xscale("log")
        ax.set_xlim(low / room, high * room)
        _set_log_ticks(ax.xaxis)
    if len(handles) > 1:
        _add_legend(figure, handles)


def draw_stacks(figure: Figure, data: pd.DataFrame, *, label: str, parts: dict[str, str]) -> None:
    """
    Draw what shares of a whole its parts are: stacked bars, each as long as the others.

    The data has a row a bar: ``row`` stands above those that have it, ``member`` beside the bar,
    ``text`` behind it. The parts are columns, from the left, with the words for them.
    """
    is_first = data["row"] != data["row"].shift()
    y = np.arange(len(data)) + 1.15 * np.cumsum(is_first)
    figure.set_size_inches(_WIDTH, 0.85 + 0.25 * (y.iloc[-1] + 1))
    ax = figure.subplots()
    left = 0.0
    for (part, name), colour in zip(parts.items(), _PART_COLOURS, strict=True):
        shares = data[part]
        bars = ax.barh(
            y, shares, 0.8, left, color=colour, edgecolor="white", linewidth=0.6, label=name
        )
        texts = [f"{share:.0%}" if share >= _LEAST_SHARE else "" for share in shares]
        ax.bar_label(bars, texts, label_type="center", fontsize=7.5, color=INK)
        left = left + shares
    for place, text in zip(y, data["text"], strict=True):
        ax.text(1.01, place, text, va="center", fontsize=8)
    for place, title in zip(y[is_first], data["row"][is_first], strict=True):
        ax.text(0, place - 1, _plain(title), va="center", fontweight="bold")
    ax.set_ylim(y.iloc[-1] + 0.6, 0.5)
    ax.set_xlim(0, 1)
    ax.set_yticks(y, data["member"])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, 0))
    ax.set_xlabel(label)
    _add_legend(figure, ax.containers)


def draw_curves(
    figure: Figure,
    data: pd.DataFrame,
    *,
    label: str,
    columns: int = 3,
    same_y: bool = False,
    fitted: Sequence[str] = (),
) -> None:
    """
    Draw curves on logarithmic axes, in panels.

    The data has a row a point, ``x`` and ``y``: ``panel`` is the title of its panel, ``y_label``
    and ``unit`` are those of the vertical axis, ``member`` is whose it is. With ``same_y`` all
    panels share that axis. Members that are ``fitted`` have a power law instead of a line.
    """
    panels = list(data.groupby(["panel", "y_label"], sort=False))
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    figure.set_size_inches(_WIDTH if columns > 1 else 0.62 * _WIDTH, 0.45 + 2.15 * rows)
    axes = figure.subplots(rows, columns, squeeze=False, sharey=same_y)
    looks = looks_of(data["member"])
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for number, (ax, ((title, y_label), points)) in enumerate(zip(axes.flat, panels, strict=False)):
        ax.set(xscale="log", yscale="log", xlabel=label)
        ax.set_title(title.replace(", ", ",\n"), fontsize="medium")
        if not (same_y and number % columns):
            ax.set_ylabel(y_label)
        ax.grid()
        laws = _draw_points(ax, points, looks, fitted)
        ax.xaxis.set_major_locator(NullLocator())
        ax.set_xticks(_sizes_to_label(points["x"]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter("{x:g}")
        if laws:
            # The exponents stand above the curves.
            low, high = ax.get_ylim()
            ax.set_ylim(low, high * (high / low) ** (0.13 * len(laws) + 0.05))
            ax.legend(handles=laws, fontsize="small", loc="upper left")
        _set_log_ticks(ax.yaxis)
        unit = points["unit"].iloc[0]
        ax.yaxis.set_major_formatter(EngFormatter(unit, sep=" " if unit else ""))
    handles = [Line2D([], [], **look, label=member) for member, look in looks.items()]
    _add_legend(figure, handles, handlelength=3)


def looks_of(members: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return the looks of members: of those that are not known, in their order."""
    others = itertools.cycle(_OTHER_LOOKS)
    return {name: _LOOKS.get(name) or next(others) for name in dict.fromkeys(members)}


def _draw_points(ax: Axes, points: pd.DataFrame, looks: Any, fitted: Sequence[str]) -> list[Line2D]:
    """Draw the curves of a panel; return the lines of power laws, with their exponents."""
    laws: list[Line2D] = []
    for member, own in points.groupby("member", sort=False):
        look = looks[member]
        law = fit_power_law(own["x"], own["y"]) if member in fitted else None
        if law is None:
            ax.plot(own["x"], own["y"], **look)
        else:
            ax.plot(own["x"], own["y"], **{**look, "linestyle": ""})
            ends = np.array([own["x"].min(), own["x"].max()])
            text = f"{member}: exponent {law}"
            laws += ax.plot(ends, law(ends), **{**look, "marker": ""}, label=text)
    return laws


def _set_log_ticks(axis: Axis) -> None:
    """Put numbers at powers of ten, and between them where there are few powers."""
    low, high = axis.get_view_interval()
    decades = math.log10(high / low)
    subs = (1.0,) if decades > 2.5 else (1, 2, 5) if decades > 0.7 else (1, 1.2, 1.5, 2, 3, 5, 7)
    axis.set_major_locator(LogLocator(subs=subs, numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def _sizes_to_label(x: Iterable[float]) -> list[float]:
    """Return where numbers stand: what was measured, from the largest down, with room between."""
    sizes = sorted(set(x), reverse=True)
    room = (sizes[0] / sizes[-1]) ** (1 / _MOST_TICKS)
    ticks = sizes[:1]
    for size in sizes[1:]:
        if size * room <= ticks[-1]:
            ticks.append(size)
    return ticks[::-1]


def _add_legend(figure: Figure, handles: Sequence[Any], **settings: Any) -> None:
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), **settings)


def _plain(title: str) -> str:
    """Return a title in which a dollar sign means itself."""
    return title.replace("$", r"\$")


@dataclass(frozen=True)
class PowerLaw:
    """The power law ``10**intercept * n**exponent``."""

    exponent: float  # 1 if twice the size takes twice as much
    error: float  # the standard error of the exponent
    intercept: float  # the decimal logarithm of the value at 1
    last: float  # the exponent between the largest two, where what is paid once a call counts least

    def __call__(self, size: Any) -> Any:
        """Return the value at a size."""
        return 10**self.intercept * size**self.exponent

    def __str__(self) -> str:
        """Return the exponent with its standard error."""
        error = f"{self.error:.2f}" if self.error >= 0.005 else "<0.01"
        return f"{self.exponent:.2f} ± {error}"


def fit_power_law(sizes: Sequence[float], values: Sequence[float]) -> PowerLaw | None:
    """Fit a power law by least squares of the logarithms, if there are `FEWEST_SIZES` sizes."""
    points = sorted(
        (size, value) for size, value in zip(sizes, values, strict=True) if min(size, value) > 0
    )
    if len({size for size, _ in points}) < FEWEST_SIZES:
        return None
    x, y = np.log10(points).T
    fit = stats.linregress(x, y)
    # the largest may have been measured twice
    last = (y[-1] - y[-2]) / (x[-1] - x[-2]) if x[-1] > x[-2] else fit.slope
    numbers = (fit.slope, fit.stderr, fit.intercept, last)
    return PowerLaw(*(round(float(number), _DIGITS) for number in numbers))
