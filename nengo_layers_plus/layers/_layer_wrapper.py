"""Keras layers that nengo_dl alone would not treat right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nengo_layers_plus._upstream import expects_training, tf, with_sublayers
from nengo_layers_plus.graph import Shape
from nengo_layers_plus.layers._several_inputs import split


def must_be_kept(layer: tf.keras.layers.Layer) -> bool:
    """Say whether a Keras layer would lose something if nengo_dl made its weights anew."""
    if isinstance(layer, LayerWrapper):
        return False
    # those that are adapted to data override this, to derive constants from their weights
    derives = type(layer).finalize_state is not tf.keras.layers.Layer.finalize_state
    return derives or len(with_sublayers(layer)) > 1


class LayerWrapper(tf.keras.layers.Layer):
    """
    Stands in a TensorNode for a Keras layer that takes several inputs or holds other layers.

    Each Simulator of nengo_dl makes the weights of a Keras layer anew, by its ``build``, and then
    restores their values. Layers that are held by another one are built later, when they are
    called, and start again from their initial values: a model that was trained, or loaded,
    loses its weights without a word. So do layers that were adapted to data, such as
    ``Normalization``, which keep what they derived from their weights. Here the weights are built
    once and kept; all Simulators of a network share them.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer itself.
    shapes : sequence of tuple of int, optional
        Shapes of the inputs, without the batch, if ``layer`` takes a list of them. They come
        one behind another in one flat tensor.
    """

    def __init__(self, layer: tf.keras.layers.Layer, shapes: Sequence[Shape] | None = None) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype)
        self.layer = layer
        self.shapes = None if shapes is None else tuple(shapes)

    @property
    def stands_for(self) -> tf.keras.layers.Layer:
        """The layer itself, for those that look at the network."""
        return self.layer

    @property
    def built(self) -> bool:
        """Always False: nengo_dl discards the weights of a layer that says it was built."""
        return False

    @built.setter
    def built(self, value: bool) -> None:
        pass

    def build(self, input_shape: Any) -> None:
        """Build the layer, if nothing built it before."""
        if not self.layer.built:
            with tf.name_scope(self.layer.name):
                self.layer.build(self._inner_shape(input_shape))
            self.layer.built = True

    def call(self, values: tf.Tensor, training: Any = None) -> tf.Tensor:
        """Apply the layer, by its ``call``, as nengo_dl does."""
        return self.layer.call(
            values if self.shapes is None else split(values, self.shapes),
            **({"training": training} if expects_training(self.layer) else {}),
        )

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Return what the layer says of its own input."""
        return self.layer.compute_output_shape(self._inner_shape(input_shape))

    def compute_output_signature(self, input_signature: Any) -> Any:
        """Return what the layer says of its own input."""
        if self.shapes is not None:
            input_signature = [
                tf.TensorSpec((input_signature.shape[0], *shape), input_signature.dtype)
                for shape in self.shapes
            ]
        return self.layer.compute_output_signature(input_signature)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to make a copy."""
        return {"layer": tf.keras.layers.serialize(self.layer), "shapes": self.shapes}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LayerWrapper:
        """Make a copy."""
        return cls(tf.keras.layers.deserialize(config["layer"]), config["shapes"])

    def _inner_shape(self, input_shape: Any) -> Any:
        if self.shapes is None:
            return input_shape
        batch = tf.TensorShape(input_shape)[0]
        return [tf.TensorShape((batch, *shape)) for shape in self.shapes]
