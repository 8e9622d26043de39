"""Several inputs of a layer, which reach its node as one flat tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import Shape, size_of


def split(values: tf.Tensor, shapes: Sequence[Shape]) -> list[tf.Tensor]:
    """
    Cut a flat tensor into tensors of the given shapes.

    Parameters
    ----------
    values : tf.Tensor
        Of shape ``(batch, size)``, the parts one behind another.
    shapes : sequence of tuple of int
        The shape of each part, without the batch.

    Returns
    -------
    parts : list of tf.Tensor
        Of shapes ``(batch, *shape)``.
    """
    batch = values.shape[0] if values.shape[0] is not None else tf.shape(values)[0]
    parts = tf.split(values, [size_of(shape) for shape in shapes], axis=-1)
    return [tf.reshape(part, (batch, *shape)) for part, shape in zip(parts, shapes, strict=True)]


class FunctionOfSeveral:
    """
    A function of several tensors as a function of one flat tensor.

    Parameters
    ----------
    function : callable
        Called with one tensor for each input.
    shapes : sequence of tuple of int
        Their shapes, without the batch.
    """

    def __init__(self, function: Callable[..., Any], shapes: Sequence[Shape]) -> None:
        self.function = function
        self.shapes = tuple(shapes)
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        return self.function(*split(values, self.shapes))
