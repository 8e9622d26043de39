"""Which parameters of a layer are trained: the declaration, and how it is put into force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import nengo
import numpy as np
from nengo.config import ClassParams, InstanceParams
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import items_in
from nengo_layers_plus._upstream import nengo_dl, tf, with_sublayers
from nengo_layers_plus.graph._settings import Notes
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.neurons import changed, model_in

Kind = Literal["neurons", "keras", "function"]


@dataclass(frozen=True)
class Trainable:
    """
    Which parameters of a layer are trained; ``None`` leaves a part as nengo_dl would have it.

    Parameters
    ----------
    connection : bool or None, or a sequence of these
        The weights of the connection into the layer. ``None``, as in `nengo_dl.Layer`, means no.
        True needs a connection that has weights: an array as ``transform``, or an ensemble whose
        decoders could train as input. For a layer of several inputs a sequence gives one
        setting to each.
    bias : bool or None
        The neurons' biases. ``None`` follows the network's configuration.
    weights : bool or None
        The weights of the Keras layer. ``None`` means as the Keras layer itself says. The
        setting belongs to the Keras layer, wherever it is used: all its places in a network must
        ask for the same.
    neuron_parameters : bool or None, or str or a sequence of str
        Parameters that the neuron type itself declares, such as a time constant: True for those
        that it declares to train, or the names of some. ``None`` leaves it to the neuron type. A
        `.NeuronModel` may declare some; the neuron types of nengo do not.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a value is something else.

    Notes
    -----
    Wherever a ``Trainable`` is accepted, so are a dict of its fields and True or False; these two
    mean the layer's own parameters (bias, weights, neuron parameters) and never the connection.

    Examples
    --------
    >>> from nengo_layers_plus import Trainable
    >>> Trainable(bias=False)
    Trainable(bias=False)
    >>> Trainable(bias="no")
    Traceback (most recent call last):
        ...
    nengo.exceptions.ValidationError: Trainable.bias: expected True, False or None, got 'no'
    """

    connection: bool | tuple[bool | None, ...] | None = None
    bias: bool | None = None
    weights: bool | None = None
    neuron_parameters: bool | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "connection" and isinstance(value, Sequence | np.ndarray):
                items = items_in(value)
                given = [value] if items is None else items
                value = tuple(_flag(flag, field.name) for flag in given)
            elif field.name == "neuron_parameters" and _are_names(value):
                value = (value,) if isinstance(value, str) else tuple(value)
            else:
                value = _flag(value, field.name)
            object.__setattr__(self, field.name, value)

    def __repr__(self) -> str:
        given = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) is not None
        )
        return f"{type(self).__name__}({', '.join(given)})"

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Trainable:
        """
        Make one from a dict of its fields.

        Parameters
        ----------
        settings : Mapping
            Field names and their values.

        Raises
        ------
        nengo.exceptions.ValidationError
            If a name is none of the fields.

        Examples
        --------
        >>> Trainable.from_mapping({"weights": False})
        Trainable(weights=False)
        """
        if not isinstance(settings, Mapping):
            raise ValidationError(
                f"expected a dict of settings, got {settings!r}", attr="from_mapping", obj=cls
            )
        names = [field.name for field in fields(cls)]
        unknown = [name for name in settings if name not in names]
        if unknown:
            raise ValidationError(
                f"expected settings of {', '.join(names)}, got {', '.join(map(repr, unknown))}",
                attr="from_mapping",
                obj=cls,
            )
        return cls(**settings)


def _flag(value: Any, name: str, obj: Any = Trainable) -> bool | None:
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    raise ValidationError(f"expected True, False or None, got {value!r}", attr=name, obj=obj)


def _are_names(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, Sequence) and all(isinstance(name, str) for name in value)
    )


# from the return value of a hook to the setting in force


# the kinds of layers in words, and the parameters that all layers of a kind have
_KINDS: Mapping[Kind, tuple[str, ...]] = {
    "neurons": ("neurons", "bias"),
    "keras": ("a Keras layer", "weights"),
    "function": ("a function",),
}
_PARTS = tuple(field.name for field in fields(Trainable))
_PARAMETERS = tuple(part for part in _PARTS if part != "connection")


def coerce_trainable(value: Any) -> Trainable | bool:
    """
    Make a Trainable of what a hook returned; True and False stay as they are.

    Parameters
    ----------
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
        return bool(value)
    if isinstance(value, Trainable | bool):
        return value
    if not isinstance(value, Mapping):
        raise LayerError(
            f"expected a Trainable, a dict of its fields, True, False or None, got {value!r}",
            attr="trainable",
        )
    try:
        return Trainable.from_mapping(value)
    except ValidationError as error:
        raise LayerError(str(error), attr="trainable") from error


