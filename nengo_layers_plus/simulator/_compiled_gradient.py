"""Gradients of loops, from the last step to the first, that XLA compiles into one kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._compiled import compile_kernel, put_at, split, take_at


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
        tf.TensorSpec([each.shape[0] if each.shape else 1, None, *each.shape[1:]], each.dtype)
        for each in inputs[2]
    ]
    of_records = [tf.TensorSpec([shape[0], None, *shape[1:]], dtype) for shape, dtype in recorded]
    kinds = [inputs[0], inputs[1], history, of_records, inputs[2]]
    counts = [len(each) for each in kinds]

    def kernel(steps: Any, clock: Any, *flat: Any) -> list[Any]:
        varying, constant, history, of_records, of_carried = split(flat, counts)
        length = tf.shape(clock)[0]

        def body(done: Any, sinks: Any, of_constant: Any, of_carried: Any) -> Any:
            index = steps - 1 - done
            points = [
                [take_at(each, index) for each in varying],
                [tf.identity(each) for each in constant],
                [take_at(each, index) for each in history],
            ]
            records, carried = step(index, *points)
            upstream = [*(take_at(each, index) for each in of_records), *of_carried]
            pairs = [
                (value, gradient)
                for value, gradient in zip((*records, *carried), upstream, strict=True)
                if value.dtype.is_floating
            ]
            found = iter(
                tf.gradients(
                    [value for value, _ in pairs],
                    [each for kind in points for each in kind if each.dtype.is_floating],
                    [gradient for _, gradient in pairs],
                    unconnected_gradients="zero",
                )
            )
            gradients = [
                [next(found) if each.dtype.is_floating else tf.zeros_like(each) for each in kind]
                for kind in points
            ]
            sinks = [
                put_at(sink, each, index) for sink, each in zip(sinks, gradients[0], strict=True)
            ]
            of_constant = [
                total + each for total, each in zip(of_constant, gradients[1], strict=True)
            ]
            return done + 1, sinks, of_constant, gradients[2]

        sinks = [tf.zeros([each.shape[0], length, *each.shape[2:]], each.dtype) for each in varying]
        _, sinks, of_constant, of_carried = tf.while_loop(
            lambda done, *_: done < steps,
            body,
            (tf.constant(0), sinks, [tf.zeros_like(each) for each in constant], list(of_carried)),
        )
        return [*sinks, *of_constant, *of_carried]

    return compile_kernel(kernel, kinds)
