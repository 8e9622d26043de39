"""Neurons that are run step by step, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons._neuron_model import NeuronModel

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Run:
    """
    What neurons have put out in some steps.

    Parameters
    ----------
    outputs : array or tf.Tensor
        The output of each step, the steps first.
    states : dict of array or tf.Tensor
        The states behind each step, likewise.
    """

    outputs: Any
    states: dict[str, Any]

    @property
    def last(self) -> dict[str, Any]:
        """The states behind the last step."""
        return {name: each[-1] for name, each in self.states.items()}


def advance(
    model: NeuronModel,
    xp: Any,
    dt: float,
    current: Any,
    state: Mapping[str, Any],
    values: Mapping[str, Any],
) -> tuple[Any, dict[str, Any]]:
    """Run one step; quietly, where NumPy would warn."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        return model.advance(xp, dt, current, state, values)


def run_in_numpy(
    model: NeuronModel,
    xp: Any,
    dt: float,
    currents: np.ndarray,
    state: Mapping[str, np.ndarray],
    values: Mapping[str, Any],
    held: Sequence[str] = (),
) -> Run:
    """
    Run some steps in NumPy.

    Parameters
    ----------
    model : NeuronModel
        The neurons.
    xp : NumPyNeurons
        Mathematics.
    dt : float
        The length of a step (s).
    currents : array
        The input of each step, shape ``(n_steps, ..., n_neurons)``.
    state : Mapping of str to array
        What the states start from, shape ``(..., n_neurons)``.
    values : Mapping
        The parameters.
    held : sequence of str
        Which states are held still.
    """
    outputs, states = [], []
    now = dict(state)
    for current in currents:
        output, new = advance(model, xp, dt, current, now, values)
        now = {
            name: state[name] if name in held else np.broadcast_to(each, current.shape)
            for name, each in new.items()
        }
        outputs.append(np.broadcast_to(output, current.shape))
        states.append(now)
    return Run(
        np.array(outputs), {name: np.array([each[name] for each in states]) for name in model.state}
    )


def run_in_tensorflow(
    model: NeuronModel, xp: Any, dt: float, currents: Any, state: Mapping[str, Any], values: Any
) -> Run:
    """
    Run some steps in TensorFlow.

    Parameters
    ----------
    model : NeuronModel
        The neurons.
    xp : TensorFlowNeurons
        Mathematics.
    dt, currents, state, values
        See `run_in_numpy`, as tensors.
    """
    outputs, states = [], []
    now = dict(state)
    for current in tf.unstack(currents):
        output, new = advance(model, xp, dt, current, now, values)
        now = {name: as_tensor(each, current) for name, each in new.items()}
        outputs.append(as_tensor(output, current))
        states.append(now)
    return Run(
        tf.stack(outputs), {name: tf.stack([each[name] for each in states]) for name in model.state}
    )


def as_tensor(value: Any, like: Any) -> Any:
    """Return a value as a tensor that is shaped like another."""
    value = value if tf.is_tensor(value) else tf.convert_to_tensor(value, like.dtype)
    return tf.broadcast_to(tf.cast(value, like.dtype), tf.shape(like))
