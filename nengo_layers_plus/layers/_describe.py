"""How a layer shows itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import is_automatic_name, snake_case_of, tf
from nengo_layers_plus.layers._not_given import NOT_GIVEN

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer


def name_of(layer_func: Any) -> str:
    """Return the short name of what a layer applies, empty for nothing."""
    if isinstance(layer_func, list | tuple):
        return ", ".join(map(name_of, layer_func))
    return "" if layer_func is None else _own_name(layer_func) or str(layer_func)


def default_name(layer: CustomLayer, is_subclass: bool) -> str:
    """
    Return a name for a layer without label, which does not depend on what was made before it.

    Parameters
    ----------
    layer : CustomLayer
        The layer.
    is_subclass : bool
        Whether its class says more than what it applies.
    """
    applied = layer.layer_func
    if isinstance(applied, tf.keras.layers.Layer):
        if not is_automatic_name(applied):
            return str(applied.name)
    elif not is_subclass and _own_name(applied) not in (None, "<lambda>"):
        return str(_own_name(applied))
    return snake_case_of(layer if is_subclass else applied)


def describe(layer: CustomLayer, made: Any, overridden: list[str]) -> str:
    """
    Return what a layer was given and what it would make.

    Parameters
    ----------
    layer : CustomLayer
        The layer.
    made : object
        What it applies, as far as that is known without running a hook.
    overridden : list of str
        The hooks that its class overrides.
    """
    arguments = [] if layer.layer_func is None else [show(layer.layer_func)]
    arguments += describe_settings(layer)
    says = f", {' and '.join(overridden)} overridden" if overridden else ""
    return (
        f"<{type(layer).__name__}({', '.join(arguments)}) makes {_target(made)} and "
        f"{_connection(layer, overridden)}{says}>"
    )


def describe_settings(layer: CustomLayer) -> list[str]:
    """Return the settings that a layer was given, as arguments."""
    arguments = []
    if isinstance(layer.ensemble_kwargs, Mapping) and layer.ensemble_kwargs:
        items = ", ".join(
            f"{name!r}: {show(value)}" for name, value in layer.ensemble_kwargs.items()
        )
        arguments.append(f"ensemble_kwargs={{{items}}}")
    if layer.synapse is not NOT_GIVEN:
        arguments.append(f"synapse={layer.synapse!r}")
    if layer.trainable is not None:
        arguments.append(f"trainable={layer.trainable!r}")
    if layer.label is not None:
        arguments.append(f"label={layer.label!r}")
    return arguments


def _target(made: Any) -> str:
    if made is None:
        return "what make_layer_func returns"
    if isinstance(made, type):
        return f"nothing of the class {made.__name__} (an instance is needed)"
    if isinstance(made, NeuronType):
        return f"an Ensemble of {made!r} neurons"
    return f"a TensorNode of {show(made)}"


def _connection(layer: CustomLayer, overridden: list[str]) -> str:
    if "make_synapse" in overridden:
        return "a Connection with the synapse of make_synapse"
    return f"a Connection with synapse {None if layer.synapse is NOT_GIVEN else layer.synapse!r}"


def show(value: Any) -> str:
    """Return a short text for a value that a layer was given."""
    if isinstance(value, list | tuple) and any(map(callable, value)):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, np.ndarray):
        return f"<array of shape {value.shape}>"
    name = _own_name(value)
    return repr(value) if name is None else f"{type(value).__name__} {name!r}"


def _own_name(value: Any) -> str | None:
    for attribute in ("name", "__name__"):
        name = getattr(value, attribute, None)
        if isinstance(name, str) and callable(value):
            return name
    return None
