"""Parameters of neurons and synapses: declarations, values, and how they are trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.builder import Signal
from nengo.exceptions import ValidationError
from nengo.params import Parameter

from nengo_layers_plus._declared._arguments import array_of, as_flag, as_text
from nengo_layers_plus._declared._namespace import NumPyNamespace

# The distance from bounds that rounding may take, as a fraction of the width.
_MARGIN = 1e-12
# The largest change of a positive parameter, as the logarithm of its ratio to the initial value.
_MAX_LOG = 30.0


@dataclass(frozen=True)
class NeuronParameter:
    """
    The declaration of a parameter of a `.NeuronModel`, such as a time constant.

    Parameters
    ----------
    default : float
        The default value.
    unit : str
        The unit, e.g. ``"s"`` or ``"Hz"``; empty for a plain number.
    positive : bool
        Whether the value must be above 0. Training keeps it above 0.
    allows_zero : bool
        Whether a positive parameter may also be 0. Training does not change a value of 0.
    bounds : (float, float), optional
        The bounds of the value, excluded. Training keeps it within them.
    trainable : bool
        Whether an optimiser changes it, unless a neuron type says otherwise.
    per_neuron : bool
        Whether every neuron has a value of its own, unless a neuron type says otherwise; else all
        neurons of a population share one value.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the default is not within the bounds.

    Examples
    --------
    >>> from nengo_layers_plus import NeuronParameter
    >>> NeuronParameter(0.02, unit="s", positive=True, trainable=True).check("tau_rc", 0.01)
    0.01
    """

    default: float
    unit: str = ""
    positive: bool = False
    allows_zero: bool = False
    bounds: tuple[float, float] | None = None
    trainable: bool = False
    per_neuron: bool = False

    def __post_init__(self) -> None:
        as_text(self.unit, "unit", self)
        for name in ("positive", "allows_zero", "trainable", "per_neuron"):
            object.__setattr__(self, name, as_flag(getattr(self, name), name, self))
        if self.bounds is not None:
            bounds = array_of(self.bounds)
            if (
                bounds is None
                or bounds.shape != (2,)
                or not -np.inf < bounds[0] < bounds[1] < np.inf
            ):
                raise ValidationError(
                    f"expected two finite numbers, the lower first, got {self.bounds!r}",
                    attr="bounds",
                    obj=self,
                )
            low, high = map(float, bounds)
            if self.positive:
                raise ValidationError(
                    "expected bounds or positive, got both; bounds are enough",
                    attr="positive",
                    obj=self,
                )
            object.__setattr__(self, "bounds", (low, high))
        default = array_of(self.default)
        if default is not None and default.ndim:
            raise ValidationError(
                f"expected one number, got {self.default!r}. What to do: give arrays to the neuron "
                "type itself, and declare per_neuron=True",
                attr="default",
                obj=self,
            )
        object.__setattr__(self, "default", self.check("default", self.default))

    def check(self, name: str, value: Any, obj: Any = None, unit: str = "neuron") -> Any:
        """
        Check a value, and return it as a float or, with one value per neuron, as an array.

        Parameters
        ----------
        name : str
            The name of the parameter, for the error.
        value : float or array_like
            The value.
        obj : object
            The owner of the parameter, for the error.
        unit : str
            The owner of one value of an array, for the error: ``"neuron"`` or ``"unit"``.

        Returns
        -------
        value : float or array
            An array is flat and read-only.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is not a number, or not an allowed one.
        """
        obj = self if obj is None else obj
        array = array_of(value)
        if array is None or array.size == 0:
            draws = (
                "; ensemble_kwargs of a layer take it, and draw a value for each neuron"
                if isinstance(value, nengo.dists.Distribution)
                else ""
            )
            raise ValidationError(
                f"expected a number, or an array with one for each {unit}, got {value!r}{draws}",
                attr=name,
                obj=obj,
            )
        array = np.array(array, dtype=np.float64)
        allowed, words = np.isfinite(array), "finite"
        if self.positive:
            inside = array >= 0 if self.allows_zero else array > 0
            allowed, words = allowed & inside, "of at least 0" if self.allows_zero else "above 0"
        elif self.bounds is not None:
            low, high = self.bounds
            allowed = allowed & (array > low) & (array < high)
            words = f"between {low} and {high}"
        if not allowed.all():
            words += f" ({self.unit})" if self.unit else ""
            wrong = array[~allowed].flat[0]
            raise ValidationError(f"expected values {words}, got {wrong}", attr=name, obj=obj)
        if array.ndim == 0:
            return float(array)
        array = array.ravel()
        array.setflags(write=False)
        return array


class DeclaredParam(Parameter):
    """
    A declared parameter, as a read-only attribute: a float, or an array with one value per unit.

    Parameters
    ----------
    name : str
        The name of the attribute.
    declared : NeuronParameter
        The declaration.
    unit : str
        The owner of one value of an array: ``"neuron"`` or ``"unit"``.
    **kwargs
        Arguments of `nengo.params.Parameter`.
    """

    equatable = True

    def __init__(
        self, name: str, declared: NeuronParameter, unit: str = "neuron", **kwargs: Any
    ) -> None:
        super().__init__(name, readonly=True, **kwargs)
        self.declared = declared
        self.unit = unit

    def coerce(self, instance: Any, value: Any) -> Any:
        """Check a value; see `NeuronParameter.check`."""
        value = self.declared.check(self.name, value, instance, self.unit)
        return super().coerce(instance, value)

    def equal(self, instance_a: Any, instance_b: Any) -> bool:
        """Say whether two objects have the same value."""
        return np.array_equal(self.__get__(instance_a, None), self.__get__(instance_b, None))

    def hashvalue(self, instance: Any) -> int:
        """Return a hash of the value."""
        return hash(np.asarray(self.__get__(instance, None)).tobytes())

    def values_for(self, instance: Any, n_units: int, own: bool, where: str = "") -> np.ndarray:
        """
        Return the values for a number of units.

        Parameters
        ----------
        instance : object
            The owner of the parameter.
        n_units : int
            The number of units.
        own : bool
            Whether a unit has a value of its own if the parameter is one number.
        where : str
            Where the units are, for the error.

        Returns
        -------
        values : array
            Shape ``(1,)`` or ``(n_units,)``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an array has another size.
        """
        value = np.asarray(self.__get__(instance, None), dtype=np.float64)
        if value.ndim and value.size != n_units:
            raise ValidationError(
                f"expected a number, or an array of {n_units}, one for each {self.unit}{where}; "
                f"got an array of {value.size}",
                attr=self.name,
                obj=instance,
            )
        return np.array(np.broadcast_to(value, (n_units,) if own or value.ndim else (1,)))


def repr_of(obj: Any, names: Iterable[str]) -> str:
    """
    Write an object as a call of its class with the arguments that are not the defaults.

    Parameters
    ----------
    obj : nengo.params.FrozenObject
        The object.
    names : iterable of str
        The names of its arguments, which are parameters of nengo.
    """
    shown = []
    for name in names:
        value = getattr(obj, name)
        is_given = value is not None and value is not obj._paramdict[name].default
        if is_given and (isinstance(value, np.ndarray) or value != obj._paramdict[name].default):
            shown.append(f"{name}={_written(value)}")
    return f"{type(obj).__name__}({', '.join(shown)})"


def _written(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return np.array2string(value, threshold=6, separator=", ")
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_written(item)}' for key, item in value.items())}}}"
    return repr(value)


class Reparametrisation(ABC):
    """
    Values of a parameter as smooth functions of free numbers, which an optimiser changes.

    Free numbers of 0 stand for the initial values, to the last bit.

    Parameters
    ----------
    initial : array_like
        The initial values, shape ``(1,)`` or ``(n_neurons,)``.
    declared : NeuronParameter
        The declaration of the parameter.
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
        """Concatenate the values of several operators."""
        return cls(np.concatenate([part.initial for part in parts]), parts[0].declared)


