"""What a Keras layer was made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nengo_layers_plus._upstream import snake_case_of, tf, with_sublayers

_WIRING = ("layers", "input_layers", "output_layers")
# names, and what Keras adds when a layer is built
_LEFT_OUT = frozenset(
    {"name", "build_config", "build_input_shape", "batch_input_shape", "registered_name", "module"}
)


def plain_config(layer: tf.keras.layers.Layer) -> dict[str, Any] | None:
    """
    Return the configuration of a Keras layer, without names and what Keras adds to it.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer. Layers within it are named by their classes, in order.

    Returns
    -------
    config : dict or None
        None if the layer says nothing of what it was made with.
    """
    try:
        config = layer.get_config()
    except Exception:  # a user's layer may fail in any way
        return None
    numbers: dict[str, int] = {}
    names: dict[str, Any] = {}
    functions = {}
    for each in with_sublayers(layer):
        if isinstance(each, tf.keras.layers.Lambda):
            functions[str(each.name)] = each.function
        if each is layer:
            continue
        stem = snake_case_of(each)
        numbers[stem] = numbers.get(stem, 0) + 1
        names[str(each.name)] = f"{stem}_{numbers[stem]}"
    plain: dict[str, Any] = _plain(config, names, functions)
    return plain


def _plain(value: Any, names: dict[str, str], functions: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        if "function_type" in value and value.get("name") in functions:
            # Keras has written the bytes of its code
            value = {**value, "function": functions[value["name"]]}
        return {
            key: _plain(each, names, functions)
            for key, each in value.items()
            if key not in _LEFT_OUT
        }
    if isinstance(value, list | tuple):
        return [_plain(each, names, functions) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


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
            (each[key][int(number)] if number else each[key])["config"] for each in (source, target)
        )
    # layers and what joins them refer to each other by names that are not the same in both
    keys = _WIRING if last in ("inputs", *_WIRING) else (last,)
    target.update({key: source[key] for key in keys if key in source})
