"""Keras layers as expressions, and the statements that give them their weights."""

from __future__ import annotations

import inspect
import types
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import (
    is_automatic_name,
    is_graph_of_layers,
    random_state_kept,
    tf,
    with_sublayers,
)
from nengo_layers_plus.graph._keras_layers import layers_within, name_within_layer, weights_of
from nengo_layers_plus.introspection._keras_config import is_users_function, plain_config
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._layout import call, quoted, sequence
from nengo_layers_plus.introspection._source._values import NoExpressionError, Values
from nengo_layers_plus.layers._layer_func import LayerWrapper

# the arguments of all Keras layers, besides the name
_OF_ALL = ("trainable", "dtype", "dynamic", "batch_input_shape")
_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, np.ufunc)


class KerasValues(Values):
    """
    Writes values as expressions, Keras layers among them.

    Parameters
    ----------
    nodes : iterable of nengo_dl.TensorNode
        The nodes of the network. Layers that several of them use get a variable.
    """

    def __init__(self, nodes: Iterable[Any]) -> None:
        super().__init__()
        # whether the names of weights contain that of a layer, even if Keras gave it
        self._keeps_names = False
        # the settings of objects that are given required arguments alone, by their expressions
        self._defaults: dict[str, dict[str, Any]] = {}
        counts: Counter[int] = Counter()
        for function in (node.tensor_func for node in nodes):
            if isinstance(function, tf.keras.layers.Layer):
                ids = list(map(id, with_sublayers(function)))
                counts.update(ids[:1] if ids[0] in counts else ids)
        self._shared = {key for key, count in counts.items() if count > 1}

    def expression(self, value: Any, name: str, as_list: bool = False) -> str:
        """Return an expression whose value equals another one."""
        if isinstance(value, tf.TensorShape):
            value = tuple(value.as_list())
        if isinstance(value, tf.keras.layers.Layer):
            return self._layer_and_copy(value, name)[0]
        return super().expression(value, name, as_list)

    def _layer_and_copy(self, layer: Any, name: str) -> tuple[str, Any]:
        """Return the expression of a layer, and the layer that it makes or refers to."""
        # the code may run where floatx is the default; inside of a Simulator it may not be
        floatx = tf.keras.backend.floatx()
        tf.keras.backend.set_floatx("float32")
        try:
            with random_state_kept():
                text = self._layer(layer, name)
                if self.known(layer) or isinstance(layer, LayerWrapper):
                    return text, layer
                made = self.make(text)
        finally:
            tf.keras.backend.set_floatx(floatx)
        config = plain_config(layer)
        is_equal = type(layer) is type(made) and same(config, plain_config(made))
        if config is None or not is_equal:
            raise NoExpressionError("what it was made with is not known")
        if not isinstance(layer, tf.keras.Model):  # for these, statements say it
            _check_trainable(with_sublayers(layer), with_sublayers(made))
        return text, made

    def _layer(self, layer: Any, name: str) -> str:
        known = self.known(layer)
        if known is not None:
            return known
        if isinstance(layer, LayerWrapper):
            return self.call_of(layer, name)
        if type(layer) is tf.keras.Sequential:
            return self._sequential(layer, name)
        if isinstance(layer, tf.keras.Model) and is_graph_of_layers(layer):
            return self._functional(layer, name)
        return self._from_config(layer, name)

    # layers with others in them

    def _sequential(self, layer: Any, name: str) -> str:
        inner = [self._layer(inner, f"{name}.{i}") for i, inner in enumerate(layer.layers)]
        more = {} if is_automatic_name(layer) else {"name": quoted(layer.name)}
        (tensor,) = layer.inputs or [None]
        if tensor is not None and tensor.dtype != tf.float32:
            # else it would take them for float32, and round
            options = {"shape": tuple(tensor.shape[1:]), "dtype": tensor.dtype.name}
            written = {key: self.expression(value, name) for key, value in options.items()}
            inner.insert(0, call(self.names.of(tf.keras.Input), **written))
        return call(self.names.of(tf.keras.Sequential), sequence(inner), **more)

    def _functional(self, layer: Any, name: str) -> str:
        if type(layer).from_config.__func__ is not tf.keras.Model.from_config.__func__:
            raise NoExpressionError("its class makes it of a configuration in a way of its own")
        within = with_sublayers(layer)[1:]
        if any(id(inner) in self._shared for inner in within):
            raise NoExpressionError("layers within it are used elsewhere too")
        classes = [type(inner) for inner in within]
        custom = {c.__name__: c for c in classes if not c.__module__.startswith("tf_keras.")}
        more = {"custom_objects": self.expression(custom, name)} if custom else {}
        function = f"{self.names.of(tf.keras.Model)}.from_config"
        return call(function, self.expression(layer.get_config(), name), **more)

    # others

    def _from_config(self, obj: Any, name: str) -> str:
        """Return the call that makes a layer, an initializer or the like."""
        function = self.names.of(type(obj))
        try:
            config = obj.get_config()
        except Exception as error:  # a user's layer may fail in any way
            raise NoExpressionError(f"it does not say what it was made with ({error})") from error
        if isinstance(obj, tf.keras.layers.Lambda) and (
            obj.mask is not None or config.get("output_shape_type", "raw") != "raw"
        ):
            raise NoExpressionError("it has a mask, or its output_shape is a function")
        around = self._keeps_names
        self._keeps_names |= isinstance(obj, tf.keras.layers.Bidirectional)
        given = list(inspect.signature(type(obj)).parameters.values())
        known = {
            parameter.name: parameter
            for parameter in given
            if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        }
        needed = [key for key, parameter in known.items() if parameter.default is parameter.empty]
        missing = [key for key in needed if key not in config]
        if missing:
            raise NoExpressionError(f"it does not say what its {', '.join(missing)} was")
        written = {key: self._value(config[key], key, obj, f"{name}.{key}") for key in needed}
        least = call(function, **written)
        if least not in self._defaults:
            self._defaults[least] = _settings(self.make(least))
        plain, own = self._defaults[least], _settings(obj)
        keys = [key for key in known if key not in needed and key != "name"]
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in given):
            keys += [key for key in _OF_ALL if key not in known]
        for key in keys:
            if key in own and not (key in plain and same(own[key], plain[key])):
                written[key] = self._value(config[key], key, obj, f"{name}.{key}")
        self._keeps_names = around
        is_layer = isinstance(obj, tf.keras.layers.Layer)
        if is_layer and "name" in config and (around or not is_automatic_name(obj)):
            written["name"] = quoted(obj.name)
        positional = []
        for key, parameter in known.items():
            if key not in needed or parameter.kind is parameter.KEYWORD_ONLY:
                break
            positional.append(written.pop(key))
        return call(function, *positional, **written)

    def _value(self, value: Any, key: str, holder: Any, name: str) -> str:
        """Return the expression of an argument that the configuration of an object holds."""
        held = getattr(holder, key, None)
        if isinstance(held, _FUNCTIONS) or is_users_function(held):
            is_named = isinstance(value, str) and _activation(value) is held
            return quoted(value) if is_named else self.write(held, name)
        if _is_entry(value):
            return self._object(value, held, name)
        if isinstance(value, list | tuple) and any(map(_is_entry, value)):
            items = held if isinstance(held, list | tuple) else [None] * len(value)
            pairs = enumerate(zip(value, items, strict=True))
            return sequence(self._object(*pair, f"{name}.{i}") for i, pair in pairs)
        return self.expression(value, name)

    def _object(self, entry: Mapping[str, Any], held: Any, name: str) -> str:
        """Return the expression of an object within a layer."""
        if type(held).__name__ != entry["class_name"] or not hasattr(held, "get_config"):
            try:
                held = tf.keras.saving.deserialize_keras_object(dict(entry))
            except Exception as error:  # it may be of a class that Keras does not know
                message = f"its {entry['class_name']} can't be made again ({error})"
                raise NoExpressionError(message) from error
        is_layer = isinstance(held, tf.keras.layers.Layer)
        return self._layer(held, name) if is_layer else self._from_config(held, name)

    # statements

    def statements(self, node: Any, name: str) -> Iterator[tuple[str, str]]:
        """
        Yield the statements that make the Keras layer of a node, if one expression does not.

        Parameters
        ----------
        node : nengo_dl.TensorNode
            The node.
        name : str
            The name of the node.

        Yields
        ------
        value, target : str
            An expression, and the variable or attribute that it is assigned to.
        """
        function = node.tensor_func
        if not isinstance(function, tf.keras.layers.Layer):
            return
        layer = function.layer if isinstance(function, LayerWrapper) else function
        for number, inner in reversed(list(enumerate(with_sublayers(layer)[1:]))):
            if id(inner) in self._shared:
                yield from self._prepared(inner, f"{name}_{number}", None)
        yield from self._prepared(layer, name, _shape_in(node))
        is_shared = layer is not function and id(function) in self._shared
        if is_shared and self.known(function) is None:
            text = self.write(function, name)
            yield text, self.add_variable(function, f"{name}_wrapper")

    def _prepared(self, layer: Any, name: str, shape: Any) -> Iterator[tuple[str, str]]:
        if self.known(layer) is not None:
            return
        weights: list[np.ndarray] = []
        if shape is not None and layer.built:
            held = tf.keras.backend.batch_get_value(weights_of(layer))
            weights = [np.asarray(value) for value in held]
        flags = [inner.trainable for inner in with_sublayers(layer)]
        is_frozen = isinstance(layer, tf.keras.Model) and not all(flags)
        if not weights and not is_frozen and id(layer) not in self._shared:
            return
        try:
            text, made = self._layer_and_copy(layer, name)
            with random_state_kept():
                changed = _trainable_changes(layer, made) if is_frozen else []
                is_built = bool(made.built)
                if weights:
                    _check_weights(made, shape, weights)
        except NoExpressionError as error:
            self.ask(layer, name, str(error))  # it has its weights
            return
        mark = self.add_variable(layer, f"{name}_layer")
        yield text, mark
        if weights:
            if not is_built:
                yield call(f"{mark}.build", self.write(shape, layer.name)), ""
            arrays = [
                self.keep(value, f"{name}.{name_within_layer(weight)}")
                for weight, value in zip(layer.weights, weights, strict=True)
            ]
            yield call(f"{mark}.set_weights", sequence(arrays)), ""
            if type(layer).finalize_state is not tf.keras.layers.Layer.finalize_state:
                yield call(f"{mark}.finalize_state"), ""
        for path, value in changed:
            yield str(value), f"{mark}{path}.trainable"


