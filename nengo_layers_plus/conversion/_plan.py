"""What will be built for each layer of a Keras model, checked against the model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import LayerCall, expects_training, operation_of, tf
from nengo_layers_plus.conversion._activations import (
    Activation,
    NeuronChoice,
    of_layer,
    of_operation,
    own_activation,
)
from nengo_layers_plus.conversion._flat_model import (
    FlatCall,
    FlatModel,
    check_arguments,
    dtype_of,
    fixed_training_of,
    input_shapes_of,
    make_examples,
)
from nengo_layers_plus.conversion._layer_copy import (
    AS_IS,
    average_pooling_for,
    copy_layer,
    is_max_pooling,
    refuse_hidden_activations,
    refuse_lost,
    refuse_variables,
    same_values,
)
from nengo_layers_plus.conversion._layer_names import (
    ConversionError,
    Entry,
    Named,
    describe_error,
    errors_about,
)
from nengo_layers_plus.graph import Shape

Value = TypeVar("Value")

# operations on Keras tensors that are no activations
_OPERATIONS = (
    "__operators__.add", "__operators__.getitem", "cast", "compat.v1.pad", "compat.v1.squeeze",
    "compat.v1.transpose", "concat", "expand_dims", "identity", "linalg.matmul", "math.add",
    "math.add_n", "math.divide", "math.multiply", "math.negative", "math.reduce_mean",
    "math.reduce_sum", "math.subtract", "math.truediv", "reshape", "stack", "tile",
)  # fmt: skip


class Operation:
    """
    A TensorFlow operation of a model, as a function of its tensors alone.

    Parameters
    ----------
    call : LayerCall
        Its call.
    """

    def __init__(self, call: LayerCall) -> None:
        self.call = call
        self.__name__ = call.layer.name

    def __call__(self, *tensors: tf.Tensor) -> tf.Tensor:
        args, kwargs = self.call.arguments_with(tensors)
        return self.call.layer.call(*args, **kwargs)


@dataclass(frozen=True, eq=False)
class Step:
    """
    What will be built for one call of a layer.

    Parameters
    ----------
    call : FlatCall
        The call.
    applies : tf.keras.layers.Layer, callable or None
        What a TensorNode applies; None: there are neurons only.
    neuron_type : nengo.neurons.NeuronType or None
        The neurons behind it, if any.
    inference : bool
        Whether it is applied as in inference always.
    shapes : tuple of tuple of int
        Shapes of its inputs, without the batch.
    scale : float
        The gain of the neurons.
    """

    call: FlatCall
    applies: Any
    neuron_type: NeuronType | None
    inference: bool
    shapes: tuple[Shape, ...]
    scale: float = 1.0

    def apply(self, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
        """
        Apply it as the network does in inference, without neurons behind it.

        Parameters
        ----------
        tensors : sequence of tf.Tensor
            Its inputs.
        """
        if self.applies is None:
            return tensors[0]
        return _apply(self.applies, self.call, tensors)


def _apply(applies: Any, call: FlatCall, tensors: Sequence[tf.Tensor]) -> tf.Tensor:
    """Apply a Keras layer as nengo_dl does, or a function of tensors."""
    if not isinstance(applies, tf.keras.layers.Layer):
        return applies(*tensors)
    arguments = {"training": False} if expects_training(applies) else {}
    return applies.call(list(tensors) if call.several else tensors[0], **arguments)


class Plan:
    """
    What will be built for each call of a model's layers.

    Every layer is copied, and each copy is applied to an example and compared with the original.

    Parameters
    ----------
    model : tf.keras.Model
        The model; it is left as it is.
    choice : NeuronChoice
        Which neurons stand for which activation.
    max_to_avg_pool : bool
        Whether average pooling takes the place of max pooling.

    Attributes
    ----------
    flat : FlatModel
        The calls of the model.
    steps : list of Step
        One for each call.
    shapes : tuple of tuple of int
        Shapes of the model's inputs, without the batch.
    dtype : str
        ``"float32"`` or ``"float64"``.

    Raises
    ------
    ConversionError
        If something can't be built so that it does what the model does.
    """

    def __init__(
        self, model: tf.keras.Model, choice: NeuronChoice, max_to_avg_pool: bool = False
    ) -> None:
        self.flat = FlatModel(model)
        self.choice = choice
        self.max_to_avg_pool = max_to_avg_pool
        self.shapes = input_shapes_of(model)
        self.dtype = dtype_of(self.flat.calls)
        self._copies: dict[int, tuple[Any, NeuronType | None, bool | None]] = {}
        examples = make_examples(model, self.shapes)
        self._values = dict(zip(self.flat.inputs, examples, strict=True))
        consumed = {number for call in self.flat.calls for number in call.inputs}
        self._inner = {id(call.layer) for call in self.flat.calls if call.output in consumed}
        self.steps = []
        for call in self.flat.calls:
            with errors_about(call.name):
                self.steps.append(self._plan(call))
        expected = tf.nest.flatten(model(tf.nest.pack_sequence_as(model.input, examples)))
        for name, value, number in zip(
            model.output_names, expected, self.flat.outputs, strict=True
        ):
            if not same_values(value, self._values[number]):
                raise ConversionError(
                    f"the layers, run one by one, do not give the output {name!r} of the model; "
                    "write it as a functional model of layers that are called once each"
                )
        del self._values

    def name_layers(self, what: str, values: Mapping[int, Value]) -> Named[Value]:
        """Return a mapping by names of layers, in the model's order, of one by ids of layers."""
        calls: dict[int, list[FlatCall]] = {}
        for call in self.flat.calls:
            calls.setdefault(id(call.layer), []).append(call)
        return Named(
            what,
            [
                Entry(
                    shared[0].path,
                    values[key],
                    tuple(call.name.keras_path for call in shared),
                    (shared[0].layer,),
                )
                for key, shared in calls.items()
                if key in values
            ],
        )

    def _plan(self, call: FlatCall) -> Step:
        tensors = [self._values[number] for number in call.inputs]
        shapes = tuple(tuple(tensor.shape[1:]) for tensor in tensors)
        is_operation = operation_of(call.layer) is not None
        plan = self._plan_operation if is_operation else self._plan_layer
        applies, neuron_type, expected, inference = plan(call, tensors)
        if expected.shape.rank < 2:
            raise ConversionError(
                f"what it returns has the shape {('batch', *expected.shape[1:])}, without a "
                "dimension of its own; keep one, as in x[:, :1] for x[:, 0]"
            )
        self._values[call.output] = expected
        return Step(call, applies, neuron_type, inference, shapes)

    # operations

    def _plan_operation(
        self, call: FlatCall, tensors: Sequence[tf.Tensor]
    ) -> tuple[Any, NeuronType | None, tf.Tensor, bool]:
        function: Any = Operation(call.call)
        expected = function(*tensors)
        operation = operation_of(call.layer)
        activation = of_operation(call.layer, call.call.arguments)
        if activation is not None:
            chosen = self._choose(activation, call)
            if isinstance(chosen, NeuronType):
                return None, chosen, expected, False
            if chosen is not None:
                return chosen.function, None, expected, False
        elif operation not in _OPERATIONS and not (
            operation and self.choice.keeps(inspect.unwrap(call.layer.function))
        ):
            keep = f"from_keras(..., neuron={{tf.{operation}: None}}) to keep it as it is, or "
            raise ConversionError(
                f"the operation {operation or type(call.layer).__name__} on a Keras tensor may "
                f"be an activation; write {keep if operation else ''}a Keras layer in its place"
            )
        refuse_variables(function, tensors)
        self._check(call, expected, tensors, function)
        return function, None, expected, False

    # layers

    def _plan_layer(
        self, call: FlatCall, tensors: Sequence[tf.Tensor]
    ) -> tuple[Any, NeuronType | None, tf.Tensor, bool]:
        layer = call.layer
        check_arguments(call)
        inputs = list(tensors) if call.several else tensors[0]
        fixed = fixed_training_of(call)
        arguments = {"training": False} if expects_training(layer) else {}
        try:
            expected = layer(inputs, **arguments)
        except Exception as error:
            raise ConversionError(
                f"{type(layer).__name__} can't be run by itself ({describe_error(error)})"
            ) from error
        if id(layer) not in self._copies:
            self._copies[id(layer)] = (*self._copy(call, inputs, expected), fixed)
        applies, neuron_type, before = self._copies[id(layer)]
        if before is not fixed:
            raise ConversionError(
                "it is called with different values of training; call it with the same"
            )
        return applies, neuron_type, expected, fixed is False

    def _copy(
        self, call: FlatCall, inputs: Any, expected: tf.Tensor
    ) -> tuple[Any, NeuronType | None]:
        """Return what a TensorNode applies in place of a layer, and the neurons behind it."""
        layer = call.layer
        refuse_lost(layer)
        if self.choice.keeps(type(layer)):
            return self._checked_copy(call, expected, inputs), None
        if self.max_to_avg_pool and is_max_pooling(layer):
            return average_pooling_for(layer), None
        whole = of_layer(layer)
        if whole is None:
            refuse_hidden_activations(layer)
        activation = whole or own_activation(layer)
        chosen = None if activation is None else self._choose(activation, call)
        if activation is None or chosen is None:
            own = getattr(layer, "activation", None)
            as_is = own is None or isinstance(own, tf.keras.layers.Layer)
            return self._checked_copy(call, expected, inputs, AS_IS if as_is else own), None
        neuron_type = chosen if isinstance(chosen, NeuronType) else None
        if whole is not None:
            if neuron_type is not None:
                return None, neuron_type
            return tf.keras.layers.Activation(chosen.function, name=layer.name), None
        copy = self._checked_copy(call, expected, inputs, None, activation.function)
        if neuron_type is None:
            copy.activation = chosen.function
        return copy, neuron_type

    def _checked_copy(
        self,
        call: FlatCall,
        expected: tf.Tensor,
        inputs: Any,
        activation: Any = AS_IS,
        then: Any = None,
    ) -> tf.keras.layers.Layer:
        """Copy a layer, and compare the copy, with a function applied last, with the layer."""
        copy = copy_layer(call.layer, inputs, activation)
        if isinstance(call.layer, tf.keras.layers.Lambda):
            flat = tf.nest.flatten(inputs)
            refuse_variables(lambda *tensors: _apply(copy, call, tensors), flat)
        self._check(call, expected, inputs, copy, then)
        if not any(use.trainable for use in self.flat.calls if use.layer is call.layer):
            copy.trainable = False
        return copy

    def _choose(self, activation: Activation, call: FlatCall) -> Any:
        if activation.name == "linear":
            return None
        return self.choice.choose(activation, id(call.layer) not in self._inner)

    # checks

    def _check(
        self, call: FlatCall, expected: Any, inputs: Any, applies: Any, then: Any = None
    ) -> None:
        """Compare the output in the network with that of the layer, also for one example."""
        tensors = [tf.cast(tensor, self.dtype) for tensor in tf.nest.flatten(inputs)]
        if expected.dtype != self.dtype:
            raise ConversionError(
                f"it returns {expected.dtype.name}, while objects of a network put out numbers of "
                f"type {self.dtype}; add a tf.cast, or a Lambda layer that casts"
            )
        try:
            results = []
            for part in (tensors, [tensor[:1] for tensor in tensors]):
                result = _apply(applies, call, part)
                results.append(result if then is None else then(result))
        except Exception as error:
            raise ConversionError(
                f"a copy of {type(call.layer).__name__} can't be run within a network "
                f"({describe_error(error)})"
            ) from error
        if not same_values(expected, results[0]):
            own = type(call.layer).__name__
            last = "" if then is None else ", with its activation applied last,"
            raise ConversionError(
                f"a copy of {own}, made by its get_config and from_config{last} does not do what "
                "the layer does; keep the layer as it is with "
                f"from_keras(..., neuron={{{own}: None}}), or write it as several layers"
            )
        if not same_values(results[0][:1], results[1]):
            raise ConversionError(
                "what it returns for one example depends on the others in the batch, or on the "
                "number of them; write it so that it treats each example alike"
            )
