"""Time folded into the batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nengo_layers_plus._upstream import tf


def folded(
    function: Callable[[Any], Any], tensor: Any, shape_in: Sequence[int] | None = None
) -> Any:
    """Apply a function that treats all items alike to all items of all steps.

    Parameters
    ----------
    function : callable
        Takes a tensor ``(items, *shape_in)`` and returns one ``(items, *shape_out)``.
    tensor : tf.Tensor
        Shape ``(batch, time, *shape)``.
    shape_in : sequence of int, optional
        What the function takes; by default the shape that the values have.

    Returns
    -------
    tensor : tf.Tensor
        Shape ``(batch, time, *shape_out)``.
    """
    shape_in = list(tensor.shape[2:] if shape_in is None else shape_in)
    batch, time = tensor.shape[:2]
    items = -1 if batch is None or time is None else batch * time
    result = function(tf.reshape(tensor, [items, *shape_in]))
    shape_out = result.shape[1:]
    if time is not None:
        return tf.reshape(result, [-1 if batch is None else batch, time, *shape_out])
    if batch is not None:
        return tf.reshape(result, [batch, -1 if 0 not in shape_out else 0, *shape_out])
    batch, time = tf.unstack(tf.shape(tensor)[:2])
    return tf.reshape(result, [batch, time, *shape_out])
