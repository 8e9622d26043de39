"""What of a network computes something else of spikes than of the rates that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from nengo.synapses import Lowpass

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._checks import same_values
from nengo_layers_plus.conversion._max_pooling import is_max_pooling
from nengo_layers_plus.conversion._plan import Plan, Step
from nengo_layers_plus.graph import size_of
from nengo_layers_plus.layers._errors import warn_user

_DT = 0.001  # s, the usual time step
LEAST_STEPS = 10  # over which nengo's default, a lowpass of 5 ms, averages
# of a check: the share of neurons that spike in a step, pairs of steps, and values in one of them
_SPIKES, _PAIRS, _LARGEST_BATCH = 0.3, 16, 200_000


def warn_of_spikes(plan: Plan, synapse: Any) -> None:
    """
    Warn of layers that apply something non-linear to single spikes.

    The mean over time of what a linear layer puts out for spikes is what it puts out for their
    mean. It is not so for a maximum, a product, a softmax or neurons, which need a synapse before
    them, so that they get something near to the rates.

    Parameters
    ----------
    plan : Plan
        What will be built.
    synapse : float, nengo.synapses.Synapse or None
        Filter on the output of all neurons.
    """
    if _averages_over(synapse) >= LEAST_STEPS:
        return
    steps = {step.call.path: step for step in _non_linear_over_spikes(plan)}
    if not steps:
        return
    pools = any(is_max_pooling(step.applies) for step in steps.values())
    also = ", or max_to_avg_pool=True for max pooling" if pools else ""
    warn_user(
        f"from_keras: {', '.join(map(repr, steps))} would see single spikes, as no synapse "
        f"averages them over {LEAST_STEPS} ms or more. What is not linear (a maximum, a product, "
        "a softmax, neurons) has another mean over spikes than over rates, often several times "
        "too large. What to do: write from_keras(..., synapse=0.02), a time constant that spans "
        f"several spikes of a neuron{also}"
    )


def _averages_over(synapse: Any) -> float:
    """Return over how many independent steps a synapse averages: 2 tau / dt for a lowpass."""
    if synapse is None:
        return 1.0
    if not hasattr(synapse, "filt"):
        synapse = Lowpass(synapse)
    n_steps = 1000
    response = synapse.filt(np.eye(n_steps, 1), dt=_DT, y0=0)
    power = float(np.sum(np.square(response)))
    return float(np.sum(response)) ** 2 / power if power > 0 else 1.0


def _non_linear_over_spikes(plan: Plan) -> list[Step]:
    """Return the steps whose mean output over spikes is another one than over rates."""
    rng = np.random.RandomState(0)
    largest = max((size_of(shape) for step in plan.steps for shape in step.shapes), default=1)
    pairs = int(np.clip(_LARGEST_BATCH // largest, 2, _PAIRS))
    # what may arrive in one step, in another one, and their mean, of what depends on spikes
    values: dict[int, tf.Tensor] = {}
    found = []
    for step in plan.steps:
        spikes = any(number in values for number in step.call.inputs)
        output = None
        if spikes:
            output, linear = _apply(step, values, plan.dtype, rng, pairs)
            if step.neuron_type is not None or not linear:
                found.append(step)
        if step.neuron_type is not None:
            shape = step.call.call.outputs[0].shape[1:]
            first, second = (rng.uniform(size=(2, pairs, *shape)) < _SPIKES) / _SPIKES
            output = _with_mean(first, second, plan.dtype) if step.neuron_type.spiking else None
        if output is not None:
            values[step.call.output] = output
    return found


def _apply(
    step: Step, values: Mapping[int, tf.Tensor], dtype: str, rng: Any, pairs: int
) -> tuple[tf.Tensor, bool]:
    """Apply a step, and say whether its output for a mean of inputs is the mean of its outputs."""
    tensors = []
    for number, shape in zip(step.call.inputs, step.shapes, strict=True):
        same = rng.uniform(size=(pairs, *shape))  # in each step, where no spikes arrive
        tensors.append(values[number] if number in values else _with_mean(same, same, dtype))
    output = step.apply(tensors)
    first, second, mean = np.split(np.asarray(output, dtype=float), 3)
    return output, same_values((first + second) / 2, mean)


def _with_mean(first: np.ndarray, second: np.ndarray, dtype: str) -> tf.Tensor:
    return tf.constant(np.concatenate([first, second, (first + second) / 2]), dtype)
