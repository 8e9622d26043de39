"""Values of two networks as text that shows how they differ."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.introspection._same import attributes_of, fingerprint

_LENGTH = 100
_FEW = 6


def show_both(a: Any, b: Any) -> tuple[str, str]:
    """
    Write two values that differ.

    Parameters
    ----------
    a, b : object
        The values. Of arrays of one shape the first elements that differ are written, of functions
        of one name the variables they use that differ, of objects of one class their attributes.
    """
    if _is_array(a) and _is_array(b):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape == b.shape and a.dtype.kind in "biuf" and b.dtype.kind in "biuf":
            if a.size > _FEW:
                return _show_arrays(a, b)
            return _show_all(a), _show_all(b)
    shown = show(a), show(b)
    return _with_parts(a, b, shown[0]) if shown[0] == shown[1] else shown


def _with_parts(a: Any, b: Any, shown: str) -> tuple[str, str]:
    """Add the attributes or variables of two values that differ to the text of both."""
    parts_a, parts_b = dict(_parts(a)), dict(_parts(b))
    texts_a, texts_b = [], []
    for name in parts_a:
        if name in parts_b and fingerprint(parts_a[name]) != fingerprint(parts_b[name]):
            text_a, text_b = show_both(parts_a[name], parts_b[name])
            texts_a.append(f"{name} = {text_a}")
            texts_b.append(f"{name} = {text_b}")
    if not texts_a:
        return shown, shown
    return f"{shown} with {', '.join(texts_a)}", f"{shown} with {', '.join(texts_b)}"


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object, or the variables that a function uses, by name."""
    value = getattr(value, "python_function", value)
    if isinstance(value, functools.partial):
        yield from _parts(value.func)  # arguments of the partial replace defaults
        yield from ((f"argument {number}", held) for number, held in enumerate(value.args, 1))
        yield from value.keywords.items()
        return
    if not isinstance(value, types.FunctionType):
        yield from attributes_of(value)
        return
    variables = inspect.getclosurevars(value)
    yield from {**variables.globals, **variables.nonlocals}.items()
    for parameter in inspect.signature(value).parameters.values():
        if parameter.default is not parameter.empty:
            yield parameter.name, parameter.default


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
    value = getattr(value, "python_function", value)  # of tf.function
    if isinstance(value, functools.partial):
        return f"partial of {show(value.func)}"
    if inspect.isroutine(value) or isinstance(value, np.ufunc):
        return _show_function(value)
    if getattr(type(value), "__repr__", None) is object.__repr__:
        return f"a {type(value).__qualname__.rpartition('.<locals>.')[2]}"
    return _shorten(value if isinstance(value, str) else repr(value))


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LENGTH else f"{text[: _LENGTH - 4]} ..."


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _show_all(array: np.ndarray) -> str:
    return " ".join(np.array2string(array, precision=6, separator=", ").split())


def _show_arrays(a: np.ndarray, b: np.ndarray) -> tuple[str, str]:
    differs = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    where = tuple(int(indices[0]) for indices in np.nonzero(differs))
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
    if code is not None and code.co_name == "<lambda>":
        text = "".join(linecache.getlines(code.co_filename, function.__globals__))
        lambdas = [node for node in _lambdas_in(text) if node.lineno == code.co_firstlineno]
        if len(lambdas) > 1:  # in one line
            lambdas = [node for node in lambdas if _is_code_of(node, code)]
        if lambdas:
            return _shorten(ast.unparse(lambdas[0]))
    if code is None or name is None:
        return str(name or function)
    return f"{name.rpartition('.<locals>.')[2]} (line {code.co_firstlineno} of {_file(code)})"


@functools.lru_cache(maxsize=32)
def _lambdas_in(text: str) -> tuple[ast.Lambda, ...]:
    try:
        return tuple(node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Lambda))
    except SyntaxError:
        return ()


def _is_code_of(node: ast.Lambda, code: types.CodeType) -> bool:
    made = compile(ast.Expression(node), "<lambda>", "eval").co_consts[0]
    return (made.co_names, made.co_consts) == (code.co_names, code.co_consts)


def _file(code: Any) -> str:
    return str(code.co_filename).replace("\\", "/").rpartition("/")[2]
