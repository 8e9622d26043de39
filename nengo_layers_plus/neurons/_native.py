"""How a type of neurons is computed, and trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import TensorFlowNeurons
from nengo_layers_plus.surrogate import SurrogateFunction


@dataclass(frozen=True)
class Native:
    """
    A model that computes neurons, and how it trains.

    Parameters
    ----------
    model : NeuronModel
        The model.
    function : SurrogateFunction, optional
        Gives spikes a gradient.
    through_reset : bool
        Whether gradients pass through what spikes do to the state.
    is_declared : bool
        Whether the user declared its parameters, else it stands for a type of nengo.
    """

    model: NeuronModel
    function: SurrogateFunction | None = None
    through_reset: bool = False
    is_declared: bool = True

    @property
    def trains_by_curve(self) -> bool:
        """Whether it trains through its response curve, its state held still."""
        return bool(self.model.spiking and self.function is None)

    @property
    def trains_through_time(self) -> bool:
        """Whether gradients pass from step to step."""
        return bool(self.model.state) and not self.trains_by_curve

    @property
    def trained_names(self) -> tuple[str, ...]:
        """The names of the parameters that a gradient comes to."""
        if not self.trains_by_curve:
            return tuple(self.model.parameters)
        return self.model.curve_names if self.model.has_rate_curve else ()

    def namespace(self, dtype: Any, for_kernel: bool = False) -> TensorFlowNeurons:
        """
        Return what its dynamics are written with, in TensorFlow.

        Parameters
        ----------
        dtype : str or tf.DType
            The type of numbers.
        for_kernel : bool
            Whether XLA compiles what is made of it for a CPU.
        """
        return TensorFlowNeurons(dtype, self.function, self.through_reset, for_kernel=for_kernel)
