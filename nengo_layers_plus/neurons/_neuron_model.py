"""Neurons that are written once, for NumPy and for TensorFlow."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

import nengo
import numpy as np
from nengo.dists import Distribution
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo.params import Parameter

from nengo_layers_plus._declared import (
    DeclaredParam,
    NeuronParameter,
    RealParam,
    array_of,
    as_aligned,
    as_flag,
    as_numbers,
    items_in,
    repr_of,
)
from nengo_layers_plus.neurons._dynamics_error import explained
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons
from nengo_layers_plus.neurons._response import gain_and_bias, steady_rates

_ARGUMENTS = ("xp", "dt", "current")
# Names with another meaning for an Ensemble or its neurons.
_TAKEN = {
    *inspect.signature(nengo.Ensemble.__init__).parameters,
    *("amplitude", "current", "dt", "in", "initial_state", "negative", "out", "output"),
    *("parameters", "per_neuron", "probeable", "spiking", "state", "trainable", "xp"),
}


class _NamesParam(Parameter):
    """Names of parameters; True: all, False: none, None: those whose declaration says so."""

    equatable = True

    def coerce(self, instance: Any, value: Any) -> Any:
        value = super().coerce(instance, value)
        if value is None or isinstance(value, bool | np.bool_):
            return None if value is None else bool(value)
        names = (value,) if isinstance(value, str) else items_in(value)
        declared = instance.parameters
        if names is None or not all(isinstance(name, str) for name in names):
            raise ValidationError(
                f"expected True, False, None, or names of parameters, got {value!r}",
                attr=self.name,
                obj=instance,
            )
        unknown = [name for name in names if name not in declared]
        if unknown:
            raise ValidationError(
                f"no parameter is called {', '.join(map(repr, unknown))}; "
                f"{type(instance).__name__} has {', '.join(declared) or 'none'}",
                attr=self.name,
                obj=instance,
            )
        return names


class NeuronModel(NeuronType):
    """
    A type of neurons that is written once, and runs in nengo and, compiled, in nengo_dl.

    A subclass declares its ``state`` and ``parameters`` and writes `dynamics`. It is used like any
    type of neurons of nengo, without registration.

    A spiking model trains as the spiking types of nengo_dl do: through its response curve, with a
    constant state. The curve is `rate_curve` if the subclass has one, else it is measured. A
    `.Surrogate` around the model trains it through its spikes and through time. A model that does
    not spike trains through time by itself.

    Parameters
    ----------
    amplitude : float
        A factor of the output.
    initial_state : dict
        Initial values by the name of a state: a distribution, a number for all neurons, or an
        array with one for each.
    trainable : bool, str or sequence of str, optional
        The parameters that an optimiser changes: those declared so (by default, and for True),
        none (False), or the named ones.
    per_neuron : bool, str or sequence of str, optional
        The parameters with one value per neuron. By default those declared so, and those given as
        arrays.
    **parameters
        Values of the declared parameters: a number, or an array with one value per neuron.

    Attributes
    ----------
    state : dict
        Of the class: the states of a neuron and their initial values, a distribution, a number or
        an array; see `nengo.neurons`.
    parameters : dict of NeuronParameter
        Of the class: the declarations of its parameters.
    spiking, negative : bool
        Of the class: whether its output is spikes, and whether it can be below 0.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a name or a value does not agree with the declarations.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import NeuronModel, NeuronParameter, nengo_dl
    >>> class Leaky(NeuronModel):
    ...     state = {"voltage": nengo.dists.Uniform(0, 1)}
    ...     parameters = {"tau": NeuronParameter(0.02, unit="s", positive=True, trainable=True)}
    ...     spiking = True
    ...
    ...     def dynamics(self, xp, dt, current, voltage, tau):
    ...         voltage = voltage + (current - voltage) * -xp.expm1(-dt / tau)
    ...         spikes = xp.spike(voltage - 1)
    ...         return spikes / dt, {"voltage": voltage * (1 - xp.reset(spikes))}
    >>> Leaky(tau=0.01)
    Leaky(tau=0.01)
    >>> with nengo.Network(seed=0) as net:
    ...     neurons = nengo.Ensemble(10, 1, neuron_type=Leaky()).neurons
    ...     probe = nengo.Probe(neurons, "voltage")
    >>> with nengo.Simulator(net, progress_bar=False) as sim:
    ...     sim.run_steps(5)
    >>> with nengo_dl.Simulator(net, progress_bar=False) as sim_dl:
    ...     sim_dl.run_steps(5)
    >>> bool(abs(sim.data[probe] - sim_dl.data[probe]).max() < 1e-5)
    True
    """

    parameters: ClassVar[Mapping[str, NeuronParameter]] = {}
    amplitude: Any = RealParam("amplitude", default=1, low=0, low_open=True, readonly=True)
    trainable: Any = _NamesParam("trainable", default=None, optional=True, readonly=True)
    per_neuron: Any = _NamesParam("per_neuron", default=None, optional=True, readonly=True)

    def __init__(
        self,
        *,
        amplitude: float = 1,
        initial_state: Mapping[str, Any] | None = None,
        trainable: bool | str | Iterable[str] | None = None,
        per_neuron: bool | str | Iterable[str] | None = None,
        **parameters: Any,
    ) -> None:
        if isinstance(initial_state, Mapping):  # nengo can't hash lists
            initial_state = {
                name: np.array(value) if isinstance(value, list | tuple) else value
                for name, value in initial_state.items()
            }
        super().__init__(initial_state)
        if type(self).dynamics is NeuronModel.dynamics:
            raise ValidationError(
                "expected a subclass that writes dynamics, got one that does not",
                attr="dynamics",
                obj=self,
            )
        unknown = [name for name in parameters if name not in self.parameters]
        if unknown:
            raise ValidationError(
                f"no parameter is called {', '.join(map(repr, unknown))}; there are "
                f"{', '.join((*self.parameters, 'amplitude', 'initial_state', 'trainable'))} and "
                "per_neuron",
                attr=unknown[0],
                obj=self,
            )
        self.amplitude = amplitude
        self.trainable = trainable
        self.per_neuron = per_neuron
        if trainable is True and not self.trainable_names:
            raise ValidationError(
                f"no parameter of {type(self).__name__} is declared to train; name those that "
                f"should, of {', '.join(self.parameters) or 'none'}",
                attr="trainable",
                obj=self,
            )
        for name, declared in self.parameters.items():
            setattr(self, name, parameters.get(name, declared.default))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _check_declarations(cls)
        for name, declared in cls.parameters.items():
            current = getattr(cls, name, None)
            if not isinstance(current, DeclaredParam) or current.declared != declared:
                setattr(cls, name, DeclaredParam(name, declared, default=declared.default))
        cls.parameters = MappingProxyType(dict(cls.parameters))
        if cls.dynamics is NeuronModel.dynamics:
            return
        names = (*cls.state, *cls.parameters)
        _check_signature(cls, "dynamics", _ARGUMENTS, names, names)
        if cls.rate_curve is not NeuronModel.rate_curve:
            _check_signature(cls, "rate_curve", ("xp", "current"), names, ())

    # to be written by a subclass

    def dynamics(
        self, xp: Any, dt: float, current: Any, *_: Any, **state_and_parameters: Any
    ) -> Any:
        """
        Advance the neurons by one step. A subclass must write this.

        It must be a pure function of its arguments, written with ``xp`` and operators, so that it
        works for arrays of NumPy and tensors of TensorFlow.

        Parameters
        ----------
        xp : NumPyNeurons or TensorFlowNeurons
            Mathematics by NumPy's names, and ``xp.spike``, ``xp.spike_count`` and ``xp.reset``.
        dt : float
            The length of the step (s).
        current : array
            The input, shape ``(n_neurons,)`` in nengo, ``(batch, n_neurons)`` in nengo_dl.
        **state_and_parameters
            The states, shaped like the input, and the parameters: numbers, or arrays that can be
            broadcast to the input.

        Returns
        -------
        output : array
            The output, shaped like the input. Spikes are ``xp.spike(...) / dt`` by convention, so
            that their mean is a rate in Hz.
        state : dict of array
            The new states by name. A model without states returns the output alone.
        """
        raise NotImplementedError(f"{type(self).__name__} has no dynamics")

    def rate_curve(self, xp: Any, current: Any, *_: Any, **state_and_parameters: Any) -> Any:
        """
        Return the steady firing rate (Hz); a subclass may write this for a spiking model.

        Without a `.Surrogate`, the model trains through this curve. Gains and biases are computed
        from it. Without a curve, rates are measured in simulations.

        Parameters
        ----------
        xp : NumPyNeurons or TensorFlowNeurons
            Mathematics by NumPy's names.
        current : array
            The input.
        **state_and_parameters
            The states and parameters that the method has arguments for. States are constant; where
            rates are computed without a simulation, they are 0.

        Returns
        -------
        rates : array
            The rates, shaped like the input.
        """
        raise NotImplementedError(f"{type(self).__name__} has no rate_curve")

    # parameters

    @property
    def trainable_names(self) -> tuple[str, ...]:
        """The names of the parameters that an optimiser changes."""
        return self._chosen(None if self.trainable is True else self.trainable, "trainable")

    @property
    def per_neuron_names(self) -> tuple[str, ...]:
        """The names of the parameters with one value per neuron."""
        chosen = self._chosen(self.per_neuron, "per_neuron")
        return tuple(
            name for name in self.parameters if name in chosen or np.ndim(getattr(self, name))
        )

    def _chosen(self, value: Any, attribute: str) -> tuple[str, ...]:
        if value is None:
            return tuple(k for k, item in self.parameters.items() if getattr(item, attribute))
        if isinstance(value, bool):
            return tuple(self.parameters) if value else ()
        return tuple(value)

    def values_for(self, n_neurons: int) -> dict[str, np.ndarray]:
        """
        Return the values of the parameters for a population.

        Parameters
        ----------
        n_neurons : int
            The size of the population.

        Returns
        -------
        values : dict of array
            Shape ``(1,)`` or, with one value per neuron, ``(n_neurons,)``.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an array has another size.
        """
        own = self.per_neuron_names
        return {
            name: self._paramdict[name].values_for(self, n_neurons, name in own)
            for name in self.parameters
        }

    def replace(self, **changes: Any) -> Any:
        """
        Return a copy with other values for some of its arguments.

        Parameters
        ----------
        **changes
            Arguments of the class.

        Raises
        ------
        nengo.exceptions.ValidationError
            If it has no such argument.
        """
        unknown = [name for name in changes if name not in self._paramdict]
        if unknown:
            got = ", ".join(map(repr, unknown))
            raise ValidationError(
                f"expected some of {', '.join(self._paramdict)}, got {got}",
                attr="replace",
                obj=self,
            )
        copy: Any = object.__new__(type(self))
        state: Any = self.__getstate__()
        copy.__setstate__({**state, **changes})
        return copy

    # nengo's interface

    def make_state(
        self, n_neurons: int, rng: Any = np.random, dtype: Any = None
    ) -> dict[str, np.ndarray]:
        """
        Return the initial states; see `nengo.neurons.NeuronType`.

        Parameters
        ----------
        n_neurons : int
            The number of neurons. An initial value that is a number is that of all of them.
        rng : np.random.RandomState
            Draws from distributions.
        dtype : np.dtype, optional
            The type of numbers.

        Returns
        -------
        state : dict of array
            An array of shape ``(n_neurons,)`` for each state.

        Raises
        ------
        nengo.exceptions.ValidationError
            If an array has another length.
        """
        state = super().make_state(n_neurons, rng=rng, dtype=dtype)
        for name, values in state.items():
            if values.shape not in ((), (n_neurons,)):
                raise ValidationError(
                    f"{name}: expected a number, or an array of {n_neurons}, one for each neuron; "
                    f"got an array of shape {values.shape}",
                    attr="initial_state" if name in (self.initial_state or {}) else "state",
                    obj=self,
                )
            state[name] = np.array(np.broadcast_to(values, (n_neurons,)))
        return state

    def step(self, dt: float, J: Any, output: Any, **state: Any) -> None:  # noqa: N803  nengo's
        """
        Advance the neurons by one step, in place; see `nengo.neurons.NeuronType`.

        Parameters
        ----------
        dt : float
            The length of the step (s).
        J : array
            The input, shape ``(n_neurons,)``.
        output : array
            Is set to the output.
        **state : array
            Are set to the new states.
        """
        xp = NumPyNeurons(np.asarray(output).dtype)
        values = {name: getattr(self, name) for name in self.parameters}
        for name, value in values.items():
            if np.ndim(value) and value.size != np.size(J):
                # nengo merges populations of equal types
                values[name] = np.tile(value, np.size(J) // value.size)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            result, new = self.advance(xp, dt, J, state, values)
        # copies, since a new state may be an array of the old ones
        new = {name: np.array(value) for name, value in new.items()}
        output[...] = result
        for name, value in new.items():
            state[name][...] = value

    def advance(
        self, xp: Any, dt: float, current: Any, state: Mapping[str, Any], values: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """
        Call `dynamics`, and check its result.

        Parameters
        ----------
        xp, dt, current
            See `dynamics`.
        state, values : Mapping
            The states and the values of the parameters by name.

        Returns
        -------
        output : array
            The output, times the amplitude.
        state : dict of array
            The new states.

        Raises
        ------
        nengo.exceptions.ValidationError
            If `dynamics` does not return an output and all states, or does not run for both NumPy
            and TensorFlow. The error says what to write instead.
        """
        result = self._run(self.dynamics, xp, dt, current, **state, **values)
        if not self.state and not isinstance(result, tuple):
            result = (result, {})
        is_pair = isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], Mapping)
        if not is_pair or set(result[1]) != set(self.state):
            got = f"an output and {sorted(result[1])}" if is_pair else f"a {type(result).__name__}"
            raise ValidationError(
                f"expected the output and a dict with the new value of each state "
                f"({', '.join(self.state) or 'none'}), got {got}",
                attr="dynamics",
                obj=self,
            )
        output, new = result
        if self.amplitude != 1:
            output = output * self.amplitude
        return output, {name: new[name] for name in self.state}

    def _run(self, method: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a method of a subclass; a known error says what to write instead."""
        try:
            return method(*args, **kwargs)
        except Exception as error:
            known = explained(error, method, self)
            if known is None:
                raise
            raise known from error

    @property
    def has_rate_curve(self) -> bool:
        """Whether a class with these `dynamics`, or a subclass of it, has a `rate_curve`."""
        of_dynamics, of_curve = (
            next(cls for cls in type(self).__mro__ if name in vars(cls))
            for name in ("dynamics", "rate_curve")
        )
        # the curve of a base class is not that of dynamics that were overridden
        return of_curve is not NeuronModel and issubclass(of_curve, of_dynamics)

    def curve(
        self, xp: Any, current: Any, state: Mapping[str, Any], values: Mapping[str, Any]
    ) -> Any:
        """
        Call `rate_curve` with the states and parameters that it has arguments for.

        Parameters
        ----------
        xp, current
            See `rate_curve`.
        state, values : Mapping
            The states and the values of the parameters by name.
        """
        taken = _arguments_of(self.rate_curve)
        given = {
            name: value
            for name, value in {**state, **values}.items()
            if taken is None or name in taken
        }
        rates = self._run(self.rate_curve, xp, current, **given)
        return rates if self.amplitude == 1 else rates * self.amplitude

    @property
    def curve_names(self) -> tuple[str, ...]:
        """The names of the parameters that `rate_curve` depends on."""
        taken = _arguments_of(self.rate_curve)
        return tuple(name for name in self.parameters if taken is None or name in taken)

    def __eq__(self, other: object) -> bool:
        # nengo and nengo_dl merge populations of equal types
        return bool(super().__eq__(other)) and (
            self is other or _are_equal(_undeclared_attributes(self), _undeclared_attributes(other))
        )

    def __hash__(self) -> int:
        return int(super().__hash__())

    def rates(self, x: Any, gain: Any, bias: Any) -> np.ndarray:
        """
        Return the steady output, in Hz for a model that spikes; see `nengo.neurons.NeuronType`.

        Parameters
        ----------
        x : array_like
            Represented values, shape ``(n_samples,)`` or ``(n_samples, n_neurons)``.
        gain, bias : array_like
            Gains and biases, shape ``(n_neurons,)``.

        Returns
        -------
        rates : array
            Shape ``(n_samples, n_neurons)``.
        """
        gain, bias = as_aligned(self, gain=gain, bias=bias)
        current = self.current(as_numbers(x, "x", self), gain, bias)
        self.values_for(current.shape[-1])  # raises if an array has another size
        return steady_rates(self, current)

    def gain_bias(self, max_rates: Any, intercepts: Any) -> tuple[np.ndarray, np.ndarray]:
        """
        Return gains and biases, from the response curve; see `nengo.neurons.NeuronType`.

        Parameters
        ----------
        max_rates : array_like
            The output for 1 (Hz for a model that spikes), shape ``(n_neurons,)``.
        intercepts : array_like
            The represented value from which on the output is above 0.

        Returns
        -------
        gain, bias : array
            Shape ``(n_neurons,)``.
        """
        max_rates, intercepts = as_aligned(self, max_rates=max_rates, intercepts=intercepts)
        if max_rates.ndim > 1 or intercepts.ndim > 1:
            raise ValidationError(
                f"expected a number for each neuron, got {max_rates!r} and {intercepts!r}",
                attr="max_rates, intercepts",
                obj=self,
            )
        self.values_for(np.size(max_rates))  # raises if an array has another size
        return gain_and_bias(self, max_rates, intercepts)

    def __repr__(self) -> str:
        last = ("amplitude", "initial_state", "trainable", "per_neuron")
        own = (name for name in self._paramdict if name not in (*self.parameters, *last))
        return repr_of(self, (*self.parameters, *own, *last))


