"""How a parameter that has bounds is trained: by a number that has none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from nengo.builder import Signal
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared._namespace import NumPyNamespace
from nengo_layers_plus._declared._neuron_parameter import NeuronParameter

# What rounding may take from the ends of bounds, as a part of their distance.
_MARGIN = 1e-12
# How far a positive parameter can go from its initial value: by a factor of e to this.
MOST = 30.0


class Reparametrisation(ABC):
    """
    Values of a parameter as smooth functions of free numbers, which are 0 for the initial values.

    At the start the values are the initial ones to the last bit.

    Parameters
    ----------
    initial : array_like
        The initial values, shape ``(1,)`` or ``(n_neurons,)``.
    declared : NeuronParameter
        What the model says of the parameter.
    """

    def __init__(self, initial: Any, declared: NeuronParameter) -> None:
        self.initial = np.array(initial, dtype=np.float64)
        self.declared = declared

    @abstractmethod
    def value(self, xp: Any, free: Any) -> Any:
        """Return the values of free numbers, in a namespace."""

    @abstractmethod
    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers of values."""

    @classmethod
    def joined(cls, parts: Sequence[Reparametrisation]) -> Reparametrisation:
        """Make one of several populations', one after another."""
        return cls(np.concatenate([each.initial for each in parts]), parts[0].declared)


class Free(Reparametrisation):
    """A parameter without bounds, in units of the size of its default."""

    def value(self, xp: Any, free: Any) -> Any:
        """Return the values of free numbers, in a namespace."""
        return _as(free, self.initial) + self._scale * free

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers of values."""
        return (np.asarray(value, dtype=np.float64) - self.initial) / self._scale

    @property
    def _scale(self) -> float:
        return abs(self.declared.default) or 1.0


class Positive(Reparametrisation):
    """A positive parameter, as the exponential of a free number: equal steps are equal factors."""

    def value(self, xp: Any, free: Any) -> Any:
        """Return the values of free numbers, in a namespace."""
        # beyond, single precision would make 0 or infinity of it
        return _as(free, self.initial) * xp.exp(xp.clip(free, -MOST, MOST))

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers of values."""
        value = np.broadcast_to(np.asarray(value, dtype=np.float64), self.initial.shape)
        lost = (self.initial == 0) != (value == 0)
        if lost.any():
            raise ValidationError(
                f"expected values above 0 where the population was made with such, and 0 where it "
                f"was made with 0, got {value[lost][0]} for {self.initial[lost][0]}. What to do: "
                "make it with values above 0",
                attr="value",
                obj=self,
            )
        zero = self.initial == 0
        return np.where(
            zero, 0.0, np.log(np.where(zero, 1, value) / np.where(zero, 1, self.initial))
        )


class Bounded(Reparametrisation):
    """A parameter between two bounds, as a sigmoid of a free number."""

    def value(self, xp: Any, free: Any) -> Any:
        """Return the values of free numbers, in a namespace."""
        low, high = self._bounds
        start = _logit(self._part(self.initial))
        moved = xp.sigmoid(free + _as(free, start)) - xp.sigmoid(_as(free, start))
        return _as(free, self.initial) + (high - low) * moved

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers of values."""
        return _logit(self._part(value)) - _logit(self._part(self.initial))

    @property
    def _bounds(self) -> tuple[float, float]:
        assert self.declared.bounds is not None
        return self.declared.bounds

    def _part(self, value: Any) -> np.ndarray:
        low, high = self._bounds
        part = (np.asarray(value, dtype=np.float64) - low) / (high - low)
        return np.clip(part, _MARGIN, 1 - _MARGIN)


def reparametrise(initial: Any, declared: NeuronParameter) -> Reparametrisation:
    """
    Choose how a parameter is trained.

    Parameters
    ----------
    initial : array_like
        The initial values, shape ``(1,)`` or ``(n_neurons,)``.
    declared : NeuronParameter
        What the model says of it.
    """
    if declared.positive:
        return Positive(initial, declared)
    return (Free if declared.bounds is None else Bounded)(initial, declared)


def _logit(part: np.ndarray) -> np.ndarray:
    return np.log(part) - np.log1p(-part)


def _as(free: Any, values: np.ndarray) -> np.ndarray:
    """Return constants in the precision of some numbers."""
    dtype = free.dtype
    return values.astype(getattr(dtype, "as_numpy_dtype", dtype))


class ParameterSignal(Signal):
    """
    Holds the free numbers of which a parameter is a smooth function.

    Parameters
    ----------
    reparametrisation : Reparametrisation
        The function.
    trainable : bool
        Whether an optimiser moves it.
    name : str
        Its name.
    dtype : np.dtype
        The type of numbers.
    parameter : str
        The name of the parameter.
    """

    def __init__(
        self,
        reparametrisation: Reparametrisation,
        trainable: bool,
        name: str,
        dtype: Any,
        parameter: str = "",
    ) -> None:
        super().__init__(np.zeros(reparametrisation.initial.shape, dtype), name=name)
        self.parameter = parameter
        self.reparametrisation = reparametrisation
        # nengo_dl takes over what is set here
        self.trainable = trainable
        self.minibatched = False

    def value(self, free: Any) -> np.ndarray:
        """Return the values of the parameter that free numbers stand for."""
        free = np.asarray(free)
        return np.asarray(self.reparametrisation.value(NumPyNamespace(free.dtype), free))

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers that stand for values of the parameter."""
        return self.reparametrisation.free(value)