def choose_trainable(
    own: Trainable | bool,
    inherited: Trainable,
    source: str,
    kind: Kind,
    more: Iterable[str] = (),
    adds: bool = False,
) -> tuple[Trainable, dict[str, str]]:
    """
    Return the setting of a layer with the parts that it inherits, if the layer has all of them.

    Parameters
    ----------
    own : Trainable or bool
        The setting of the layer.
    inherited : Trainable
        The setting of the block around the layer, for parts that its own leaves out.
    source : str
        The place where the setting of the layer was set.
    kind : {"neurons", "keras", "function"}
        What the layer is made of.
    more : iterable of str
        Parts that it has besides those that all layers of its kind have.
    adds : bool
        Whether it may add objects, to which its setting and that of the block apply.

    Returns
    -------
    trainable : Trainable
        With True and False spelled out.
    set_by : dict
        The places where its fields were set, by name.

    Raises
    ------
    LayerError
        If a part does not exist.
    """
    words, *of_kind = _KINDS[kind]
    existing = (*of_kind, *more)
    meant = _PARAMETERS if adds else existing
    if isinstance(own, bool):
        if own and not meant:
            raise _error(
                "a function has no parameters of its own that could train; it has connection"
            )
        own = Trainable(**dict.fromkeys(meant, own))
    else:
        for part in _PARAMETERS:
            if getattr(own, part) is not None and part not in existing:
                raise _error(
                    f"a layer made of {words} has no part {part!r}; it has "
                    f"{' and '.join(('connection', *existing))}"
                )
    # the setting of a block for connections is for those into its neurons
    parts = ("connection", *meant) if kind == "neurons" else meant
    trainable = inherit_trainable(own, inherited, parts)
    set_by = {
        part: "trainable of the block" if getattr(own, part) is None else source
        for part in _PARTS
        if getattr(trainable, part) is not None
    }
    return trainable, set_by


def inherit_trainable(
    own: Trainable, around: Trainable, parts: Iterable[str] = _PARTS
) -> Trainable:
    """
    Fill in the parts that the setting of a layer leaves out by those of the block around it.

    Parameters
    ----------
    own, around : Trainable
        The settings of the layer and of the block.
    parts : iterable of str
        The fields to fill in.
    """
    return replace(
        own, **{part: getattr(around, part) for part in parts if getattr(own, part) is None}
    )


def trainable_of_added(trainable: Trainable) -> Trainable:
    """Return the setting for objects that a layer adds: without its connection and names."""
    names = isinstance(trainable.neuron_parameters, tuple)
    return replace(
        trainable,
        connection=None,
        neuron_parameters=None if names else trainable.neuron_parameters,
    )


# putting it into force


def apply_trainable(
    trainable: Trainable,
    connections: Sequence[nengo.Connection],
    ensemble: nengo.Ensemble | None,
    keras_layer: tf.keras.layers.Layer | None,
    layer: str,
    undo: ExitStack,
) -> None:
    """
    Set which parameters are trained, in the network's configuration and the Keras layer.

    Parameters
    ----------
    trainable : Trainable
        The setting, as `choose_trainable` returned it.
    connections : sequence of nengo.Connection
        The connections into the layer.
    ensemble : nengo.Ensemble or None
        The ensemble of a layer of neurons.
    keras_layer : tf.keras.layers.Layer or None
        The Keras layer, if it is one.
    layer : str
        The layer, in words.
    undo : ExitStack
        Gets callbacks that undo it.

    Raises
    ------
    LayerError
        If there is not one setting for each connection, if a connection that should train has no
        weights, or if the weights of one Keras layer should train in one place of a network and
        not in another.
    """
    config = nengo.Network.context[-1].config
    if not hasattr(config[nengo.Connection], "trainable"):
        # as in the stock layer: users may go on to set it for objects
        nengo_dl.configure_settings(trainable=None)
    flags = trainable.connection
    if not isinstance(flags, tuple):
        flags = (flags,) * len(connections)
    if len(flags) != len(connections):
        raise _error(
            f"expected one setting for each of {len(connections)} connections, got {len(flags)}"
        )
    for connection, trains in zip(connections, flags, strict=True):
        if trains and (problem := without_weights(connection)) is not None:
            raise _error(problem)
        fix_trainable(config, connection, bool(trains), undo)
    if ensemble is not None and trainable.bias is not None:
        fix_trainable(config, ensemble.neurons, trainable.bias, undo)
    if keras_layer is not None and trainable.weights is not None:
        _ask_for_weights(keras_layer, trainable.weights, layer, undo)


