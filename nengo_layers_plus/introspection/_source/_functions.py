"""Functions and classes as code: imported, copied with their source, or given up."""

from __future__ import annotations

import ast
import builtins
import copy
import dis
import functools
import inspect
import linecache
import re
import sys
import textwrap
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nengo.params import FrozenObject

from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._layout import Expression, Text, call, quoted
from nengo_layers_plus.introspection._source._names import Names, identifier, importable

_CONSTANTS = bool | int | float | str | None
# what Python adds to a class by itself
_OF_CLASSES = (
    *("__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__"),
    *("__firstlineno__", "__static_attributes__", "__abstractmethods__", "_abc_impl"),
)


@dataclass
class Definition:
    """
    A function or class whose source is copied.

    Parameters
    ----------
    name : str
        What it is called.
    lines : list of str
        Its source.
    needs : dict
        The global names that it uses, and what they stand for.
    """

    name: str
    lines: list[str]
    needs: dict[str, Any] = field(default_factory=dict)


class Functions:
    """
    Writes functions, and classes.

    Parameters
    ----------
    names : Names
        The names of the module.
    write : callable
        Writes other values, such as the arguments of a `functools.partial`.

    Attributes
    ----------
    constants : dict
        Values of global names that functions use.
    definitions : list of Definition
        Functions and classes whose source is copied.
    """

    def __init__(self, names: Names, write: Callable[[Any, str], Expression]) -> None:
        self.names = names
        self.constants: dict[str, Any] = {}
        self.definitions: list[Definition] = []
        self._write = write
        self._known: dict[int, tuple[Any, str]] = {}

    def write(self, function: Any, name: str) -> Expression:
        """
        Return an expression for a function or class.

        Parameters
        ----------
        function : callable
            The function or class.
        name : str
            What it is called, if it has no name.

        Raises
        ------
        NoExpressionError
            If there is none.
        """
        if id(function) in self._known:
            return Text(self._known[id(function)][1])
        if isinstance(function, functools.partial):
            args = [self._write(each, name) for each in (function.func, *function.args)]
            more = {key: self._write(each, name) for key, each in function.keywords.items()}
            return call(f"{self.names.module('functools')}.partial", *args, **more)
        try:
            return Text(self.names.of(function))
        except NoExpressionError:
            pass
        if isinstance(function, type):  # Keras names layers, and weights, after it
            return Text(self._define(function, function.__name__, exactly=True))
        return Text(self._define(function, name))

    def _define(self, function: Any, name: str, exactly: bool = False) -> str:
        own = function.__name__ if isinstance(function, types.FunctionType) else ""
        stem = own if own.isidentifier() and not exactly else identifier(name)
        made = _with_source(function, stem)
        for key, value in made.needs.items():
            if value is function:  # it calls itself
                stem, exactly = key, True
            elif not self._is_known(key, value) and not self.names.is_free_for(key, value):
                raise NoExpressionError(f"the name {key} that it uses means something else here")
        if exactly:
            if not self.names.is_free_for(stem, function):
                raise NoExpressionError(f"the name {stem} means something else here")
            self.names.bind(stem, function)
        for key, value in made.needs.items():
            if value is not function and not self._is_known(key, value):
                self._bind(key, value)
        final = stem if exactly else self.names.free(stem)
        if final != made.name:
            made = _with_source(function, final)
        self.names.bind(final, function)
        self._known[id(function)] = (function, final)
        self.definitions.append(made)
        return final

    def _is_known(self, name: str, value: Any) -> bool:
        known = self._known.get(id(value))
        return (known is not None and known[1] == name) or (
            name in self.constants and self.constants[name] is value
        )

    def _bind(self, name: str, value: Any) -> None:
        if isinstance(value, types.ModuleType):
            self.names.module_as(value, name)
        elif isinstance(value, _CONSTANTS):
            self.constants[name] = value
            self.names.bind(name, value)
        elif _is_importable(value):
            self.names.bind_import(value, name)
        else:
            self._define(value, name, exactly=True)


