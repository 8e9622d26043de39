"""Puts a layer's `Trainable` into force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import nengo
import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl, tf, with_sublayers
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._fixed_trainable import fix_trainable, is_set
from nengo_layers_plus.layers._keras_trainable import (
    asked_otherwise,
    note_asked,
    set_keras_trainable,
)
from nengo_layers_plus.layers._layer_func import Kind
from nengo_layers_plus.layers._layer_parts import LayerParts
from nengo_layers_plus.layers._neuron_parameters import set_trained
from nengo_layers_plus.layers._trainable import Trainable

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer

_OWN_PARTS: Mapping[Kind, tuple[str, ...]] = {
    "neurons": ("bias",),
    "keras": ("weights",),
    "function": (),
}

_PARTS = tuple(each.name for each in fields(Trainable))
_PARAMETERS = tuple(part for part in _PARTS if part != "connection")


def coerce_trainable(layer: CustomLayer, value: Any) -> Trainable | bool:
    """
    Make a Trainable of what a layer's hook returned; True and False stay as they are.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    value : Trainable, Mapping, bool or None
        What the hook returned.

    Raises
    ------
    LayerError
        If it is something else.
    """
    if value is None:
        return Trainable()
    if isinstance(value, np.bool_):
        value = bool(value)
    if isinstance(value, Trainable | bool):
        return value
    if isinstance(value, Mapping):
        try:
            return Trainable.from_mapping(value)
        except ValidationError as error:
            raise LayerError(str(error), attr="trainable", obj=layer) from error
    raise LayerError(
        f"expected a Trainable, a dict of its fields, True, False or None, got {value!r}",
        attr="trainable",
        obj=layer,
    )


def check_trainable(
    layer: CustomLayer,
    trainable: Trainable | bool,
    inherited: Trainable,
    kind: Kind,
    n_inputs: int,
    more: tuple[str, ...] = (),
    adds: bool = False,
) -> tuple[Trainable, tuple[bool, ...]]:
    """
    Check that a layer has the parts that are spoken of, and add what it inherits.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    trainable : Trainable or bool
        What should train.
    inherited : Trainable
        What the block around the layer says of the parts that ``trainable`` leaves out.
    kind : {"neurons", "keras", "function"}
        What the layer is made of.
    n_inputs : int
        How many connections it has.
    more : tuple of str
        Parts that it has besides those that all layers of its kind have.
    adds : bool
        Whether it may add objects, which go by its setting and that of the block around it.

    Returns
    -------
    trainable : Trainable
        With True and False spelled out.
    connections : tuple of bool
        Whether each connection trains.

    Raises
    ------
    LayerError
        If a part does not exist.
    """
    own = (*_OWN_PARTS[kind], *more, *layer.adds_parts)
    meant = _PARAMETERS if adds else own
    for part in _PARAMETERS:
        named = not isinstance(trainable, bool) and getattr(trainable, part) is not None
        if named and part not in own:
            exist = " and ".join(("connection", *own))
            made_of = {"neurons": "neurons", "keras": "a Keras layer", "function": "a function"}
            raise _error(
                layer,
                f"a layer made of {made_of[kind]} has no part {part!r}; it has {exist}",
            )
    if isinstance(trainable, bool):
        if trainable and not meant:
            raise _error(
                layer, "a function has no parameters of its own that could train; it has connection"
            )
        trainable = Trainable(**dict.fromkeys(meant, trainable))
    # a block speaks of the connections into its neurons
    parts = ("connection", *meant) if kind == "neurons" else meant
    trainable = inherit_trainable(trainable, inherited, parts)
    asked = trainable.connection
    if isinstance(asked, tuple):
        if len(asked) != n_inputs:
            raise _error(
                layer, f"expected one setting for each of {n_inputs} connections, got {len(asked)}"
            )
    else:
        asked = (asked,) * n_inputs
    return trainable, tuple(map(bool, asked))


def inherit_trainable(
    own: Trainable, around: Trainable, parts: Sequence[str] = _PARTS
) -> Trainable:
    """
    Fill in what a layer does not say by what the block around it says.

    Parameters
    ----------
    own, around : Trainable
        What the layer and the block say.
    parts : sequence of str
        The fields to fill in.
    """
    return replace(
        own, **{part: getattr(around, part) for part in parts if getattr(own, part) is None}
    )


def without_weights(connection: nengo.Connection) -> str | None:
    """Say why a connection can't train, if it has no weights, and what to do."""
    if connection.has_weights:
        return None
    return (
        f"{connection} has no weights that could train, since it has no transform; give one "
        f"with the call, e.g. transform=nengo_dl.dists.Glorot() or an array of shape "
        f"({connection.size_out}, {connection.size_in})"
    )


