"""Neurons that train through their spikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType, NeuronTypeParam
from nengo.params import BoolParam, Parameter

from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.surrogate import SurrogateFunction, SurrogateKind, get


def model_in(neuron_type: Any) -> NeuronModel | None:
    """Return the model that declares parameters, within a `.Surrogate` or not, if there is one."""
    inner = neuron_type.neuron_type if isinstance(neuron_type, Surrogate) else neuron_type
    return inner if isinstance(inner, NeuronModel) and inner.parameters else None


class _FunctionParam(Parameter):
    """A surrogate function; a family of them stands for that with its defaults."""

    equatable = True

    def coerce(self, instance: Any, value: Any) -> Any:
        value = super().coerce(instance, value)
        if isinstance(value, str):
            value = get(value)
        if isinstance(value, SurrogateKind):
            value = value()
        if not isinstance(value, SurrogateFunction):
            raise ValidationError(
                "expected a function of nengo_layers_plus.surrogate, such as "
                f"surrogate.arctan(2.0), or the name of one, got {value!r}",
                attr=self.name,
                obj=instance,
            )
        return value


class Surrogate(NeuronType):
    """
    A spiking type of neurons that trains through its spikes, and through time.

    What is computed is the same as without it. In training the slope of a smooth function stands
    for that of the spikes, and gradients pass through the state from step to step.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        A type that spikes: a `.NeuronModel`, or one of nengo or nengo_dl.
    function : SurrogateFunction or str
        The smooth function, of `nengo_layers_plus.surrogate`.
    through_reset : bool
        Whether gradients also pass through what a spike does to the state. Without them training
        is steadier (Zenke & Vogels, 2021, The remarkable robustness of surrogate gradient learning,
        Neural Computation 33(4)).

    Raises
    ------
    nengo.exceptions.ValidationError
        If the type does not spike, or draws its spikes from a distribution, or has no TensorFlow
        code.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import Surrogate, surrogate
    >>> Surrogate(nengo.LIF(tau_rc=0.03), surrogate.arctan(2.0))
    Surrogate(LIF(tau_rc=0.03), surrogate.arctan(alpha=2.0))
    """

    neuron_type = NeuronTypeParam("neuron_type", readonly=True)
    function: Any = _FunctionParam("function", readonly=True)
    through_reset = BoolParam("through_reset", default=False, readonly=True)
    spiking = True

    def __init__(
        self,
        neuron_type: Any,
        function: SurrogateFunction | SurrogateKind | str = "arctan",
        *,
        through_reset: bool = False,
    ) -> None:
        super().__init__()
        self.neuron_type = neuron_type
        self.function = function
        self.through_reset = through_reset
        self._check()

    def _check(self) -> None:
        from nengo_layers_plus.neurons._natives import model_of

        name = type(self.neuron_type).__name__
        if isinstance(self.neuron_type, Surrogate):
            problem = "is a Surrogate already; change the one that there is"
        elif not getattr(self.neuron_type, "spiking", False):
            problem = "does not spike, so that its own gradient can train it; use it as it is"
        else:
            model = model_of(self.neuron_type)
            if isinstance(model, NeuronModel):
                return
            problem = model
        raise ValidationError(
            f"expected a type of neurons that spikes, and that this package can compute; {name} "
            f"{problem}",
            attr="neuron_type",
            obj=self,
        )

    # what nengo asks for is answered by the type that it is around

    @property
    def state(self) -> Mapping[str, Any]:
        """The states of the type, and what they start from."""
        return self.neuron_type.state

    @property
    def negative(self) -> bool:
        """Whether the output can be below 0."""
        return bool(self.neuron_type.negative)

    @property
    def amplitude(self) -> float:
        """The factor of the output."""
        return float(getattr(self.neuron_type, "amplitude", 1))

    @property
    def probeable(self) -> tuple[str, ...]:
        """What can be probed."""
        return tuple(self.neuron_type.probeable)

    def make_state(self, n_neurons: int, rng: Any = np.random, dtype: Any = None) -> Any:
        """Make the state that a simulation starts from; see `nengo.neurons.NeuronType`."""
        return self.neuron_type.make_state(n_neurons, rng=rng, dtype=dtype)

    def gain_bias(self, max_rates: Any, intercepts: Any) -> Any:
        """Find gains and biases; see `nengo.neurons.NeuronType`."""
        return self.neuron_type.gain_bias(max_rates, intercepts)

    def max_rates_intercepts(self, gain: Any, bias: Any) -> Any:
        """Find rates and intercepts; see `nengo.neurons.NeuronType`."""
        return self.neuron_type.max_rates_intercepts(gain, bias)

    def rates(self, x: Any, gain: Any, bias: Any) -> Any:
        """Return firing rates; see `nengo.neurons.NeuronType`."""
        return self.neuron_type.rates(x, gain, bias)

    def step(self, dt: float, J: Any, output: Any, **state: Any) -> None:  # noqa: N803  nengo's
        """Advance the neurons by one step; see `nengo.neurons.NeuronType`."""
        self.neuron_type.step(dt, J, output, **state)

    def __repr__(self) -> str:
        more = ", through_reset=True" if self.through_reset else ""
        return f"{type(self).__name__}({self.neuron_type!r}, {self.function!r}{more})"