def apply_to_added(
    trainable: Trainable,
    network: nengo.Network,
    before: Mapping[type, int],
    made: set[int],
    layer: str,
    undo: ExitStack,
) -> None:
    """
    Apply the setting of a layer to the objects that its `on_built` added, unless they have one.

    Objects that a layer makes as its own, this one or others, are left out.

    Parameters
    ----------
    trainable : Trainable
        The setting of the layer.
    network : nengo.Network
        The network.
    before : Mapping
        How many objects of each class the network had before.
    made : set of int
        The ids of objects that layers made, this one and others, with settings of their own.
    layer : str
        The layer, in words.
    undo : ExitStack
        Gets callbacks that undo it.
    """
    config = network.config

    def fix_unless_set(obj: Any, trains: bool | None) -> None:
        if trains is not None and not _is_set(config, obj):
            fix_trainable(config, obj, trains, undo)

    for cls, objects in network.objects.items():
        for obj in objects[before.get(cls, 0) :]:
            if cls is nengo.Network:
                apply_to_added(trainable, obj, {}, made, layer, undo)
            elif id(obj) in made:
                continue
            elif cls is nengo.Connection and obj.has_weights:
                fix_unless_set(obj, trainable.weights)
            elif cls is nengo.Ensemble:
                fix_unless_set(obj, trainable.bias)
                fix_unless_set(obj.neurons, trainable.bias)
                obj.neuron_type = set_trained(obj.neuron_type, trainable.neuron_parameters)
            elif cls is nengo.Node and trainable.weights is not None:
                function = getattr(obj, "tensor_func", None)
                if isinstance(function, tf.keras.layers.Layer):
                    _ask_for_weights(function, trainable.weights, layer, undo)


def set_trained(neuron_type: Any, trains: bool | tuple[str, ...] | None) -> Any:
    """
    Return a type of neurons of which some parameters train.

    Parameters
    ----------
    neuron_type : nengo.neurons.NeuronType
        The type of neurons.
    trains : bool, tuple of str or None
        What `Trainable.neuron_parameters` says.

    Raises
    ------
    LayerError
        If it has no parameter of a name.
    """
    if trains is None or model_in(neuron_type) is None:
        return neuron_type
    try:
        return changed(neuron_type, trainable=trains)
    except ValidationError as error:
        raise _error(str(error)) from error


def without_weights(connection: nengo.Connection) -> str | None:
    """Say why a connection can't train, if it has no weights, and what to do."""
    if connection.has_weights:
        return None
    return (
        f"{connection} has no weights that could train, since it has no transform; give one "
        f"with the call, e.g. transform=nengo_dl.dists.Glorot() or an array of shape "
        f"({connection.size_out}, {connection.size_in})"
    )


def _error(message: str) -> LayerError:
    return LayerError(message, attr="trainable")


# settings of objects


_DEFAULTS = {"trainable": None, "keep_history": True}  # nengo_dl's


