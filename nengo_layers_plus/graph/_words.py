"""Names, numbers and ranges of numbers, as all reports write them."""

from __future__ import annotations

import inspect
from itertools import chain, count
from typing import Any

import numpy as np
from nengo.params import FrozenObject


def unique_name(stem: str, used: set[str], number_from: int | None = None) -> str:
    """
    Return a name that is not used, and note it as used.

    Parameters
    ----------
    stem : str
        What it begins with.
    used : set of str
        The names that are used; the new one is added.
    number_from : int, optional
        The first number to put behind it. Not given, the stem alone is tried first, then numbers
        from 1.
    """
    numbered = (f"{stem}_{number}" for number in count(1 if number_from is None else number_from))
    candidates = chain([stem], numbered) if number_from is None else numbered
    name = next(each for each in candidates if each not in used)
    used.add(name)
    return name


_SHORT = 60  # so many characters may hold arrays


def in_words(value: Any) -> str:
    """Write a value; an array by its shape and range, also within what is made with one."""
    if isinstance(value, FrozenObject):
        text = repr(value)
        is_short = len(text) <= _SHORT and "\n" not in text
        return text if is_short or "array(" not in text else _with_arrays(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {in_words(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple):
        value = np.asarray(value)
    if isinstance(value, np.ndarray) and value.size > 1:
        return f"array {value.shape}, {range_of(value)}"
    if isinstance(value, np.ndarray):
        return number(value.item()) if value.size else "array of nothing"
    return number(value) if isinstance(value, int | float | np.number) else repr(value)


def network_in_words(network: Any) -> str:
    """Write the class and the label of a network."""
    label = "(unlabeled)" if network.label is None else f'"{network.label}"'
    return f"{type(network).__name__} {label}"


def _with_arrays(value: FrozenObject) -> str:
    """Write an object as the call that makes it, arrays by their shapes."""
    given = []
    for name, parameter in inspect.signature(type(value)).parameters.items():
        held: Any = getattr(value, name, None)
        if np.ndim(held):
            given.append(f"{name}=array {np.shape(held)}")
        elif parameter.kind is not parameter.VAR_KEYWORD and held != parameter.default:
            given.append(f"{name}={in_words(held)}")
    return f"{type(value).__name__}({', '.join(given)})"


def range_of(values: np.ndarray) -> str:
    """Write the least and the greatest of some numbers."""
    values = np.asarray(values)
    if not values.size:
        return "-"
    # NaN, which comes of what can't be found, is what matters then
    low, high = number(np.min(values)), number(np.max(values))
    return low if low == high else f"{low} .. {high}"


def number(value: Any) -> str:
    """Write a number in three or four digits."""
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    return f"{float(value):.4g}"
