"""Checks of what neurons put out."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import is_finite


def check_positive(value: Any, what: str, attr: str) -> float:
    """
    Return a number that has to be above 0.

    Parameters
    ----------
    value : float
        What was given.
    what : str
        What is expected, in words.
    attr : str
        The name of the argument.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is something else.
    """
    if not is_finite(value) or value <= 0:
        raise ValidationError(f"expected {what}, a number above 0, got {value!r}", attr=attr)
    return float(value)


def check_outputs(data: Any, attr: str = "data") -> np.ndarray:
    """
    Return outputs of neurons as an array of numbers.

    Parameters
    ----------
    data : array_like
        ``(time, neurons)`` or ``(batch, time, neurons)``.
    attr : str
        The name of the argument.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it is something else, or has NaN or infinite values in it.
    """
    try:
        array = np.asarray(data)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or array.ndim not in (2, 3):
        found = f"an array of shape {array.shape}" if array.dtype.kind in "biuf" else repr(data)
        raise ValidationError(
            "expected numbers of shape (time, neurons) or (batch, time, neurons), such as "
            f"sim.data[probe] of a Probe of neurons, got {found}",
            attr=attr,
        )
    if 0 in array.shape:
        raise ValidationError(
            f"expected at least one step and one neuron, got the shape {array.shape}; has the "
            "Simulator been run?",
            attr=attr,
        )
    if not np.isfinite(array).all():
        raise ValidationError(
            f"expected finite numbers, got {int((~np.isfinite(array)).sum())} that are NaN or "
            "infinite; Simulator(..., check_numerics=True) says where they come from",
            attr=attr,
        )
    return array
