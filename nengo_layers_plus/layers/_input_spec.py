"""What shape a Keras layer needs, as it says itself."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import Shape


def needed_shape(layer_func: Any) -> str | None:
    """
    Say which shape a Keras layer takes, without the batch.

    Parameters
    ----------
    layer_func : object
        What a layer applies.

    Returns
    -------
    needed : str or None
        None if it takes any, or does not say.
    """
    spec = _spec(layer_func)
    if spec is None:
        return None
    if spec.shape is not None:
        sizes = ", ".join("any" if size is None else str(size) for size in spec.shape[1:])
        return f"({sizes}{',' if len(spec.shape) == 2 else ''})"
    words = []
    if spec.ndim is not None:
        words.append(_dimensions(spec.ndim))
    if spec.min_ndim is not None and spec.min_ndim > 2:
        words.append(f"at least {_dimensions(spec.min_ndim)}")
    if spec.max_ndim is not None:
        words.append(f"at most {_dimensions(spec.max_ndim)}")
    for axis, size in _sizes(spec).items():
        place = "last axis" if axis == -1 else f"axis {axis}"
        words.append(f"size {size} in its {place}")
    return " with ".join(words) or None


def fits(layer_func: Any, shape: Any) -> bool:
    """
    Say whether a Keras layer takes a shape, as far as it says itself.

    Parameters
    ----------
    layer_func : object
        What a layer applies.
    shape : tuple of int
        The shape, without the batch.
    """
    spec = _spec(layer_func)
    if spec is None or not isinstance(shape, tuple):
        return True
    ndim = len(shape) + 1
    if spec.shape is not None and not tf.TensorShape(spec.shape).is_compatible_with((None, *shape)):
        return False
    return (
        (spec.ndim is None or ndim == spec.ndim)
        and (spec.min_ndim is None or ndim >= spec.min_ndim)
        and (spec.max_ndim is None or ndim <= spec.max_ndim)
        and all(_size_at(shape, axis) in (None, size) for axis, size in _sizes(spec).items())
    )


def _spec(layer_func: Any) -> Any:
    spec = getattr(layer_func, "input_spec", None)
    if isinstance(spec, list) and len(spec) == 1:
        spec = spec[0]
    # layers of several inputs have a list or dict of them
    return spec if isinstance(spec, tf.keras.layers.InputSpec) else None


def _dimensions(ndim: int) -> str:
    return f"{ndim - 1} dimension{'' if ndim == 2 else 's'}"


def _sizes(spec: Any) -> dict[int, int]:
    """Return the sizes that are asked for, by axis without the batch."""
    return {
        (axis - 1 if axis > 0 else axis): size
        for axis, size in (spec.axes or {}).items()
        if size is not None
    }


def _size_at(shape: Shape, axis: int) -> int | None:
    return shape[axis] if -len(shape) <= axis < len(shape) else None
