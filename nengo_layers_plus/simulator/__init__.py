"""The Simulator."""

from nengo_layers_plus.simulator._gradient_check import StoppedGradientError
from nengo_layers_plus.simulator._numerics import NonFiniteError
from nengo_layers_plus.simulator._simulator import Simulator

__all__ = ["NonFiniteError", "Simulator", "StoppedGradientError"]
