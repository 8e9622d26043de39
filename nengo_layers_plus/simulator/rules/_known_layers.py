"""Keras layers that are known to treat each item of a batch by itself."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import is_graph_of_layers, tf


def _layer_types(names: str) -> set[type]:
    """Return the layers of these names that this version of Keras has."""
    types = (getattr(tf.keras.layers, name, None) for name in names.split())
    return {layer_type for layer_type in types if layer_type is not None}


# By exact type: a layer derived from one of them may do anything.
_PER_ITEM = _layer_types(
    """
    Activation Add Average AveragePooling1D AveragePooling2D AveragePooling3D Concatenate
    Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose Cropping1D
    Cropping2D Cropping3D Dense DepthwiseConv1D DepthwiseConv2D Dot ELU Flatten
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling2D GlobalMaxPooling3D InputLayer LayerNormalization LeakyReLU
    MaxPooling1D MaxPooling2D MaxPooling3D Maximum Minimum Multiply Normalization PReLU
    Permute ReLU RepeatVector Rescaling Reshape SeparableConv1D SeparableConv2D Softmax
    Subtract ThresholdedReLU UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """
)
_PER_ITEM_UNLESS_TRAINED = _layer_types(
    """
    ActivityRegularization AlphaDropout BatchNormalization Dropout GaussianDropout
    GaussianNoise SpatialDropout1D SpatialDropout2D SpatialDropout3D
    """
)
_FUNCTIONS = {
    "abs",
    "elu",
    "exp",
    "gelu",
    "identity",
    "leaky_relu",
    "log_softmax_v2",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax_v2",
    "softplus",
    "softsign",
    "square",
    "swish",
    "tanh",
}


def is_per_item(layer: Any, training: bool) -> bool:
    """Say whether a Keras layer is known to treat each item of a batch by itself.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer.
    training : bool
        Whether it is being trained.
    """
    if is_graph_of_layers(layer):
        return all(is_per_item(inner, training) for inner in layer.layers)
    if type(layer) in _PER_ITEM_UNLESS_TRAINED:
        return not training
    return (
        type(layer) in _PER_ITEM
        and _spares_the_batch(getattr(layer, "axis", None))
        and all(
            _is_known_function(getattr(layer, name, None))
            for name in ("activation", "depthwise_activation", "pointwise_activation")
        )
    )


def _spares_the_batch(axis: Any) -> bool:
    """Say whether no axis is that of the batch (axis -2 is, of a matrix)."""
    axes = () if axis is None else tf.nest.flatten(axis)
    return all(axis == -1 or axis > 0 for axis in axes)


def _is_known_function(function: Any) -> bool:
    """Say whether an activation is known to treat each item by itself."""
    if function is None:
        return True
    module = getattr(function, "__module__", None) or ""
    name = getattr(function, "__name__", "")
    if module.startswith(("tf_keras.", "keras.")) and module.endswith("activations"):
        return True
    return module.startswith("tensorflow.") and name in _FUNCTIONS
