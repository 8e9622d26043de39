"""Parts of networks in a few words."""

from __future__ import annotations

import inspect
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._upstream import with_sublayers
from nengo_layers_plus.graph import GraphObject, in_words, number
from nengo_layers_plus.graph._keras_layers import keras_layer_of


def what_of(item: GraphObject) -> str:
    """Say what an ensemble, node or TensorNode is."""
    obj = item.obj
    if item.kind == "ensemble":
        dimensions = "" if obj.dimensions == 1 else f", {obj.dimensions} dimensions"
        return f"{in_words(obj.neuron_type)}{dimensions}"
    if item.kind == "tensor node":
        function = keras_layer_of(obj)
        if function is None:
            return f"function {_name(obj.tensor_func)}"
        inner = len(with_sublayers(function)) - 1
        return type(function).__name__ + (f" of {inner} layers" if inner else "")
    output = obj.output
    if output is None:
        return "passes on"
    if isinstance(output, nengo.Process):
        return in_words(output)
    return "values" if isinstance(output, np.ndarray) else f"function {_name(output)}"


def arguments_in_words(neuron_type: Any) -> str:
    """Write the arguments that a type of neurons has, also those that are as by default."""
    names = (
        *getattr(neuron_type, "parameters", ()),
        *inspect.signature(type(neuron_type)).parameters,
    )
    written = []
    for name in dict.fromkeys(names):
        if name != "initial_state" and hasattr(neuron_type, name):
            value = getattr(neuron_type, name)
            text = f"array {np.shape(value)}" if np.ndim(value) else in_words(value)
            is_time = name.startswith(("tau_", "delay")) and not np.ndim(value)
            written.append(f"{name}={text}{' s' if is_time else ''}")
    return ", ".join(written)


def synapse_in_words(synapse: Any) -> str:
    """Write a synapse."""
    if synapse is None:
        return "none"
    if type(synapse) in (nengo.Lowpass, nengo.Alpha):
        return f"{type(synapse).__name__}({number(synapse.tau)} s)"
    return in_words(synapse)


def transform_in_words(connection: nengo.Connection) -> str:
    """Write the transform of a connection."""
    transform = connection.transform
    if isinstance(transform, nengo.transforms.NoTransform):
        return "none"
    return in_words(transform.init if isinstance(transform, nengo.Dense) else transform)


def _name(function: Any) -> str:
    name = getattr(function, "__name__", None)
    return type(function).__name__ if name is None else str(name)