class Free(Reparametrisation):
    """A parameter without bounds, in units of the size of its default."""

    def value(self, xp: Any, free: Any) -> Any:
        """Return the values of free numbers, in a namespace."""
        return _cast(free, self.initial) + self._scale * free

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers of values."""
        return (np.asarray(value, dtype=np.float64) - self.initial) / self._scale

    @property
    def _scale(self) -> float:
        return abs(self.declared.default) or 1.0


class Positive(Reparametrisation):
    """A positive parameter: the initial value times the exponential of the free number."""

    def value(self, xp: Any, free: Any) -> Any:
        """Return the values of free numbers, in a namespace."""
        # clipped, since the exponential is 0 or infinite in single precision further out
        return _cast(free, self.initial) * xp.exp(xp.clip(free, -_MAX_LOG, _MAX_LOG))

    def ratio(self, xp: Any, free: Any, dt: float) -> Any:
        """
        Return the ratio of a time step to the values, which are time constants.

        Not computed as ``dt / value``, whose gradient is not finite for tiny values.

        Parameters
        ----------
        xp : Namespace
            The namespace.
        free : array
            The free numbers.
        dt : float
            The length of a step (s).
        """
        return _cast(free, dt / self.initial) * xp.exp(-xp.clip(free, -_MAX_LOG, _MAX_LOG))

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
        start = _logit(self._fraction(self.initial))
        moved = xp.sigmoid(free + _cast(free, start)) - xp.sigmoid(_cast(free, start))
        return _cast(free, self.initial) + (high - low) * moved

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers of values."""
        return _logit(self._fraction(value)) - _logit(self._fraction(self.initial))

    @property
    def _bounds(self) -> tuple[float, float]:
        assert self.declared.bounds is not None
        return self.declared.bounds

    def _fraction(self, value: Any) -> np.ndarray:
        low, high = self._bounds
        part = (np.asarray(value, dtype=np.float64) - low) / (high - low)
        return np.clip(part, _MARGIN, 1 - _MARGIN)


