"""Activations of Keras models, and the neurons that stand for them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import nengo
from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import nengo_dl, operation_of, tf
from nengo_layers_plus.conversion._layer_names import ConversionError
from nengo_layers_plus.layers._errors import warn_user

# names of tf.keras.activations, tf.nn or both
NAMES = (
    "elu", "exponential", "gelu", "hard_sigmoid", "leaky_relu", "linear", "log_softmax", "mish",
    "relu", "relu6", "selu", "sigmoid", "softmax", "softplus", "softsign", "swish", "tanh",
)  # fmt: skip
_ALIASES = {"silu": "swish"}


@dataclass(frozen=True, eq=False)
class Activation:
    """
    An activation of a layer of a model.

    Parameters
    ----------
    name : str
        Its name in messages.
    function : callable
        Takes and returns a tensor, exactly as in the model.
    keys : tuple
        The keys of a mapping that mean it: a name of `NAMES`, a function, or a class of layers.
    slope : float or None
        The slope of a leaky ReLU below 0.
    """

    name: str
    function: Callable[..., Any]
    keys: tuple[Any, ...]
    slope: float | None = None

    def find(self, mapping: Mapping[Any, Any]) -> Any:
        """Return the key that means it in a mapping, or None."""
        return next((key for key in self.keys if key in mapping), None)


def name_of_function(function: Any) -> str | None:
    """Return the name in `NAMES` of a function of Keras or TensorFlow, None for others."""
    function = inspect.unwrap(function)  # without TensorFlow's decorators of public functions
    for module in (tf.keras.activations, tf.nn):
        for name in (*NAMES, *_ALIASES):
            known: Any = getattr(module, name, None)
            if inspect.unwrap(known) is function:
                return _ALIASES.get(name, name)
    return None


def key_of(key: Any) -> Any:
    """
    Return the form in which keys of a mapping are compared, None for one that means nothing.

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
    return (name_of_function(key) or inspect.unwrap(key)) if callable(key) else None


