"""A report of firing rates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nengo_layers_plus._declared import as_number, as_numbers, as_range, as_text


@dataclass(frozen=True, eq=False)
class FiringRates:
    """
    The firing rates that neurons have, beside those that they should have.

    Parameters
    ----------
    rates : array
        The mean rate (Hz) of each neuron, over samples and time, shape ``(n_neurons,)``.
    target : tuple of float
        The lowest and the highest rate (Hz) that is welcome.
    name : str or None
        The label of the neurons.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the rates are no numbers, the target no two numbers in order, or the name no text.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.layers import FiringRates
    >>> print(FiringRates(np.array([0.0, 15.0, 18.0, 31.0]), (10, 20), "hidden"))
    hidden: mean 16.0 Hz, median 16.5 Hz, highest 31.0 Hz; 50 % in 10 to 20 Hz, 25 % silent
    """

    rates: np.ndarray
    target: tuple[float, float]
    name: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", as_numbers(self.rates, "rates", self))
        object.__setattr__(self, "target", as_range(self.target, "target", self))
        as_text(self.name, "name", self)

    @classmethod
    def from_output(
        cls, output: Any, amplitude: float, target: tuple[float, float], name: str | None = None
    ) -> FiringRates:
        """
        Make the report from what neurons put out.

        Parameters
        ----------
        output : array_like
            The output, as a probe records it, ``(batch, time, n_neurons)`` or
            ``(time, n_neurons)``.
        amplitude : float
            What 1 Hz counts for in it.
        target : tuple of float
            The lowest and the highest rate (Hz) that is welcome.
        name : str, optional
            The label of the neurons.
        """
        values = as_numbers(output, "output", cls)
        amplitude = as_number(amplitude, "amplitude", cls, above=0)
        return cls(values.mean(axis=tuple(range(values.ndim - 1))) / amplitude, target, name)

    @property
    def in_target(self) -> float:
        """The share of the neurons whose rate is in the range."""
        low, high = self.target
        return float(np.mean((self.rates >= low) & (self.rates <= high)))

    @property
    def silent(self) -> float:
        """The share of the neurons that do not fire."""
        return float(np.mean(self.rates == 0))

    def __str__(self) -> str:
        low, high = self.target
        welcome = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        return (
            f"{self.name or 'neurons'}: mean {self.rates.mean():.1f} Hz, median "
            f"{np.median(self.rates):.1f} Hz, highest {self.rates.max():.1f} Hz; "
            f"{self.in_target:.0%} in {welcome} Hz, {self.silent:.0%} silent"
        ).replace("%", " %")
