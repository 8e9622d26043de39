"""The names of a module that is written, and what it imports."""

from __future__ import annotations

import builtins
import functools
import importlib
import keyword
import re
import sys
from typing import Any

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._source._layout import INDENT, WIDTH

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


class NoExpressionError(Exception):
    """A value has no expression that makes an equal one; the message says why."""


class Names:
    """
    The names of a module.

    Attributes
    ----------
    values : dict
        What the imported names stand for.
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
            The rest of the module. What was tried for a value that can't be written is not in it.
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
    Return what the name of a variable begins with.

    Parameters
    ----------
    obj : object
        An object with a label, or None.
    kind : str
        What it is, for objects without.
    """
    label = getattr(obj, "label", None)
    if not label:
        return kind
    stem = identifier(label)
    return f"{kind}{stem}" if stem.startswith("_") else stem
