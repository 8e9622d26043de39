"""Losses and metrics that a Simulator is compiled with: those of Keras, and the user's own."""

from __future__ import annotations

import difflib
from typing import Any

from nengo_layers_plus._upstream import tf

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
    kind, place, module = "metric", "tf.keras.metrics", tf.keras.metrics
    if argument == "loss":
        kind, place, module = "loss", "tf.keras.losses", tf.keras.losses
    if kind == "metric" and name.lower() in _CHOSEN_BY_KERAS:
        return None
    try:
        known = callable(module.get(name))  # it may return a name that it does not know
    except ValueError:
        known = False
    if known:
        return None
    names = [each for each in dir(module) if not each.startswith("_")]
    names += tf.keras.utils.get_custom_objects()
    names += _CHOSEN_BY_KERAS if kind == "metric" else ()
    near = difflib.get_close_matches(name, names, n=1)
    hint = f". Did you mean {near[0]!r}?" if near else "."
    return (
        f"expected the name of a {kind} of Keras, or of a custom object, got {name!r}{hint} What "
        f"to do: take a name of {place}, or give a function of targets and outputs"
    )


def classes_left_out(function: Any) -> list[int]:
    """List the numbers of classes that a loss of Keras does not count."""
    left_out = (
        function.get_config().get("ignore_class") if hasattr(function, "get_config") else None
    )
    return [] if left_out is None else [int(left_out)]
