"""What a layer applies: its kind, what can't be applied, and stand-ins for it in a TensorNode."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import nengo
from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import (
    expects_training,
    keras3_remedy,
    nengo_dl,
    random_state_kept,
    tf,
    with_sublayers,
)
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.layers._errors import LayerError, warn_user
from nengo_layers_plus.layers._trainable import Kind

# layers of Keras that do not say by an input_spec that they take one tensor
_OF_ONE_INPUT = (
    "Activation", "AlphaDropout", "BatchNormalization", "Dropout", "ELU", "Embedding",
    "GaussianDropout", "GaussianNoise", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU",
    "Rescaling", "Reshape", "Softmax", "ThresholdedReLU", "UnitNormalization",
)  # fmt: skip


def check_layer_func(layer_func: Any, n_inputs: int | None = None) -> Kind:
    """
    Check that a TensorNode can apply an object, and return its kind.

    Parameters
    ----------
    layer_func : object
        The object, which is no neurons.
    n_inputs : int or None
        The number of inputs, if the layer was called on a list of them.

    Returns
    -------
    kind : {"keras", "function"}

    Raises
    ------
    LayerError
        If it can't be applied, is a Keras 3 object or contains one, takes other inputs, or would
        lose what nengo_dl does not support (an ``activity_regularizer``).
    """
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
    if isinstance(layer_func, nengo.Direct):
        raise _error(
            "nengo.Direct has no neurons that a layer could connect to; leave the layer out, or "
            "give a function"
        )
    if not callable(layer_func):
        hint = ""
        helpers = ("get", "serialize", "deserialize")
        names = set(dir(tf.keras.activations)).difference(helpers)
        if isinstance(layer_func, str) and layer_func in names:
            hint = f"; write tf.keras.activations.{layer_func}"
        elif tf.is_tensor(layer_func) and not isinstance(layer_func, tf.Tensor | tf.Variable):
            hint = "; leave it out, and give shape_in with the call"  # of tf.keras.Input
        raise _error(
            "expected a Keras layer or model, a function or a nengo neuron type, got "
            f"{layer_func!r}{hint}"
        )
    _refuse_keras3(layer_func)
    if not isinstance(layer_func, tf.keras.layers.Layer):
        return "function"
    _refuse_activity_regularizer(layer_func)
    _refuse_several_arguments(layer_func)
    _refuse_other_inputs(layer_func, n_inputs)
    return "keras"


def _error(message: str) -> LayerError:
    return LayerError(message, attr="layer_func")


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


def warn_of_hidden_weights(function: Callable[..., Any], layer: str) -> None:
    """
    Warn of Keras layers and variables that a function uses, which nengo_dl will not train.

    Parameters
    ----------
    function : callable
        The layer_func. It was called, so that the Keras layers that it uses are built.
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


# stand-ins


def must_be_kept(layer: tf.keras.layers.Layer) -> bool:
    """Say whether a Keras layer would lose something if nengo_dl made its weights anew."""
    if isinstance(layer, LayerWrapper):
        return False
    return _derives(layer) or len(with_sublayers(layer)) > 1


def weights_stay(node: Any) -> bool:
    """
    Say whether Simulators start from the weights that the Keras layer of a TensorNode has now.

    Parameters
    ----------
    node : nengo_dl.TensorNode
        The node.

    Returns
    -------
    stay : bool
        False if they are drawn when a Simulator is built, be it because the layer was not built, or
        because nengo_dl makes them anew.
    """
    function = node.tensor_func
    layer = layer_itself(function)
    if not isinstance(layer, tf.keras.layers.Layer) or not layer.built:
        return False
    if isinstance(function, LayerWrapper) or not must_be_kept(layer):
        return True
    return not _derives(layer) and _builds_all(layer, node.shape_in)


def _builds_all(layer: tf.keras.layers.Layer, shape_in: Any) -> bool:
    """Say whether a layer builds all layers within it by its ``build``, not when it is called."""
    if isinstance(layer, tf.keras.Model):
        return False
    try:
        with random_state_kept():
            copy = type(layer).from_config(layer.get_config())
            copy.build((None, *shape_in))
        return all(inner.built for inner in with_sublayers(copy))
    except Exception:  # a user's layer may fail in any way
        return False


