"""Repairs of how networks and Simulators are copied, pickled and saved."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings
import weakref
from types import ModuleType
from typing import Any, NoReturn

from nengo_layers_plus._upstream._keras import copy_layer, is_layer
from nengo_layers_plus._upstream._libraries import nengo
from nengo_layers_plus._upstream._repairs._registry import repairs


@repairs()
def _save_all_variables(nengo_dl: ModuleType) -> None:
    """Have Keras save all variables of a graph.

    Of several arrays of one shape, all of which have one name, it would save the last, or refuse
    them all. `_with_a_name_of_its_own` and `_with_parts_tracked` belong to it.
    """
    graph: Any = nengo_dl.tensor_graph.TensorGraph
    graph.save_own_variables = _save_variables
    graph.load_own_variables = _load_variables


@repairs("tensor_graph.TensorGraph.add_weight")
def _with_a_name_of_its_own(
    method: Any, graph: Any, name: str | None = None, *args: Any, **kwargs: Any
) -> Any:
    """Give each array of parameters a name of its own, by which it is saved."""
    if name is not None and any(
        parameter.name.endswith(f"{name}:0") for parameter in graph.base_params.values()
    ):
        name = f"{name}-{len(graph.base_params)}"
    return method(graph, name, *args, **kwargs)


@repairs("tensor_graph.TensorGraph.build")
def _with_parts_tracked(method: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    """Have checkpoints hold the layers of TensorNodes and the state of the simulation."""
    method(graph, *args, **kwargs)
    for index, layer in enumerate(graph._self_tracked_trackables):
        graph._track_trackable(layer, f"layer_{index}", overwrite=True)
    trackable = importlib.import_module("tensorflow.python.trackable.base").Trackable
    kind = type("SavedState", (SavedState, trackable), {})
    graph._track_trackable(kind(graph), "saved_state", overwrite=True)


class SavedState:
    """The state of a simulation, as checkpoints have it.

    Parameters
    ----------
    graph : nengo_dl.tensor_graph.TensorGraph
        Has the variables.
    """

    def __init__(self, graph: Any) -> None:
        self._graph = weakref.ref(graph)

    def _variables(self) -> dict[str, Any]:
        graph = self._graph()
        values = [] if graph is None else graph.saved_state.values()
        return {str(index): value for index, value in enumerate(values)}

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {name: variable.read_value() for name, variable in self._variables().items()}

    def _restore_from_tensors(self, tensors: dict[str, Any]) -> None:
        variables = self._variables()
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        if shapes != {name: variable.shape for name, variable in variables.items()}:
            warnings.warn(
                "the state of the simulation in this checkpoint is that of another minibatch_size "
                "or network: it was not loaded, the parameters were",
                UserWarning,
                stacklevel=2,
            )
            return
        for name, variable in variables.items():
            variable.assign(tensors[name])


def _save_variables(graph: Any, store: Any) -> None:
    for index, weight in enumerate(graph.weights):
        store[str(index)] = weight.numpy()


def _load_variables(graph: Any, store: Any) -> None:
    if not store.keys() and graph.weights:
        # Keras looks for the class of the graph
        raise ValueError(
            f"expected a file with {len(graph.weights)} arrays of parameters, which a Simulator of "
            "the same class saved, nengo_layers_plus.Simulator or nengo_dl.Simulator; got one of "
            'the other, or of another model. What to do: save it as save_weights("w.h5"), which '
            "both load, or with save_parameters"
        )
    if len(store.keys()) != len(graph.weights):
        raise ValueError(
            f"expected a file with {len(graph.weights)} arrays of parameters, as this network has, "
            f"got {len(store.keys())}"
        )
    for index, weight in enumerate(graph.weights):
        weight.assign(store[str(index)])


@repairs("simulator.Simulator._build_keras")
def _with_refusals(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> None:
    """Have Keras say what to do in the place of saving a whole model, before it writes to a file.

    It can't make the model from a configuration, and finds that out somewhere within.
    """
    method(simulator, *args, **kwargs)
    # not attributes that Keras would take for parts of the model
    simulator.keras_model.__dict__.update(save=_refuse, get_config=_refuse)


@repairs("tensor_graph.TensorGraph._trackable_children")
def _children_for_checkpoints(
    method: Any, graph: Any, save_type: str = "checkpoint", **kwargs: Any
) -> Any:
    """Refuse to save a whole model as a SavedModel; see `_with_refusals`."""
    return method(graph, save_type, **kwargs) if save_type == "checkpoint" else _refuse()


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise nengo.exceptions.SimulationError(
        "keras_model: expected a model that Keras can make from its configuration, got that of a "
        "Simulator, which is made from a Network. What to do: save what it has learned with "
        "nengo_layers_plus.save_parameters(sim, path), or all that it computes with "
        "sim.keras_model.export(path)"
    )


@repairs()
def _repair_copies(nengo_dl: ModuleType) -> None:
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
    error: Exception = nengo.exceptions.ValidationError(message, attr="tensor_func")
    return error


def _name(function: Any) -> str:
    """Name what a TensorNode applies."""
    if is_layer(function):
        return f"Keras layer {function.name!r}"
    return f"function {getattr(function, '__qualname__', type(function).__name__)}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
