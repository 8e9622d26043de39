"""Values as expressions: what has none becomes an argument of the code."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.params import Default, FrozenObject, iter_params
from nengo.transforms import ChannelShape, SparseMatrix

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._layout import MARK, call, quoted, sequence
from nengo_layers_plus.introspection._source._names import Names, NoExpressionError
from nengo_layers_plus.layers._layer_func import FunctionOfSeveral
from nengo_layers_plus.surrogate import SurrogateFunction

# an array in the code has at most so many numbers and characters
_MOST_NUMBERS = 16
_MOST_CHARACTERS = 60
# so many numbers stand in the code whatever their length
_ALWAYS = 8
# and at most so many equal ones
_EQUAL = 3

_MISSING = object()


class Values:
    """
    Writes values as expressions.

    Attributes
    ----------
    names : Names
        The names of the module.
    arrays : dict of str to numpy.ndarray
        Arrays that do not stand in the code.
    arguments : dict of str to object
        What has no expression, by the name of the argument that stands for it.
    reasons : dict of str to str
        What these arguments are, and why they are asked for.
    """

    def __init__(self) -> None:
        self.names = Names()
        self.arrays: dict[str, np.ndarray] = {}
        self.arguments: dict[str, Any] = {}
        self.reasons: dict[str, str] = {}
        self._known: dict[int, tuple[Any, str]] = {}
        self._stems: dict[str, str] = {}
        self._array_names: dict[Any, str] = {}
        self._used_array_names: set[str] = set()

    def write(self, value: Any, name: str, as_list: bool = False) -> str:
        """
        Return an expression for a value, which may be an argument.

        Parameters
        ----------
        value : object
            The value.
        name : str
            The name of an array or argument.
        as_list : bool
            Whether a list does as well for an array.
        """
        known = self.known(value)
        if known is not None:
            return known
        try:
            return self.expression(value, name, as_list)
        except NoExpressionError as error:
            return self.ask(value, name, str(error))

    def known(self, value: Any) -> str | None:
        """Return the argument, or the mark of the variable, that stands for a value; else None."""
        return self._known.get(id(value), (None, None))[1]

    def ask(self, value: Any, name: str, why: str) -> str:
        """Return a new argument that stands for a value without an expression."""
        own = getattr(value, "__name__", None)
        name = own if isinstance(own, str) and own.isidentifier() else name
        return self.add_argument(value, name, f"{_describe(value)}: {why}")

    def add_argument(self, value: Any, name: str, reason: str) -> str:
        """Return a new argument."""
        argument = self.names.free(name)
        self._known[id(value)] = (value, argument)
        self.arguments[argument] = value
        self.reasons[argument] = reason
        return argument

    def add_variable(self, value: Any, stem: str) -> str:
        """Return the mark of a new variable, whose name will begin with a stem."""
        mark = f"\x01{id(value)}\x01"
        self._known[id(value)] = (value, mark)
        self._stems[mark] = stem
        return mark

    def choose_names(self, text: str) -> dict[str, str]:
        """Return the names of the variables that a text refers to, by their marks."""
        used = {mark[0] for mark in MARK.finditer(text)}
        return {mark: self.names.free(stem) for mark, stem in self._stems.items() if mark in used}

    def evaluate(self, text: str) -> Any:
        """Return the value of an expression, as the code will have it."""
        held = {f"_{key}": self._known[int(key)][0] for key in MARK.findall(text)}
        scope = {**self.names.values, **self.arguments, **held, "arrays": self.arrays}
        return eval(MARK.sub(r"_\1", text), scope)

    def expression(self, value: Any, name: str, as_list: bool = False) -> str:
        """
        Return an expression whose value equals another one.

        Raises
        ------
        NoExpressionError
            If there is none.
        """
        if value is None or type(value) in (bool, int, float):
            return _number(value)
        if isinstance(value, str):
            return quoted(str(value))
        if isinstance(value, np.generic):
            return self._numpy_scalar(value)
        if isinstance(value, np.ndarray):
            return self._array(value, name, as_list)
        if isinstance(value, tf.DType):
            return f"{self.names.module('tensorflow')}.{value.name}"
        if isinstance(value, Mapping):
            items = [
                f"{self.expression(key, name)}: {self.write(item, f'{name}.{key}')}"
                for key, item in value.items()
            ]
            return sequence(items, "{}")
        if isinstance(value, list | tuple):
            brackets = "[]" if isinstance(value, list) else "()"
            return sequence((self.write(item, name) for item in value), brackets)
        if isinstance(value, SurrogateFunction):
            made = f"{self.names.import_from('nengo_layers_plus', 'surrogate')}.{value.name}"
            return call(made, **{key: _number(number) for key, number in value.arguments})
        if isinstance(value, FunctionOfSeveral):
            made = self.names.import_from("nengo_layers_plus.layers", "FunctionOfSeveral")
            return call(
                made, self.write(value.function, name), self.write(list(value.shapes), name)
            )
        if isinstance(value, nengo.Sparse):
            return self._sparse(value, name)
        if isinstance(value, FrozenObject):
            return self._frozen(value, name)
        if isinstance(value, functools.partial):
            given = [self.write(item, name) for item in (value.func, *value.args)]
            more = {key: self.write(item, name) for key, item in value.keywords.items()}
            return call(f"{self.names.module('functools')}.partial", *given, **more)
        if isinstance(value, type) or callable(value):
            return self.names.of(value)
        if hasattr(value, "tocoo"):
            return self._scipy(value, name)
        raise NoExpressionError("it is of a kind that can't be written as code")

    def _numpy_scalar(self, value: np.generic) -> str:
        plain = value.item()
        if isinstance(value, np.bool_ | np.int64 | np.float64):
            return _number(plain)
        if not isinstance(plain, bool | int | float):
            raise NoExpressionError(f"{value.dtype} can't be written")
        return call(f"{self.names.module('numpy')}.{value.dtype.name}", _number(plain))

    # arrays

    def _array(self, array: np.ndarray, name: str, as_list: bool) -> str:
        is_plain = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
        if not is_plain or not array.dtype.isnative:
            raise NoExpressionError(f"arrays of {array.dtype} can't be written")
        as_list = as_list and array.dtype == np.float64
        if as_list and array.ndim == 0:
            return _number(array.item())
        if array.size > _EQUAL:
            first = array.flat[0]
            if np.broadcast_to(first, array.shape).tobytes() == array.tobytes():
                return self._constant(array, first)
        if 0 < array.size <= _MOST_NUMBERS:
            literal = _literal(array)
            if array.size <= _ALWAYS or len(literal) <= _MOST_CHARACTERS:
                return literal if as_list else self._numpy_call("array", array, literal)
        return self.keep(array, name)

    def keep(self, array: np.ndarray, name: str) -> str:
        """Return an expression for an array that is kept beside the code."""
        contiguous = np.array(array, order="C")
        key = (contiguous.dtype.str, contiguous.shape, contiguous.tobytes())
        if key not in self._array_names:
            self._array_names[key] = unique_name(name, self._used_array_names)
            self.arrays[self._array_names[key]] = contiguous
        kept = f"arrays[{quoted(self._array_names[key])}]"
        if array.ndim > 1 and array.flags.f_contiguous and not array.flags.c_contiguous:
            return call(f"{self.names.module('numpy')}.asfortranarray", kept)
        return kept

    def forget_unused(self, text: str) -> None:
        """Keep the arrays and arguments alone that a text uses."""
        self.arrays = {
            name: array for name, array in self.arrays.items() if f"arrays[{quoted(name)}]" in text
        }
        words = set(re.findall(r"\w+", text))
        self.arguments = {name: value for name, value in self.arguments.items() if name in words}
        self.reasons = {name: self.reasons[name] for name in self.arguments}

    def _constant(self, array: np.ndarray, value: np.generic) -> str:
        """Return an expression for an array of one number only."""
        shape = str(array.shape[0] if array.ndim == 1 else array.shape)
        plain = {0: "zeros", 1: "ones"}
        if array.dtype.kind != "b" and value in plain and not np.signbit(value):
            return self._numpy_call(plain[int(value)], array, shape, default=np.float64)
        return self._numpy_call("full", array, shape, _number(value.item()))

    def _numpy_call(self, function: str, array: np.ndarray, *args: str, default: Any = None) -> str:
        if default is None:  # what NumPy takes for numbers of Python
            default = {"b": np.bool_, "i": np.int64}.get(array.dtype.kind, np.float64)
        numpy = self.names.module("numpy")
        more = {} if array.dtype == default else {"dtype": f"{numpy}.{array.dtype.name}"}
        return call(f"{numpy}.{function}", *args, **more)

    # transforms whose parts are matrices

    def _sparse(self, value: nengo.Sparse, name: str) -> str:
        if type(value) is not nengo.Sparse:
            raise NoExpressionError("it is of a class of its own")
        if isinstance(value.init, SparseMatrix):
            parts = {
                "indices": self.write(value.init.indices, f"{name}.indices"),
                "init": self.write(value.init.data, f"{name}.values"),
            }
        else:
            parts = {"init": self._scipy(value.init, name)}
        return call(self.names.of(nengo.Sparse), self.write(value.shape, name), **parts)

    def _scipy(self, value: Any, name: str) -> str:
        coo = value.tocoo()
        parts = [self.write(getattr(coo, key), f"{name}.{key}") for key in ("data", "row", "col")]
        module = self.names.module("scipy.sparse")
        made = call(
            f"{module}.coo_matrix",
            sequence([parts[0], sequence(parts[1:], "()")], "()"),
            shape=self.write(tuple(map(int, value.shape)), name),
        )
        kind = type(value).__name__
        return made if kind == "coo_matrix" else call(f"{module}.{kind}", made)

    # objects of nengo that can't change

    def _frozen(self, value: FrozenObject, name: str) -> str:
        made = self.names.of(type(value))
        positional, keywords = _arguments_of(value)
        text = call(
            made,
            *(self.write(argument, f"{name}.{key}") for key, argument in positional.items()),
            **{key: self.write(argument, f"{name}.{key}") for key, argument in keywords.items()},
        )
        try:
            is_equal = same(self.evaluate(text), value)
        except Exception as error:  # the code of a user may fail in any way
            raise NoExpressionError(f"what it was made with is not known ({error})") from error
        if not is_equal:
            raise NoExpressionError("what it was made with is not known")
        return text


def _number(value: Any) -> str:
    if isinstance(value, float) and not np.isfinite(value):
        return f'float("{value}")'
    return repr(value)


def _literal(values: Any) -> str:
    return _number(values.item()) if np.ndim(values) == 0 else sequence(map(_literal, values))


def _describe(value: Any) -> str:
    """Say what an object is, and where it was defined."""
    target = value if hasattr(value, "__qualname__") else type(value)
    where = f"{getattr(target, '__module__', '')}.{target.__qualname__}".lstrip(".")
    if isinstance(value, type) or not callable(value):
        return f"a {where}"
    try:
        takes = str(inspect.signature(value))
    except (TypeError, ValueError):
        takes = ""
    return where + (takes if "<" not in takes and len(takes) < 60 else "")


def _arguments_of(value: FrozenObject) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments that make an object, but for those that are its defaults."""
    parameters = inspect.signature(type(value)).parameters.values()
    positional: dict[str, Any] = {}
    keywords: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        key, default = parameter.name, parameter.default
        held = _held(value, key)
        if held is _MISSING:
            raise NoExpressionError(f"its argument {key} is not known")
        if default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY:
            positional[key] = held
        elif not same(held, getattr(type(value), key).default if default is Default else default):
            keywords[key] = held
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        plain = type(value)(*positional.values(), **keywords)
        for key in sorted({*iter_params(value)} - {parameter.name for parameter in parameters}):
            if not same(_held(value, key), getattr(plain, key, _MISSING)):
                keywords[key] = _held(value, key)
    return positional, keywords


def _held(value: Any, key: str) -> Any:
    held = getattr(value, key, _MISSING)
    return held.shape if isinstance(held, ChannelShape) else held
