"""What a layer applies: which kind it is, and what can't be applied."""

from __future__ import annotations

import functools
import inspect
import types
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

import nengo
from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import keras3_remedy, nengo_dl, tf, with_sublayers
from nengo_layers_plus.layers._errors import LayerError
from nengo_layers_plus.layers._warnings import warn_user

if TYPE_CHECKING:
    from nengo_layers_plus.layers._custom_layer import CustomLayer

# libraries hold no layers of users
_LIBRARIES = ("tensorflow", "tf_keras", "keras", "numpy", "nengo", "nengo_dl", "builtins")
# what is held deeper, or further behind in a long list, is data
_DEPTH = 5
_LENGTH = 1000

# layers of Keras that do not say by an input_spec that they take one tensor
_OF_ONE_INPUT = (
    "Activation",
    "AlphaDropout",
    "BatchNormalization",
    "Dropout",
    "ELU",
    "Embedding",
    "GaussianDropout",
    "GaussianNoise",
    "LayerNormalization",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Softmax",
    "ThresholdedReLU",
    "UnitNormalization",
)

Kind = Literal["neurons", "keras", "function"]


def kind_of(layer: CustomLayer, layer_func: Any, n_inputs: int | None = None) -> Kind:
    """
    Say what a layer is made of, after checking that it can be.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for error messages.
    layer_func : object
        What `CustomLayer.make_layer_func` returned.
    n_inputs : int or None
        The number of inputs, if the layer was called on a list of them.

    Returns
    -------
    kind : {"neurons", "keras", "function"}

    Raises
    ------
    LayerError
        If it is nothing that can be applied, a Keras 3 object or contains one, or would lose
        what nengo_dl does not support (an ``activity_regularizer``).
    """
    _refuse_what_is_no_layer_func(layer, layer_func)
    _refuse_keras3(layer, layer_func)
    if isinstance(layer_func, NeuronType):
        if isinstance(layer_func, nengo.Direct):
            raise _error(
                layer,
                "nengo.Direct has no neurons that a layer could connect to; leave the layer out, "
                "or give a function",
            )
        return "neurons"
    if isinstance(layer_func, tf.keras.layers.Layer):
        _refuse_activity_regularizer(layer, layer_func)
        _refuse_several_arguments(layer, layer_func)
        _refuse_other_inputs(layer, layer_func, n_inputs)
        return "keras"
    return "function"


def _error(layer: CustomLayer, message: str) -> LayerError:
    return LayerError(message, attr="layer_func", obj=layer)


def _refuse_what_is_no_layer_func(layer: CustomLayer, layer_func: Any) -> None:
    if layer_func is None:
        raise _error(
            layer,
            "there is nothing to apply; give a Keras layer, a function or a neuron type, or "
            "override make_layer_func",
        )
    if isinstance(layer_func, nengo_dl.Layer):
        raise _error(layer, f"{layer_func} is a layer already; call that one")
    if isinstance(layer_func, type) and issubclass(
        layer_func, NeuronType | tf.keras.layers.Layer | nengo_dl.Layer
    ):
        raise _error(
            layer,
            f"expected an instance, got the class {layer_func.__name__}; "
            f"write {layer_func.__name__}(...)",
        )
    if not isinstance(layer_func, NeuronType) and not callable(layer_func):
        raise _error(
            layer,
            "expected a Keras layer or model, a function or a nengo neuron type, got "
            f"{layer_func!r}{_hint(layer_func)}",
        )


def _hint(layer_func: Any) -> str:
    """Say what may have been meant by what is no layer_func."""
    if isinstance(layer_func, str) and layer_func in _activations():
        return f"; write tf.keras.activations.{layer_func}"
    if _is_keras_tensor(layer_func):
        return "; leave it out, and give shape_in with the call"
    return ""


def _activations() -> list[str]:
    helpers = ("get", "serialize", "deserialize")
    module = vars(tf.keras.activations)
    return [name for name, value in module.items() if callable(value) and name not in helpers]


def _is_keras_tensor(value: Any) -> bool:
    try:
        return bool(tf.keras.backend.is_keras_tensor(value))
    except ValueError:  # no tensor at all
        return False


def _refuse_keras3(layer: CustomLayer, layer_func: Any) -> None:
    for place, found in _within(layer_func):
        if inspect.isroutine(found) or isinstance(found, type):
            continue  # functions of Keras 3 hold no weights
        remedy = keras3_remedy(found)
        if remedy is not None:
            where = f" in {place}" if place else ""
            raise _error(
                layer,
                f"{type(found).__name__}{where} is of Keras 3; nengo_dl knows tf.keras alone, and "
                f"would train nothing of it without saying so; {remedy}",
            )


def _refuse_activity_regularizer(layer: CustomLayer, keras_layer: tf.keras.layers.Layer) -> None:
    for each in with_sublayers(keras_layer):
        if getattr(each, "activity_regularizer", None) is not None:
            raise _error(
                layer,
                f"the activity_regularizer of {each.name!r} would be lost, since nengo_dl applies "
                "a Keras layer within its simulation loop, out of reach of Keras' losses; remove "
                "it, and penalise the activity in a loss on a probe of this layer",
            )


