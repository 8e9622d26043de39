"""What of a Keras model can't be part of a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import expects_training, operation_of, tf, with_sublayers
from nengo_layers_plus.conversion._activation import Activation, of_function, of_layer
from nengo_layers_plus.conversion._flat_model import FlatCall
from nengo_layers_plus.conversion._layer_names import ConversionError, LayerName
from nengo_layers_plus.graph import Shape


def own_activation(layer: tf.keras.layers.Layer) -> Activation | None:
    """Return the activation that a layer applies last, if it says that it has one."""
    function = getattr(layer, "activation", None)
    return None if function is None else of_function(function)


def dtype_of(calls: Sequence[FlatCall]) -> str:
    """Return the type in which a model computes; one for all of its layers, else raise."""
    found = "float32"
    first: FlatCall | None = None
    for call in calls:
        if operation_of(call.layer) is not None:
            continue
        layer = call.layer
        if layer.compute_dtype != layer.variable_dtype or layer.compute_dtype not in (
            "float32",
            "float64",
        ):
            raise ConversionError(
                f"it computes in {layer.compute_dtype} with weights of type "
                f"{layer.variable_dtype}, while nengo_dl simulates in float32 or float64; load "
                "the weights into a model with the policy float32",
                call.name,
            )
        if first is not None and layer.compute_dtype != found:
            raise ConversionError(
                f"it computes in {layer.compute_dtype}, and {first.name} in {found}; a network "
                "is simulated in one type",
                call.name,
            )
        first, found = call, layer.compute_dtype
    return found


def input_shapes_of(model: tf.keras.Model) -> tuple[Shape, ...]:
    """Return the shapes of a model's inputs without the batch, or raise if one is not known."""
    shapes = []
    for tensor, name in zip(model.inputs, model.input_names, strict=True):
        shape = tuple(tensor.shape[1:])
        if not shape or None in shape:
            raise ConversionError(
                f"its shape is {tuple(tensor.shape)}, while objects of a network have a size; "
                "give all sizes in tf.keras.Input",
                name,
            )
        if not (tensor.dtype.is_floating or tensor.dtype.is_integer):
            raise ConversionError(
                f"it takes {tensor.dtype.name}, while a network carries numbers; make numbers of "
                "it before the model",
                name,
            )
        shapes.append(shape)
    return tuple(shapes)


def make_examples(model: tf.keras.Model, shapes: Sequence[Shape]) -> list[tf.Tensor]:
    """Make two random inputs; zeros for integers, which may be indices."""
    rng = np.random.RandomState(0)
    return [
        tf.constant(rng.uniform(-1, 1, (2, *shape)), tensor.dtype)
        if tensor.dtype.is_floating
        else tf.zeros((2, *shape), tensor.dtype)
        for tensor, shape in zip(model.inputs, shapes, strict=True)
    ]


def same_values(expected: Any, got: Any) -> bool:
    """Say whether two results are the same but for rounding."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape:
        return False
    finite = expected[np.isfinite(expected)]
    atol = 1e-5 * max(1.0, float(np.max(np.abs(finite), initial=0.0)))
    return bool(np.allclose(got, expected, rtol=1e-5, atol=atol, equal_nan=True))


def fixed_training_of(call: FlatCall) -> bool | None:
    """Return False for a call with ``training=False``, None for one that leaves it open."""
    if call.training is None or not expects_training(call.layer):
        return None
    if call.training:
        raise ConversionError(
            "it is called with training=True, so that it does in inference what it does in "
            "training; call it without",
            call.name,
        )
    if call.several:
        raise ConversionError(
            "it is called on several inputs with training=False, which is not supported; call it "
            "without training",
            call.name,
        )
    return False


def refuse_what_is_hidden(layer: tf.keras.layers.Layer, name: LayerName) -> None:
    """Refuse steps over time and activations within a layer, which no neurons can replace."""
    keep = f"from_keras(..., neuron={{{type(layer).__name__}: None}})"
    for each in with_sublayers(layer):
        if isinstance(each, tf.keras.layers.RNN):
            raise ConversionError(
                "it goes through the steps of its input by itself, all within one time step of "
                "a simulation, with activations that no neurons can replace; write the "
                f"recurrence as a connection of the network, or keep the layer with {keep}",
                name,
            )
        own = getattr(layer, "activation", None)
        if each is layer or each is own:
            continue
        activation = of_layer(each) or own_activation(each)
        if activation is not None and activation.name != "linear":
            raise ConversionError(
                f"{each.name!r}, within it, has the activation {activation.name}, which no "
                "neurons can replace there; write the layers as layers of the model, or keep "
                f"this one with {keep}",
                name,
            )


def refuse_lost(layer: tf.keras.layers.Layer, name: LayerName) -> None:
    """Refuse what of a layer nengo_dl would lose without a word."""
    for each in with_sublayers(layer):
        if getattr(each, "activity_regularizer", None) is not None:
            raise ConversionError(
                f"the activity_regularizer of {each.name!r} would be lost; remove it, and "
                "penalise the activity in a loss on a probe of this layer",
                name,
            )
        if getattr(each, "stateful", False):
            raise ConversionError(
                f"{each.name!r} keeps a state between batches (stateful=True), which a network "
                "would not; set stateful to False",
                name,
            )


def refuse_variables(function: Any, inputs: Sequence[Any], name: LayerName) -> None:
    """Refuse variables that a function uses, which would not train."""
    with tf.GradientTape() as tape:
        function(*inputs)
    if tape.watched_variables():
        variable = tape.watched_variables()[0]
        raise ConversionError(
            f"it uses the variable {variable.name!r}, which would not train in the network; write "
            "a tf.keras.layers.Layer that holds it",
            name,
        )
