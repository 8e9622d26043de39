"""Repairs of how networks and Simulators are copied and pickled."""

from __future__ import annotations

import copy
import importlib
import pickle
from types import ModuleType
from typing import Any

from nengo_layers_plus._upstream._keras import copy_layer, is_layer


def repair_copies(nengo_dl: ModuleType) -> None:
    """Have networks with TensorNodes be copied and pickled.

    nengo makes Nodes anew from sizes, which TensorNodes do not have: they have shapes. What Python
    can't copy or pickle is named, and for Simulators, which can't be, what to do instead is said.
    """
    node: Any = nengo_dl.TensorNode
    node._param_init_order = ["shape_in", "shape_out", "pass_time"]
    node.__copy__ = _copy_node
    node.__deepcopy__ = _deepcopy_node
    node.__reduce_ex__ = _reduce_node
    nengo_dl.Simulator.__getstate__ = _refuse_simulator


def _copy_node(node: Any) -> Any:
    new: Any = object.__new__(type(node))
    new.__setstate__(node.__getstate__())
    return new


def _deepcopy_node(node: Any, copies: dict[int, Any]) -> Any:
    new: Any = object.__new__(type(node))
    copies[id(node)] = new
    function = node.tensor_func
    try:
        if id(function) not in copies and is_layer(function):
            copies[id(function)] = copy_layer(function, copies)
        new.__setstate__(copy.deepcopy(node.__getstate__(), copies))
    except Exception as error:
        raise _copy_error(
            f"{node} can't be copied, as its {_name(function)} can't ({_words(error)}). What to "
            "do: give its class a __deepcopy__ method"
        ) from error
    return new


def _reduce_node(node: Any, protocol: Any) -> Any:
    function = node.tensor_func
    try:
        pickled = pickle.dumps(function, protocol)
        if b"deserialize_model" in pickled:  # what Keras writes of a model it may not read
            pickle.loads(pickled)
    except Exception as error:
        raise pickle.PicklingError(
            f"{node} can't be pickled, as its {_name(function)} can't ({_words(error)}). What to "
            "do: write functions with def, and classes, in a module, where pickle finds them by "
            "their names; or build the network anew, and load what save_parameters saved"
        ) from error
    return object.__reduce_ex__(node, protocol)


def _refuse_simulator(sim: Any) -> Any:
    raise NotImplementedError(
        f"TensorFlow does not support pickling or copying a {type(sim).__name__}. What to do: "
        "save its parameters, nengo_layers_plus.save_parameters(sim, path), make another "
        "Simulator of the network or a copy of it, and load_parameters(other, path)"
    )


def _copy_error(message: str) -> Exception:
    errors = importlib.import_module("nengo.exceptions")
    error: Exception = errors.ValidationError(message, attr="tensor_func")
    return error


def _name(function: Any) -> str:
    """Name what a TensorNode applies."""
    if is_layer(function):
        return f"Keras layer {function.name!r}"
    return f"function {getattr(function, '__qualname__', type(function).__name__)}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
