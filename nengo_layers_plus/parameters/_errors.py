"""The errors of parameters, and the table of those that do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus.graph import Shape, Table, render


class _PlainError(ValidationError):
    """A ValidationError whose message stands as it is."""

    def __init__(self, msg: str, attr: str = "parameters", obj: Any = None) -> None:
        super().__init__(msg, attr=attr, obj=obj)

    def __str__(self) -> str:
        return str(self.args[0])


class ParameterError(_PlainError):
    """Parameters can't be saved, loaded or frozen as they are; the message says what to do."""


class ParameterFileError(ParameterError):
    """A file is not one that `.save_parameters` wrote, or not all of it is there."""


class MissingParameterFileError(ParameterFileError, FileNotFoundError):
    """There is no such file."""


class ParameterMismatchError(ParameterError):
    """
    Parameters that were saved do not fit a network.

    Parameters
    ----------
    msg : str
        A table of all that does not fit.
    missing : tuple of str
        Names of parameters of the network that were not saved.
    extra : tuple of str
        Names that were saved and that no parameter of the network has.
    other_shape : dict
        By name, the shape that was saved and that of the network.
    other_amplitude : dict
        By the names of gains and biases, the amplitude of the neurons where they were saved and
        here.
    contradicted : dict
        By the names of what the network itself gives numbers for, what was saved and what it
        gives, in words.
    """

    def __init__(
        self,
        msg: str,
        missing: tuple[str, ...] = (),
        extra: tuple[str, ...] = (),
        other_shape: Mapping[str, tuple[Shape, Shape]] | None = None,
        other_amplitude: Mapping[str, tuple[float, float]] | None = None,
        contradicted: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(msg)
        self.missing = missing
        self.extra = extra
        self.other_shape = dict(other_shape or {})
        self.other_amplitude = dict(other_amplitude or {})
        self.contradicted = dict(contradicted or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], *vars(self).values())


def mismatch_table(rows: Sequence[Sequence[str]]) -> str:
    """Write parameters that do not fit, one a row: name, saved, in the network, what is wrong."""
    return render([Table(("parameter", "saved", "in the network", "what is wrong"), rows)])


class SimulatorBuiltError(ParameterError):
    """
    What trains was asked to change of a Simulator, where it is fixed.

    Parameters
    ----------
    msg : str
        What to do instead.
    parameters : dict of numpy.ndarray
        The values of the Simulator's parameters by name, to be given to `.load_parameters` with
        the new Simulator.
    """

    def __init__(self, msg: str, parameters: Mapping[str, np.ndarray] | None = None) -> None:
        super().__init__(msg)
        self.parameters = dict(parameters or {})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.parameters)