def describe(function: Any) -> str:
    """Say what a function takes, and where it was defined."""
    try:
        takes = str(inspect.signature(function))
    except (TypeError, ValueError):
        takes = ""
    takes = takes if "<" not in takes and len(takes) < 60 else ""
    target = function if hasattr(function, "__qualname__") else type(function)
    where = f"{getattr(target, '__module__', '')}.{target.__qualname__}".lstrip(".")
    return f"{where}{takes}"


def _is_importable(value: Any) -> bool:
    try:
        module, path = importable(value)
    except NoExpressionError:
        return False
    return "." not in path and bool(module)


def _with_source(function: Any, name: str, around: tuple[Any, ...] = ()) -> Definition:
    """Find the source of a function or class that needs nothing of what is around it."""
    if isinstance(function, type):
        return _class_with_source(function, name, around)
    if not isinstance(function, types.FunctionType):
        raise NoExpressionError("it is an object, and no plain function")
    code = function.__code__
    if code.co_freevars:
        names = ", ".join(code.co_freevars)
        raise NoExpressionError(f"it uses {names} of the function that it was made in")
    if function.__dict__:
        raise NoExpressionError("it has attributes")
    node, text, imports = find_node(function)
    _check_defaults(function, node)
    lines = _lines_of(node, text, name)
    if _find_code(ast.parse("\n".join(lines)).body[0], code, imports) is None:
        raise NoExpressionError("its source says something else")
    needs = _needs(_global_names(code), function.__globals__, (*around, function))
    return Definition(name, lines, needs)


def _check_defaults(function: types.FunctionType, node: Any) -> None:
    defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    if len(defaults) != len(held) or not all(map(_is_literal, defaults, held)):
        raise NoExpressionError("it has defaults that are no plain constants")


def _needs(
    names: Iterable[str], scope: Mapping[str, Any], around: tuple[Any, ...]
) -> dict[str, Any]:
    """Return what global names stand for, if a copy can use them."""
    needs = {}
    for name in dict.fromkeys(names):
        if name in scope:
            needs[name] = scope[name]
            _check_global(name, needs[name], around)
        elif not hasattr(builtins, name):
            raise NoExpressionError(f"it uses {name}, which has no value")
    return needs


