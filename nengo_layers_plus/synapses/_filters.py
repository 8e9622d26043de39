"""Filters whose time constants train: their base, lowpass and alpha."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.params import BoolParam
from nengo.rc import rc
from nengo.synapses import LinearFilter, Synapse

from nengo_layers_plus._declared import (
    DeclaredParam,
    NeuronParameter,
    NumPyNamespace,
    RealParam,
    array_of,
    repr_of,
)

TAU = NeuronParameter(0.005, unit="s", positive=True, trainable=True)
"""The declaration of the time constant of a synapse."""


class _TimeConstantParam(DeclaredParam):
    """A time constant (s), or an array with one per unit."""

    def coerce(self, instance: Any, value: Any) -> Any:
        array = array_of(value)
        if array is not None and (array == 0).any():
            raise ValidationError(
                "expected values above 0 (s), got 0.0. What to do: use nengo.Lowpass(0), "
                "which does not train, to pass the input on",
                attr=self.name,
                obj=instance,
            )
        return super().coerce(instance, value)


class TrainableFilter(LinearFilter):
    """
    A filter with a time constant that an optimiser changes.

    A subclass writes `coefficients`, `advance` and `denominator`, the first two for both arrays and
    tensors.

    Parameters
    ----------
    tau : float or array_like
        The time constant (s), or one for each unit.
    per_unit : bool, optional
        Whether every unit has a time constant of its own. By default if ``tau`` is an array.
    trainable : bool
        Whether an optimiser changes it.
    **kwargs
        Arguments of `nengo.synapses.Synapse`.

    Attributes
    ----------
    n_stages : int
        Of the class: the number of state variables per unit; the last is the output.
    """

    n_stages: ClassVar[int] = 1

    default_dt = RealParam("default_dt", low=0, low_open=True)
    tau = _TimeConstantParam("tau", TAU, unit="unit")
    per_unit = BoolParam("per_unit", default=None, optional=True, readonly=True)
    trainable = BoolParam("trainable", default=True, readonly=True)

    def __init__(
        self, tau: Any, *, per_unit: bool | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        # not LinearFilter.__init__, which needs a transfer function
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

    # to be written by a subclass

    @staticmethod
    @abstractmethod
    def coefficients(xp: Any, ratio: Any) -> tuple[Any, ...]:
        """
        Return the coefficients of `advance`, which depend on the time constant.

        Parameters
        ----------
        xp : Namespace
            Mathematics by NumPy's names.
        ratio : array
            The length of a step in time constants.
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
            The state variables.
        *coefficients
            The result of `coefficients`.

        Returns
        -------
        stages : tuple of array
            The new state variables; the last is the output.
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

    # time constants

    def values_for(self, shape: Sequence[int], where: Any = None) -> np.ndarray:
        """
        Return the time constants for a signal.

        Parameters
        ----------
        shape : sequence of int
            The shape of the signal.
        where : object, optional
            The owner of the synapse, for the error.

        Returns
        -------
        tau : array
            Shape ``(1,)`` or, with one per unit, ``(n_units,)`` (s).

        Raises
        ------
        nengo.exceptions.ValidationError
            If an array has another size.
        """
        n_units = int(np.prod(shape, dtype=int))
        place = "" if where is None else f" of {where}"
        return self._paramdict["tau"].values_for(self, n_units, bool(self.per_unit), place)

    # nengo's interface

    @property
    def num(self) -> np.ndarray:
        """The numerator of the transfer function."""
        return np.ones(1)

    @property
    def den(self) -> np.ndarray:
        """The denominator of the transfer function, if all units share a time constant."""
        if np.ndim(self.tau):
            raise ValidationError(
                "expected one time constant, got one for each unit, so that there is no common "
                "transfer function",
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
            The data type.
        y0 : array_like
            The initial output, as after a constant input.
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
            The result of `make_state`.
        """
        stages = state["X"]
        tau = self.values_for(shape_out)
        if tau.size > 1:
            tau = tau.reshape(shape_out)
        computed = self.coefficients(NumPyNamespace(), dt / tau)
        coefficients = [value.astype(stages.dtype) for value in computed]

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
        return repr_of(self, ("tau", "per_unit", "trainable"))


class TrainableLowpass(TrainableFilter, nengo.Lowpass):
    r"""
    A lowpass synapse whose time constant an optimiser changes.

    It is used wherever nengo takes a synapse, and filters as `nengo.Lowpass` does,

    .. math:: \tau \frac{dy}{dt} = u - y, \qquad
       y_k = e^{-dt/\tau} \, y_{k-1} + (1 - e^{-dt/\tau}) \, u_k,

    with the input :math:`u`, constant within a step, and the output :math:`y`. In
    `nengo_dl.Simulator` and `.Simulator`, ``fit`` changes :math:`\tau`, and gradients pass through
    the filter, backward in time.

    Parameters
    ----------
    tau : float or array_like
        The time constant (s), above 0: a number, which all units share, or an array with one per
        unit, which is flattened. A unit is a dimension of the filtered signal.
    per_unit : bool, optional
        Whether every unit has a time constant of its own, even if ``tau`` is a number. By default
        if ``tau`` is an array.
    trainable : bool
        Whether an optimiser changes it.
    **kwargs
        Arguments of `nengo.synapses.Synapse`.

    Raises
    ------
    nengo.exceptions.ValidationError
        If ``tau`` is not above 0, and, when the network is built, if an array has another size
        than the filtered signal.

    Warns
    -----
    UserWarning
        When the network is built for nengo_dl, if a time constant that should train is at most
        0.03 steps: then the filter passes its input on, and the gradient is 0.

    Notes
    -----
    The trained variable is :math:`\theta` in :math:`\tau = \tau_0 e^\theta`, initially 0, so that
    :math:`\tau` stays above 0, and equal steps of the optimiser are equal factors.

    Where one object is the synapse of several connections, every connection has a :math:`\tau` of
    its own, with the same initial values.

    It does not train if nengo_dl's settings exclude it: ``inference_only``, or ``trainable`` in the
    network's configuration, for connections or for one, as `nengo_dl.Layer` sets it. The settings
    of `.CustomLayer` for its connections concern their weights, not synapses. In learning rules it
    does not train.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import nengo_dl
    >>> from nengo_layers_plus.synapses import TrainableLowpass
    >>> with nengo.Network(seed=0) as net:
    ...     source = nengo.Node([0.0])
    ...     fast = nengo.Probe(source, synapse=nengo.Lowpass(0.005))
    ...     probe = nengo.Probe(source, synapse=TrainableLowpass(0.02))
    >>> x = {source: np.ones((1, 30, 1))}
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     y = {probe: sim.predict(x, verbose=0)[fast]}
    ...     sim.compile(optimizer=tf.optimizers.Adam(0.1), loss={probe: "mse"})
    ...     history = sim.fit(x, y, epochs=60, verbose=0, stateful=False)
    >>> losses = history.history["loss"]
    >>> bool(losses[-1] < losses[0] / 100)
    True
    """

    n_stages = 1

    @staticmethod
    def coefficients(xp: Any, ratio: Any) -> tuple[Any, ...]:
        """Return the factors of the previous output and of the input."""
        return xp.exp(-ratio), -xp.expm1(-ratio)

    @staticmethod
    def advance(signal: Any, stages: Sequence[Any], *coefficients: Any) -> tuple[Any, ...]:
        """Advance by one step."""
        (output,) = stages
        kept, taken = coefficients
        return (output * kept + signal * taken,)

    def denominator(self, tau: float) -> list[float]:
        """Return the denominator of the transfer function."""
        return [tau, 1.0]


class TrainableAlpha(TrainableFilter, nengo.Alpha):
    r"""
    An alpha synapse whose time constant an optimiser changes.

    It is used wherever nengo takes a synapse, and filters as `nengo.Alpha` does: with the impulse
    response :math:`\frac{t}{\tau^2} e^{-t/\tau}`, which is that of two lowpass filters in series,

    .. math:: \tau \frac{dx}{dt} = u - x, \qquad \tau \frac{dy}{dt} = x - y,

    with the input :math:`u`, constant within a step, and the output :math:`y`. With
    :math:`a = e^{-dt/\tau}` a step is, exactly,

    .. math::
       x_k &= a \, x_{k-1} + (1 - a) \, u_k, \\
       y_k &= a \, y_{k-1} + (1 - a) \, u_k + a \frac{dt}{\tau} (x_{k-1} - u_k).

    Parameters
    ----------
    tau : float or array_like
        The time constant (s), above 0: a number, which all units share, or an array with one per
        unit, which is flattened. A unit is a dimension of the filtered signal.
    per_unit : bool, optional
        Whether every unit has a time constant of its own, even if ``tau`` is a number. By default
        if ``tau`` is an array.
    trainable : bool
        Whether an optimiser changes it.
    **kwargs
        Arguments of `nengo.synapses.Synapse`.

    Raises
    ------
    nengo.exceptions.ValidationError
        As for `.TrainableLowpass`, whose notes on training hold here too.

    Warns
    -----
    UserWarning
        As for `.TrainableLowpass`.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> from nengo_layers_plus import nengo_dl
    >>> from nengo_layers_plus.synapses import TrainableAlpha
    >>> with nengo.Network(seed=0) as net:
    ...     source = nengo.Node([1.0, 1.0])
    ...     fast_and_slow = nengo.Probe(source, synapse=TrainableAlpha([0.002, 0.02]))
    ...     fast = nengo.Probe(source[0], synapse=nengo.Alpha(0.002))
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(10)
    >>> np.allclose(sim.data[fast_and_slow][:, :1], sim.data[fast], atol=1e-5)
    True
    >>> [round(float(value), 2) for value in sim.data[fast_and_slow][-1]]
    [0.94, 0.08]
    """

    n_stages = 2

    @staticmethod
    def coefficients(xp: Any, ratio: Any) -> tuple[Any, ...]:
        """Return the factors of the stages, of the input, and of the step between the stages."""
        kept = xp.exp(-ratio)
        return kept, -xp.expm1(-ratio), kept * ratio

    @staticmethod
    def advance(signal: Any, stages: Sequence[Any], *coefficients: Any) -> tuple[Any, ...]:
        """Advance by one step."""
        stage, output = stages
        kept, taken, passed = coefficients
        driven = signal * taken
        return stage * kept + driven, output * kept + driven + (stage - signal) * passed

    def denominator(self, tau: float) -> list[float]:
        """Return the denominator of the transfer function."""
        return [tau**2, 2 * tau, 1.0]
