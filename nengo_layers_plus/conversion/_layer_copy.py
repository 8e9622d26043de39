"""Copies of Keras layers with their weights, and layers that can't be copied into a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import random_state_kept, tf, with_sublayers
from nengo_layers_plus.conversion._activations import of_layer, own_activation
from nengo_layers_plus.conversion._layer_names import ConversionError, describe_error

_POOLING = {
    f"{kind}MaxPooling{n}D": f"{kind}AveragePooling{n}D"
    for kind in ("", "Global")
    for n in (1, 2, 3)
}


def is_max_pooling(layer: Any) -> bool:
    """Say whether something is one of Keras' layers of max pooling, and no subclass of one."""
    return type(layer) in [getattr(tf.keras.layers, name) for name in _POOLING]


def average_pooling_for(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
    """Return average pooling with the geometry and the name of a layer of max pooling."""
    averaging = getattr(tf.keras.layers, _POOLING[type(layer).__name__])
    return averaging.from_config(layer.get_config())


AS_IS = object()


def copy_layer(
    layer: tf.keras.layers.Layer, inputs: Any, activation: Any = AS_IS
) -> tf.keras.layers.Layer:
    """
    Copy a Keras layer.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer; it is left as it is.
    inputs : tf.Tensor or list of tf.Tensor
        An example of what it is called on, to build the copy with.
    activation : callable, optional
        The activation of the copy, None for no activation. If it is not given, the layer is
        copied with all that is in its config.

    Raises
    ------
    ConversionError
        If the layer can't be copied.
    """
    try:
        with random_state_kept():
            copy = _unbuilt_copy(layer, activation)
            copy(inputs)
    except Exception as error:
        raise ConversionError(
            f"{type(layer).__name__} can't be copied by its get_config and from_config "
            f"({describe_error(error)}); write a get_config for it that returns all its "
            "arguments"
        ) from error
    weights = layer.get_weights()
    if [*map(np.shape, copy.get_weights())] != [*map(np.shape, weights)]:
        raise ConversionError(
            f"a copy of {type(layer).__name__}, made by its get_config and from_config, has "
            "other weights; let its get_config return all its arguments"
        )
    copy.set_weights(weights)
    copy.finalize_state()  # preprocessing layers derive constants from their weights
    for original, new in zip(with_sublayers(layer), with_sublayers(copy), strict=False):
        new.trainable = original.trainable  # those within a layer come after it
    return copy


def _unbuilt_copy(layer: tf.keras.layers.Layer, activation: Any) -> tf.keras.layers.Layer:
    if isinstance(layer, tf.keras.layers.Lambda):
        # Python code is kept as it is; Keras writes it into the config, and reads only that of
        # files that are trusted
        return tf.keras.layers.Lambda(
            layer.function, arguments=layer.arguments, name=layer.name, dtype=layer.dtype
        )
    config = layer.get_config()
    if activation is AS_IS:
        return type(layer).from_config(config)
    copy = type(layer).from_config({**config, "activation": "linear"})
    if activation is not None:
        copy.activation = activation  # not by the config, which can't hold all functions
    return copy


def same_values(expected: Any, got: Any) -> bool:
    """Say whether two results are the same but for rounding."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return False
    finite = expected[np.isfinite(expected)]
    atol = 1e-5 * max(1.0, float(np.max(np.abs(finite), initial=0.0)))
    return bool(np.allclose(got, expected, rtol=1e-5, atol=atol, equal_nan=True))


def refuse_hidden_activations(layer: tf.keras.layers.Layer) -> None:
    """Refuse steps over time and activations within a layer, which no neurons can replace."""
    keep = f"from_keras(..., neuron={{{type(layer).__name__}: None}})"
    for inner in with_sublayers(layer):
        if isinstance(inner, tf.keras.layers.RNN):
            raise ConversionError(
                "it goes through the steps of its input by itself, all within one time step of "
                "a simulation, with activations that no neurons can replace; write the "
                f"recurrence as a connection of the network, or keep the layer with {keep}"
            )
        if inner is layer or inner is getattr(layer, "activation", None):
            continue
        activation = of_layer(inner) or own_activation(inner)
        if activation is not None and activation.name != "linear":
            raise ConversionError(
                f"{inner.name!r}, within it, has the activation {activation.name}, which no "
                "neurons can replace there; write the layers as layers of the model, or keep "
                f"this one with {keep}"
            )


def refuse_lost(layer: tf.keras.layers.Layer) -> None:
    """Refuse a regularizer and a state of a layer, which nengo_dl would lose without a word."""
    for inner in with_sublayers(layer):
        if getattr(inner, "activity_regularizer", None) is not None:
            raise ConversionError(
                f"the activity_regularizer of {inner.name!r} would be lost; remove it, and "
                "penalise the activity in a loss on a probe of this layer"
            )
        if getattr(inner, "stateful", False):
            raise ConversionError(
                f"{inner.name!r} keeps a state between batches (stateful=True), which a network "
                "would not; set stateful to False"
            )


def refuse_variables(function: Any, inputs: Sequence[Any]) -> None:
    """Refuse variables that a function uses, which would not train."""
    with tf.GradientTape() as tape:
        function(*inputs)
    if tape.watched_variables():
        variable = tape.watched_variables()[0]
        raise ConversionError(
            f"it uses the variable {variable.name!r}, which would not train in the network; write "
            "a tf.keras.layers.Layer that holds it"
        )
