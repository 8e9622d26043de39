"""Minibatches in memory, and the functions that are traced for them."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.exceptions import NengoException

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._chunks import train_in_chunks
from nengo_layers_plus.simulator._given_data import GivenData
from nengo_layers_plus.simulator._numerics import Numerics
from nengo_layers_plus.simulator._settings import RunSettings

# The number of calls with one number of steps after which a function is traced for it alone.
_CALLS_BEFORE_TRACING = 3


class Lengths:
    """Chooses whether a function is traced for one number of steps or for any number.

    A function for one number runs faster, but tracing takes time: only the first number of steps,
    and those that recur, get functions of their own.
    """

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._own: set[int] = set()

    def choose(self, steps: int) -> int | None:
        """Return the number of steps that the function for a call is traced for.

        Parameters
        ----------
        steps : int
            The number of steps of the call.

        Returns
        -------
        steps : int or None
            The number that the function is traced for; None for any.
        """
        self._counts[steps] += 1
        if not self._own or self._counts[steps] >= _CALLS_BEFORE_TRACING:
            self._own.add(steps)
        return steps if steps in self._own else None

    def forget(self) -> None:
        """Forget all numbers of steps."""
        self._counts.clear()
        self._own.clear()


# The number of functions that are kept.
_MOST_FUNCTIONS = 16
# The number of values that are compared at once, so that a difference is seen early.
_COMPARED_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class _Case:
    """What a function is traced for.

    Parameters
    ----------
    constant : frozenset of str
        The names of the inputs that are the same in all steps.
    steps : int or None
        The number of steps; None for any.
    writes_state : bool
        Whether the state of the simulation is written.
    defers_compilation : bool
        Whether it runs step by step for now.
    reports : bool
        Whether it says how many steps were run, for which it calls Python.
    shapes : tuple of tf.TensorShape
        Those of the inputs, in order, if the number of steps is known.
    """

    constant: frozenset[str]
    steps: int | None
    writes_state: bool
    defers_compilation: bool
    reports: bool
    shapes: tuple[Any, ...]


class ArrayCalls:
    """Runs minibatches of arrays, and notes in the settings what functions are traced for.

    An input that is constant in time is handed on as one step, so that it is neither copied nor
    computed with for each of them.

    Parameters
    ----------
    model : tf.keras.Model
        The model of the Simulator.
    names : mapping of nengo.Node to str
        The names of its inputs.
    settings : RunSettings
        What the functions are traced for is noted there.
    given : GivenData
        Checks minibatches that are no arrays, and fills them up.
    dtype : str
        The type of numbers.
    cuts : bool
        Whether the inputs may have one step, though more are run.
    defers_compilation : callable
        Takes a number of steps, and says whether they are run step by step.
    state : sequence of tf.Variable
        The state of the simulation.
    numerics : Numerics, optional
        Checks that all numbers are finite.
    """

    def __init__(
        self,
        model: Any,
        names: Mapping[Any, str],
        settings: RunSettings,
        given: GivenData,
        dtype: str,
        cuts: bool,
        defers_compilation: Callable[[int], bool],
        state: Sequence[Any],
        numerics: Numerics | None = None,
    ) -> None:
        self._model = model
        self._nodes = {name: node for node, name in names.items()}
        self._settings = settings
        self._given = given
        self._dtype = dtype
        self._cuts = cuts
        self._defers_compilation = defers_compilation
        self._state = state
        self._numerics = numerics
        self._functions: dict[_Case, Any] = {}
        self._lengths = Lengths()
        # by whether the function is for training; validation within fit has its own
        self._lengths_in_keras = {True: Lengths(), False: Lengths()}

    def forget(self) -> None:
        """Have all functions traced anew."""
        self._functions.clear()
        self._lengths.forget()
        for lengths in self._lengths_in_keras.values():
            lengths.forget()

    @property
    def chunked(self) -> bool:
        """Whether it trains on chunks of sequences."""
        return self._settings.chunks is not None

    def train_in_chunks(
        self, data: Any, train: Callable[[Any], Any], run: Callable[[Any], Any]
    ) -> None:
        """Train on a minibatch of sequences, chunk by chunk; see `train_in_chunks`."""
        chunks = self._settings.chunks
        assert chunks is not None
        train_in_chunks(chunks, data, train, run, self._state, self._settings)

    def minibatch(
        self, data: Any, fills: bool = False, learned: bool = True
    ) -> tuple[Any, Any, Any, Any]:
        """Check and complete a minibatch, which a function is traced for.

        Parameters
        ----------
        data : any
            What Keras hands on.
        fills : bool
            Whether it may have fewer items than a minibatch has.
        learned : bool
            Whether it has targets.

        Returns
        -------
        x, y, weights : dict of str to tf.Tensor
            The data.
        count : tf.Tensor or None
            How many items there are, if fewer.
        """
        x, y, weights = tf.keras.utils.unpack_x_y_sample_weight(data)
        if not self._settings.in_memory:
            try:
                # a repeated item would leave its state
                fills = fills and not self._settings.writes_state
                x, y, weights = self._given.minibatch(x, y, weights, fills, learned)
            except NengoException as problem:
                self._settings.problem = self._settings.problem or problem
                raise
        elif self._settings.fills_minibatches:
            return x, y, weights, None
        x, count = self._given.filled(x)
        return x, y, weights, count

    def check_loss(self, y: Any, loss: Any) -> Any:
        """Check that there is a loss, and that it is finite, if asked for; return the loss."""
        if loss is None and not self._given.has_measures:
            self._settings.problem = self._settings.problem or self._given.no_loss()
            raise self._settings.problem
        return loss if self._numerics is None else self._numerics.check_loss(y, loss)

    @contextlib.contextmanager
    def case_of(
        self, x: Any, training: bool = False, y: Any = None, weights: Any = None
    ) -> Iterator[Hashable]:
        """Note what Keras traces its functions for, while it is called with some data.

        Parameters
        ----------
        x : dict of str to array, or anything else that Keras takes
            The data.
        training : bool
            Whether it is trained.
        y, weights : any
            The targets, and the weights of samples, if it is trained.

        Yields
        ------
        case : hashable
            What the functions are for.
        """
        settings = self._settings
        if training and settings.truncation is not None:
            chunks = settings.truncation.chunks_of(x, y, weights)
            if chunks is not None:
                with settings.changed(
                    constant_inputs=set(),
                    defers_compilation=False,
                    chunks=chunks,
                    in_memory=True,
                    fills_minibatches=True,
                ):
                    yield settings.writes_state, chunks
                return
        # validation within fit must not change the state that training goes on from
        isolated = settings.chunks is not None
        writes_state = settings.writes_state and not isolated
        known = _steps_of(x)
        steps, defers_compilation, fills_minibatches = None, False, False
        if known is not None:
            steps = self._lengths_in_keras[training].choose(known)
            items, size = len(x["n_steps"]), self._model.inputs[-1].shape[0]
            fills_minibatches = items % size == 0
            if not training:
                defers_compilation = self._defers_compilation(known * -(-items // size))
        case = {
            "writes_state": writes_state,
            "steps": steps,
            "defers_compilation": defers_compilation,
            "in_memory": known is not None,
            "fills_minibatches": fills_minibatches,
        }
        with settings.changed(constant_inputs=set(), chunks=None, **case):
            yield tuple(case.values())

    def __call__(self, arrays: Mapping[str, Any]) -> list[Any]:
        """Run a minibatch.

        Parameters
        ----------
        arrays : mapping of str to array
            The values of the inputs, ``(batch, time, size)``, and ``n_steps``, ``(batch, 1)``. They
            may have fewer items than a minibatch has.

        Returns
        -------
        outputs : list of tf.Tensor
            A tensor for each output of the model, for as many items as there are.
        """
        steps = int(arrays["n_steps"][0, 0])
        items, size = len(arrays["n_steps"]), self._model.inputs[-1].shape[0]
        inputs, constant = {}, set()
        for name, values in arrays.items():
            dtype = self._dtype if name in self._nodes else "int32"
            # the values of constant Nodes come with one step
            may_be_constant = self._cuts and name in self._nodes
            if may_be_constant and (is_constant_in_time(values) or values.shape[1] < steps):
                constant.add(name)
                values = values[:, :1]
            inputs[name] = tf.convert_to_tensor(_cast(_filled(values, size - items), dtype))
        traced_for = self._lengths.choose(steps)
        case = _Case(
            frozenset(constant),
            traced_for,
            self._settings.writes_state,
            self._defers_compilation(steps),
            self._settings.report is not None,
            () if traced_for is None else tuple(tensor.shape for tensor in inputs.values()),
        )
        nodes = {self._nodes[name] for name in constant}
        try:
            # constant inputs were found here: the graph need not compare steps
            with self._settings.changed(
                constant_inputs=nodes,
                steps=case.steps,
                defers_compilation=case.defers_compilation,
                shares_constant_inputs=False,
            ):
                if case not in self._functions:
                    while len(self._functions) >= _MOST_FUNCTIONS:
                        self._functions.pop(next(iter(self._functions)))
                    self._functions[case] = self._trace(case, inputs)
                outputs = self._functions[case](inputs)
        except BaseException:
            self._functions.pop(case, None)
            raise
        outputs = tf.nest.flatten(outputs)
        return [output[:items] for output in outputs] if items < size else list(outputs)

    def _trace(self, case: _Case, inputs: dict[str, Any]) -> Any:
        """Trace one concrete function: which one to call is known without comparing tensors."""
        model = self._model

        def run(inputs: dict[str, Any]) -> Any:
            return model(inputs, training=False)

        signature = inputs
        if case.steps is None:
            signature = {
                tensor.name: tf.TensorSpec(
                    [tensor.shape[0], 1, tensor.shape[2]]
                    if tensor.name in case.constant
                    else tensor.shape,
                    tensor.dtype,
                    name=tensor.name,
                )
                for tensor in model.inputs
            }
        return tf.function(run, autograph=False).get_concrete_function(signature)


def is_constant_in_time(values: Any) -> bool:
    """Say whether an array has the same values in all of several steps.

    Parameters
    ----------
    values : array
        Shape ``(batch, time, size)``.
    """
    if not isinstance(values, np.ndarray) or values.ndim != 3 or values.shape[1] < 2:
        return False
    if values.strides[1] == 0:
        return True
    first = values[:, :1]
    if not np.array_equal(values[:, -1:], first):
        return False
    items = max(1, _COMPARED_AT_ONCE // max(1, values[0].size))
    return all(
        bool((values[start : start + items] == first[start : start + items]).all())
        for start in range(0, len(values), items)
    )


def _steps_of(x: Any) -> int | None:
    """Return the number of steps of data in a dictionary of arrays."""
    steps = x.get("n_steps") if isinstance(x, Mapping) else None
    if isinstance(steps, np.ndarray) and steps.size and (steps == steps.flat[0]).all():
        return int(steps.flat[0])
    return None


def _filled(values: Any, missing: int) -> Any:
    """Repeat the last item as often as items are missing."""
    if missing <= 0:
        return values
    if isinstance(values, np.ndarray):
        return np.concatenate([values, values[-1:].repeat(missing, axis=0)])
    return tf.concat([values, tf.repeat(values[-1:], missing, axis=0)], axis=0)


def _cast(values: Any, dtype: str) -> Any:
    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values, dtype)
    return tf.cast(values, dtype)
