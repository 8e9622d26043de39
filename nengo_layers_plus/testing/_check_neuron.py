"""The contract of a type of neurons, to be checked on any model that is written once."""

from __future__ import annotations

import copy
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError
from nengo.neurons import NeuronType
from nengo.rc import rc

from nengo_layers_plus._declared import as_count, as_number
from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf
from nengo_layers_plus.neurons._dynamics_error import (
    DynamicsError,
    check_in_tensorflow,
    is_one_high,
)
from nengo_layers_plus.neurons._known_types import model_of
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons, TensorFlowNeurons
from nengo_layers_plus.neurons._response import CURRENTS, measured_curve
from nengo_layers_plus.neurons._surrogate import Native, native_of
from nengo_layers_plus.simulator import Simulator
from nengo_layers_plus.surrogate import SurrogateFunction, get
from nengo_layers_plus.testing._check_layer import BrokenPromiseError
from nengo_layers_plus.testing._unrolled import (
    Run,
    advance,
    as_tensor,
    run_in_numpy,
    run_in_tensorflow,
)

_N_NEURONS = 6
_N_OTHERS = 3  # of a second population in the same network
_N_ITEMS = 4
# How many steps are run: to come to states that neurons can have, to find gradients, to find out
# whether gradients come through, with extreme inputs, and in whole simulations.
_N_WARM, _N_SMOOTH, _N_GRADIENT, _N_EXTREME, _N_SIMULATED = 40, 10, 60, 20, 40
_RATE = 100.0  # Hz, about what the inputs of all checks bring about
# Rounding, as a part of the largest number, and what is taken for a perturbation within it.
_ROUNDING = {"float64": (1e-9, 1e-12), "float32": (1e-5, 4e-7)}
_RATE_TIME = 1.0  # s, once to settle and once to count
_RATE_TOLERANCE = 0.1, 2.0  # as a part, and in Hz
_STEPS = 1e-6, 1e-5  # of finite differences, as a part of a number
_GRADIENT_TOLERANCE = 1e-4
_EXTREME = 1e6

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
    `nengo_dl.Simulator` and `.Simulator`, with minibatches of 1, 2 and 5. The inputs are random, of
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
    model = model_of(neurons) if isinstance(neurons, NeuronType) else "is no type of neurons"
    native = native_of(neurons) if isinstance(neurons, NeuronType) else None
    if native is not None:
        model = native.model
    if not isinstance(model, NeuronModel):
        raise TypeError(
            "check_neuron: expected a NeuronModel, a Surrogate or a type of neurons that can be "
            f"computed as one, got {neurons!r}, which {model}"
        )
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
    rc.set("precision", "bits", "64")  # whatever somebody else has left there
    try:
        with warnings.catch_warnings(), random_state_kept():
            # what a user's own run of the network would say is not what is checked here
            warnings.simplefilter("ignore")
            _Check(neurons, model, native, dt, n_neurons, seed).run()
    except DynamicsError as error:
        raise BrokenPromiseError(neurons, _BOTH, str(error)) from error
    finally:
        rc.set("precision", "bits", bits)