def _class_with_source(cls: type, name: str, around: tuple[Any, ...]) -> Definition:
    """Find the source of a class of methods and constants that needs nothing of what is around."""
    if issubclass(cls, FrozenObject):
        raise NoExpressionError("what builds it may be registered for its class")
    held = {key: each for key, each in vars(cls).items() if key not in _OF_CLASSES}
    methods = [each for value in held.values() for each in _methods_of(value)]
    module = sys.modules.get(cls.__module__)
    scope = methods[0].__globals__ if methods else getattr(module, "__dict__", {})
    file = methods[0].__code__.co_filename if methods else scope.get("__file__", "")
    text = "".join(linecache.getlines(file, scope))
    node, imports = _find_class(cls, text, scope)
    names = set()
    written: dict[int, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef):
            names.add(statement.name)
            first = [*(each.lineno for each in statement.decorator_list), statement.lineno][0]
            written[first] = statement
            if not all(map(_is_plain_decorator, statement.decorator_list)):
                raise NoExpressionError(f"its {statement.name} is decorated")
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            if statement.value is None:
                continue
            key = getattr(target, "id", None)
            if key not in held or not _is_literal(statement.value, held[key]):
                raise NoExpressionError(f"its {ast.unparse(target)} is no plain constant")
            names.add(key)
        elif not isinstance(statement, ast.Pass) and not _is_text(statement):
            raise NoExpressionError("there is more in it than methods and constants")
    tree = ast.Module([*imports, node], [])
    made = compile(tree, "<source>", "exec", dont_inherit=True)
    body = next(each for each in made.co_consts if isinstance(each, types.CodeType))
    codes = [each for each in body.co_consts if isinstance(each, types.CodeType)]
    lines = {each.__code__.co_firstlineno: each for each in methods}
    if names != set(held) or not len(codes) == len(methods) == len(written) == len(lines):
        raise NoExpressionError("its source says something else")
    needs = [_root_of(each) for each in node.bases]
    for code in codes:
        method = lines.get(code.co_firstlineno)
        if method is not None and set(method.__code__.co_freevars) - {"__class__"}:
            raise NoExpressionError(f"its {method.__name__} uses what is around the class")
        if method is None or method.__dict__ or not _same_code(code, method.__code__):
            raise NoExpressionError("its source says something else")
        _check_defaults(method, written[code.co_firstlineno])
        needs += _global_names(code)
    copied = textwrap.dedent("\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno]))
    return Definition(name, copied.split("\n"), _needs(needs, scope, (*around, cls)))


def _find_class(
    cls: type, text: str, scope: Mapping[str, Any]
) -> tuple[ast.ClassDef, tuple[ast.stmt, ...]]:
    tree, imports = _parsed(text)
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__
    ]
    if len(found) != 1:
        raise NoExpressionError("its source can't be found, or there are several of its name")
    (node,) = found
    if node.decorator_list or node.keywords:
        raise NoExpressionError("it is decorated, or has a metaclass")
    bases = []
    for base in node.bases:
        value = scope.get(_root_of(base))
        for each in ast.unparse(base).split(".")[1:]:
            value = getattr(value, each, None)
        bases.append(value)
    if tuple(bases or [object]) != cls.__bases__:
        raise NoExpressionError("its bases are not found where it is defined")
    return node, imports


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _root_of(base: ast.expr) -> str:
    """Return the name that a dotted name begins with."""
    while isinstance(base, ast.Attribute):
        base = base.value
    if not isinstance(base, ast.Name):
        raise NoExpressionError("its bases are no plain names")
    return base.id


def _methods_of(value: Any) -> list[types.FunctionType]:
    """Return the functions that an attribute of a class is made of."""
    if isinstance(value, property):
        parts = [value.fget, value.fset, value.fdel]
    else:
        parts = [getattr(value, "__func__", value)]
    return [each for each in parts if isinstance(each, types.FunctionType)]