def _undeclared_attributes(model: Any) -> dict[str, Any]:
    """Return the attributes that are not declared, by name."""
    return {
        name: value
        for name, value in vars(model).items()
        if name != "_paramdict" and name not in model._paramdict and "argreprs" not in name
    }


def _are_equal(one: Any, other: Any) -> bool:
    """Say whether two values are known to be equal."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_are_equal(one[k], other[k]) for k in one)
    try:
        return bool(np.array_equal(one, other))
    except Exception:  # values that can't be compared
        return False


def _arguments_of(method: Any) -> Mapping[str, Any] | None:
    """Return the arguments of a method; None if it takes any."""
    taken = inspect.signature(method).parameters
    return None if any(item.kind is item.VAR_KEYWORD for item in taken.values()) else taken


def _check_declarations(cls: type[NeuronModel]) -> None:
    """Check the declarations of a subclass."""
    for attr, expected in (("state", "values"), ("parameters", "NeuronParameters")):
        declared = getattr(cls, attr)
        if not isinstance(declared, Mapping) or not all(isinstance(key, str) for key in declared):
            raise ValidationError(
                f"expected a dict of {expected} by their names, got {declared!r}", attr, cls
            )
    for name, value in cls.state.items():
        numbers = None if isinstance(value, Distribution) else array_of(value)
        if not isinstance(value, Distribution) and (numbers is None or numbers.ndim > 1):
            raise ValidationError(
                f"{name}: expected its initial value, a number, an array with one for each "
                f"neuron or a distribution, got {value!r}",
                attr="state",
                obj=cls,
            )
    for attr in ("spiking", "negative"):
        if not isinstance(getattr(cls, attr), property):
            as_flag(getattr(cls, attr), attr, cls)
    for attr in ("dynamics", "rate_curve"):
        if not inspect.isroutine(getattr(cls, attr)):
            raise ValidationError(f"expected a method, got {getattr(cls, attr)!r}", attr, cls)
    for name, declared in cls.parameters.items():
        if not isinstance(declared, NeuronParameter):
            raise ValidationError(
                f"expected a NeuronParameter, got {declared!r}", attr=name, obj=cls
            )
        taken = name in _TAKEN or hasattr(NeuronModel, name)
        if taken or name in cls.state or not str(name).isidentifier():
            raise ValidationError(
                "a parameter can't have this name, which "
                + ("is that of a state" if name in cls.state else "means something else here"),
                attr=name,
                obj=cls,
            )


def _check_signature(
    cls: type, name: str, leading: tuple[str, ...], names: Iterable[str], needed: Iterable[str]
) -> None:
    """Check that a method has arguments for the states and parameters."""
    arguments = list(inspect.signature(getattr(cls, name)).parameters.values())[1:]
    named = [item.name for item in arguments if item.kind is not item.VAR_KEYWORD]
    rest = set(named[len(leading) :])
    missing = set(needed) - rest if len(named) == len(arguments) else set()
    if tuple(named[: len(leading)]) != leading or missing or rest - set(names):
        expected = ", ".join(("self", *leading, *names))
        got = ", ".join(("self", *(item.name for item in arguments)))
        raise ValidationError(
            f"expected the arguments ({expected}), which are those declared in state and "
            f"parameters; got ({got})",
            attr=name,
            obj=cls,
        )