class FixedSetting(InstanceParams):
    """
    A setting of one object, which stays when that of its class is set anew.

    ``nengo_dl.configure_settings`` replaces the parameter of the class, and with it the settings of
    objects: a plain setting that a layer made would be lost in silence.

    Parameters
    ----------
    configures : NengoObject or nengo.ensemble.Neurons
        The object.
    clsparams : nengo.config.ClassParams
        The settings of its class.
    name : str
        The name of the setting, e.g. ``"trainable"``.
    value : bool or None
        Its value; None follows the class.
    """

    frozen_from: tuple[InstanceParams | None] | None = None
    """In a tuple, the setting in its place when the object was frozen; None if it was not."""

    def __init__(
        self, configures: Any, clsparams: ClassParams, name: str, value: bool | None
    ) -> None:
        super().__init__(configures, clsparams)
        self._fixed: dict[str, bool | None] = {name: value}

    def __getattr__(self, key: str) -> Any:
        fixed = self.__dict__.get("_fixed", {})
        if key not in fixed:
            return super().__getattr__(key)
        if fixed[key] is not None:
            return fixed[key]
        return getattr(self._clsparams, key, _DEFAULTS[key])

    def __setattr__(self, key: str, value: Any) -> None:
        if key == "frozen_from":
            object.__setattr__(self, key, value)
        elif key not in self.__dict__.get("_fixed", {}):
            super().__setattr__(key, value)
        else:
            self._fixed[key] = _flag(value, key, self._configures)

    def __delattr__(self, key: str) -> None:
        if key in self._fixed:
            self._fixed[key] = None
        else:
            super().__delattr__(key)


def fix_trainable(
    config: nengo.Config, obj: Any, trains: bool | None, undo: ExitStack
) -> FixedSetting:
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
        Gets callbacks that undo it.

    Returns
    -------
    setting : FixedSetting
    """
    return fix_setting(config, obj, "trainable", trains, undo)


def fix_setting(
    config: nengo.Config, obj: Any, name: str, value: bool | None, undo: ExitStack
) -> FixedSetting:
    """Set something for an object, such that it stays; see `fix_trainable`."""
    cls = next((cls for cls in type(obj).__mro__ if cls in config.params), None)
    if cls is None:
        cls = type(obj)
        config.configures(cls)
    before = config.params.get(obj)
    setting = FixedSetting(obj, config.params[cls], name, value)
    if before is not None:
        for parameter in config.params[cls].extra_params:
            if parameter != name and parameter in before:
                setattr(setting, parameter, getattr(before, parameter))
    config.params[obj] = setting
    undo.callback(put_back_setting, config, obj, before)
    return setting


def put_back_setting(config: nengo.Config, obj: Any, before: InstanceParams | None) -> None:
    """Give an object the settings that it had before."""
    if before is None:
        config.params.pop(obj, None)
    else:
        config.params[obj] = before


def _is_set(config: nengo.Config, obj: Any) -> bool:
    """Say whether it was set for an object itself whether it trains."""
    own = config.params.get(obj)
    return isinstance(own, FixedSetting) or (own is not None and "trainable" in own)


# weights of Keras layers, which all places that use a layer share


# the trainable that was asked for in a network, and by whom, by Keras layer
_asked = Notes("trainable")


def _ask_for_weights(
    keras_layer: tf.keras.layers.Layer, trains: bool, whose: str, undo: ExitStack
) -> None:
    within = with_sublayers(keras_layer)
    for network in nengo.Network.context:
        for layer in within:
            asked, by = _asked.get(network, {}).get(layer, (trains, ""))
            if asked != trains:
                raise _error(
                    f"weights={trains} for the Keras layer {layer.name!r}, but {by} asked for "
                    f"weights={not trains}; its weights are shared by all places that use it, so "
                    "let all ask for the same, or leave weights as None and set its trainable "
                    "yourself"
                )
    set_keras_trainable(dict.fromkeys(within, trains), undo)
    note_asked(nengo.Network.context[0], within, trains, whose, undo)


def set_keras_trainable(trainable: Mapping[tf.keras.layers.Layer, bool], undo: ExitStack) -> None:
    """
    Set whether Keras layers train.

    Parameters
    ----------
    trainable : Mapping
        Whether a layer trains. It sets those within it as well, so they must come after it.
    undo : ExitStack
        Gets callbacks that undo it.
    """
    # for the same reason it has to be restored before them
    for layer in reversed(list(trainable)):
        undo.callback(setattr, layer, "trainable", layer.trainable)
    for layer, value in trainable.items():
        layer.trainable = value


def note_asked(
    network: nengo.Network,
    layers: Iterable[tf.keras.layers.Layer],
    trains: bool,
    whose: str,
    undo: ExitStack,
) -> None:
    """
    Note the trainable that was asked for Keras layers, for later layers that ask for another.

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
        Gets callbacks that undo it.
    """
    asked = _asked.get(network, {})
    undo.callback(_asked.__setitem__, network, asked)
    _asked[network] = asked | dict.fromkeys(layers, (trains, whose))