def _is_plain_decorator(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("getter", "setter", "deleter")
    return isinstance(node, ast.Name) and node.id in ("property", "staticmethod", "classmethod")


def _check_global(name: str, value: Any, around: tuple[Any, ...]) -> None:
    known = value is around[-1] or isinstance(value, _CONSTANTS | types.ModuleType)
    if known or _is_importable(value):
        return
    if not isinstance(value, types.FunctionType | type) or value in around:
        raise NoExpressionError(f"it uses the global variable {name}")
    _with_source(value, name, around)


def find_node(function: types.FunctionType) -> tuple[Any, str, tuple[ast.stmt, ...]]:
    """
    Return the syntax tree of a function, the text of its file, and what that imports.

    Raises
    ------
    NoExpressionError
        If its source can't be found.
    """
    code = function.__code__
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    if not text:
        raise NoExpressionError("its source can't be found")
    nodes, imports = _functions_in(text)
    found = [
        (ast.dump(node), node)
        for node in nodes
        if node.lineno == code.co_firstlineno and _find_code(node, code, imports) is not None
    ]
    if not found:
        raise NoExpressionError("its source can't be found, or is not that which runs")
    if len({dump for dump, _ in found}) > 1:
        raise NoExpressionError("there are several in its line of the source")
    return found[0][1], text, imports


@functools.lru_cache(maxsize=32)
def _parsed(text: str) -> tuple[ast.Module, tuple[ast.stmt, ...]]:
    """Return the tree of a text, and what it imports: Python compiles calls of that apart."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise NoExpressionError("its source can't be read") from error
    imports = tuple(
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", None) != "__future__"
    )
    return tree, imports


@functools.lru_cache(maxsize=32)
def _functions_in(text: str) -> tuple[tuple[Any, ...], tuple[ast.stmt, ...]]:
    """Return the functions in a text, and what it imports."""
    tree, imports = _parsed(text)
    functions = tuple(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        or (isinstance(node, ast.FunctionDef) and not node.decorator_list)
    )
    return functions, imports


def _find_code(
    node: Any, code: types.CodeType, imports: tuple[ast.stmt, ...]
) -> types.CodeType | None:
    """Compile a function by itself, and return its code if it does the same as another."""
    plain = copy.copy(node)
    plain.args = _without_defaults(node.args)
    if isinstance(node, ast.FunctionDef):
        plain.returns = None
    body = ast.Expr(plain) if isinstance(node, ast.Lambda) else plain
    tree = ast.fix_missing_locations(ast.Module([*imports, ast.copy_location(body, node)], []))
    made = compile(tree, "<source>", "exec", dont_inherit=True)
    inner = next(each for each in made.co_consts if isinstance(each, types.CodeType))
    return inner if _same_code(inner, code) else None


def _without_defaults(arguments: ast.arguments) -> ast.arguments:
    def bare(each: ast.arg | None) -> Any:
        return None if each is None else ast.arg(each.arg)

    return ast.arguments(
        posonlyargs=[bare(each) for each in arguments.posonlyargs],
        args=[bare(each) for each in arguments.args],
        vararg=bare(arguments.vararg),
        kwonlyargs=[bare(each) for each in arguments.kwonlyargs],
        kw_defaults=[None] * len(arguments.kwonlyargs),
        kwarg=bare(arguments.kwarg),
        defaults=[],
    )


def _same_code(a: types.CodeType, b: types.CodeType) -> bool:
    alike = all(
        getattr(a, name) == getattr(b, name)
        for name in (
            "co_code",
            "co_names",
            "co_varnames",
            "co_argcount",
            "co_kwonlyargcount",
            "co_posonlyargcount",
        )
    )
    return (
        alike
        and len(a.co_consts) == len(b.co_consts)
        and all(map(_same_constant, a.co_consts, b.co_consts))
    )


def _same_constant(a: Any, b: Any) -> bool:
    if isinstance(a, types.CodeType) and isinstance(b, types.CodeType):
        return _same_code(a, b)
    if isinstance(a, str) and isinstance(b, str) and ("." in a or "<" in a):
        return a == b or a.rpartition(".")[2] == b.rpartition(".")[2]  # names within functions
    return type(a) is type(b) and repr(a) == repr(b)


def _is_literal(node: ast.expr, value: Any) -> bool:
    try:
        literal = ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return isinstance(literal, _CONSTANTS) and type(literal) is type(value) and literal == value


def _lines_of(node: Any, text: str, name: str) -> list[str]:
    if isinstance(node, ast.FunctionDef):
        lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
        lines = textwrap.dedent("\n".join(lines)).split("\n")
        lines[0] = re.sub(r"^def\s+\w+", f"def {name}", lines[0])
        return [each.rstrip() if not each.strip() else each for each in lines]
    body = ast.get_source_segment(text, node.body)
    assert body is not None  # it comes from this text
    if "\n" in body:
        body = f"({body})"
    return [f"def {name}({ast.unparse(node.args)}):", *f"    return {body}".split("\n")]


def _global_names(code: types.CodeType) -> Iterator[str]:
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL", "DELETE_GLOBAL"):
            if not each.opname.startswith("LOAD"):
                raise NoExpressionError(f"it sets the global variable {each.argval}")
            yield each.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def constant_line(name: str, value: Any) -> str:
    """Return the line that gives a global name its value."""
    if (isinstance(value, float) and value != value) or value in (float("inf"), -float("inf")):
        return f'{name} = float("{value}")'
    return f"{name} = {quoted(value) if isinstance(value, str) else repr(value)}"
