"""Writes what builds a network, statement by statement."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import nengo_dl, random_state_kept, tf, with_sublayers
from nengo_layers_plus.graph._keras_layers import layers_within, name_within_layer, weights_of
from nengo_layers_plus.graph._words import unique_name
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._body import (
    Comment,
    Statement,
    Variables,
    body_lines,
    stem_of,
)
from nengo_layers_plus.introspection._source._contents import (
    Contents,
    holder_of,
    kind_of,
    public_name,
)
from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._layout import (
    Expression,
    Later,
    Text,
    call,
    collection,
)
from nengo_layers_plus.introspection._source._loops import Loops
from nengo_layers_plus.introspection._source._names import identifier
from nengo_layers_plus.introspection._source._objects import Objects
from nengo_layers_plus.introspection._source._order import Order
from nengo_layers_plus.introspection._source._settings import Settings, other_parameter
from nengo_layers_plus.introspection._source._values import Values
from nengo_layers_plus.layers._layer_wrapper import FunctionOfSeveral, LayerWrapper

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
    outside : sequence of (object, Expression)
        Objects that are there already, and what they are called.
    values : Values, optional
        Has written something already.
    replaced : mapping, optional
        By object, arguments to write instead of those that it was made with.
    depth : int
        How many blocks the statements are in.

    Attributes
    ----------
    values : Values
        What the module needs for the statements.
    statements : list
        The statements.
    lines : list of str
        What they are written as, once all is finished.
    """

    def __init__(
        self,
        contents: Contents,
        outside: Sequence[tuple[Any, Expression]] = (),
        values: Values | None = None,
        replaced: Mapping[Any, dict[str, Any]] | None = None,
        depth: int = 0,
    ) -> None:
        self.contents = contents
        self.values = Values() if values is None else values
        self.variables = Variables(self.values.names)
        self.statements: list[Statement | Comment] = []
        self.lines: list[str] = []
        self._depth = depth
        self._outside = list(outside)
        self._replaced = dict(replaced or {})
        self._objects = Objects(self.values, self._refer, self._replaced)
        self._settings: dict[Contents, Settings] = {}
        self._open: tuple[Contents, ...] = ()
        self._stems: set[str] = set()
        self._said: set[str] = set()
        self._order = Order(contents, [holder_of(each) for each, _ in outside])
        self._made: dict[int, str] = {}
        self._count_layers()

    def _refer(self, obj: Any) -> Expression:
        for each, written in self._outside:
            if each is obj or (isinstance(each, Neurons) and each == obj) or _same_view(each, obj):
                return written
        if id(obj) in self._made:
            return self.variables.refer(obj)
        raise KeyError(obj)

    # Keras layers that need a variable

    def _count_layers(self) -> None:
        counts: dict[int, int] = {}
        known: set[int] = set()
        for obj, _ in self._order.steps:
            if isinstance(obj, nengo_dl.TensorNode) and _is_layer(obj.tensor_func):
                layers = with_sublayers(obj.tensor_func)
                is_known = id(layers[0]) in known
                known.add(id(layers[0]))
                for each in layers[:1] if is_known else layers:
                    counts[id(each)] = counts.get(id(each), 0) + 1
        self.values.keras.shared = {key for key, count in counts.items() if count > 1}

    def _prepare_layers(self, node: Any, name: str) -> None:
        """Write the statements that make the Keras layer of a node, if it takes some."""
        function = node.tensor_func
        if not _is_layer(function):
            return
        keras = self.values.keras
        layer = function.layer if isinstance(function, LayerWrapper) else function
        for number, each in reversed(list(enumerate(with_sublayers(layer)[1:]))):
            if id(each) in keras.shared:
                self._prepare(each, f"{name}_{number}", None)
        self._prepare(layer, name, _shape_in(node))
        if layer is not function and id(function) in keras.shared:
            self._assign_layer(function, f"{name}_wrapper", self._expression(function, name)[0])

    def _expression(self, layer: Any, name: str) -> tuple[Expression, Any]:
        try:
            return self.values.keras.write(layer, name)
        except NoExpressionError as error:
            return self.values.arguments.ask(layer, name, str(error)), None

    def _prepare(self, layer: Any, name: str, shape: Any) -> None:
        keras = self.values.keras
        if id(layer) in keras.variables:
            return
        weights = [] if shape is None else self._weights(layer)
        frozen = isinstance(layer, tf.keras.Model) and not all(
            each.trainable for each in with_sublayers(layer)
        )
        if not weights and not frozen and id(layer) not in keras.shared:
            return
        written, made = self._expression(layer, name)
        if made is None:  # an argument, which has its weights
            keras.variables[id(layer)] = written
            return
        try:
            with random_state_kept():
                flags = _flag_statements(layer, made) if frozen else []
                is_built = made is not layer and bool(made.built)
                if weights and made is not layer:
                    _check_weights(made, shape, weights)
        except NoExpressionError as error:
            keras.variables[id(layer)] = self.values.arguments.ask(layer, name, str(error))
            return
        self._assign_layer(layer, f"{name}_layer", written)
        variable = keras.variables[id(layer)]
        if weights:
            if not is_built:
                self._say(_method(variable, "build", self._shape(shape, layer)))
            arrays = [
                self.values.arrays.keep(each, f"{name}.{name_within_layer(weight)}")
                for weight, each in zip(layer.weights, weights, strict=True)
            ]
            self._say(_method(variable, "set_weights", collection("[", arrays, "]")))
            if type(layer).finalize_state is not tf.keras.layers.Layer.finalize_state:
                self._say(_method(variable, "finalize_state"))
        for path, value in flags:
            self._say(Text(str(value)), _attribute(variable, f"{path}.trainable"))

    def _assign_layer(self, layer: Any, stem: str, written: Expression) -> None:
        self.variables.add(layer, identifier(stem))
        self.values.keras.variables[id(layer)] = self.variables.refer(layer)
        self._say(written, self.variables.target(layer))

    def _weights(self, layer: Any) -> list[np.ndarray]:
        weights = weights_of(layer) if layer.built else []
        return [np.asarray(each) for each in tf.keras.backend.batch_get_value(weights)]

    def _shape(self, shape: Any, layer: Any) -> Expression:
        return self.values.write(shape, layer.name)

    # statements

    def _say(
        self,
        value: Expression,
        target: Expression | None = None,
        is_block: bool = False,
        attribute: str = "",
    ) -> None:
        depth = self._depth + len(self._open) - int(is_block)
        self.statements.append(Statement(depth, value, target, is_block, attribute))

    def _comment(self, text: str) -> None:
        """Say why the code needs something of this package, where it does so first."""
        if text not in self._said:
            self._said.add(text)
            self.statements.append(Comment(self._depth + len(self._open), text))

    def write(self) -> None:
        """Write all statements."""
        with warnings.catch_warnings():
            # Keras warns of what it can't save, and classes may warn of how they are made
            warnings.simplefilter("ignore")
            if self.contents.network is not None:
                self._begin(self.contents, ())
            for obj, path in self._order.steps:
                self._go_to(path)
                if isinstance(obj, Contents):
                    self._begin(obj, path)
                else:
                    self._write_object(obj, path)

    def finish(self, expand: bool) -> None:
        """
        Choose the names of the variables, and write what repeats as loops.

        Parameters
        ----------
        expand : bool
            Whether each object has a statement of its own instead.
        """
        self.variables.choose()
        # others were tried for what can't be written
        self.values.arrays.forget_unused("\n".join(body_lines(self.statements)))
        self.lines = body_lines(
            self.statements if expand else Loops(self.variables).fold(self.statements)
        )

    def write_parts(self, trained: Mapping[Any, bool]) -> None:
        """
        Write all statements of what a layer made.

        Parameters
        ----------
        trained : mapping
            Of which objects the layer decided whether they train.
        """
        inside = {id(obj) for obj in self.contents.objects}
        trained = {key: each for key, each in trained.items() if id(holder_of(key)) in inside}
        if trained:
            nengo_name = self.values.names.module("nengo")
            self._say(Text(f"{nengo_name}.Network.context[-1].config"), Text("config"))
            condition = f'if not hasattr(config[{nengo_name}.Connection], "trainable"):'
            self._say(Text(condition))
            configure = f"{self.values.names.module('nengo_dl')}.configure_settings"
            self._depth += 1
            self._say(call(configure, trainable=Text("None")))
            self._depth -= 1
        self.write()
        for obj, value in trained.items():
            written = self.end(obj)
            self._say(Text(str(value)), _inside("config[", written, "].trainable"))

    def end(self, end: Any) -> Expression:
        """Return the expression of an object, of the neurons of one, or of a slice."""
        return self._objects.end(end)

    def _go_to(self, path: tuple[Contents, ...]) -> None:
        """Be in the blocks of some networks, which are opened again if they were closed."""
        around = tuple(each for each in path if each.network is not None)
        if self._open == around:
            return
        common = 0
        while common < min(len(around), len(self._open)) and around[common] is self._open[common]:
            common += 1
        self._open = around[:common]
        for each in around[common:]:
            self._open = (*self._open, each)
            self._say(self.variables.refer(each.network), is_block=True)

    def _begin(self, contents: Contents, path: tuple[Contents, ...]) -> None:
        network = contents.network
        is_top = contents is self.contents
        self._open = (*(each for each in path if each.network is not None), contents)
        self._made[id(network)] = ""
        self.variables.add(network, "network" if is_top else stem_of(network, "subnetwork"))
        self._say(self._objects.network(network), self.variables.target(network), is_block=True)
        inside = {id(obj) for obj, _ in contents.walk()}
        settings = Settings(network, is_top and self.contents.network is not None, inside)
        self._settings[contents] = settings
        configured = settings.configured()
        if configured:
            written = {
                key: self.values.write(value, key) for key, value in sorted(configured.items())
            }
            self._say(call(f"{self.values.names.module('nengo_dl')}.configure_settings", **written))
        for cls, name, value in settings.of_classes():
            self._say(
                self._objects.setting(value, name, f"{cls.__name__}.{name}"),
                self._config(network, Text(self.values.names.of(cls))),
                attribute=name,
            )
        for cls, name, parameter, value in settings.others():
            owner = self._config(network, Text(self.values.names.of(cls)))
            added = other_parameter(self.values, name, parameter, value)
            self._say(_method(owner, "set_param", self.values.write(name, name), added))

    def _config(self, network: Any, key: Expression) -> Expression:
        whole = self.variables.refer(network)
        return Later(lambda: f"{whole.flat()}.config[{key.flat()}]")

    def _networks(self, path: Sequence[Contents]) -> list[nengo.Network]:
        return [each.network for each in path if each.network is not None]

    def _write_object(self, obj: Any, path: tuple[Contents, ...]) -> None:
        stem = stem_of(obj, _kind(obj))
        name = unique_name(stem, self._stems)
        if isinstance(obj, nengo_dl.TensorNode):
            self._prepare_layers(obj, name)
            self._comment_function(obj.tensor_func)
        if kind_of(obj) is not type(obj):
            cls = type(obj)
            self._comment(
                _PLAIN.format(f"{cls.__module__}.{cls.__qualname__}", public_name(kind_of(obj)))
            )
        written = self._objects.write(obj, self._networks(path), name)
        self.variables.add(obj, name)
        self._made[id(obj)] = name
        self._say(written, self.variables.target(obj))
        if isinstance(obj, nengo.Node) and obj.seed is not None:
            self._say(Text(str(int(obj.seed))), _attribute(self.variables.refer(obj), ".seed"))
        for around in path:
            if around.network is not None:
                self._write_settings(obj, around)

    def _comment_function(self, function: Any) -> None:
        takes_several = isinstance(function, FunctionOfSeveral) or (
            isinstance(function, LayerWrapper) and function.shapes is not None
        )
        if not takes_several and not isinstance(function, LayerWrapper):
            return
        self._comment(_SEVERAL if takes_several else _WRAPPED)

    def _write_settings(self, obj: Any, around: Contents) -> None:
        settings = self._settings[around]
        keys = [obj, obj.neurons] if isinstance(obj, nengo.Ensemble) else [obj]
        for key in keys:
            for name, value in settings.of(key).items():
                target = self.end(key)
                if name == "trainable" and key in settings.fixed:
                    self._fix(settings.network, target, value)
                    continue
                owner = self._config(settings.network, target)
                self._say(self.values.write(value, name), owner, attribute=name)

    def _fix(self, network: nengo.Network, target: Expression, value: Any) -> None:
        names = self.values.names
        function = names.import_from("nengo_layers_plus.layers", "fix_trainable")
        stack = names.import_from("contextlib", "ExitStack")
        self._comment(_PART)
        config = _attribute(self.variables.refer(network), ".config")
        self._say(call(function, config, target, Text(str(value)), call(stack)))


