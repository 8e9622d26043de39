"""What users call and subclass to build networks."""

from nengo_layers_plus.layers._block import Block
from nengo_layers_plus.layers._channel_neurons import ChannelNeurons
from nengo_layers_plus.layers._custom_layer import CustomLayer
from nengo_layers_plus.layers._filter import Filter
from nengo_layers_plus.layers._firing_rates import FiringRates
from nengo_layers_plus.layers._fixed_trainable import fix_trainable
from nengo_layers_plus.layers._layer_context import LayerContext
from nengo_layers_plus.layers._layer_parts import LayerParts
from nengo_layers_plus.layers._layer_wrapper import LayerWrapper
from nengo_layers_plus.layers._rate_control import RateControl
from nengo_layers_plus.layers._rate_loss import RateLoss
from nengo_layers_plus.layers._recurrent_neurons import RecurrentNeurons
from nengo_layers_plus.layers._residual import Residual
from nengo_layers_plus.layers._sequential import Sequential
from nengo_layers_plus.layers._several_inputs import FunctionOfSeveral
from nengo_layers_plus.layers._trainable import Trainable
from nengo_layers_plus.layers._tuned_neurons import TunedNeurons

__all__ = [
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
