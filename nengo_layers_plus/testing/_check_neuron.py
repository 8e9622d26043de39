"""The contract of a type of neurons, to be checked on any model that is written once."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo.rc import rc

from nengo_layers_plus._declared import as_count, as_number, derivative
from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf
from nengo_layers_plus.neurons._dynamics_error import (
    DynamicsError,
    check_in_tensorflow,
    is_one_high,
)
from nengo_layers_plus.neurons._known_types import model_of
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons, TensorFlowNeurons
from nengo_layers_plus.neurons._surrogate import native_of
from nengo_layers_plus.simulator import Simulator
from nengo_layers_plus.surrogate import SurrogateFunction
from nengo_layers_plus.testing._check_layer import BrokenPromiseError
from nengo_layers_plus.testing._neuron_runs import (
    INPUT,
    N_WARM,
    Arrays,
    NeuronRuns,
    magnitude,
    shaped_like,
)

# Steps that are run to compare gradients, to find out whether they arrive, and in simulations.
_N_SMOOTH, _N_GRADIENT, _N_SIMULATED = 10, 60, 40
_N_OTHERS = 3  # neurons of a second population in the same network
_N_ITEMS = 4  # in a minibatch
_N_PERTURBED = 8
# Rounding, as a part of the largest number, and what is taken for a perturbation within it.
_ROUNDING = {"float64": (1e-9, 1e-12), "float32": (1e-5, 4e-7)}
_RATE_TIME = 1.0  # s, once to settle and once to count
_RATE_TOLERANCE = 0.1, 2.0  # as a part, and in Hz
_DIFFERENCE = 1e-6  # the step of finite differences, as a part of a number
_GRADIENT_TOLERANCE = 1e-4

_BOTH = "`dynamics` is written for arrays of NumPy and tensors of TensorFlow, by xp and operators"
_HZ = "the output of a model that spikes is in Hz"
_PURE = "`dynamics` is a pure function of its arguments"
_SHAPES = "the output and each state are shaped like the input"
_ALONE = "each neuron is computed by itself"
_SAME = "NumPy and TensorFlow compute the same numbers"
_SIMULATORS = "every Simulator computes the same numbers"
_CURVE = "the output in the long run is that of `rate_curve`"
_SLOPE = "the slope of a surrogate is the derivative of its primitive"
_GRADIENT = "a gradient is the derivative of what is computed"
_REACHES = "gradients reach the input and each parameter that trains"
_FINITE = "numbers and gradients are finite, however large the input"
_AMPLITUDE = "the amplitude is a factor of the output"
_COPIES = "neurons can be copied, stored and compared"


def check_neuron(
    neurons: NeuronType, *, dt: float = 0.001, n_neurons: int | None = None, seed: int = 0
) -> None:
    """
    Check that a type of neurons keeps what every model that is written once promises.

    It is run by itself, in NumPy and in TensorFlow, and in networks, in `nengo.Simulator`,
    `nengo_dl.Simulator` and `.Simulator`, with minibatches of 1 and 4. The inputs are random, of
    the size that makes it fire at about 100 Hz. It must compute the same numbers everywhere, each
    neuron by itself, in the long run those of its ``rate_curve``; its gradients must be those
    of what it computes, and reach all that trains; nothing may be infinite for large inputs; and
    it must be possible to copy, to store and to compare it.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        A `.NeuronModel`, a `.Surrogate`, or a type of nengo or nengo_dl that can be computed as
        one. A model that spikes and has no Surrogate around it is given one for the checks of
        gradients.
    dt : float
        The length of a step (s), 1 at most.
    n_neurons : int, optional
        How many neurons are run. By default as many as the parameters have values for, if these
        are arrays, else a few.
    seed : int
        Of the random numbers.

    Raises
    ------
    BrokenPromiseError
        If a promise is broken. The error names it.
    TypeError
        If ``neurons`` is not such a type.
    nengo.exceptions.ValidationError
        If another argument is no number that it may be.
    RuntimeError
        If it is called inside a network.

    Notes
    -----
    Gradients of spikes are checked on smooth neurons, for which the primitive of the surrogate
    takes the place of the spikes: these have derivatives. A surrogate whose slope is, by choice,
    not the derivative of its primitive breaks a promise here.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import NeuronModel
    >>> from nengo_layers_plus.neurons import LeakyIntegrator
    >>> from nengo_layers_plus.testing import check_neuron
    >>> check_neuron(LeakyIntegrator(tau=0.05))
    >>> class Forgetful(NeuronModel):
    ...     state = {"voltage": nengo.dists.Choice([0])}
    ...
    ...     def dynamics(self, xp, dt, current, voltage):
    ...         voltage += current * dt  # changes what it was given
    ...         return voltage, {"voltage": voltage}
    >>> check_neuron(Forgetful())  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    nengo_layers_plus.testing._check_layer.BrokenPromiseError: Forgetful() breaks the promise ...
    """
    check_neurons([neurons], dt=dt, n_neurons=n_neurons, seed=seed)


def check_neurons(
    types: Sequence[NeuronType], *, dt: float = 0.001, n_neurons: int | None = None, seed: int = 0
) -> None:
    """
    Check several types of neurons, all in one network: faster than one after the other.

    Parameters
    ----------
    types : sequence of nengo.neurons.NeuronType
        The types.
    dt, n_neurons, seed
        See `check_neuron`.
    """
    if nengo.Network.context:
        raise RuntimeError("check_neuron makes its own networks: call it outside of any network")
    dt = as_number(dt, "dt", check_neuron, above=0)
    if dt > _RATE_TIME:
        raise ValidationError(
            f"expected at most the {_RATE_TIME:g} s in which rates are counted, got {dt!r}",
            attr="dt",
            obj=check_neuron,
        )
    if n_neurons is not None:
        n_neurons = as_count(n_neurons, "n_neurons", check_neuron)
    seed = as_count(seed, "seed", check_neuron, low=0)
    bits = rc.get("precision", "bits")
    rc.set("precision", "bits", "64")  # whatever the user has set
    try:
        with warnings.catch_warnings(), random_state_kept():
            # warnings of a user's own run of the network are not the subject here
            warnings.simplefilter("ignore")
            checks = []
            for neurons in types:
                try:
                    checks.append(_check_of(neurons, dt, n_neurons, seed))
                    checks[-1].run_all()
                except DynamicsError as error:
                    raise BrokenPromiseError(neurons, _BOTH, str(error)) from error
            _check_simulators(checks, seed)
    finally:
        rc.set("precision", "bits", bits)


def _check_of(neurons: Any, dt: float, n_neurons: int | None, seed: int) -> _NeuronCheck:
    native, model = None, "is no type of neurons"
    if isinstance(neurons, NeuronType):
        native = native_of(neurons)
        model = model_of(neurons) if native is None else native.model
    if not isinstance(model, NeuronModel):
        raise TypeError(
            "check_neuron: expected a NeuronModel, a Surrogate or a type of neurons that can be "
            f"computed as one, got {neurons!r}, which {model}"
        )
    return _NeuronCheck(neurons, model, native, dt, n_neurons, seed)


class _NeuronCheck(NeuronRuns):
    """The promises that are checked without a network."""

    def run_all(self) -> None:
        self.check_pure()
        if self.native is not None:
            check_in_tensorflow(self.model, self.n_neurons, self.model.trainable_names)
            if is_one_high(self.model, self.n_neurons):
                raise self.broken(_HZ, "its spikes are 1 high; write spikes / dt for the output")
        self.warm_up()
        self.check_finite()
        self.check_alone()
        self.check_same()
        if self.model.has_rate_curve:
            self.check_curve()
        if self.function is not None:
            self.check_slope(self.function)
        self.check_gradient()
        self.check_reaches()
        self.check_amplitude()
        self.check_copies()

    def broken(self, promise: str, found: str) -> BrokenPromiseError:
        return BrokenPromiseError(self.neurons, promise, found)

    @contextmanager
    def as_broken(self, promise: str) -> Iterator[None]:
        """Turn an error of the user's code into a broken promise."""
        try:
            yield
        except BrokenPromiseError:
            raise
        except Exception as error:
            line = next(iter(str(error).strip().splitlines()), "")
            raise self.broken(promise, f"{type(error).__name__}: {line}") from error

    # numbers

    def check_pure(self) -> None:
        current, state = self.currents(), self.start()
        given = {"current": current, **state, **self.values}
        before = copy.deepcopy(given)
        calls = []
        for _ in range(2):
            results = self.step(NumPyNeurons(), current, state, self.values)
            calls.append(copy.deepcopy(results))
            for name, value in given.items():
                if not np.array_equal(value, before[name], equal_nan=True):
                    raise self.broken(
                        _PURE, f"it has changed {name} in place; write {name} = ... for a new array"
                    )
        for name, value in calls[0].items():
            if not np.array_equal(value, calls[1][name], equal_nan=True):
                raise self.broken(
                    _PURE, f"called twice with the same arguments, it gave {name} another value"
                )
        for shape in ((), (1,), (3,), (3, 2)):
            current = self.currents(*shape)
            results = self.step(NumPyNeurons(), current, self.start(*shape), self.values)
            for name, value in results.items():
                if np.shape(value) != current.shape:
                    raise self.broken(
                        _SHAPES,
                        f"for an input of shape {current.shape}, {name} has {np.shape(value)}",
                    )

    def check_alone(self) -> None:
        current, state = self.samples()
        together = self.step(NumPyNeurons(), current, state, self.values)
        for row in range(0, len(current), len(current) // 4):
            for neuron in range(self.n_neurons):
                where = np.ix_([row], [neuron])
                alone = self.step(
                    NumPyNeurons(),
                    current[where],
                    {name: values[where] for name, values in state.items()},
                    {
                        k: value[[neuron]] if np.ndim(value) else value
                        for k, value in self.values.items()
                    },
                )
                for name, value in alone.items():
                    expected, actual = together[name][row, neuron], np.squeeze(value)
                    allowed = _ROUNDING["float64"][0] * magnitude(together[name])
                    if not abs(actual - expected) <= allowed:
                        raise self.broken(
                            _ALONE,
                            f"{name} of a neuron is {actual:.6g} by itself, and {expected:.6g} "
                            "among others",
                        )

    def check_same(self) -> None:
        for dtype, (rounding, perturbation) in _ROUNDING.items():
            current, state = self.samples()
            given = {k: value.astype(dtype) for k, value in {"current": current, **state}.items()}
            expected = self.results(NumPyNeurons(dtype), given, self.values)
            # how far rounding of the arguments moves the results, for example at the threshold
            perturbed = [
                self.results(NumPyNeurons(dtype), self.perturb(given, perturbation), self.values)
                for _ in range(_N_PERTURBED)
            ]
            for for_kernel in (False, True):
                with self.as_broken(_SAME):
                    tensors = {name: tf.constant(value) for name, value in given.items()}
                    xp = self.namespace(dtype, for_kernel)
                    actual = self.results(xp, tensors, self.tensors(dtype))
                for name, value in expected.items():
                    spread = np.fmax.reduce([abs(other[name] - value) for other in perturbed])
                    allowed = rounding * magnitude(value) + 4 * np.nan_to_num(spread)
                    where = _first(~(np.abs(actual[name] - value) <= allowed))
                    if where is not None:
                        arguments = ", ".join(f"{k}={v[where]:.6g}" for k, v in given.items())
                        raise self.broken(
                            _SAME,
                            f"for {arguments} the {name} is {value[where]:.9g} in NumPy, and "
                            f"{actual[name][where]:.9g} in TensorFlow ({dtype})",
                        )

    def perturb(self, given: Arrays, perturbation: float) -> Arrays:
        """Return arguments that are changed by no more than rounding."""
        return {
            name: (
                value + self.rng.choice([-1, 1], value.shape) * perturbation * magnitude(value)
            ).astype(value.dtype)
            for name, value in given.items()
        }

    def results(self, xp: Any, given: Arrays, values: Mapping[str, Any]) -> Arrays:
        """Run a step; returns the output, the states and the rate curve in double precision."""
        current, state = given["current"], {name: given[name] for name in self.model.state}
        results = self.step(xp, current, state, values)
        if self.model.has_rate_curve:
            results["rate_curve"] = self.curve(xp, current, state, values)
        return {k: np.asarray(shaped_like(current, v), np.float64) for k, v in results.items()}

    def check_curve(self) -> None:
        """Compare with simulations in which the states that the curve depends on are constant."""
        model, xp = self.model, NumPyNeurons()
        current = self.scale * np.linspace(-1, 4, 21)[:, np.newaxis]
        state = {name: np.zeros_like(current) for name in model.state}
        expected = self.curve(xp, current, state, self.values)
        held = [
            name
            for name in model.state
            if not np.array_equal(
                self.curve(xp, current, {**state, name: np.ones_like(current)}, self.values),
                expected,
            )
        ]
        settle = round(_RATE_TIME / self.dt)
        currents = np.broadcast_to(current, (2 * settle, *current.shape))
        run = self.run(xp, currents, state, self.values, held)
        actual = run["output"][settle:].mean(axis=0)
        size, unit = np.abs(expected), ""
        part, least = _RATE_TOLERANCE
        low, high = size * (1 - part), size * (1 + part)
        applies = np.ones(size.shape, bool)
        if model.spiking:
            # intervals between spikes are whole numbers of steps
            step = self.dt / model.amplitude
            low, high = low - step * low**2, high + step * high**2
            least, unit = least * model.amplitude, " Hz"
            applies = size * step < 0.2
        else:
            least = 0.02 * magnitude(expected)
        signed = actual * np.where(expected < 0, -1, 1)
        where = _first(applies & ~((signed >= low - least) & (signed <= high + least)))
        if where is not None:
            raise self.broken(
                _CURVE,
                f"for an input of {current[where]:.6g} the curve gives "
                f"{expected[where]:.6g}{unit}, and a simulation {actual[where]:.6g}{unit}",
            )

    def check_amplitude(self) -> None:
        current, state = self.samples()
        outputs = [
            self.model.replace(amplitude=amplitude).advance(
                NumPyNeurons(), self.dt, current, state, self.values
            )[0]
            for amplitude in (1.0, 2.5)
        ]
        error = np.abs(outputs[1] - 2.5 * outputs[0])
        where = _first(~(error <= _ROUNDING["float64"][0] * magnitude(outputs[1])))
        if where is not None:
            raise self.broken(
                _AMPLITUDE,
                f"an output of {outputs[0][where]:.6g} became {outputs[1][where]:.6g} with an "
                "amplitude of 2.5",
            )

    # gradients

    def check_slope(self, function: SurrogateFunction) -> None:
        x = np.sort(self.rng.uniform(-3, 3, 200))
        slope = np.broadcast_to(function.slope(x), x.shape)
        expected = derivative(function.primitive, x)
        wrong = ~(np.abs(slope - expected) <= _GRADIENT_TOLERANCE * magnitude(expected))
        where = _first(wrong)
        if where is not None:
            raise self.broken(
                _SLOPE,
                f"that of {function!r} is {slope[where]:.6g} at {x[where]:.3g}, where the "
                f"derivative is {expected[where]:.6g}",
            )

    def check_gradient(self) -> None:
        """Compare gradients with finite differences, of spikes those of smooth neurons."""
        state = {
            name: self.warm[name][self.rng.randint(N_WARM), self.rng.randint(_N_ITEMS)]
            for name in self.model.state
        }
        values = {
            name: np.array(np.broadcast_to(value, (self.n_neurons,)), np.float64)
            for name, value in self.values.items()
        }
        smooth = NumPyNeurons(smooth=self.function)
        current = self.currents(_N_SMOOTH)
        current = current[: self.n_tame_steps(smooth, current, state)]
        scales = {
            INPUT: np.broadcast_to(self.scale, current.shape),
            **{name: np.full(self.n_neurons, magnitude(self.warm[name])) for name in state},
            **{name: np.abs(value) + (value == 0) for name, value in values.items()},
        }
        at = {INPUT: current, **state, **values}
        weights = self.rng.uniform(0.5, 1, current.shape) / magnitude(self.warm["output"])
        last = {
            name: self.rng.uniform(0.1, 0.2, self.n_neurons) / magnitude(self.warm[name])
            for name in state
        }

        def split(at: Arrays) -> tuple[Any, Arrays, Arrays]:
            return (
                at[INPUT],
                {name: at[name] for name in state},
                {name: at[name] for name in values},
            )

        def outputs(xp: Any, at: Arrays) -> Any:
            results = self.run(xp, *split(at))
            total = sum(list(results["output"] * weights))
            return total + sum(results[name][-1] * weight for name, weight in last.items())

        def curve(xp: Any, at: Arrays) -> Any:
            return sum(list(self.curve(xp, *split(at))))

        in_tensorflow = TensorFlowNeurons("float64", self.function, through_reset=True, smooth=True)
        words = "the outputs (smooth spikes)" if self.model.spiking else "the outputs"
        self.compare_gradients(words, outputs, (smooth, in_tensorflow), at, scales)
        if self.model.has_rate_curve:
            xps = NumPyNeurons(), TensorFlowNeurons("float64")
            self.compare_gradients("the rate curve", curve, xps, at, scales)

    def n_tame_steps(self, smooth: NumPyNeurons, current: np.ndarray, state: Arrays) -> int:
        """Return for how many steps smooth neurons stay near those that spike: at least one."""
        run = self.run(smooth, current, state, self.values)
        tame = np.ones(len(current), bool)
        for name in state:
            tame &= np.all(np.abs(run[name]) < 1e3 * magnitude(self.warm[name]), axis=-1)
        return max(1, len(current) if tame.all() else int(np.argmin(tame)))

    def compare_gradients(
        self,
        words: str,
        function: Callable[[Any, Arrays], Any],
        namespaces: tuple[NumPyNeurons, TensorFlowNeurons],
        at: Arrays,
        scales: Arrays,
    ) -> None:
        """Compare gradients with finite differences of a function, of each neuron by itself."""
        in_numpy, in_tensorflow = namespaces
        tensors = {name: tf.constant(value) for name, value in at.items()}
        with self.as_broken(_GRADIENT), tf.GradientTape() as tape:
            tape.watch(tensors)
            total = tf.reduce_sum(function(in_tensorflow, tensors))
        gradients = tape.gradient(total, tensors, unconnected_gradients="zero")
        for name, value in at.items():
            scale = scales[name]
            with np.errstate(invalid="ignore"):
                above, below = _one_sided(
                    lambda changed: function(in_numpy, changed), at, name, _DIFFERENCE * scale
                )
                expected, bend = (above + below) / 2 * scale, np.abs(above - below) * scale
            actual = gradients[name].numpy() * scale
            allowed = _GRADIENT_TOLERANCE * max(magnitude(expected, 0.0), 1e-4)
            smooth = bend <= 10 * allowed  # elsewhere there is a kink
            if np.mean(smooth) < 0.5:
                raise self.broken(
                    _GRADIENT,
                    f"{words} have no derivative by {name} that could be found: finite differences "
                    f"depend on their direction for {np.mean(~smooth):.0%} of the values",
                )
            where = _first(smooth & ~(np.abs(actual - expected) <= 2 * allowed))
            if where is not None:
                raise self.broken(
                    _GRADIENT,
                    f"that of {words} by {name} is {actual[where] / scale[where]:.6g} for {name} = "
                    f"{value[where]:.6g}, where finite differences give "
                    f"{expected[where] / scale[where]:.6g}",
                )

    def check_reaches(self) -> None:
        dtype = "float32"
        currents = tf.constant(self.currents(_N_GRADIENT, 1, low=0.5, high=3.0), dtype)
        state = {name: tf.constant(value, dtype) for name, value in self.start(1).items()}
        values = self.tensors(dtype)
        weights = self.rng.uniform(0.5, 1, currents.shape) / magnitude(self.warm["output"])
        xp = self.namespace(dtype)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch((currents, values))
            outputs = self.run(xp, currents, state, values)["output"]
            total = tf.reduce_sum(outputs * tf.constant(weights, dtype))
            by_curve = None
            if self.model.spiking and self.model.has_rate_curve:
                by_curve = tf.reduce_sum(self.curve(xp, currents, state, values))
        gradients = {INPUT: tape.gradient(total, currents)}
        gradients.update({k: tape.gradient(total, values[k]) for k in self.model.trainable_names})
        if by_curve is not None:
            gradients[f"{INPUT} by the rate curve"] = tape.gradient(by_curve, currents)
        for name, gradient in gradients.items():
            if gradient is None or not np.any(gradient.numpy()):
                raise self.broken(_REACHES, f"in {_N_GRADIENT} steps none came to {name}")
            if not np.isfinite(gradient.numpy()).all():
                raise self.broken(_FINITE, f"the gradient of {name} is not")

    # large inputs

    def check_finite(self) -> None:
        for dtype in _ROUNDING:
            extreme = self.extreme_currents().astype(dtype)
            currents = np.concatenate([extreme, extreme], axis=1)
            n_items = extreme.shape[1]
            shape = (n_items, self.n_neurons)
            state = {
                name: np.concatenate([value, np.resize(self.warm[name][-1], shape)]).astype(dtype)
                for name, value in self.start(n_items).items()
            }
            run = self.run(NumPyNeurons(dtype), currents, state, self.values)
            self.expect_finite(run, currents, f"NumPy, {dtype}")
            with self.as_broken(_SAME):
                self.check_finite_in_tensorflow(currents, state, dtype)

    def check_finite_in_tensorflow(self, currents: np.ndarray, state: Arrays, dtype: str) -> None:
        # parameters for each item, so that the error can say for which input it was
        values = {k: np.broadcast_to(v, currents.shape[1:]) for k, v in self.values.items()}
        at = {INPUT: currents, **state, **values}
        at = {name: tf.constant(value, dtype) for name, value in at.items()}
        state, values = {name: at[name] for name in state}, {name: at[name] for name in values}
        xp = self.namespace(dtype)
        totals = {}
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(at)
            run = self.run(xp, at[INPUT], state, values)
            totals[""] = tf.reduce_sum(run["output"]) * self.dt
            if self.model.has_rate_curve:
                run["rate_curve"] = self.curve(xp, at[INPUT], state, values)
                totals[" by the rate curve"] = tf.reduce_sum(run["rate_curve"])
        self.expect_finite(run, currents, f"TensorFlow, {dtype}")
        for suffix, total in totals.items():
            gradients = tape.gradient(total, at, unconnected_gradients="zero")
            named = {f"the gradient of {k}{suffix}": value for k, value in gradients.items()}
            self.expect_finite(named, currents, dtype)

    def expect_finite(self, arrays: Arrays, currents: np.ndarray, where: str) -> None:
        """Check arrays of shape ``(..., n_items, n_neurons)``."""
        for name, values in arrays.items():
            values = np.asarray(values)
            first = _first(~np.isfinite(values))
            if first is not None:
                inputs = ", ".join(f"{x:.9g}" for x in np.unique(currents[:, first[-2]])[:4])
                raise self.broken(
                    _FINITE, f"{name} is {values[first]} for inputs {inputs} ({where})"
                )

    # copies

    def check_copies(self) -> None:
        neurons = self.neurons
        copies: dict[str, Callable[[Any], Any]] = {
            "copy.copy": copy.copy,
            "copy.deepcopy": copy.deepcopy,
        }
        if isinstance(neurons, NeuronModel):
            copies["replace()"] = lambda it: it.replace()
        if _is_importable(type(neurons)) and _is_importable(type(self.model)):
            copies["pickle"] = lambda it: pickle.loads(pickle.dumps(it))
        for how, make_copy in copies.items():
            with self.as_broken(_COPIES):
                made = make_copy(neurons)
                differences = {
                    "is not equal to it": made != neurons or neurons != made,
                    "has another hash": hash(made) != hash(neurons),
                    "is written differently": repr(made) != repr(neurons),
                }
            for words, differs in differences.items():
                if differs:
                    raise self.broken(_COPIES, f"{made!r}, a copy by {how}, {words}")
        if isinstance(neurons, NeuronModel):
            self.check_equality(neurons)

    def check_equality(self, neurons: NeuronModel) -> None:
        """Check that what tells neurons apart is known to nengo."""
        unknown = [name for name in vars(neurons) if not name.startswith("_")]
        if unknown:
            raise self.broken(
                _COPIES,
                f"{unknown[0]} is not declared as a parameter of nengo, as in `{unknown[0]} = "
                f"nengo.params.NumberParam({unknown[0]!r}, readonly=True)`: neurons that differ by "
                "it are taken for equal, and computed as one",
            )
        for name, value in {**self.values, "amplitude": neurons.amplitude}.items():
            changed = _another(value, neurons.parameters.get(name))
            if neurons.replace(**{name: changed}) == neurons:
                raise self.broken(
                    _COPIES, f"it equals one that has {changed} for {name}, in place of {value}"
                )


# simulators


def _check_simulators(checks: Sequence[_NeuronCheck], seed: int) -> None:
    """Compare what Simulators compute in one network of all types of neurons."""
    # with two populations of a type, which nengo_dl computes together, if it can have any size
    populations = [
        (check, check.currents(_N_ITEMS, _N_SIMULATED)[..., :size])
        for check in checks
        for size in ((check.n_neurons, _N_OTHERS) if check.any_size else (check.n_neurons,))
    ]
    expected = [_simulate(nengo.Simulator, populations, seed, [item]) for item in range(_N_ITEMS)]
    kinds: list[tuple[Any, dict[str, Any], int]] = [
        (nengo_dl.Simulator, {}, 1),
        (Simulator, {"execution": "stepwise"}, _N_ITEMS),
        (Simulator, {"execution": "layerwise"}, _N_ITEMS),
    ]
    for kind, options, n_items in kinds:
        # of several types an error doesn't say which it is about
        with checks[0].as_broken(_SIMULATORS) if len(checks) == 1 else nullcontext():
            actual = _simulate(kind, populations, seed, range(n_items), **options)
        for key, values in actual.items():
            right = np.concatenate([run[key] for run in expected[:n_items]])
            allowed = 10 * _ROUNDING["float64"][0] * magnitude(right)
            where = _first(~(np.abs(values - right) <= allowed))
            if where is not None:
                number, name = key
                how = ", ".join(f"{key}={value!r}" for key, value in options.items())
                raise populations[number][0].broken(
                    _SIMULATORS,
                    f"{name} of neuron {where[2]} in step {where[1]} is {right[where]:.9g} in "
                    f"nengo.Simulator, and {values[where]:.9g} in {kind.__module__.split('.')[0]}."
                    f"{kind.__name__}({how}) with minibatches of {n_items}",
                )


def _simulate(
    kind: Any,
    populations: Sequence[tuple[_NeuronCheck, np.ndarray]],
    seed: int,
    items: Sequence[int],
    **options: Any,
) -> dict[tuple[int, str], np.ndarray]:
    """
    Run a network of all populations.

    Parameters
    ----------
    kind : type
        The Simulator: nengo's, which runs one item, or one that has minibatches.
    populations : sequence of (_NeuronCheck, array)
        The type of each population, and its inputs, shape ``(n_items, n_steps, n_neurons)``.
    seed : int
        Of the network.
    items : sequence of int
        The items of the inputs that are run.
    **options
        Arguments of the Simulator.

    Returns
    -------
    results : dict of array
        The outputs and the states, shape ``(n_items, n_steps, n_neurons)``, by the number of the
        population and their name.
    """
    dt = populations[0][0].dt
    probes, data = {}, {}
    with nengo.Network(seed=seed) as network:
        nengo_dl.configure_settings(dtype="float64")
        for number, (check, inputs) in enumerate(populations):
            size = inputs.shape[-1]
            node = nengo.Node(nengo.processes.PresentInput(inputs[items[0]], dt))
            ensemble = nengo.Ensemble(
                size, 1, neuron_type=check.neurons, gain=np.ones(size), bias=np.zeros(size)
            )
            nengo.Connection(node, ensemble.neurons, synapse=None)
            data[node] = inputs[list(items)]
            # nengo_dl's own neurons may have other states than a model of them
            states = () if check.native is None else check.model.state
            for name in ("output", *states):
                probes[number, name] = nengo.Probe(ensemble.neurons, name)
    if kind is nengo.Simulator:
        with kind(network, dt=dt, progress_bar=False) as sim:
            sim.run_steps(_N_SIMULATED)
            return {key: np.array(sim.data[probe])[np.newaxis] for key, probe in probes.items()}
    with kind(network, dt=dt, progress_bar=False, minibatch_size=len(items), **options) as sim:
        outputs = sim.predict(data, verbose=0)
        return {key: np.array(outputs[probe]) for key, probe in probes.items()}


# arrays


def _first(wrong: np.ndarray) -> tuple[int, ...] | None:
    """Return the index of the first True; None if there is none."""
    return tuple(np.argwhere(wrong)[0]) if np.any(wrong) else None


def _one_sided(
    function: Callable[[Arrays], np.ndarray], at: Arrays, name: str, steps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the finite differences of a function of all neurons, to above and to below."""
    value, middle = at[name], function(at)
    differences = np.empty((2, *value.shape))
    for side, sign in enumerate((1, -1)):
        for row in np.ndindex(value.shape[:-1]):
            moved = value.copy()
            moved[row] += sign * steps[row]
            change = function({**at, name: moved}) - middle
            differences[side][row] = change / (moved[row] - value[row])
    return differences[0], differences[1]


def _another(value: Any, declared: Any) -> Any:
    """Return another value that a parameter may have."""
    if declared is not None and declared.bounds is not None:
        low, high = declared.bounds
        return np.where(np.isclose(value, (low + high) / 2), (3 * low + high) / 4, (low + high) / 2)
    return np.asarray(value) * 1.5 + (np.asarray(value) == 0)


def _is_importable(cls: type) -> bool:
    """Say whether a class can be found by its name, without which pickle can do nothing."""
    named: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        named = getattr(named, name, None)
    return named is cls
