"""Puts a layer's `Trainable` into force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import nengo
import numpy as np
from nengo.config import ClassParams, InstanceParams
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl, tf, with_sublayers
from nengo_layers_plus.layers._enclosing import enclosing_call
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._layer_func import Kind
from nengo_layers_plus.layers._trainable import Trainable

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer

_OWN_PARTS: Mapping[Kind, tuple[str, ...]] = {
    "neurons": ("bias",),
    "keras": ("weights",),
    "function": (),
}

_PARTS = tuple(each.name for each in fields(Trainable))

# what was asked for the weights of Keras layers in each network, and by whom
_asked: WeakKeyDictionary[nengo.Network, dict[Any, tuple[bool, str]]] = WeakKeyDictionary()


class FixedTrainable(InstanceParams):
    """
    The ``trainable`` setting of one object, which stays when that of its class is set anew.

    ``nengo_dl.configure_settings(trainable=...)`` replaces the parameter of the class and with
    it forgets what was set for objects; a plain setting made by a layer would be lost in silence.

    Parameters
    ----------
    configures : NengoObject or nengo.ensemble.Neurons
        The object.
    clsparams : nengo.config.ClassParams
        The settings of its class.
    value : bool
        Whether the object trains.
    """

    def __init__(self, configures: Any, clsparams: ClassParams, value: bool | None) -> None:
        super().__init__(configures, clsparams)
        self._trainable: bool | None = value
        self._frozen_from: tuple[InstanceParams | None] | None = None

    @property
    def frozen_from(self) -> tuple[InstanceParams | None] | None:
        """In a tuple, what was in its place when the object was frozen; None if it was not."""
        return self._frozen_from

    @frozen_from.setter
    def frozen_from(self, before: tuple[InstanceParams | None]) -> None:
        self._frozen_from = before

    @property
    def trainable(self) -> bool | None:
        """Whether the object trains; None follows its class."""
        if self._trainable is None:
            return getattr(self._clsparams, "trainable", None)
        return self._trainable

    def __setattr__(self, key: str, value: Any) -> None:
        if key == "frozen_from":
            object.__setattr__(self, key, value)
        elif key != "trainable":
            super().__setattr__(key, value)
        elif value is None or isinstance(value, bool | np.bool_):
            self._trainable = None if value is None else bool(value)
        else:
            raise ValidationError(
                f"expected True, False or None, got {value!r}", attr=key, obj=self._configures
            )

    def keep_others(self, before: InstanceParams) -> None:
        """Take over what else was set for the object."""
        for name in self._clsparams.extra_params:
            if name != "trainable" and name in before:
                setattr(self, name, getattr(before, name))

    def __delattr__(self, key: str) -> None:
        if key == "trainable":
            self._trainable = None
        else:
            super().__delattr__(key)


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
    own = (*_OWN_PARTS[kind], *layer.adds_parts)
    if isinstance(trainable, bool):
        if trainable and not own:
            raise _error(
                layer, "a function has no parameters of its own that could train; it has connection"
            )
        trainable = Trainable(**dict.fromkeys(own, trainable))
    for part in ("bias", "weights", "neuron_parameters"):
        if getattr(trainable, part) is not None and part not in own:
            exist = " and ".join(("connection", *own))
            made_of = {"neurons": "neurons", "keras": "a Keras layer", "function": "a function"}
            raise _error(
                layer,
                f"a layer made of {made_of[kind]} has no part {part!r}; it has {exist}",
            )
    # a block speaks of the connections into its neurons
    parts = ("connection", *own) if kind == "neurons" else own
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


def let_train(connection: nengo.Connection, trains: bool) -> None:
    """
    Say whether a connection trains that a layer adds in `CustomLayer.on_built`.

    Parameters
    ----------
    connection : nengo.Connection
        A connection of the network of the call.
    trains : bool
        Whether it trains. If it has no weights, there is nothing to say.
    """
    if not connection.has_weights:
        return
    enclosing = enclosing_call()
    config = nengo.Network.context[-1].config
    fix_trainable(config, connection, trains, ExitStack() if enclosing is None else enclosing.undo)


def fix_trainable(
    config: nengo.Config, obj: Any, trains: bool | None, undo: ExitStack
) -> FixedTrainable:
    """
    Set whether an object trains, such that a later setting for its class does not undo it.

    Parameters
    ----------
    config : nengo.Config
        That of the network around the object.
    obj : NengoObject or nengo.ensemble.Neurons
        The object.
    trains : bool or None
        Whether it trains; None follows its class.
    undo : ExitStack
        Is told how to take it back.

    Returns
    -------
    setting : FixedTrainable
    """
    cls = next((each for each in type(obj).__mro__ if each in config.params), None)
    if cls is None:
        cls = type(obj)
        config.configures(cls)
    before = config.params.get(obj)
    setting = FixedTrainable(obj, config.params[cls], trains)
    if before is not None:
        setting.keep_others(before)
    config.params[obj] = setting
    undo.callback(put_back_setting, config, obj, before)
    return setting


def put_back_setting(config: nengo.Config, obj: Any, before: InstanceParams | None) -> None:
    """Give an object the settings that it had before."""
    if before is None:
        config.params.pop(obj, None)
    else:
        config.params[obj] = before


def _ask_for_weights(
    layer: CustomLayer, keras_layer: tf.keras.layers.Layer, trains: bool, undo: ExitStack
) -> None:
    within = with_sublayers(keras_layer)
    for network in nengo.Network.context:
        for each in within:
            earlier, whose = _asked.get(network, {}).get(each, (trains, ""))
            if earlier != trains:
                raise _error(
                    layer,
                    f"weights={trains} for the Keras layer {each.name!r}, but {whose} asked for "
                    f"weights={earlier}; its weights are shared by all places that use it, so let "
                    "all ask for the same, or leave weights as None and set its trainable yourself",
                )
    set_keras_trainable(dict.fromkeys(within, trains), undo)
    note_asked(nengo.Network.context[0], within, trains, str(layer), undo)


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
    asked = _asked.setdefault(network, {})
    for each in layers:
        if each in asked:
            undo.callback(asked.__setitem__, each, asked[each])
        else:
            undo.callback(asked.pop, each, None)
        asked[each] = (trains, whose)


def _error(layer: CustomLayer, message: str) -> LayerError:
    return LayerError(message, attr="trainable", obj=layer)
