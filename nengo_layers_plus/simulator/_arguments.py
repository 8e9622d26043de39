"""What the arguments of a Simulator may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import tf

_EXECUTIONS = ("auto", "layerwise", "stepwise")
# of NumPy's generators
_LARGEST_SEED = 2**32 - 1


def check_arguments(owner: Any, **given: Any) -> None:
    """
    Check arguments of a Simulator.

    Parameters
    ----------
    owner : Simulator
        The Simulator, for the error.
    **given
        The arguments, by their names.

    Raises
    ------
    nengo.exceptions.ValidationError
        If one can't be used. The error names it, what was expected and what came.
    """
    if given.get("model") is None and given.get("network", owner) is None:
        raise ValidationError("expected a nengo.Network, got None, and no model", "network", owner)
    for name, value in given.items():
        expected, fits = _ARGUMENTS[name]
        if not fits(value):
            raise ValidationError(f"expected {expected}, got {value!r}", name, owner)


def _is_one_of(*classes: type) -> Callable[[Any], bool]:
    return lambda value: value is None or isinstance(value, classes)


def _is_integer(value: Any, least: int, most: float = math.inf) -> bool:
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    return is_integer and least <= value <= most


def _is_device(name: Any) -> bool:
    """Say whether TensorFlow has a device of this name, which may leave parts out."""
    if not isinstance(name, str):
        return False
    try:
        asked = tf.DeviceSpec.from_string(name)
    except ValueError:
        return False
    devices = [tf.DeviceSpec.from_string(each.name) for each in tf.config.list_logical_devices()]
    # what both say has to agree
    return any(asked.make_merged_spec(each) == each.make_merged_spec(asked) for each in devices)


_TRUE_OR_FALSE = ("True or False", lambda value: isinstance(value, bool | np.bool_))

# by name: what is expected, in words, and as a condition
_ARGUMENTS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "network": (
        "a nengo.Network, or None where a model is given",
        _is_one_of(nengo.Network),
    ),
    "dt": (
        "a time in seconds, above 0",
        lambda value: (
            not isinstance(value, bool) and isinstance(value, Real) and 0 < float(value) < math.inf
        ),
    ),
    "seed": (
        f"None or an integer from 0 to {_LARGEST_SEED}",
        lambda value: value is None or _is_integer(value, 0, _LARGEST_SEED),
    ),
    "model": ("None or a nengo.builder.Model", _is_one_of(Model)),
    "device": (
        "None or the name of a device that TensorFlow has here, one of "
        "tf.config.list_logical_devices()",
        lambda value: value is None or _is_device(value),
    ),
    "unroll_simulation": ("a number of steps, 1 or more", lambda value: _is_integer(value, 1)),
    "minibatch_size": (
        "None or a number of items, 1 or more",
        lambda value: value is None or _is_integer(value, 1),
    ),
    "progress_bar": _TRUE_OR_FALSE,
    "execution": (
        f"one of {', '.join(map(repr, _EXECUTIONS))}",
        lambda value: isinstance(value, str) and value in _EXECUTIONS,
    ),
    "memory_limit": (
        "None or a number of bytes, 1 or more",
        lambda value: value is None or _is_integer(value, 1),
    ),
    "check_numerics": _TRUE_OR_FALSE,
}
