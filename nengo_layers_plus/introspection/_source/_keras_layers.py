"""Keras layers as expressions, and the statements that give them their weights."""

from __future__ import annotations

import inspect
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nengo_layers_plus._upstream import (
    is_automatic_name,
    is_graph_of_layers,
    random_state_kept,
    tf,
    with_sublayers,
)
from nengo_layers_plus.introspection._fingerprint import fingerprint
from nengo_layers_plus.introspection._keras_config import plain_config
from nengo_layers_plus.introspection._source._errors import NoExpressionError
from nengo_layers_plus.introspection._source._layout import (
    Expression,
    Item,
    Text,
    call,
    collection,
    quoted,
)
from nengo_layers_plus.layers._layer_wrapper import LayerWrapper

if TYPE_CHECKING:
    from nengo_layers_plus.introspection._source._values import Values

# what all Keras layers take besides the arguments of their class
_OF_ALL = ("name", "trainable", "dtype", "dynamic", "batch_input_shape")
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, np.ufunc)


class KerasLayers:
    """
    Writes Keras layers.

    Parameters
    ----------
    values : Values
        Writes what is in them.

    Attributes
    ----------
    shared : set of int
        The ids of layers that several nodes use.
    variables : dict
        The variables of layers, by their ids.
    """

    def __init__(self, values: Values) -> None:
        self.values = values
        self.shared: set[int] = set()
        self.variables: dict[int, Expression] = {}
        # whether weights are named by the name of a layer, even if Keras gave it
        self._keeps_names = False

    def write(self, layer: Any, name: str) -> tuple[Expression, Any]:
        """
        Return an expression for a Keras layer without its weights, and what it makes.

        Parameters
        ----------
        layer : tf.keras.layers.Layer
            The layer.
        name : str
            What the arrays in it are called.

        Raises
        ------
        NoExpressionError
            If there is none that makes an equal layer.
        """
        # for a process in which nobody has set another one, such as the block of a Simulator does
        floatx = tf.keras.backend.floatx()
        tf.keras.backend.set_floatx("float32")
        try:
            with random_state_kept():
                return self._layer(layer, name)
        finally:
            tf.keras.backend.set_floatx(floatx)

    def _layer(self, layer: Any, name: str) -> tuple[Expression, Any]:
        if id(layer) in self.variables:
            return self.variables[id(layer)], layer
        if isinstance(layer, LayerWrapper):
            return self._wrapper(layer, name)
        if type(layer) is tf.keras.Sequential:
            written, made = self._sequential(layer, name)
        elif isinstance(layer, tf.keras.Model) and is_graph_of_layers(layer):
            written, made = self._functional(layer, name)
        elif isinstance(layer, tf.keras.layers.Lambda):
            return self._lambda(layer, name)
        else:
            written, made = self._from_config(layer, name)
        _check_equal(layer, made)
        return written, made

    # layers with others in them

    def _wrapper(self, layer: LayerWrapper, name: str) -> tuple[Expression, Any]:
        made = self.values.names.import_from("nengo_layers_plus.layers", "LayerWrapper")
        more = {}
        if layer.shapes is not None:
            more["shapes"] = self.values.expression(list(layer.shapes), name)
        return call(made, self._inner(layer.layer, name), **more), layer

    def _inner(self, layer: Any, name: str) -> Expression:
        try:
            return self._layer(layer, name)[0]
        except NoExpressionError as error:
            return self.values.arguments.ask(layer, name, str(error))

    def _sequential(self, layer: Any, name: str) -> tuple[Expression, Any]:
        inner = [self._layer(each, f"{name}.{i}") for i, each in enumerate(layer.layers)]
        more, given = {}, {}
        if not is_automatic_name(layer):
            more, given = {"name": Text(quoted(layer.name))}, {"name": layer.name}
        (tensor,) = layer.inputs or [None]
        if tensor is not None and tensor.dtype != tf.float32:
            # else it would take them for float32, and round
            options = {"shape": tuple(tensor.shape[1:]), "dtype": tensor.dtype.name}
            first = {key: self.values.expression(each, name) for key, each in options.items()}
            inner.insert(
                0, (call(self.values.names.of(tf.keras.Input), **first), tf.keras.Input(**options))
            )
        made = tf.keras.Sequential([each for _, each in inner], **given)
        written = collection("[", [each for each, _ in inner], "]")
        return call(self.values.names.of(tf.keras.Sequential), written, **more), made

    def _functional(self, layer: Any, name: str) -> tuple[Expression, Any]:
        if type(layer).from_config.__func__ is not tf.keras.Model.from_config.__func__:
            raise NoExpressionError("its class makes it of a configuration in a way of its own")
        if any(id(each) in self.shared for each in with_sublayers(layer)[1:]):
            raise NoExpressionError("layers within it are used elsewhere too")
        config = layer.get_config()
        custom = {}
        for each in with_sublayers(layer)[1:]:
            if not type(each).__module__.startswith("tf_keras."):
                custom[type(each).__name__] = type(each)
        more = {}
        if custom:
            items = [
                Item(f"{quoted(key)}: ", self.values.functions.write(each, key))
                for key, each in custom.items()
            ]
            more["custom_objects"] = collection("{", items, "}")
        try:
            made = tf.keras.Model.from_config(config, custom_objects=custom)
        except Exception as error:  # a user's layer may fail in any way
            raise NoExpressionError(
                f"its configuration does not make it again ({error})"
            ) from error
        function = f"{self.values.names.of(tf.keras.Model)}.from_config"
        return call(function, self.values.expression(_plain(config), name), **more), made

    def _lambda(self, layer: Any, name: str) -> tuple[Expression, Any]:
        config = layer.get_config()
        if type(layer) is not tf.keras.layers.Lambda or layer.mask is not None:
            raise NoExpressionError("it has a mask, or is of a class of its own")
        more = {}
        if layer.arguments:
            more["arguments"] = self.values.write(layer.arguments, name)
        shape = config.get("output_shape")
        if shape is not None:
            if not isinstance(shape, list | tuple) or config.get("output_shape_type") != "raw":
                raise NoExpressionError("its output_shape is a function")
            more["output_shape"] = self.values.write(tuple(shape), name)
        more |= self._plain_settings(layer, name)[0]
        made = self.values.names.of(tf.keras.layers.Lambda)
        return call(made, self.values.write(layer.function, f"{name}.function"), **more), layer

    # others

    def _plain_settings(
        self, layer: Any, name: str
    ) -> tuple[dict[str, Expression], dict[str, Any]]:
        """Return the arguments that all layers take."""
        given = {}
        if not is_automatic_name(layer):
            given["name"] = layer.name
        if not layer.trainable:
            given["trainable"] = False
        if layer.dtype != tf.keras.backend.floatx():
            given["dtype"] = layer.dtype
        return {key: self.values.expression(each, name) for key, each in given.items()}, given

    def _from_config(self, layer: Any, name: str) -> tuple[Expression, Any]:
        cls = type(layer)
        function = self.values.functions.write(cls, name).flat()
        try:
            config = layer.get_config()
        except Exception as error:  # a user's layer may fail in any way
            raise NoExpressionError(f"it does not say what it was made with ({error})") from error
        is_bidirectional = isinstance(layer, tf.keras.layers.Bidirectional)
        around, self._keeps_names = self._keeps_names, self._keeps_names or is_bidirectional
        positional, keywords = self._split(cls, config, layer, name)
        self._keeps_names = around
        keywords.pop("name", None)
        if "name" in config and (around or not is_automatic_name(layer)):
            keywords["name"] = Text(quoted(layer.name)), layer.name
        return self._call(function, cls, positional, keywords)

    def _call(
        self,
        function: str,
        cls: type,
        positional: Sequence[tuple[Expression, Any]],
        keywords: Mapping[str, tuple[Expression, Any]],
    ) -> tuple[Expression, Any]:
        args = [each for _, each in positional]
        made = _make(cls, args, {key: each for key, (_, each) in keywords.items()})
        written = {key: each for key, (each, _) in keywords.items()}
        return call(function, *(each for each, _ in positional), **written), made

    def _split(
        self, cls: type, config: Mapping[str, Any], holder: Any, name: str
    ) -> tuple[list[tuple[Expression, Any]], dict[str, tuple[Expression, Any]]]:
        """Return the arguments that a class needs, and those that are not its defaults."""
        parameters = inspect.signature(cls).parameters
        is_open = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
        known = {
            key: each
            for key, each in parameters.items()
            if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        }
        needed = [key for key, each in known.items() if each.default is each.empty]
        missing = [key for key in needed if key not in config]
        if missing:
            raise NoExpressionError(f"it does not say what its {', '.join(missing)} was")
        written = {}
        for key in needed:
            written[key] = self._value(config[key], key, holder, f"{name}.{key}")
        plain = _make(cls, (), {key: each for key, (_, each) in written.items()}, config)
        defaults = plain.get_config()
        keys = [key for key in known if key in config]
        keys += [key for key in _OF_ALL if is_open and key in config and key not in keys]
        keywords = {}
        for key in keys:
            if key in needed:
                continue
            function = _function_of(holder, key)
            alike = key in defaults and _same_config(config[key], defaults[key])
            if alike and (function is None or function is _function_of(plain, key)):
                continue
            keywords[key] = self._value(config[key], key, holder, f"{name}.{key}")
        positional: list[tuple[Expression, Any]] = []
        for key in list(needed):
            if known[key].kind is known[key].KEYWORD_ONLY or key != list(known)[len(positional)]:
                keywords[key] = written[key]
            else:
                positional.append(written[key])
        return positional, keywords

    def _value(self, value: Any, key: str, holder: Any, name: str) -> tuple[Expression, Any]:
        """Return the expression of an argument, and what it makes."""
        held = getattr(holder, key, None)
        function = _function_of(holder, key)
        if function is not None:
            if isinstance(value, str) and _activation(value) is function:
                return Text(quoted(value)), value
            return self.values.write(function, name), function
        if isinstance(value, Mapping) and "class_name" in value:
            return self._object(value, held, name)
        if isinstance(value, list | tuple) and any(
            isinstance(each, Mapping) and "class_name" in each for each in value
        ):
            items = held if isinstance(held, list | tuple) else [None] * len(value)
            pairs = [
                self._object(each, item, f"{name}.{i}")
                for i, (each, item) in enumerate(zip(value, items, strict=True))
            ]
            return collection("[", [each for each, _ in pairs], "]"), [each for _, each in pairs]
        plain = _plain(value)
        return self.values.expression(plain, name), plain

    def _object(self, value: Mapping[str, Any], held: Any, name: str) -> tuple[Expression, Any]:
        """Return the expression of an object within a layer, and what it makes."""
        is_held = type(held).__name__ == value["class_name"] and hasattr(held, "get_config")
        if not is_held or not _same_config(held.get_config(), value["config"]):
            held = _deserialised(value)
        if isinstance(held, tf.keras.layers.Layer):
            return self._layer(held, name)
        positional, keywords = self._split(type(held), value["config"], held, name)
        written, made = self._call(
            self.values.functions.write(type(held), name).flat(), type(held), positional, keywords
        )
        if not _same_config(made.get_config(), value["config"]):
            raise NoExpressionError(f"its {value['class_name']} does not say what it was made with")
        return written, made


