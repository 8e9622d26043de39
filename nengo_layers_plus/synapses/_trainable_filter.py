"""The base of synapses whose time constant trains."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import BoolParam
from nengo.rc import rc
from nengo.synapses import LinearFilter, Synapse

from nengo_layers_plus._declared import NumPyNamespace, RealParam
from nengo_layers_plus.synapses._time_constant import TimeConstantParam


class TrainableFilter(LinearFilter):
    """
    A filter with a time constant that an optimiser moves.

    A subclass writes `coefficients` and `advance`, for arrays and for tensors alike.

    Parameters
    ----------
    tau : float or array_like
        The time constant (s), or one for each unit.
    per_unit : bool, optional
        Whether each unit has a time constant of its own. By default if ``tau`` is an array.
    trainable : bool
        Whether an optimiser moves it.
    **kwargs
        Arguments of `nengo.synapses.Synapse`.

    Attributes
    ----------
    n_stages : int
        Of the class: how many numbers it keeps for each unit; the last is its output.
    """

    n_stages: ClassVar[int] = 1

    default_dt = RealParam("default_dt", low=0, low_open=True)
    tau = TimeConstantParam("tau", readonly=True)
    per_unit = BoolParam("per_unit", default=None, optional=True, readonly=True)
    trainable = BoolParam("trainable", default=True, readonly=True)

    def __init__(
        self, tau: Any, *, per_unit: bool | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        # not that of LinearFilter, which wants one transfer function for all
        Synapse.__init__(self, **kwargs)
        self.tau = tau
        self.per_unit = per_unit
        self.trainable = trainable
        self.analog = True
        self.method = "zoh"
        if per_unit is False and np.ndim(self.tau):
            raise ValidationError(
                f"expected True or None for an array with one time constant for each unit, got "
                f"False. What to do: give one number as tau, or leave out per_unit (tau is an "
                f"array of {self.tau.size})",
                attr="per_unit",
                obj=self,
            )

    # what a subclass writes

    @staticmethod
    @abstractmethod
    def coefficients(xp: Any, ratio: Any) -> tuple[Any, ...]:
        """
        Return what `advance` needs of the time constant.

        Parameters
        ----------
        xp : Namespace
            Mathematics by NumPy's names.
        ratio : array
            How many time constants a step is long.
        """

    @staticmethod
    @abstractmethod
    def advance(signal: Any, stages: Sequence[Any], *coefficients: Any) -> tuple[Any, ...]:
        """
        Advance the filter by one step.

        Parameters
        ----------
        signal : array
            The input.
        stages : sequence of array
            What it keeps.
        *coefficients
            What `coefficients` returned.

        Returns
        -------
        stages : tuple of array
            The new ones; the last is the output.
        """

    @abstractmethod
    def denominator(self, tau: float) -> list[float]:
        """
        Return the denominator of the transfer function, whose numerator is 1.

        Parameters
        ----------
        tau : float
            The time constant (s).
        """

    # its time constants

    @property
    def has_one_per_unit(self) -> bool:
        """Whether each unit has a time constant of its own."""
        return bool(self.per_unit) or np.ndim(self.tau) > 0

    def values_for(self, shape: Sequence[int], where: Any = None) -> np.ndarray:
        """
        Return the time constants for a signal.

        Parameters
        ----------
        shape : sequence of int
            Its shape.
        where : object, optional
            The object that the synapse belongs to, for the error.

        Returns
        -------
        tau : array
            Shape ``(1,)`` or, with one for each unit, ``(n_units,)`` (s).

        Raises
        ------
        nengo.exceptions.ValidationError
            If an array has another size.
        """
        n_units = int(np.prod(shape, dtype=int))
        if np.ndim(self.tau) and self.tau.size != n_units:
            of = "" if where is None else f" of {where}"
            raise ValidationError(
                f"expected a number, or an array of {n_units}, one for each unit{of}; got an array "
                f"of {self.tau.size}",
                attr="tau",
                obj=self,
            )
        values = np.atleast_1d(np.asarray(self.tau, dtype=np.float64))
        return np.array(np.broadcast_to(values, (n_units,))) if self.has_one_per_unit else values

    # what nengo asks for

    @property
    def num(self) -> np.ndarray:
        """The numerator of the transfer function."""
        return np.ones(1)

    @property
    def den(self) -> np.ndarray:
        """The denominator of the transfer function, if all units share one."""
        if np.ndim(self.tau):
            raise ValidationError(
                "expected one time constant, got one for each unit, so that there is no transfer "
                "function which is that of all",
                attr="tau",
                obj=self,
            )
        return np.array(self.denominator(self.tau))

    def make_state(
        self, shape_in: Any, shape_out: Any, dt: float, dtype: Any = None, y0: Any = 0
    ) -> dict[str, np.ndarray]:
        """
        Make the state; see `nengo.synapses.Synapse`.

        Parameters
        ----------
        shape_in, shape_out : tuple of int
            The shape of the signal.
        dt : float
            The length of a step (s).
        dtype : np.dtype, optional
            The type of numbers.
        y0 : array_like
            The output from which it starts, as if the input had been constant.
        """
        if tuple(shape_in) != tuple(shape_out):
            raise ValidationError(
                f"expected an input of the shape of the output, {tuple(shape_out)}, got "
                f"{tuple(shape_in)}",
                attr="shape_in",
                obj=self,
            )
        dtype = np.dtype(rc.float_dtype if dtype is None else dtype)
        if dtype.kind != "f":
            raise ValidationError(f"expected a float type, got {dtype}", attr="dtype", obj=self)
        self.values_for(shape_out)
        state = np.zeros((self.n_stages, *shape_out), dtype)
        state[...] = 0 if y0 is None else y0
        return {"X": state}

    def make_step(
        self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Mapping[str, np.ndarray]
    ) -> Callable[[float, np.ndarray], np.ndarray]:
        """
        Make a function that advances the filter by one step; see `nengo.synapses.Synapse`.

        Parameters
        ----------
        shape_in, shape_out : tuple of int
            The shape of the signal.
        dt : float
            The length of a step (s).
        rng : np.random.RandomState
            Not used.
        state : Mapping of str to array
            What `make_state` made.
        """
        stages = state["X"]
        tau = self.values_for(shape_out)
        if tau.size > 1:
            tau = tau.reshape(shape_out)
        computed = self.coefficients(NumPyNamespace(), dt / tau)
        coefficients = [each.astype(stages.dtype) for each in computed]

        def step(_: float, signal: np.ndarray) -> np.ndarray:
            new = self.advance(signal, tuple(stages), *coefficients)
            for stage, value in zip(stages, new, strict=True):
                stage[...] = value
            return np.asarray(stages[-1])

        return step

    def replace(self, **changes: Any) -> Any:
        """
        Return a copy with other values for some of its arguments.

        Parameters
        ----------
        **changes
            Arguments of the class.
        """
        names = ("tau", "per_unit", "trainable", "default_size_in", "default_size_out")
        kept = {name: getattr(self, name) for name in (*names, "default_dt", "seed")}
        return type(self)(**{**kept, **changes})

    def __repr__(self) -> str:
        tau = self.tau
        shown = np.array2string(tau, threshold=6, separator=", ") if np.ndim(tau) else repr(tau)
        given = [f"tau={shown}"]
        given += [f"per_unit={self.per_unit}"] if self.per_unit is not None else []
        given += [] if self.trainable else ["trainable=False"]
        return f"{type(self).__name__}({', '.join(given)})"
