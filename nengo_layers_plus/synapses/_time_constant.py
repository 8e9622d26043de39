"""Time constants: what they may be, and how they are trained."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import Parameter

from nengo_layers_plus._declared import NeuronParameter, array_of
from nengo_layers_plus._declared._reparametrisation import MOST, Positive

TAU = NeuronParameter(0.005, unit="s", positive=True, trainable=True)
"""What is declared of the time constant of a synapse."""


class TimeConstants(Positive):
    """Time constants (s), which stay positive, and finite, however far an optimiser goes."""

    def ratio(self, xp: Any, free: Any, dt: float) -> Any:
        """
        Return how many time constants a step is long.

        Not the quotient with `value`: the gradient of that is not finite for tiny values.

        Parameters
        ----------
        xp : Namespace
            The namespace.
        free : array
            The free numbers.
        dt : float
            The length of a step (s).
        """
        dtype = getattr(free.dtype, "as_numpy_dtype", free.dtype)
        return (dt / self.initial).astype(dtype) * xp.exp(-xp.clip(free, -MOST, MOST))


class TimeConstantParam(Parameter):
    """A time constant (s), or an array with one for each unit."""

    equatable = True

    def coerce(self, instance: Any, value: Any) -> Any:
        """Check a value; return a float, or a flat array that can't be written to."""
        array = array_of(value)
        if array is None or array.size == 0:
            raise ValidationError(
                f"expected a time constant above 0 s, or an array with one for each unit, got "
                f"{value!r}",
                attr=self.name,
                obj=instance,
            )
        array = np.array(array, dtype=np.float64)
        allowed = np.isfinite(array) & (array > 0)
        if not allowed.all():
            wrong = array[~allowed].flat[0]
            instead = (
                ". What to do: use nengo.Lowpass(0), which does not train, to pass the input on"
                if wrong == 0
                else ""
            )
            raise ValidationError(
                f"expected values above 0 s, which are finite, got {wrong}{instead}",
                attr=self.name,
                obj=instance,
            )
        if array.ndim == 0:
            return super().coerce(instance, float(array))
        array = array.ravel()
        array.setflags(write=False)
        return super().coerce(instance, array)

    def equal(self, instance_a: Any, instance_b: Any) -> bool:
        """Say whether two synapses have the same."""
        one, other = self.__get__(instance_a, None), self.__get__(instance_b, None)
        return np.ndim(one) == np.ndim(other) and np.array_equal(one, other)

    def hashvalue(self, instance: Any) -> int:
        """Return a hash of it."""
        return hash(np.asarray(self.__get__(instance, None)).tobytes())
