"""Functions as code: imported, copied with their source, or given up."""

from __future__ import annotations

import ast
import builtins
import copy
import dis
import functools
import inspect
import linecache
import re
import textwrap
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._layout import Expression, Text, call, quoted
from nengo_layers_plus.introspection._source._names import Names, identifier, importable

_CONSTANTS = bool | int | float | str | None


@dataclass
class Definition:
    """
    A function whose source is copied.

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
    Writes functions.

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
        Functions whose source is copied.
    """

    def __init__(self, names: Names, write: Callable[[Any, str], Expression]) -> None:
        self.names = names
        self.constants: dict[str, Any] = {}
        self.definitions: list[Definition] = []
        self._write = write
        self._known: dict[int, tuple[Any, str]] = {}

    def write(self, function: Any, name: str) -> Expression:
        """
        Return an expression for a function.

        Parameters
        ----------
        function : callable
            The function.
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
    """Find the source of a function that needs nothing of what is around it."""
    if not isinstance(function, types.FunctionType):
        raise NoExpressionError("it is an object, and no plain function")
    code = function.__code__
    if code.co_freevars:
        names = ", ".join(code.co_freevars)
        raise NoExpressionError(f"it uses {names} of the function that it was made in")
    if function.__dict__:
        raise NoExpressionError("it has attributes")
    node, text, imports = find_node(function)
    defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    held = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    if len(defaults) != len(held) or not all(map(_is_literal, defaults, held)):
        raise NoExpressionError("it has defaults that are no plain constants")
    lines = _lines_of(node, text, name)
    if _find_code(ast.parse("\n".join(lines)).body[0], code, imports) is None:
        raise NoExpressionError("its source says something else")
    needs = {}
    for each in dict.fromkeys(_global_names(code)):
        if each in function.__globals__:
            needs[each] = function.__globals__[each]
            _check_global(each, needs[each], (*around, function))
        elif not hasattr(builtins, each):
            raise NoExpressionError(f"it uses {each}, which has no value")
    return Definition(name, lines, needs)


def _check_global(name: str, value: Any, around: tuple[Any, ...]) -> None:
    known = value is around[-1] or isinstance(value, _CONSTANTS | types.ModuleType)
    if known or _is_importable(value):
        return
    if not isinstance(value, types.FunctionType) or value in around:
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
def _functions_in(text: str) -> tuple[tuple[Any, ...], tuple[ast.stmt, ...]]:
    """Return the functions in a text, and what it imports: Python compiles calls of that apart."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise NoExpressionError("its source can't be read") from error
    functions = tuple(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        or (isinstance(node, ast.FunctionDef) and not node.decorator_list)
    )
    imports = tuple(
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
        and getattr(node, "module", None) != "__future__"
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
