"""How neurons train: through a response curve, or through their spikes with a `Surrogate`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType, NeuronTypeParam, RatesToSpikesNeuronType
from nengo.params import BoolParam, Parameter

from nengo_layers_plus._declared import is_nan
from nengo_layers_plus.neurons._known_types import (
    TYPES_IN_NENGO_DL,
    build_function_of,
    known_type_of,
    model_of,
)
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import TensorFlowNeurons
from nengo_layers_plus.surrogate import SurrogateFunction, SurrogateKind, get


class StoppedGradientWarning(UserWarning):
    """A parameter is to be trained that no gradient reaches, because of a type of neurons."""


class _FunctionParam(Parameter):
    """A surrogate function; a family stands for its member with default arguments."""

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

    The outputs are the same as without it. In training the slope of a smooth function replaces the
    derivative of the spikes, and gradients pass through the state from step to step.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        A type that spikes: a `.NeuronModel`, or one of nengo or nengo_dl.
    function : SurrogateFunction or str
        The smooth function, of `nengo_layers_plus.surrogate`.
    through_reset : bool
        Whether gradients also pass through the effect of a spike on the state. Without them
        training is steadier (Zenke & Vogels, 2021, The remarkable robustness of surrogate gradient
        learning, Neural Computation 33(4)).

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

    # nengo's interface, which the wrapped type answers

    @property
    def state(self) -> Mapping[str, Any]:
        """The states of the type, and their initial values."""
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
        """The names that can be probed."""
        return tuple(self.neuron_type.probeable)

    def make_state(self, n_neurons: int, rng: Any = np.random, dtype: Any = None) -> Any:
        """Make the initial state of a simulation; see `nengo.neurons.NeuronType`."""
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


def model_in(neuron_type: Any) -> NeuronModel | None:
    """Return the model with declared parameters, within a `.Surrogate` or not; None without one."""
    inner = neuron_type.neuron_type if isinstance(neuron_type, Surrogate) else neuron_type
    return inner if isinstance(inner, NeuronModel) and inner.parameters else None


def changed(neuron_type: NeuronType, **changes: Any) -> Any:
    """
    Return a copy of a type of neurons with other values for some of its arguments.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The type of neurons. The changes of a `.Surrogate` are those of the wrapped type.
    **changes
        The arguments.

    Raises
    ------
    nengo.exceptions.ValidationError
        If it has no such argument, or it can't have such a value.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus.neurons import changed
    >>> changed(nengo.LIF(tau_rc=0.03), amplitude=0.01)
    LIF(tau_rc=0.03, amplitude=0.01)
    """
    if isinstance(neuron_type, NeuronModel):
        return neuron_type.replace(**changes)
    if isinstance(neuron_type, Surrogate):
        return Surrogate(
            changed(neuron_type.neuron_type, **changes),
            neuron_type.function,
            through_reset=neuron_type.through_reset,
        )
    if not isinstance(neuron_type, NeuronType):
        raise ValidationError(
            f"expected a type of neurons, such as nengo.LIF(), got {neuron_type!r}",
            attr="neuron_type",
        )
    for name, value in changes.items():
        if is_nan(value):  # for which nengo has no words
            raise ValidationError(f"expected a number, got {value!r}", attr=name, obj=neuron_type)
    state = neuron_type.__getstate__()
    unknown = [name for name in changes if name not in state]
    if unknown:
        words = f"{type(neuron_type).__name__} has no {', '.join(unknown)}"
        if unknown == ["amplitude"]:
            words += "; scale its output by the transform of the connections from it"
        raise ValidationError(words, attr=unknown[0], obj=neuron_type)
    copy: Any = object.__new__(type(neuron_type))
    # without the cached arguments of its repr
    kept = {key: value for key, value in state.items() if "argreprs" not in key}
    copy.__setstate__({**kept, **changes})
    return copy


@dataclass(frozen=True)
class Native:
    """
    The model that computes neurons, and how it trains.

    Parameters
    ----------
    model : NeuronModel
        The model.
    function : SurrogateFunction, optional
        The surrogate of the spikes.
    through_reset : bool
        Whether gradients pass through the effect of spikes on the state.
    is_declared : bool
        Whether the user's type is the model itself, not a type of nengo.
    """

    model: NeuronModel
    function: SurrogateFunction | None = None
    through_reset: bool = False
    is_declared: bool = True

    @property
    def trains_by_curve(self) -> bool:
        """Whether it trains through its response curve, with a constant state."""
        return bool(self.model.spiking and self.function is None)

    @property
    def trained_names(self) -> tuple[str, ...]:
        """The names of the parameters that a gradient reaches."""
        if not self.trains_by_curve:
            return tuple(self.model.parameters)
        return self.model.curve_names if self.model.has_rate_curve else ()

    def namespace(self, dtype: Any, for_kernel: bool = False) -> TensorFlowNeurons:
        """
        Return the argument ``xp`` of its dynamics, for TensorFlow.

        Parameters
        ----------
        dtype : str or tf.DType
            The data type.
        for_kernel : bool
            Whether XLA compiles the code for a CPU.
        """
        return TensorFlowNeurons(dtype, self.function, self.through_reset, for_kernel=for_kernel)


def native_of(neurons: NeuronType) -> Native | None:
    """
    Return how this package computes neurons; None if it leaves them to nengo_dl.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    """
    surrogate = neurons if isinstance(neurons, Surrogate) else None
    inner = neurons if surrogate is None else surrogate.neuron_type
    is_declared = isinstance(inner, NeuronModel)
    if surrogate is None and not is_declared:
        known = known_type_of(neurons)
        if isinstance(known, str) or known in TYPES_IN_NENGO_DL:
            return None
    model = model_of(inner)
    assert isinstance(model, NeuronModel)
    if surrogate is None:
        return Native(model, is_declared=is_declared)
    return Native(model, surrogate.function, surrogate.through_reset, is_declared)


def why_in_python(neurons: NeuronType) -> str | None:
    """
    Say why neurons run in Python, which stops gradients; None if they do not.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The neurons.
    """
    if isinstance(neurons, Surrogate | NeuronModel | nengo.Direct):
        return None
    if build_function_of(neurons) is not None:
        return None  # it is unknown what the function builds
    known = known_type_of(neurons)
    if isinstance(known, str):
        return known
    if isinstance(neurons, RatesToSpikesNeuronType):
        return why_in_python(neurons.base_type)
    return None
