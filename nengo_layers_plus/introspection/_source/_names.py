"""The names of a module that is written: what it imports, what it defines, its variables."""

from __future__ import annotations

import builtins
import importlib
import keyword
import re
import sys
import types
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._layout import INDENT, WIDTH

# how modules are imported everywhere
_USUAL = {"numpy": "np", "tensorflow": "tf"}
# where the public names of libraries are looked for, in this order
_PUBLIC = (
    "nengo",
    "nengo.dists",
    "nengo.synapses",
    "nengo.processes",
    "nengo.neurons",
    "nengo.solvers",
    "nengo.utils.least_squares_solvers",
    "nengo.learning_rules",
    "nengo.transforms",
    "nengo_dl",
    "nengo_dl.dists",
    "nengo_dl.graph_optimizer",
    "numpy",
    "numpy.linalg",
    "numpy.fft",
    "tensorflow",
    "tensorflow.nn",
    "tensorflow.math",
    "tensorflow.linalg",
    "tensorflow.image",
    "tensorflow.signal",
    "tensorflow.keras",
    "tensorflow.keras.layers",
    "tensorflow.keras.activations",
    "tensorflow.keras.initializers",
    "tensorflow.keras.regularizers",
    "tensorflow.keras.constraints",
    "tensorflow.keras.mixed_precision",
)
_OURS = ("nengo_layers_plus", "nengo_layers_plus.neurons", "nengo_layers_plus.synapses")
_LONGEST = 28


class Names:
    """What the names at the top of a module stand for."""

    def __init__(self) -> None:
        self._bound: dict[str, Any] = {}
        self._lines: dict[str, tuple[str, str]] = {}
        self._homes: dict[int, tuple[Any, str | None]] = {}
        self.used = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
        self.used |= {"nengo", "nengo_dl", "np", "tf", "arrays", "config", "build"}

    def free(self, stem: str) -> str:
        """Return a name that begins so and stands for nothing yet."""
        return unique_name(identifier(stem), self.used)

    def is_free_for(self, name: str, value: Any) -> bool:
        """Say whether a name of the module may stand for a value."""
        reserved = {"nengo": nengo, "np": np, "nengo_dl": nengo_dl, "tf": tf, **self._bound}
        return reserved[name] is value if name in reserved else name not in self.used

    def bind(self, name: str, value: Any) -> None:
        """Have a name stand for a value that the module defines."""
        self._bound[name] = value
        self.used.add(name)

    def module(self, full_name: str) -> str:
        """Import a module, and return what it is called."""
        name = _USUAL.get(full_name, full_name)
        self.bind(name.partition(".")[0], sys.modules[full_name.partition(".")[0]])
        if full_name == "nengo_dl":
            self._lines[name] = ("nengo_layers_plus", "nengo_dl")
        else:
            self._lines[name] = ("", f"import {full_name}" + f" as {name}" * (name != full_name))
        return name

    def module_as(self, module: types.ModuleType, name: str) -> None:
        """Import a module under a name that is free."""
        full_name = module.__name__
        if full_name in _USUAL and _USUAL[full_name] == name:
            self.module(full_name)
        elif full_name == "nengo_dl":
            self._from("nengo_layers_plus", "nengo_dl", name, module)
        else:
            own = full_name == name
            self._lines[name] = ("", f"import {full_name}" + f" as {name}" * (not own))
            self.bind(name, module)

    def of(self, value: Any) -> str:
        """
        Import a class or function, and return what it is called.

        Raises
        ------
        NoExpressionError
            If it is not found in any module.
        """
        public = self._public(value)
        if public is not None:
            module, name = public.rsplit(".", 1)
            if module == "builtins":
                return name
            root, _, inner = module.partition(".")
            return ".".join(filter(None, (self.module(root), inner, name)))
        module, path = importable(value)
        root, _, inner = path.partition(".")
        found = getattr(sys.modules[module], root)
        name = root if self.is_free_for(root, found) else self._alias(root, found)
        self._from(module, root, name, found)
        return ".".join(filter(None, (name, inner)))

    def bind_import(self, value: Any, name: str) -> None:
        """Import a class or function under a name that is free."""
        module, path = self._home(value)
        if "." in path:
            raise NoExpressionError(f"{path} can't be imported as {name}")
        self._from(module, path, name, value)

    def _home(self, value: Any) -> tuple[str, str]:
        public = self._public(value)
        if public is not None and public.split(".")[0] in ("nengo", "numpy", "tensorflow"):
            module, name = public.rsplit(".", 1)
            if module in sys.modules:
                return module, name
        return importable(value)

    def _alias(self, stem: str, value: Any) -> str:
        for name, bound in self._bound.items():
            if bound is value:
                return name
        return self.free(stem)

    def _from(self, module: str, own: str, name: str, value: Any) -> None:
        self._lines[name] = (module, own if own == name else f"{own} as {name}")
        self.bind(name, value)

    def _public(self, value: Any) -> str | None:
        if id(value) not in self._homes:
            self._homes[id(value)] = (value, _find_public(value))
        return self._homes[id(value)][1]

    def import_from(self, module: str, name: str) -> str:
        """Import a name from a module, and return what it is called."""
        found = getattr(importlib.import_module(module), name)
        self._from(module, name, name, found)
        return name

    def import_lines(self, text_below: str) -> list[str]:
        """
        Return the lines that import what a text uses.

        Parameters
        ----------
        text_below : str
            The rest of the module. What was tried for a value that can't be written is not in it.
        """
        words = set(re.findall(r"[\w.]+", text_below))
        words |= {word[:i] for word in words for i, each in enumerate(word) if each == "."}
        plain: set[str] = set()
        froms: dict[str, set[str]] = {}
        for name, (module, text) in self._lines.items():
            if name not in words:
                continue
            if module:
                froms.setdefault(module, set()).add(text)
            else:
                plain.add(text)
        standard = sys.stdlib_module_names
        groups = []
        for is_standard in (True, False):
            group = sorted(each for each in plain if (_root(each) in standard) == is_standard)
            for module in sorted(froms):
                if (module.partition(".")[0] in standard) == is_standard:
                    group += _from_lines(module, sorted(froms[module], key=_import_key))
            if group:
                groups.append(group)
        return [line for i, group in enumerate(groups) for line in ([""] * (i > 0) + group)]


