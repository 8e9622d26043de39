"""The arrays in which nengo_dl keeps the signals of a network, many signals in one."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
from nengo.builder import Signal

from nengo_layers_plus._upstream import nengo_dl, tf


class SignalArrays:
    """
    Reads and sets the values of signals, with one transfer for each array that holds some.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        An open Simulator.
    """

    def __init__(self, sim: nengo_dl.Simulator) -> None:
        self.tensor_graph = sim.tensor_graph
        self.signals = self.tensor_graph.signals
        self.dtype = tf.as_dtype(self.tensor_graph.dtype).as_numpy_dtype
        self.variables = {**self.tensor_graph.saved_state, **self.tensor_graph.base_params}
        self._now: dict[Any, np.ndarray] = {}
        self._first: dict[Any, np.ndarray] = {}

    def get(self, signal: Signal) -> np.ndarray | None:
        """Return the value of a signal, ``(batch, size, ...)`` if items have their own, or None."""
        if signal not in self.signals or self.signals[signal].key not in self.variables:
            return None
        held = self.signals[signal]
        return self._array(held.key)[_where(held)].copy()

    def put(self, signal: Signal, value: np.ndarray, first: bool = True) -> None:
        """
        Set the value of a signal; of one for which items have their own, that of all.

        Parameters
        ----------
        signal : nengo.builder.Signal
            The signal. One that nengo_dl left out is left alone.
        value : array
            Its value.
        first : bool
            Whether it is also the value that ``sim.reset`` goes back to.
        """
        if self.get(signal) is None:
            return
        held = self.signals[signal]
        where = _where(held)
        array = self._array(held.key)
        array[where] = np.broadcast_to(value, array[where].shape) if first else value
        if first:
            self._first_array(held.key)[where] = array[where]

    def take_over(self, before: SignalArrays) -> None:
        """Set all that learns or changes over time as it was in a Simulator built before."""
        written = {
            signal.base
            for operators in self.tensor_graph.plan
            for operator in operators
            for signal in (*operator.sets, *operator.incs, *operator.updates)
        }
        for signal in list(self.signals):
            if signal.is_view or (signal.trainable is None and signal not in written):
                continue
            value = before.get(signal)
            if value is not None:
                self.put(signal, value, first=False)
        layers = (getattr(each.tensor_graph, "state_of_layers", ()) for each in (self, before))
        for key, key_before in zip(*layers, strict=True):
            self._now[key] = before._array(key_before)

    def assign(self, undo: ExitStack) -> None:
        """Hand what was set to TensorFlow; ``undo`` is told how to take it back."""
        initial_values = self.tensor_graph.initial_values
        for key, array in self._now.items():
            undo.callback(self.variables[key].assign, self.variables[key].numpy())
            self.variables[key].assign(array)
        for key, array in self._first.items():
            undo.callback(initial_values.__setitem__, key, initial_values[key])
            initial_values[key] = _Constant(array)

    def _array(self, key: Any) -> np.ndarray:
        if key not in self._now:
            self._now[key] = np.array(tf.keras.backend.get_value(self.variables[key]))
        return self._now[key]

    def _first_array(self, key: Any) -> np.ndarray:
        if key not in self._first:
            variable = self.variables[key]
            begun = self.tensor_graph.initial_values[key](variable.shape, dtype=variable.dtype)
            self._first[key] = np.array(tf.keras.backend.get_value(begun))
        return self._first[key]


class _Constant:
    """An initializer of Keras that returns an array."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def __call__(self, shape: Any = None, dtype: Any = None) -> tf.Tensor:
        return tf.constant(self.array, dtype=dtype)


def _where(held: Any) -> Any:
    """Return the index of a signal in the array that holds it."""
    parts = [np.arange(start, stop) for start, stop in held.slices]
    rows = np.concatenate(parts) if len(parts) != 1 else slice(*held.slices[0])
    return (slice(None), rows) if held.minibatched else rows