def _settings(obj: Any) -> dict[str, Any]:
    """Return the arguments that an object was made with, in a form that can be compared."""
    config = obj.get_config()
    plain = plain_config(obj) or {}
    return {**plain, **{key: config[key] for key in _OF_ALL if key in config}}


def _is_entry(value: Any) -> bool:
    return isinstance(value, Mapping) and "class_name" in value


def _activation(name: str) -> Any:
    try:
        return tf.keras.activations.get(name)
    except ValueError:
        return None


def _shape_in(node: Any) -> Any:
    """Return the shape that the Keras layer of a node is built with."""
    shapes = getattr(node.tensor_func, "shapes", None)
    if shapes is not None:
        return [(1, *map(int, inner_shape)) for inner_shape in shapes]
    shape = None if node.shape_in is None else (1, *map(int, node.shape_in))
    if node.pass_time:
        return () if shape is None else [(), shape]
    return shape


def _check_weights(made: Any, shape: Any, weights: Sequence[np.ndarray]) -> None:
    """Raise if a layer would not have such weights when it is built."""
    try:
        if not made.built:
            made.build(shape)
    except Exception as error:  # a user's layer may fail in any way
        raise NoExpressionError(f"it can't be built to be given its weights ({error})") from error
    if [weight.shape for weight in made.weights] != [weight.shape for weight in weights]:
        raise NoExpressionError("it has other weights when it is made again")


def _check_trainable(layers: Sequence[Any], made: Sequence[Any]) -> None:
    if [layer.trainable for layer in layers] != [layer.trainable for layer in made]:
        raise NoExpressionError("layers within it train, or not, otherwise than it says")


def _trainable_changes(model: Any, made: Any) -> list[tuple[str, bool]]:
    """Return the flags to set so that the layers within a model train as those of another."""
    pairs = [("", model, made)]
    pairs += [
        (f".layers[{number}]", *pair)
        for number, pair in enumerate(zip(model.layers, made.layers, strict=True))
    ]
    changes = []
    for path, own, other in pairs:
        if own.trainable != other.trainable:
            other.trainable = own.trainable
            changes.append((path, bool(own.trainable)))
    _check_trainable(layers_within(model), layers_within(made))
    return changes
