"""How large text is, before it is drawn."""

from __future__ import annotations

import re
from functools import lru_cache

from matplotlib.font_manager import FontProperties
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
