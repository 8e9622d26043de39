"""Whether two values are the same: a form of any value that can be compared and hashed."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import operator
import types
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import nengo
import numpy as np
from nengo.params import FrozenObject, iter_params

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.introspection._keras_config import config_or_attributes


def same(a: Any, b: Any) -> bool:
    """
    Say whether two values are the same to the last bit, types of arrays and sequences included.

    Parameters
    ----------
    a, b : object
        Values in a network. Numbers of one value are the same, whatever their types; objects whose
        content can't be read are the same as themselves alone.
    """
    return a is b or fingerprint(a, exact=True) == fingerprint(b, exact=True)


def fingerprint(value: Any, exact: bool = False) -> Hashable:
    """
    Return a form of a value that can be compared and hashed.

    It is equal for values that do the same, as far as that can be told: arrays of the same numbers,
    functions of the same code with the same values around them, objects of one class with the same
    attributes.

    Parameters
    ----------
    value : object
        A value in a network.
    exact : bool
        Whether values differ by the type of an array too, by that of a sequence, or if they are
        different objects whose content can't be read.
    """
    return _of(value, exact, ())


def _of(value: Any, exact: bool, around: tuple[int, ...]) -> Hashable:
    if value is None or isinstance(value, str | bytes):
        return (type(value).__name__, value)
    if isinstance(value, bool | np.bool_) and exact:
        return ("bool", bool(value))
    if isinstance(value, bool | int | float | np.bool_ | np.number):
        return _of_number(value)
    if id(value) in around:
        return ("around", around.index(id(value)))
    inner = functools.partial(_of, exact=exact, around=(*around, id(value)))
    if isinstance(value, np.ndarray | tf.Variable | tf.Tensor):
        return _of_array(np.asarray(value), exact, inner)
    if isinstance(value, Mapping):
        return ("mapping", frozenset((inner(key), inner(held)) for key, held in value.items()))
    if isinstance(value, set | frozenset):
        return ("set", frozenset(map(inner, value)))
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) and exact else "sequence"
        return (kind, *map(inner, value))
    value = layer_itself(value)
    parts = _parts(value)
    if parts is None and exact:
        return ("object", id(value))
    return (type(value).__module__, type(value).__qualname__, *map(inner, parts or ()))


def _of_number(value: Any) -> Hashable:
    try:
        number: Any = float(value)
    except (OverflowError, TypeError):  # too large, or complex
        number = value
    return ("number", "nan" if number != number else number)


def _of_array(array: np.ndarray, exact: bool, inner: Callable[[Any], Hashable]) -> Hashable:
    is_numeric = array.dtype.kind in "biuf"
    if array.ndim == 0 and is_numeric and not exact:
        return _of_number(array[()])
    if array.dtype.kind == "O":
        return ("array", array.shape, *map(inner, array.flat))
    if is_numeric and not exact:
        array = array.astype(np.float64) + 0.0  # no -0.0
    digest = hashlib.sha1(np.ascontiguousarray(array).tobytes(), usedforsecurity=False)
    return ("array", array.shape, array.dtype.str if exact else "", digest.hexdigest())


def _parts(value: Any) -> Iterable[Any] | None:
    """Return what tells an object from others of its class; None if that can't be read."""
    for kind, parts in _PARTS:
        if isinstance(value, kind):
            return parts(value)
    if hasattr(value, "tocoo"):
        sparse = value.tocoo()
        order = np.lexsort((sparse.col, sparse.row))
        arrays = (np.asarray(array)[order] for array in (sparse.row, sparse.col, sparse.data))
        return (sparse.shape, *arrays)
    for name in ("python_function", "__wrapped__"):  # of tf.function, and of functools.lru_cache
        if callable(getattr(value, name, None)):
            return (getattr(value, name),)
    if inspect.isroutine(value) and hasattr(value, "__qualname__"):
        return (value.__module__, value.__qualname__)
    # names with two underscores are for display alone
    held = {name: item for name, item in attributes_of(value) if not name.startswith("__")}
    return (held,) if held else None


def attributes_of(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object, and their values."""
    yield from getattr(value, "__dict__", {}).items()
    for kind in type(value).__mro__:
        for name, member in vars(kind).items():
            if isinstance(member, types.MemberDescriptorType):  # of ``__slots__``
                with contextlib.suppress(AttributeError):  # it was not set yet
                    yield name, member.__get__(value)


def _parts_of_function(function: types.FunctionType) -> Iterator[Any]:
    yield from (function.__code__, function.__defaults__, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it was not set yet
            yield types.CellType
    for name in sorted(_names_in(function.__code__) & function.__globals__.keys()):
        held = function.__globals__[name]
        is_value = isinstance(held, int | float | str | list | tuple | np.ndarray)
        is_code = inspect.isroutine(held) or isinstance(held, type | types.ModuleType)
        # an object of a module is likely to change for reasons of others
        yield from (name, held if is_value or is_code else type(held))


def _names_in(code: types.CodeType) -> set[str]:
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return set(code.co_names).union(*map(_names_in, inner))


def _parts_of_code(code: types.CodeType) -> Iterator[Any]:
    constants = code.co_consts
    # the first is a docstring, but for lambdas and comprehensions, whose names are in brackets
    if constants and isinstance(constants[0], str) and not code.co_name.startswith("<"):
        constants = constants[1:]
    yield from (code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars)


# the first that fits is taken
_PARTS: tuple[tuple[Any, Callable[[Any], Iterable[Any]]], ...] = (
    (slice, lambda value: (value.start, value.stop, value.step)),
    (type, lambda value: (value.__module__, value.__qualname__)),
    (types.ModuleType, lambda value: (value.__name__,)),
    (tf.keras.layers.Layer, lambda value: (config_or_attributes(value),)),
    # networks or Simulators that a function refers to are not part of it
    (nengo.Network | nengo.base.NengoObject | nengo_dl.Simulator, lambda _: ()),
    (nengo.transforms.NoTransform, lambda value: (value.size_in,)),
    (FrozenObject, lambda value: ({name: getattr(value, name) for name in iter_params(value)},)),
    (types.FunctionType, _parts_of_function),
    (types.MethodType, lambda value: (value.__func__, value.__self__)),
    (functools.partial, lambda value: (value.func, value.args, value.keywords)),
    (
        types.BuiltinMethodType | types.MethodWrapperType,
        lambda value: (value.__name__, value.__self__),
    ),
    (np.random.RandomState, lambda value: value.get_state()),
    (np.random.Generator, lambda value: (value.bit_generator.state,)),
    (deque, lambda value: (value.maxlen, *value)),
    # only how they are pickled shows what they hold
    (
        operator.itemgetter | operator.attrgetter | operator.methodcaller | Decimal | Fraction,
        lambda value: value.__reduce__()[1:],
    ),
    (np.ufunc, lambda value: (value.__name__,)),
    (types.CodeType, _parts_of_code),
)
