"""Networks made of Keras models."""

from nengo_layers_plus.conversion._from_keras import from_keras
from nengo_layers_plus.conversion._keras_network import KerasNetwork
from nengo_layers_plus.conversion._layer_names import ConversionError

__all__ = ["ConversionError", "KerasNetwork", "from_keras"]
