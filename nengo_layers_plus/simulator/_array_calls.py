"""Minibatches in memory, run by functions that were traced for what is seen of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._settings import Settings

# How often a number of steps is met before a function is traced for it alone.
_CALLS_BEFORE_TRACING = 3
# How many functions are kept.
_MOST_FUNCTIONS = 16
# How many numbers are compared at once, to find what moves early.
_COMPARED_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class _Case:
    """What a function is traced for.

    Parameters
    ----------
    still : frozenset of str
        The names of the inputs that are the same in all steps.
    steps : int or None
        The number of steps; None for any.
    writes_state : bool
        Whether the state of the simulation is written.
    """

    still: frozenset[str]
    steps: int | None
    writes_state: bool


class ArrayCalls:
    """Runs minibatches of arrays.

    An input that stands still is handed on as one step, so that it is neither copied nor computed
    with for each of them.

    Parameters
    ----------
    model : tf.keras.Model
        The model of the Simulator.
    names : mapping of nengo.Node to str
        The names of its inputs.
    settings : Settings
        What the functions are traced for is noted there.
    dtype : str
        The type of numbers.
    cuts : bool
        Whether the inputs may have one step, though more are run.
    """

    def __init__(
        self, model: Any, names: Mapping[Any, str], settings: Settings, dtype: str, cuts: bool
    ) -> None:
        self._model = model
        self._nodes = {name: node for node, name in names.items()}
        self._settings = settings
        self._dtype = dtype
        self._cuts = cuts
        self._functions: dict[_Case, Any] = {}
        self._lengths: Counter[int] = Counter()

    def forget(self) -> None:
        """Have all functions traced anew."""
        self._functions.clear()

    def __call__(self, arrays: Mapping[str, Any]) -> list[Any]:
        """Run a minibatch.

        Parameters
        ----------
        arrays : mapping of str to array
            The values of the inputs, ``(batch, time, size)``, and ``n_steps``, ``(batch, 1)``.

        Returns
        -------
        outputs : list of tf.Tensor
            A tensor for each output of the model.
        """
        steps = int(arrays["n_steps"][0, 0])
        inputs, still = {}, set()
        for name, values in arrays.items():
            if name in self._nodes:
                # the values of constant Nodes come with one step
                if self._cuts and (stands_still(values) or values.shape[1] < steps):
                    still.add(name)
                    values = values[:, :1]
                inputs[name] = tf.convert_to_tensor(_cast(values, self._dtype))
            else:
                inputs[name] = tf.convert_to_tensor(_cast(values, "int32"))
        case = self._choose(frozenset(still), steps)
        settings = self._settings
        settings.still = {self._nodes[name] for name in still}
        settings.steps = case.steps
        # it was looked for here
        shares, settings.shares_still_inputs = settings.shares_still_inputs, False
        try:
            outputs = self._functions[case](inputs)
        except BaseException:
            self._functions.pop(case, None)
            raise
        finally:
            settings.still, settings.steps = set(), None
            settings.shares_still_inputs = shares
        return list(tf.nest.flatten(outputs))

    def _choose(self, still: frozenset[str], steps: int) -> _Case:
        """Choose the function to use, and make it if it is not there."""
        writes_state = self._settings.writes_state
        self._lengths[steps] += 1
        special = _Case(still, steps, writes_state)
        general = _Case(still, None, writes_state)
        if special in self._functions:
            return special
        first = not any(
            (each.still, each.writes_state) == (still, writes_state) for each in self._functions
        )
        recurs = self._lengths[steps] >= _CALLS_BEFORE_TRACING
        case = special if first or recurs else general
        if case not in self._functions:
            while len(self._functions) >= _MOST_FUNCTIONS:
                self._functions.pop(next(iter(self._functions)))
            self._functions[case] = self._trace(case)
        return case

    def _trace(self, case: _Case) -> Any:
        model = self._model

        def run(inputs: dict[str, Any]) -> Any:
            return model(inputs, training=False)

        signature = None
        if case.steps is None:
            signature = [
                {
                    each.name: tf.TensorSpec(
                        [each.shape[0], 1, each.shape[2]]
                        if each.name in case.still
                        else each.shape,
                        each.dtype,
                        name=each.name,
                    )
                    for each in model.inputs
                }
            ]
        return tf.function(run, input_signature=signature, autograph=False)


def stands_still(values: Any) -> bool:
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


def _cast(values: Any, dtype: str) -> Any:
    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values, dtype)
    return tf.cast(values, dtype)