def _same_view(a: Any, b: Any) -> bool:
    if not isinstance(a, ObjView) or not isinstance(b, ObjView):
        return False
    return bool(a.obj == b.obj) and same(a.slice, b.slice)


def _is_layer(function: Any) -> bool:
    return isinstance(function, tf.keras.layers.Layer)


def _kind(obj: Any) -> str:
    if isinstance(obj, nengo_dl.TensorNode):
        return "tensor_node"
    return kind_of(obj).__name__.lower()


def _shape_in(node: Any) -> Any:
    """Return the shape that the Keras layer of a node is built with."""
    shapes = getattr(node.tensor_func, "shapes", None)
    if shapes is not None:
        return [(1, *map(int, each)) for each in shapes]
    shape = None if node.shape_in is None else (1, *map(int, node.shape_in))
    if node.pass_time:
        return () if shape is None else [(), shape]
    return shape


def _check_weights(made: Any, shape: Any, weights: Sequence[np.ndarray]) -> None:
    """Raise if a layer would not have such weights when it is built."""
    try:
        if not made.built:
            made.build(shape)
        shapes = [tuple(each.shape) for each in made.weights]
    except Exception as error:  # a user's layer may fail in any way
        raise NoExpressionError(f"it can't be built to be given its weights ({error})") from error
    if shapes != [each.shape for each in weights]:
        raise NoExpressionError("it has other weights when it is made again")


def _flag_statements(layer: Any, made: Any) -> list[tuple[str, bool]]:
    """Return what to set so that the layers within a model train as those of another."""
    statements = []
    if made.trainable != layer.trainable:
        made.trainable = layer.trainable
        statements.append(("", bool(layer.trainable)))
    for number, (own, other) in enumerate(zip(layer.layers, made.layers, strict=True)):
        if own.trainable != other.trainable:
            other.trainable = own.trainable
            statements.append((f".layers[{number}]", bool(own.trainable)))
    flags = [[each.trainable for each in layers_within(of)] for of in (layer, made)]
    if flags[0] != flags[1]:
        raise NoExpressionError("layers within it train, or not, otherwise than it says")
    return statements


def _attribute(whole: Expression, path: str) -> Expression:
    return Later(lambda: f"{whole.flat()}{path}")


def _inside(head: str, inner: Expression, tail: str) -> Expression:
    return Later(lambda: f"{head}{inner.flat()}{tail}")


def _method(whole: Expression, name: str, *args: Expression) -> Expression:
    return call(_attribute(whole, f".{name}"), *args)
