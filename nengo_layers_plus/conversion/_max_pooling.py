"""Max pooling, and average pooling in its place."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf

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
