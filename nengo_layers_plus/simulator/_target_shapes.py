"""Which shapes of targets losses and metrics take, so that no target is repeated in silence."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf

Shape = tuple[int | None, ...]

# Keras takes one of several metrics for these, by the shapes of targets and outputs.
_CHOSEN_BY_KERAS = ("accuracy", "acc", "crossentropy", "ce")
# These hold a function, which may be the user's.
_WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper", "SumOverBatchSizeMetricWrapper")


def wanted_shape(function: Any, target: Shape, output: Shape, dtype: str = "float32") -> Shape:
    """
    Return the shape that targets have to have for a loss or a metric.

    Those of Keras take targets of the shape of the outputs, or the numbers of classes. What a
    function of the user takes is not known: any shape will do, unless TensorFlow would repeat the
    targets along some axis, or the outputs, to make one shape of both.

    Parameters
    ----------
    function : str, tf.keras.losses.Loss, tf.keras.metrics.Metric or callable
        The loss or metric.
    target, output : tuple of int or None
        Shapes ``(batch, time, size)``; None where it is not known yet.
    dtype : str
        The type of both.

    Returns
    -------
    shape : tuple of int or None
        That of the targets, if they are fine.
    """
    labels = takes_labels(function)
    if labels is None:
        if is_alike(target, output) or not _repeats(function, target, output, dtype):
            return (output[0], *target[1:])
        return output
    return (*output[:-1], 1) if labels else output


def takes_labels(function: Any) -> bool | None:
    """Say whether a loss or metric takes the numbers of classes; None if it is not of Keras."""
    if isinstance(function, str):
        name = function
        if name in _CHOSEN_BY_KERAS:
            return None
    else:
        kind = function if hasattr(function, "__name__") else type(function)
        name = kind.__name__
        module = str(getattr(kind, "__module__", None) or "")
        if "keras" not in module.partition(".")[0] or name in _WRAPPERS:
            return None
    return "sparse" in name.lower()


def is_alike(one: Shape, other: Shape) -> bool:
    """Say whether two shapes are the same, as far as they are known."""
    return len(one) == len(other) and all(
        a == b or a is None or b is None for a, b in zip(one, other, strict=True)
    )


def _repeats(function: Any, target: Shape, output: Shape, dtype: str) -> bool:
    """Say whether a function repeats targets, or outputs, to make one shape of both."""
    if None in target or None in output or isinstance(function, str | tf.keras.metrics.Metric):
        return False  # a metric would be changed by a call
    try:
        together = np.broadcast_shapes(target, output)  # type: ignore[arg-type]
    except ValueError:
        return False

    def call(targets: Any, outputs: Any) -> Any:
        return getattr(function, "python_function", function)(targets, outputs)

    specifications = tf.TensorSpec(target, dtype), tf.TensorSpec(output, dtype)
    try:
        traced = tf.function(call, autograph=False).get_concrete_function(*specifications)
    except Exception:  # raised again where it is called with data
        return False
    return any(
        {target, output}.issubset(map(_shape_of, operation.inputs))
        and together in map(_shape_of, operation.outputs)
        for operation in traced.graph.get_operations()
    )


def _shape_of(tensor: Any) -> Shape | None:
    return None if tensor.shape.rank is None else tuple(tensor.shape.as_list())
