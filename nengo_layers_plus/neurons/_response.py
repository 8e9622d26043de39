"""Response curves: the steady output of neurons for a constant current."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons._neuron_namespace import NumPyNeurons

# The time step, the settling time and the measuring time (s) of rates, as in nengo.
_DT = 0.001
_SETTLE_TIME = 0.1
_TIME = 1.0
# The currents of measured curves: dense near 0, and up to values for inputs in Hz.
_SMALL, _END, _COUNT = 0.05, 11.0, 881
CURRENTS = _SMALL * np.sinh(np.linspace(-_END, _END, _COUNT))
CURRENTS.setflags(write=False)
_REFINEMENT = 101


def position_of(current: Any) -> Any:
    """
    Return the positions of currents in `CURRENTS`, as numbers with a fraction.

    Parameters
    ----------
    current : tf.Tensor
        The currents.
    """
    return (tf.asinh(current / _SMALL) + _END) * ((_COUNT - 1) / (2 * _END))


def steady_rates(model: Any, current: np.ndarray) -> np.ndarray:
    """
    Return the steady output of neurons for constant currents.

    Parameters
    ----------
    model : NeuronModel
        The neurons.
    current : array
        Shape ``(n_samples, n_neurons)``.
    """
    current = np.asarray(current, dtype=np.float64)
    if model.has_rate_curve:
        values = {name: getattr(model, name) for name in model.parameters}
        state = {name: np.zeros_like(current) for name in model.state}
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            return np.asarray(model.curve(NumPyNeurons(), current, state, values))
    return _measure(model, current)


def outputs(model: Any, current: np.ndarray, n_steps: int, dt: float = _DT) -> Iterator[Any]:
    """
    Run neurons in NumPy with a constant current; yield the output of every step.

    Parameters
    ----------
    model : NeuronModel
        The neurons.
    current : array
        Shape ``(n_neurons,)`` or ``(n_samples, n_neurons)``.
    n_steps : int
        The number of steps.
    dt : float
        The length of a step (s).
    """
    xp = NumPyNeurons()
    values = {name: getattr(model, name) for name in model.parameters}
    start = model.make_state(current.shape[-1], rng=np.random.RandomState(0), dtype=np.float64)
    state = {name: np.resize(value, current.shape) for name, value in start.items()}
    for _ in range(n_steps):
        output, state = model.advance(xp, dt, current, state, values)
        yield output


def _measure(model: Any, current: np.ndarray) -> np.ndarray:
    """Measure the output, that of a spiking model between the first spike and the last."""
    settle = round(_SETTLE_TIME / _DT)
    n_steps = settle + round(_TIME / _DT) if model.state else 1
    total = np.zeros_like(current)
    first, last = np.full(current.shape, -1), np.full(current.shape, -1)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        for step, output in enumerate(outputs(model, current, n_steps)):
            if step < settle and model.state:
                continue
            fires = np.asarray(output) != 0
            total = total + np.where(first >= 0, output, 0.0)
            last = np.where(fires, step, last)
            first = np.where((first < 0) & fires, step, first)
        if not model.state or not model.spiking:
            return np.asarray(output)
        # a single spike in all this time is an effect of the initial state
        return np.where(last > first, total / np.maximum(last - first, 1), 0.0)


@lru_cache(maxsize=32)
def measured_curve(model: Any) -> np.ndarray:
    """
    Return the steady output for `CURRENTS`.

    Parameters
    ----------
    model : NeuronModel
        The neurons.

    Returns
    -------
    rates : array
        Shape ``(n_currents, 1)``, or ``(n_currents, n_neurons)`` if neurons differ.
    """
    names = [name for name in model.parameters if np.ndim(getattr(model, name))]
    if not names:
        return steady_rates(model, CURRENTS[:, np.newaxis])
    sets, index = np.unique(
        np.stack([getattr(model, name) for name in names]), axis=1, return_inverse=True
    )
    alike = model.replace(**dict(zip(names, sets, strict=True)))
    current = np.repeat(CURRENTS[:, np.newaxis], sets.shape[1], axis=1)
    return steady_rates(alike, current)[:, index.ravel()]


def gain_and_bias(model: Any, max_rates: Any, intercepts: Any) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the gains and biases of neurons, from their response curves.

    Parameters
    ----------
    model : NeuronModel
        The neurons.
    max_rates : array_like
        The output for 1, shape ``(n_neurons,)``.
    intercepts : array_like
        The input from which on the output is above 0, shape ``(n_neurons,)``.

    Raises
    ------
    nengo.exceptions.ValidationError
        If the neurons can't reach such an output.
    """
    max_rates = np.atleast_1d(np.asarray(max_rates, dtype=np.float64))
    intercepts = np.atleast_1d(np.asarray(intercepts, dtype=np.float64))
    curves = measured_curve(model)
    curves = np.broadcast_to(curves, (len(CURRENTS), max_rates.size))
    # the part of a curve above the threshold
    silent = curves <= 0
    if not silent.any(axis=0).all():
        raise ValidationError(
            "expected neurons with a threshold, got some whose output is above 0 for any current; "
            "give gain and bias in place of max_rates and intercepts",
            attr="max_rates, intercepts",
            obj=model,
        )
    start = len(CURRENTS) - 1 - np.argmax(silent[::-1], axis=0)
    beyond = curves >= max_rates
    beyond &= np.arange(len(CURRENTS))[:, np.newaxis] > start
    if not beyond.any(axis=0).all():
        highest = curves.max(axis=0)
        worst = int(np.argmin(beyond.any(axis=0)))
        raise ValidationError(
            f"expected outputs that the neurons can reach, at most {highest[worst]:.4g}, got "
            f"{max_rates[worst]:.4g}",
            attr="max_rates",
            obj=model,
        )
    stop = np.argmax(beyond, axis=0)
    neurons = np.arange(max_rates.size)
    low, high = CURRENTS[start], CURRENTS[np.minimum(start + 1, len(CURRENTS) - 1)]
    between = np.linspace(low, high, _REFINEMENT)
    rates = steady_rates(model, between)
    last_silent = _REFINEMENT - 1 - np.argmax((rates <= 0)[::-1], axis=0)
    threshold = between[last_silent, neurons]
    below, above = curves[stop - 1, neurons], curves[stop, neurons]
    part = (max_rates - below) / np.where(above > below, above - below, 1)
    top = CURRENTS[stop - 1] + np.clip(part, 0, 1) * (CURRENTS[stop] - CURRENTS[stop - 1])
    gain = (top - threshold) / (1 - intercepts)
    return gain, top - gain