def of_function(function: Any, **arguments: Any) -> Activation:
    """
    Describe an activation that is given as a function, its name or a layer.

    Parameters
    ----------
    function : str, callable or tf.keras.layers.Layer
        The activation.
    **arguments
        The arguments besides the tensor.
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
        return Activation(shown, function, (inspect.unwrap(function),))
    slope = None
    if name == "leaky_relu":
        defaults = inspect.signature(function).parameters
        key = "alpha" if "alpha" in defaults else "negative_slope"
        slope = float(arguments.get(key, defaults[key].default))
    return Activation(name, function, (name,), slope)


def of_layer(layer: tf.keras.layers.Layer) -> Activation | None:
    """Describe a layer that is an activation alone; None for other layers."""
    layers = tf.keras.layers
    if isinstance(layer, layers.Activation):
        return of_function(layer.activation)
    if isinstance(layer, layers.Lambda):
        known = name_of_function(layer.function)
        return None if known is None else of_function(layer.function, **layer.arguments)
    name, known, slope = type(layer).__name__, None, None
    if isinstance(layer, layers.LeakyReLU):
        slope = float(layer.alpha)
    elif isinstance(layer, layers.ReLU):
        highest = None if layer.max_value is None else float(layer.max_value)
        below, threshold = float(layer.negative_slope), float(layer.threshold)
        name = f"ReLU(max_value={highest}, negative_slope={below:g}, threshold={threshold:g})"
        if (highest, below, threshold) in ((None, 0, 0), (6, 0, 0)):
            name = known = "relu" if highest is None else "relu6"
        elif (highest, threshold) == (None, 0):
            slope = below
    elif isinstance(layer, layers.ELU):
        known = "elu" if float(layer.alpha) == 1 else None
    elif isinstance(layer, layers.Softmax):
        name, known = "softmax", "softmax" if layer.axis == -1 else None
    elif not isinstance(layer, layers.PReLU | layers.ThresholdedReLU):
        return None
    if slope is not None:
        name, known = f"leaky_relu({slope:g})", "leaky_relu"
    return Activation(name, layer, (type(layer), known) if known else (type(layer),), slope)


def own_activation(layer: tf.keras.layers.Layer) -> Activation | None:
    """Return the activation that a layer applies last, if it has that attribute."""
    function = getattr(layer, "activation", None)
    return None if function is None else of_function(function)


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


class NeuronChoice:
    """
    The neurons, or activation, for each activation, by the argument ``neuron`` of `from_keras`.

    Parameters
    ----------
    neuron : nengo.neurons.NeuronType or Mapping
        As given to `from_keras`.

    Raises
    ------
    ConversionError
        If it is neither, or if a key or value of the mapping means nothing.
    """

    def __init__(self, neuron: NeuronType | Mapping[Any, Any]) -> None:
        _check_kind(neuron)
        self._is_mapping = isinstance(neuron, Mapping)
        given = neuron if isinstance(neuron, Mapping) else {"relu": neuron}
        self.mapping: dict[Any, Any] = {}
        self.as_given: dict[Any, Any] = {}
        for key, value in given.items():
            meaning = key_of(key)
            if meaning is None:
                raise ConversionError(
                    f"neuron: {key!r} names no activation; expected a function, a class of Keras "
                    f"layers or one of {', '.join(NAMES)}"
                )
            if meaning == "linear":
                raise ConversionError("neuron: no neurons can stand for 'linear', which is nothing")
            if meaning in self.mapping:
                raise ConversionError(
                    f"neuron: {self.as_given[meaning]!r} and {key!r} are the same"
                )
            _check_value(key, value)
            self.mapping[meaning] = value
            self.as_given[meaning] = key
        self.mapping.setdefault("relu", nengo.RectifiedLinear())
        self.used: set[Any] = set()
        relu = self.mapping["relu"]
        types = [value for value in self.mapping.values() if isinstance(value, NeuronType)]
        self.spiking = any(
            neurons.spiking for neurons in ([relu] if isinstance(relu, NeuronType) else types)
        )

    def keeps(self, key: Any) -> bool:
        """Say whether the user asked for a class of layers, or a function, to stay as it is."""
        self.used.add(key)
        return key in self.mapping and self.mapping[key] is None

    def choose(self, activation: Activation, is_output: bool) -> Any:
        """
        Choose what stands for an activation.

        Parameters
        ----------
        activation : Activation
            The activation of a layer.
        is_output : bool
            Whether nothing but outputs of the model follows.

        Returns
        -------
        chosen : nengo.neurons.NeuronType, Activation or None
            Neurons; another activation; None to keep the activation.

        Raises
        ------
        ConversionError
            If nothing stands for it.
        """
        first = activation
        passed: list[Any] = []
        while (key := activation.find(self.mapping)) is not None:
            if key in passed:
                raise ConversionError(
                    f"neuron: {first.name} leads to itself, by {' and '.join(map(str, passed))}; "
                    "map it to a neuron type or None"
                )
            passed.append(key)
            self.used.add(key)
            value = self.mapping[key]
            if isinstance(value, NeuronType):
                return value
            if value is None:
                return None if activation is first else activation
            activation = of_function(value)
        if activation.name == "linear" or (is_output and activation is first):
            return None if activation is first else activation
        neurons = self._equivalent(activation)
        if neurons is None:
            raise ConversionError(
                f"no neurons stand for its activation {activation.name}; write from_keras(..., "
                f"neuron={{{_show(activation.keys[-1])}: ...}}) with a nengo neuron type, with "
                "another activation such as 'relu' (then train again), or with None to keep the "
                "Keras function"
            )
        if neurons.spiking == self.spiking:
            return neurons
        raise ConversionError(
            f"nengo has no spiking neurons for {activation.name}; write "
            f"neuron={{'relu': ..., {activation.keys[-1]!r}: {neurons!r}}} for neurons that put "
            "out rates, or None in its place to keep the Keras function"
        )

    def warn_of_unused(self) -> None:
        """Warn of keys of the mapping that no layer of the model has."""
        unused = [given for key, given in self.as_given.items() if key not in self.used]
        if unused and self._is_mapping:
            warn_user(
                f"from_keras, neuron: no layer of the model has the activation "
                f"{' or '.join(map(_show, unused))}"
            )

    def _equivalent(self, activation: Activation) -> NeuronType | None:
        """Return neurons whose output is that of an activation, if there are some."""
        if activation.slope is not None:
            cls = nengo_dl.SpikingLeakyReLU if self.spiking else nengo_dl.LeakyReLU
            return cls(negative_slope=activation.slope)
        rates = {"sigmoid": nengo.Sigmoid(tau_ref=1), "tanh": nengo.Tanh(tau_ref=1)}
        return rates.get(activation.name)


def _check_kind(neuron: Any) -> None:
    """Raise if the argument is neither neurons nor a mapping; `_check_value` knows classes."""
    is_class = isinstance(neuron, type) and issubclass(neuron, NeuronType)
    if neuron is None or is_class or isinstance(neuron, NeuronType | Mapping):
        return
    means = key_of(neuron) is not None
    raise ConversionError(
        "neuron: expected a nengo neuron type, such as nengo.SpikingRectifiedLinear(), or a "
        f"mapping from activations to neuron types, got {neuron!r}; write "
        f"{{{_show(neuron) if means else repr('relu')}: nengo.SpikingRectifiedLinear()}} to say "
        "which activation neurons stand for"
    )


def _check_value(key: Any, value: Any) -> None:
    if isinstance(value, nengo.Direct):
        raise ConversionError(
            f"neuron: nengo.Direct, given for {_show(key)}, has no neurons; write None to keep "
            "the Keras function"
        )
    if isinstance(value, type) and issubclass(value, NeuronType):
        raise ConversionError(
            f"neuron: expected an instance for {_show(key)}, got the class {value.__name__}; "
            f"write {value.__name__}(...)"
        )
    if value is None or isinstance(value, NeuronType):
        return
    if isinstance(key, type) or isinstance(value, type) or key_of(value) is None:
        raise ConversionError(
            f"neuron: expected a nengo neuron type, another activation or None for {_show(key)}, "
            f"got {value!r}"
        )


def _show(key: Any) -> str:
    if isinstance(key, type):
        return f"tf.keras.layers.{key.__name__}" if "keras" in key.__module__ else key.__name__
    return repr(key) if isinstance(key, str) else getattr(key, "__name__", repr(key))
