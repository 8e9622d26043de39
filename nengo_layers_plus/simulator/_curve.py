"""Response curves of neurons, each compiled into one pass over its input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.simulator._operator_builders import Context, LoopSignals, native_builder
from nengo_layers_plus.simulator._series import Series, add, like, total

# The size below which compilation takes longer than it saves in thousands of steps.
_LEAST_SIZE = 1 << 17


def apply_curve(operator: Any, terms: Sequence[Series], context: Context) -> Series:
    """Apply the response curve of neurons to all steps.

    Parameters
    ----------
    operator : nengo.builder.neurons.SimNeurons
        The neurons: of a type with TensorFlow code, and without a state, or trained by their
        curve.
    terms : sequence of Series
        What adds up to their input.
    context : Context
        What they are lowered for.
    """
    shape = _shape_of(terms)
    if shape is None or np.prod(shape) < _LEAST_SIZE:
        curve = _make_curve(operator, context)
        return total(terms).map(curve)
    tensors = [term.tensor for term in terms]
    return like(_compiled(operator, tensors, shape, context)(*tensors), *terms)


def _shape_of(terms: Sequence[Series]) -> tuple[int, ...] | None:
    """Return the shape that terms add up to, if it is known and the same in each call."""
    shapes = [term.tensor.shape for term in terms]
    if any(term.may_be_constant for term in terms) or not all(
        shape.is_fully_defined() for shape in shapes
    ):
        return None
    return np.broadcast_shapes(*map(tuple, shapes))


def _make_curve(operator: Any, context: Context) -> Callable[[Any], Any]:
    # A batch of one: its constants fit any number of items and steps.
    signals = LoopSignals([operator], 1, context.dt, context.dtype)
    builder = context.builders.make(operator).built_neurons
    builder.build_pre(signals, context.config)
    apply = builder.training_step if builder.spiking else builder.step
    return lambda current: apply(current, signals.dt)


def _make_slope(operator: Any, context: Context) -> Callable[[Any, Any], Any] | None:
    """Make what gives the slope of the curve from current and rate, where that is simple."""
    neurons, builders = operator.neurons, nengo_dl.neuron_builders
    if native_builder(neurons) not in (builders.LIFBuilder, builders.LIFRateBuilder):
        return None
    if context.config.lif_smoothing is not None:
        return None

    def slope(current: Any, rate: Any) -> Any:
        # of amplitude / (tau_ref + tau_rc log1p(1 / j)); it is 0 where the rate is
        above = tf.maximum(current - 1, 1e-15)
        factor = neurons.tau_rc / neurons.amplitude
        return factor * rate * rate / (above * (above + 1))

    return slope


def _compiled(
    operator: Any, tensors: Sequence[Any], shape: tuple[int, ...], context: Context
) -> Callable[..., Any]:
    """Compile the curve and its gradient for inputs of certain shapes, if that was not done."""
    specs = [tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in tensors]
    key = (operator, repr(specs), context.training)
    if key not in context.kernels:
        slope = _make_slope(operator, context)

        def forward(*tensors: Any) -> Any:
            return _make_curve(operator, context)(add(tensors))

        def backward(upstream: Any, result: Any, *tensors: Any) -> Any:
            current = add(tensors)
            if slope is not None:
                return upstream * slope(current, result)
            # recomputed, which takes less time than keeping intermediate values and reading them
            recomputed = _make_curve(operator, context)(current)
            # no tape: none records in an init_scope
            return tf.gradients(recomputed, current, upstream)[0]

        full_spec = tf.TensorSpec(shape, context.dtype)
        with tf.init_scope():
            context.kernels[key] = [
                tf.function(function, jit_compile=True, autograph=False).get_concrete_function(
                    *inputs
                )
                for function, inputs in (
                    (forward, specs),
                    (backward, [full_spec, full_spec, *specs]),
                )
            ]
    forward_kernel, backward_kernel = context.kernels[key]

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def curve(*tensors: Any) -> Any:
        result = forward_kernel(*tensors)

        def gradient(upstream: Any) -> list[Any]:
            total = backward_kernel(upstream, result, *tensors)
            return [_sum_to(total, tensor.shape) for tensor in tensors]

        return result, gradient

    return curve


def _sum_to(tensor: Any, shape: Any) -> Any:
    """Sum over the axes along which a tensor of some shape was broadcast."""
    if tensor.shape == shape:
        return tensor
    if all(size == 1 for size in shape[:2]) and tensor.shape[2:] == shape[2:]:
        # a product with ones, as sums along the first axis are slow
        rows = tf.reshape(tensor, [tensor.shape[0] * tensor.shape[1], -1])
        return tf.reshape(tf.matmul(tf.ones([1, rows.shape[0]], rows.dtype), rows), shape)
    axes = [
        axis
        for axis, (length, wanted) in enumerate(zip(tensor.shape, shape, strict=True))
        if length != wanted
    ]
    return tf.reduce_sum(tensor, axes, keepdims=True)
