"""What a Keras layer was made with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nengo_layers_plus._upstream import snake_case_of, tf, with_sublayers

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
    names = {}
    for each in with_sublayers(layer)[1:]:
        stem = snake_case_of(each)
        numbers[stem] = numbers.get(stem, 0) + 1
        names[str(each.name)] = f"{stem}_{numbers[stem]}"
    plain: dict[str, Any] = _plain(config, names)
    return plain


def _plain(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each, names) for key, each in value.items() if key not in _LEFT_OUT}
    if isinstance(value, list | tuple):
        return [_plain(each, names) for each in value]
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
                yield from flat_config(each.get("config") or {}, f"{prefix}layers[{number}].")
        else:
            yield f"{prefix}{key}", value
