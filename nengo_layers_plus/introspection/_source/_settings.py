"""What a network's configuration says, as statements."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import nengo
from nengo.config import ClassParams, InstanceParams
from nengo.ensemble import Neurons
from nengo.params import Parameter

from nengo_layers_plus._upstream import default_simulation_settings
from nengo_layers_plus.graph._settings import TOP_LEVEL_ONLY, is_fixed
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.neurons import model_in
from nengo_layers_plus.synapses._filters import TrainableFilter

_TRAINABLE = (nengo.Ensemble, nengo.Connection, Neurons)

_MISSING = object()


class Settings:
    """
    The settings of one network, as far as they do something.

    Parameters
    ----------
    network : nengo.Network
        The network.
    is_top : bool
        Whether it is the one at the top, where nengo_dl looks up most of its settings.
    inside : set of int
        The ids of the objects that are in it, at any depth.
    """

    def __init__(self, network: nengo.Network, is_top: bool, inside: set[int]) -> None:
        self.network = network
        self.is_top = is_top
        params = network.config.params
        self._classes: dict[type, ClassParams] = {
            key: entry
            for key, entry in params.items()
            # defaults of networks were used when these were made
            if inspect.isclass(key) and (key is nengo.Network or not issubclass(key, nengo.Network))
        }
        self._own: dict[Any, dict[str, Any]] = {}
        self.fixed: set[Any] = set()
        """Objects of which one part alone trains, or not, while others go by other settings."""
        for obj, entry in params.items():
            held = obj.ensemble if isinstance(obj, Neurons) else obj
            if not inspect.isclass(obj) and id(held) in inside:
                values = dict(self._own_values(obj, entry))
                if values:
                    self._own[obj] = values

    def _own_values(self, obj: Any, entry: InstanceParams) -> Iterator[tuple[str, Any]]:
        defaults = self._extra(*type(obj).__mro__)
        own = is_fixed(entry, "trainable")
        for name in sorted({*defaults, "trainable"} if own else defaults):
            value = getattr(entry, name)
            is_used = self.is_top or name not in TOP_LEVEL_ONLY
            if same(value, defaults.get(name)) or not is_used:
                continue
            if name == "trainable":
                if _has_no_effect(obj, own):
                    continue
                if own and _has_other_parts(obj):
                    self.fixed.add(obj)
            yield name, value

    def _extra(self, *classes: type) -> dict[str, Any]:
        """Return what backends have set for the first of some classes that has settings."""
        params = next((self._classes[cls] for cls in classes if cls in self._classes), None)
        return {} if params is None else {k: getattr(params, k) for k in params.extra_params}

    def of(self, obj: Any) -> dict[str, Any]:
        """Return what is set for an object itself, by name."""
        return self._own.get(obj, {})

    # nengo_dl.configure_settings

    def configured(self) -> dict[str, Any]:
        """Return the arguments of `nengo_dl.configure_settings`."""
        settings = {}
        if self.is_top:
            settings = {
                name: value
                for name, value in self._extra(nengo.Network).items()
                if not same(value, default_simulation_settings().get(name, _MISSING))
            }
            keep_history = self._extra(nengo.Probe).get("keep_history", True)
            if keep_history is not True or self._sets("keep_history"):
                settings["keep_history"] = keep_history
        values = self._trainable_by_class()
        if any(value is not None for value in values) or self._sets("trainable"):
            settings["trainable"] = values[0] if len(set(values)) == 1 else None
        return settings

    def _sets(self, name: str) -> bool:
        return any(name in values and obj not in self.fixed for obj, values in self._own.items())

    def _trainable_by_class(self) -> list[Any]:
        return [self._extra(cls).get("trainable") for cls in _TRAINABLE]

    # network.config

    def of_classes(self) -> Iterator[tuple[type, str, Any]]:
        """Yield the settings of classes: the class, the name and the value."""
        values = self._trainable_by_class()
        if len(set(values)) > 1:
            for cls, value in zip(_TRAINABLE, values, strict=True):
                if value is not None:
                    yield cls, "trainable", value
        for cls, params in sorted(self._classes.items(), key=lambda item: item[0].__name__):
            for name in sorted(params.default_params):
                if params in params.get_param(name):
                    yield cls, name, getattr(params, name)

    def others(self) -> Iterator[tuple[type, str, Parameter, Any]]:
        """Yield settings of other backends: the class, the name, the parameter and its value."""
        for cls, params in sorted(self._classes.items(), key=lambda item: item[0].__name__):
            for name in sorted(params.extra_params):
                known = (name == "trainable" and cls in _TRAINABLE) or (
                    name == "keep_history" and cls is nengo.Probe
                )
                if not known and cls is not nengo.Network:
                    yield cls, name, params.get_param(name), getattr(params, name)


def _has_no_effect(obj: Any, is_fixed: bool) -> bool:
    """Say whether nothing of a connection could train."""
    if not isinstance(obj, nengo.Connection) or obj.has_weights:
        return False
    return is_fixed or not isinstance(obj.synapse, TrainableFilter)


def _has_other_parts(obj: Any) -> bool:
    """Say whether something trains that belongs to an object besides its weights or bias."""
    if isinstance(obj, nengo.Connection):
        return isinstance(obj.synapse, TrainableFilter) and obj.synapse.trainable
    ensemble = obj.ensemble if isinstance(obj, Neurons) else obj
    model = model_in(ensemble.neuron_type)
    return model is not None and bool(model.trainable_names)
