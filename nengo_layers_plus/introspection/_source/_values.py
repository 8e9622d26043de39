"""Values as expressions, with the imports that these need."""

from __future__ import annotations

import builtins
import functools
import importlib
import inspect
import keyword
import re
import sys
from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.params import Default, FrozenObject, iter_params
from nengo.transforms import ChannelShape, SparseMatrix

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._layout import (
    INDENT,
    MARK,
    WIDTH,
    call,
    quoted,
    sequence,
)
from nengo_layers_plus.layers._layer_func import FunctionOfSeveral
from nengo_layers_plus.surrogate import SurrogateFunction

_USUAL = {"numpy": "np", "tensorflow": "tf"}
"""How modules are imported everywhere."""

_KERAS = ("layers", "activations", "initializers", "regularizers", "constraints")
_PUBLIC = (
    "builtins",
    *("nengo", "nengo.dists", "nengo.synapses", "nengo.processes", "nengo.neurons"),
    *("nengo.solvers", "nengo.utils.least_squares_solvers", "nengo.learning_rules"),
    *("nengo.transforms", "nengo_dl", "nengo_dl.dists", "nengo_dl.graph_optimizer"),
    *("numpy", "numpy.linalg", "numpy.fft", "tensorflow", "tensorflow.nn", "tensorflow.math"),
    *("tensorflow.linalg", "tensorflow.image", "tensorflow.signal", "tensorflow.keras"),
    *(f"tensorflow.keras.{name}" for name in (*_KERAS, "mixed_precision")),
)
"""Where the public names of libraries are looked up, in this order."""

_OURS = ("nengo_layers_plus", "nengo_layers_plus.neurons", "nengo_layers_plus.synapses")
_LONGEST = 28

# the most numbers and characters of an array in the code
_MOST_NUMBERS = 16
_MOST_CHARACTERS = 60
# so many numbers are written whatever their length
_ALWAYS = 8
# longer arrays of one number are written as np.full or the like
_EQUAL = 3

_MISSING = object()


class NoExpressionError(Exception):
    """A value has no expression that makes an equal one; the message says why."""


class Names:
    """
    The names of a module.

    Attributes
    ----------
    values : dict
        The objects that the imported names stand for.
    used : set of str
        All names that stand for something.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.used = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
        self.used |= {"nengo", "nengo_dl", "np", "tf", "arrays", "config", "build"}
        self._imports: dict[str, tuple[str, str]] = {}
        self._public_homes: dict[int, tuple[Any, str]] = {}

    def free(self, stem: str) -> str:
        """Return a name that begins with a stem and stands for nothing yet, and take it."""
        return unique_name(identifier(stem), self.used)

    def module(self, full_name: str) -> str:
        """Import a module, and return its name."""
        root = full_name.partition(".")[0]
        name = _USUAL.get(full_name, full_name)
        top = _USUAL.get(root, root)
        self.used.add(top)
        if root == "nengo_dl":
            self.values[top] = nengo_dl
            self._imports[name] = ("nengo_layers_plus", "nengo_dl")
        else:
            self.values[top] = _module(root)
            self._imports[name] = ("", f"import {full_name}" + f" as {name}" * (name != full_name))
        return name

    def import_from(self, module: str, name: str) -> str:
        """Import a name from a module, and return it, or the alias that it has."""
        value = getattr(importlib.import_module(module), name)
        alias = next((key for key, known in self.values.items() if known is value), None)
        if alias is None:
            alias = self.free(name)
            self.values[alias] = value
        self._imports[alias] = (module, name if alias == name else f"{name} as {alias}")
        return alias

    def of(self, value: Any) -> str:
        """
        Import a class or function, and return its name.

        Raises
        ------
        NoExpressionError
            If no module has it.
        """
        if id(value) not in self._public_homes:
            self._public_homes[id(value)] = (value, _public_home(value))
        home = self._public_homes[id(value)][1]
        if home == "builtins":
            return str(value.__name__)
        if home:
            root, _, inner = f"{home}.{value.__name__}".partition(".")
            return f"{self.module(root)}.{inner}"
        module, path = _home(value)
        root, dot, inner = path.partition(".")
        return f"{self.import_from(module, root)}{dot}{inner}"

    def import_lines(self, text: str) -> list[str]:
        """
        Return the lines that import the names of a text.

        Parameters
        ----------
        text : str
            The rest of the module. Names that it does not contain are not imported.
        """
        words = set(re.findall(r"[\w.]+", text))
        words |= {word[:i] for word in words for i, letter in enumerate(word) if letter == "."}
        plain: set[str] = set()
        parts: dict[str, set[str]] = {}
        for name, (module, imported) in self._imports.items():
            if name in words:
                (parts.setdefault(module, set()) if module else plain).add(imported)
        blocks = [[line] for line in sorted(plain)]
        blocks += [_from_lines(module, parts[module]) for module in sorted(parts)]
        groups: dict[bool, list[str]] = {True: [], False: []}
        for block in blocks:
            root = block[0].split()[1].partition(".")[0]
            groups[root in sys.stdlib_module_names] += block
        standard, others = groups[True], groups[False]
        return [*standard, *([""] if standard and others else []), *others]


def _from_lines(module: str, imported: set[str]) -> list[str]:
    names = sorted(imported, key=lambda name: (not name.isupper(), not name[:1].isupper(), name))
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"{' ' * INDENT}{name}," for name in names), ")"]


def _module(path: str) -> Any:
    """Return a module of a library, or a namespace such as ``tensorflow.keras.layers``."""
    root, *parts = path.split(".")
    libraries = {"tensorflow": tf, "nengo_dl": nengo_dl}
    return functools.reduce(getattr, parts, libraries.get(root) or importlib.import_module(root))


def _public_home(value: Any) -> str:
    """Return the public module of a library that has a value; empty if none has."""
    name = getattr(value, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        return ""
    return next((path for path in _PUBLIC if getattr(_module(path), name, None) is value), "")


def _home(value: Any) -> tuple[str, str]:
    """Return the module that a class or function can be imported from, and its name there."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        raise NoExpressionError("it is made within a function, or has no name")
    if module == "__main__" or module not in sys.modules:
        raise NoExpressionError(f"its module {module} can't be imported")
    is_private = module.startswith("nengo_layers_plus.") and "._" in module
    for home in (*_OURS, module.partition("._")[0] if is_private else module):
        member: Any = sys.modules.get(home)
        for part in name.split("."):
            member = getattr(member, part, None)
        if member is value:
            return home, name
    if is_private:
        raise NoExpressionError(f"nothing public is {module}.{name}")
    raise NoExpressionError(f"{module}.{name} is something else")


