"""What declarations of neurons and synapses are made of: mathematics, parameters, their signals."""

from nengo_layers_plus._declared._namespace import (
    NumPyNamespace,
    TensorFlowNamespace,
    derivative,
    namespace_of,
)
from nengo_layers_plus._declared._neuron_parameter import NeuronParameter
from nengo_layers_plus._declared._parameter_signal import ParameterSignal
from nengo_layers_plus._declared._reparametrisation import Reparametrisation, reparametrise

__all__ = [
    "NeuronParameter",
    "NumPyNamespace",
    "ParameterSignal",
    "Reparametrisation",
    "TensorFlowNamespace",
    "derivative",
    "namespace_of",
    "reparametrise",
]
