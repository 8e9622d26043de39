"""Where the values of signals that are views lie in the signals that they are views of."""

from __future__ import annotations

from typing import Any

import numpy


def shape_of(signal: Any) -> tuple[int, ...]:
    """Return the shape that the values of a signal have; a single number is an array of one."""
    if signal.sparse:
        return (signal.size,)
    return tuple(int(each) for each in signal.shape) or (1,)


def places_of(signal: Any, part: Any = None) -> numpy.ndarray:
    """Find where the values of a view lie in the signal that it is a view of.

    Parameters
    ----------
    signal : nengo.builder.Signal
        A signal; a base is a view of itself.
    part : slice or array_like, optional
        Which of the entries of the view.

    Returns
    -------
    places : array of int
        For each value its index in the flat base.
    """
    base = signal.base
    places = numpy.arange(base.size).reshape(shape_of(base))
    if signal.is_view:
        step = places.itemsize
        places = numpy.ndarray(
            shape=signal.shape,
            dtype=places.dtype,
            buffer=places,
            offset=signal.elemoffset * step,
            strides=tuple(each * step for each in signal.elemstrides),
        )
    places = places.reshape(shape_of(signal))
    return places if part is None or part is Ellipsis else places[part]


def view_of(whole: Any, signal: Any) -> Any:
    """Make the view of a signal of nengo_dl that a view of nengo is of its base.

    Parameters
    ----------
    whole : nengo_dl.signals.TensorSignal
        That of the base.
    signal : nengo.builder.Signal
        The view.

    Raises
    ------
    NotImplementedError
        If it is not made of whole rows of the base: nengo_dl has no such views.
    """
    places, shape = places_of(signal), shape_of(signal)
    row = int(numpy.prod(shape_of(signal.base)[1:]))
    if places.size % row == 0:
        rows = places.reshape(-1, row)
        starts = rows[:, 0] // row
        if numpy.array_equal(rows, starts[:, None] * row + numpy.arange(row)):
            if not numpy.array_equal(starts, numpy.arange(whole.shape[0])):
                whole = whole[starts]
            return whole.reshape(shape)
    raise NotImplementedError(
        f"Slicing on axes > 0 is not supported: expected whole rows of {signal.base}, got {signal}"
    )
