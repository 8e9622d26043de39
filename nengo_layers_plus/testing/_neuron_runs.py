"""Neurons that are run step by step without a network, and the inputs and states to run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons._neuron_model import NeuronModel
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons, TensorFlowNeurons
from nengo_layers_plus.neurons._response import CURRENTS, measured_curve
from nengo_layers_plus.neurons._surrogate import Native
from nengo_layers_plus.surrogate import SurrogateFunction, get

Arrays = dict[str, Any]
"""Arrays or tensors by the name of a state or parameter, ``"output"``, or `INPUT`."""

INPUT = "the input"
N_WARM = 40  # steps after which neurons have come to states that they can have
_N_NEURONS, _N_ITEMS = 6, 4
_N_EXTREME = 20  # steps
_RATE = 100.0  # Hz, about what typical inputs bring about
_EXTREME = 1e6
_N_BISECTIONS = 70


class NeuronRuns:
    """
    Runs a model in NumPy and TensorFlow, with random inputs of the size that makes it fire.

    Parameters
    ----------
    neurons : nengo.neurons.NeuronType
        The user's type of neurons.
    model : NeuronModel
        The model that computes it.
    native : Native or None
        How this package computes it; None if it leaves it to nengo_dl.
    dt : float
        The length of a step (s).
    n_neurons : int or None
        The number of neurons; None: that of the values of parameters, or a few.
    seed : int
        Of the random numbers.
    """

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
        self.native = native
        self.dt = dt
        self.rng = np.random.RandomState(seed)
        self.values: Arrays = {name: getattr(model, name) for name in model.parameters}
        sizes = {np.size(value) for value in self.values.values() if np.ndim(value)}
        self.any_size = n_neurons is None and not sizes
        self.n_neurons = n_neurons or max(sizes, default=_N_NEURONS)
        self.function: SurrogateFunction | None = None
        if model.spiking:
            self.function = (native and native.function) or get("arctan")()
        with np.errstate(all="ignore"):
            curve = np.nan_to_num(measured_curve(model))
        self._measured = np.broadcast_to(curve, (len(CURRENTS), self.n_neurons))
        self.scale = self._typical_currents()
        self.warm: Arrays = {}  # the result of a run over `N_WARM` steps

    def namespace(self, dtype: str, for_kernel: bool = False) -> TensorFlowNeurons:
        """Return the mathematics of TensorFlow, as training uses it."""
        through_reset = self.native is not None and self.native.through_reset
        return TensorFlowNeurons(dtype, self.function, through_reset, for_kernel=for_kernel)

    def tensors(self, dtype: str) -> Arrays:
        """Return the parameters as nengo_dl has them if they train."""
        return {
            name: tf.constant(np.atleast_1d(value)[np.newaxis], dtype)
            for name, value in self.values.items()
        }

    # inputs and states

    def _typical_currents(self) -> np.ndarray:
        """Find the input that brings about a typical output, shape ``(n_neurons,)``."""
        rise = self._measured - self._measured[len(CURRENTS) // 2]
        most = np.minimum(_RATE, 0.1 / self.dt) * self.model.amplitude
        target = np.minimum(most, 0.5 * rise.max(axis=0))
        beyond = (rise >= target) & (CURRENTS > 0)[:, np.newaxis]
        return np.where(beyond.any(axis=0) & (target > 0), CURRENTS[beyond.argmax(axis=0)], 1.0)

    def currents(self, *shape: int, low: float = -0.5, high: float = 2.0) -> np.ndarray:
        """Draw inputs, shape ``(*shape, n_neurons)``."""
        return self.scale * self.rng.uniform(low, high, (*shape, self.n_neurons))

    def start(self, *shape: int) -> Arrays:
        """Draw states that simulations start from, shape ``(*shape, n_neurons)``."""
        drawn = [
            self.neurons.make_state(self.n_neurons, rng=self.rng, dtype=np.float64)
            for _ in range(int(np.prod(shape)))
        ]
        return {
            name: np.reshape([state[name] for state in drawn], (*shape, self.n_neurons))
            for name in self.model.state
        }

    def warm_up(self) -> None:
        """Run neurons, from which `samples` takes states."""
        currents = self.currents(N_WARM, _N_ITEMS)
        self.warm = self.run(NumPyNeurons(), currents, self.start(_N_ITEMS), self.values)

    def samples(self) -> tuple[np.ndarray, Arrays]:
        """Return inputs, and states that neurons can have, shape ``(n_samples, n_neurons)``."""
        states = {name: self.warm[name].reshape(-1, self.n_neurons) for name in self.model.state}
        return self.currents(N_WARM * _N_ITEMS), states

    def extreme_currents(self) -> np.ndarray:
        """Return series of inputs, shape ``(n_steps, n_items, n_neurons)``."""
        threshold = self._threshold()
        ones = np.ones(self.n_neurons)
        beyond = [np.nextafter(threshold.astype(t), np.inf, dtype=t) for t in ("f4", "f8")]
        constant = np.array(
            [_EXTREME * ones, -_EXTREME * ones, 0 * ones, threshold, self.scale, *beyond]
        )
        signs = np.where(np.arange(_N_EXTREME) % 2, 1.0, -1.0)[:, np.newaxis]
        drawn = self.rng.choice(len(constant), (_N_EXTREME, self.n_neurons))
        changing = [signs * _EXTREME * ones, np.take_along_axis(constant, drawn, axis=0)]
        return np.stack([*np.tile(constant[:, np.newaxis], (1, _N_EXTREME, 1)), *changing], axis=1)

    def _threshold(self) -> np.ndarray:
        """Find the largest input without an output, to the last bit if there is a rate curve."""
        first = np.argmax(self._measured > 0, axis=0)
        low, high = CURRENTS[np.maximum(first - 1, 0)], CURRENTS[first]
        if not self.model.has_rate_curve:
            return low
        state = {name: np.zeros(self.n_neurons) for name in self.model.state}
        for _ in range(_N_BISECTIONS):
            middle = low + (high - low) / 2
            fires = self.curve(NumPyNeurons(), middle, state, self.values) > 0
            low, high = np.where(fires, low, middle), np.where(fires, middle, high)
        return low

    # steps, in NumPy or in TensorFlow, as the arguments are

    def step(self, xp: Any, current: Any, state: Arrays, values: Mapping[str, Any]) -> Arrays:
        """Run one step; returns the output and the new states as the model returned them."""
        with np.errstate(all="ignore"):
            output, new = self.model.advance(xp, self.dt, current, state, values)
        return {"output": output, **new}

    def curve(self, xp: Any, current: Any, state: Arrays, values: Mapping[str, Any]) -> Any:
        """Return the rate curve, shaped like the input."""
        with np.errstate(all="ignore"):
            return shaped_like(current, self.model.curve(xp, current, state, values))

    def run(
        self,
        xp: Any,
        currents: Any,
        state: Arrays,
        values: Mapping[str, Any],
        held: Sequence[str] = (),
    ) -> Arrays:
        """
        Run several steps.

        Parameters
        ----------
        xp : NumPyNeurons or TensorFlowNeurons
            Mathematics.
        currents : array or tf.Tensor
            The input of each step, shape ``(n_steps, ..., n_neurons)``.
        state : dict of array or tf.Tensor
            The initial states, shape ``(..., n_neurons)``.
        values : Mapping
            The parameters.
        held : sequence of str
            The states that are held constant.

        Returns
        -------
        results : dict of array or tf.Tensor
            The outputs and the states of all steps, by name, shaped like ``currents``.
        """
        in_tensorflow = tf.is_tensor(currents)
        steps: list[Arrays] = []
        now = dict(state)
        for current in tf.unstack(currents) if in_tensorflow else currents:
            results = self.step(xp, current, now, values)
            results = {name: shaped_like(current, value) for name, value in results.items()}
            results.update({name: state[name] for name in held})
            now = {name: results[name] for name in state}
            steps.append(results)
        stack = tf.stack if in_tensorflow else np.array
        return {name: stack([step[name] for step in steps]) for name in steps[0]}


def shaped_like(current: Any, value: Any) -> Any:
    """Return a value as an array or a tensor, as the input is, of the shape of the input."""
    if not tf.is_tensor(current):
        return np.broadcast_to(value, current.shape)
    value = value if tf.is_tensor(value) else tf.convert_to_tensor(value, current.dtype)
    return tf.broadcast_to(tf.cast(value, current.dtype), tf.shape(current))


def magnitude(values: Any, of_zeros: float = 1.0) -> float:
    """Return the largest finite absolute value; ``of_zeros`` if all are 0."""
    finite = np.asarray(values)[np.isfinite(values)]
    return float(np.max(np.abs(finite), initial=0.0)) or of_zeros
