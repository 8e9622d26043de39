"""What the arguments of a Simulator and of its methods may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from numbers import Integral
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import as_count, as_flag, as_number, is_finite
from nengo_layers_plus._upstream import tf

# takes a value, the name of the argument, and whose it is
_Check = Callable[[Any, str, Any], object]

# of methods of Keras models, which Keras itself does not check
CHECKED_OF_KERAS = frozenset(
    {"callbacks", "epochs", "initial_epoch", "shuffle", "validation_split", "verbose"}
)

_EXECUTIONS = ("auto", "layerwise", "stepwise")
# of NumPy's generators
_LARGEST_SEED = 2**32 - 1


def check_arguments(owner: Any, **given: Any) -> None:
    """
    Check arguments of a Simulator, or of one of its methods.

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
        _ARGUMENTS[name](value, name, owner)


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
        spec = tf.DeviceSpec.from_string(name)
    except ValueError:
        return False
    devices = [
        tf.DeviceSpec.from_string(device.name) for device in tf.config.list_logical_devices()
    ]
    # what both say has to agree
    return any(spec.make_merged_spec(device) == device.make_merged_spec(spec) for device in devices)


def _is_among(*choices: Any) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str | Integral | np.bool_) and value in choices


def _are_callbacks(value: Any) -> bool:
    given = value if isinstance(value, list | tuple) else [value]
    return value is None or all(
        hasattr(callback, "set_model") and not isinstance(callback, type) for callback in given
    )


def _expect(expected: str, fits: Callable[[Any], bool]) -> _Check:
    """Return a check by a condition, and by words for what it lets pass."""

    def check(value: Any, name: str, owner: Any) -> None:
        if not fits(value):
            raise ValidationError(f"expected {expected}, got {value!r}", name, owner)

    return check


def _or_none(check: _Check) -> _Check:
    return lambda value, name, owner: value is None or check(value, name, owner)


_ARGUMENTS: dict[str, _Check] = {
    # of the Simulator
    "network": _expect(
        "a nengo.Network, or None where a model is given", _is_one_of(nengo.Network)
    ),
    "dt": partial(as_number, above=0),
    "seed": _expect(
        f"None or an integer from 0 to {_LARGEST_SEED}",
        lambda value: value is None or _is_integer(value, 0, _LARGEST_SEED),
    ),
    "model": _expect("None or a nengo.builder.Model", _is_one_of(Model)),
    "device": _expect(
        "None or the name of a device that TensorFlow has here, one of "
        "tf.config.list_logical_devices()",
        lambda value: value is None or _is_device(value),
    ),
    "unroll_simulation": as_count,
    "minibatch_size": _or_none(as_count),
    "progress_bar": as_flag,
    "execution": _expect(f"one of {', '.join(map(repr, _EXECUTIONS))}", _is_among(*_EXECUTIONS)),
    "memory_limit": _expect(
        "None or a number of bytes, 1 or more",
        lambda value: value is None or _is_integer(value, 1),
    ),
    "check_numerics": as_flag,
    # of its methods
    "allow_stopped_gradients": as_flag,
    "as_dict": as_flag,
    "atol": partial(as_number, low=0),
    "callbacks": _expect("objects of tf.keras.callbacks, in a list", _are_callbacks),
    "epochs": partial(as_count, low=0),
    "initial_epoch": partial(as_count, low=0),
    "include_non_trainable": _or_none(as_flag),
    "include_probes": as_flag,
    "include_processes": as_flag,
    "include_state": as_flag,
    "include_trainable": as_flag,
    "n_steps": partial(as_count, low=0),
    "rtol": partial(as_number, low=0),
    "sample_every": _or_none(partial(as_number, above=0)),
    "shuffle": _expect("True, False or 'batch'", _is_among(True, False, "batch")),
    "stateful": as_flag,
    "time_in_seconds": partial(as_number, low=0),
    "validation_split": _expect(
        "None or a share, of at least 0 and below 1",
        lambda value: value is None or (is_finite(value) and 0 <= value < 1),
    ),
    "verbose": _expect("'auto', 0, 1 or 2", _is_among("auto", 0, 1, 2)),
}
