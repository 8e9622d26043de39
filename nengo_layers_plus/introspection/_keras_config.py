"""The reduced configuration of a Keras layer: what it was made with, without names."""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from nengo_layers_plus._upstream import random_state_kept, snake_case_of, tf

_WIRING = ("layers", "input_layers", "output_layers")
_OF_KERAS = ("keras", "tf_keras", "tensorflow")
# names, and what Keras adds when a layer is built
_LEFT_OUT = frozenset(
    {"name", "build_config", "build_input_shape", "batch_input_shape", "registered_name", "module"}
)
# dtypes of networks, which their layers follow
_OF_NETWORKS = ("float32", "float64")


def plain_config(layer: tf.keras.layers.Layer) -> dict[str, Any] | None:
    """
    Return the configuration of a Keras layer, without names and what Keras adds to it.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer. Where a model says which layers lead to which, these are named by their classes,
        in order. Functions of users are there themselves, and not their names.

    Returns
    -------
    config : dict or None
        None if the layer does not return its configuration.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that functions can't be saved
            config = layer.get_config()
    except Exception:  # a user's layer may fail in any way
        return None
    return {
        key: _plain_argument(layer, config, key)
        for key, value in config.items()
        if key not in _LEFT_OUT and not (key == "dtype" and value in _OF_NETWORKS)
    }


def config_or_attributes(layer: tf.keras.layers.Layer) -> dict[str, Any]:
    """
    Return the configuration of a Keras layer, or its own attributes if it does not return any.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer. Attributes that Keras keeps in all layers are left out, and so are weights.
    """
    config = plain_config(layer)
    if config is not None:
        return config
    return {
        name: _plain(value)
        for name, value in vars(layer).items()
        if name not in _attributes_of_keras() and not isinstance(value, tf.Variable)
    }


@functools.cache
def _attributes_of_keras() -> frozenset[str]:
    """Return the names of what Keras keeps in a layer that was built and called."""
    with random_state_kept():
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(1,))])
        layers = (model, *model.layers, tf.keras.layers.Layer())
    return frozenset(name for layer in layers for name in vars(layer)) | {"input_spec"}


def is_users_function(value: Any) -> bool:
    """Say whether a value is a function that Keras knows by its name alone."""
    if isinstance(value, functools.partial | types.MethodType) or hasattr(value, "python_function"):
        return True
    module = str(getattr(value, "__module__", "")).partition(".")[0]
    return isinstance(value, types.FunctionType) and module not in _OF_KERAS


def _plain_argument(layer: Any, config: dict[str, Any], key: str) -> Any:
    value, held = config[key], getattr(layer, key, None)
    if is_users_function(held):
        return held
    if key == "axis":
        return _axis_from_the_end(layer, value)
    if isinstance(value, list) and isinstance(held, list | tuple) and held:
        if all(isinstance(inner, tf.keras.layers.Layer) for inner in held):
            return _plain_layers(layer, held, _entries(config, key))
    elif isinstance(value, dict) and isinstance(held, tf.keras.layers.Layer):
        return _as_entry(held, value)
    return _plain(value, _names_in(layer) if key in _WIRING else {})


def _plain_layers(model: Any, held: Any, entries: list[Any]) -> list[dict[str, Any]]:
    plain = []
    for inner, entry in zip(held, entries, strict=False):
        plain.append(_as_entry(inner, entry))
        if "inbound_nodes" in entry:
            plain[-1]["inbound_nodes"] = _plain(entry["inbound_nodes"], _names_in(model))
    return plain


def _as_entry(layer: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """Describe a layer within another one as Keras does."""
    config = plain_config(layer) or _plain(entry.get("config")) or config_or_attributes(layer)
    return {"class_name": type(layer).__name__, "config": config}


def _names_in(model: Any) -> dict[str, str]:
    """Return names by class and number for the layers of a model, by their own."""
    numbers: dict[str, int] = {}
    names = {}
    for layer in getattr(model, "layers", ()):
        stem = snake_case_of(layer)
        numbers[stem] = numbers.get(stem, 0) + 1
        names[str(layer.name)] = f"{stem}_{numbers[stem]}"
    return names


def _plain(value: Any, names: Mapping[str, str] = types.MappingProxyType({})) -> Any:
    """Reduce a value, and what it holds; names of layers are replaced by others."""
    if isinstance(value, tf.keras.layers.Layer):
        return _as_entry(value, {})
    if isinstance(value, dict):  # also of Keras' own kinds
        return {key: _plain(held, names) for key, held in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_plain(held, names) for held in value]
    return names.get(value, value) if isinstance(value, str) else value


def _axis_from_the_end(layer: Any, value: Any) -> Any:
    """Return axes as they are counted from the end, which layers change when they are built."""
    shape = getattr(layer, "_build_input_shape", None)
    dimensions = getattr(getattr(layer, "input_spec", None), "ndim", None)
    is_built = getattr(layer, "built", False)  # others, such as constraints, can't be
    if dimensions is None and is_built and isinstance(shape, tuple | tf.TensorShape):
        dimensions = len(shape)
    axes = [
        axis - dimensions if dimensions is not None and axis >= 0 else axis
        for axis in (value if isinstance(value, list | tuple) else [value])
        if isinstance(axis, int)
    ]
    return axes[0] if len(axes) == 1 else axes or value


def flat_config(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the arguments of a configuration, those of objects within it by names with dots."""
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and "class_name" in value:
            inner = value.get("config") or {}
            is_object = isinstance(inner, dict)  # of a function it is the name
            yield name, value["class_name"] if is_object else inner
            yield from flat_config(inner, f"{name}.") if is_object else ()
        elif key == "layers" and isinstance(value, list):
            yield name, [entry.get("class_name") for entry in value]
            for number, entry in enumerate(value):
                if "inbound_nodes" in entry:
                    yield f"{name}[{number}].inputs", entry["inbound_nodes"]
                yield from flat_config(entry.get("config") or {}, f"{name}[{number}].")
        else:
            yield name, value


def _entries(config: dict[str, Any], key: str) -> list[Any]:
    """Return the layers of a configuration, without the input that a Sequential makes itself."""
    is_sequential = key == "layers" and "input_layers" not in config
    return [
        entry
        for entry in config[key]
        if not is_sequential or entry.get("class_name") != "InputLayer"
    ]


def _steps_to(name: str) -> Iterator[tuple[str, int | None]]:
    """Yield the attributes, and the numbers in lists, that lead to a name of `flat_config`."""
    for part in name.split(".")[:-1]:
        key, _, number = part.removesuffix("]").partition("[")
        yield key, int(number) if number else None


def holder_of(layer: Any, name: str) -> tuple[Any, str]:
    """Return the layer that has an argument by a name of `flat_config`, and its name there."""
    for key, number in _steps_to(name):
        layer = getattr(layer, key) if number is None else getattr(layer, key)[number]
    return layer, name.rpartition(".")[2]


def take_over(name: str, source: dict[str, Any], target: dict[str, Any]) -> None:
    """
    Copy an argument from one configuration to another.

    Parameters
    ----------
    name : str
        A name of `flat_config`.
    source, target : dict
        What ``get_config`` of two layers of one class returned; the second is changed.
    """
    last = name.rpartition(".")[2]
    for key, number in _steps_to(name):
        if number is not None and last == "inputs":
            break
        source, target = (
            (config[key] if number is None else _entries(config, key)[number])["config"]
            for config in (source, target)
        )
    # layers and their wiring refer to each other by names that are not the same in both
    keys = _WIRING if last in ("inputs", *_WIRING) else (last,)
    target.update({key: source[key] for key in keys if key in source})
