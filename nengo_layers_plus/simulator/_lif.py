"""LIF neurons by short series, which are faster than exponentials and logarithms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from nengo import LIF
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator

from nengo_layers_plus._upstream import nengo_dl, tf

# A step this long, in time constants, leaves the series below with errors under 1e-8.
_LONGEST_STEP = 0.1


class SeriesLIFBuilder(nengo_dl.neuron_builders.LIFBuilder):
    """`nengo.LIF` in single precision, for steps that are short beside the time constant.

    Within a step the membrane moves by ``1 - exp(-t / tau_rc)`` of its distance to the current, and
    it crosses the threshold at ``log1p(-overshoot)``. Both are series in ``t / tau_rc``, which is
    at most ``dt / tau_rc``, if no membrane is above the threshold before the step: only the state
    that a simulation starts from can have one there (`starts_below_threshold`).
    """

    def step(
        self,
        J: Any,  # noqa: N803  nengo_dl's name
        dt: Any,
        voltage: Any,
        refractory_time: Any,
    ) -> tuple[Any, Any, Any]:
        """Advance the neurons by one step; see `nengo.LIF`."""
        time = tf.clip_by_value(dt - refractory_time, self.zero, dt) / -self.tau_rc
        change = time * (1 + time * (1 / 2 + time * (1 / 6 + time * (1 / 24 + time / 120))))
        voltage += (voltage - J) * change

        spiked = voltage > self.one
        # log1p(x) = 2 artanh(x / (2 + x)), with x = above / (J - 1)
        above = self.one - voltage
        ratio = above / (2 * (J - self.one) + above)
        square = ratio * ratio
        since = -2 * self.tau_rc * ratio * (1 + square * (1 / 3 + square / 5))

        refractory_time = tf.where(spiked, self.tau_ref - since, refractory_time - dt)
        spikes = tf.where(spiked, tf.cast(self.alpha, J.dtype), self.zero)
        voltage = tf.where(spiked, self.zero, tf.maximum(voltage, self.min_voltage))
        return spikes, voltage, refractory_time


def has_series(builder: Any, dt: float, dtype: Any) -> bool:
    """Say whether `SeriesLIFBuilder` can take the place of a builder."""
    return (
        type(builder) is nengo_dl.neuron_builders.LIFBuilder
        and dtype == tf.float32
        and all(dt <= _LONGEST_STEP * op.neurons.tau_rc for op in builder.ops)
    )


def starts_below_threshold(
    operators: Iterable[Operator], value_of: Callable[[Any], Any] | None = None
) -> bool:
    """Say whether the membranes of all LIF neurons start below the threshold, or at it.

    Parameters
    ----------
    operators : iterable of nengo.builder.Operator
        The operators of a model.
    value_of : callable, optional
        Takes a signal and returns its value; by default the initial one.
    """
    return all(
        np.max(
            each.state["voltage"].initial_value
            if value_of is None
            else value_of(each.state["voltage"])
        )
        <= 1
        for each in operators
        if isinstance(each, SimNeurons) and isinstance(each.neurons, LIF)
    )
