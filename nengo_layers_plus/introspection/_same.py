"""Whether two values are the same, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.params import FrozenObject, iter_params
from nengo.transforms import ChannelShape, NoTransform


def same(a: Any, b: Any) -> bool:
    """
    Say whether two values are the same, to the last bit.

    Parameters
    ----------
    a, b : object
        Values that are found in a network. Numbers of one value are the same, whatever their types.
    """
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return _same_arrays(a, b)
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        alike = isinstance(a, list) == isinstance(b, list) and len(a) == len(b)
        return alike and all(map(same, a, b))
    if isinstance(a, FrozenObject) and isinstance(b, FrozenObject):
        if isinstance(a, ChannelShape) and isinstance(b, ChannelShape):
            return bool(a.shape == b.shape and a.channels_last == b.channels_last)
        if isinstance(a, NoTransform) and isinstance(b, NoTransform):
            return bool(a.size_in == b.size_in)
        return type(a) is type(b) and all(
            same(getattr(a, key), getattr(b, key)) for key in iter_params(a)
        )
    if isinstance(a, bool | np.bool_) != isinstance(b, bool | np.bool_):
        return False
    try:
        return bool(a == b)
    except Exception:  # the code of a user may fail in any way
        return False


def _same_arrays(a: Any, b: Any) -> bool:
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        return False
    alike = a.dtype == b.dtype and a.shape == b.shape
    return alike and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
