"""Losses and metrics that a Simulator is compiled with: their names, and what targets they take."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import called_graph, tf

# Keras takes one of several metrics for these, by the shapes of targets and outputs.
_CHOSEN_BY_KERAS = ("accuracy", "acc", "crossentropy", "ce")
# These hold a function, which may be the user's.
_WRAPPERS = ("MeanMetricWrapper", "LossFunctionWrapper", "SumOverBatchSizeMetricWrapper")


def takes_labels(function: Any) -> bool | None:
    """Say whether a loss or metric takes the numbers of classes; None if it is not of Keras."""
    if isinstance(function, str):
        name = function
        if name.lower() in _CHOSEN_BY_KERAS:
            return None
    else:
        kind = function if hasattr(function, "__name__") else type(function)
        name = kind.__name__
        module = str(getattr(kind, "__module__", None) or "")
        if "keras" not in module.partition(".")[0] or name in _WRAPPERS:
            return None
    return "sparse" in name.lower()


def registered(function: Any) -> Any:
    """Return the user's function that a name stands for, if it does."""
    if not isinstance(function, str):
        return function
    custom = tf.keras.utils.get_registered_object(function)
    return function if custom is None or isinstance(custom, type) else custom


def is_own(function: Any) -> bool:
    """Say whether it is a function of the user, of which nothing is known."""
    return not isinstance(function, str) and takes_labels(function) is None


def as_function(metric: Any) -> Any:
    """
    Return a function that does what a metric does with targets and outputs, and leaves it as it is.

    Parameters
    ----------
    metric : tf.keras.metrics.Metric or any
        What ``compile`` is given.

    Returns
    -------
    function : callable or any
        What was given, where it is no metric of the user, or has no configuration.
    """
    if not isinstance(metric, tf.keras.metrics.Metric) or not is_own(metric):
        return metric
    try:
        copy = type(metric).from_config(metric.get_config())
    except Exception:  # the user's own code
        return metric

    def update(targets: Any, outputs: Any) -> None:
        copy.update_state(targets, outputs)

    update.__name__ = name_of(metric)
    return update


def name_of(function: Any) -> str:
    """Return what a loss or metric is called in errors."""
    if isinstance(function, str):
        return function
    return str(getattr(function, "__name__", type(function).__name__))


def problem_of_name(name: str, argument: str) -> str | None:
    """
    Say what is wrong with the name of a loss or a metric.

    Parameters
    ----------
    name : str
        The name.
    argument : str
        The argument of ``compile`` that it was given for: ``"loss"``, or one of metrics.

    Returns
    -------
    problem : str or None
        None if Keras knows it, or if it is a custom object.
    """
    is_loss = argument == "loss"
    kind, place = ("loss", "losses") if is_loss else ("metric", "metrics")
    module = getattr(tf.keras, place)
    chosen = () if is_loss else _CHOSEN_BY_KERAS
    if name.lower() in chosen:
        return None
    with contextlib.suppress(ValueError):
        if callable(module.get(name)):  # it may return a name that it does not know
            return None
    public = [known for known in dir(module) if not known.startswith("_")]
    known_names = [*public, *tf.keras.utils.get_custom_objects(), *chosen]
    near = difflib.get_close_matches(name, known_names, n=1)
    hint = f". Did you mean {near[0]!r}?" if near else "."
    return (
        f"expected the name of a {kind} of Keras, or of a custom object, got {name!r}{hint} What "
        f"to do: take a name of tf.keras.{place}, or give a function of targets and outputs"
    )


def classes_left_out(function: Any) -> list[int]:
    """List the numbers of classes that a loss of Keras does not count."""
    left_out = (
        function.get_config().get("ignore_class") if hasattr(function, "get_config") else None
    )
    return [] if left_out is None else [int(left_out)]


Shape = tuple[int | None, ...]

