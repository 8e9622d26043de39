"""What declarations of neurons and synapses are made of: mathematics, parameters, their signals."""

from nengo_layers_plus._declared._arguments import (
    RealParam,
    array_of,
    as_aligned,
    as_count,
    as_flag,
    as_number,
    as_numbers,
    as_range,
    as_text,
    holds_itself,
    is_finite,
    is_nan,
    is_number,
    items_in,
)
from nengo_layers_plus._declared._namespace import (
    NumPyNamespace,
    TensorFlowNamespace,
    derivative,
    namespace_of,
)
from nengo_layers_plus._declared._neuron_parameter import NeuronParameter
from nengo_layers_plus._declared._reparametrisation import (
    ParameterSignal,
    Reparametrisation,
    reparametrise,
)

__all__ = [
    "NeuronParameter",
    "NumPyNamespace",
    "ParameterSignal",
    "RealParam",
    "Reparametrisation",
    "TensorFlowNamespace",
    "array_of",
    "as_aligned",
    "as_count",
    "as_flag",
    "as_number",
    "as_numbers",
    "as_range",
    "as_text",
    "derivative",
    "holds_itself",
    "is_finite",
    "is_nan",
    "is_number",
    "items_in",
    "namespace_of",
    "reparametrise",
]
