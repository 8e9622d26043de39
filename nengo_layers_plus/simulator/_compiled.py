"""Loops that XLA compiles into one kernel, and their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nengo.builder.learning_rules import SimBCM, SimOja, SimPES, SimRLS, SimVoja
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, DotInc, ElementwiseInc, Operator, Reset, TimeUpdate
from nengo.builder.processes import SimProcess

from nengo_layers_plus._upstream import (
    native_process_builder,
    nengo_dl,
    tf,
    xla_slice,
    xla_update_slice,
)
from nengo_layers_plus.neurons._build import SimNeuronModel
from nengo_layers_plus.simulator._operator_builders import comes_with_nengo_dl, native_builder
from nengo_layers_plus.synapses._build import SimTrainableFilter

_op_builders = nengo_dl.op_builders
_neuron_builders = nengo_dl.neuron_builders
_COMPILES = {
    Copy,
    DotInc,
    ElementwiseInc,
    Reset,
    SimBCM,
    SimOja,
    SimPES,
    SimRLS,
    SimVoja,
    TimeUpdate,
    _op_builders.DotSet,
    _op_builders.ElementwiseSet,
    _op_builders.ResetInc,
}
# XLA ignores seeds, and has no Poisson distribution.
_RANDOM = (_neuron_builders.StochasticSpikingBuilder, _neuron_builders.PoissonSpikingBuilder)

# Lengths that loops of unknown length are compiled for, so that few lengths are compiled.
_LENGTHS = np.array(sorted({1, *(factor << power for factor in (2, 3) for power in range(20))}))
# Shorter loops share one length, unless padding takes more memory than this: padding is cheap
# beside compilation.
_SHARED_LENGTH = 64
_SHARED_BYTES = 2 << 20


def compiles(operator: Operator) -> bool:
    """Say whether XLA compiles the builder that nengo_dl has for an operator."""
    if isinstance(operator, SimNeuronModel | SimTrainableFilter):
        return True
    if isinstance(operator, SimNeurons):
        builder = native_builder(operator.neurons)
        return (
            builder is not None
            and comes_with_nengo_dl(builder)
            and not issubclass(builder, _RANDOM)
        )
    if isinstance(operator, SimProcess):
        return native_process_builder(operator.process) is not None
    return type(operator) in _COMPILES


def kernel_length(steps: Any, bytes_per_step: int) -> Any:
    """Return the length that a kernel for some number of steps is compiled for.

    Parameters
    ----------
    steps : tf.Tensor
        The number of steps.
    bytes_per_step : int
        What its series take in a step.
    """
    affordable = _SHARED_BYTES // max(1, bytes_per_step)
    least = min(_SHARED_LENGTH, 1 << max(0, affordable.bit_length() - 1))
    steps = tf.maximum(steps, least)
    lengths = tf.constant(_LENGTHS, tf.int32)
    place = tf.searchsorted(lengths, tf.reshape(steps, [1]))[0]
    return tf.maximum(steps, tf.gather(lengths, tf.minimum(place, len(_LENGTHS) - 1)))


def lengthen(tensor: Any, length: Any) -> Any:
    """Append zeros along time, where a tensor is shorter."""
    known = tensor.shape[1]
    if known is not None and isinstance(length, int) and known >= length:
        return tensor
    missing = length - tf.shape(tensor)[1]
    padding = [[0, 0], [0, missing], *([0, 0] for _ in tensor.shape[2:])]
    return tf.cond(missing > 0, lambda: tf.pad(tensor, padding), lambda: tensor)


def compile_loop(
    step: Callable[[Any, Sequence[Any], Sequence[Any], Sequence[Any]], tuple[Any, Any]],
    recorded: Sequence[tuple[tuple[int, ...], Any]],
    inputs: Sequence[Sequence[Any]],
    pack: Callable[..., Sequence[Any]] = lambda *carried: carried,
    unpack: Callable[..., Sequence[Any]] = lambda *carried: carried,
) -> Callable[..., Sequence[Any]]:
    """Compile a loop over time into one kernel.

    Parameters
    ----------
    step : callable
        A step: takes its number, the inputs of this step, those that do not vary and what is
        carried into it; returns what is recorded of it and what is carried out of it.
    recorded : sequence of (tuple of int, tf.DType)
        The shape ``(batch, *shape)`` of each that is recorded in a step, and its type.
    inputs : three sequences of tf.TensorSpec
        What the kernel takes: inputs that vary, those that do not, and what is carried.
    pack, unpack : callable
        Make what steps carry of what is carried into the loop, and the reverse.

    Returns
    -------
    kernel : callable
        Takes the number of steps, a tensor as long as the kernel, and the inputs one by one;
        returns what was recorded, ``(batch, time, *shape)``, and what is carried out of the last
        step.
    """
    counts = [len(specs) for specs in inputs]

    def kernel(steps: Any, clock: Any, *flat: Any) -> list[Any]:
        varying, constant, carried = split(flat, counts)
        length = tf.shape(clock)[0]

        def body(index: Any, sinks: Any, carried: Any) -> Any:
            step_inputs = [take_at(tensor, index) for tensor in varying]
            records, carried = step(index, step_inputs, constant, carried)
            sinks = [
                put_at(sink, record, index) for sink, record in zip(sinks, records, strict=True)
            ]
            return index + 1, sinks, list(carried)

        sinks = [tf.zeros([shape[0], length, *shape[1:]], dtype) for shape, dtype in recorded]
        _, sinks, carried = tf.while_loop(
            lambda index, *_: index < steps, body, (tf.constant(0), sinks, list(pack(*carried)))
        )
        return [*sinks, *unpack(*carried)]

    return compile_kernel(kernel, inputs)


def compile_kernel(
    kernel: Callable[..., Any], inputs: Sequence[Sequence[Any]]
) -> Callable[..., Sequence[Any]]:
    """Compile a kernel.

    Parameters
    ----------
    kernel : callable
        Takes the number of steps, a tensor as long as the kernel, and the inputs one by one.
    inputs : sequence of sequences of tf.TensorSpec
        The inputs.
    """
    # of one signature, so that it is traced once, and compiled once for each length
    signature = [
        tf.TensorSpec([], tf.int32),
        tf.TensorSpec([None]),
        *(spec for specs in inputs for spec in specs),
    ]
    function = tf.function(kernel, jit_compile=True, autograph=False)
    with tf.init_scope():
        return function.get_concrete_function(*signature)


def split(flat: Sequence[Any], counts: Sequence[int]) -> list[list[Any]]:
    """Split a sequence into parts of certain lengths."""
    items = iter(flat)
    return [[next(items) for _ in range(count)] for count in counts]


def take_at(tensor: Any, index: Any) -> Any:
    """Take the values of a step, ``(batch, *shape)``; of one step only, if there is just one."""
    shape = list(tensor.shape)
    index = tf.minimum(index, tf.shape(tensor)[1] - 1)
    starts = tf.stack([0, index, *[0] * (len(shape) - 2)])
    part = xla_slice(tensor, starts, tf.constant([shape[0], 1, *shape[2:]], tf.int32))
    return tf.reshape(part, [shape[0], *shape[2:]])


def put_at(sink: Any, record: Any, index: Any) -> Any:
    """Put the values of a step into a series."""
    starts = tf.stack([0, index, *[0] * (len(sink.shape) - 2)])
    return xla_update_slice(sink, tf.expand_dims(record, 1), starts)


def compile_gradient(
    step: Callable[[Any, Sequence[Any], Sequence[Any], Sequence[Any]], tuple[Any, Any]],
    recorded: Sequence[tuple[tuple[int, ...], Any]],
    inputs: Sequence[Sequence[Any]],
) -> Callable[..., Sequence[Any]]:
    """Compile the gradient of a loop over time into one kernel.

    Each step is computed anew from what was carried into it, and its gradient taken.

    Parameters
    ----------
    step : callable
        A step: takes its number, the inputs of this step, those that do not vary and what is
        carried into it; returns what is recorded of it and what is carried out of it.
    recorded : sequence of (tuple of int, tf.DType)
        The shape ``(batch, *shape)`` of each that is recorded in a step, and its type.
    inputs : three sequences of tf.TensorSpec
        What the loop takes: inputs that vary, those that do not, and what is carried.

    Returns
    -------
    kernel : callable
        Takes the number of steps, a tensor as long as the kernel, the inputs that vary, those that
        do not, what was carried into each step, and the gradients of what was recorded and of what
        is carried out of the last step, all series as long as the kernel. Returns the gradients of
        the inputs. They are 0 for what is not a floating point number.
    """
    history = [
        tf.TensorSpec([spec.shape[0] if spec.shape else 1, None, *spec.shape[1:]], spec.dtype)
        for spec in inputs[2]
    ]
    of_records = [tf.TensorSpec([shape[0], None, *shape[1:]], dtype) for shape, dtype in recorded]
    kinds = [inputs[0], inputs[1], history, of_records, inputs[2]]
    counts = [len(specs) for specs in kinds]

    def kernel(steps: Any, clock: Any, *flat: Any) -> list[Any]:
        varying, constant, history, of_records, of_carried = split(flat, counts)
        length = tf.shape(clock)[0]

        def body(done: Any, sinks: Any, of_constant: Any, of_carried: Any) -> Any:
            index = steps - 1 - done
            points = [
                [take_at(tensor, index) for tensor in varying],
                [tf.identity(tensor) for tensor in constant],
                [take_at(tensor, index) for tensor in history],
            ]
            records, carried = step(index, *points)
            upstream = [*(take_at(tensor, index) for tensor in of_records), *of_carried]
            pairs = [
                (value, gradient)
                for value, gradient in zip((*records, *carried), upstream, strict=True)
                if value.dtype.is_floating
            ]
            real_gradients = iter(
                tf.gradients(
                    [value for value, _ in pairs],
                    [tensor for kind in points for tensor in kind if tensor.dtype.is_floating],
                    [gradient for _, gradient in pairs],
                    unconnected_gradients="zero",
                )
            )
            gradients = [
                [
                    next(real_gradients) if tensor.dtype.is_floating else tf.zeros_like(tensor)
                    for tensor in kind
                ]
                for kind in points
            ]
            sinks = [
                put_at(sink, gradient, index)
                for sink, gradient in zip(sinks, gradients[0], strict=True)
            ]
            of_constant = [
                total + gradient for total, gradient in zip(of_constant, gradients[1], strict=True)
            ]
            return done + 1, sinks, of_constant, gradients[2]

        sinks = [
            tf.zeros([tensor.shape[0], length, *tensor.shape[2:]], tensor.dtype)
            for tensor in varying
        ]
        _, sinks, of_constant, of_carried = tf.while_loop(
            lambda done, *_: done < steps,
            body,
            (
                tf.constant(0),
                sinks,
                [tf.zeros_like(tensor) for tensor in constant],
                list(of_carried),
            ),
        )
        return [*sinks, *of_constant, *of_carried]

    return compile_kernel(kernel, kinds)
