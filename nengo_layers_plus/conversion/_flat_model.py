"""A Keras model as one list of calls of layers, with those of the models within it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import (
    LayerCall,
    adds_loss_to_model,
    carries_mask,
    expects_training,
    is_graph_of_layers,
    keras3_equivalent,
    layer_calls,
    operation_of,
    tf,
    with_sublayers,
)
from nengo_layers_plus.conversion._layer_names import (
    ConversionError,
    LayerName,
    errors_about,
    names_of_layers,
)
from nengo_layers_plus.graph import Shape
from nengo_layers_plus.graph._words import unique_name


@dataclass(frozen=True, eq=False)
class FlatCall:
    """
    A call of a layer that holds no model.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer.
    name : LayerName
        Its names behind those of the models around it, e.g. ``"encoder/conv1"``.
    call : LayerCall
        The call as Keras recorded it.
    inputs : tuple of int
        Numbers of the values that it is called on.
    output : int
        Number of the value that it returns.
    trainable : bool
        Whether the layer and all models around it are trainable.
    training : bool or None
        What the call, or that of a model around it, says of ``training``.
    """

    layer: Any
    name: LayerName
    call: LayerCall
    inputs: tuple[int, ...]
    output: int
    trainable: bool
    training: bool | None

    @property
    def path(self) -> str:
        """The name within the network."""
        return self.name.path

    @property
    def several(self) -> bool:
        """Whether the layer is called on a list of tensors."""
        args, kwargs = self.call.arguments
        return isinstance((*args, *kwargs.values())[0], list | tuple)


class FlatModel:
    """
    A Keras model as one list of calls, which hand on numbered values.

    Parameters
    ----------
    model : tf.keras.Model
        The model; it is only read.

    Attributes
    ----------
    calls : list of FlatCall
        In the order Keras runs them; those that no output depends on are left out.
    inputs, outputs : tuple of int
        Numbers of the values that are the model's inputs and outputs.
    input_names, output_names : tuple of str
        Their names, which do not depend on what the process made before.

    Raises
    ------
    ConversionError
        If it is no model, or one that does not say how its layers are joined.
    """

    def __init__(self, model: tf.keras.Model) -> None:
        _refuse_all_but_models(model)
        with errors_about(LayerName(model.name, model.name)):
            _refuse_all_but_graphs(model)
        self._numbers = count()
        calls: list[FlatCall] = []
        self.inputs = tuple(next(self._numbers) for _ in model.inputs)
        whole = LayerName("", "")
        self.outputs = tuple(self._walk(model, self.inputs, whole, model.trainable, None, calls))
        self.calls = _needed(calls, self.outputs)
        names = names_of_layers(model)
        self.input_names = tuple(names[id(tensor.node.layer)] for tensor in model.inputs)
        used: set[str] = set()
        self.output_names = tuple(
            unique_name(name or names[id(tensor.node.layer)], used)
            for name, tensor in zip(_given_names(model), model.outputs, strict=True)
        )

    def _walk(
        self,
        model: tf.keras.Model,
        inputs: Sequence[int],
        around: LayerName,
        trainable: bool,
        training: bool | None,
        calls: list[FlatCall],
    ) -> list[int]:
        """Add the calls of a model, and return the numbers of its outputs."""
        names = names_of_layers(model)
        numbers = {id(tensor): number for tensor, number in zip(model.inputs, inputs, strict=True)}
        for call in layer_calls(model):
            if any(id(tensor) not in numbers for tensor in call.inputs):
                continue  # of a part of the graph that this model leaves out
            layer = call.layer
            name = LayerName(f"{around.path}{names[id(layer)]}", f"{around.keras_path}{layer.name}")
            with errors_about(name):
                training_of_call = _training_of(call)
                arguments = (
                    tuple(numbers[id(tensor)] for tensor in call.inputs),
                    trainable and layer.trainable,
                    training if training_of_call is None else training_of_call,
                )
                if isinstance(layer, tf.keras.Model):
                    _refuse_all_but_graphs(layer)
                    within = LayerName(f"{name.path}/", f"{name.keras_path}/")
                    outputs = self._walk(layer, arguments[0], within, *arguments[1:], calls)
                else:
                    outputs = [next(self._numbers) for _ in call.outputs]
                    _refuse_several_outputs(call)
                    flat = FlatCall(layer, name, call, arguments[0], outputs[0], *arguments[1:])
                    calls.append(flat)
                if any(carries_mask(tensor) for tensor in call.outputs):
                    raise ConversionError(
                        "it makes or hands on a mask, which no object of a network carries; remove "
                        "the Masking layer, or mask_zero=True of the Embedding, it comes from"
                    )
            numbers |= {
                id(tensor): number for tensor, number in zip(call.outputs, outputs, strict=True)
            }
        for tensor, name in zip(model.outputs, model.output_names, strict=True):
            if id(tensor) not in numbers:
                raise ConversionError(
                    f"the output {name!r} of the model depends on none of its inputs, "
                    f"{', '.join(model.input_names)}; give the input that it comes from to "
                    "tf.keras.Model(inputs, outputs) as well",
                    name,
                )
        return [numbers[id(tensor)] for tensor in model.outputs]


def _given_names(model: tf.keras.Model) -> list[str | None]:
    """List the keys of a model that returns a dict of outputs, None for those without one."""
    if isinstance(model.output, Mapping):
        # in the order of Keras, which is that of tf.nest
        names = tf.nest.flatten({name: name for name in model.output})
        if len(names) == len(model.outputs) and all(isinstance(name, str) for name in names):
            return list(names)
    return [None] * len(model.outputs)


def _needed(calls: list[FlatCall], outputs: tuple[int, ...]) -> list[FlatCall]:
    """Leave out the calls that no output depends on."""
    wanted = set(outputs)
    needed = []
    for call in reversed(calls):
        if call.output in wanted:
            wanted.update(call.inputs)
            needed.append(call)
    return needed[::-1]


def _training_of(call: LayerCall) -> bool | None:
    """Return what a call says of ``training``, and refuse arguments that would be lost."""
    kwargs = call.arguments[1]
    if isinstance(call.layer, tf.keras.Model) or _is_plain(call):
        training = kwargs.get("training")
        if training is None or isinstance(training, bool):
            return training
        raise ConversionError(f"expected training=True, False or None, got {training!r}")
    return None


def _is_plain(call: LayerCall) -> bool:
    """Say whether a layer is called on one tensor or list of tensors, and on nothing else."""
    args, kwargs = call.arguments
    return len(args) == 1 and {name for name in kwargs if kwargs[name] is not None} <= {"training"}


def check_arguments(call: FlatCall) -> None:
    """
    Raise if a layer is called on more than one tensor or list of tensors.

    Raises
    ------
    ConversionError
        If it is.
    """
    args, kwargs = call.call.arguments
    flat = tf.nest.flatten(args[:1])
    if not _is_plain(call.call) or len(flat) != len(call.inputs) or isinstance(args[0], dict):
        names = ", ".join(f"{name}=..." for name in kwargs)
        raise ConversionError(
            f"{type(call.layer).__name__} is called on {len(args)} arguments"
            f"{f' and {names}' if names else ''}, while a layer in a network gets one tensor or "
            "one list of tensors; write a small tf.keras.layers.Layer around it that takes a list "
            "apart"
        )


def _refuse_all_but_models(model: Any) -> None:
    equivalent = keras3_equivalent(model)
    if equivalent is not None:
        raise ConversionError(
            f"{type(model).__name__} is of Keras 3, while nengo_dl knows tf.keras alone; build or "
            f"load the model with {equivalent}"
        )
    if not isinstance(model, tf.keras.Model):
        hint = ""
        if isinstance(model, tf.keras.layers.Layer):
            hint = "; put it into one: tf.keras.Sequential([tf.keras.Input(shape), layer])"
        raise ConversionError(f"expected a tf.keras.Model, got {model!r}{hint}")
    for layer in with_sublayers(model):
        if adds_loss_to_model(layer):
            raise ConversionError(
                "what model.add_loss or model.add_metric added would be lost; give the losses to "
                "the Simulator's compile, for the probes of the network",
                layer.name,
            )


def _refuse_all_but_graphs(model: tf.keras.Model) -> None:
    if is_graph_of_layers(model):
        return
    if isinstance(model, tf.keras.Sequential):
        raise ConversionError(
            "the model is not built, so that its shapes and weights can't be known; begin it with "
            "tf.keras.Input(shape), or call model.build((None, *shape))"
        )
    raise ConversionError(
        f"{type(model).__name__} is a subclass with a call of its own, which does not say how its "
        "layers are joined; write it as a functional model, tf.keras.Model(inputs, outputs)"
    )


def _refuse_several_outputs(call: LayerCall) -> None:
    if len(call.outputs) != 1:
        raise ConversionError(
            f"it returns {len(call.outputs)} tensors, while an object of a network puts out one; "
            "write it as several layers with one output each"
        )


def dtype_of(calls: Sequence[FlatCall]) -> str:
    """Return the type in which a model computes; one for all of its layers, else raise."""
    calls = [call for call in calls if operation_of(call.layer) is None]
    for call in calls:
        dtype, stored = call.layer.compute_dtype, call.layer.variable_dtype
        if dtype != stored or dtype not in ("float32", "float64"):
            raise ConversionError(
                f"it computes in {dtype} with weights of type {stored}, while nengo_dl simulates "
                "in float32 or float64; load the weights into a model with the policy float32",
                call.name,
            )
        if dtype != calls[0].layer.compute_dtype:
            raise ConversionError(
                f"it computes in {dtype}, and {calls[0].name} in {calls[0].layer.compute_dtype}; "
                "a network is simulated in one type",
                call.name,
            )
    return str(calls[0].layer.compute_dtype) if calls else "float32"


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


def fixed_training_of(call: FlatCall) -> bool | None:
    """Return False for a call with ``training=False``, None for one that leaves it open."""
    if call.training is None or not expects_training(call.layer):
        return None
    if call.training:
        raise ConversionError(
            "it is called with training=True, so that it does in inference what it does in "
            "training; call it without"
        )
    if call.several:
        raise ConversionError(
            "it is called on several inputs with training=False, which is not supported; call it "
            "without training"
        )
    return False
