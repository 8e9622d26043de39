"""Networks made of Keras models."""

from nengo_layers_plus.conversion._conversion_error import ConversionError
from nengo_layers_plus.conversion._from_keras import from_keras
from nengo_layers_plus.conversion._keras_network import KerasNetwork

__all__ = ["ConversionError", "KerasNetwork", "from_keras"]
