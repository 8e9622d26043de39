"""Whether the weights of Keras layers train, which all places that use a layer share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack

import nengo

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._notes import Notes

# what was asked for the weights of Keras layers in each network, and by whom, by layer
_asked = Notes("trainable")


def asked_otherwise(
    layer: tf.keras.layers.Layer, trains: bool, networks: Iterable[nengo.Network]
) -> str | None:
    """Return who asked in some networks for another setting of a Keras layer, if anyone did."""
    for network in networks:
        asked, whose = _asked.get(network, {}).get(layer, (trains, ""))
        if asked != trains:
            return whose
    return None


def set_keras_trainable(trainable: Mapping[tf.keras.layers.Layer, bool], undo: ExitStack) -> None:
    """
    Set whether Keras layers train.

    Parameters
    ----------
    trainable : Mapping
        Whether each trains. A layer sets those within it as well, so they must come after it.
    undo : ExitStack
        Is told how to take it back.
    """
    # for the same reason it has to be put back before them
    for each in reversed(list(trainable)):
        undo.callback(setattr, each, "trainable", each.trainable)
    for each, value in trainable.items():
        each.trainable = value


def note_asked(
    network: nengo.Network,
    layers: Iterable[tf.keras.layers.Layer],
    trains: bool,
    whose: str,
    undo: ExitStack,
) -> None:
    """
    Note what was asked for the weights of Keras layers, for later layers that ask otherwise.

    Parameters
    ----------
    network : nengo.Network
        The network in which it was asked.
    layers : iterable of tf.keras.layers.Layer
        The layers.
    trains : bool
        What was asked.
    whose : str
        By whom.
    undo : ExitStack
        Is told how to take it back.
    """
    asked = _asked.get(network, {})
    _asked[network] = asked
    for each in layers:
        if each in asked:
            undo.callback(asked.__setitem__, each, asked[each])
        else:
            undo.callback(asked.pop, each, None)
        asked[each] = (trains, whose)
