"""The Keras layers of a network: which one a node applies, what is within it, its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Any

from nengo_layers_plus._upstream import is_automatic_name, snake_case_of, tf, with_sublayers
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
        inner
        for inner in with_sublayers(layer)
        if not isinstance(inner, tf.keras.layers.InputLayer)
    ]


def mark_inputs_built(function: Any) -> None:
    """
    Make a Keras model that was simulated before ready for another Simulator.

    nengo_dl has all layers of a model be built again, and refuses one that was not built before.
    Nothing builds the inputs of a model.
    """
    layer = layer_itself(function)
    for inner in with_sublayers(layer) if isinstance(layer, tf.keras.layers.Layer) else ():
        if isinstance(inner, tf.keras.layers.InputLayer):
            inner.built = True


def names_by_class(
    layers: Sequence[tf.keras.layers.Layer], used: set[str] | None = None
) -> dict[int, str]:
    """Name layers by their classes and numbers, by their ids; no name is one of those used."""
    used = set() if used is None else used
    return {id(layer): unique_name(snake_case_of(layer), used) for layer in layers}


def weights_of(layer: Any) -> list[tf.Variable]:
    """Return the weights of a Keras layer, none of a model that was not built."""
    try:
        return list(layer.weights)
    except ValueError:
        return []


def name_within_layer(weight: tf.Variable) -> str:
    """Return the name of a weight without those of the layers around it."""
    return str(weight.name).partition(":")[0].rpartition("/")[2]


def built_copy(
    layer: tf.keras.layers.Layer, shape_in: tuple[int, ...]
) -> tf.keras.layers.Layer | None:
    """
    Build a copy of a Keras layer; None if it can't be copied.

    The layer itself is left alone: building it here would draw its initial weights too early.
    """
    for duplicate in (_made_again, deepcopy):
        try:
            copy = duplicate(layer)
            copy.build((1, *shape_in))
        except Exception:  # a user's layer may fail in any way; then it stays unknown
            continue
        return copy
    return None


def _made_again(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    return type(layer).from_config(layer.get_config())


def named_weights(layer: tf.keras.layers.Layer) -> Iterator[tuple[str, tf.Variable, int]]:
    """
    Yield the weights of a Keras layer, named by the layers within that hold them.

    With a weight comes the index of its layer in `layers_within`. Keras numbers layers that were
    given no name as the process makes them, over all models. Here they are numbered within their
    model, as those of the first model of a process are.
    """
    layer = layer_itself(layer)
    within = layers_within(layer)
    inner_layers = within[1:]
    given = {id(inner): inner.name for inner in inner_layers if not is_automatic_name(inner)}
    automatic = [inner for inner in inner_layers if id(inner) not in given]
    names = given | names_by_class(automatic, set(given.values()))
    used: set[str] = set()
    for weight in layer.weights:
        holders = [inner for inner in inner_layers if any(weight is held for held in inner.weights)]
        # the innermost is the one that holds the fewest
        holder = min(holders, key=lambda inner: len(inner.weights), default=layer)
        own = name_within_layer(weight)
        name = unique_name(own if holder is layer else f"{names[id(holder)]}.{own}", used)
        yield name, weight, next(i for i, inner in enumerate(within) if inner is holder)