def identifier(stem: str) -> str:
    """Return the name of a variable that is like a label."""
    name = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")[:_LONGEST].rstrip("_")
    if not name or name[0].isdigit():
        name = f"_{name}".rstrip("_")
    return name if name and name.isidentifier() else "value"


def stem_of(obj: Any, kind: str) -> str:
    """
    Return the beginning of the name of a variable.

    Parameters
    ----------
    obj : object
        An object with a label, or None.
    kind : str
        The kind of object, for objects without a label.
    """
    label = getattr(obj, "label", None)
    if not label:
        return kind
    stem = identifier(label)
    return f"{kind}{stem}" if stem.startswith("_") else stem


class Values:
    """
    Writes values as expressions.

    Attributes
    ----------
    names : Names
        The names of the module.
    arrays : dict of str to numpy.ndarray
        Arrays that are kept beside the code.
    arguments : dict of str to object
        Values without an expression, by the name of the argument that stands for them.
    reasons : dict of str to str
        Descriptions of these arguments, and why they are asked for.
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

    def make(self, text: str) -> Any:
        """
        Return the value of an expression, as the code will have it.

        Raises
        ------
        NoExpressionError
            If it has none.
        """
        held = {f"_{key}": self._known[int(key)][0] for key in MARK.findall(text)}
        scope = {**self.names.values, **self.arguments, **held, "arrays": self.arrays}
        try:
            return eval(MARK.sub(r"_\1", text), scope)
        except Exception as error:  # the code of a user may fail in any way
            raise NoExpressionError(f"it can't be made again ({error})") from error

    def expression(self, value: Any, name: str, as_list: bool = False) -> str:
        """
        Return an expression whose value equals another one.

        Raises
        ------
        NoExpressionError
            If there is none.
        """
        if value is None or type(value) in (bool, int, float):
            return _literal(value)
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
            return call(made, **{key: _literal(number) for key, number in value.arguments})
        if isinstance(value, FunctionOfSeveral):
            return self.call_of(value, name)
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
            return _literal(plain)
        if not isinstance(plain, bool | int | float):
            raise NoExpressionError(f"{value.dtype} can't be written")
        return call(f"{self.names.module('numpy')}.{value.dtype.name}", _literal(plain))

    # arrays

    def _array(self, array: np.ndarray, name: str, as_list: bool) -> str:
        is_plain = array.dtype.kind in "biuf" and array.dtype.itemsize <= 8
        if not is_plain or not array.dtype.isnative:
            raise NoExpressionError(f"arrays of {array.dtype} can't be written")
        as_list = as_list and array.dtype == np.float64
        if as_list and array.ndim == 0:
            return _literal(array.item())
        if array.size > _EQUAL:
            first = array.flat[0]
            if np.broadcast_to(first, array.shape).tobytes() == array.tobytes():
                return self._constant(array, first)
        if 0 < array.size <= _MOST_NUMBERS:
            literal = _literal(array.tolist())
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
        return self._numpy_call("full", array, shape, _literal(value.item()))

    def _numpy_call(self, function: str, array: np.ndarray, *args: str, default: Any = None) -> str:
        if default is None:  # the dtype that NumPy gives to numbers of Python
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
        text = self.call_of(value, name)
        if not same(self.make(text), value):
            raise NoExpressionError("what it was made with is not known")
        return text

    def call_of(self, value: Any, name: str) -> str:
        """Return the call that makes an object whose attributes are named as its arguments."""
        made = self.names.of(type(value))
        parameters = inspect.signature(type(value)).parameters.values()
        args: list[str] = []
        kwargs: dict[str, str] = {}
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
                continue
            key, default = parameter.name, parameter.default
            held = _held(value, key)
            if held is _MISSING:
                raise NoExpressionError(f"its argument {key} is not known")
            if default is parameter.empty and parameter.kind is not parameter.KEYWORD_ONLY:
                args.append(self.write(held, f"{name}.{key}"))
            elif not same(
                held, getattr(type(value), key).default if default is Default else default
            ):
                kwargs[key] = self.write(held, f"{name}.{key}")
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            plain = self.make(call(made, *args, **kwargs))
            for key in sorted({*iter_params(value)} - {parameter.name for parameter in parameters}):
                if not same(_held(value, key), getattr(plain, key, _MISSING)):
                    kwargs[key] = self.write(_held(value, key), f"{name}.{key}")
        return call(made, *args, **kwargs)


def _literal(value: Any) -> str:
    """Return the literal of a number, or of a list of numbers."""
    return re.sub(r"-?\b(inf|nan)\b", r'float("\g<0>")', repr(value))


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


def _held(value: Any, key: str) -> Any:
    held = getattr(value, key, _MISSING)
    return held.shape if isinstance(held, ChannelShape) else held
