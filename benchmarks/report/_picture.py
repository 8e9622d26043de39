"""A picture of the report, written so that the same data gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib import style
from matplotlib.figure import Figure

_CREATOR = f"Matplotlib {matplotlib.__version__}"
_STYLE = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "svg.hashsalt": "nengo_layers_plus",
}


@dataclass(frozen=True)
class Picture:
    """
    A picture and what it shows.

    Parameters
    ----------
    name : str
        That of its file, without the ending.
    alt : str
        What it shows, for those who don't see it.
    draw : callable
        Takes a figure and the data, and draws.
    data : tuple
        What is drawn: texts, numbers, and tuples of them.
    """

    name: str
    alt: str
    draw: Callable[[Figure, Any], None]
    data: tuple[Any, ...]

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.name}.svg"

    @property
    def identifier(self) -> str:
        """What tells pictures apart: a digest of what they show."""
        shown = repr((self.draw.__name__, self.alt, self.data))
        return f"sha256:{hashlib.sha256(shown.encode()).hexdigest()}"

    def figure(self) -> Figure:
        """Draw the picture, whatever the settings of matplotlib are."""
        with style.context(["default", _STYLE], after_reset=True):
            figure = Figure()
            self.draw(figure, self.data)
            return figure

    def svg(self) -> bytes:
        """Return the picture as a file of SVG."""
        written = io.BytesIO()
        figure = self.figure()
        with style.context(["default", _STYLE], after_reset=True):
            metadata = {
                "Creator": _CREATOR,
                "Date": None,
                "Identifier": self.identifier,
                "Title": self.alt,
            }
            figure.savefig(written, format="svg", metadata=metadata)
        lines = written.getvalue().decode().splitlines()
        return "".join(f"{line.rstrip()}\n" for line in lines).encode()

    def is_in(self, written: bytes) -> bool:
        """
        Return whether a file has this picture.

        What another version of matplotlib drew has other bytes; then what it shows is compared.

        Parameters
        ----------
        written : bytes
            The file.
        """
        text = written.decode(errors="replace")
        if _CREATOR in re.findall("<dc:title>(.*?)</dc:title>", text):
            return written == self.svg()
        return self.identifier in text
