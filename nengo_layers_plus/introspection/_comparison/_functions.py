"""Whether two functions of connections compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
from nengo.neurons import Direct

_N_POINTS = 64


def same_outputs(connection: nengo.Connection) -> Callable[[Any, Any], bool] | None:
    """
    Return how to find out whether a function computes the same as that of a connection.

    Decoders are solved for what a function returns for values of the ensemble, so that nothing else
    of it counts. Functions that run in each step may do anything, and are only looked at.

    Parameters
    ----------
    connection : nengo.Connection
        The connection.

    Returns
    -------
    equal : callable or None
        Takes two functions; None if they run in each step.
    """
    ensemble = connection.pre_obj
    if not isinstance(ensemble, nengo.Ensemble) or isinstance(ensemble.neuron_type, Direct):
        return None
    size = int(connection.pre.size_out)
    points = np.random.RandomState(0).uniform(-1, 1, (_N_POINTS, size)) * ensemble.radius

    def equal(function: Any, other: Any) -> bool:
        if not callable(function) or not callable(other):
            return False
        try:
            outputs, others = (
                np.array([each(point) for point in points]) for each in (function, other)
            )
            return np.array_equal(outputs, others, equal_nan=True)
        except Exception:  # the code of a user may fail in any way
            return False

    return equal
