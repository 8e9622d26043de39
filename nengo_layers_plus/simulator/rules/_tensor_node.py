"""TensorNodes: Keras layers and functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from nengo_layers_plus._upstream import (
    ChangedVariable,
    Effects,
    dtype_errors_named,
    expects_training,
    list_effects,
    nengo_dl,
    tf,
)
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._series import Series, folded
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._known_layers import is_per_item
from nengo_layers_plus.simulator.rules._rule import Decision, Rule, Schedule, register


@register(nengo_dl.tensor_node.SimTensorNode)
class TensorNodeRule(Rule):
    """``output = func(time, input)``."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Trace the function, to see what else than its result it has."""
        effects = effects_of(operator, context)
        if effects.python:
            return Decision(Schedule.SCAN, "calls a Python function", calls_python=True)
        if effects.others:
            names = ", ".join(effects.others)
            return Decision(
                Schedule.SCAN,
                f"has to run once a step, for its {names}",
                uses=effects.variables,
                changes_variables=True,
            )
        if _folds(operator, context):
            why = "treats each item alike: time is folded into the batch"
            return Decision(Schedule.WHOLE, why, per_item=True, uses=effects.variables)
        return Decision(Schedule.WHOLE, "each step is a batch of its own", uses=effects.variables)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Fold time into the batch, or map the function over time."""
        if _folds(operator, context):
            function = function_of(operator, context)
            series = values.read(operator.input).map(
                lambda tensor: folded(
                    lambda flat: _flat(function(flat)),
                    tensor,
                    operator.shape_in or operator.input.shape,
                )
            )
        else:
            series = self._map(operator, values, context)
        values.set(operator.output, series)

    def _map(self, operator: Any, values: SignalValues, context: Context) -> Series:
        """Call the function with the batch of each step."""
        arguments = []
        if operator.time is not None:
            arguments.append(tf.reshape(values.read(operator.time).over_time(values.steps), [-1]))
        if operator.input is not None:
            series = values.read(operator.input).for_batch(values.batch)
            tensor = series.over_time(values.steps) if arguments else series.tensor
            shape = operator.shape_in or operator.input.shape
            tensor = tf.transpose(tensor, [1, 0, 2])
            arguments.append(tf.reshape(tensor, [-1, values.batch, *shape]))
        function = function_of(operator, context)
        varies = operator.time is not None or values.read(operator.input).varies
        if not varies or (isinstance(values.steps, int) and values.steps == 1):
            result = _flat(function(*[argument[0] for argument in arguments]))[None]
        else:
            nothing = tf.zeros([0, values.batch, operator.output.shape[0]], context.dtype)
            result = tf.cond(
                tf.shape(arguments[0])[0] > 0,
                lambda: tf.vectorized_map(
                    lambda step: _flat(function(*step)), tuple(arguments), warn=False
                ),
                lambda: nothing,
            )
            result.set_shape([None, *nothing.shape[1:]])
        return Series(tf.transpose(result, [1, 0, 2]), batched=True, varies=varies)


def effects_of(operator: Any, context: Context) -> Effects:
    """Trace the function of a TensorNode, unless that was done, to see what effects it has."""
    key = (operator, context.training)
    if key not in context.effects:
        context.effects[key] = list_effects(lambda: _call_once(operator, context), operator.func)
    return context.effects[key]


def state_of(operator: Any, context: Context) -> list[ChangedVariable]:
    """List the variables of a TensorNode that are state of the simulation.

    These are changed whenever it is called, also if they say that they train. What changes in
    training alone is a statistic.

    Parameters
    ----------
    operator : nengo_dl.tensor_node.SimTensorNode
        The TensorNode.
    context : Context
        A context that is not for training.
    """
    if _folds(operator, context):
        return []
    gathered = tf.VariableSynchronization.ON_READ  # as Keras marks statistics
    return [
        changed
        for changed in effects_of(operator, context).changed
        if changed.variable.synchronization is not gathered
    ]


def gets_gradient(operator: Any, context: Context, variable: Any) -> bool:
    """Say whether a gradient comes from the output of a TensorNode to a variable."""
    with tf.__internal__.FuncGraph("gradient").as_default():
        with tf.GradientTape() as tape:
            output = _call_once(operator, context)
        return tape.gradient(output, variable) is not None


def function_of(operator: Any, context: Context) -> Callable[..., Any]:
    """Return the function of a TensorNode as one of its arguments alone."""
    function = operator.func
    if not isinstance(function, tf.keras.layers.Layer):
        return function
    # as nengo_dl does: not __call__, which would cast and mask
    settings = {"training": context.config.training} if expects_training(function) else {}
    return lambda *inputs: function.call(
        inputs[0] if len(inputs) == 1 else list(inputs), **settings
    )


def _folds(operator: Any, context: Context) -> bool:
    return (
        operator.time is None
        and isinstance(operator.func, tf.keras.layers.Layer)
        and is_per_item(operator.func, context.training)
    )


def _call_once(operator: Any, context: Context) -> Any:
    """Call the function as in a single step, and check what it returns."""
    arguments = []
    if operator.time is not None:
        arguments.append(tf.compat.v1.placeholder(context.dtype, ()))
    if operator.input is not None:
        shape = operator.shape_in or operator.input.shape
        arguments.append(tf.compat.v1.placeholder(context.dtype, (context.batch, *shape)))
    with dtype_errors_named(operator, context.dtype):
        output = function_of(operator, context)(*arguments)
        nengo_dl.tensor_node.validate_output(
            output,
            minibatch_size=context.batch,
            output_d=operator.output.shape[0],
            dtype=context.dtype,
        )
    return output


def _flat(tensor: Any) -> Any:
    size = math.prod(tensor.shape[1:])
    return tf.reshape(tensor, [-1 if size else 0, size])
