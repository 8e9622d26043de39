"""What a neuron model says of one of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError


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
        if self.bounds is not None:
            low, high = (float(each) for each in self.bounds)
            if not low < high or not np.isfinite([low, high]).all():
                raise ValidationError(
                    f"expected two finite numbers, the lower first, got {self.bounds!r}",
                    attr="bounds",
                    obj=self,
                )
            if self.positive:
                raise ValidationError(
                    "expected bounds or positive, got both; bounds are enough",
                    attr="positive",
                    obj=self,
                )
            object.__setattr__(self, "bounds", (low, high))
        if np.ndim(self.default):
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
        try:
            array = np.asarray(value)
            if array.dtype.kind not in "iuf" or array.size == 0:
                raise TypeError
            array = np.array(array, dtype=np.float64)
        except (TypeError, ValueError):
            draws = (
                "; ensemble_kwargs of a layer take it, and draw a value for each neuron"
                if isinstance(value, nengo.dists.Distribution)
                else ""
            )
            raise ValidationError(
                f"expected a number, or an array with one for each neuron, got {value!r}{draws}",
                attr=name,
                obj=obj,
            ) from None
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
