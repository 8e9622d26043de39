"""The values of a signal over a whole sequence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._words import renamed


@dataclass(frozen=True)
class Series:
    """The values of a signal, or of a part of one, over a whole sequence.

    Parameters
    ----------
    tensor : tf.Tensor
        Shape ``(batch, time, *shape)``. An axis along which all values are the same has length 1.
    batched : bool
        Whether the values differ between the items of a minibatch.
    varies : bool
        Whether they differ between steps. A sequence of one step may vary too, hence a flag.
    may_be_constant : bool
        Whether it is only known at run time if the values vary: the time axis has an entry for
        each step, or one for all steps.
    """

    tensor: Any
    batched: bool
    varies: bool
    may_be_constant: bool = False
    may_be_still = renamed("may_be_still", "may_be_constant")

    @classmethod
    def constant(cls, value: Any, batched: bool = False) -> Series:
        """Make a series that does not vary, of one value.

        Parameters
        ----------
        value : tf.Tensor
            Shape ``(batch, *shape)``, or ``(*shape)`` if not `batched`.
        batched : bool
            Whether the values differ between the items of a minibatch.
        """
        tensor = tf.expand_dims(value, 1) if batched else value[None, None]
        return cls(tensor, batched, varies=False)

    def over_time(self, steps: Any) -> Any:
        """Return the values with an entry for each step.

        Parameters
        ----------
        steps : int or tf.Tensor
            The number of steps.

        Returns
        -------
        tensor : tf.Tensor
            Shape ``(batch or 1, steps, *shape)``.
        """
        if self.varies and not self.may_be_constant:
            return self.tensor
        return repeat(self.tensor, steps, axis=1)

    def for_batch(self, batch: int) -> Series:
        """Return the same values with an entry for each item of a minibatch."""
        if self.batched:
            return self
        return replace(self, tensor=repeat(self.tensor, batch, axis=0), batched=True)

    def with_tensor(self, tensor: Any) -> Series:
        """Return a series of other values that differ between the same items and steps."""
        return replace(self, tensor=tensor)

    def map(self, function: Any) -> Series:
        """Apply a function of ``(batch, time, *shape)`` that treats all steps and items alike."""
        return self.with_tensor(function(self.tensor))


def repeat(tensor: Any, times: Any, axis: int) -> Any:
    """Repeat a tensor along an axis of length 1."""
    if isinstance(times, int) and times == 1:
        return tensor
    shape = list(tensor.shape)
    shape[axis] = times
    if any(size is None for size in shape):
        dynamic = tf.shape(tensor)
        shape = [dynamic[index] if size is None else size for index, size in enumerate(shape)]
    return tf.broadcast_to(tensor, shape)


def total(terms: Sequence[Series]) -> Series:
    """Add series, in their order, as a step-by-step simulation would.

    Parameters
    ----------
    terms : sequence of Series
        At least one, of one shape.
    """
    return like(add([term.tensor for term in terms]), *terms)


def add(tensors: Sequence[Any]) -> Any:
    """Add at least one tensor, in their order, with broadcasting."""
    result = tensors[0]
    for tensor in tensors[1:]:
        result = result + tensor
    return result


def like(tensor: Any, *sources: Series) -> Series:
    """Make a series of values that were computed, with broadcasting, from those of others."""
    varying = [series for series in sources if series.varies]
    return Series(
        tensor,
        batched=any(series.batched for series in sources),
        varies=bool(varying),
        may_be_constant=bool(varying) and all(series.may_be_constant for series in varying),
    )


def folded(
    function: Callable[[Any], Any], tensor: Any, shape_in: Sequence[int] | None = None
) -> Any:
    """Apply a function that treats all items alike to all items of all steps.

    Parameters
    ----------
    function : callable
        Takes a tensor ``(items, *shape_in)`` and returns one ``(items, *shape_out)``.
    tensor : tf.Tensor
        Shape ``(batch, time, *shape)``.
    shape_in : sequence of int, optional
        What the function takes; by default the shape that the values have.

    Returns
    -------
    tensor : tf.Tensor
        Shape ``(batch, time, *shape_out)``.
    """
    shape_in = list(tensor.shape[2:] if shape_in is None else shape_in)
    batch, time = tensor.shape[:2]
    items = -1 if batch is None or time is None else batch * time
    result = function(tf.reshape(tensor, [items, *shape_in]))
    shape_out = result.shape[1:]
    if time is not None:
        return tf.reshape(result, [-1 if batch is None else batch, time, *shape_out])
    if batch is not None:
        return tf.reshape(result, [batch, -1 if 0 not in shape_out else 0, *shape_out])
    batch, time = tf.unstack(tf.shape(tensor)[:2])
    return tf.reshape(result, [batch, time, *shape_out])
