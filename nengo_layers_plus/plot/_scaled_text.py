"""Text that keeps its size among the things around it."""

from __future__ import annotations

from typing import Any

from matplotlib.text import Text


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
