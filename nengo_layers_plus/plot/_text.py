"""Text in pictures: how large it is, and how it keeps its size among the things around it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import TextToPath


@lru_cache(maxsize=4096)
def width_of(text: str, size: float, weight: str) -> float:
    """Return how wide a line of text of a size is, in its unit."""
    font = FontProperties(size=size, weight=weight)
    return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0])


def wrapped(text: str, width: float, size: float, weight: str) -> list[str]:
    """Break a text into lines of at most a width, where words or parts of names end."""
    lines: list[str] = []
    line = ""
    pieces = re.findall(r"[^\s_/.,:-]*[\s_/.,:-]*", " ".join(text.split()))
    while pieces:
        piece = pieces.pop(0)
        if width_of((line + piece).rstrip(), size, weight) <= width:
            line += piece
        elif line:
            lines.append(line)
            line = ""
            pieces.insert(0, piece)
        elif len(piece) < 2:
            lines.append(piece)  # no place is too small for a letter
        else:
            fits = next(
                (
                    n
                    for n in range(len(piece) - 1, 1, -1)
                    if width_of(piece[:n], size, weight) <= width
                ),
                1,
            )
            lines.append(piece[:fits])
            pieces.insert(0, piece[fits:])
    return [each.rstrip() for each in (*lines, line) if each.strip()]


class ScaledText(Text):
    """
    Text whose size is given in the units of the axes, so that it fits its box at any scale.

    Parameters
    ----------
    x, y : float
        Where it is.
    text : str
        What it says, as it stands.
    size : float
        Its size, in the units of the y axis.
    **settings
        Other arguments of `matplotlib.text.Text`.
    """

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
