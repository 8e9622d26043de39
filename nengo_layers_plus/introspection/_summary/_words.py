"""Parts of networks in a few words."""

from __future__ import annotations

import inspect
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._upstream import with_sublayers
from nengo_layers_plus.graph import GraphObject, Shape, in_words, number
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
    own = inspect.signature(type(neuron_type).__init__).parameters
    written = []
    for name in dict.fromkeys((*getattr(neuron_type, "parameters", ()), *own)):
        if name in ("self", "initial_state") or not hasattr(neuron_type, name):
            continue
        value = getattr(neuron_type, name)
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            unit = " s" if name.startswith(("tau_", "delay")) else ""
            written.append(f"{name}={number(value)}{unit}")
        else:
            text = repr(value) if np.ndim(value) == 0 else f"array {np.shape(value)}"
            written.append(f"{name}={text}")
    return ", ".join(written)


def shapes_in_words(shape_in: Shape, shape_out: Shape, is_input: bool) -> str:
    """Write the shapes of what comes in and goes out, one if they are the same."""
    if is_input or shape_in == shape_out:
        return str(shape_out)
    return f"{shape_in} -> {shape_out}"


def synapse_in_words(synapse: Any) -> str:
    """Write a synapse."""
    if synapse is None:
        return "none"
    if type(synapse) in (nengo.Lowpass, nengo.Alpha):
        return f"{type(synapse).__name__}({number(synapse.tau)} s)"
    return in_words(synapse)


def transform_in_words(connection: nengo.Connection) -> str:
    """Write what a connection multiplies by."""
    transform = connection.transform
    if isinstance(transform, nengo.transforms.NoTransform):
        return "none"
    if isinstance(transform, nengo.Dense):
        return in_words(transform.init)
    return in_words(transform)


def _name(function: Any) -> str:
    name = getattr(function, "__name__", None)
    return type(function).__name__ if name is None else str(name)
