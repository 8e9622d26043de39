"""Signals for builders of nengo_dl, each with a tensor of its own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._views import shape_of, view_of
from nengo_layers_plus.simulator._views import type_of


class LoopSignals(nengo_dl.signals.SignalDict):
    """Signals for builders of nengo_dl, which share no arrays.

    Builders read with `gather` and write with `scatter`; the values are in `bases`, by signal.

    Parameters
    ----------
    operators : iterable of nengo.builder.Operator
        The operators that are built.
    batch : int
        The size of the minibatch.
    dt : float
        The length of a step (s).
    dtype : tf.DType
        The type of numbers.
    """

    def __init__(self, operators: Iterable[Operator], batch: int, dt: float, dtype: Any) -> None:
        super().__init__(tf.as_dtype(dtype).name, batch)
        self.dt = tf.constant(dt, dtype)
        self.dt_val = dt
        self.zero = tf.constant(0, dtype)
        self.one = tf.constant(1, dtype)
        for signal in dict.fromkeys(each for op in operators for each in op.all_signals):
            if signal.base not in self:
                self._add(signal.base)
            if signal.is_view:
                self[signal] = view_of(self[signal.base], signal)

    def expect(self, base: Signal) -> None:
        """Announce a signal that the first write in a step sets as a whole."""
        shape = shape_of(base)
        self.bases[base] = (self.minibatch_size, *shape) if base.minibatched else shape

    def _add(self, base: Signal) -> None:
        shape = shape_of(base)
        self.get_tensor_signal(
            [(0, shape[0])],
            base,
            type_of(base, self.dtype).name,
            shape,
            base.minibatched,
            label=base.name,
            signal=base,
        )
