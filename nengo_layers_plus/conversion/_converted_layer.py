"""The layers of a converted network."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers import CustomLayer, LayerContext
from nengo_layers_plus.layers._layer_wrapper import LayerWrapper


class InferenceWrapper(LayerWrapper):
    """Applies a Keras layer as in inference, also while the network trains."""

    def call(self, values: tf.Tensor, training: Any = None) -> tf.Tensor:
        """Apply the layer."""
        return super().call(values, training=False)


class ConvertedLayer(CustomLayer):
    """
    A layer that applies a Keras layer which is built, and keeps it so.

    A Simulator of nengo_dl makes the weights of a Keras layer anew. Layers that keep their
    weights in lists, or derive something from them, come out of it as others.

    Parameters
    ----------
    layer_func : tf.keras.layers.Layer
        The layer.
    inference : bool
        Whether it is applied as in inference always.
    **kwargs
        Arguments of `CustomLayer`.
    """

    def __init__(self, layer_func: Any, *, inference: bool = False, **kwargs: Any) -> None:
        super().__init__(layer_func, **kwargs)
        self.inference = inference

    def make_layer_func(self, context: LayerContext) -> Any:
        """Return what keeps the layer as it is."""
        if isinstance(context.input, tuple):
            return self.layer_func  # several inputs: is kept by what joins them
        return (InferenceWrapper if self.inference else LayerWrapper)(self.layer_func)