# The values that a tensor was computed from.
_TARGETS = frozenset({"targets"})
_OUTPUTS = frozenset({"outputs"})
# Operations that use the shape of a tensor, and not its values.
_OF_SHAPES = ("Rank", "Shape", "ShapeN", "Size")
# What functions are traced with where a number of steps, or a size, is not known.
_SOME_NUMBER = 16


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
        Shapes ``(batch, time, size)``; None where it is not known yet, which is taken to be right.
    dtype : str
        The type of both.

    Returns
    -------
    shape : tuple of int or None
        That of the targets, if they are fine.
    """
    if is_own(function):
        filled = _filled(target, output), _filled(output, target)
        if is_alike(target, output) or not _repeats(function, *filled, dtype):
            return (output[0], *target[1:])
        return output
    labels = takes_labels(function)
    if labels is None:  # Keras chooses one for numbers of classes by the last axis
        labels = target[-1:] == (1,)
    return (*output[:-1], 1) if labels else output


def fixed_axes(function: Any, target: Shape, output: Shape, dtype: str = "float32") -> list[int]:
    """
    List the axes of unknown size along which a function would repeat targets, or outputs.

    Parameters
    ----------
    function : tf.keras.metrics.Metric or callable
        A loss or metric of the user.
    target, output, dtype
        See `wanted_shape`.

    Returns
    -------
    axes : list of int
        Empty for a function that takes any size.
    """
    if len(target) != len(output):
        return []
    axes = []
    for axis in range(1, len(output)):
        if None in (target[axis], output[axis]):
            one = (*target[:axis], 1, *target[axis + 1 :])
            many = (*output[:axis], _SOME_NUMBER, *output[axis + 1 :])
            if _repeats(function, _filled(one, many), _filled(many, one), dtype):
                axes.append(axis)
    return axes


def is_alike(one: Shape, other: Shape) -> bool:
    """Say whether two shapes are the same, as far as they are known."""
    return len(one) == len(other) and all(
        a == b or a is None or b is None for a, b in zip(one, other, strict=True)
    )


def _filled(shape: Shape, other: Shape) -> tuple[int, ...]:
    """Return a shape whose unknown numbers are those of another one, or some number."""
    known = other if len(other) == len(shape) else shape
    return tuple(
        next((n for n in pair if n is not None), _SOME_NUMBER)
        for pair in zip(shape, known, strict=True)
    )


def _repeats(function: Any, target: tuple[int, ...], output: tuple[int, ...], dtype: str) -> bool:
    """Say whether a function repeats targets, or outputs, as these have not the same shape."""
    if _common_shape(target, output) is None:
        return False
    # what it repeats even so, such as a mean of all targets, it repeats on purpose
    repeated = _count_repeats(function, target, output, dtype)
    return repeated > 0 and repeated > _count_repeats(function, output, output, dtype)


def _count_repeats(
    function: Any, target: tuple[int, ...], output: tuple[int, ...], dtype: str
) -> int:
    """Count the operations of a function that repeat values to make one shape of two."""
    if isinstance(function, str | tf.keras.metrics.Metric):
        return 0  # a metric would be changed by a call

    def call(targets: Any, outputs: Any) -> None:
        getattr(function, "python_function", function)(targets, outputs)

    specifications = tf.TensorSpec(target, dtype), tf.TensorSpec(output, dtype)
    try:
        traced = tf.function(call, autograph=False).get_concrete_function(*specifications)
    except Exception:  # raised again where it is called with data
        return 0
    return _repeats_within(traced.graph, [_TARGETS, _OUTPUTS])[0]


def _repeats_within(
    graph: Any, sources: Sequence[frozenset[str]]
) -> tuple[int, list[frozenset[str]]]:
    """Count the operations of a graph that repeat values; list what its outputs are made of."""
    made_of = {tensor.name: source for tensor, source in zip(graph.inputs, sources, strict=False)}
    count = 0
    for operation in graph.get_operations():
        if not operation.inputs:
            continue
        given = [made_of.get(tensor.name, frozenset()) for tensor in operation.inputs]
        inner = called_graph(operation)
        if inner is not None:
            repeats, results = _repeats_within(inner, given)
        else:
            repeats = _repeats_values(operation, given)
            used = frozenset() if operation.type in _OF_SHAPES else frozenset().union(*given)
            results = [used] * len(operation.outputs)
        count += repeats
        made_of.update(zip((tensor.name for tensor in operation.outputs), results, strict=False))
    return count, [made_of.get(tensor.name, frozenset()) for tensor in graph.outputs]


def _repeats_values(operation: Any, given: Sequence[frozenset[str]]) -> bool:
    """Say whether an operation makes one shape of values of targets alone and of outputs alone."""
    shapes = [_shape_of(tensor) for tensor in operation.inputs]
    targets, outputs = (
        {shape for shape, used in zip(shapes, given, strict=True) if used == source and shape}
        for source in (_TARGETS, _OUTPUTS)
    )
    results = {_shape_of(tensor) for tensor in operation.outputs}
    return any(
        one != other and _common_shape(one, other) in results
        for one in targets
        for other in outputs
    )


def _common_shape(one: Any, other: Any) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(one, other)
    except ValueError:
        return None


def _shape_of(tensor: Any) -> tuple[int, ...] | None:
    return tuple(tensor.shape) if tensor.shape.is_fully_defined() else None
