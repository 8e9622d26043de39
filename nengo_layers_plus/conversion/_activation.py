"""Activations of Keras models: which one a layer has, and by which keys a user can name it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nengo_layers_plus._upstream import operation_of, tf

# those with a name: of tf.keras.activations, tf.nn or both
NAMES = (
    "elu",
    "exponential",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "softmax",
    "softplus",
    "softsign",
    "swish",
    "tanh",
)
_ALIASES = {"silu": "swish"}


@dataclass(frozen=True, eq=False)
class Activation:
    """
    An activation as a layer of a model has it.

    Parameters
    ----------
    name : str
        How it is written in messages.
    function : callable
        Takes and returns a tensor, exactly as in the model.
    keys : tuple
        What stands for it in a mapping: a name of `NAMES`, a function, or a class of layers.
    slope : float or None
        The slope of a leaky ReLU below 0.
    """

    name: str
    function: Callable[..., Any]
    keys: tuple[Any, ...]
    slope: float | None = None

    def find(self, mapping: Mapping[Any, Any]) -> Any:
        """Return the key that stands for it in a mapping, or None."""
        return next((key for key in self.keys if key in mapping), None)


def name_of_function(function: Any) -> str | None:
    """Return the name in `NAMES` of a function of Keras or TensorFlow, None for others."""
    for module in (tf.keras.activations, tf.nn):
        for name in (*NAMES, *_ALIASES):
            if hasattr(module, name) and undecorated(getattr(module, name)) is undecorated(
                function
            ):
                return _ALIASES.get(name, name)
    return None


def undecorated(function: Any) -> Any:
    """Return a function of TensorFlow without the decorators that its public name has."""
    return inspect.unwrap(function)


def find_key(key: Any) -> Any:
    """
    Return the form in which a key of a mapping is compared, None for one that names nothing.

    Parameters
    ----------
    key : str, callable or type
        A name of an activation, its function, or a class of Keras layers.
    """
    if isinstance(key, str):
        name = _ALIASES.get(key, key)
        return name if name in NAMES else None
    if isinstance(key, type):
        return key if issubclass(key, tf.keras.layers.Layer) else None
    return (name_of_function(key) or undecorated(key)) if callable(key) else None


def of_function(function: Any, **arguments: Any) -> Activation:
    """
    Describe an activation that is given as a function, its name or a layer.

    Parameters
    ----------
    function : str, callable or tf.keras.layers.Layer
        The activation.
    **arguments
        Those that the model hands to it besides the tensor.
    """
    if isinstance(function, tf.keras.layers.Layer):
        return of_layer(function) or Activation(
            type(function).__name__, function, (type(function),)
        )
    if isinstance(function, str):
        written = _ALIASES.get(function, function)
        function = getattr(tf.keras.activations, written, None) or getattr(tf.nn, written)
    name = name_of_function(function)
    if name is None:
        shown = getattr(function, "__name__", repr(function))
        return Activation(shown, function, (undecorated(function),))
    slope = None
    if name == "leaky_relu":
        defaults = inspect.signature(function).parameters
        key = "alpha" if "alpha" in defaults else "negative_slope"
        slope = float(arguments.get(key, defaults[key].default))
    return Activation(name, function, (name,), slope)


def of_layer(layer: tf.keras.layers.Layer) -> Activation | None:
    """Describe a layer that is an activation and nothing else; None for other layers."""
    layers = tf.keras.layers
    own: tuple[Any, ...] = (type(layer),)
    if isinstance(layer, layers.Activation):
        return of_function(layer.activation)
    if isinstance(layer, layers.Lambda):
        name = name_of_function(layer.function)
        return None if name is None else of_function(layer.function, **layer.arguments)
    if isinstance(layer, layers.LeakyReLU):
        slope = float(layer.alpha)
        return Activation(f"leaky_relu({slope:g})", layer, (*own, "leaky_relu"), slope)
    if isinstance(layer, layers.ReLU):
        return _of_relu(layer)
    if isinstance(layer, layers.ELU):
        plain = float(layer.alpha) == 1
        return Activation("ELU", layer, (*own, "elu") if plain else own)
    if isinstance(layer, layers.Softmax):
        return Activation("softmax", layer, (*own, "softmax") if layer.axis == -1 else own)
    if isinstance(layer, layers.PReLU | layers.ThresholdedReLU):
        return Activation(type(layer).__name__, layer, own)
    return None


def _of_relu(layer: tf.keras.layers.ReLU) -> Activation:
    highest = None if layer.max_value is None else float(layer.max_value)
    slope, threshold = float(layer.negative_slope), float(layer.threshold)
    own = (type(layer),)
    if highest is None and threshold == 0:
        if slope == 0:
            return Activation("relu", layer, (*own, "relu"))
        return Activation(f"leaky_relu({slope:g})", layer, (*own, "leaky_relu"), slope)
    if (highest, slope, threshold) == (6, 0, 0):
        return Activation("relu6", layer, (*own, "relu6"))
    name = f"ReLU(max_value={highest}, negative_slope={slope:g}, threshold={threshold:g})"
    return Activation(name, layer, own)


def of_operation(layer: tf.keras.layers.Layer, arguments: Any) -> Activation | None:
    """
    Describe the activation that was called on a Keras tensor, as in ``tf.nn.relu(x)``.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer that Keras made of the operation.
    arguments : tuple
        ``(args, kwargs)`` of its call.
    """
    if not operation_of(layer) or name_of_function(layer.function) is None:
        return None
    args, kwargs = arguments
    names = list(inspect.signature(layer.function).parameters)
    given = {**dict(zip(names[1:], args[1:], strict=False)), **kwargs}
    return of_function(layer.function, **{k: v for k, v in given.items() if v is not None})
