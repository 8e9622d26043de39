"""Keras layers and models, as far as it takes private names of tf-keras to look into them."""

from __future__ import annotations

import contextlib
import copy
import importlib
import inspect
import random
import types
import warnings
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from nengo_layers_plus._upstream._libraries import find_version, tf


def with_sublayers(layer: Any) -> list[Any]:
    """List a Keras layer and all those within it, at any depth."""
    # much faster than tf.Module.submodules, which looks into every attribute
    return list(layer._flatten_layers())


def made_like(layer: Any, config: dict[str, Any] | None = None) -> Any:
    """
    Make a Keras layer of a configuration; by default of that of the layer itself.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        A layer of the class, whose functions Keras knows by their names alone.
    config : dict, optional
        What its ``get_config`` returned, changed.
    """
    functions = [value for inner in with_sublayers(layer) for value in vars(inner).values()]
    by_name = {
        function.__name__: function
        for function in functions
        if isinstance(function, types.FunctionType)
    }
    with tf.keras.utils.custom_object_scope(by_name), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that functions can't be saved
        return type(layer).from_config(layer.get_config() if config is None else config)


def copy_layer(layer: Any, copies: MutableMapping[int, Any]) -> Any:
    """
    Copy a Keras layer and all within it, with their weights, as `copy.deepcopy` does.

    Keras copies a built model as if it were written to a file: classes of users are not found
    again, and layers that something else holds as well are not known.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer.
    copies : MutableMapping
        Copies that were made before, by the ids of what they are copies of; the new ones are added.
    """
    for inner in with_sublayers(layer):
        if id(inner) not in copies and isinstance(inner, tf.keras.Model) and inner.built:
            with contextlib.suppress(Exception):  # a model of a user may fail in any way
                _make_again(inner, copies)
    new_copies = dict(copies)
    try:
        new = copy.deepcopy(layer, new_copies)
    except Exception as error:
        # it may keep what TensorFlow made in a graph, as do layers that were adapted to data
        try:
            _make_again(getattr(layer, "stands_for", layer), copies)
        except Exception:
            raise error from None
        return copy.deepcopy(layer, copies)  # type: ignore[arg-type]
    copies.update(new_copies)
    # deepcopy keeps what it made on the way by the id of its memo, which nothing else must get
    copies.setdefault(id(copies), []).append(new_copies)
    return new


def is_layer(obj: Any) -> bool:
    """Say whether something is a Keras layer."""
    return isinstance(obj, importlib.import_module("tf_keras").layers.Layer)


def _make_again(layer: Any, copies: MutableMapping[int, Any]) -> Any:
    """Make a Keras layer and all within it of their configurations, and give them the weights."""
    if id(layer) in copies:
        return copies[id(layer)]

    def again(inner: Any) -> Any:
        return _make_again(inner, copies)

    with random_state_kept():
        if type(layer) is tf.keras.Sequential:
            new = type(layer)([again(inner_layer) for inner_layer in layer.layers], name=layer.name)
        elif is_graph_of_layers(layer):
            new = tf.keras.models.clone_model(layer, clone_function=again)
        else:
            config = layer.get_config()
            # which Keras may have derived of the input of a model, with sizes that are not known
            config.pop("batch_input_shape", None)
            new = made_like(layer, config)
        if layer.built and not new.built:
            new.build(layer._build_input_shape or layer.input_shape)
    if len(new.weights) == len(layer.weights):  # else some are made when it is called
        new.set_weights(layer.get_weights())
    inputs = tf.keras.layers.InputLayer
    # a Sequential adds an InputLayer to itself when it is built
    pairs = [
        [inner for inner in with_sublayers(top) if not isinstance(inner, inputs)]
        for top in (layer, new)
    ]
    for original, copied in zip(*pairs, strict=True):
        copied.trainable = original.trainable  # those around before those within
        if copied.built:
            copied.finalize_state()  # what was adapted to data is derived from its weights
        copies[id(original)] = copied
    for inner in with_sublayers(new):
        if isinstance(inner, inputs):
            inner.built = True  # nengo_dl refuses what was not built, and nothing builds these
    return new


