"""Values of two networks, as text in which one sees how they differ."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf

_LENGTH = 100
_FEW = 6


def show_both(a: Any, b: Any) -> tuple[str, str]:
    """
    Write two values that differ.

    Parameters
    ----------
    a, b : object
        The values. Of arrays of one shape the first values that differ are written.
    """
    if _is_array(a) and _is_array(b):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape == b.shape and a.dtype.kind in "biuf" and b.dtype.kind in "biuf":
            if a.size > _FEW:
                return _show_arrays(a, b)
            return _show_all(a), _show_all(b)
    return show(a), show(b)


def show(value: Any) -> str:
    """Write a value."""
    if _is_array(value):
        array = np.asarray(value)
        if array.size > _FEW or array.dtype.kind not in "biuf":
            return f"array of shape {array.shape}{_range(array)}"
        return _show_all(array)
    if isinstance(value, tf.keras.layers.Layer):
        return type(value).__name__
    if isinstance(value, float):
        return f"{value:g}"
    if inspect.isroutine(value) or isinstance(value, np.ufunc):
        return _show_function(value)
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 4]} ..."


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _show_all(array: np.ndarray) -> str:
    return " ".join(np.array2string(array, precision=6, separator=", ").split())


def _show_arrays(a: np.ndarray, b: np.ndarray) -> tuple[str, str]:
    differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    where = tuple(int(each[0]) for each in np.nonzero(differs))
    n_differing = int(differs.sum())
    with np.errstate(invalid="ignore"):
        largest = np.nanmax(np.abs(a.astype(float) - b), initial=0)
    index = ", ".join(map(str, where))
    return (
        f"[{index}] = {a[where]:.6g}{_range(a)}",
        f"[{index}] = {b[where]:.6g}{_range(b)}; {n_differing} of {a.size} differ, by up to "
        f"{largest:.3g}",
    )


def _range(array: np.ndarray) -> str:
    if array.dtype.kind not in "iuf" or not array.size:
        return ""
    low, high = np.nanmin(array), np.nanmax(array)
    return f", all {low:.4g}" if low == high else f", from {low:.4g} to {high:.4g}"


def _show_function(function: Any) -> str:
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    code = getattr(function, "__code__", None)
    if code is None or name is None:
        return str(name or function)
    return f"{name.rpartition('.<locals>.')[2]} (line {code.co_firstlineno} of {_file(code)})"


def _file(code: Any) -> str:
    return str(code.co_filename).replace("\\", "/").rpartition("/")[2]
