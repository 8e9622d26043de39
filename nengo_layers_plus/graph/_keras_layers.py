"""The Keras layers of a network: which one a node applies, what is within it, its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nengo_layers_plus._upstream import snake_case_of, tf, with_sublayers
from nengo_layers_plus.graph._words import unique_name


def layer_itself(function: Any) -> Any:
    """Return the Keras layer for which another one stands in a node; all else as it is."""
    return getattr(function, "stands_for", function)


def keras_layer_of(node: Any) -> Any:
    """Return the Keras layer of a TensorNode, not what stands for it; None if it has none."""
    layer = layer_itself(node.tensor_func)
    return layer if isinstance(layer, tf.keras.layers.Layer) else None


def layers_within(layer: tf.keras.layers.Layer) -> list[tf.keras.layers.Layer]:
    """List a Keras layer and all within it; those of a copy stand at the same places."""
    # a Sequential adds an InputLayer to itself when it is built
    return [
        each for each in with_sublayers(layer) if not isinstance(each, tf.keras.layers.InputLayer)
    ]


def mark_inputs_built(function: Any) -> None:
    """
    Have a Keras model that was simulated before be ready for another Simulator.

    nengo_dl has all layers of a model be built again, and refuses one that was not built before.
    Nothing builds the inputs of a model.
    """
    layer = layer_itself(function)
    for each in with_sublayers(layer) if isinstance(layer, tf.keras.layers.Layer) else ():
        if isinstance(each, tf.keras.layers.InputLayer):
            each.built = True


def names_by_class(layers: Sequence[tf.keras.layers.Layer]) -> dict[int, str]:
    """Name layers by their classes and numbers, by their ids."""
    used: set[str] = set()
    return {id(each): unique_name(snake_case_of(each), used) for each in layers}


def weights_of(layer: Any) -> list[tf.Variable]:
    """Return the weights of a Keras layer, none of a model that was not built."""
    try:
        return list(layer.weights)
    except ValueError:
        return []


def name_within_layer(weight: tf.Variable) -> str:
    """Return the name of a weight without those of the layers around it."""
    return str(weight.name).partition(":")[0].rpartition("/")[2]
