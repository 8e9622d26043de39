"""The registry of repairs, and how functions of nengo_dl are replaced."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

_Function = TypeVar("_Function", bound=Callable[..., Any])

_REPAIRS: list[tuple[str | None, Callable[..., Any]]] = []


def repairs(*targets: str) -> Callable[[_Function], _Function]:
    """Register a repair, which is made when nengo_dl is imported.

    Parameters
    ----------
    *targets : str
        The functions of nengo_dl, such as ``"Simulator.__init__"``, in the place of which the
        repair is called, with the function and with its arguments. Without any, the repair is
        called once, with nengo_dl.
    """

    def register(function: _Function) -> _Function:
        _REPAIRS.extend((target, function) for target in targets or (None,))
        return function

    return register


def make_repairs(nengo_dl: ModuleType) -> None:
    """Make all repairs that are registered, in their order."""
    for target, function in _REPAIRS:
        if target is None:
            function(nengo_dl)
        else:
            *path, name = target.split(".")
            _replace(functools.reduce(getattr, path, nengo_dl), name, function)


def _replace(owner: Any, name: str, replacement: Callable[..., Any]) -> None:
    """Have a function or method be called by a replacement, which takes it before its arguments."""
    function = inspect.getattr_static(owner, name)
    is_method = isinstance(owner, type) and not isinstance(function, staticmethod)

    def original(*args: Any, **kwargs: Any) -> Any:
        if is_method:
            # bound, as decorators of nengo want it
            return function.__get__(args[0], type(args[0]))(*args[1:], **kwargs)
        return getattr(function, "__func__", function)(*args, **kwargs)

    @functools.wraps(getattr(owner, name))
    def replaced(*args: Any, **kwargs: Any) -> Any:
        return replacement(original, *args, **kwargs)

    is_function = is_method or not isinstance(owner, type)
    setattr(owner, name, replaced if is_function else staticmethod(replaced))