def note_random_state() -> Callable[[], None]:
    """Note the state of the random generators of tf-keras, NumPy and TensorFlow.

    Returns
    -------
    put_back : callable
        Puts it back.
    """
    seeds = importlib.import_module("tf_keras.src.backend")._SEED_GENERATOR
    # the generator of tf.keras.utils.set_random_seed; without one, tf-keras uses Python's own
    generator = getattr(seeds, "generator", None) or random
    numpy_random = importlib.import_module("numpy.random")
    state, numpy_state = generator.getstate(), numpy_random.get_state()
    # a Simulator sets the seed of all of TensorFlow
    tensorflow = importlib.import_module("tensorflow.python.eager.context").context()
    seed, seeds_of_tensorflow = tensorflow._seed, getattr(tensorflow, "_rng", None)
    tensorflow_state = seeds_of_tensorflow and seeds_of_tensorflow.getstate()

    def put_back() -> None:
        generator.setstate(state)
        numpy_random.set_state(numpy_state)
        tensorflow._seed, tensorflow._rng = seed, seeds_of_tensorflow
        if seeds_of_tensorflow is not None:
            seeds_of_tensorflow.setstate(tensorflow_state)

    return put_back


@contextlib.contextmanager
def random_state_kept() -> Iterator[None]:
    """Have what is built inside draw no seed from those that others would draw next."""
    put_back = note_random_state()
    try:
        yield
    finally:
        put_back()


def is_automatic_name(layer: Any) -> bool:
    """Say whether a Keras layer has a name such as Keras gives: that of its class and a number."""
    automatic = snake_case_of(layer)
    name = str(layer.name)
    return name == automatic or (
        name.startswith(f"{automatic}_") and name[len(automatic) + 1 :].isdigit()
    )


def snake_case_of(layer: Any) -> str:
    """Return the name that Keras gives to the first layer of a class."""
    naming = importlib.import_module("tf_keras.src.utils.generic_utils")
    return str(naming.to_snake_case(type(layer).__name__))


def input_problem(layer: Any, shape: Any) -> str | None:
    """
    Say what is wrong with the shape of the only input of a Keras layer; None if nothing is.

    Parameters
    ----------
    layer : object
        The layer. Others, and layers of several inputs, take any shape.
    shape : tuple of int or other
        The shape, without the batch; what is no tuple is not known yet.
    """
    specs = tf.nest.flatten(getattr(layer, "input_spec", None))
    if len(specs) != 1 or specs[0] is None or not isinstance(shape, tuple):
        return None
    keras = importlib.import_module("tf_keras.src.engine.input_spec")
    example = tf.TensorSpec((None, *shape), specs[0].dtype or "float32")
    try:
        keras.assert_input_compatibility(specs, example, layer.name)
        if specs[0].shape is not None:  # of which Keras compares no more than the shorter has
            tf.TensorShape(specs[0].shape).assert_is_compatible_with(example.shape)
    except ValueError as error:
        problem = str(error).rpartition("is incompatible with the layer: ")[2]
        return f"{problem} (Keras counts the batch as the first axis)"
    return None


def expects_training(layer: Any) -> bool:
    """Say whether nengo_dl would hand ``training`` to a Keras layer's ``call``."""
    return bool(layer._expects_training_arg)


