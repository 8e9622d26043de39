"""Neurons that are written once, for nengo and nengo_dl, and that train through their spikes."""

from nengo_layers_plus._declared import NeuronParameter
from nengo_layers_plus.neurons import _build as _build
from nengo_layers_plus.neurons import _neuron_builder as _neuron_builder
from nengo_layers_plus.neurons._changed import changed
from nengo_layers_plus.neurons._natives import why_in_python
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons, TensorFlowNeurons
from nengo_layers_plus.neurons._sim_neuron_model import SimNeuronModel
from nengo_layers_plus.neurons._stopped_gradients import StoppedGradientWarning
from nengo_layers_plus.neurons._surrogate import Surrogate, model_in
from nengo_layers_plus.neurons.models import (
    CurrentBasedLIF,
    IntegrateAndFire,
    LeakyIntegrateAndFire,
    LeakyIntegrator,
    TrainableAdaptiveLIF,
    TrainableAdaptiveLIFRate,
    TrainableIzhikevich,
    TrainableLIF,
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
