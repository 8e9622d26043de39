"""What stands in a TensorNode for a Keras layer or function that nengo_dl would not treat right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nengo_layers_plus._upstream import expects_training, random_state_kept, tf, with_sublayers
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.graph._keras_layers import layer_itself


def must_be_kept(layer: tf.keras.layers.Layer) -> bool:
    """Say whether a Keras layer would lose something if nengo_dl made its weights anew."""
    if isinstance(layer, LayerWrapper):
        return False
    return _derives(layer) or len(with_sublayers(layer)) > 1


def weights_stay(node: Any) -> bool:
    """
    Say whether Simulators start from the weights that the Keras layer of a TensorNode has now.

    Parameters
    ----------
    node : nengo_dl.TensorNode
        The node.

    Returns
    -------
    stay : bool
        False if they are drawn when a Simulator is built, be it because the layer was not built, or
        because nengo_dl makes them anew.
    """
    function = node.tensor_func
    layer = layer_itself(function)
    if not isinstance(layer, tf.keras.layers.Layer) or not layer.built:
        return False
    if isinstance(function, LayerWrapper) or not must_be_kept(layer):
        return True
    return not _derives(layer) and _builds_all(layer, node.shape_in)


def _builds_all(layer: tf.keras.layers.Layer, shape_in: Any) -> bool:
    """Say whether a layer builds all layers within it by its ``build``, not when it is called."""
    if isinstance(layer, tf.keras.Model):
        return False
    try:
        with random_state_kept():
            copy = type(layer).from_config(layer.get_config())
            copy.build((None, *shape_in))
        return all(each.built for each in with_sublayers(copy))
    except Exception:  # a user's layer may fail in any way
        return False


def _derives(layer: tf.keras.layers.Layer) -> bool:
    # those that are adapted to data override this, to derive constants from their weights
    return type(layer).finalize_state is not tf.keras.layers.Layer.finalize_state


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
            values if self.shapes is None else _split(values, self.shapes),
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


class FunctionOfSeveral:
    """
    A function of several tensors as a function of one flat tensor.

    Parameters
    ----------
    function : callable
        Called with one tensor for each input.
    shapes : sequence of tuple of int
        Their shapes, without the batch.
    """

    def __init__(self, function: Callable[..., Any], shapes: Sequence[Shape]) -> None:
        self.function = function
        self.shapes = tuple(shapes)
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        return self.function(*_split(values, self.shapes))


def _split(values: tf.Tensor, shapes: Sequence[Shape]) -> list[tf.Tensor]:
    """
    Cut a flat tensor into tensors of the given shapes.

    Parameters
    ----------
    values : tf.Tensor
        Of shape ``(batch, size)``, the parts one behind another.
    shapes : sequence of tuple of int
        The shape of each part, without the batch.

    Returns
    -------
    parts : list of tf.Tensor
        Of shapes ``(batch, *shape)``.
    """
    batch = values.shape[0] if values.shape[0] is not None else tf.shape(values)[0]
    parts = tf.split(values, [size_of(shape) for shape in shapes], axis=-1)
    return [tf.reshape(part, (batch, *shape)) for part, shape in zip(parts, shapes, strict=True)]
