"""What a Keras layer was made with."""

from __future__ import annotations

import functools
import types
import warnings
from collections.abc import Iterator
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
        None if the layer says nothing of what it was made with.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that functions can't be saved
            config = layer.get_config()
    except Exception:  # a user's layer may fail in any way
        return None
    plain = {}
    for key, value in config.items():
        if key in _LEFT_OUT or (key == "dtype" and value in _OF_NETWORKS):
            continue
        held = getattr(layer, key, None)
        if is_users_function(held):
            plain[key] = held
        elif isinstance(held, tf.keras.layers.Layer) and isinstance(value, dict):
            plain[key] = _as_entry(held, value)
        elif key == "axis":
            plain[key] = _plain_axis(layer, value)
        elif _holds_layers(layer, key, value):
            plain[key] = _plain_layers(layer, key, value)
        elif key in _WIRING:
            plain[key] = _renamed(value, _names_of(layer))
        else:
            plain[key] = _plain(value)
    return plain


def config_or_attributes(layer: tf.keras.layers.Layer) -> dict[str, Any]:
    """
    Return the configuration of a Keras layer, or what it holds if it says nothing of that.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer. What Keras keeps in it is left out, and its weights are.

    Returns
    -------
    config : dict
        As of `plain_config`; or its own attributes, layers among them as Keras describes them.
    """
    config = plain_config(layer)
    if config is not None:
        return config
    return {
        name: _plain_attribute(value)
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


def _plain_attribute(value: Any) -> Any:
    if isinstance(value, tf.keras.layers.Layer):
        return _as_entry(value, {})
    if isinstance(value, dict):  # also of Keras' own kinds
        return {key: _plain_attribute(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_attribute(each) for each in value]
    return value


def is_users_function(value: Any) -> bool:
    """Say whether a value is a function that Keras knows by its name alone."""
    if isinstance(value, functools.partial | types.MethodType) or hasattr(value, "python_function"):
        return True
    module = str(getattr(value, "__module__", "")).partition(".")[0]
    return isinstance(value, types.FunctionType) and module not in _OF_KERAS


def _holds_layers(layer: Any, key: str, value: Any) -> bool:
    """Say whether a list in a configuration is of layers that the layer holds by the same name."""
    held = getattr(layer, key, None)
    return (
        isinstance(value, list)
        and isinstance(held, list | tuple)
        and len(held) > 0
        and all(isinstance(each, tf.keras.layers.Layer) for each in held)
    )


def _plain_layers(layer: Any, key: str, entries: list[Any]) -> list[dict[str, Any]]:
    if isinstance(layer, tf.keras.Sequential):
        # it makes itself an input when it is built, which is none of its layers
        entries = _entries({key: entries}, key)
    names = _names_of(layer)
    plain = []
    for held, entry in zip(getattr(layer, key), entries, strict=False):
        plain.append(_as_entry(held, entry))
        if "inbound_nodes" in entry:
            plain[-1]["inbound_nodes"] = _renamed(entry["inbound_nodes"], names)
    return plain


def _as_entry(layer: Any, entry: Any) -> dict[str, Any]:
    """Describe a layer within another one as Keras does."""
    config = plain_config(layer) or _plain(entry.get("config") or {})
    return {
        "class_name": type(layer).__name__,
        "config": config or config_or_attributes(layer),
    }


def _names_of(model: Any) -> dict[str, str]:
    numbers: dict[str, int] = {}
    names = {}
    for each in getattr(model, "layers", ()):
        stem = snake_case_of(each)
        numbers[stem] = numbers.get(stem, 0) + 1
        names[str(each.name)] = f"{stem}_{numbers[stem]}"
    return names


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, list | tuple):
        return [_renamed(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    return names.get(value, value) if isinstance(value, str) else value


def _plain_axis(layer: Any, value: Any) -> Any:
    """Return axes as they are counted from the end, which layers change when they are built."""
    shape = getattr(layer, "_build_input_shape", None)
    dimensions = getattr(getattr(layer, "input_spec", None), "ndim", None)
    is_built = getattr(layer, "built", False)  # others, such as constraints, can't be
    if dimensions is None and is_built and isinstance(shape, tuple | tf.TensorShape):
        dimensions = len(shape)
    axes = [
        each - dimensions if dimensions is not None and each >= 0 else each
        for each in (value if isinstance(value, list | tuple) else [value])
        if isinstance(each, int)
    ]
    return axes[0] if len(axes) == 1 else axes or value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def flat_config(config: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what is in a configuration, that of objects within it by names with dots."""
    for key, value in config.items():
        if isinstance(value, dict) and "class_name" in value:
            held = value.get("config") or {}
            # of functions Keras says the name
            yield f"{prefix}{key}", value["class_name"] if isinstance(held, dict) else held
            if isinstance(held, dict):
                yield from flat_config(held, f"{prefix}{key}.")
        elif key == "layers" and isinstance(value, list):
            yield f"{prefix}layers", [each.get("class_name") for each in value]
            for number, each in enumerate(value):
                if "inbound_nodes" in each:
                    yield f"{prefix}layers[{number}].inputs", each["inbound_nodes"]
                yield from flat_config(each.get("config") or {}, f"{prefix}layers[{number}].")
        else:
            yield f"{prefix}{key}", value


def _entries(config: dict[str, Any], key: str) -> list[Any]:
    """Return the layers of a configuration that the model itself lists."""
    is_sequential = key == "layers" and "input_layers" not in config
    return [
        each for each in config[key] if not is_sequential or each.get("class_name") != "InputLayer"
    ]


def holder_of(layer: Any, name: str) -> tuple[Any, str]:
    """Return the layer that has what is known by a name of `flat_config`, and its name there."""
    *around, last = name.split(".")
    for part in around:
        key, _, number = part.removesuffix("]").partition("[")
        layer = getattr(layer, key)[int(number)] if number else getattr(layer, key)
    return layer, last


def take_over(name: str, source: dict[str, Any], target: dict[str, Any]) -> None:
    """
    Give a configuration what another one has by a name of `flat_config`.

    Parameters
    ----------
    name : str
        The name.
    source, target : dict
        What ``get_config`` of two layers of one class returned; the second is changed.
    """
    *around, last = name.split(".")
    for part in around:
        key, _, number = part.removesuffix("]").partition("[")
        if number and last == "inputs":
            break
        source, target = (
            (_entries(each, key)[int(number)] if number else each[key])["config"]
            for each in (source, target)
        )
    # layers and what joins them refer to each other by names that are not the same in both
    keys = _WIRING if last in ("inputs", *_WIRING) else (last,)
    target.update({key: source[key] for key in keys if key in source})
