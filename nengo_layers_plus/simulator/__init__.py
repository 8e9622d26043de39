"""The Simulator."""

from nengo_layers_plus.simulator._simulator import Simulator

__all__ = ["Simulator"]
