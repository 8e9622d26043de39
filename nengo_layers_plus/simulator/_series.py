"""The values of a signal over a whole sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nengo_layers_plus._upstream import tf


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
    """

    tensor: Any
    batched: bool
    varies: bool

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
        return self.tensor if self.varies else repeat(self.tensor, steps, axis=1)

    def for_batch(self, batch: int) -> Series:
        """Return the same values with an entry for each item of a minibatch."""
        if self.batched:
            return self
        return Series(repeat(self.tensor, batch, axis=0), batched=True, varies=self.varies)

    def map(self, function: Any) -> Series:
        """Apply a function of ``(batch, time, *shape)`` that treats all steps and items alike."""
        return Series(function(self.tensor), self.batched, self.varies)


def repeat(tensor: Any, times: Any, axis: int) -> Any:
    """Repeat a tensor along an axis of length 1."""
    if isinstance(times, int) and times == 1:
        return tensor
    shape = [each if each is not None else -1 for each in tensor.shape]
    shape[axis] = times
    if -1 in shape:
        dynamic = tf.shape(tensor)
        shape = [dynamic[index] if each == -1 else each for index, each in enumerate(shape)]
    return tf.broadcast_to(tensor, shape)


def total(terms: Sequence[Series]) -> Series:
    """Add series, in their order, as a step-by-step simulation would.

    Parameters
    ----------
    terms : sequence of Series
        At least one, of one shape.
    """
    tensor = terms[0].tensor
    for term in terms[1:]:
        tensor = tensor + term.tensor
    return Series(
        tensor, any(each.batched for each in terms), any(each.varies for each in terms)
    )
