"""What a layer can't apply: errors, and a warning of weights that nengo_dl would not see."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import keras3_remedy, nengo_dl, tf, with_sublayers
from nengo_layers_plus.layers._errors import LayerError, warn_user

# layers of Keras that do not say by an input_spec that they take one tensor
_OF_ONE_INPUT = (
    "Activation", "AlphaDropout", "BatchNormalization", "Dropout", "ELU", "Embedding",
    "GaussianDropout", "GaussianNoise", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU",
    "Rescaling", "Reshape", "Softmax", "ThresholdedReLU", "UnitNormalization",
)  # fmt: skip


def check_function(function: Any) -> None:
    """Raise a `LayerError` if what is no neuron type can't be applied, or is of Keras 3."""
    _refuse_what_is_no_layer_func(function)
    _refuse_keras3(function)


def check_keras_layer(keras_layer: tf.keras.layers.Layer, n_inputs: int | None) -> None:
    """
    Raise a `LayerError` if a Keras layer would lose something in nengo_dl, or gets other inputs.

    Parameters
    ----------
    keras_layer : tf.keras.layers.Layer
        The layer.
    n_inputs : int or None
        The number of inputs, if it was called on a list of them.
    """
    check_function(keras_layer)
    _refuse_activity_regularizer(keras_layer)
    _refuse_several_arguments(keras_layer)
    _refuse_other_inputs(keras_layer, n_inputs)


def warn_of_hidden_weights(function: Callable[..., Any], layer: str) -> None:
    """
    Warn of Keras layers and variables that a function uses, which nengo_dl will not train.

    Parameters
    ----------
    function : callable
        What a layer applies. It was called, so that what it uses is built.
    layer : str
        The layer, in words.
    """
    for place, value in _held_by(function):
        hides_weights = isinstance(value, tf.Variable) and value.trainable
        if isinstance(value, tf.keras.layers.Layer):
            # where shape_out was given the function was not called, and weights may still come
            hides_weights = value.trainable and (not value.built or bool(value.trainable_weights))
        if hides_weights:
            warn_user(
                f"{layer}, layer_func: {getattr(value, 'name', value)!r} in {place} will not "
                "train, since nengo_dl does not see what a function uses; hand over the Keras "
                "layer itself or a tf.keras.layers.Layer that holds it, or set its trainable to "
                "False if it should stay as it is"
            )


def _error(message: str) -> LayerError:
    return LayerError(message, attr="layer_func")


def _refuse_what_is_no_layer_func(layer_func: Any) -> None:
    if layer_func is None:
        raise _error(
            "there is nothing to apply; give a Keras layer, a function or a neuron type, or "
            "override make_layer_func"
        )
    if isinstance(layer_func, nengo_dl.Layer):
        raise _error(f"{layer_func} is a layer already; call that one")
    if isinstance(layer_func, type) and issubclass(
        layer_func, NeuronType | tf.keras.layers.Layer | nengo_dl.Layer
    ):
        raise _error(
            f"expected an instance, got the class {layer_func.__name__}; "
            f"write {layer_func.__name__}(...)"
        )
    if not callable(layer_func):
        hint = ""
        if isinstance(layer_func, str) and layer_func in _activations():
            hint = f"; write tf.keras.activations.{layer_func}"
        elif _is_keras_tensor(layer_func):
            hint = "; leave it out, and give shape_in with the call"
        raise _error(
            "expected a Keras layer or model, a function or a nengo neuron type, got "
            f"{layer_func!r}{hint}"
        )


def _activations() -> list[str]:
    helpers = ("get", "serialize", "deserialize")
    module = vars(tf.keras.activations)
    return [name for name, value in module.items() if callable(value) and name not in helpers]


def _is_keras_tensor(value: Any) -> bool:
    try:
        return bool(tf.keras.backend.is_keras_tensor(value))
    except ValueError:  # no tensor at all
        return False


