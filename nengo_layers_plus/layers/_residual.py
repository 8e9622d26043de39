"""A block that adds its input to its output."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._block import Block
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._enclosing import label_next
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.layers._sequential import Sequential, as_layer


class Residual(Block):
    """
    A residual block: layers, and a shortcut around them, whose outputs are added.

    Parameters
    ----------
    layers : list or Sequential
        The layers that the shortcut leads around.
    shortcut : CustomLayer, tf.keras.layers.Layer, callable or list, optional
        What the shortcut applies, e.g. a convolution of size 1 where the layers change the
        number of channels. By default it applies nothing.
    **kwargs
        Arguments of `.Block`: ``ensemble_kwargs``, ``synapse``, ``trainable``, ``label`` and
        ``subnetwork``.

    Raises
    ------
    nengo.exceptions.ValidationError
        When it is called, if the layers and the shortcut put out different shapes.

    References
    ----------
    .. [1] He, K., Zhang, X., Ren, S., & Sun, J. (2016). Deep residual learning for image
       recognition. *IEEE Conference on Computer Vision and Pattern Recognition*, 770-778.

    Examples
    --------
    >>> import nengo
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import Residual
    >>> block = Residual(
    ...     [tf.keras.layers.Conv2D(8, 3, padding="same"), nengo.LIF()],
    ...     shortcut=tf.keras.layers.Conv2D(8, 1),
    ... )
    >>> with nengo.Network() as net:
    ...     output = block(nengo.Node([0.0] * 16), shape_in=(4, 4, 1))
    >>> output.shape_out, block.layers["lif"].calls[0].shape_out
    ((4, 4, 8), (4, 4, 8))
    """

    def __init__(self, layers: Iterable[Any], shortcut: Any = None, **kwargs: Any) -> None:
        super().__init__(layers, **kwargs)
        self.layers = layers if isinstance(layers, Sequential) else Sequential(layers)
        try:
            self.shortcut = None if shortcut is None else as_layer(shortcut)
        except ValidationError as error:
            raise LayerError(str(error), attr="shortcut", obj=self) from error
        self._add = CustomLayer(tf.keras.layers.Add(), label="add")

    def make_output(self, context: LayerContext) -> Any:
        """Add what the layers put out and what the shortcut does."""
        if isinstance(context.input, tuple):
            raise LayerError("expected one input, got a list", attr="input", obj=self)
        arguments = context.connection_arguments
        body = self.layers(context.input, **arguments)
        around, shape = context.input, context.shape_in
        if self.shortcut is not None:
            label_next("shortcut")
            around = self.shortcut(context.input, **arguments)
            shape, arguments = self.shortcut.calls[-1].shape_out, {}
        shape_out = self.layers.calls[-1].shape_out
        if shape != shape_out:
            raise LayerError(
                f"the layers put out the shape {shape_out}, the shortcut {shape}, which can't be "
                "added; give layers that keep the shape (padding='same', as many channels), or a "
                "shortcut that changes it",
                attr="shortcut",
                obj=self,
            )
        return self._add(
            [body, around],
            transform=[None, arguments.get("transform")],
            synapse=[None, arguments.get("synapse")],
            shape_in=[shape, shape],
        )