class _Check:
    def __init__(
        self,
        neurons: Any,
        model: NeuronModel,
        native: Native | None,
        dt: float,
        n_neurons: int | None,
        seed: int,
    ) -> None:
        self.neurons = neurons
        self.model = model
        self.is_ours = native is not None
        self.dt = dt
        self.rng = np.random.RandomState(seed)
        self.seed = seed
        sizes = {np.size(value) for value in self.values.values() if np.ndim(value)}
        self.several = n_neurons is None and not sizes
        self.n_neurons = n_neurons or max(sizes, default=_N_NEURONS)
        self.function: SurrogateFunction | None = None
        if model.spiking:
            self.function = (native and native.function) or get("arctan")()
        self.through_reset = native is not None and native.through_reset
        self.scale = self.scale_of_currents()

    def run(self) -> None:
        self.check_pure()
        if self.is_ours:
            check_in_tensorflow(self.model, self.n_neurons, self.model.trainable_names)
            if is_one_high(self.model, self.n_neurons):
                raise self.broken(_HZ, "its spikes are 1 high; write spikes / dt for the output")
        self.warm = self.run_warm()
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
        self.check_simulators()

    def broken(self, promise: str, found: str) -> BrokenPromiseError:
        return BrokenPromiseError(self.neurons, promise, found)

    # what is run

    @property
    def values(self) -> dict[str, Any]:
        """The parameters, as numbers or arrays."""
        return {name: getattr(self.model, name) for name in self.model.parameters}

    def tensors(self, dtype: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return parameters as nengo_dl has them if they train."""
        return {
            name: tf.constant(np.atleast_1d(value)[np.newaxis], dtype)
            for name, value in (self.values if values is None else values).items()
        }

    def scale_of_currents(self) -> np.ndarray:
        """Find the input that brings about a typical output, shape ``(n_neurons,)``."""
        with np.errstate(all="ignore"):
            curve = np.nan_to_num(measured_curve(self.model))
        curve = np.broadcast_to(curve, (len(CURRENTS), self.n_neurons))
        rise = curve - curve[len(CURRENTS) // 2]
        most = np.minimum(_RATE, 0.1 / self.dt) * self.model.amplitude
        target = np.minimum(most, 0.5 * rise.max(axis=0))
        beyond = (rise >= target) & (CURRENTS > 0)[:, np.newaxis]
        found = CURRENTS[np.argmax(beyond, axis=0)]
        return np.where(beyond.any(axis=0) & (target > 0), found, 1.0)

    def currents(self, *shape: int, low: float = -0.5, high: float = 2.0) -> np.ndarray:
        """Draw inputs, shape ``(*shape, n_neurons)``."""
        return self.scale * self.rng.uniform(low, high, (*shape, self.n_neurons))

    def start(self, *shape: int) -> dict[str, np.ndarray]:
        """Draw states that simulations start from, shape ``(*shape, n_neurons)``."""
        drawn = [
            self.neurons.make_state(self.n_neurons, rng=self.rng, dtype=np.float64)
            for _ in range(int(np.prod(shape)))
        ]
        return {
            name: np.reshape([each[name] for each in drawn], (*shape, self.n_neurons))
            for name in self.model.state
        }

    def run_warm(self) -> Run:
        """Run neurons to come to states that they can have."""
        return run_in_numpy(
            self.model,
            NumPyNeurons(),
            self.dt,
            self.currents(_N_WARM, _N_ITEMS),
            self.start(_N_ITEMS),
            self.values,
        )

    def samples(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return inputs, and states that neurons can have, shape ``(n_samples, n_neurons)``."""
        states = {name: each.reshape(-1, self.n_neurons) for name, each in self.warm.states.items()}
        return self.currents(_N_WARM * _N_ITEMS), states

    # promises

    def check_pure(self) -> None:
        current, state = self.currents(), self.start(1)
        state = {name: each[0] for name, each in state.items()}
        given = {"current": current, **state, **self.values}
        before = {name: np.array(each) for name, each in given.items()}
        results = []
        for _ in range(2):
            output, new = advance(self.model, NumPyNeurons(), self.dt, current, state, self.values)
            for name, each in given.items():
                if not np.array_equal(each, before[name], equal_nan=True):
                    raise self.broken(
                        _PURE, f"it has changed {name} in place; write {name} = ... for a new array"
                    )
            results.append({"output": np.array(output), **{k: np.array(v) for k, v in new.items()}})
        for name, first in results[0].items():
            if not np.array_equal(first, results[1][name], equal_nan=True):
                raise self.broken(
                    _PURE, f"called twice with the same arguments, it gave {name} another value"
                )
        for shape in ((), (3,), (3, 2)):
            current = self.currents(*shape)
            state = self.start(*shape)
            output, new = advance(self.model, NumPyNeurons(), self.dt, current, state, self.values)
            for name, value in {"output": output, **new}.items():
                if np.shape(value) != current.shape:
                    raise self.broken(
                        _SHAPES,
                        f"for an input of shape {current.shape}, {name} has {np.shape(value)}",
                    )

    def check_alone(self) -> None:
        current, state = self.samples()
        xp = NumPyNeurons()
        together = advance(self.model, xp, self.dt, current, state, self.values)
        for row in range(0, len(current), len(current) // 4):
            for neuron in range(self.n_neurons):
                where = (slice(row, row + 1), slice(neuron, neuron + 1))
                output, new = advance(
                    self.model,
                    xp,
                    self.dt,
                    current[where],
                    {name: each[where] for name, each in state.items()},
                    {
                        name: each[neuron : neuron + 1] if np.ndim(each) else each
                        for name, each in self.values.items()
                    },
                )
                for name, value in {"output": output, **new}.items():
                    whole = together[0] if name == "output" else together[1][name]
                    scale = _size(whole)
                    error = abs(np.squeeze(value) - whole[row, neuron])
                    if not error <= _ROUNDING["float64"][0] * scale:
                        raise self.broken(
                            _ALONE,
                            f"{name} of a neuron is {np.squeeze(value):.6g} by itself, and "
                            f"{whole[row, neuron]:.6g} among others",
                        )

    def check_same(self) -> None:
        for dtype, (rounding, perturbation) in _ROUNDING.items():
            current, state = self.samples()
            given = {
                name: each.astype(dtype) for name, each in {"current": current, **state}.items()
            }
            expected = self.in_numpy(given, dtype)
            spread = self.spread(given, dtype, expected, perturbation)
            for for_kernel in (False, True):
                with self.explained(_SAME):
                    found = self.in_tensorflow(given, dtype, for_kernel)
                for name, value in expected.items():
                    error = np.abs(found[name] - value)
                    # where rounding alone makes a difference, e.g. at the threshold, it is allowed
                    allowed = rounding * _size(value) + 4 * spread[name]
                    wrong = ~(error <= allowed)
                    if wrong.any():
                        where = tuple(np.argwhere(wrong)[0])
                        raise self.broken(
                            _SAME,
                            f"for {', '.join(f'{k}={v[where]:.6g}' for k, v in given.items())} the "
                            f"{name} is {value[where]:.9g} in NumPy, and {found[name][where]:.9g} "
                            f"in TensorFlow ({dtype})",
                        )

    def in_numpy(self, given: Mapping[str, np.ndarray], dtype: str) -> dict[str, np.ndarray]:
        """Run a step, and find the rate of the curve."""
        state = {name: given[name] for name in self.model.state}
        xp, current = NumPyNeurons(dtype), given["current"]
        output, new = advance(self.model, xp, self.dt, current, state, self.values)
        results = {"output": output, **new}
        if self.model.has_rate_curve:
            with np.errstate(all="ignore"):
                results["rate_curve"] = self.model.curve(xp, current, state, self.values)
        return {
            name: np.broadcast_to(np.asarray(each, np.float64), current.shape)
            for name, each in results.items()
        }

    def in_tensorflow(
        self, given: Mapping[str, np.ndarray], dtype: str, for_kernel: bool
    ) -> dict[str, np.ndarray]:
        """Do the same in TensorFlow."""
        tensors = {name: tf.constant(each) for name, each in given.items()}
        state = {name: tensors[name] for name in self.model.state}
        xp = TensorFlowNeurons(dtype, self.function, self.through_reset, for_kernel=for_kernel)
        current, values = tensors["current"], self.tensors(dtype)
        output, new = advance(self.model, xp, self.dt, current, state, values)
        results = {"output": output, **new}
        if self.model.has_rate_curve:
            results["rate_curve"] = self.model.curve(xp, current, state, values)
        return {
            name: as_tensor(each, current).numpy().astype(np.float64)
            for name, each in results.items()
        }

    def spread(
        self,
        given: Mapping[str, np.ndarray],
        dtype: str,
        expected: Mapping[str, np.ndarray],
        perturbation: float,
    ) -> dict[str, np.ndarray]:
        """Say how far a change of the arguments that is no more than rounding moves the results."""
        spread = {name: np.zeros(each.shape) for name, each in expected.items()}
        for _ in range(8):
            moved = {
                name: (
                    each + self.rng.choice([-1, 1], each.shape) * perturbation * _size(each)
                ).astype(dtype)
                for name, each in given.items()
            }
            for name, each in self.in_numpy(moved, dtype).items():
                spread[name] = np.fmax(spread[name], np.abs(each - expected[name]))
        return spread

    def check_curve(self) -> None:
        """Compare with simulations in which the states that the curve sees are held still."""
        model = self.model
        current = self.scale * np.linspace(-1, 4, 21)[:, np.newaxis]
        state = {name: np.zeros_like(current) for name in model.state}
        with np.errstate(all="ignore"):
            expected = np.broadcast_to(
                model.curve(NumPyNeurons(), current, state, self.values), current.shape
            )
        held = self.states_of_curve(current, expected, state)
        settle = round(_RATE_TIME / self.dt)
        steps = np.broadcast_to(current, (2 * settle, *current.shape))
        run = run_in_numpy(model, NumPyNeurons(), self.dt, steps, state, self.values, held)
        found = run.outputs[settle:].mean(axis=0)
        part, least = _RATE_TOLERANCE
        size, unit = model.amplitude, " Hz"
        low, high = np.abs(expected) * (1 - part), np.abs(expected) * (1 + part)
        if model.spiking:
            # spikes come at steps
            low = 1 / (1 / np.maximum(low / size, 1e-9) + self.dt) * size
            high = 1 / np.maximum(1 / np.maximum(high / size, 1e-9) - self.dt, self.dt) * size
            least = least * size
            applies = np.abs(expected) < 0.2 / self.dt * size
        else:
            least, unit = 0.02 * _size(expected), ""
            applies = np.ones(expected.shape, bool)
        absolute = found * np.sign(expected + (expected == 0))
        wrong = applies & ~((absolute >= low - least) & (absolute <= high + least))
        if wrong.any():
            where = tuple(np.argwhere(wrong)[0])
            raise self.broken(
                _CURVE,
                f"for an input of {current[where]:.6g} the curve gives "
                f"{expected[where]:.6g}{unit}, and a simulation {found[where]:.6g}{unit}",
            )

    def states_of_curve(
        self, current: np.ndarray, expected: np.ndarray, state: Mapping[str, np.ndarray]
    ) -> list[str]:
        """Return the states on which the curve depends."""
        names = []
        for name in self.model.state:
            other = {**state, name: np.ones_like(current)}
            with np.errstate(all="ignore"):
                rates = self.model.curve(NumPyNeurons(), current, other, self.values)
            if not np.array_equal(np.broadcast_to(rates, current.shape), expected):
                names.append(name)
        return names

    def check_slope(self, function: SurrogateFunction) -> None:
        x = np.sort(self.rng.uniform(-3, 3, 200))
        found = np.broadcast_to(function.slope(x), x.shape)
        coarse, fine = (
            (function.primitive(x + step) - function.primitive(x - step)) / (2 * step)
            for step in (1e-5, 1e-6)
        )
        scale = _size(fine)
        settled = np.abs(coarse - fine) < _GRADIENT_TOLERANCE * scale
        wrong = settled & ~(np.abs(found - fine) <= _GRADIENT_TOLERANCE * scale)
        if wrong.any():
            where = np.argmax(wrong)
            raise self.broken(
                _SLOPE,
                f"that of {function!r} is {found[where]:.6g} at {x[where]:.3g}, where the "
                f"derivative is {fine[where]:.6g}",
            )

    def check_gradient(self) -> None:
        current = self.currents(_N_SMOOTH)
        state = {
            name: each[self.rng.randint(_N_WARM), self.rng.randint(_N_ITEMS)]
            for name, each in self.warm.states.items()
        }
        values = {
            name: np.array(np.broadcast_to(each, (self.n_neurons,)), np.float64)
            for name, each in self.values.items()
        }
        smooth = NumPyNeurons(smooth=self.function)
        current = current[: self.tame_steps(smooth, current, state)]
        sizes = {
            "the input": np.broadcast_to(self.scale, current.shape),
            **{name: np.full(self.n_neurons, _size(self.warm.states[name])) for name in state},
            **{name: np.abs(each) + (each == 0) for name, each in values.items()},
        }
        loss = self.projection(len(current), state)
        at = {"the input": current, **state, **values}

        def in_numpy(at: Mapping[str, np.ndarray]) -> np.ndarray:
            run = run_in_numpy(
                self.model,
                smooth,
                self.dt,
                at["the input"],
                {name: at[name] for name in state},
                {name: at[name] for name in values},
            )
            return loss(run)

        tensors = {name: tf.constant(each) for name, each in at.items()}
        xp = TensorFlowNeurons("float64", self.function, through_reset=True, smooth=True)
        with self.explained(_GRADIENT), tf.GradientTape() as tape:
            tape.watch(tensors)
            run = run_in_tensorflow(
                self.model,
                xp,
                self.dt,
                tensors["the input"],
                {name: tensors[name] for name in state},
                {name: tensors[name] for name in values},
            )
            total = tf.reduce_sum(loss(run))
        found = tape.gradient(total, tensors, unconnected_gradients="zero")
        fires = " (smooth spikes)" if self.model.spiking else ""
        self.compare_gradients(in_numpy, at, sizes, found, f"the outputs{fires}")
        if self.model.has_rate_curve:
            self.check_gradient_of_curve(at, sizes, state, values)

    def check_gradient_of_curve(
        self,
        at: Mapping[str, np.ndarray],
        sizes: Mapping[str, np.ndarray],
        state: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> None:
        def curve(xp: Any, at: Mapping[str, Any]) -> Any:
            given = {name: at[name] for name in state}
            with np.errstate(all="ignore"):
                return self.model.curve(
                    xp, at["the input"], given, {name: at[name] for name in values}
                )

        tensors = {name: tf.constant(each) for name, each in at.items()}
        with self.explained(_GRADIENT), tf.GradientTape() as tape:
            tape.watch(tensors)
            total = tf.reduce_sum(
                as_tensor(curve(TensorFlowNeurons("float64"), tensors), tensors["the input"])
            )
        found = tape.gradient(total, tensors, unconnected_gradients="zero")

        def in_numpy(at: Mapping[str, np.ndarray]) -> np.ndarray:
            rates = np.broadcast_to(curve(NumPyNeurons(), at), at["the input"].shape)
            return np.asarray(rates.sum(axis=0))

        self.compare_gradients(in_numpy, at, sizes, found, "the rate curve")

    def tame_steps(
        self, smooth: NumPyNeurons, current: np.ndarray, state: Mapping[str, np.ndarray]
    ) -> int:
        """Return for how many steps smooth neurons stay near to what neurons do: at least one."""
        run = run_in_numpy(self.model, smooth, self.dt, current, state, self.values)
        tame = np.ones(len(current), bool)
        for name, each in run.states.items():
            tame &= np.all(np.abs(each) < 1e3 * _size(self.warm.states[name]), axis=-1)
        return max(1, len(current) if tame.all() else int(np.argmin(tame)))

    def projection(self, n_steps: int, state: Mapping[str, Any]) -> Callable[[Run], Any]:
        """Return a function that makes one number, for each neuron, of all that neurons do."""
        weights = self.rng.uniform(0.5, 1, (n_steps, self.n_neurons))
        weights /= _size(self.warm.outputs)
        last = {
            name: self.rng.uniform(0.1, 0.2, self.n_neurons) / _size(self.warm.states[name])
            for name in state
        }

        def loss(run: Run) -> Any:
            total = sum(list(run.outputs * weights))
            return total + sum(run.last[name] * each for name, each in last.items())

        return loss

    def compare_gradients(
        self,
        function: Callable[[Mapping[str, np.ndarray]], np.ndarray],
        at: Mapping[str, np.ndarray],
        sizes: Mapping[str, np.ndarray],
        found: Mapping[str, Any],
        what: str,
    ) -> None:
        """Compare gradients with finite differences of a function, of each neuron by itself."""
        for name, value in at.items():
            gradients = found[name].numpy() * sizes[name]
            coarse, _ = _finite_differences(function, at, name, _STEPS[1] * sizes[name])
            fine, bend = _finite_differences(function, at, name, _STEPS[0] * sizes[name])
            coarse, fine, bend = (each * sizes[name] for each in (coarse, fine, bend))
            allowed = _GRADIENT_TOLERANCE * max(_size(fine, 0.0), 1e-4)
            # where they depend on the step, or on its side, there is a kink
            settled = (np.abs(coarse - fine) <= allowed) & (np.abs(bend) <= 10 * allowed)
            if np.mean(settled) < 0.5:
                raise self.broken(
                    _GRADIENT,
                    f"{what} have no derivative by {name} that could be found: finite differences "
                    f"depend on their step for {np.mean(~settled):.0%} of the values",
                )
            wrong = settled & ~(np.abs(gradients - fine) <= 2 * allowed)
            if wrong.any():
                where = tuple(np.argwhere(wrong)[0])
                size = sizes[name][where]
                raise self.broken(
                    _GRADIENT,
                    f"that of {what} by {name} is {gradients[where] / size:.6g} for {name} = "
                    f"{value[where]:.6g}, where finite differences give {fine[where] / size:.6g}",
                )

    def check_reaches(self) -> None:
        dtype = "float32"
        currents = tf.constant(self.currents(_N_GRADIENT, 1, low=0.5, high=3.0), dtype)
        state = {name: tf.constant(each, dtype) for name, each in self.start(1).items()}
        values = self.tensors(dtype)
        xp = TensorFlowNeurons(dtype, self.function, self.through_reset)
        weights = self.rng.uniform(0.5, 1, (_N_GRADIENT, 1, self.n_neurons))
        weights /= _size(self.warm.outputs)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch((currents, state, values))
            run = run_in_tensorflow(self.model, xp, self.dt, currents, state, values)
            total = tf.reduce_sum(run.outputs * tf.constant(weights, dtype))
            by_curve = None
            if self.model.spiking and self.model.has_rate_curve:
                rates = self.model.curve(xp, currents, state, values)
                by_curve = tf.reduce_sum(as_tensor(rates, currents))
        aims = {"the input": currents, **{k: values[k] for k in self.model.trainable_names}}
        for name, aim in aims.items():
            self.check_gradient_arrives(name, tape.gradient(total, aim), "")
        if by_curve is not None:
            gradient = tape.gradient(by_curve, currents)
            self.check_gradient_arrives("the input", gradient, " by the rate curve")

    def check_gradient_arrives(self, name: str, gradient: Any, how: str) -> None:
        if gradient is None or not np.any(gradient.numpy()):
            raise self.broken(
                _REACHES,
                f"in {_N_GRADIENT} steps none came to {name}{how}",
            )
        if not np.isfinite(gradient.numpy()).all():
            raise self.broken(_FINITE, f"the gradient of {name}{how} is {_not_finite(gradient)}")

    def check_finite(self) -> None:
        for dtype in _ROUNDING:
            currents = self.extreme_currents().astype(dtype)
            for start in (self.start(currents.shape[1]), dict(self.warm.last)):
                state = {
                    name: np.resize(each, currents.shape[1:]).astype(dtype)
                    for name, each in start.items()
                }
                run = run_in_numpy(
                    self.model, NumPyNeurons(dtype), self.dt, currents, state, self.values
                )
                self.check_run_finite(currents, run, f"NumPy, {dtype}")
                with self.explained(_SAME):
                    self.check_finite_in_tensorflow(currents, state, dtype)

    def check_finite_in_tensorflow(
        self, currents: np.ndarray, state: Mapping[str, np.ndarray], dtype: str
    ) -> None:
        xp = TensorFlowNeurons(dtype, self.function, self.through_reset)
        at = {
            "the input": tf.constant(currents),
            **{name: tf.constant(each) for name, each in state.items()},
            # one for each item, so that the error can say for which input it was
            **{
                name: tf.constant(np.broadcast_to(each, currents.shape[1:]), dtype)
                for name, each in self.values.items()
            },
        }
        values = {name: at[name] for name in self.values}
        state = {name: at[name] for name in state}
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(at)
            run = run_in_tensorflow(self.model, xp, self.dt, at["the input"], state, values)
            total = tf.reduce_sum(run.outputs) * self.dt
            totals = {"": total}
            if self.model.has_rate_curve:
                rates = as_tensor(
                    self.model.curve(xp, at["the input"], state, values), at["the input"]
                )
                run = Run(run.outputs, {**run.states, "rate_curve": rates})
                totals[" by the rate curve"] = tf.reduce_sum(rates)
        self.check_run_finite(currents, run, f"TensorFlow, {dtype}")
        for how, total in totals.items():
            found = tape.gradient(total, at, unconnected_gradients="zero")
            for name, gradient in found.items():
                wrong = ~np.isfinite(gradient.numpy())
                if wrong.any():
                    item = np.argwhere(wrong)[0][-2]
                    raise self.broken(
                        _FINITE,
                        f"the gradient of {name}{how} is {_not_finite(gradient)} for inputs "
                        f"{_few(currents[:, item])} ({dtype})",
                    )

    def check_run_finite(self, currents: np.ndarray, run: Run, how: str) -> None:
        for name, each in {"output": run.outputs, **run.states}.items():
            wrong = ~np.isfinite(np.asarray(each))
            if wrong.any():
                step, item = np.argwhere(wrong)[0][:2]
                raise self.broken(
                    _FINITE,
                    f"{name} is {_not_finite(each)} in step {step} for inputs "
                    f"{_few(currents[:, item])} ({how})",
                )

    def extreme_currents(self) -> np.ndarray:
        """Return series of inputs, shape ``(n_steps, n_items, n_neurons)``."""
        threshold = self.threshold()
        ones = np.ones(self.n_neurons)
        constant = [
            _EXTREME * ones, -_EXTREME * ones, 0 * ones, threshold, self.scale,
            *(np.nextafter(threshold.astype(dtype), np.inf, dtype=dtype) for dtype in _ROUNDING),
        ]  # fmt: skip
        series = [np.tile(each, (_N_EXTREME, 1)) for each in constant]
        turns = np.where(np.arange(_N_EXTREME) % 2, 1.0, -1.0)[:, np.newaxis]
        drawn = self.rng.choice(len(constant), (_N_EXTREME, self.n_neurons))
        series += [
            turns * _EXTREME * ones,
            np.take_along_axis(np.array(constant), drawn, axis=0),
        ]
        return np.stack(series, axis=1)

    def threshold(self) -> np.ndarray:
        """Find the largest input without an output, to the last bit if there is a rate curve."""
        curve = np.broadcast_to(measured_curve(self.model), (len(CURRENTS), self.n_neurons))
        fires = np.nan_to_num(curve) > 0
        first = np.argmax(fires, axis=0)
        high = CURRENTS[first]
        low = CURRENTS[np.maximum(first - 1, 0)]
        if not self.model.has_rate_curve:
            return low
        state = {name: np.zeros(self.n_neurons) for name in self.model.state}
        for _ in range(70):
            middle = low + (high - low) / 2
            with np.errstate(all="ignore"):
                above = self.model.curve(NumPyNeurons(), middle, state, self.values) > 0
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        return low

    def check_amplitude(self) -> None:
        current, state = self.samples()
        outputs = []
        for amplitude in (1.0, 2.5):
            model = self.model.replace(amplitude=amplitude)
            output, _ = advance(model, NumPyNeurons(), self.dt, current, state, self.values)
            outputs.append(output)
        error = np.abs(outputs[1] - 2.5 * outputs[0])
        if not np.all(error <= _ROUNDING["float64"][0] * _size(outputs[1])):
            where = tuple(np.argwhere(error == np.nanmax(error))[0])
            raise self.broken(
                _AMPLITUDE,
                f"an output of {outputs[0][where]:.6g} became {outputs[1][where]:.6g} with an "
                "amplitude of 2.5",
            )

    def check_copies(self) -> None:
        neurons = self.neurons
        copies: dict[str, Callable[[Any], Any]] = {
            "copy.copy": copy.copy,
            "copy.deepcopy": copy.deepcopy,
        }
        if isinstance(self.neurons, NeuronModel):
            copies["replace()"] = lambda each: each.replace()
        if _is_importable(type(neurons)) and _is_importable(type(self.model)):
            copies["pickle"] = lambda each: pickle.loads(pickle.dumps(each))
        for how, make in copies.items():
            with self.explained(_COPIES):
                made = make(neurons)
                same = {
                    "it equals": made == neurons and neurons == made,
                    "it has the hash of": hash(made) == hash(neurons),
                    "it is written like": repr(made) == repr(neurons),
                }
            for claim, holds in same.items():
                if not holds:
                    raise self.broken(
                        _COPIES, f"of what {how} made, {made!r}, it is not true that {claim} it"
                    )
        if not isinstance(self.neurons, NeuronModel):
            return
        unknown = [name for name in vars(neurons) if not name.startswith("_")]
        if unknown:
            raise self.broken(
                _COPIES,
                f"{unknown[0]} is not declared as a parameter of nengo, as in `{unknown[0]} = "
                f"nengo.params.NumberParam({unknown[0]!r}, readonly=True)`: neurons that differ by "
                "it are taken for equal, and computed as one",
            )
        for name, value in {**self.values, "amplitude": self.model.amplitude}.items():
            declared = self.model.parameters.get(name)
            other = _another(value, declared)
            if self.model.replace(**{name: other}) == self.model:
                raise self.broken(
                    _COPIES, f"it equals one that has {other} for {name}, in place of {value}"
                )

    def check_simulators(self) -> None:
        series = [
            self.currents(5, _N_SIMULATED)[..., : each or None]
            for each in ((0, _N_OTHERS) if self.several else (0,))
        ]
        expected = [
            self.simulate(nengo.Simulator, [each[item] for each in series]) for item in range(5)
        ]
        for kind, options, n_items in self.simulators():
            with self.explained(_SIMULATORS):
                found = self.simulate(
                    kind, [each[0] for each in series], [each[:n_items] for each in series],
                    minibatch_size=n_items, **options,
                )  # fmt: skip
            for name, values in found.items():
                right = np.stack([each[name] for each in expected[:n_items]])
                error = np.abs(values - right)
                wrong = ~(error <= 10 * _ROUNDING["float64"][0] * _size(right))
                if wrong.any():
                    item, step, neuron = np.argwhere(wrong)[0]
                    how = ", ".join(f"{k}={v!r}" for k, v in options.items())
                    raise self.broken(
                        _SIMULATORS,
                        f"{name} of neuron {neuron} in step {step} is "
                        f"{right[item, step, neuron]:.9g} in nengo.Simulator, and "
                        f"{values[item, step, neuron]:.9g} in {kind.__module__.split('.')[0]}."
                        f"{kind.__name__}({how}) with minibatches of {n_items}",
                    )

    def simulators(self) -> Iterator[tuple[Any, dict[str, Any], int]]:
        """Return which to run, and with how many items in a minibatch."""
        yield nengo_dl.Simulator, {}, 2
        yield Simulator, {"execution": "stepwise"}, 5
        yield Simulator, {"execution": "layerwise"}, 1
        yield Simulator, {"execution": "layerwise"}, 5

    def simulate(
        self,
        kind: Any,
        series: list[np.ndarray],
        data: list[np.ndarray] | None = None,
        **options: Any,
    ) -> dict[str, np.ndarray]:
        """Run a network of one or two populations; return what neurons do, by name."""
        probes, nodes = {}, []
        with nengo.Network(seed=self.seed) as network:
            nengo_dl.configure_settings(dtype="float64")
            for number, table in enumerate(series):
                size = table.shape[1]
                node = nengo.Node(nengo.processes.PresentInput(table, self.dt))
                population = nengo.Ensemble(
                    size, 1, neuron_type=self.neurons, gain=np.ones(size), bias=np.zeros(size)
                )
                nengo.Connection(node, population.neurons, synapse=None)
                nodes.append(node)
                # the states of what nengo_dl computes itself are its own: it counts others
                for name in ("output", *(self.model.state if self.is_ours else ())):
                    probes[f"{name} (population {number})"] = nengo.Probe(population.neurons, name)
        with kind(network, dt=self.dt, progress_bar=False, **options) as sim:
            if data is None:
                sim.run_steps(_N_SIMULATED)
                found = sim.data
            else:
                found = sim.predict(dict(zip(nodes, data, strict=True)), verbose=0)
            return {name: np.array(found[probe]) for name, probe in probes.items()}

    def explained(self, promise: str) -> _Explained:
        return _Explained(self, promise)


class _Explained:
    """Turns an error of a user's code into a broken promise."""

    def __init__(self, check: _Check, promise: str) -> None:
        self.check = check
        self.promise = promise

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, BrokenPromiseError):
            text = str(error).strip().splitlines()
            raise self.check.broken(
                self.promise, f"{type(error).__name__}: {text[0] if text else ''}"
            ) from error


def _size(values: Any, otherwise: float = 1.0) -> float:
    """Return the size of the largest value; another number if all are 0."""
    finite = np.asarray(values)[np.isfinite(values)]
    return float(np.max(np.abs(finite), initial=0.0)) or otherwise


def _not_finite(values: Any) -> float:
    values = np.asarray(values)
    return float(values[~np.isfinite(values)][0])


def _few(values: np.ndarray) -> str:
    """Write down what a series of inputs has."""
    return ", ".join(f"{each:.9g}" for each in np.unique(values)[:4])


def _finite_differences(
    function: Callable[[Mapping[str, np.ndarray]], np.ndarray],
    at: Mapping[str, np.ndarray],
    name: str,
    steps: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Differentiate what each neuron gives by what it is given; all neurons at once.

    Returns
    -------
    found, bend : array
        The derivative, and by how much it differs to both sides.
    """
    value = at[name]
    middle = function(at)
    found, bend = np.empty_like(value), np.empty_like(value)
    for row in np.ndindex(value.shape[:-1]):
        ends = []
        for sign in (1, -1):
            moved = value.copy()
            moved[row] += sign * steps[row]
            with np.errstate(invalid="ignore"):
                ends.append((function({**at, name: moved}) - middle) / (moved[row] - value[row]))
        above, below = ends
        with np.errstate(invalid="ignore"):
            found[row], bend[row] = (above + below) / 2, above - below
    return found, bend


def _another(value: Any, declared: Any) -> Any:
    """Return another value that a parameter may have."""
    if declared is not None and declared.bounds is not None:
        low, high = declared.bounds
        return np.where(np.isclose(value, (low + high) / 2), (3 * low + high) / 4, (low + high) / 2)
    return np.asarray(value) * 1.5 + (np.asarray(value) == 0)


def _is_importable(cls: type) -> bool:
    """Say whether a class can be found by its name, without which pickle can do nothing."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is cls
