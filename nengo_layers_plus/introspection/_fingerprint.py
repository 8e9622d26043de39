"""What a value is, in a form that is the same for values that do the same."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import operator
import types
from collections import deque
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import nengo
import numpy as np
from nengo.params import FrozenObject, iter_params

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.introspection._keras_config import config_or_attributes


def fingerprint(value: Any) -> Hashable:
    """
    Return what a value is, in a form that can be compared and hashed.

    Values have the same if they do the same as far as that can be told: arrays of the same
    numbers, functions of the same code with the same values around them, objects of one class with
    the same attributes.

    Parameters
    ----------
    value : object
        Anything that is found in a network.
    """
    return _of(value, ())


def _of(value: Any, around: tuple[int, ...]) -> Hashable:
    if value is None or isinstance(value, str | bytes):
        return (type(value).__name__, value)
    if isinstance(value, bool | int | float | np.bool_ | np.number):
        return _of_number(value)
    if id(value) in around:
        return ("around", around.index(id(value)))
    around = (*around, id(value))
    for kind, describe in _KINDS:
        if isinstance(value, kind):
            return describe(value, around)
    if hasattr(value, "tocoo"):
        return _of_sparse(value.tocoo(), around)
    for inner in ("python_function", "__wrapped__"):  # of tf.function, and of functools.lru_cache
        if callable(getattr(value, inner, None)):
            return (*_class_of(value), _of(getattr(value, inner), around))
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(name, str) and inspect.isroutine(value):
        return ("routine", module, name)
    # names that are there to be shown say nothing of what it does
    held = {key: each for key, each in attributes_of(value) if not key.startswith("__")}
    return (*_class_of(value), _of(held, around))


def attributes_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object, and their values."""
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, types.MemberDescriptorType):  # of ``__slots__``
                with contextlib.suppress(AttributeError):  # it holds nothing yet
                    yield name, member.__get__(value)


def _of_number(value: Any) -> Hashable:
    try:
        number: Any = float(value)
    except (OverflowError, TypeError):  # too large, or complex
        number = value
    return ("number", "nan" if number != number else number)


def _class_of(value: Any) -> tuple[str, ...]:
    return ("object", type(value).__module__, type(value).__qualname__)


def _of_array(value: Any, around: tuple[int, ...]) -> Hashable:
    array = np.asarray(value)
    if array.ndim == 0 and array.dtype.kind in "biuf":
        return _of_number(array[()])
    if array.dtype.kind == "O":
        return ("array", array.shape, tuple(_of(each, around) for each in array.flat))
    if array.dtype.kind in "biuf":
        array = array.astype(np.float64) + 0.0  # no -0.0
    digest = hashlib.sha1(np.ascontiguousarray(array).tobytes(), usedforsecurity=False)
    return ("array", array.shape, digest.hexdigest())


def _of_sparse(value: Any, around: tuple[int, ...]) -> Hashable:
    order = np.lexsort((value.col, value.row))
    parts = [np.asarray(each)[order] for each in (value.row, value.col, value.data)]
    return ("sparse", tuple(value.shape), *(_of_array(each, around) for each in parts))


def _of_mapping(value: Mapping[Any, Any], around: tuple[int, ...]) -> Hashable:
    items = [(_of(key, around), _of(each, around)) for key, each in value.items()]
    return ("mapping", frozenset(items))


def _of_frozen(value: Any, around: tuple[int, ...]) -> Hashable:
    items = tuple((name, _of(getattr(value, name), around)) for name in sorted(iter_params(value)))
    return (*_class_of(value), items)


def _of_layer(value: Any, around: tuple[int, ...]) -> Hashable:
    layer = layer_itself(value)
    return (*_class_of(layer), _of(config_or_attributes(layer), around))


def _of_function(value: types.FunctionType, around: tuple[int, ...]) -> Hashable:
    return (
        "function",
        _of(value.__code__, around),
        _of(value.__defaults__, around),
        _of(value.__kwdefaults__, around),
        tuple(_of_cell(cell, around) for cell in value.__closure__ or ()),
        tuple(
            (name, _of_global(value.__globals__[name], around))
            for name in sorted(_names_in(value.__code__))
            if name in value.__globals__
        ),
    )


def _names_in(code: types.CodeType) -> set[str]:
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


def _of_cell(cell: Any, around: tuple[int, ...]) -> Hashable:
    try:
        return _of(cell.cell_contents, around)
    except ValueError:  # it holds nothing yet
        return ("empty",)


def _of_global(value: Any, around: tuple[int, ...]) -> Hashable:
    """Describe what a function finds around it, as far as it is likely to be about it."""
    is_value = isinstance(value, int | float | str | list | tuple | np.ndarray)
    if is_value or inspect.isroutine(value) or isinstance(value, type | types.ModuleType):
        return _of(value, around)
    return _class_of(value)


def _of_code(value: types.CodeType, around: tuple[int, ...]) -> Hashable:
    constants = tuple(
        _of(each, around) for each in value.co_consts if not _is_docstring(value, each)
    )
    return (value.co_code, constants, value.co_names, value.co_varnames, value.co_freevars)


def _is_docstring(code: types.CodeType, constant: Any) -> bool:
    # lambdas and comprehensions, whose names are in brackets, have none
    is_first = isinstance(constant, str) and code.co_consts[:1] == (constant,)
    return is_first and not code.co_name.startswith("<")


# what they hold is seen in how they are pickled alone
_REDUCED: Any = (
    *(operator.itemgetter, operator.attrgetter, operator.methodcaller),
    *(Decimal, Fraction),
)

# the first that fits is taken
_KINDS: tuple[tuple[Any, Any], ...] = (
    (np.ndarray | tf.Variable | tf.Tensor, _of_array),
    (Mapping, _of_mapping),
    (list | tuple, lambda value, around: ("sequence", tuple(_of(each, around) for each in value))),
    (
        set | frozenset,
        lambda value, around: ("set", frozenset(_of(each, around) for each in value)),
    ),
    (slice, lambda value, _: ("slice", value.start, value.stop, value.step)),
    (type, lambda value, _: ("class", value.__module__, value.__qualname__)),
    (types.ModuleType, lambda value, _: ("module", value.__name__)),
    (tf.keras.layers.Layer, _of_layer),
    # where a function holds on to the networks or simulators of others, they are not part of it
    (nengo.Network | nengo.base.NengoObject | nengo_dl.Simulator, lambda v, _: _class_of(v)),
    (FrozenObject, _of_frozen),
    (types.FunctionType, _of_function),
    (
        types.MethodType,
        lambda v, around: ("method", _of(v.__func__, around), _of(v.__self__, around)),
    ),
    (
        functools.partial,
        lambda v, around: ("partial", _of(v.func, around), _of((v.args, v.keywords), around)),
    ),
    (
        types.BuiltinMethodType | types.MethodWrapperType,
        lambda v, around: (
            "routine",
            v.__name__,
            v.__self__.__name__
            if isinstance(v.__self__, types.ModuleType)
            else _of(v.__self__, around),
        ),
    ),
    (np.random.RandomState, lambda v, around: ("random", _of(v.get_state(), around))),
    (np.random.Generator, lambda v, around: ("random", _of(v.bit_generator.state, around))),
    (deque, lambda v, around: ("deque", v.maxlen, _of(list(v), around))),
    (
        _REDUCED,
        lambda v, around: (*_class_of(v), _of(v.__reduce__()[1:], around)),
    ),
    (np.ufunc, lambda value, _: ("ufunc", value.__name__)),
    (types.CodeType, _of_code),
)
