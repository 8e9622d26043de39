"""A setting of an Ensemble: what was given, and what was built of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from nengo_layers_plus.graph import in_words, range_of


@dataclass(frozen=True, eq=False)
class SummarySetting:
    """
    A setting of an Ensemble: what was given, and what was built of it.

    Parameters
    ----------
    name : str
        E.g. ``"max_rates"``; of an initial state its name, such as ``"voltage"``.
    given : object
        What was given: a distribution, an array, or None.
    values : array or None
        The numbers that nengo built; of a Simulator those that it has now. None where there are
        none.
    set_by : str
        What set it: the call of a layer, one of its hooks or arguments, the configuration of a
        network, the object itself, or nengo's default.
    unit : str
        The unit of the numbers.
    initial_state : bool
        Whether it is what a state of the neurons begins with.
    """

    name: str
    given: Any
    values: np.ndarray | None = field(repr=False)
    set_by: str
    unit: str = ""
    initial_state: bool = False

    @property
    def given_in_words(self) -> str:
        """What was given: a distribution as it is written, an array by its shape and range."""
        return in_words(self.given)

    @property
    def built_in_words(self) -> str:
        """The least and the greatest of the numbers, with their unit."""
        if self.values is None:
            return "-"
        return f"{range_of(self.values)}{self.unit and f' {self.unit}'}"
