"""The dtype of Keras layers in a network, which has to be that of its simulation."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from typing import Any

from nengo_layers_plus._upstream._keras import with_sublayers
from nengo_layers_plus._upstream._lazy import tf

# Keras' own; nobody can tell whether a user has asked for it as well
_DEFAULT = "float32"
# notes of a layer that its dtype is that of a network
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
    stay = [] if layer.built else [weight for each in layers for weight in _own_weights(each)]
    if any(weight.dtype.is_floating and weight.dtype != dtype for weight in stay):
        return
    for each in layers:
        for tensor in getattr(each, "inputs", None) or ():
            if tensor.dtype.is_floating and tensor.dtype.size < tf.as_dtype(dtype).size:
                raise _build_error(
                    f"the Keras model {each.name!r} rounds its input to {tensor.dtype.name}, while "
                    f"the network is simulated in {dtype}. {_remedy(dtype)}"
                )
        is_default = each.dtype == each.compute_dtype == _DEFAULT
        if each.dtype != dtype and (is_default or _FOLLOWS in vars(each)):
            setattr(each, _FOLLOWS, True)
            each._set_dtype_policy(dtype)


def _own_weights(layer: Any) -> list[Any]:
    return [*layer._trainable_weights, *layer._non_trainable_weights]


@contextlib.contextmanager
def dtype_blamed(operator: Any, dtype: Any) -> Iterator[None]:
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
    for each in layers:
        dtypes = {each.compute_dtype, *(weight.dtype.name for weight in _own_weights(each))}
        others = sorted(name for name in dtypes - {dtype, None} if "float" in name)
        if others:
            return (
                f"the Keras layer {each.name!r} computes in {others[0]}, and the network is "
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