@dataclass(frozen=True, eq=False)
class LayerCall:
    """A call of a layer in a functional or Sequential model.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer.
    inputs, outputs : tuple of KerasTensor
        What it is called on, and what it returns, flat.
    arguments : tuple
        ``(args, kwargs)`` of the call.
    """

    layer: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def arguments_with(self, tensors: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return ``(args, kwargs)`` with other tensors in the place of the inputs."""
        nest = tf.nest
        args, kwargs = self.arguments
        structure = (args, list(kwargs.values()))  # a dict would be sorted by its keys
        replacements = iter(tensors)
        flat = [
            next(replacements) if any(leaf is tensor for tensor in self.inputs) else leaf
            for leaf in nest.flatten(structure)
        ]
        new_args, new_values = nest.pack_sequence_as(structure, flat)
        return tuple(new_args), dict(zip(kwargs, new_values, strict=True))


def is_graph_of_layers(model: Any) -> bool:
    """Say whether a Keras model is a graph of layers, whose ``call`` runs them and nothing else."""
    functional = importlib.import_module("tf_keras.src.engine.functional").Functional
    plain = (functional.call, tf.keras.Sequential.call)
    return bool(getattr(model, "_is_graph_network", False)) and type(model).call in plain


def layer_calls(model: Any) -> list[LayerCall]:
    """List the calls of layers in a model that is a graph of layers, in the order Keras runs them.

    Those of its inputs are left out. A model within it is one layer.
    """
    calls = []
    for depth in sorted(model._nodes_by_depth, reverse=True):
        for node in model._nodes_by_depth[depth]:
            if not node.is_input:
                calls.append(
                    LayerCall(
                        node.layer,
                        tuple(node.keras_inputs),
                        tuple(tf.nest.flatten(node.outputs)),
                        (tuple(node.call_args), dict(node.call_kwargs)),
                    )
                )
    return calls


def operation_of(layer: Any) -> str | None:
    """Name the TensorFlow operation that Keras made a layer of, as of ``x + y``; None for others.

    A method or property of a tensor, which has no public name, is ``""``.
    """
    operations = importlib.import_module("tf_keras.src.layers.core.tf_op_layer")
    if isinstance(layer, operations.TFOpLambda):
        return layer.symbol or ""
    return "" if isinstance(layer, operations.ClassMethod | operations.InstanceProperty) else None


def carries_mask(keras_tensor: Any) -> bool:
    """Say whether a Keras tensor comes with a mask, as behind a Masking layer."""
    return getattr(keras_tensor, "_keras_mask", None) is not None


def adds_loss_to_model(layer: Any) -> bool:
    """Say whether Keras made a layer of ``model.add_loss`` or ``model.add_metric``."""
    base_layer = importlib.import_module("tf_keras.src.engine.base_layer")
    return isinstance(layer, base_layer.AddLoss | base_layer.AddMetric)


def keras3_equivalent(obj: object) -> str | None:
    """Name the ``tf.keras`` equivalent of something that is of Keras 3.

    Keras 3 is not imported for it: an object of Keras 3 comes with its module's name.

    Parameters
    ----------
    obj : object
        A layer, a model, an initialiser, a function, a class...

    Returns
    -------
    str or None
        For instance ``"tf.keras.layers.Dense"``, also for a subclass of Keras 3's Dense;
        ``"tf.keras"`` where there is nothing alike; None for an object that is not of Keras 3.
    """
    if isinstance(obj, type):
        candidates = obj.__mro__
    elif inspect.isroutine(obj):
        candidates = (obj,)  # type: ignore[assignment]
    else:
        candidates = type(obj).__mro__

    equivalent = None
    for candidate in candidates:
        root, *inner = (getattr(candidate, "__module__", None) or "").split(".")
        if root == "keras":
            equivalent = _in_tf_keras(candidate.__name__, [name for name in inner if name != "src"])
            if equivalent is not None:
                return equivalent
            equivalent = "tf.keras"
    return equivalent


# versions of libraries that are written for Keras 2
_FOR_KERAS_2 = {"keras_lmu": "0.7"}


def keras3_remedy(obj: object) -> str | None:
    """Say what to do about something that is of Keras 3; None for an object that is not.

    Parameters
    ----------
    obj : object
        As for `keras3_equivalent`.
    """
    equivalent = keras3_equivalent(obj)
    cls = obj if isinstance(obj, type) else type(obj)
    library = cls.__module__.partition(".")[0]
    if equivalent is None or library == "keras" or inspect.isroutine(obj):
        return equivalent and f"use {equivalent}"
    version = find_version(library)
    advice = f"derive its class, {cls.__name__}, from {equivalent}"
    if version is None:
        return advice
    suited = _FOR_KERAS_2.get(library)
    return (
        f"{library} {version} is written for Keras 3: take a version that is for Keras 2"
        f"{f', such as {suited}' if suited else ''}, imported within "
        f"`with nengo_layers_plus.tf_keras_as_keras():`, or {advice}"
    )


def _in_tf_keras(name: str, modules: list[str]) -> str | None:
    """Find a public name of ``tf.keras``, in the modules given before others."""
    usual = ("layers", "activations", "initializers", "optimizers", "losses", "metrics")
    if hasattr(tf.keras, name):
        return f"tf.keras.{name}"
    for module in (*modules, *usual):
        if hasattr(getattr(tf.keras, module, None), name):
            return f"tf.keras.{module}.{name}"
    return None


# Keras' default: it is not known whether a user asked for it as well
_DEFAULT = "float32"
# attribute of a layer whose dtype was set to that of a network
_FOLLOWS = "_follows_dtype_of_network"


def follow_dtype(layer: Any, dtype: str) -> None:
    """Have a Keras layer, and those in it, compute in the dtype of a network.

    Those that were given another dtype than Keras' own are left as they are. So is a layer whose
    weights are there and stay.

    Parameters
    ----------
    layer : tf.keras.layers.Layer
        The layer of a TensorNode, which nengo_dl is about to build.
    dtype : str
        The dtype of the simulation.
    """
    layers = with_sublayers(layer)
    # nengo_dl makes the weights of a layer that was built anew, and restores their values
    stay = [] if layer.built else [weight for inner in layers for weight in _own_weights(inner)]
    if any(weight.dtype.is_floating and weight.dtype != dtype for weight in stay):
        return
    for inner in layers:
        for tensor in getattr(inner, "inputs", None) or ():
            if tensor.dtype.is_floating and tensor.dtype.size < tf.as_dtype(dtype).size:
                raise _build_error(
                    f"the Keras model {inner.name!r} rounds its input to {tensor.dtype.name}, "
                    f"while the network is simulated in {dtype}. {_remedy(dtype)}"
                )
        is_default = inner.dtype == inner.compute_dtype == _DEFAULT
        if inner.dtype != dtype and (is_default or _FOLLOWS in vars(inner)):
            setattr(inner, _FOLLOWS, True)
            inner._set_dtype_policy(dtype)


def _own_weights(layer: Any) -> list[Any]:
    return [*layer._trainable_weights, *layer._non_trainable_weights]


@contextlib.contextmanager
def dtype_errors_named(operator: Any, dtype: Any) -> Iterator[None]:
    """Have an error of a TensorNode whose dtype is not the network's say so.

    Parameters
    ----------
    operator : nengo_dl.tensor_node.SimTensorNode
        The operator of the TensorNode, which is called inside.
    dtype : tf.DType or str
        The dtype of the simulation.
    """
    try:
        yield
    except Exception as error:
        advice = _advice(operator.func, tf.as_dtype(dtype).name)
        if advice is None:
            raise
        node = operator.output.name.removesuffix(".out")
        raise _build_error(f"{node}: {advice} It fails with: {error}") from error


def _advice(function: Any, dtype: str) -> str | None:
    """Say what to do about the dtype of the function of a TensorNode; None if it is right."""
    layers = with_sublayers(function) if isinstance(function, tf.keras.layers.Layer) else []
    for inner in layers:
        dtypes = {inner.compute_dtype, *(weight.dtype.name for weight in _own_weights(inner))}
        others = sorted(name for name in dtypes - {dtype, None} if "float" in name)
        if others:
            return (
                f"the Keras layer {inner.name!r} computes in {others[0]}, and the network is "
                f"simulated in {dtype}. {_remedy(dtype)}"
            )
    if dtype == _DEFAULT:
        return None
    return (
        f"what it calls does not compute in {dtype}, in which the network is simulated. What to "
        "do: write constants in the dtype of the input, such as tf.constant(2, x.dtype)."
    )


def _remedy(dtype: str) -> str:
    return (
        f"What to do: make the layer, and the model that it is in, with dtype={dtype!r}, or behind "
        f"tf.keras.backend.set_floatx({dtype!r})."
    )


def _build_error(message: str) -> Exception:
    # Keras raises errors anew, if they are made of a message alone
    error: Exception = importlib.import_module("nengo.exceptions").BuildError(message)
    return error
