"""Makes the objects of a layer, as `nengo_dl.Layer` would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import nengo
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import Shape, declare_shape
from nengo_layers_plus.layers._inputs import LayerInput
from nengo_layers_plus.layers._layer_func import Kind
from nengo_layers_plus.layers._layer_wrapper import LayerWrapper, must_be_kept
from nengo_layers_plus.layers._several_inputs import FunctionOfSeveral


def make_ensemble(
    neuron_type: nengo.neurons.NeuronType,
    n_neurons: int,
    shape: Shape,
    arguments: Mapping[str, Any],
) -> nengo.Ensemble:
    """Make the Ensemble of a layer of neurons, and note its shape."""
    ensemble = nengo.Ensemble(n_neurons, 1, neuron_type=neuron_type, **arguments)
    declare_shape(ensemble, shape)
    return ensemble


def make_node(
    layer_func: Any,
    kind: Kind,
    inputs: Sequence[LayerInput],
    several: bool,
    arguments: Mapping[str, Any],
) -> nengo_dl.TensorNode:
    """Make the TensorNode of a Keras layer or function; several inputs lie flat in its input."""
    shape = inputs[0].shape
    shapes = None
    if several:
        shapes = [each.shape for each in inputs]
        shape = (sum(each.size for each in inputs),)
    if kind == "function":
        layer_func = layer_func if shapes is None else FunctionOfSeveral(layer_func, shapes)
    elif shapes is not None or must_be_kept(layer_func):
        layer_func = LayerWrapper(layer_func, shapes)
    return nengo_dl.TensorNode(layer_func, shape_in=shape, pass_time=False, **arguments)


def connect(
    inputs: Sequence[LayerInput], target: Any, synapses: Sequence[Any]
) -> tuple[nengo.Connection, ...]:
    """Connect each input to the neurons of an Ensemble, or to its part of a TensorNode."""
    connections = []
    start = 0
    for each, synapse in zip(inputs, synapses, strict=True):
        if isinstance(target, nengo.Ensemble):
            post = target.neurons
        elif len(inputs) == 1:
            post = target
        else:
            post = target[start : start + each.size]
        start += each.size
        try:
            connection = nengo.Connection(
                each.source, post, synapse=synapse, transform=each.transform
            )
        except ValidationError as error:
            given = "" if each.transform is None else f"; the transform is {each.transform!r}"
            raise ValidationError(
                f"from {each.source} ({each.source.size_out} values) to {post} "
                f"({post.size_in} values): {error}{given}",
                attr="connection",
            ) from error
        connections.append(connection)
    return tuple(connections)


def count_objects(network: nengo.Network) -> dict[type, int]:
    """Return how many objects of each class a network has, without those in its subnetworks."""
    return {cls: len(objects) for cls, objects in network.objects.items()}


def forget_new_objects(network: nengo.Network, before: Mapping[type, int], undo: ExitStack) -> None:
    """Have a failing call take back the objects that it added to the network."""

    def forget() -> None:
        for cls, objects in network.objects.items():
            del objects[before.get(cls, 0) :]

    undo.callback(forget)
