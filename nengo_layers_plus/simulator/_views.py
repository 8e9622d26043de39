"""Signals that are views of other signals, as operations on whole series."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._series import Series


def type_of(signal: Any, dtype: Any) -> Any:
    """Return the type that the values of a signal have, where real numbers are of type `dtype`."""
    if is_real(signal):
        return tf.as_dtype(dtype)
    return tf.bool if np.issubdtype(signal.dtype, np.bool_) else tf.int32


def is_real(signal: Any) -> bool:
    """Say whether the values of a signal are real numbers."""
    return bool(np.issubdtype(signal.dtype, np.floating))


def take(series: Series, places: np.ndarray) -> Series:
    """Take some of the values of a base.

    Parameters
    ----------
    series : Series
        The values of the base.
    places : array of int
        From `places_of`.

    Returns
    -------
    part : Series
        Shape ``(batch, time, *places.shape)``.
    """
    size = int(np.prod(series.tensor.shape[2:]))
    flat = places.ravel()
    everything = flat.size == size and np.array_equal(flat, np.arange(size))
    if everything and tuple(series.tensor.shape[2:]) == places.shape:
        return series

    def taken(tensor: Any) -> Any:
        if not everything:
            tensor = _reshape(tensor, (size,))
            step = _step_of(flat)
            if step > 0:
                tensor = tensor[:, :, flat[0] : flat[-1] + 1 : step]
            elif step < 0:
                stop = flat[-1] - 1
                tensor = tensor[:, :, flat[0] : (stop if stop >= 0 else None) : step]
            else:
                tensor = tf.gather(tensor, flat.astype(np.int32), axis=2)
        return _reshape(tensor, places.shape)

    return series.map(taken)


def put(series: Series, places: np.ndarray, shape: tuple[int, ...]) -> Series:
    """Put values at their places in a base; elsewhere it is zero, and values at one place add up.

    Parameters
    ----------
    series : Series
        Shape ``(batch, time, *places.shape)``.
    places : array of int
        From `places_of`.
    shape : tuple of int
        The shape of the base.
    """
    size, flat = int(np.prod(shape)), places.ravel()
    if flat.size == size and np.array_equal(flat, np.arange(size)):
        return series.map(lambda tensor: _reshape(tensor, shape))

    def placed(tensor: Any) -> Any:
        tensor = _reshape(tensor, (flat.size,))
        if _step_of(flat) == 1:
            padding = [[0, 0], [0, 0], [flat[0], size - flat[-1] - 1]]
            return _reshape(tf.pad(tensor, padding), shape)
        # A gather for each time that a place is repeated, and a zero for the places without value.
        tensor = tf.pad(tensor, [[0, 0], [0, 0], [0, 1]])
        parts = [
            tf.gather(tensor, sources.astype(np.int32), axis=2) for sources in _sources(flat, size)
        ]
        return _reshape(sum(parts[1:], parts[0]), shape)

    return series.map(placed)


def mask_of(places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Say which values of a base have a place among `places`."""
    mask = np.zeros(int(np.prod(shape)), dtype=bool)
    mask[places.ravel()] = True
    return mask.reshape(shape)


def _step_of(flat: np.ndarray) -> int:
    """Return the distance between places if it is the same for all, else 0."""
    if flat.size == 1:
        return 1
    steps = np.diff(flat)
    return int(steps[0]) if steps.size and (steps == steps[0]).all() else 0


def _sources(flat: np.ndarray, size: int) -> list[np.ndarray]:
    """List, for the first and each further value at a place, which of the values it is."""
    counts = np.zeros(size, dtype=int)
    sources: list[np.ndarray] = []
    for index, place in enumerate(flat):
        if counts[place] == len(sources):
            sources.append(np.full(size, flat.size))
        sources[counts[place]][place] = index
        counts[place] += 1
    return sources


def _reshape(tensor: Any, shape: tuple[int, ...]) -> Any:
    if tuple(tensor.shape[2:]) == tuple(shape):
        return tensor
    batch, time = tensor.shape[:2]
    if batch is None and time is None:
        dynamic = tf.shape(tensor)
        return tf.reshape(tensor, [dynamic[0], dynamic[1], *shape])
    return tf.reshape(
        tensor, [batch or -1 if batch is None else batch, -1 if time is None else time, *shape]
    )
