"""Names, numbers and ranges of these, as all reports write them; public names of before."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterable, Sequence
from itertools import chain, count, groupby
from typing import Any

import numpy as np
from nengo.params import FrozenObject

_MOST_RANGES = 3
_SHORT = 60  # so many characters may hold arrays


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
    names = chain([stem], numbered) if number_from is None else numbered
    name = next(name for name in names if name not in used)
    used.add(name)
    return name


def by_numbers(label: Any) -> tuple[str | int, ...]:
    """Split a label, or None, so that it sorts by its numbers: text and numbers, in turn."""
    parts = re.split(r"(\d+)", str(label or ""))
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts))


def range_of_names(names: Iterable[str]) -> str:
    """
    Name several objects that are alike.

    Parameters
    ----------
    names : iterable of str
        Their names.

    Examples
    --------
    >>> from nengo_layers_plus.graph import range_of_names
    >>> range_of_names([f"ea_{number}" for number in range(12)])
    'ea_0 .. ea_11'
    >>> range_of_names(["ea_0", "ea_1", "ea_2", "ea_4"])
    'ea_0 .. ea_2, ea_4'
    >>> range_of_names([f"ea_{number}.bias" for number in range(12)])
    'ea_[0 .. 11].bias'
    """
    ordered = sorted(set(names), key=by_numbers)
    keys = [by_numbers(name) for name in ordered]
    varying = [place for place, parts in enumerate(zip(*keys, strict=False)) if len({*parts}) > 1]
    if len({*map(len, keys)}) != 1 or len(varying) != 1 or varying[0] % 2 == 0:
        return _from_to(ordered)
    (place,) = varying
    head, tail = ("".join(map(str, part)) for part in (keys[0][:place], keys[0][place + 1 :]))
    shown = [str(key[place]) for key in keys] if tail else ordered
    runs = groupby(enumerate(keys), key=lambda numbered: int(numbered[1][place]) - numbered[0])
    ranges = [_from_to([shown[index] for index, _ in run]) for _, run in runs]
    text = _first(ranges, _MOST_RANGES, "more ranges")
    return f"{head}[{text}]{tail}" if tail else text


def listed(names: Iterable[str], most: int = 8) -> str:
    """
    List names, those that differ in numbers alone as a range.

    Parameters
    ----------
    names : iterable of str
        The names.
    most : int
        How many are written; of the others their number is.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(re.sub(r"\d+", "0", name), []).append(name)
    return _first([range_of_names(group) for group in alike.values()], most, "more")


def _first(texts: Sequence[str], most: int, more: str) -> str:
    n_more = len(texts) - most
    return ", ".join(texts[:most]) + (f" and {n_more} {more}" if n_more > 0 else "")


def _from_to(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}"


def in_words(value: Any) -> str:
    """Write a value; an array by its shape and range, also within what is made with one."""
    if isinstance(value, FrozenObject):
        text = repr(value)
        is_short = len(text) <= _SHORT and "\n" not in text
        return text if is_short or "array(" not in text else _with_arrays(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {in_words(item)}' for key, item in value.items())}}}"
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
    # NaN, where there is one: both propagate it
    low, high = number(np.min(values)), number(np.max(values))
    return low if low == high else f"{low} .. {high}"


def number(value: Any) -> str:
    """Write a number in three or four digits."""
    if isinstance(value, bool | np.bool_ | int | np.integer):
        return str(value)
    return f"{float(value):.4g}"


def renamed(old: str, new: str) -> Any:
    """Return a property that reads another one, and warns that its own name is deprecated."""

    def value(self: Any) -> Any:
        warnings.warn(
            f"{type(self).__name__}.{old} is deprecated: use {new}",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(self, new)

    return property(value, doc=f"Deprecated name of `{new}`.")
