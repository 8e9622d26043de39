"""Builds neurons into the models of nengo and nengo_dl: functions, operator, TensorFlow code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.builder import Builder, Signal
from nengo.builder.neurons import SimNeurons, build_neurons
from nengo.neurons import NeuronType, RatesToSpikesNeuronType

from nengo_layers_plus._declared import ParameterSignal, join, reparametrise
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import may_train
from nengo_layers_plus.neurons._dynamics_error import check_in_tensorflow, warn_of_height
from nengo_layers_plus.neurons._known_types import as_known_type, build_function_of, known_type_of
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._response import CURRENTS, measured_curve, position_of
from nengo_layers_plus.neurons._surrogate import Native, Surrogate, native_of


class SimNeuronModel(SimNeurons):
    """
    Advances neurons by one step, with parameters that may train.

    Derived from `nengo.builder.neurons.SimNeurons`, so that nengo_dl recognises its states.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The user's type of neurons.
    native : Native
        The model that computes it.
    current : nengo.builder.Signal
        The input.
    output : nengo.builder.Signal
        The output.
    state : Mapping of str to nengo.builder.Signal
        The states.
    values : Mapping of str to array
        The values of the parameters, ``(1,)`` or ``(n_neurons,)``.
    signals : Mapping of str to ParameterSignal
        The signals of parameters that may train.
    """

    def __init__(
        self,
        neurons: Any,
        native: Native,
        current: Signal,
        output: Signal,
        state: Mapping[str, Signal],
        values: Mapping[str, np.ndarray],
        signals: Mapping[str, ParameterSignal],
    ) -> None:
        super().__init__(neurons, current, output, state=state)
        self.native = native
        self.values = dict(values)
        self.parameter_names = tuple(signals)
        self.reads = [current, *signals.values()]

    @property
    def trained_names(self) -> tuple[str, ...]:
        """The names of the parameters that a gradient reaches."""
        return self.native.trained_names

    @property
    def parameter_signals(self) -> dict[str, ParameterSignal]:
        """The signals of parameters, by name."""
        return dict(zip(self.parameter_names, self.reads[1:], strict=True))


@Builder.register(NeuronModel)  # type: ignore[untyped-decorator]
def build_model(model: Any, neuron_type: NeuronModel, neurons: Any, **signals: Any) -> None:
    """
    Build a neuron model for nengo.

    Parameters
    ----------
    model : nengo.builder.Model
        The model to build into.
    neuron_type : NeuronModel
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    **signals
        See `nengo.builder.neurons.build_neurons`.
    """
    neuron_type.values_for(neurons.size_in)  # raises if an array has another size
    warn_of_height(neuron_type, neurons.size_in)
    build_neurons(model, neuron_type, neurons, **signals)


@Builder.register(Surrogate)  # type: ignore[untyped-decorator]
def build_surrogate(model: Any, surrogate: Surrogate, neurons: Any) -> None:
    """
    Build neurons with a surrogate for nengo, which does not train: as without it.

    Parameters
    ----------
    model : nengo.builder.Model
        The model to build into.
    surrogate : Surrogate
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    """
    model.build(surrogate.neuron_type, neurons)


@nengo_dl.builder.NengoBuilder.register(RatesToSpikesNeuronType)  # type: ignore[untyped-decorator]
@nengo_dl.builder.NengoBuilder.register(NeuronType)  # type: ignore[untyped-decorator]
def build_native(
    model: Any,
    neuron_type: NeuronType,
    neurons: Any,
    input_sig: Signal | None = None,
    output_sig: Signal | None = None,
) -> None:
    """
    Build neurons for nengo_dl, in TensorFlow if there is a model of them.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model to build into.
    neuron_type : nengo.neurons.NeuronType
        The type of neurons.
    neurons : nengo.ensemble.Neurons
        The population.
    input_sig, output_sig : nengo.builder.Signal, optional
        See `nengo.builder.neurons.build_neurons`.
    """
    signals = model.sig[neurons]
    if input_sig is None:
        other = build_function_of(neuron_type)
        if other is not None:
            other(model, neuron_type, neurons)
            return
        inner = neuron_type.neuron_type if isinstance(neuron_type, Surrogate) else neuron_type
        if isinstance(inner, RatesToSpikesNeuronType):
            rates = Signal(shape=signals["in"].shape, name=f"{neurons}.rate_out")
            signals["rate_out"] = rates
            build_native(model, inner.base_type, neurons, signals["in"], rates)
            build_native(model, neuron_type, neurons, rates, signals["out"])
            return
    current = signals["in"] if input_sig is None else input_sig
    output = signals["out"] if output_sig is None else output_sig
    # nengo makes the states, with its own random numbers
    build_neurons(model, neuron_type, neurons, input_sig=current, output_sig=output)
    native = native_of(neuron_type)
    if native is not None:
        _replace_operator(model, neuron_type, neurons, native)
        return
    known = known_type_of(neuron_type)
    if not isinstance(known, str):
        # nengo_dl looks up exact types, not subclasses
        model.operators[-1].neurons = as_known_type(neuron_type, known)


def _replace_operator(model: Any, neuron_type: NeuronType, neurons: Any, native: Native) -> None:
    """Replace nengo's operator of neurons, the last of a model, by that of a model of them."""
    stock = model.operators.pop()
    assert isinstance(stock, SimNeurons)
    values = native.model.values_for(neurons.size_in)
    signals = _parameter_signals(model, neurons, native, values, stock.J.dtype)
    if native.is_declared:
        check_in_tensorflow(native.model, neurons.size_in, signals)
        warn_of_height(native.model, neurons.size_in)
    model.sig[neurons].update(signals)
    model.add_op(
        SimNeuronModel(neuron_type, native, stock.J, stock.output, stock.state, values, signals)
    )


