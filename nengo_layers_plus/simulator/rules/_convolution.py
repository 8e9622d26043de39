"""nengo's convolutions."""

from __future__ import annotations

import warnings
from typing import Any

from nengo.builder.transforms import ConvInc, ConvTransposeInc

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._series import folded
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._arithmetic import ArithmeticRule
from nengo_layers_plus.simulator.rules._rule import Decision, Schedule, register

_builders = nengo_dl.transform_builders
_AXES = ("W", "HW", "DHW")


@register(ConvInc, _builders.ConvSet, ConvTransposeInc, _builders.ConvTransposeSet)
class ConvolutionRule(ArithmeticRule):
    """``Y += conv(W, X)``, or ``Y = conv(W, X)``; transposed or not."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs all steps at once, if TensorFlow has such a convolution."""
        if operator.conv.dimensions > len(_AXES):
            return Decision(Schedule.SCAN, f"has {operator.conv.dimensions} dimensions")
        return super().decide(operator, context)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Convolve the images of all steps and items."""
        conv = operator.conv
        # TensorFlow has no channels-first convolutions on a CPU
        moves = not conv.channels_last and context.on_cpu
        if moves:
            warnings.warn(
                f"{operator}: TensorFlow does not support convolution with channels_last=False on "
                f"the CPU; inputs will be transformed to channels_last=True",
                UserWarning,
                stacklevel=2,
            )
        axes = _AXES[conv.dimensions - 1]
        settings = {
            "strides": conv.strides,
            "padding": conv.padding.upper(),
            "data_format": f"N{axes}C" if conv.channels_last or moves else f"NC{axes}",
        }
        kernel = tf.reshape(values.read(operator.W).tensor, shape_of(operator.W))

        def convolve(images: Any) -> Any:
            if moves:
                images = _move_channels(images, 1, -1)
            if isinstance(operator, ConvTransposeInc):
                shape = list(conv.output_shape.shape)
                if moves:
                    shape = [*shape[1:], shape[0]]
                order = [*range(conv.dimensions), conv.dimensions + 1, conv.dimensions]
                result = tf.nn.conv_transpose(
                    images,
                    tf.transpose(kernel, order),
                    output_shape=[tf.shape(images)[0], *shape],
                    **settings,
                )
            else:
                result = tf.nn.convolution(images, kernel, **settings)
            if moves:
                result = _move_channels(result, -1, 1)
            return tf.reshape(result, [-1, *shape_of(operator.Y)])

        series = values.read(operator.X).map(
            lambda tensor: folded(convolve, tensor, conv.input_shape.shape)
        )
        (values.increase if operator.incs else values.set)(operator.Y, series)


def _move_channels(images: Any, source: int, target: int) -> Any:
    order = list(range(len(images.shape)))
    order.insert(len(order) + 1 + target if target < 0 else target, order.pop(source))
    return tf.transpose(images, order)
