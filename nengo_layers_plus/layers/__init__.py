"""What users call and subclass to build networks."""

from nengo_layers_plus.layers._base_layer import BaseLayer
from nengo_layers_plus.layers._blocks import Block, Sequential
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._layer_call import LayerContext, LayerParts
from nengo_layers_plus.layers._layer_func import FunctionOfSeveral, LayerWrapper
from nengo_layers_plus.layers._rate_control import FiringRates, RateControl, RateLoss
from nengo_layers_plus.layers._ready_made import (
    ChannelNeurons,
    Filter,
    RecurrentNeurons,
    Residual,
    TunedNeurons,
)
from nengo_layers_plus.layers._trainable import Trainable, fix_trainable

__all__ = [
    "BaseLayer",
    "Block",
    "ChannelNeurons",
    "CustomLayer",
    "Filter",
    "FiringRates",
    "FunctionOfSeveral",
    "LayerContext",
    "LayerParts",
    "LayerWrapper",
    "RateControl",
    "RateLoss",
    "RecurrentNeurons",
    "Residual",
    "Sequential",
    "Trainable",
    "TunedNeurons",
    "fix_trainable",
]
