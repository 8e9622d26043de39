"""Synapses whose time constants train, for nengo and nengo_dl."""

from nengo_layers_plus.synapses import _build as _build
from nengo_layers_plus.synapses._filters import TrainableAlpha, TrainableLowpass

__all__ = ["TrainableAlpha", "TrainableLowpass"]
