"""Operators that copy, scale, multiply and add."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.builder.operator import Copy, DotInc, ElementwiseInc, Reset, TimeUpdate
from nengo.builder.transforms import SparseDotInc
from nengo.transforms import SparseMatrix

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._series import Series, folded, like
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._rule import Decision, Rule, Schedule, register

_op_builders = nengo_dl.op_builders


class ArithmeticRule(Rule):
    """The base for operators that treat all steps and all items of the minibatch alike."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs all steps at once."""
        return Decision(Schedule.WHOLE, "treats all steps alike", per_item=True)


@register(Reset, _op_builders.ResetInc)
class ResetRule(ArithmeticRule):
    """``dst = value``, or ``dst += value`` for what nengo_dl makes of copies of constants."""

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Give the value, which does not vary."""
        signal = operator.dst
        if not operator.incs and signal is signal.base and np.all(operator.value == 0):
            values.reset(signal)
            return
        kind = context.dtype if signal.dtype.kind == "f" else tf.int32
        value = np.broadcast_to(operator.value, (1, *shape_of(signal)))[0]
        series = Series.constant(tf.constant(value, kind))
        (values.increase if operator.incs else values.set)(signal, series)


@register(Copy)
class CopyRule(ArithmeticRule):
    """``dst[dst_slice] = src[src_slice]``, or ``+=``."""

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Hand the values on."""
        series = values.read(operator.src, operator.src_slice)
        (values.increase if operator.inc else values.set)(operator.dst, series, operator.dst_slice)


@register(ElementwiseInc, _op_builders.ElementwiseSet)
class ElementwiseRule(ArithmeticRule):
    """``Y += A * X``, or ``Y = A * X``."""

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Multiply, with NumPy's broadcasting."""
        a, x = values.read(operator.A), values.read(operator.X)
        product = _fit(_align(a, x) * _align(x, a), shape_of(operator.Y))
        series = like(product, a, x)
        (values.increase if operator.incs else values.set)(operator.Y, series)


@register(DotInc, _op_builders.DotSet)
class DotRule(ArithmeticRule):
    """``Y += A @ X``, or ``Y = A @ X``."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs all steps at once, if it multiplies vectors."""
        if operator.X.ndim > 1:
            return Decision(Schedule.SCAN, "multiplies a matrix with a matrix")
        return super().decide(operator, context)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Multiply a matrix with the vectors of all steps and items."""
        a, x = values.read(operator.A), values.read(operator.X)
        if a.batched or a.varies:
            product = tf.linalg.matvec(a.tensor, x.tensor)
        else:
            weights = tf.reshape(a.tensor, shape_of(operator.A))
            product = folded(lambda flat: tf.matmul(flat, weights, transpose_b=True), x.tensor)
        series = like(_fit(product, shape_of(operator.Y)), a, x)
        (values.increase if operator.incs else values.set)(operator.Y, series)


@register(SparseDotInc, _op_builders.SparseDotSet)
class SparseDotRule(ArithmeticRule):
    """``Y += A @ X`` for a sparse matrix, or ``Y = A @ X``."""

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Multiply a sparse matrix with the vectors of all steps and items."""
        places = operator.A.initial_value
        if isinstance(places, SparseMatrix):
            indices = np.asarray(places.indices)
        else:
            places = places.tocoo()
            indices = np.stack((places.row, places.col), axis=1)
        data = values.read(operator.A).tensor[0, 0]

        def multiply(flat: Any) -> Any:
            return tf.transpose(
                _op_builders.sparse_matmul(
                    tf.constant(indices, tf.int64),
                    data,
                    tf.constant(operator.A.shape, tf.int64),
                    flat,
                    transpose_x=True,
                )
            )

        series = values.read(operator.X).map(lambda tensor: folded(multiply, tensor))
        (values.increase if operator.incs else values.set)(operator.Y, series)


@register(TimeUpdate)
class TimeRule(ArithmeticRule):
    """``step += 1`` and ``time = step * dt``."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs all steps at once."""
        return Decision(Schedule.WHOLE, "counts the steps", per_item=True)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Count the steps."""
        steps = values.initial(operator.step) + 1 + tf.range(values.steps)
        series = Series(steps[None, :, None], batched=False, varies=True)
        values.set(operator.step, series)
        dt = tf.constant(context.dt, context.dtype)
        values.set(operator.time, series.map(lambda counted: tf.cast(counted, context.dtype) * dt))


@register(nengo_dl.compat.SimProbe)
class ProbeRule(ArithmeticRule):
    """Marks what is probed."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that there is nothing to run."""
        return Decision(Schedule.WHOLE, "reads what is there", per_item=True)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Do nothing: probes are read at the end."""


def _align(series: Series, other: Series) -> Any:
    """Add axes, so that values broadcast as NumPy would broadcast those of a single step."""
    missing = len(other.tensor.shape) - len(series.tensor.shape)
    tensor = series.tensor
    for _ in range(missing):
        tensor = tf.expand_dims(tensor, 2)
    return tensor


def _fit(tensor: Any, shape: tuple[int, ...]) -> Any:
    """Give values the shape of their signal, where a single number was an array of one."""
    if tuple(tensor.shape[2:]) == shape:
        return tensor
    batch, time = tf.unstack(tf.shape(tensor)[:2])
    size = int(np.prod(tensor.shape[2:]))
    if size == int(np.prod(shape)):
        return tf.reshape(tensor, [batch, time, *shape])
    return tf.broadcast_to(tensor, [batch, time, *shape])