def _refuse_keras3(layer_func: Any) -> None:
    for place, value in [("", layer_func), *_held_by(layer_func)]:
        if inspect.isroutine(value) or isinstance(value, type):
            continue  # functions of Keras 3 hold no weights
        remedy = keras3_remedy(value)
        if remedy is not None:
            where = f" in {place}" if place else ""
            raise _error(
                f"{type(value).__name__}{where} is of Keras 3; nengo_dl knows tf.keras alone, and "
                f"would train nothing of it without saying so; {remedy}"
            )


def _refuse_activity_regularizer(keras_layer: tf.keras.layers.Layer) -> None:
    for layer in with_sublayers(keras_layer):
        if getattr(layer, "activity_regularizer", None) is not None:
            raise _error(
                f"the activity_regularizer of {layer.name!r} would be lost, since nengo_dl applies "
                "a Keras layer within its simulation loop, out of reach of Keras' losses; remove "
                "it, and penalise the activity in a loss on a probe of this layer"
            )


def _refuse_several_arguments(keras_layer: tf.keras.layers.Layer) -> None:
    needed = [
        parameter.name
        for parameter in inspect.signature(keras_layer.call).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
    ]
    if len(needed) > 1:
        raise _error(
            f"the call of {keras_layer.name!r} takes {', '.join(needed)} one by one, while a layer "
            "in a network gets one tensor or one list of tensors; write a small "
            "tf.keras.layers.Layer around it that takes the list apart"
        )


def _refuse_other_inputs(keras_layer: tf.keras.layers.Layer, n_inputs: int | None) -> None:
    # None for a model that learns its inputs when it is called
    expected = getattr(keras_layer, "inputs", None)
    takes_one = len(expected) == 1 if expected else _takes_one_input(keras_layer)
    if takes_one and n_inputs is not None:
        got, remedy = "a list of one", "give it without the list"
        if n_inputs > 1:
            got = str(n_inputs)
            remedy = "join them with tf.keras.layers.Concatenate or tf.keras.layers.Add first"
        raise _error(f"{keras_layer.name!r} takes one input, got {got}; {remedy}")
    if expected and len(expected) != (n_inputs or 1):
        raise _error(
            f"{keras_layer.name!r} has {len(expected)} inputs, got {n_inputs or 1}; call the layer "
            "on a list with one for each"
        )


def _takes_one_input(keras_layer: tf.keras.layers.Layer) -> bool:
    """Say whether it is certain that a Keras layer takes no list of tensors."""
    if isinstance(getattr(keras_layer, "input_spec", None), tf.keras.layers.InputSpec):
        return True  # one for each input, as Keras checks
    return type(keras_layer) in [getattr(tf.keras.layers, name) for name in _OF_ONE_INPUT]


def _held_by(layer_func: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a layer_func holds itself or in a list, with the place."""
    for place, value in _attributes_of(layer_func):
        yield place, value
        inner = value.values() if isinstance(value, Mapping) else value
        if isinstance(value, list | tuple | Mapping):
            yield from ((place, item) for item in inner)


def _attributes_of(layer_func: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(layer_func, tf.keras.layers.Layer):
        return [
            (f"{layer.name}.{name}", value)
            for layer in with_sublayers(layer_func)
            for name, value in vars(layer).items()
            if not name.startswith("_")
        ]
    if isinstance(layer_func, functools.partial):
        given = (*layer_func.args, *layer_func.keywords.values())
        held = [("the arguments of the partial", value) for value in given]
        return [*held, *_attributes_of(layer_func.func)]
    if inspect.ismethod(layer_func):
        holder = layer_func.__self__
        held = [(f"the object of method {layer_func.__name__}", holder)]
        return [*held, *_attributes_of(holder)]
    function = getattr(layer_func, "python_function", layer_func)  # of tf.function
    if inspect.isfunction(function):
        return [(f"function {function.__name__}", value) for value in _used_by(function)]
    attributes = getattr(layer_func, "__dict__", {})
    return [(f"{type(layer_func).__name__}.{name}", value) for name, value in attributes.items()]


def _used_by(function: types.FunctionType) -> list[Any]:
    used = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    try:
        names = inspect.getclosurevars(function)
    except ValueError:  # a name that the function uses has no value yet
        return used
    return [*names.nonlocals.values(), *names.globals.values(), *used]
