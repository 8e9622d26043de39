"""Types of neurons that are written once for nengo and nengo_dl, and train through their spikes."""

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons._adaptive import (
    TrainableAdaptiveLIF,
    TrainableAdaptiveLIFRate,
    TrainableIzhikevich,
)
from nengo_layers_plus.neurons._build import SimNeuronModel
from nengo_layers_plus.neurons._integrate_and_fire import (
    CurrentBasedLIF,
    IntegrateAndFire,
    LeakyIntegrateAndFire,
    LeakyIntegrator,
    TrainableLIF,
)
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons, TensorFlowNeurons
from nengo_layers_plus.neurons._surrogate import (
    StoppedGradientWarning,
    Surrogate,
    changed,
    model_in,
    why_in_python,
)

__all__ = [
    "CurrentBasedLIF",
    "IntegrateAndFire",
    "LeakyIntegrateAndFire",
    "LeakyIntegrator",
    "NeuronModel",
    "NeuronParameter",
    "NumPyNeurons",
    "SimNeuronModel",
    "StoppedGradientWarning",
    "Surrogate",
    "TensorFlowNeurons",
    "TrainableAdaptiveLIF",
    "TrainableAdaptiveLIFRate",
    "TrainableIzhikevich",
    "TrainableLIF",
    "changed",
    "model_in",
    "why_in_python",
]
