"""What of a network computes something else of spikes than of the rates that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.neurons import NeuronType, RatesToSpikesNeuronType
from nengo.synapses import Lowpass

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._checks import same_values
from nengo_layers_plus.conversion._keras_copy import is_max_pooling
from nengo_layers_plus.conversion._plan import Plan, Step
from nengo_layers_plus.graph import size_of
from nengo_layers_plus.layers._errors import warn_user
from nengo_layers_plus.neurons import changed

_DT = 0.001  # s, the usual time step
# so many spikes of a neuron are to be averaged: then maxima over regular spikes are right to a few
# percent, and to about a tenth over random ones, whose number varies by its square root
_REGULAR, _RANDOM = 10, 100
# what may be advised: time constants (s), and scales up to a spike a step for an input of 1
_TIME_CONSTANTS = (0.02, 0.05, 0.1)
_SCALES = [digit * 10.0**power for power in range(3) for digit in (1, 2, 2.5, 5, 10)]
# of a check: the share of neurons that spike in a step, how much of a mean is due to one of two
# steps, pairs of steps, and values in one of them
_SPIKES, _SHARES, _PAIRS, _LARGEST_BATCH = 0.3, (0.5, 0.01), 16, 200_000


def warn_of_spikes(
    plan: Plan,
    synapse: Any,
    neuron_types: Mapping[str, NeuronType],
    scales: Mapping[str, float],
) -> None:
    """
    Warn of layers that apply something non-linear to spikes that nothing averages.

    The mean over time of what a linear layer puts out for spikes is what it puts out for their
    mean. It is not so for a maximum, a product, a softmax or neurons, which need a synapse before
    them that averages many spikes of a neuron, so that they get something near to the rates.

    Parameters
    ----------
    plan : Plan
        What will be built.
    synapse : float, nengo.synapses.Synapse or None
        Filter on the output of all neurons.
    neuron_types : Mapping
        The neurons of layers that are scaled, by name.
    scales : Mapping
        Their scales.
    """
    window = _window(synapse)
    sources = {}
    names: dict[int, str] = {}
    for step in plan.steps:
        name = names.setdefault(id(step.call.layer), step.call.path)  # that of its first call
        if step.neuron_type is not None and step.neuron_type.spiking:
            neuron_type = neuron_types.get(name, step.neuron_type)
            sources[id(step)] = _Spikes(neuron_type, scales.get(name, 1.0))
    if all(each.are_averaged(window) for each in sources.values()):
        return
    steps, seen = _non_linear_over_spikes(plan, sources, window)
    if not steps:
        return
    pools = any(is_max_pooling(step.applies) for step in steps.values())
    also = ", or max_to_avg_pool=True for max pooling" if pools else ""
    rarest = min(seen, key=lambda each: each.rate * window / each.needed)
    averaged = (
        f"in the {1000 * window:.3g} ms over which synapse={synapse!r} averages"
        if window > _DT
        else "in a step, and no synapse averages over steps"
    )
    warn_user(
        f"from_keras: {', '.join(map(repr, steps))} would see single spikes: a neuron with an "
        f"input of 1 fires {rarest.rate * window:.2g} times {averaged}; {rarest.needed} times "
        "are needed. What is not linear (a maximum, a product, a softmax, neurons) has another "
        "mean over spikes than over rates, often several times too large. What to do: "
        f"{_advice(seen, synapse, window)}{also}. Inputs far below 1 need a scale that is larger "
        "in return"
    )


class _Spikes:
    """
    The spikes of neurons, as far as they are known before anything runs.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The neurons, with the amplitude that they will have.
    scale : float
        By how much their input is multiplied.
    """

    def __init__(self, neuron_type: NeuronType, scale: float) -> None:
        self.neuron_type = neuron_type
        self.height = getattr(neuron_type, "amplitude", 1.0) / _DT
        random = isinstance(neuron_type, RatesToSpikesNeuronType)
        regular = isinstance(neuron_type, nengo.RegularSpiking)
        self.needed = _RANDOM if random and not regular else _REGULAR
        self.scale = scale
        self.rate = self.rate_at(scale)

    def rate_at(self, scale: float) -> float:
        """Return the rate (Hz) for an input of 1 that is multiplied by a scale."""
        neuron_type = self.neuron_type
        try:
            if hasattr(neuron_type, "amplitude"):
                neuron_type = changed(neuron_type, amplitude=1.0)
            rates = neuron_type.rates(np.full((1, 1), scale), np.ones(1), np.zeros(1))
            rate = abs(float(np.ravel(rates)[0]))
        except Exception:  # a type of a user may fail in any way
            return 0.0
        return rate if np.isfinite(rate) else 0.0

    def are_averaged(self, window: float, scale: float | None = None) -> bool:
        """Say whether enough of them fall into what is averaged over."""
        rate = self.rate if scale is None else self.rate_at(scale)
        return rate * window >= self.needed * (1 - 1e-6)


def _advice(seen: list[_Spikes], synapse: Any, window: float) -> str:
    """Say with which synapse and scale enough spikes are averaged."""
    candidates = [(synapse, window)] if window > _DT else []
    candidates += [(tau, 2 * tau) for tau in _TIME_CONSTANTS if 2 * tau > window]
    given = max(each.scale for each in seen)
    scales = [given, *(scale for scale in _SCALES if scale > given)]
    for longer, over in candidates:
        for scale in scales:
            if all(each.are_averaged(over, scale) for each in seen):
                times = min(each.rate_at(scale) * over for each in seen)
                return (
                    f"write from_keras(..., synapse={longer!r}, scale_firing_rates={scale:g}), "
                    f"with which it fires {times:.2g} times in {1000 * over:.3g} ms"
                )
    return "give a synapse and scale_firing_rates with which it fires as often"


def _window(synapse: Any) -> float:
    """Return over which time a synapse averages (s): 2 tau for a lowpass, a step for None."""
    if synapse is None:
        return _DT
    if not hasattr(synapse, "filt"):
        synapse = Lowpass(synapse)
    response = synapse.filt(np.eye(2000, 1), dt=_DT, y0=0)
    power = float(np.sum(np.square(response)))
    return _DT * float(np.sum(response)) ** 2 / power if power > 0 else _DT


def _non_linear_over_spikes(
    plan: Plan, sources: Mapping[int, _Spikes], window: float
) -> tuple[dict[str, Step], list[_Spikes]]:
    """Return steps whose mean output over spikes is another one than over rates, and of which."""
    rng = np.random.RandomState(0)
    largest = max((size_of(shape) for step in plan.steps for shape in step.shapes), default=1)
    pairs = int(np.clip(_LARGEST_BATCH // largest, 4, _PAIRS))
    shares = np.resize(np.repeat(_SHARES, 2), pairs)
    # what may arrive in one step, in another one, and their mean, of what depends on spikes
    values: dict[int, tf.Tensor] = {}
    origins: dict[int, list[_Spikes]] = {}  # of spikes that are not averaged
    steps: dict[str, Step] = {}
    seen: list[_Spikes] = []
    for step in plan.steps:
        output = None
        spikes = [each for given in step.call.inputs for each in origins.get(given, ())]
        if spikes:
            output, linear = _apply(step, values, plan.dtype, rng, shares)
            if step.neuron_type is not None or not linear:
                steps[step.call.path] = step
                seen += spikes
        if step.neuron_type is not None:
            source = sources.get(id(step))
            output = None
            spikes = []
            if source is not None and not source.are_averaged(window):
                shape = (pairs, *step.call.call.outputs[0].shape[1:])
                # as high as they are, and low ones, which what is not linear near 0 shows by
                heights = np.resize([1 / _SPIKES, source.height], pairs)
                first, second = (
                    _each(heights, shape) * (rng.uniform(size=shape) < _SPIKES) for _ in range(2)
                )
                output, spikes = _with_mean(first, second, shares, plan.dtype), [source]
        if output is not None:
            values[step.call.output] = output
            origins[step.call.output] = spikes
    return steps, seen


def _apply(
    step: Step, values: Mapping[int, tf.Tensor], dtype: str, rng: Any, shares: np.ndarray
) -> tuple[tf.Tensor, bool]:
    """Apply a step, and say whether its output for a mean of inputs is the mean of its outputs."""
    tensors = []
    for given, shape in zip(step.call.inputs, step.shapes, strict=True):
        # in each step, where no spikes arrive
        same = rng.uniform(size=(len(shares), *shape))
        tensors.append(values[given] if given in values else _with_mean(same, same, shares, dtype))
    output = step.apply(tensors)
    first, second, mean = np.split(np.asarray(output, dtype=float), 3)
    return output, all(map(same_values, _mean(first, second, shares), mean))


def _with_mean(first: np.ndarray, second: np.ndarray, shares: np.ndarray, dtype: str) -> tf.Tensor:
    return tf.constant(np.concatenate([first, second, _mean(first, second, shares)]), dtype)


def _mean(first: np.ndarray, second: np.ndarray, shares: np.ndarray) -> np.ndarray:
    share = _each(shares, first.shape)
    return share * first + (1 - share) * second


def _each(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Let values be those of the items of an array."""
    return values.reshape(-1, *[1] * (len(shape) - 1))
