"""The error of a model that can't be converted."""

from __future__ import annotations

import textwrap

from nengo.exceptions import ValidationError

from nengo_layers_plus.conversion._layer_names import LayerName


class ConversionError(ValidationError):
    """
    A Keras model, or an argument of `from_keras`, can't be turned into the same network.

    Parameters
    ----------
    msg : str
        What is wrong, and what to do.
    layer : str, optional
        The name of the Keras layer that it is about.

    Attributes
    ----------
    layer : str or None
        The name that Keras has for the layer.
    """

    def __init__(self, msg: str, layer: str | LayerName | None = None) -> None:
        super().__init__(msg, attr="from_keras")
        self._name = LayerName(layer, layer) if isinstance(layer, str) else layer
        self.layer = None if self._name is None else self._name.keras_path

    def __str__(self) -> str:
        where = "" if self._name is None else f"layer {self._name}: "
        return f"from_keras: {where}{self.args[0]}"

    def __reduce__(self) -> tuple[type[ConversionError], tuple[str, LayerName | None]]:
        return type(self), (self.args[0], self._name)


def describe_error(error: Exception) -> str:
    """Return the kind and the beginning of the text of another error, in one line."""
    return textwrap.shorten(f"{type(error).__name__}: {error}", 300, placeholder=" ...")
