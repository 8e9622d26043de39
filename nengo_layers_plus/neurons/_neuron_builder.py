"""Builds neurons that are written once, in TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nengo_layers_plus._declared import Reparametrisation
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.neurons._native import Native
from nengo_layers_plus.neurons._response import CURRENTS, measured_curve, place_of
from nengo_layers_plus.neurons._sim_neuron_model import SimNeuronModel


@nengo_dl.builder.Builder.register(SimNeuronModel)
class NeuronModelBuilder(nengo_dl.neuron_builders.TFNeuronBuilder):
    """Builds a group of `SimNeuronModel` operators."""

    ops: Any
    J_data: Any
    state_data: Any
    for_kernel = False
    """Whether XLA compiles what is built for a CPU."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Prepare; see `nengo_dl.builder.OpBuilder`."""
        super().build_pre(signals, config)
        first = self.ops[0]
        self.native: Native = first.native
        # what nengo_dl asks: whether training takes another way than running
        self.spiking = self.native.trains_by_curve
        self.dt = float(signals.dt_val)
        self.xp = self.native.namespace(signals.dtype, self.for_kernel)
        self.sizes = [each.J.shape[0] for each in self.ops]
        self._values = {
            name: self._constant(name, signals)
            for name in self.native.model.parameters
            if name not in first.parameter_names
        }
        self._trained = {
            name: self._trained_parameter(name, signals) for name in first.parameter_names
        }

    def _constant(self, name: str, signals: Any) -> Any:
        values = [each.values[name] for each in self.ops]
        if all(each.size == 1 and each[0] == values[0][0] for each in values):
            return float(values[0][0])
        whole = np.concatenate(
            [np.broadcast_to(each, (size,)) for each, size in zip(values, self.sizes, strict=True)]
        )
        return tf.constant(whole[np.newaxis], signals.dtype)

    def _trained_parameter(
        self, name: str, signals: Any
    ) -> tuple[Any, Reparametrisation, np.ndarray | None]:
        """Return where the numbers are, what is made of them, and which neuron has which."""
        own = [each.parameter_signals[name] for each in self.ops]
        parts = [each.reparametrisation for each in own]
        whole = parts[0] if len(parts) == 1 else parts[0].joined(parts)
        which = None
        if len(own) > 1 and any(each.size == 1 for each in own):
            starts = np.cumsum([0, *(each.size for each in own)])
            which = np.concatenate(
                [
                    np.full(size, start) if each.size == 1 else np.arange(start, start + size)
                    for each, start, size in zip(own, starts, self.sizes, strict=False)
                ]
            )
        return signals.combine(own), whole, which

    def values(self, signals: Any) -> dict[str, Any]:
        """
        Return the values of the parameters in this step.

        Parameters
        ----------
        signals : nengo_dl.signals.SignalDict
            Holds the free numbers of those that train.
        """
        values = dict(self._values)
        for name, (place, reparametrisation, which) in self._trained.items():
            value = reparametrisation.value(self.xp, signals.gather(place))
            if which is not None:
                value = tf.gather(value, which)
            values[name] = value[tf.newaxis]
        return {name: values[name] for name in self.native.model.parameters}

    def build_step(self, signals: Any, **step_kwargs: Any) -> None:
        """Build a step; see `nengo_dl.builder.OpBuilder`."""
        self._now = self.values(signals)
        super().build_step(signals, **step_kwargs)

    def step(self, J: Any, dt: Any, **state: Any) -> Any:  # noqa: N803  nengo_dl's name
        """Advance the neurons; return the output and each state."""
        return self.advance(J, state, self._now)

    def advance(
        self, current: Any, state: Mapping[str, Any], values: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """
        Advance neurons by one step.

        Parameters
        ----------
        current : tf.Tensor
            The input; the last axis is that of neurons.
        state, values : Mapping
            The states and the parameters by name.

        Returns
        -------
        results : tuple of tf.Tensor
            The output, and each state.
        """
        output, new = self.native.model.advance(self.xp, self.dt, current, state, values)
        results = (output, *(new[name] for name in state))
        return tuple(_of(each, current) for each in results)

    def training_step(self, J: Any, dt: Any, **state: Any) -> Any:  # noqa: N803
        """Return the output by the response curve."""
        return self.response(J, state, self._now)

    def response(self, current: Any, state: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """
        Return the output by the response curve.

        Parameters
        ----------
        current : tf.Tensor
            The input; the last axis is that of neurons.
        state, values : Mapping
            The states, which are held still, and the parameters by name.
        """
        model = self.native.model
        if model.has_rate_curve:
            return _of(model.curve(self.xp, current, state, values), current)
        curves = np.concatenate(
            [
                np.broadcast_to(measured_curve(each.native.model), (len(CURRENTS), size))
                for each, size in zip(self.ops, self.sizes, strict=True)
            ],
            axis=1,
        )
        if np.array_equal(curves, np.broadcast_to(curves[:, :1], curves.shape)):
            curves = curves[:, :1]
        return interpolate(current, curves)

    @staticmethod
    def mergeable(x: SimNeuronModel, y: SimNeuronModel) -> bool:
        """Say whether two operators can be computed as one."""
        return _alike(x) == _alike(y)


def interpolate(current: Any, curves: np.ndarray) -> Any:
    """
    Look up the output of neurons in curves over `CURRENTS`, linear in between.

    Parameters
    ----------
    current : tf.Tensor
        The input; the last axis is that of neurons.
    curves : array
        Shape ``(n_currents, 1)`` or ``(n_currents, n_neurons)``.
    """
    dtype = current.dtype
    inside = tf.clip_by_value(current, CURRENTS[0], CURRENTS[-1])
    number = tf.floor(place_of(tf.stop_gradient(inside)))
    below = tf.cast(tf.clip_by_value(number, 0, len(CURRENTS) - 2), tf.int32)
    slopes = np.diff(curves, axis=0) / np.diff(CURRENTS)[:, np.newaxis]
    n_neurons = curves.shape[1]
    place = below * n_neurons
    if n_neurons > 1:
        place += tf.range(n_neurons)
    start = tf.gather(tf.constant(curves[:-1].ravel(), dtype), place)
    slope = tf.gather(tf.constant(slopes.ravel(), dtype), place)
    return start + slope * (inside - tf.gather(tf.constant(CURRENTS, dtype), below))


def _alike(operator: SimNeuronModel) -> Any:
    """Return what must be the same for two operators to be computed as one."""
    native = operator.native
    model = native.model
    same = model.replace(
        **{name: each.default for name, each in model.parameters.items()},
        # which of them train, nengo_dl compares by itself
        **dict.fromkeys(("trainable", "per_neuron", "initial_state")),
    )
    return (
        same,
        native.function,
        native.through_reset,
        operator.parameter_names,
    )


def _of(value: Any, like: Any) -> Any:
    """Return what a subclass computed as a tensor of the shape and type of another."""
    if not tf.is_tensor(value):
        value = tf.convert_to_tensor(value, like.dtype)
    if value.dtype != like.dtype:
        value = tf.cast(value, like.dtype)
    if value.shape.rank == like.shape.rank and value.shape == like.shape:
        return value
    return tf.broadcast_to(value, tf.shape(like))
