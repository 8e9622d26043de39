"""Models of neurons that come with the package."""

from nengo_layers_plus.neurons.models._current_based_lif import CurrentBasedLIF
from nengo_layers_plus.neurons.models._integrate_and_fire import IntegrateAndFire
from nengo_layers_plus.neurons.models._leaky_integrate_and_fire import LeakyIntegrateAndFire
from nengo_layers_plus.neurons.models._leaky_integrator import LeakyIntegrator
from nengo_layers_plus.neurons.models._spiking_rectified_linear import (
    RegularSpikingModel,
    SpikingRectifiedLinearModel,
)
from nengo_layers_plus.neurons.models._trainable_adaptive_lif import TrainableAdaptiveLIF
from nengo_layers_plus.neurons.models._trainable_adaptive_lif_rate import TrainableAdaptiveLIFRate
from nengo_layers_plus.neurons.models._trainable_izhikevich import TrainableIzhikevich
from nengo_layers_plus.neurons.models._trainable_lif import TrainableLIF

__all__ = [
    "CurrentBasedLIF",
    "IntegrateAndFire",
    "LeakyIntegrateAndFire",
    "LeakyIntegrator",
    "RegularSpikingModel",
    "SpikingRectifiedLinearModel",
    "TrainableAdaptiveLIF",
    "TrainableAdaptiveLIFRate",
    "TrainableIzhikevich",
    "TrainableLIF",
]
