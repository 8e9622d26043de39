"""What is set for objects: in nengo's configuration, through all levels, and in notes of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.config import ClassParams, InstanceParams
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import nengo_dl

# nengo_dl looks these up at the top level alone
TOP_LEVEL_ONLY = frozenset({"keep_history"})


@dataclass(frozen=True)
class Setting:
    """
    A setting in force for an object.

    Parameters
    ----------
    name : str
        Its name, e.g. ``"trainable"``.
    value : object
        Its value.
    network : nengo.Network or None
        The network whose configuration holds it; None if it is nengo's default.
    own : bool
        Whether it was set for this very object, and not for all objects of its class.
    """

    name: str
    value: Any
    network: nengo.Network | None
    own: bool


def _class_entry(config: nengo.Config, obj: Any) -> ClassParams | None:
    """Return what a configuration says of the class of an object."""
    return next((config.params[cls] for cls in type(obj).__mro__ if cls in config.params), None)


def _entry(config: nengo.Config, obj: Any) -> InstanceParams | ClassParams | None:
    """Return what a configuration says of an object, else of its class."""
    # not `config[obj]`, which adds an entry for every object that is looked at
    return config.params[obj] if obj in config.params else _class_entry(config, obj)


def settings_of(obj: Any, path: Sequence[nengo.Network]) -> dict[str, Setting]:
    """
    Return the extra settings in force for an object, by name.

    Parameters
    ----------
    obj : NengoObject or nengo.ensemble.Neurons
        The object.
    path : sequence of nengo.Network
        The networks around it, the outermost first.
    """
    in_force: dict[str, Setting] = {}
    for level, network in enumerate(path):
        entry, of_class = _entry(network.config, obj), _class_entry(network.config, obj)
        if entry is None:
            continue
        names = set() if of_class is None else set(of_class.extra_params)
        own = isinstance(entry, InstanceParams)
        if own and hasattr(entry, "trainable"):
            names.add("trainable")
        for name in names:
            if level > 0 and name in TOP_LEVEL_ONLY:
                continue
            value = getattr(entry, name)
            if value is None and name in in_force:
                continue
            in_force[name] = Setting(name, value, network, own and _is_own(entry, name, of_class))
    return in_force


def is_fixed(entry: Any, name: str) -> bool:
    """Say whether the settings of an object are a `layers._trainable.FixedSetting` of a name."""
    return name in getattr(entry, "__dict__", {}).get("_fixed", ())


def _is_own(entry: InstanceParams, name: str, of_class: ClassParams | None) -> bool:
    if of_class is None or name not in of_class.extra_params:
        return is_fixed(entry, name)
    return is_fixed(entry, name) or entry in of_class.get_param(name)


def trains_by_setting(network: nengo.Network, *objects: Any) -> bool | None:
    """
    Return whether the settings of a network have the parameters of an object train.

    What layers set for one part of an object, such as its bias, does not count.

    Parameters
    ----------
    network : nengo.Network
        The network, at the top level.
    *objects : NengoObject or nengo.ensemble.Neurons
        The object, and those that it follows if nothing is said of it.

    Returns
    -------
    trains : bool or None
        None if they say nothing.
    """
    for obj in objects:
        path = _path_to(getattr(obj, "ensemble", obj), (network,)) or (network,)
        trains = None
        for around in path:
            entry = _entry(around.config, obj)
            if is_fixed(entry, "trainable"):
                entry = _class_entry(around.config, obj)
            value = getattr(entry, "trainable", None)
            trains = trains if value is None else bool(value)
        if trains is not None:
            return trains
    return None


def may_train(model: Any, *objects: Any) -> bool:
    """
    Say whether the settings of a network let the parameters of an object train.

    Parameters
    ----------
    model : nengo_dl.builder.NengoModel
        The model that the network is built into.
    *objects : NengoObject or nengo.ensemble.Neurons
        See `trains_by_setting`.
    """
    if model.toplevel is None or nengo_dl.config.get_setting(model, "inference_only", False):
        return False
    return trains_by_setting(model.toplevel, *objects) is not False


def _path_to(obj: Any, path: tuple[nengo.Network, ...]) -> tuple[nengo.Network, ...] | None:
    """Return the networks around an object, the outermost first; None if it is not in them."""
    network = path[-1]
    if any(obj is member for objects in network.objects.values() for member in objects):
        return path
    paths = (_path_to(obj, (*path, subnetwork)) for subnetwork in network.networks)
    return next((inner for inner in paths if inner is not None), None)


def default_of(nengo_class: type, name: str, path: Sequence[nengo.Network]) -> Setting:
    """
    Return the default that a new object of a class would get in a network.

    Parameters
    ----------
    nengo_class : type
        E.g. `nengo.Connection`.
    name : str
        E.g. ``"synapse"``.
    path : sequence of nengo.Network
        The networks around it, the outermost first.
    """
    parameter = getattr(nengo_class, name, None) if isinstance(name, str) else None
    if not isinstance(nengo_class, type) or not isinstance(parameter, nengo.params.Parameter):
        raise ValidationError(
            f"expected a class of nengo and the name of a parameter of it, got {nengo_class!r} and "
            f"{name!r}",
            attr="name",
        )
    for network in reversed(path):
        for cls in nengo_class.__mro__:
            params = network.config.params.get(cls)
            if params is not None and params in parameter:
                return Setting(name, getattr(params, name), network, own=False)
    return Setting(name, parameter.default, None, own=False)


class Notes:
    """
    Values of ours by object, kept with the object: a copy and a pickle of it has its note.

    Parameters
    ----------
    name : str
        What is noted.
    """

    def __init__(self, name: str) -> None:
        # as nengo warns of attributes that it does not know, it is put where they are kept
        self._key = f"__{name}_of_nengo_layers_plus"

    def __contains__(self, obj: Any) -> bool:
        return self._key in getattr(obj, "__dict__", ())

    def __setitem__(self, obj: Any, value: Any) -> None:
        vars(obj)[self._key] = value

    def get(self, obj: Any, default: Any = None) -> Any:
        """Return what was noted of an object, or a default."""
        return getattr(obj, "__dict__", {}).get(self._key, default)