def _make(
    cls: type,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    config: Mapping[str, Any] | None = None,
) -> Any:
    named = dict(kwargs)
    # a name that is given, so that Keras does not count this one
    if (
        config is not None
        and isinstance(config.get("name"), str)
        and issubclass(cls, tf.keras.layers.Layer)
    ):
        named.setdefault("name", config["name"])
    try:
        return cls(*args, **named)
    except TypeError:
        pass
    try:
        return cls(*args, **kwargs)
    except Exception as error:  # a user's layer may fail in any way
        raise NoExpressionError(f"it can't be made again ({error})") from error


def _function_of(holder: Any, key: str) -> Any:
    value = getattr(holder, key, None)
    return value if isinstance(value, _FUNCTIONS) else None


def _activation(name: str) -> Any:
    try:
        return tf.keras.activations.get(name)
    except ValueError:
        return None


def _deserialised(value: Mapping[str, Any]) -> Any:
    for module in (
        tf.keras.layers,
        tf.keras.initializers,
        tf.keras.regularizers,
        tf.keras.constraints,
    ):
        try:
            return module.deserialize(dict(value))
        except Exception:
            continue
    if value["class_name"].endswith("Policy"):
        return tf.keras.mixed_precision.Policy(**value["config"])
    raise NoExpressionError(f"its {value['class_name']} can't be made again")


def _same_config(a: Any, b: Any) -> bool:
    return fingerprint(_plain(a)) == fingerprint(_plain(b))


def _check_equal(layer: Any, made: Any) -> None:
    config = plain_config(layer)
    if config is None or type(layer) is not type(made):
        raise NoExpressionError("what it was made with is not known")
    if not _same_config(config, plain_config(made)):
        raise NoExpressionError("what it was made with is not known")
    flags = [[each.trainable for each in with_sublayers(of)] for of in (layer, made)]
    if not isinstance(layer, tf.keras.Model) and flags[0] != flags[1]:
        raise NoExpressionError("layers within it train, or not, otherwise than it says")


def _plain(value: Any) -> Any:
    """Return a configuration of plain values."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, tf.TensorShape):
        return tuple(value.as_list())
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, np.generic):
        return value.item()
    return value
