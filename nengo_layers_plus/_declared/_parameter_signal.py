"""The signal of a parameter that trains."""

from __future__ import annotations

from typing import Any

import numpy as np
from nengo.builder import Signal

from nengo_layers_plus._declared._namespace import NumPyNamespace
from nengo_layers_plus._declared._reparametrisation import Reparametrisation


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