def _root(line: str) -> str:
    return line.split()[1].partition(".")[0]


def _import_key(name: str) -> tuple[bool, bool, str]:
    return (not name.isupper(), not name[:1].isupper(), name)


def _from_lines(module: str, names: list[str]) -> list[str]:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return [line]
    return [f"from {module} import (", *(f"{' ' * INDENT}{each}," for each in names), ")"]


def _find_public(value: Any) -> str | None:
    name = getattr(value, "__name__", None)
    if not isinstance(name, str) or not name.isidentifier():
        return None
    if getattr(builtins, name, None) is value:
        return f"builtins.{name}"
    return next((f"{home}.{name}" for home, module in _public() if _has(module, name, value)), None)


def _has(module: Any, name: str, value: Any) -> bool:
    return getattr(module, name, None) is value


def _public() -> Iterator[tuple[str, Any]]:
    roots = {"tensorflow": tf, "nengo_dl": nengo_dl}
    for home in _PUBLIC:
        root, *inner = home.split(".")
        module = roots.get(root) or importlib.import_module(root)
        for each in inner:
            module = getattr(module, each)
        yield home, module


def importable(value: Any) -> tuple[str, str]:
    """
    Return the module of a class or function, and its name in there.

    Raises
    ------
    NoExpressionError
        If it is not found in any module.
    """
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if isinstance(value, type) or callable(value):
        for ours in _OURS:
            if _has(sys.modules.get(ours), str(name), value):
                return ours, str(name)
    module = getattr(value, "__module__", None)
    if not isinstance(module, str) or not isinstance(name, str) or "<" in name:
        raise NoExpressionError("it is made within a function, or has no name")
    if module == "__main__" or module not in sys.modules:
        raise NoExpressionError(f"its module {module} can't be imported")
    if module.startswith("nengo_layers_plus.") and "._" in module:
        public = module.partition("._")[0]
        if not _has(sys.modules[public], str(name), value):
            raise NoExpressionError(f"nothing public is {module}.{name}")
        return public, name
    found: Any = sys.modules[module]
    for each in str(name).split("."):
        found = getattr(found, each, None)
    if found is not value:
        raise NoExpressionError(f"{module}.{name} is something else")
    return module, name


def identifier(stem: str) -> str:
    """Return a name of a variable that is like a label."""
    name = re.sub(r"\W+", "_", stem, flags=re.ASCII).strip("_")[:_LONGEST].rstrip("_")
    if not name or name[0].isdigit():
        name = f"_{name}".rstrip("_")
    return name if name and name.isidentifier() else "value"
