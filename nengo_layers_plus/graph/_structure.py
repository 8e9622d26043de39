"""What objects and connections are, in values that can be compared, for `canonical_ranks`."""

from __future__ import annotations

import re
from typing import Any

import nengo
import numpy as np
from nengo.connection import LearningRule
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import is_automatic_name, tf
from nengo_layers_plus.graph._keras_layers import layer_itself

# neither the seeds of a network nor values that may be drawn anew decide: they change from one
# run of a script to the next, and with them names would


def structure_of(obj: Any, kind: str, path: tuple[nengo.Network, ...]) -> tuple[Any, ...]:
    """Say what an ensemble, node or probe is, apart from its place among others."""
    around = tuple(by_numbers(network.label) for network in path[1:])
    sizes = (int(obj.size_in), 0 if isinstance(obj, nengo.Probe) else int(obj.size_out))
    return (around, by_numbers(obj.label), kind, sizes, _details(obj))


def by_numbers(label: Any) -> tuple[str | int, ...]:
    """Split a label, or None, so that it sorts by its numbers: text and numbers, in turn."""
    parts = re.split(r"(\d+)", str(label or ""))
    return tuple(int(part) if index % 2 else part for index, part in enumerate(parts))


def _details(obj: Any) -> tuple[str, ...]:
    if isinstance(obj, nengo.Ensemble):
        return (str(obj.n_neurons), repr(obj.neuron_type))
    if isinstance(obj, nengo.Probe):
        return (type(obj.obj).__name__, str(obj.attr), repr(obj.synapse), _slice(obj.target))
    function = getattr(obj, "tensor_func", obj.output)
    layer = layer_itself(function)
    if isinstance(layer, tf.keras.layers.Layer):
        shapes = (str(obj.shape_in), str(obj.shape_out))
        return ("layer", type(layer).__name__, *shapes, _own_name(layer), _config(layer))
    if isinstance(function, np.ndarray):
        return ("array",)
    return (type(function).__name__, getattr(function, "__qualname__", ""))


def structure_of_link(link: nengo.Connection | nengo.Probe) -> tuple[str, ...]:
    """Say what a connection is, or what a probe reads, apart from what it joins."""
    if isinstance(link, nengo.Probe):
        return ("probe", type(link.obj).__name__)
    transform = link.transform
    return (
        "connection",
        _end(link.pre_obj),
        _end(link.post_obj),
        _slice(link.pre),
        _slice(link.post),
        type(transform).__name__,
        str((transform.size_in, transform.size_out)),
        str(_shape(transform)),
        repr(link.synapse),
        str(link.size_mid),
        "" if link.function is None else getattr(link.function, "__qualname__", ""),
        repr(link.learning_rule_type),
    )


def _end(obj: Any) -> str:
    return next((cls.__name__ for cls in (Neurons, LearningRule) if isinstance(obj, cls)), "object")


def _slice(obj: Any) -> str:
    return repr(obj.slice) if isinstance(obj, nengo.base.ObjView) else ""


def _shape(transform: Any) -> Any:
    if isinstance(transform, nengo.Convolution | nengo.ConvolutionTranspose):
        return (transform.kernel_shape, transform.strides, transform.padding)
    init = getattr(transform, "init", None)
    if isinstance(init, nengo.dists.Distribution):
        return type(init).__name__
    return () if init is None else np.shape(init)


def _own_name(layer: Any) -> str:
    return "" if is_automatic_name(layer) else str(layer.name)


def _config(layer: Any) -> str:
    try:
        config = layer.get_config()
    except Exception:  # a user's layer may fail in any way; then its class has to do
        return ""
    return repr(_plain(config))


def _plain(value: Any) -> Any:
    """Reduce a configuration to what does not differ from one process to the next."""
    if isinstance(value, dict):
        left_out = ("name", "dtype", "inbound_nodes", "input_layers", "output_layers")
        return sorted(
            (str(key), _plain(each)) for key, each in value.items() if key not in left_out
        )
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    return type(value).__name__