def warn_of_hidden_weights(layer: CustomLayer, function: Callable[..., Any]) -> None:
    """
    Warn of Keras layers and variables that a function uses, which nengo_dl will not train.

    Parameters
    ----------
    layer : CustomLayer
        The layer, for the warning.
    function : callable
        What it applies. It was called, so that what it uses is built.
    """
    for place, found in _within(function, into_layers=False):
        hides_weights = isinstance(found, tf.Variable) and found.trainable
        if isinstance(found, tf.keras.layers.Layer):
            # where shape_out was given the function was not called, and weights may still come
            hides_weights = found.trainable and (not found.built or bool(found.trainable_weights))
        if hides_weights:
            warn_user(
                f"{layer}, layer_func: {getattr(found, 'name', found)!r} in {place} will not "
                "train, since nengo_dl does not see what a function uses; hand over the Keras "
                "layer itself or a tf.keras.layers.Layer that holds it, or set its trainable to "
                "False if it should stay as it is"
            )


def _refuse_several_arguments(layer: CustomLayer, keras_layer: tf.keras.layers.Layer) -> None:
    needed = [
        parameter.name
        for parameter in inspect.signature(keras_layer.call).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
        and parameter.default is parameter.empty
    ]
    if len(needed) > 1:
        raise _error(
            layer,
            f"the call of {keras_layer.name!r} takes {', '.join(needed)} one by one, while a layer "
            "in a network gets one tensor or one list of tensors; write a small "
            "tf.keras.layers.Layer around it that takes the list apart",
        )


def _refuse_other_inputs(
    layer: CustomLayer, keras_layer: tf.keras.layers.Layer, n_inputs: int | None
) -> None:
    # None for a model that learns its inputs when it is called
    expected = getattr(keras_layer, "inputs", None)
    takes_one = len(expected) == 1 if expected else _takes_one_input(keras_layer)
    if takes_one and n_inputs is not None:
        got, remedy = "a list of one", "give it without the list"
        if n_inputs > 1:
            got = str(n_inputs)
            remedy = "join them with tf.keras.layers.Concatenate or tf.keras.layers.Add first"
        raise _error(layer, f"{keras_layer.name!r} takes one input, got {got}; {remedy}")
    if expected and len(expected) != (n_inputs or 1):
        raise _error(
            layer,
            f"{keras_layer.name!r} has {len(expected)} inputs, got {n_inputs or 1}; call the layer "
            "on a list with one for each",
        )


def _takes_one_input(keras_layer: tf.keras.layers.Layer) -> bool:
    """Say whether it is certain that a Keras layer takes no list of tensors."""
    if isinstance(getattr(keras_layer, "input_spec", None), tf.keras.layers.InputSpec):
        return True  # one for each input, as Keras checks
    return type(keras_layer) in [getattr(tf.keras.layers, name) for name in _OF_ONE_INPUT]


def _within(layer_func: Any, into_layers: bool = True) -> Iterator[tuple[str, Any]]:
    """Yield what a layer_func is and what it holds, each with the place where it was found."""
    seen: set[int] = set()
    waiting = deque([("", layer_func, 0)])
    while waiting:
        place, found, depth = waiting.popleft()
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield place, found
        if depth < _DEPTH and (into_layers or not isinstance(found, tf.keras.layers.Layer)):
            # the place nearest to what the user gave says most
            waiting.extend(
                (place or inner, value, depth + 1) for inner, value in _held_by(found, place)
            )


def _held_by(holder: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(holder, tf.keras.layers.Layer):
        for each in with_sublayers(holder):
            for name, value in list(vars(each).items()):
                if not name.startswith("_"):
                    yield f"{each.name}.{name}", value
    elif isinstance(holder, list | tuple | set | frozenset):
        yield from ((place, value) for value in islice(holder, _LENGTH))
    elif isinstance(holder, dict):
        yield from ((place, value) for value in islice(holder.values(), _LENGTH))
    elif isinstance(holder, functools.partial):
        yield place, holder.func
        for value in (*holder.args, *holder.keywords.values()):
            yield "the arguments of the partial", value
    elif inspect.ismethod(holder):
        yield f"the object of method {holder.__name__}", holder.__self__
    elif inspect.isfunction(holder) and not _is_of_a_library(holder):
        yield from ((f"function {holder.__name__}", value) for value in _used_by(holder))
    elif hasattr(holder, "python_function"):  # of tf.function
        yield place, holder.python_function
    elif not isinstance(holder, type | types.ModuleType) and not _is_of_a_library(type(holder)):
        for name, value in getattr(holder, "__dict__", {}).items():
            yield f"{type(holder).__name__}.{name}", value


def _used_by(function: Callable[..., Any]) -> Iterator[Any]:
    try:
        names = inspect.getclosurevars(function)
    except ValueError:  # a name that the function uses has no value yet
        pass
    else:
        yield from (*names.nonlocals.values(), *names.globals.values())
    yield from getattr(function, "__defaults__", None) or ()
    yield from (getattr(function, "__kwdefaults__", None) or {}).values()


def _is_of_a_library(obj: Any) -> bool:
    return (getattr(obj, "__module__", None) or "").partition(".")[0] in _LIBRARIES
