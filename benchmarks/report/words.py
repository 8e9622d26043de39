"""Numbers with their units, and tables, in Markdown."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import partial

import pandas as pd

GAP = "–"  # stands where a number is missing


def digits(value: float, n: int = 3) -> str:
    """Return a number with so many significant digits, without an exponent."""
    if value == 0:
        return "0"
    decimals = n - 1 - math.floor(math.log10(abs(float(f"{value:.{n - 1}e}"))))
    return f"{round(value, decimals):.{max(decimals, 0)}f}"


def _with_unit(value: float, units: dict[str, float]) -> str:
    """Return a number with the largest of the units that fits, or else with the smallest."""
    if pd.isna(value):
        return GAP
    fitting = (unit for unit, size in units.items() if value >= 0.9995 * size)
    unit = next(fitting, list(units)[-1])
    return f"{digits(value / units[unit])}{unit}"


seconds = partial(_with_unit, units={" s": 1.0, " ms": 1e-3, " µs": 1e-6, " ns": 1e-9})
count = partial(_with_unit, units={" G": 1e9, " M": 1e6, " k": 1e3, "": 1.0})
memory = partial(_with_unit, units={" GiB": 1024.0**3, " MiB": 1024.0**2})
ratio = partial(_with_unit, units={"": 1.0})


def span(least: float, most: float) -> str:
    """Return from where to where ratios go."""
    return GAP if pd.isna(least) or pd.isna(most) else f"{digits(least)} to {digits(most)}"


def share(value: float) -> str:
    """Return a share in percent, rounded down, so that 100 % is said of all alone."""
    if pd.isna(value):
        return GAP
    return "100 %" if value >= 1 else f"{math.floor(value * 1000) / 10:.1f} %"


def escape(text: str) -> str:
    """Return a text that means itself in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#$])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as code; in a table too."""
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(0x2758))}`"


def table(frame: pd.DataFrame, texts: int = 1) -> str:
    """Return a table whose first columns are texts; others with nothing but gaps are left out."""
    numbers = frame.columns[texts:]
    frame = frame.drop(columns=[name for name in numbers if frame[name].isin(["", GAP]).all()])
    rule = ["---"] * texts + ["---:"] * (len(frame.columns) - texts)
    lines = [frame.columns, rule, *frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def listed(texts: Sequence[str]) -> str:
    """Return texts as a list in a sentence."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of these names, and how many more there are."""
    more = [f"and {len(names) - most} more"] if len(names) > most else []
    return ", ".join([*map(code, names[:most]), *more])
