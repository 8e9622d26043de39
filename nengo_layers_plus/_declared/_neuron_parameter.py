"""What a neuron model says of one of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared._arguments import array_of, as_flag, as_text


@dataclass(frozen=True)
class NeuronParameter:
    """
    A parameter of a `.NeuronModel`, such as a time constant.

    Parameters
    ----------
    default : float
        Its value where none is given.
    unit : str
        Its unit, e.g. ``"s"`` or ``"Hz"``; empty for a plain number.
    positive : bool
        Whether it must be above 0. Training keeps it there.
    allows_zero : bool
        Whether one that is positive may also be 0. Training leaves a value of 0 as it is.
    bounds : (float, float), optional
        Between which values it must be, these excluded. Training keeps it there.
    trainable : bool
        Whether an optimiser moves it, unless a population says otherwise.
    per_neuron : bool
        Whether each neuron has a value of its own, unless a population says otherwise; else all
        neurons of a population share one.

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

    def check(self, name: str, value: Any, obj: Any = None) -> Any:
        """
        Check a value, and return it as a float or, with one for each neuron, as an array.

        Parameters
        ----------
        name : str
            The name of the parameter, for the error.
        value : float or array_like
            The value.
        obj : object
            Whose it is, for the error.

        Returns
        -------
        value : float or array
            An array is flat, and can't be written to.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it is no number, or not one that this parameter may have.
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
                f"expected a number, or an array with one for each neuron, got {value!r}{draws}",
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
            unit = f" ({self.unit})" if self.unit else ""
            wrong = array[~allowed].flat[0]
            raise ValidationError(f"expected values {words}{unit}, got {wrong}", attr=name, obj=obj)
        if array.ndim == 0:
            return float(array)
        array = array.ravel()
        array.setflags(write=False)
        return array
