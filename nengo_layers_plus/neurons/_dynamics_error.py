"""Checks of the methods of neuron models, which must run for NumPy and for TensorFlow."""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Callable, Collection
from typing import Any
from weakref import WeakSet

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons._neuron_namespace import TensorFlowNeurons
from nengo_layers_plus.neurons._response import outputs

_DT, _N_STEPS = 0.001, 60
_CURRENTS = (0.5, 1.5, 5.0, 50.0, 500.0)

# a pattern of an error message, and what to write instead
_REMEDIES = (
    (
        r"item assignment|scalar index|read-only",
        "items can't be assigned: write {name} = xp.where(condition, new, {name})",
    ),
    (
        r"numpy array|__array__",
        "a function of NumPy knows no tensors: write xp.{function} in place of np.{function}",
    ),
    (
        r"[Tt]ruth value|Python `?bool`?",
        "an array is neither true nor false: write xp.where(condition, one, other) for an if, "
        "& and | for and and or",
    ),
    (
        r"\bbool\b",
        "truth values are no numbers: write xp.where(condition, 1.0, 0.0), or "
        "xp.spike(voltage - threshold) for spikes",
    ),
    (
        r"no attribute '(\w+)'",
        "a tensor has no {attribute}: write a function of xp, such as xp.where(condition, 1.0, "
        "0.0) in place of (condition).astype(float)",
    ),
    (
        r"real number|only length-1|0-dimensional|only integer tensors",
        "a function of Python takes one number: write xp.{function}",
    ),
)


class DynamicsError(ValidationError):
    """
    A method of a neuron model can't run for NumPy and TensorFlow.

    Parameters
    ----------
    msg : str
        The code to write instead.
    attr : str
        The method.
    obj : NeuronModel
        The model.
    """


def explained(error: Exception, method: Callable[..., Any], obj: Any) -> DynamicsError | None:
    """
    Return an error that says what to write instead, or None for an unknown error.

    Parameters
    ----------
    error : Exception
        The error of the method.
    method : callable
        ``dynamics`` or ``rate_curve`` of a model.
    obj : NeuronModel
        The model.
    """
    if isinstance(error, ValidationError):
        return None
    message = " ".join(str(error).split())
    code = getattr(method, "__code__", None)
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    if not own:
        return None
    line = own[-1].line or ""
    for pattern, remedy in _REMEDIES:
        matched = re.search(pattern, message)
        if matched is None:
            continue
        called = re.search(r"\b(?:np|numpy|math)\.(\w+)", line)
        assigned = re.match(r"\w+", line)
        words = remedy.format(
            function="exp(x)" if called is None else called.group(1),
            name="voltage" if assigned is None else assigned.group(),
            attribute=matched.group(1) if matched.re.groups else "",
        )
        where = f", in the line `{line}`" if line else ""
        return DynamicsError(f"{words}{where}", attr=method.__name__, obj=obj)
    return None


# classes of models that were checked
_traced: WeakSet[type] = WeakSet()
_run: WeakSet[type] = WeakSet()


def check_in_tensorflow(model: Any, n_neurons: int, tensors: Collection[str]) -> None:
    """
    Trace a step in TensorFlow, when a class of models is first built.

    Otherwise errors would come from within Keras, in many lines.

    Parameters
    ----------
    model : NeuronModel
        The model.
    n_neurons : int
        The number of neurons.
    tensors : collection of str
        The names of the parameters that are not constant.

    Raises
    ------
    DynamicsError
        If a method does not run for tensors, and the reason is known.
    """
    if type(model) in _traced:
        return
    xp = TensorFlowNeurons("float32")
    values = {
        name: tf.constant(value[np.newaxis], tf.float32)
        if name in tensors or value.size > 1
        else float(value[0])
        for name, value in model.values_for(n_neurons).items()
    }

    def step(current: Any, *states: Any) -> None:
        state = dict(zip(model.state, states, strict=True))
        model.advance(xp, _DT, current, state, values)
        if model.has_rate_curve:
            model.curve(xp, current, state, values)

    like = tf.TensorSpec((1, n_neurons), tf.float32)
    try:
        tf.function(step, autograph=False).get_concrete_function(like, *[like] * len(model.state))
    except DynamicsError:
        raise
    except Exception:  # an unknown error is raised again where the model is built
        return
    _traced.add(type(model))


def warn_of_height(model: Any, n_neurons: int) -> None:
    """
    Warn of spikes of height 1, when a class of models is first built.

    Parameters
    ----------
    model : NeuronModel
        The model.
    n_neurons : int
        The number of neurons.
    """
    if type(model) in _run:
        return
    _run.add(type(model))
    if is_one_high(model, n_neurons):
        warnings.warn(
            f"{type(model).__name__}.dynamics: its spikes are 1 high, so that its output is no "
            "rate in Hz but a number of spikes a step; write spikes / dt for the output",
            stacklevel=2,
        )


def is_one_high(model: Any, n_neurons: int) -> bool:
    """
    Say whether the output is a number of spikes, not divided by the length of a step.

    Parameters
    ----------
    model : NeuronModel
        The model.
    n_neurons : int
        The number of neurons.
    """
    if not model.spiking:
        return False
    with np.errstate(all="ignore"):
        heights = [
            np.broadcast_to(output, (n_neurons,)).copy()
            for value in _CURRENTS
            for output in outputs(model, np.full(n_neurons, value), _N_STEPS, _DT)
        ]
    spikes = np.array(heights, dtype=float) / model.amplitude
    spikes = spikes[np.isfinite(spikes) & (spikes != 0)]
    counts = np.allclose(spikes, np.round(spikes)) and (np.abs(spikes) < 0.5 / _DT).all()
    return bool(spikes.size and counts)
