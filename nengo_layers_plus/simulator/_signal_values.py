"""The values of all signals over a sequence, as far as they are computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus._upstream._simulation import places_of, shape_of
from nengo_layers_plus.simulator._series import Series, like, total
from nengo_layers_plus.simulator._views import mask_of, put, take


class SignalValues:
    """The values of all signals over a sequence, filled in operator by operator.

    Parameters
    ----------
    initial : mapping of nengo.builder.Signal to tf.Tensor
        The values that the signals start from, of those that have any: ``(batch, *shape)``, or
        ``(*shape)`` for a signal that is not minibatched.
    batch : int
        The size of the minibatch.
    steps : int or tf.Tensor
        The number of steps.
    dtype : tf.DType
        The type of numbers.
    keeps_length : bool
        Whether the number of steps is the same in every call, as far as can be seen.
    """

    def __init__(
        self, initial: Any, batch: int, steps: Any, dtype: Any, keeps_length: bool = False
    ) -> None:
        self.batch = batch
        self.steps = steps
        self.dtype = dtype
        self.keeps_length = keeps_length
        self._initial = initial
        self._terms: dict[Any, list[Series]] = {}
        self._before: dict[Any, Series] = {}
        self._after: dict[Any, Series] = {}
        self._final: dict[Any, Any] = {}

    def fork(self) -> SignalValues:
        """Make a copy, in which more can be filled in."""
        copy = SignalValues(self._initial, self.batch, self.steps, self.dtype, self.keeps_length)
        copy._terms = {base: list(terms) for base, terms in self._terms.items()}
        copy._before, copy._after = dict(self._before), dict(self._after)
        copy._final = dict(self._final)
        return copy

    # -- what a signal starts from

    def has_initial(self, base: Any) -> bool:
        """Whether a signal starts from a value, of the state or of the parameters."""
        return base in self._initial

    def initial(self, base: Any) -> Any:
        """Return the value that a signal starts from: ``(batch, *shape)`` or ``(*shape)``."""
        if base in self._initial:
            return self._initial[base]
        shape = shape_of(base)
        return tf.zeros((self.batch, *shape) if base.minibatched else shape, self.dtype)

    # -- within a step

    def read(self, signal: Any, part: Any = None) -> Series:
        """Return what an operator that reads a signal sees.

        Parameters
        ----------
        signal : nengo.builder.Signal
            The signal.
        part : slice or array_like, optional
            Which of its entries.
        """
        base = signal.base
        if signal.sparse:
            return Series.constant(self.initial(base))
        if signal is base and part is None:
            return self._value(base)
        return take(self._value(base), places_of(signal, part))

    def parts(self, base: Any) -> list[Series]:
        """Return what an operator that reads a signal sees, as series to be summed."""
        if base in self._before or not self._terms.get(base):
            return [self.read(base)]
        return list(self._terms[base])

    def set(self, signal: Any, series: Series, part: Any = None) -> None:
        """Set a signal, or a part of it, to a value in each step."""
        base = signal.base
        if signal is base and part is None:
            self._terms[base] = [series]
            return
        places = places_of(signal, part)
        placed = put(series, places, shape_of(base))
        if np.unique(places).size == base.size:
            self._terms[base] = [placed]
        else:
            mask = mask_of(places, shape_of(base))[None, None]
            old = self._value(base)
            self._terms[base] = [like(tf.where(mask, placed.tensor, old.tensor), placed, old)]

    def reset(self, base: Any) -> None:
        """Set a signal to zero in each step."""
        self._terms[base] = []

    def increase(self, signal: Any, series: Series, part: Any = None) -> None:
        """Add a value to a signal, or to a part of it, in each step."""
        base = signal.base
        if signal is not base or part is not None:
            series = put(series, places_of(signal, part), shape_of(base))
        self._terms.setdefault(base, []).append(series)

    def terms(self, base: Any) -> list[Series]:
        """Return what was set and added to a signal so far, to be summed."""
        return self._terms.get(base, [])

    def give(self, base: Any, terms: list[Series]) -> None:
        """Give what was set and added to a signal so far."""
        self._terms[base] = terms

    def known(self, base: Any) -> dict[str, Series]:
        """Return all that is known of a signal over the steps, by when in a step it is so."""
        kinds = {"before": self._before, "after": self._after}
        known = {when: series[base] for when, series in kinds.items() if base in series}
        if base in self._final and "after" not in known:
            known["final"] = Series.constant(self._final[base], base.minibatched)
        if base not in self._final and self._terms.get(base):
            known["value"] = self._value(base)
        return known

    def put_known(self, base: Any, when: str, series: Series) -> None:
        """Put what `known` returned in its place."""
        if when == "value":
            self._terms[base] = [series]
        elif when == "final":
            self._final[base] = series.tensor[:, 0] if base.minibatched else series.tensor[0, 0]
        else:
            (self._before if when == "before" else self._after)[base] = series

    # -- from step to step

    def update(self, base: Any, before: Series | None, after: Series | None, final: Any) -> None:
        """Give the values of a signal that is carried from step to step.

        Parameters
        ----------
        base : nengo.builder.Signal
            The signal.
        before, after : Series, optional
            Its values at the beginning and at the end of each step, where anything needs them.
        final : tf.Tensor
            Its value after the last step: ``(batch, *shape)`` or ``(*shape)``.
        """
        if before is not None:
            self._before[base] = before
        if after is not None:
            self._after[base] = after
        self._final[base] = final

    def observe(self, signal: Any) -> Series:
        """Return what a probe of a signal sees: its value at the end of each step."""
        base = signal.base
        if signal.sparse:
            return Series.constant(self.initial(base))
        value = self._after.get(base)
        value = self._value(base) if value is None else value
        return value if signal is base else take(value, places_of(signal))

    def final(self, base: Any) -> Any:
        """Return the value of a signal after the last step: ``(batch, *shape)`` or ``(*shape)``."""
        if base in self._final:
            return self._final[base]
        if base not in self._terms:
            return self.initial(base)
        if self._value(base).tensor.shape[1] == 0:
            return self.initial(base)
        if not isinstance(self.steps, int):
            # after no step at all it is what it was
            return tf.cond(
                self.steps > 0, lambda: self._last(base), lambda: tf.identity(self.initial(base))
            )
        return self._last(base) if self.steps > 0 else self.initial(base)

    def _last(self, base: Any) -> Any:
        value = self._value(base).tensor[:, -1]
        if base.minibatched:
            return tf.broadcast_to(value, (self.batch, *shape_of(base)))
        return tf.reshape(value, shape_of(base))

    def _value(self, base: Any) -> Series:
        if base in self._before:
            return self._before[base]
        if base in self._terms:
            terms = self._terms[base] or [Series.constant(tf.zeros(shape_of(base), self.dtype))]
            if len(terms) > 1:
                terms = self._terms[base] = [total(terms)]
            return terms[0]
        return Series.constant(self.initial(base), base.minibatched)
