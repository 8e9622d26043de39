"""Firing rates of spiking neurons: how they are scaled, and warnings where they are too low."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import nengo
import numpy as np
from nengo.neurons import NeuronType, RatesToSpikesNeuronType
from nengo.synapses import Lowpass

from nengo_layers_plus._declared import is_finite
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._layer_copy import is_max_pooling, same_values
from nengo_layers_plus.conversion._layer_names import ConversionError
from nengo_layers_plus.conversion._plan import Plan, Step
from nengo_layers_plus.graph import size_of
from nengo_layers_plus.layers._errors import warn_user
from nengo_layers_plus.neurons import changed

_DT = 0.001  # s, the usual time step
# so many spikes of a neuron are to be averaged: then maxima over regular spikes are right to a few
# percent, and to about a tenth over random ones, whose number varies by its square root
_REGULAR, _RANDOM = 10, 100
# candidates for the advice: time constants (s), and scales up to a spike a step for an input of 1
_TIME_CONSTANTS = (0.02, 0.05, 0.1)
_SCALES = [digit * 10.0**power for power in range(3) for digit in (1, 2, 2.5, 5, 10)]
# of a check: the share of neurons that spike in a step, how much of a mean is due to one of two
# steps, pairs of steps, and values in one of them
_SPIKES, _SHARES, _PAIRS, _LARGEST_BATCH = 0.3, (0.5, 0.01), 16, 200_000


def scaled_steps(plan: Plan, scale_firing_rates: Any) -> list[Step]:
    """
    Return the steps of a plan with scaled firing rates.

    Parameters
    ----------
    plan : Plan
        The plan.
    scale_firing_rates : None, number or Mapping
        As given to `from_keras`.

    Raises
    ------
    ConversionError
        If a number is not above 0, or a layer has no neurons, or neurons without an amplitude.
    """
    if scale_firing_rates is None:
        return plan.steps
    layers = plan.name_layers("layers", {id(s.call.layer): s.neuron_type for s in plan.steps})
    neurons = [name for name, neuron_type in layers.items() if neuron_type is not None]
    scales: dict[str, float] = {}
    if not isinstance(scale_firing_rates, Mapping):
        scales = dict.fromkeys(neurons, _positive(scale_firing_rates))
        scale_firing_rates = {}
    for key, value in scale_firing_rates.items():
        name = layers.only_name_of(key, "scale_firing_rates")
        if name not in neurons:
            shown = key.name if isinstance(key, tf.keras.layers.Layer) else key
            known = ", ".join(map(layers.describe, neurons)) or "no layer"
            raise ConversionError(
                f"scale_firing_rates: {shown!r} is no layer of the model with neurons; those with "
                f"neurons are: {known}"
            )
        if name in scales:
            raise ConversionError(f"scale_firing_rates: layer {name!r} is given twice")
        scales[name] = _positive(value)
    by_layer = {id(layers.keras_objects(name)[0]): scale for name, scale in scales.items()}
    return [
        _scaled(step, by_layer[id(step.call.layer)]) if id(step.call.layer) in by_layer else step
        for step in plan.steps
    ]


def _scaled(step: Step, scale: float) -> Step:
    """Have neurons get a larger input, and their spikes count less."""
    neuron_type: Any = step.neuron_type
    if not hasattr(neuron_type, "amplitude"):
        raise ConversionError(
            f"scale_firing_rates: {neuron_type!r} has no amplitude, so that its output would "
            "be scaled as well; give a dict with the layers to scale, without this one",
            step.call.name,
        )
    scaled = changed(neuron_type, amplitude=neuron_type.amplitude / scale)
    return replace(step, neuron_type=scaled, scale=scale)


def _positive(value: Any) -> float:
    if not is_finite(value) or value <= 0:
        raise ConversionError(f"scale_firing_rates: expected a number above 0, got {value!r}")
    return float(value)


def warn_of_skew(steps: Sequence[Step]) -> None:
    """
    Warn once of scaled neurons whose output is not proportional to their input.

    Parameters
    ----------
    steps : sequence of Step
        The steps of a plan.
    """
    types: dict[str, str] = {}
    for step in steps:
        if step.scale != 1 and _skews(step.neuron_type, step.scale):
            types.setdefault(step.call.path, type(step.neuron_type).__name__)
    names = sorted(set(types.values()))
    if types:
        warn_user(
            f"from_keras, scale_firing_rates: the rates of {' and '.join(names)}"
            " are not proportional to their input, so that scaling skews the output of "
            f"{', '.join(types)}; train the network again, or use SpikingRectifiedLinear"
        )


def _skews(neuron_type: Any, scale: float) -> bool:
    currents = np.linspace(-3, 3, 61)[:, None]
    one, none = np.ones(1), np.zeros(1)
    rates = neuron_type.rates(currents, one, none)
    return not np.allclose(neuron_type.rates(currents, one * scale, none), rates * scale)


def warn_of_spikes(plan: Plan, synapse: Any) -> None:
    """
    Warn of non-linear layers whose input is spikes that no synapse averages.

    The mean output of a linear layer for spikes is its output for their mean. This does not hold
    for a maximum, a product, a softmax or neurons: they need a synapse before them that averages
    many spikes of a neuron, so that their input is near to the rates.

    Parameters
    ----------
    plan : Plan
        The plan of the network.
    synapse : float, nengo.synapses.Synapse or None
        Filter on the output of all neurons.
    """
    window = _window(synapse)
    sources = {
        id(step): _Spikes(step.neuron_type, step.scale)
        for step in plan.steps
        if step.neuron_type is not None and step.neuron_type.spiking
    }
    if all(spikes.are_averaged(window) for spikes in sources.values()):
        return
    steps, seen = _non_linear_over_spikes(plan, sources, window)
    if not steps:
        return
    pools = any(is_max_pooling(step.applies) for step in steps.values())
    also = ", or max_to_avg_pool=True for max pooling" if pools else ""
    rarest = min(seen, key=lambda spikes: spikes.rate * window / spikes.needed)
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
    The spikes of neurons, as far as they are known before a simulation.

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
        """Say whether enough of them fall into the time that is averaged over."""
        rate = self.rate if scale is None else self.rate_at(scale)
        return rate * window >= self.needed * (1 - 1e-6)


def _advice(seen: list[_Spikes], synapse: Any, window: float) -> str:
    """Say with which synapse and scale enough spikes are averaged."""
    candidates = [(synapse, window)] if window > _DT else []
    candidates += [(tau, 2 * tau) for tau in _TIME_CONSTANTS if 2 * tau > window]
    given = max(spikes.scale for spikes in seen)
    scales = [given, *(scale for scale in _SCALES if scale > given)]
    for longer, over in candidates:
        for scale in scales:
            if all(spikes.are_averaged(over, scale) for spikes in seen):
                times = min(spikes.rate_at(scale) * over for spikes in seen)
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
    """Return the non-linear steps that get spikes which are not averaged, and those spikes."""
    rng = np.random.RandomState(0)
    largest = max((size_of(shape) for step in plan.steps for shape in step.shapes), default=1)
    n_pairs = int(np.clip(_LARGEST_BATCH // largest, 4, _PAIRS))
    shares = np.resize(np.repeat(_SHARES, 2), n_pairs)

    def with_mean(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        share = _per_pair(shares, first.ndim)
        return np.concatenate([first, second, share * first + (1 - share) * second])

    # values in one time step, in another one, and their mean, where they depend on spikes
    values: dict[int, np.ndarray] = {}
    origins: dict[int, list[_Spikes]] = {}
    steps: dict[str, Step] = {}
    seen: list[_Spikes] = []
    for step in plan.steps:
        spikes = [source for number in step.call.inputs for source in origins.get(number, ())]
        if spikes:
            tensors = []
            for number, shape in zip(step.call.inputs, step.shapes, strict=True):
                constant = rng.uniform(size=(n_pairs, *shape))  # in time, where no spikes arrive
                value = values[number] if number in values else with_mean(constant, constant)
                tensors.append(tf.constant(value, plan.dtype))
            output = np.asarray(step.apply(tensors), dtype=float)
            first, second, of_mean = np.split(output, 3)
            mean = with_mean(first, second)[-n_pairs:]
            if step.neuron_type is not None or not all(map(same_values, mean, of_mean)):
                steps[step.call.path] = step
                seen += spikes
        if step.neuron_type is not None:
            source = sources.get(id(step))
            spikes = []
            if source is not None and not source.are_averaged(window):
                shape = (n_pairs, *step.call.call.outputs[0].shape[1:])
                # the real height, and a low one, which shows what is not linear near 0
                heights = _per_pair(np.resize([1 / _SPIKES, source.height], n_pairs), len(shape))
                first, second = (heights * (rng.uniform(size=shape) < _SPIKES) for _ in range(2))
                output, spikes = with_mean(first, second), [source]
        if spikes:
            values[step.call.output], origins[step.call.output] = output, spikes
    return steps, seen


def _per_pair(values: np.ndarray, ndim: int) -> np.ndarray:
    """Give values, one for each pair of time steps, the axes of an array of them."""
    return values.reshape(-1, *[1] * (ndim - 1))
