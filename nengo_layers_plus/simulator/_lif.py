"""LIF neurons for compiled loops: short series, and a single number for the state."""

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
# Multiplies the refractory time in the step of a spike: a power of two, so that it is exact.
_MARK = 1024.0


class SeriesLIFBuilder(nengo_dl.neuron_builders.LIFBuilder):
    """`nengo.LIF` in single precision, for steps that are short beside the time constant.

    Within a step the membrane moves by ``1 - exp(-t / tau_rc)`` of its distance to the current, and
    it crosses the threshold at ``log1p(-overshoot)``. Both are series in ``t / tau_rc``, which is
    at most ``dt / tau_rc``, if no membrane is above the threshold before the step: only the state
    that a simulation starts from can have one there (`starts_regularly`).
    """

    def step(
        self,
        J: Any,  # noqa: N803  nengo_dl's name
        dt: Any,
        voltage: Any,
        refractory_time: Any,
    ) -> tuple[Any, Any, Any]:
        """Advance the neurons by one step; see `nengo.LIF`."""
        voltage, since = _integrate(J, dt, voltage, refractory_time, self.tau_rc)
        spiked = voltage > self.one
        refractory_time = tf.where(spiked, self.tau_ref - since, refractory_time - dt)
        spikes = tf.where(spiked, tf.cast(self.alpha, J.dtype), self.zero)
        voltage = tf.where(spiked, self.zero, tf.maximum(voltage, self.min_voltage))
        return spikes, voltage, refractory_time


class PackedLIF:
    """The same neurons, with one number for the state of each.

    A neuron that is refractory has a membrane at zero, so one number can be either: the voltage, or
    the refractory time, negative. In the step of a spike the time is multiplied by `_MARK`, which
    tells that step from those that follow. XLA computes each result of a step by itself, from the
    start: with one result all is computed once.

    Parameters
    ----------
    neurons : nengo.LIF
        The type of neurons; `fits` says whether they can be packed.
    dt : float
        The length of a step (s).
    counts : bool
        Whether to count on when the refractory time is over, as nengo does, though nothing depends
        on it.
    """

    def __init__(self, neurons: LIF, dt: float, counts: bool = True) -> None:
        self.dt = dt
        self.counts = counts
        self.tau_rc = float(neurons.tau_rc)
        self.tau_ref = float(neurons.tau_ref)
        # as nengo_dl rounds it
        self.alpha = np.float32(neurons.amplitude) / np.float32(dt)

    @staticmethod
    def fits(neurons: LIF, dt: float) -> bool:
        """Say whether neurons can be packed.

        A voltage below zero would be taken for a refractory time, and a neuron that is refractory
        for little more than a step could not be told from one that has just fired.
        """
        return bool(neurons.min_voltage == 0 and 1.5 * dt <= neurons.tau_ref <= _MARK / 4 * dt)

    def pack(self, voltage: Any, refractory_time: Any) -> tuple[Any, Any]:
        """Make the packed state of the two that nengo has."""
        return tf.where(refractory_time > 0, -refractory_time, voltage), refractory_time

    def unpack(self, state: Any, refractory_time: Any) -> tuple[Any, Any]:
        """Make the two of the packed state."""
        if not self.counts:
            refractory_time = tf.maximum(-self._resting(state), 0)
        return tf.maximum(state, 0), refractory_time

    def step(self, current: Any, state: Any, refractory_time: Any) -> tuple[Any, Any, Any]:
        """Advance the neurons by one step; return their output and what is carried on."""
        resting = self._resting(state)
        voltage, since = _integrate(
            current, self.dt, tf.maximum(state, 0), -resting, self.tau_rc, scale=_MARK
        )
        state = tf.where(
            voltage > 1,
            since - self.tau_ref * _MARK,
            tf.where(resting < -self.dt, resting + self.dt, tf.maximum(voltage, 0)),
        )
        spiked = state < -2 * self.tau_ref
        if self.counts:
            refractory_time = tf.where(spiked, state / -_MARK, refractory_time - self.dt)
        return tf.where(spiked, self.alpha, tf.zeros([], current.dtype)), state, refractory_time

    def _resting(self, state: Any) -> Any:
        """Return the refractory time, negative, where there is one."""
        return tf.where(state < -2 * self.tau_ref, state / _MARK, state)


def _integrate(
    current: Any, dt: Any, voltage: Any, refractory_time: Any, tau_rc: Any, scale: float = 1.0
) -> tuple[Any, Any]:
    """Integrate the membrane over a step.

    Returns
    -------
    voltage : tf.Tensor
        After the step, if nothing fires.
    since : tf.Tensor
        The time from the spike to the end of the step (s), times `scale`, where the voltage is
        above the threshold.
    """
    time = tf.clip_by_value(dt - refractory_time, 0, dt) * (-1 / tau_rc)
    change = time * (1 + time * (1 / 2 + time * (1 / 6 + time * (1 / 24 + time / 120))))
    voltage += (voltage - current) * change
    # log1p(x) = 2 artanh(x / (2 + x)), with x = above / (J - 1), and the [3/2] Pade approximant of
    # artanh, whose one division lets XLA do all in one pass
    above = 1 - voltage
    width = 2 * (current - 1) + above
    above_squared, width_squared = above * above, width * width
    since = (
        (-2 * scale * tau_rc)
        * above
        * (15 * width_squared - 4 * above_squared)
        / (width * (15 * width_squared - 9 * above_squared))
    )
    return voltage, since


def has_series(operator: Operator, builder: Any, dt: float, dtype: Any) -> bool:
    """Say whether there are series for the neurons of an operator, in the place of a builder."""
    return (
        builder is nengo_dl.neuron_builders.LIFBuilder
        and dtype == tf.float32
        and dt <= _LONGEST_STEP * operator.neurons.tau_rc
    )


def starts_regularly(
    operators: Iterable[Operator], value_of: Callable[[Any], Any] | None = None
) -> bool:
    """Say whether all LIF neurons start from a state such as they leave behind themselves.

    Their membranes are at the threshold or below it, not under ``min_voltage``, and at zero while
    neurons are refractory, which is for ``tau_ref`` at most. Series and packed states rely on that.

    Parameters
    ----------
    operators : iterable of nengo.builder.Operator
        The operators of a model.
    value_of : callable, optional
        Takes a signal and returns its value; by default the initial one.
    """
    for operator in operators:
        # a subclass may have other states, and then has a builder of its own
        is_lif = type(operator) is SimNeurons and isinstance(operator.neurons, LIF)
        if is_lif and {"voltage", "refractory_time"} <= set(operator.state):
            voltage, refractory_time = (
                np.asarray(signal.initial_value if value_of is None else value_of(signal))
                for signal in (operator.state["voltage"], operator.state["refractory_time"])
            )
            low, high = voltage.min(initial=0), voltage.max(initial=0)
            if high > 1 or low < min(operator.neurons.min_voltage, 0):
                return False
            if np.any(voltage[refractory_time > 0] != 0):
                return False
            if refractory_time.max(initial=0) > 1.5 * operator.neurons.tau_ref:
                return False
    return True
