"""Writes the statements that build a network."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.config import ClassParams, InstanceParams
from nengo.ensemble import Neurons
from nengo.params import BoolParam, Parameter

from nengo_layers_plus._upstream import default_simulation_settings, nengo_dl
from nengo_layers_plus.graph._settings import TOP_LEVEL_ONLY, is_fixed
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._contents import (
    KINDS,
    Order,
    Path,
    SourceError,
    holder_of,
    kind_of,
    public_name,
    walk,
)
from nengo_layers_plus.introspection._source._keras_layers import KerasValues
from nengo_layers_plus.introspection._source._layout import (
    Comment,
    Loops,
    Statement,
    call,
    lines_of,
    references_of,
)
from nengo_layers_plus.introspection._source._objects import Objects
from nengo_layers_plus.introspection._source._values import stem_of
from nengo_layers_plus.layers._layer_func import FunctionOfSeveral, LayerWrapper
from nengo_layers_plus.neurons import model_in
from nengo_layers_plus.synapses._filters import TrainableFilter

_TRAINABLE = (nengo.Ensemble, nengo.Connection, Neurons)

_WRAPPED = (
    "LayerWrapper keeps the weights of the layers within: each Simulator would make them anew."
)
_SEVERAL = "LayerWrapper and FunctionOfSeveral hand on the one flat tensor of a node as several."
_PLAIN = "{} is written as {}: nengo builds the two alike."
_PART = (
    "Its weights or bias alone: network.config[...].trainable would speak of what its synapse or "
    "neurons train too."
)


class NetworkWriter:
    """
    Writes the statements that build a network.

    Parameters
    ----------
    network : nengo.Network
        The network.
    path : Path
        The networks that they open around the objects of it: itself, or none.
    given : mapping
        Objects that exist already, and why the code asks for them.
    replaced : mapping
        By object, arguments to write instead of those that it was made with.

    Attributes
    ----------
    values : KerasValues
        The names, arrays and arguments of the statements.
    given : dict
        The arguments of the code that stand for the objects that exist already.
    """

    def __init__(
        self,
        network: nengo.Network,
        path: Path,
        given: Mapping[Any, str],
        replaced: Mapping[Any, Mapping[str, Any]],
    ) -> None:
        self._top = network
        self._steps = Order(network, path, map(holder_of, given)).steps
        self.values = KerasValues(
            obj for obj, _ in self._steps if isinstance(obj, nengo_dl.TensorNode)
        )
        self._names = self.values.names
        self.given = {obj: self._argument(obj, why) for obj, why in given.items()}
        self._objects = Objects(self.values, self._refer, replaced)
        self._settings: dict[nengo.Network, Settings] = {}
        self._statements: list[Statement | Comment] = []
        self._open: Path = ()
        self._used: set[str] = set()
        self._comments: set[str] = set()

    def _argument(self, obj: Any, why: str) -> str:
        kinds = {Neurons: "_neurons", ObjView: "_part"}
        stem = stem_of(holder_of(obj), "input") + kinds.get(type(obj), "")
        return self.values.add_argument(obj, stem, f"{obj}, {why}")

    def _refer(self, obj: Any) -> str | None:
        """Return the variable, or the argument of the code, that stands for an object."""
        return self.values.known(obj) or next(
            (argument for given, argument in self.given.items() if _is_same_part(given, obj)), None
        )

    # statements

    def _add(self, value: str, target: str = "", is_block: bool = False, depth: int = 1) -> None:
        depth += len(self._open) - int(is_block)
        self._statements.append(Statement(depth, value, target, is_block))

    def _comment(self, text: str) -> None:
        """Say why the code needs something of this package, where it first does."""
        if text not in self._comments:
            self._comments.add(text)
            self._statements.append(Comment(1 + len(self._open), text))

    def lines(self, output: Any, trained: Mapping[Any, bool], expand: bool) -> list[str]:
        """
        Return the lines of the statements.

        Parameters
        ----------
        output : object
            What they return.
        trained : mapping
            Whether objects train of which a layer decided it.
        expand : bool
            Whether objects that are alike have statements of their own, instead of a loop.
        """
        with warnings.catch_warnings():
            # of functions that Keras can't save, and of arguments when objects are made again
            warnings.simplefilter("ignore")
            self._write(trained)
        self._add(f"return {self._objects.end(output)}")
        text = references_of(self._statements)
        self.values.forget_unused(text)
        names = self.values.choose_names(text)
        if expand:
            return lines_of(self._statements, names)
        return lines_of(Loops(self._names.used, names).fold(self._statements), names)

    def _write(self, trained: Mapping[Any, bool]) -> None:
        if trained:
            nengo_name = self._names.module("nengo")
            self._add(f"{nengo_name}.Network.context[-1].config", "config")
            self._add(f'if not hasattr(config[{nengo_name}.Connection], "trainable"):')
            self._configure({"trainable": None}, depth=2)
        for obj, path in self._steps:
            # in the blocks of the networks around it, which are opened again if they were closed
            self._open = tuple(a for a, b in zip(self._open, path, strict=False) if a is b)
            for network in path[len(self._open) :]:
                self._open = (*self._open, network)
                self._add(str(self.values.known(network)), is_block=True)
            if isinstance(obj, nengo.Network):
                self._open_network(obj)
            else:
                self._write_object(obj, path)
        self._open = ()
        for obj, trains in trained.items():
            self._add(str(trains), f"config[{self._objects.end(obj)}].trainable")

    def _open_network(self, network: nengo.Network) -> None:
        is_top = network is self._top
        stem = "network" if is_top else stem_of(network, "subnetwork")
        mark = self.values.add_variable(network, stem)
        self._open = (*self._open, network)
        self._add(self._objects.network(network), mark, is_block=True)
        settings = Settings(network, is_top)
        self._settings[network] = settings
        self._configure(settings.configured())
        for cls, name, value in settings.of_classes():
            written = self._objects.setting(value, name, cls.__name__)
            self._add(written, f"{mark}.config[{self._names.of(cls)}].{name}")
        for cls, name, parameter, value in settings.of_other_backends():
            kind = BoolParam if type(parameter) is BoolParam else Parameter
            key, default = (self.values.write(part, name) for part in (name, value))
            function = f"{self._names.module('nengo')}.params.{kind.__name__}"
            added = call(function, key, default=default, optional="True")
            owner = f"{mark}.config[{self._names.of(cls)}]"
            self._add(call(f"{owner}.set_param", key, added))

    def _configure(self, settings: Mapping[str, Any], depth: int = 1) -> None:
        if settings:
            written = {key: self.values.write(settings[key], key) for key in sorted(settings)}
            function = f"{self._names.module('nengo_dl')}.configure_settings"
            self._add(call(function, **written), depth=depth)

    def _write_object(self, obj: Any, path: Path) -> None:
        kind = kind_of(obj)
        is_tensor_node = kind is nengo_dl.TensorNode
        stem = "tensor_node" if is_tensor_node else kind.__name__.lower()
        name = unique_name(stem_of(obj, stem), self._used)
        if is_tensor_node:
            for value, target in self.values.statements(obj, name):
                self._add(value, target)
            function = obj.tensor_func
            is_wrapped = isinstance(function, LayerWrapper)
            if is_wrapped and function.shapes is None:
                self._comment(_WRAPPED)
            elif is_wrapped or isinstance(function, FunctionOfSeveral):
                self._comment(_SEVERAL)
        if kind is not type(obj):
            own = f"{type(obj).__module__}.{type(obj).__qualname__}"
            self._comment(_PLAIN.format(own, public_name(kind)))
        written = self._objects.write(obj, path, name)
        mark = self.values.add_variable(obj, name)
        self._add(written, mark)
        if isinstance(obj, nengo.Node) and obj.seed is not None:
            self._add(str(int(obj.seed)), f"{mark}.seed")
        for around in path:
            self._write_settings(obj, self._settings[around])

    def _write_settings(self, obj: Any, settings: Settings) -> None:
        config = f"{self.values.known(settings.network)}.config"
        for key in [obj, obj.neurons] if isinstance(obj, nengo.Ensemble) else [obj]:
            for name, value in settings.own.get(key, {}).items():
                target = self._objects.end(key)
                if name != "trainable" or key not in settings.fixed:
                    self._add(self.values.write(value, name), f"{config}[{target}].{name}")
                    continue
                function = self._names.import_from("nengo_layers_plus.layers", "fix_trainable")
                undo = call(self._names.import_from("contextlib", "ExitStack"))
                self._comment(_PART)
                self._add(call(function, config, target, str(value), undo))


def _is_same_part(a: Any, b: Any) -> bool:
    """Say whether two are the neurons of one ensemble, or the same slice of one object."""
    if isinstance(a, ObjView) and isinstance(b, ObjView):
        return bool(a.obj == b.obj) and same(a.slice, b.slice)
    return isinstance(a, Neurons) and bool(a == b)


class Settings:
    """
    The settings in the configuration of one network that have an effect.

    Parameters
    ----------
    network : nengo.Network
        The network.
    is_top : bool
        Whether it is the one at the top, where nengo_dl looks up most of its settings.

    Attributes
    ----------
    network
        As given.
    own : dict
        The settings of single objects: by object, values by name.
    fixed : set
        Objects with a setting for their weights or bias alone.
    """

    def __init__(self, network: nengo.Network, is_top: bool) -> None:
        self.network = network
        self._is_top = is_top
        params = network.config.params
        for key in params:
            if inspect.isclass(key) and issubclass(key, KINDS) and key not in KINDS:
                raise SourceError(
                    f"its configuration has settings for {key.__module__}.{key.__qualname__}, "
                    "objects of which are written as those of its base. Set them for the objects "
                    "instead",
                    obj=network,
                )
        classes: list[tuple[type, ClassParams]] = [
            (key, entry)
            for key, entry in params.items()
            # the defaults of a subclass of Network were used when it was made
            if inspect.isclass(key) and (key is nengo.Network or not issubclass(key, nengo.Network))
        ]
        self._classes = dict(sorted(classes, key=lambda item: item[0].__name__))
        self._trainable = [self._extra(cls).get("trainable") for cls in _TRAINABLE]
        self.fixed: set[Any] = set()
        self.own: dict[Any, dict[str, Any]] = {}
        inside = {id(obj) for obj, _ in walk(network, ())}
        for obj, entry in params.items():
            held = obj.ensemble if isinstance(obj, Neurons) else obj
            if not inspect.isclass(obj) and id(held) in inside:
                self.own[obj] = dict(self._own_values(obj, entry))

    def _own_values(self, obj: Any, entry: InstanceParams) -> Iterator[tuple[str, Any]]:
        defaults = self._extra(*type(obj).__mro__)
        own = is_fixed(entry, "trainable")
        for name in sorted({*defaults, "trainable"} if own else defaults):
            value = getattr(entry, name)
            if same(value, defaults.get(name)) or not (self._is_top or name not in TOP_LEVEL_ONLY):
                continue
            if name == "trainable":
                if _has_nothing_to_train(obj, own):
                    continue
                if own and _has_other_parts(obj):
                    self.fixed.add(obj)
            yield name, value

    def _extra(self, *classes: type) -> dict[str, Any]:
        """Return the backends' settings of the first of some classes that has any."""
        params = next((self._classes[cls] for cls in classes if cls in self._classes), None)
        return {} if params is None else {k: getattr(params, k) for k in params.extra_params}

    def configured(self) -> dict[str, Any]:
        """Return the arguments of `nengo_dl.configure_settings`."""
        settings = {}
        if self._is_top:
            defaults = default_simulation_settings()
            settings = {
                name: value
                for name, value in self._extra(nengo.Network).items()
                if name not in defaults or not same(value, defaults[name])
            }
            keep_history = self._extra(nengo.Probe).get("keep_history", True)
            if keep_history is not True or self._is_set("keep_history"):
                settings["keep_history"] = keep_history
        if self._trainable != [None] * 3 or self._is_set("trainable"):
            is_one = len(set(self._trainable)) == 1
            settings["trainable"] = self._trainable[0] if is_one else None
        return settings

    def _is_set(self, name: str) -> bool:
        return any(name in values and obj not in self.fixed for obj, values in self.own.items())

    def of_classes(self) -> Iterator[tuple[type, str, Any]]:
        """Yield the settings of classes: the class, the name and the value."""
        if len(set(self._trainable)) > 1:
            for cls, value in zip(_TRAINABLE, self._trainable, strict=True):
                if value is not None:
                    yield cls, "trainable", value
        for cls, params in self._classes.items():
            for name in sorted(params.default_params):
                if params in params.get_param(name):
                    yield cls, name, getattr(params, name)

    def of_other_backends(self) -> Iterator[tuple[type, str, Parameter, Any]]:
        """Yield their settings of classes: the class, the name, the parameter and its value."""
        known = {(cls, "trainable") for cls in _TRAINABLE} | {(nengo.Probe, "keep_history")}
        for cls, params in self._classes.items():
            for name in sorted(params.extra_params):
                if (cls, name) not in known and cls is not nengo.Network:
                    yield cls, name, params.get_param(name), getattr(params, name)


def _has_nothing_to_train(obj: Any, own: bool) -> bool:
    """Say whether a setting is of a connection without weights, or without a filter that trains."""
    if not isinstance(obj, nengo.Connection) or obj.has_weights:
        return False
    return own or not isinstance(obj.synapse, TrainableFilter)


def _has_other_parts(obj: Any) -> bool:
    """Say whether something trains that belongs to an object besides its weights or bias."""
    if isinstance(obj, nengo.Connection):
        return isinstance(obj.synapse, TrainableFilter) and obj.synapse.trainable
    ensemble = obj.ensemble if isinstance(obj, Neurons) else obj
    model = model_in(ensemble.neuron_type)
    return model is not None and bool(model.trainable_names)
