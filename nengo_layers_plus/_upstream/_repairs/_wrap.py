"""Functions that are called in the place of those of nengo_dl."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def wrap(owner: Any, name: str, wrapper: Callable[..., Any]) -> None:
    """Have a function or method of nengo_dl be called by another.

    Parameters
    ----------
    owner : type or module
        Where the function is.
    name : str
        Its name.
    wrapper : callable
        Takes the function, and the arguments that it is called with; those of a method begin with
        the instance.
    """
    function = inspect.getattr_static(owner, name)
    is_method = isinstance(owner, type) and not isinstance(function, staticmethod)

    def original(*args: Any, **kwargs: Any) -> Any:
        if is_method:
            # bound, as decorators of nengo want it
            return function.__get__(args[0], type(args[0]))(*args[1:], **kwargs)
        return getattr(function, "__func__", function)(*args, **kwargs)

    @functools.wraps(getattr(owner, name))
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return wrapper(original, *args, **kwargs)

    setattr(
        owner, name, wrapped if is_method or not isinstance(owner, type) else staticmethod(wrapped)
    )
