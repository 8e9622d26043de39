"""Contract checks that users run on their own layers and neurons."""

from nengo_layers_plus.testing._check_layer import BrokenPromiseError, check_layer
from nengo_layers_plus.testing._check_neuron import check_neuron

__all__ = ["BrokenPromiseError", "check_layer", "check_neuron"]