def apply_trainable(
    layer: CustomLayer,
    trainable: Trainable,
    connections: Mapping[nengo.Connection, bool],
    ensemble: nengo.Ensemble | None,
    keras_layer: tf.keras.layers.Layer | None,
    undo: ExitStack,
) -> None:
    """
    Write into the network's configuration and the Keras layer what trains.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    trainable : Trainable
        What should train, as `check_trainable` returned it.
    connections : Mapping
        Each connection, and whether it trains.
    ensemble : nengo.Ensemble or None
        The ensemble of a layer of neurons.
    keras_layer : tf.keras.layers.Layer or None
        The Keras layer, if it is one.
    undo : ExitStack
        Is told how to take it all back.

    Raises
    ------
    LayerError
        If a connection that should train has no weights, or if the weights of one Keras layer
        should train in one place of a network and not in another.
    """
    config = nengo.Network.context[-1].config
    if not hasattr(config[nengo.Connection], "trainable"):
        # as in the stock layer: users may go on to set it for objects
        nengo_dl.configure_settings(trainable=None)
    for connection, trains in connections.items():
        if trains and (problem := without_weights(connection)) is not None:
            raise _error(layer, problem)
        fix_trainable(config, connection, trains, undo)
    if ensemble is not None and trainable.bias is not None:
        fix_trainable(config, ensemble.neurons, trainable.bias, undo)
    if keras_layer is not None and trainable.weights is not None:
        _ask_for_weights(layer, keras_layer, trainable.weights, undo)


def trainable_of_added(trainable: Trainable) -> Trainable:
    """Return what a layer's setting means for what it adds: no connection to it, no names."""
    names = isinstance(trainable.neuron_parameters, tuple)
    return replace(
        trainable,
        connection=None,
        neuron_parameters=None if names else trainable.neuron_parameters,
    )


def apply_to_added(
    layer: CustomLayer,
    trainable: Trainable,
    network: nengo.Network,
    before: Mapping[type, int],
    parts: Sequence[LayerParts],
    undo: ExitStack,
) -> None:
    """
    Let what a layer added to a network go by its own setting, where nothing else was said of it.

    That is what it made in a hook, and not as the layer that it is, or through other layers.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    trainable : Trainable
        What of the layer trains.
    network : nengo.Network
        The network.
    before : Mapping
        How many objects of each class the network had before.
    parts : sequence of LayerParts
        What layers made, this one and others, which goes by their settings.
    undo : ExitStack
        Is told how to take it all back.
    """
    config = network.config
    leaves = [leaf for each in parts for leaf in each.leaves]
    made = {id(obj) for leaf in leaves for obj in (leaf.ensemble, leaf.node, *leaf.connections)}
    for cls, objects in network.objects.items():
        for obj in objects[before.get(cls, 0) :]:
            if cls is nengo.Network:
                apply_to_added(layer, trainable, obj, {}, parts, undo)
            elif id(obj) in made:
                continue
            elif cls is nengo.Connection and obj.has_weights:
                _fix_unless_set(config, obj, trainable.weights, undo)
            elif cls is nengo.Ensemble:
                for each in (obj, obj.neurons):
                    _fix_unless_set(config, each, trainable.bias, undo)
                obj.neuron_type = set_trained(layer, obj.neuron_type, trainable.neuron_parameters)
            elif cls is nengo.Node and trainable.weights is not None:
                function = getattr(obj, "tensor_func", None)
                if isinstance(function, tf.keras.layers.Layer):
                    _ask_for_weights(layer, function, trainable.weights, undo)


def _fix_unless_set(config: nengo.Config, obj: Any, trains: bool | None, undo: ExitStack) -> None:
    if trains is not None and not is_set(config, obj):
        fix_trainable(config, obj, trains, undo)


def _ask_for_weights(
    layer: CustomLayer, keras_layer: tf.keras.layers.Layer, trains: bool, undo: ExitStack
) -> None:
    within = with_sublayers(keras_layer)
    for each in within:
        whose = asked_otherwise(each, trains, nengo.Network.context)
        if whose is not None:
            raise _error(
                layer,
                f"weights={trains} for the Keras layer {each.name!r}, but {whose} asked for "
                f"weights={not trains}; its weights are shared by all places that use it, so let "
                "all ask for the same, or leave weights as None and set its trainable yourself",
            )
    set_keras_trainable(dict.fromkeys(within, trains), undo)
    note_asked(nengo.Network.context[0], within, trains, str(layer), undo)


def _error(layer: CustomLayer, message: str) -> LayerError:
    return LayerError(message, attr="trainable", obj=layer)
