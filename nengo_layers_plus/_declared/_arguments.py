"""Checks of arguments: functions that return a converted value, or raise an error."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import NumberParam

_MOST = 2**31 - 1

Error = Callable[..., ValidationError]


class RealParam(NumberParam):
    """A number that is not NaN, which nengo's own parameter accepts."""

    def coerce(self, instance: Any, value: Any) -> Any:
        """Check a value; see `nengo.params.NumberParam`."""
        if is_nan(value):
            raise ValidationError(f"expected a number, got {value!r}", attr=self.name, obj=instance)
        return super().coerce(instance, value)


def as_text(value: Any, attr: str, obj: Any, error: Error = ValidationError) -> str | None:
    """
    Return a text, or None.

    Parameters
    ----------
    value : object
        The value.
    attr : str
        The name of the argument, for the error.
    obj : object
        The owner of the argument, for the error.
    error : type
        The class of the error.

    Raises
    ------
    nengo.exceptions.ValidationError
        For any other value.
    """
    if value is None or isinstance(value, str):
        return value
    raise error(f"expected a text or None, got {value!r}", attr=attr, obj=obj)


def as_flag(value: Any, attr: str, obj: Any, error: Error = ValidationError) -> bool:
    """Return True or False; 1 and 0 are accepted. See `as_text`."""
    if isinstance(value, bool | np.bool_) or (
        isinstance(value, numbers.Integral) and value in (0, 1)
    ):
        return bool(value)
    raise error(f"expected True or False, got {value!r}", attr=attr, obj=obj)


def as_number(
    value: Any,
    attr: str,
    obj: Any,
    error: Error = ValidationError,
    *,
    low: float = -math.inf,
    above: float = -math.inf,
) -> float:
    """Return a finite number of at least ``low``, and above ``above``. See `as_text`."""
    if is_finite(value) and value >= low and value > above:
        return float(value)
    words = "a finite number" if low == above else f"a number of at least {low:g}"
    words = words if above == -math.inf else f"a finite number above {above:g}"
    raise error(f"expected {words}, got {value!r}", attr=attr, obj=obj)


def as_count(
    value: Any, attr: str, obj: Any, error: Error = ValidationError, *, low: int = 1
) -> int:
    """Return a whole number from ``low`` to 2147483647. See `as_text`."""
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if is_whole and low <= value <= _MOST:
        return int(value)
    raise error(f"expected a whole number from {low} to {_MOST}, got {value!r}", attr=attr, obj=obj)


def as_range(
    value: Any, attr: str, obj: Any, error: Error = ValidationError
) -> tuple[float, float]:
    """Return the lowest and the highest firing rate (Hz), of a pair or a number. See `as_text`."""
    given = value.tolist() if isinstance(value, np.ndarray) else value
    bounds = list(given) if isinstance(given, list | tuple) else [given, given]
    if len(bounds) == 2 and all(map(is_finite, bounds)) and 0 <= bounds[0] <= bounds[1]:
        return float(bounds[0]), float(bounds[1])
    raise error(
        f"expected a firing rate in Hz, or the lowest and the highest of them, got {value!r}",
        attr=attr,
        obj=obj,
    )


def as_numbers(value: Any, attr: str, obj: Any, error: Error = ValidationError) -> np.ndarray:
    """Return an array of numbers that is not empty. See `as_text`."""
    array = array_of(value)
    if array is None or array.size == 0:
        raise error(f"expected numbers, got {value!r}", attr=attr, obj=obj)
    return array.astype(float)


def as_aligned(obj: Any, **values: Any) -> list[np.ndarray]:
    """Return arrays of numbers that broadcast together, such as one value and one per neuron."""
    arrays = [as_numbers(value, attr, obj) for attr, value in values.items()]
    try:
        np.broadcast_shapes(*(array.shape for array in arrays))
    except ValueError:
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValidationError(
            f"expected arrays that go together, got some of shapes {shapes}",
            attr=", ".join(values),
            obj=obj,
        ) from None
    return arrays


def is_number(value: Any) -> bool:
    """Say whether a value is a real number, also one of NumPy; True and False are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Say whether a value is one finite real number."""
    return is_number(value) and not is_nan(value) and not math.isinf(value)


def is_nan(value: Any) -> bool:
    """Say whether a value is NaN, also in a 0-dimensional array, or too large for a float."""
    value = value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value
    try:
        return isinstance(value, numbers.Real) and math.isnan(value)
    except OverflowError:
        return True


def array_of(value: Any, kinds: str = "iuf") -> np.ndarray | None:
    """Return a value as an array of numbers of some kinds; None if it is none."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RecursionError):  # of rows of several lengths, for example
        return None
    return array if array.dtype.kind in kinds else None


def items_in(value: Any) -> tuple[Any, ...] | None:
    """Return the items of an iterable; None for a text, a mapping, or anything else."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        return None
    try:
        items = iter(value)
    except TypeError:  # of a 0-dimensional array, for example
        return None
    return tuple(items)


def holds_itself(value: Any) -> bool:
    """Say whether a list or mapping contains itself, so that a traversal would not end."""
    # without recursion, since the nesting may be deep
    open_ids: list[int] = []
    iterators = [iter((value,))]
    while iterators:
        item = next(iterators[-1], iterators)
        if item is iterators:
            iterators.pop()
            del open_ids[-1:]
        elif isinstance(item, list | tuple | Mapping):
            if id(item) in open_ids:
                return True
            open_ids.append(id(item))
            iterators.append(iter(item.values() if isinstance(item, Mapping) else item))
    return False