def _derives(layer: tf.keras.layers.Layer) -> bool:
    # those that are adapted to data override this, to derive constants from their weights
    return type(layer).finalize_state is not tf.keras.layers.Layer.finalize_state


class LayerWrapper(tf.keras.layers.Layer):
    """
    Stands in a TensorNode for a Keras layer that takes several inputs or holds other layers.

    Each Simulator of nengo_dl makes the weights of a Keras layer anew, by its ``build``, and then
    restores their values. Layers that are held by another one are built later, when they are
    called, and start again from their initial values: a model that was trained, or loaded,
    loses its weights without a word. So do layers that were adapted to data, such as
    ``Normalization``, which keep what they derived from their weights. Here the weights are built
    once and kept; all Simulators of a network share them.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer itself.
    shapes : sequence of tuple of int, optional
        Shapes of the inputs, without the batch, if ``layer`` takes a list of them. They come
        one behind another in one flat tensor.
    """

    def __init__(self, layer: tf.keras.layers.Layer, shapes: Sequence[Shape] | None = None) -> None:
        super().__init__(name=layer.name, dtype=layer.dtype)
        self.layer = layer
        self.shapes = None if shapes is None else tuple(shapes)

    @property
    def stands_for(self) -> tf.keras.layers.Layer:
        """The layer itself, for those that look at the network."""
        return self.layer

    @property
    def built(self) -> bool:
        """Always False: nengo_dl discards the weights of a layer that says it was built."""
        return False

    @built.setter
    def built(self, value: bool) -> None:
        pass

    def build(self, input_shape: Any) -> None:
        """Build the layer, if nothing built it before."""
        if not self.layer.built:
            with tf.name_scope(self.layer.name):
                self.layer.build(self._inner_shape(input_shape))
            self.layer.built = True

    def call(self, values: tf.Tensor, training: Any = None) -> tf.Tensor:
        """Apply the layer, by its ``call``, as nengo_dl does."""
        return self.layer.call(
            values if self.shapes is None else _split(values, self.shapes),
            **({"training": training} if expects_training(self.layer) else {}),
        )

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Return the shape of the layer's output for its own input."""
        return self.layer.compute_output_shape(self._inner_shape(input_shape))

    def compute_output_signature(self, input_signature: Any) -> Any:
        """Return the signature of the layer's output for its own input."""
        if self.shapes is not None:
            input_signature = [
                tf.TensorSpec((input_signature.shape[0], *shape), input_signature.dtype)
                for shape in self.shapes
            ]
        return self.layer.compute_output_signature(input_signature)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration for a copy."""
        return {"layer": tf.keras.layers.serialize(self.layer), "shapes": self.shapes}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LayerWrapper:
        """Make a copy."""
        return cls(tf.keras.layers.deserialize(config["layer"]), config["shapes"])

    def _inner_shape(self, input_shape: Any) -> Any:
        if self.shapes is None:
            return input_shape
        batch = tf.TensorShape(input_shape)[0]
        return [tf.TensorShape((batch, *shape)) for shape in self.shapes]


class FunctionOfSeveral:
    """
    A function of several tensors as a function of one flat tensor.

    Parameters
    ----------
    function : callable
        Called with one tensor for each input.
    shapes : sequence of tuple of int
        Their shapes, without the batch.
    """

    def __init__(self, function: Callable[..., Any], shapes: Sequence[Shape]) -> None:
        self.function = function
        self.shapes = tuple(shapes)
        self.__name__ = getattr(function, "__name__", type(function).__name__)

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        return self.function(*_split(values, self.shapes))


def _split(values: tf.Tensor, shapes: Sequence[Shape]) -> list[tf.Tensor]:
    """
    Cut a flat tensor into tensors of the given shapes.

    Parameters
    ----------
    values : tf.Tensor
        Of shape ``(batch, size)``, the parts one behind another.
    shapes : sequence of tuple of int
        The shape of each part, without the batch.

    Returns
    -------
    parts : list of tf.Tensor
        Of shapes ``(batch, *shape)``.
    """
    batch = values.shape[0] if values.shape[0] is not None else tf.shape(values)[0]
    parts = tf.split(values, [size_of(shape) for shape in shapes], axis=-1)
    return [tf.reshape(part, (batch, *shape)) for part, shape in zip(parts, shapes, strict=True)]
