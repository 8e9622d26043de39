"""What all pictures share: axes, colours, and the check that matplotlib is there."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nengo.exceptions import ValidationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# of Okabe and Ito, which colour-blind readers tell apart
BLUE, ORANGE, GREEN, VERMILLION, PURPLE, SKY = (
    *("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"),
)
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
INK = "#222222"
GREY = "#777777"
# with a line style of their own, lines can be told apart in black and white
DASHES = ("-", "--", "-.", ":")


def require(*modules: str) -> None:
    """
    Make sure that modules that pictures need are installed.

    Parameters
    ----------
    *modules : str
        Their names.

    Raises
    ------
    ImportError
        If one is not.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImportError(
                f'pictures need {module}, not installed here: pip install "nengo-layers-plus[plot]"'
            ) from error


def axes_or_new(ax: Any, width: float, height: float) -> Axes:
    """
    Return the axes that were given, or those of a new figure.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        What was given.
    width, height : float
        The size of a new figure (inches).

    Raises
    ------
    nengo.exceptions.ValidationError
        If what was given is something else.
    """
    require("matplotlib")
    from matplotlib import pyplot
    from matplotlib.axes import Axes

    if ax is None:
        return pyplot.subplots(figsize=(width, height), layout="constrained")[1]
    if not isinstance(ax, Axes):
        raise ValidationError(
            f"expected matplotlib Axes to draw in, or None for a new figure, got {ax!r}", attr="ax"
        )
    return ax


def size_of(ax: Axes) -> tuple[float, float]:
    """Return the width and height of axes (points)."""
    figure: Any = ax.get_figure(root=True)
    return ax.bbox.width * 72 / figure.dpi, ax.bbox.height * 72 / figure.dpi


def text_colour() -> str:
    """Return the colour of text, which fits the background that the user has chosen."""
    from matplotlib import rcParams

    return str(rcParams["text.color"])


def tidy(ax: Axes) -> None:
    """Leave out the lines above and at the right of a picture."""
    ax.spines[["top", "right"]].set_visible(False)


def whole_numbers(axis: Axis) -> None:
    """Put ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))


def note(
    ax: Axes,
    text: str,
    place: tuple[float, float] = (1, 1),
    coords: Any = "axes fraction",
    *,
    lift: float = 3,
    align: str = "right",
) -> None:
    """Write small text above a place, by default above the right end of a picture."""
    ax.annotate(
        text,
        place,
        xytext=(0, lift),
        xycoords=coords,
        textcoords="offset points",
        ha=align,
        va="bottom",
        fontsize="small",
    )


def add_legend(ax: Axes, **settings: Any) -> None:
    """Add a legend in small letters, without a frame."""
    ax.legend(fontsize="small", frameon=False, **settings)
