"""Numbers with their units, and tables, in Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from benchmarks.report._power_law import PowerLaw

GAP = "–"
"""Stands where a number is missing."""


def digits(value: float, n: int = 3) -> str:
    """Return a number with so many significant digits, without an exponent."""
    if value == 0:
        return "0"
    decimals = n - 1 - math.floor(math.log10(abs(float(f"{value:.{n - 1}e}"))))
    return f"{round(value, decimals):.{max(decimals, 0)}f}"


def seconds(value: float | None) -> str:
    """Return a time with its unit."""
    if value is None:
        return GAP
    for least, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= 0.9995 * least:
            return f"{digits(value / least)} {unit}"
    return f"{digits(value / 1e-9)} ns"


def ratio(value: float | None) -> str:
    """Return how many times as much something is."""
    return GAP if value is None else digits(value)


def span(least: float | None, most: float | None) -> str:
    """Return from where to where ratios go."""
    return GAP if least is None or most is None else f"{digits(least)} to {digits(most)}"


def count(value: float | None) -> str:
    """Return a large number."""
    if value is None:
        return GAP
    for least, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= 0.9995 * least:
            return f"{digits(value / least)}{unit}"
    return digits(value)


def memory(value: float | None) -> str:
    """Return bytes with their unit."""
    if value is None:
        return GAP
    gib = value / 1024**3
    return f"{digits(gib)} GiB" if gib >= 0.9995 else f"{digits(value / 1024**2)} MiB"


def share(value: float | None) -> str:
    """Return a share in percent, rounded down, so that 100 % is said of all alone."""
    if value is None:
        return GAP
    return "100 %" if value >= 1 else f"{math.floor(value * 1000) / 10:.1f} %"


def percent(value: float) -> str:
    """Return a share in percent, rounded to a whole number."""
    return f"{value * 100:.0f} %"


def exponent(law: PowerLaw | None) -> str:
    """Return an exponent with its standard error."""
    if law is None:
        return GAP
    error = f"{law.error:.2f}" if law.error >= 0.005 else "<0.01"
    return f"{law.exponent:.2f} ± {error}"


def escape(text: str) -> str:
    """Return a text that means itself in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as code; in a table too."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(0x2758))}`"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """
    Return a table, without the columns that have nothing but gaps.

    Parameters
    ----------
    head : sequence of str
        The names of the columns.
    rows : sequence of sequence of str
        The cells.
    texts : int
        How many columns are texts; the numbers behind them stand at the right.
    """
    kept = [
        index
        for index in range(len(head))
        if index < texts or any(row[index] not in ("", GAP) for row in rows)
    ]
    lines = [
        [head[index] for index in kept],
        ["---" if index < texts else "---:" for index in kept],
        *([row[index] for index in kept] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def listed(texts: Sequence[str]) -> str:
    """Return texts as a list in a sentence."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of these names, and how many more there are."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*map(code, names[:most]), *more])