def _parameter_signals(
    model: Any, neurons: Any, native: Native, values: dict[str, np.ndarray], dtype: Any
) -> dict[str, ParameterSignal]:
    """Make signals for the parameters that train, or are declared to."""
    trains = may_train(model, neurons, neurons.ensemble)
    signals = {}
    for name, declared in native.model.parameters.items():
        is_asked = name in native.model.trainable_names
        # one that is excluded from training can still be loaded by name, except for nengo's types
        if is_asked or (declared.trainable and native.is_declared):
            signals[name] = ParameterSignal(
                reparametrise(values[name], declared),
                is_asked and trains,
                f"{neurons}.{name}",
                dtype,
                name,
            )
    return signals


@nengo_dl.builder.Builder.register(SimNeuronModel)
class NeuronModelBuilder(nengo_dl.neuron_builders.TFNeuronBuilder):
    """Builds a group of `SimNeuronModel` operators."""

    ops: Any
    J_data: Any
    state_data: Any
    for_kernel = False
    """Whether XLA compiles the code for a CPU."""

    def build_pre(self, signals: Any, config: Any) -> None:
        """Prepare; see `nengo_dl.builder.OpBuilder`."""
        super().build_pre(signals, config)
        first = self.ops[0]
        self.native: Native = first.native
        # nengo_dl's question whether training differs from running
        self.spiking = self.native.trains_by_curve
        self.dt = float(signals.dt_val)
        self.xp = self.native.namespace(signals.dtype, self.for_kernel)
        self.sizes = [op.J.shape[0] for op in self.ops]
        self._constants = {
            name: self._constant(name, signals)
            for name in self.native.model.parameters
            if name not in first.parameter_names
        }
        self._trained = {}
        for name in first.parameter_names:
            own = [op.parameter_signals[name] for op in self.ops]
            self._trained[name] = signals.combine(own), *join(own, self.sizes)

    def _constant(self, name: str, signals: Any) -> Any:
        values = [op.values[name] for op in self.ops]
        if all(value.size == 1 and value[0] == values[0][0] for value in values):
            return float(values[0][0])
        whole = [
            np.broadcast_to(value, (size,)) for value, size in zip(values, self.sizes, strict=True)
        ]
        return tf.constant(np.concatenate(whole)[np.newaxis], signals.dtype)

    def values(self, signals: Any) -> dict[str, Any]:
        """
        Return the values of the parameters in this step.

        Parameters
        ----------
        signals : nengo_dl.signals.SignalDict
            Holds the free numbers of trained parameters.
        """
        values = dict(self._constants)
        for name, (place, reparametrisation, index) in self._trained.items():
            value = reparametrisation.value(self.xp, signals.gather(place))
            if index is not None:
                value = tf.gather(value, index)
            values[name] = value[tf.newaxis]
        return {name: values[name] for name in self.native.model.parameters}

    def build_step(self, signals: Any, **step_kwargs: Any) -> None:
        """Build a step; see `nengo_dl.builder.OpBuilder`."""
        self._now = self.values(signals)
        super().build_step(signals, **step_kwargs)

    def step(self, J: Any, dt: Any, **state: Any) -> Any:  # noqa: N803  nengo_dl's name
        """Advance the neurons; return the output and the states."""
        return self.advance(J, state, self._now)

    def advance(
        self, current: Any, state: Mapping[str, Any], values: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """
        Advance neurons by one step.

        Parameters
        ----------
        current : tf.Tensor
            The input, shape ``(..., n_neurons)``.
        state, values : Mapping
            The states and the parameters by name.

        Returns
        -------
        results : tuple of tf.Tensor
            The output and the states.
        """
        output, new = self.native.model.advance(self.xp, self.dt, current, state, values)
        results = (output, *(new[name] for name in state))
        return tuple(_as_tensor(value, current) for value in results)

    def training_step(self, J: Any, dt: Any, **state: Any) -> Any:  # noqa: N803
        """Return the output by the response curve."""
        return self.response(J, state, self._now)

    def response(self, current: Any, state: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
        """
        Return the output by the response curve.

        Parameters
        ----------
        current : tf.Tensor
            The input, shape ``(..., n_neurons)``.
        state, values : Mapping
            The states, which are constant, and the parameters by name.
        """
        model = self.native.model
        if model.has_rate_curve:
            return _as_tensor(model.curve(self.xp, current, state, values), current)
        curves = np.concatenate(
            [
                np.broadcast_to(measured_curve(op.native.model), (len(CURRENTS), size))
                for op, size in zip(self.ops, self.sizes, strict=True)
            ],
            axis=1,
        )
        if np.array_equal(curves, np.broadcast_to(curves[:, :1], curves.shape)):
            curves = curves[:, :1]
        return interpolate(current, curves)

    @staticmethod
    def mergeable(x: SimNeuronModel, y: SimNeuronModel) -> bool:
        """Say whether two operators can be computed as one."""
        return _merge_key(x) == _merge_key(y)


def interpolate(current: Any, curves: np.ndarray) -> Any:
    """
    Interpolate response curves over `CURRENTS` linearly.

    Parameters
    ----------
    current : tf.Tensor
        The input, shape ``(..., n_neurons)``.
    curves : array
        Shape ``(n_currents, 1)`` or ``(n_currents, n_neurons)``.
    """
    dtype = current.dtype
    inside = tf.clip_by_value(current, CURRENTS[0], CURRENTS[-1])
    number = tf.floor(position_of(tf.stop_gradient(inside)))
    below = tf.cast(tf.clip_by_value(number, 0, len(CURRENTS) - 2), tf.int32)
    slopes = np.diff(curves, axis=0) / np.diff(CURRENTS)[:, np.newaxis]
    n_neurons = curves.shape[1]
    place = below * n_neurons
    if n_neurons > 1:
        place += tf.range(n_neurons)
    start = tf.gather(tf.constant(curves[:-1].ravel(), dtype), place)
    slope = tf.gather(tf.constant(slopes.ravel(), dtype), place)
    return start + slope * (inside - tf.gather(tf.constant(CURRENTS, dtype), below))


def _merge_key(operator: SimNeuronModel) -> Any:
    """Return a key that operators share if they can be computed as one."""
    native = operator.native
    model = native.model
    same = model.replace(
        **{name: declared.default for name, declared in model.parameters.items()},
        # nengo_dl compares which signals train
        **dict.fromkeys(("trainable", "per_neuron", "initial_state")),
    )
    return same, native.function, native.through_reset, operator.parameter_names


def _as_tensor(value: Any, like: Any) -> Any:
    """Return a result of a model as a tensor with the shape and type of another."""
    if not tf.is_tensor(value):
        value = tf.convert_to_tensor(value, like.dtype)
    if value.dtype != like.dtype:
        value = tf.cast(value, like.dtype)
    if value.shape.rank == like.shape.rank and value.shape == like.shape:
        return value
    return tf.broadcast_to(value, tf.shape(like))
