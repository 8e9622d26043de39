"""Writes what builds a network, statement by statement."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.ensemble import Neurons
from nengo.params import BoolParam, Parameter

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._contents import (
    Contents,
    Order,
    holder_of,
    kind_of,
    public_name,
)
from nengo_layers_plus.introspection._source._keras_layers import KerasValues
from nengo_layers_plus.introspection._source._layout import (
    Comment,
    Statement,
    call,
    lines_of,
    references_of,
)
from nengo_layers_plus.introspection._source._loops import Loops
from nengo_layers_plus.introspection._source._names import stem_of
from nengo_layers_plus.introspection._source._objects import Objects
from nengo_layers_plus.introspection._source._settings import Settings
from nengo_layers_plus.layers._layer_func import FunctionOfSeveral, LayerWrapper

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
    Writes the statements that build a network, or what a layer made.

    Parameters
    ----------
    contents : Contents
        What they build.
    given : mapping
        Objects that are there already, and why the code asks for them.
    replaced : mapping
        By object, arguments to write instead of those that it was made with.

    Attributes
    ----------
    values : KerasValues
        What the module needs for the statements.
    """

    def __init__(
        self,
        contents: Contents,
        given: Mapping[Any, str],
        replaced: Mapping[Any, Mapping[str, Any]],
    ) -> None:
        self._top = contents
        self._steps = Order(contents, map(holder_of, given)).steps
        self.values = KerasValues(
            obj for obj, _ in self._steps if isinstance(obj, nengo_dl.TensorNode)
        )
        self._names = self.values.names
        self._given = {obj: self._argument(obj, why) for obj, why in given.items()}
        self._objects = Objects(self.values, self._refer, replaced)
        self._settings: dict[Contents, Settings] = {}
        self._statements: list[Statement | Comment] = []
        self._open: tuple[Contents, ...] = ()
        self._depth = 1
        self._used: set[str] = set()
        self._comments: set[str] = set()

    def _argument(self, obj: Any, why: str) -> str:
        stem = stem_of(holder_of(obj), "input")
        kinds = {Neurons: "_neurons", ObjView: "_part"}
        suffix = next((text for kind, text in kinds.items() if isinstance(obj, kind)), "")
        return self.values.add_argument(obj, f"{stem}{suffix}", f"{obj}, {why}")

    def _refer(self, obj: Any) -> str | None:
        known = self.values.known(obj)
        if known is not None:
            return known
        return next(
            (self._given[given] for given in self._given if _is_same_part(given, obj)), None
        )

    # statements

    def _say(self, value: str, target: str = "", is_block: bool = False) -> None:
        depth = self._depth + len(self._open) - int(is_block)
        self._statements.append(Statement(depth, value, target, is_block))

    def _comment(self, text: str) -> None:
        """Say why the code needs something of this package, where it first does."""
        if text not in self._comments:
            self._comments.add(text)
            self._statements.append(Comment(self._depth + len(self._open), text))

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
            # Keras warns of what it can't save, and classes may warn of how they are made
            warnings.simplefilter("ignore")
            self._write(trained)
        self._open = ()
        self._say(f"return {self._objects.end(output)}")
        text = references_of(self._statements)
        self.values.forget_unused(text)
        names = self.values.choose_names(text)
        if expand:
            return lines_of(self._statements, names)
        return lines_of(Loops(self._names, names).fold(self._statements), names)

    def _write(self, trained: Mapping[Any, bool]) -> None:
        if trained:
            nengo_name = self._names.module("nengo")
            self._say(f"{nengo_name}.Network.context[-1].config", "config")
            self._say(f'if not hasattr(config[{nengo_name}.Connection], "trainable"):')
            self._depth += 1
            self._configure({"trainable": None})
            self._depth -= 1
        for obj, path in self._steps:
            self._enter(path)
            if isinstance(obj, Contents):
                self._begin(obj)
            else:
                self._write_object(obj, path)
        self._open = ()
        for obj, trains in trained.items():
            self._say(str(trains), f"config[{self._objects.end(obj)}].trainable")

    def _enter(self, path: tuple[Contents, ...]) -> None:
        """Be in the blocks of some networks, which are opened again if they were closed."""
        self._open = tuple(a for a, b in zip(self._open, path, strict=False) if a is b)
        for contents in path[len(self._open) :]:
            self._open = (*self._open, contents)
            self._say(str(self.values.known(contents.network)), is_block=True)

    def _begin(self, contents: Contents) -> None:
        network = contents.network
        assert network is not None
        is_top = contents is self._top
        stem = "network" if is_top else stem_of(network, "subnetwork")
        mark = self.values.add_variable(network, stem)
        self._open = (*self._open, contents)
        self._say(self._objects.network(network), mark, is_block=True)
        settings = Settings(network, is_top, {id(obj) for obj, _ in contents.walk()})
        self._settings[contents] = settings
        configured = settings.configured()
        if configured:
            self._configure(configured)
        for cls, name, value in settings.of_classes():
            written = self._objects.setting(value, name, f"{cls.__name__}.{name}")
            self._say(written, f"{mark}.config[{self._names.of(cls)}].{name}")
        for cls, name, parameter, value in settings.others():
            kind = BoolParam if type(parameter) is BoolParam else Parameter
            key, default = (self.values.write(part, name) for part in (name, value))
            function = f"{self._names.module('nengo')}.params.{kind.__name__}"
            added = call(function, key, default=default, optional="True")
            owner = f"{mark}.config[{self._names.of(cls)}]"
            self._say(call(f"{owner}.set_param", key, added))

    def _configure(self, settings: Mapping[str, Any]) -> None:
        written = {key: self.values.write(value, key) for key, value in sorted(settings.items())}
        self._say(call(f"{self._names.module('nengo_dl')}.configure_settings", **written))

    def _write_object(self, obj: Any, path: tuple[Contents, ...]) -> None:
        kind = kind_of(obj)
        is_tensor_node = kind is nengo_dl.TensorNode
        stem = "tensor_node" if is_tensor_node else kind.__name__.lower()
        name = unique_name(stem_of(obj, stem), self._used)
        if is_tensor_node:
            for value, target in self.values.statements(obj, name):
                self._say(value, target)
            self._comment_function(obj.tensor_func)
        if kind is not type(obj):
            own = f"{type(obj).__module__}.{type(obj).__qualname__}"
            self._comment(_PLAIN.format(own, public_name(kind)))
        written = self._objects.write(obj, [around.network for around in path], name)
        mark = self.values.add_variable(obj, name)
        self._say(written, mark)
        if isinstance(obj, nengo.Node) and obj.seed is not None:
            self._say(str(int(obj.seed)), f"{mark}.seed")
        for around in path:
            self._write_settings(obj, self._settings[around])

    def _comment_function(self, function: Any) -> None:
        is_wrapped = isinstance(function, LayerWrapper)
        is_of_several = isinstance(function, FunctionOfSeveral)
        if is_of_several or (is_wrapped and function.shapes is not None):
            self._comment(_SEVERAL)
        elif is_wrapped:
            self._comment(_WRAPPED)

    def _write_settings(self, obj: Any, settings: Settings) -> None:
        config = f"{self.values.known(settings.network)}.config"
        for key in [obj, obj.neurons] if isinstance(obj, nengo.Ensemble) else [obj]:
            for name, value in settings.of(key).items():
                target = self._objects.end(key)
                if name != "trainable" or key not in settings.fixed:
                    self._say(self.values.write(value, name), f"{config}[{target}].{name}")
                    continue
                function = self._names.import_from("nengo_layers_plus.layers", "fix_trainable")
                undo = call(self._names.import_from("contextlib", "ExitStack"))
                self._comment(_PART)
                self._say(call(function, config, target, str(value), undo))


def _is_same_part(a: Any, b: Any) -> bool:
    """Say whether two are the neurons of one ensemble, or the same slice of one object."""
    if isinstance(a, ObjView) and isinstance(b, ObjView):
        return bool(a.obj == b.obj) and same(a.slice, b.slice)
    return isinstance(a, Neurons) and bool(a == b)
