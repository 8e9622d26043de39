"""What users call and subclass to build networks."""

from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.layers._layer_parts import LayerParts
from nengo_layers_plus.layers._trainable import Trainable

__all__ = ["CustomLayer", "LayerContext", "LayerParts", "Trainable"]
