"""Errors and warnings of layers."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

from nengo.exceptions import ValidationError

_PACKAGE = __name__.partition(".")[0]


class LayerError(ValidationError):
    """
    A layer was given a value, or one of its hooks returned one, that it can't use.

    Parameters
    ----------
    msg : str
        What was expected, what came, what to do.
    attr : str
        The argument or hook.
    obj : BaseLayer, optional
        The layer. Code that a call runs leaves it out: the call adds it.
    """

    def __init__(self, msg: str, attr: str, obj: Any = None) -> None:
        super().__init__(msg, attr=attr, obj=obj)

    def __reduce__(self) -> tuple[type[LayerError], tuple[str, str, Any]]:
        return type(self), (self.args[0], self.attr, self.obj)

    def __str__(self) -> str:
        if self.obj is None:
            return f"{self.attr}: {self.args[0]}"
        label = f" {self.obj.label!r}" if self.obj.label is not None else ""
        return f"{self.obj}{label}, {self.attr}: {self.args[0]}"


class UnknownArgumentError(LayerError, TypeError):
    """A name that is no argument; also the TypeError that a call of the stock layer raises."""


class MissingInitError(ValidationError, AttributeError):
    """
    The constructor of a layer did not call that of its base class.

    Parameters
    ----------
    cls : type
        The class of the layer.
    name : str
        The attribute that was asked for.
    """

    def __init__(self, cls: type, name: str) -> None:
        ValidationError.__init__(
            self,
            f"it must call super().__init__(...) before the layer is used; {name!r} is missing",
            attr="__init__",
            obj=cls,
        )
        self._given = (cls, name)

    def __reduce__(self) -> tuple[type[MissingInitError], tuple[type, str]]:
        return type(self), self._given


def warn_user(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn with the line of the user's code that called this package, however deep the call."""
    frame = inspect.currentframe()
    depth = 0
    while frame is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
        depth += 1
    warnings.warn(message, category, stacklevel=depth + 1)


def _is_ours(module: str) -> bool:
    return module == _PACKAGE or module.startswith(f"{_PACKAGE}.")
