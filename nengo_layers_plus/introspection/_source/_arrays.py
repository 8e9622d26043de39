"""Arrays: short ones stand in the code, others beside it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._layout import (
    Expression,
    Item,
    Text,
    call,
    collection,
    quoted,
)
from nengo_layers_plus.introspection._source._names import Names

# what stands in the code has at most so many numbers and characters
_MOST_NUMBERS = 16
_MOST_CHARACTERS = 60
# so many numbers stand there whatever their length
_ALWAYS = 8
# and at most so many equal ones
_EQUAL = 3

_KINDS = "biuf"


class Arrays:
    """
    Writes arrays, and keeps those that do not stand in the code.

    Parameters
    ----------
    names : Names
        The names of the module.

    Attributes
    ----------
    kept : dict of numpy.ndarray
        Those that do not stand in the code, by name.
    """

    def __init__(self, names: Names) -> None:
        self.names = names
        self.kept: dict[str, np.ndarray] = {}
        self._known: dict[Any, str] = {}
        self._used: set[str] = set()

    def write(self, array: np.ndarray, name: str, as_list: bool = False) -> Expression:
        """
        Return an expression for an array of numbers.

        Parameters
        ----------
        array : numpy.ndarray
            The array.
        name : str
            What it is called if it does not stand in the code.
        as_list : bool
            Whether a number or list does as well for an array of float64.

        Raises
        ------
        NoExpressionError
            If it does not hold numbers.
        """
        plain = array.dtype.kind in _KINDS and array.dtype.itemsize <= 8
        if not plain or not array.dtype.isnative:
            raise NoExpressionError(f"arrays of {array.dtype} can't be written")
        is_list = as_list and array.dtype == np.float64
        if is_list and array.ndim == 0:
            return number(array.item())
        if array.size and (constant := self._constant(array, is_list)) is not None:
            return constant
        if array.size <= _MOST_NUMBERS:
            literal = self._literal(array)
            short = array.size <= _ALWAYS or len(literal.flat()) <= _MOST_CHARACTERS
            if short and array.size:
                return literal if is_list else self._call("array", array, literal)
        return self.keep(array, name)

    def keep(self, array: np.ndarray, name: str) -> Expression:
        """Return an expression for an array that is kept beside the code."""
        contiguous = np.array(array, order="C")
        key = (contiguous.dtype.str, contiguous.shape, contiguous.tobytes())
        if key not in self._known:
            self._known[key] = unique_name(name, self._used)
            self.kept[self._known[key]] = contiguous
        kept = Text(f"arrays[{quoted(self._known[key])}]")
        if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
            return call(f"{self.names.module('numpy')}.asfortranarray", kept)
        return kept

    def forget_unused(self, text: str) -> None:
        """Keep those alone that stand in a text."""
        self.kept = {
            name: each for name, each in self.kept.items() if f"arrays[{quoted(name)}]" in text
        }

    def _constant(self, array: np.ndarray, is_list: bool) -> Expression | None:
        """Return a shorter expression for an array of one number only."""
        first = array.flat[0]
        if array.size <= _EQUAL or np.broadcast_to(first, array.shape).tobytes() != array.tobytes():
            return None
        shape = Text(str(array.shape[0] if array.ndim == 1 else array.shape))
        plain = {0: "zeros", 1: "ones"}
        if array.dtype.kind != "b" and first in plain and not np.signbit(first):
            return self._call(plain[int(first)], array, shape, default=np.float64)
        return self._call("full", array, shape, number(first.item()), default=None)

    def _call(
        self, function: str, array: np.ndarray, *args: Expression, default: Any = None
    ) -> Expression:
        if default is None:  # what NumPy takes for numbers of Python
            default = {"b": np.bool_, "i": np.int64}.get(array.dtype.kind, np.float64)
        numpy = self.names.module("numpy")
        more = {} if array.dtype == default else {"dtype": Text(f"{numpy}.{array.dtype.name}")}
        return call(f"{numpy}.{function}", *args, **more)

    def _literal(self, values: Any) -> Expression:
        if np.ndim(values) == 0:
            return number(values.item())
        return collection("[", [Item("", self._literal(each)) for each in values], "]")


def number(value: Any) -> Expression:
    """Return an expression for a bool, int or float."""
    if isinstance(value, float) and not np.isfinite(value):
        return Text(f'float("{value}")')
    return Text(repr(value))