def reparametrise(initial: Any, declared: NeuronParameter) -> Reparametrisation:
    """
    Return the reparametrisation of a parameter, by its bounds.

    Parameters
    ----------
    initial : array_like
        The initial values, shape ``(1,)`` or ``(n_neurons,)``.
    declared : NeuronParameter
        The declaration of the parameter.
    """
    if declared.positive:
        return Positive(initial, declared)
    return (Free if declared.bounds is None else Bounded)(initial, declared)


def _logit(part: np.ndarray) -> np.ndarray:
    return np.log(part) - np.log1p(-part)


def _cast(free: Any, values: np.ndarray) -> np.ndarray:
    """Return constants in the precision of the free numbers."""
    dtype = free.dtype
    return values.astype(getattr(dtype, "as_numpy_dtype", dtype))


class ParameterSignal(Signal):
    """
    The signal of a parameter, which holds its free numbers; see `Reparametrisation`.

    Parameters
    ----------
    reparametrisation : Reparametrisation
        The function from free numbers to values.
    trainable : bool
        Whether an optimiser changes it.
    name : str
        The name of the signal.
    dtype : np.dtype
        The type of the free numbers.
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
        # attributes that nengo_dl reads
        self.trainable = trainable
        self.minibatched = False

    def value(self, free: Any) -> np.ndarray:
        """Return the values of the parameter that free numbers stand for."""
        free = np.asarray(free)
        return np.asarray(self.reparametrisation.value(NumPyNamespace(free.dtype), free))

    def free(self, value: Any) -> np.ndarray:
        """Return the free numbers that stand for values of the parameter."""
        return self.reparametrisation.free(value)


def join(
    parameters: Sequence[ParameterSignal], sizes: Sequence[int]
) -> tuple[Reparametrisation, np.ndarray | None]:
    """
    Join the parameter of operators that are computed as one.

    Parameters
    ----------
    parameters : sequence of ParameterSignal
        The signal of the parameter, of all operators.
    sizes : sequence of int
        The number of units of the operators.

    Returns
    -------
    reparametrisation : Reparametrisation
        That of all values.
    index : array or None
        The index of a unit's value among all values; None if a single value is that of all units,
        or if every unit has one of its own.
    """
    parts = [signal.reparametrisation for signal in parameters]
    if len(parts) == 1:
        return parts[0], None
    joined = parts[0].joined(parts)
    if all(signal.size == size for signal, size in zip(parameters, sizes, strict=True)):
        return joined, None
    starts = np.cumsum([0, *(signal.size for signal in parameters)])
    index = [
        np.full(size, start) if signal.size == 1 else np.arange(start, start + size)
        for signal, start, size in zip(parameters, starts, sizes, strict=False)
    ]
    return joined, np.concatenate(index).astype(np.int32)
