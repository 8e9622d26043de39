"""Errors that name the layer they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nengo.exceptions import ValidationError

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer


class LayerError(ValidationError):
    """
    A layer was given, or one of its hooks returned, what it can't use.

    Parameters
    ----------
    msg : str
        What was expected, what came, what to do.
    attr : str
        The argument or hook.
    obj : CustomLayer
        The layer.
    """

    def __init__(self, msg: str, attr: str, obj: CustomLayer) -> None:
        super().__init__(msg, attr=attr, obj=obj)

    def __reduce__(self) -> tuple[type[LayerError], tuple[str, str, CustomLayer]]:
        return type(self), (self.args[0], self.attr, self.obj)

    def __str__(self) -> str:
        label = f" {self.obj.label!r}" if self.obj.label is not None else ""
        return f"{self.obj}{label}, {self.attr}: {self.args[0]}"


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


class UnknownArgumentError(LayerError, TypeError):
    """A name that is no argument; also the TypeError that a call of the stock layer raises."""
