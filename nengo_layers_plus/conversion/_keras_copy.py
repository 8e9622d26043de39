"""Copies of Keras layers with their weights, as a network applies them."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._upstream import random_state_kept, tf, with_sublayers
from nengo_layers_plus.conversion._layer_names import ConversionError, LayerName, describe_error

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
    layer: tf.keras.layers.Layer, inputs: Any, name: LayerName, activation: Any = AS_IS
) -> tf.keras.layers.Layer:
    """
    Copy a Keras layer.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer; it is left as it is.
    inputs : tf.Tensor or list of tf.Tensor
        An example of what it is called on, to build the copy with.
    name : LayerName
        Its names, for error messages.
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
            "arguments",
            name,
        ) from error
    weights = layer.get_weights()
    if [np.shape(each) for each in copy.get_weights()] != [np.shape(each) for each in weights]:
        raise ConversionError(
            f"a copy of {type(layer).__name__}, made by its get_config and from_config, has "
            "other weights; let its get_config return all its arguments",
            name,
        )
    copy.set_weights(weights)
    copy.finalize_state()  # preprocessing layers derive constants from their weights
    for original, each in zip(with_sublayers(layer), with_sublayers(copy), strict=False):
        each.trainable = original.trainable  # those within a layer come after it
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
