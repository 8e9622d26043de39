"""Synapses whose time constants train, for nengo and nengo_dl."""

from nengo_layers_plus.synapses import _build as _build
from nengo_layers_plus.synapses import _filter_builder as _filter_builder
from nengo_layers_plus.synapses._trainable_alpha import TrainableAlpha
from nengo_layers_plus.synapses._trainable_lowpass import TrainableLowpass

__all__ = ["TrainableAlpha", "TrainableLowpass"]
