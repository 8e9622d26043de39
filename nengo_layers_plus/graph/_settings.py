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


def _entry(config: nengo.Config, obj: Any) -> InstanceParams | ClassParams | None:
    # not `config[obj]`, which adds an entry for each object that is looked at
    if obj in config.params:
        return config.params[obj]
    return next((config.params[cls] for cls in type(obj).__mro__ if cls in config.params), None)


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
        config = network.config
        entry = _entry(config, obj)
        if entry is None:
            continue
        of_class = next(
            (config.params[cls] for cls in type(obj).__mro__ if cls in config.params), None
        )
        names = set(of_class.extra_params if of_class is not None else ())
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
    if is_fixed(entry, name):
        return True
    return (
        of_class is not None and name in of_class.extra_params and entry in of_class.get_param(name)
    )


def trains_by_setting(network: nengo.Network, *objects: Any) -> bool | None:
    """
    Say what the settings of a network say of whether something trains that belongs to an object.

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
        found = None
        for config in (each.config for each in path):
            entry = _entry(config, obj)
            if is_fixed(entry, "trainable"):
                entry = next(
                    (config.params[c] for c in type(obj).__mro__ if c in config.params), None
                )
            value = getattr(entry, "trainable", None)
            found = found if value is None else bool(value)
        if found is not None:
            return found
    return None


def may_train(model: Any, *objects: Any) -> bool:
    """
    Say whether the settings of a network let something train that belongs to an object.

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
    if any(each is obj for objects in network.objects.values() for each in objects):
        return path
    found = (_path_to(obj, (*path, each)) for each in network.networks)
    return next((each for each in found if each is not None), None)


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
