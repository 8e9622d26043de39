"""Repairs of nengo_dl and nengo, applied once to the imported modules.

nengo_dl's own Simulator has them too. Each repair is one function with the fault in its docstring.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import warnings
import weakref
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

from nengo_layers_plus._upstream._custom_gradients import custom_gradients_kept


def repair(nengo_dl: ModuleType) -> None:
    """Repair nengo_dl.

    Parameters
    ----------
    nengo_dl : module
        nengo_dl, imported.
    """
    _repair_linear_filters(nengo_dl)
    _delete_custom_gradients(nengo_dl)
    _track_parts(nengo_dl)
    _refuse_whole_models(nengo_dl)
    _know_loaded_state(nengo_dl)


# -----------------------------------------------------------------------------
# Linear filters


def _repair_linear_filters(nengo_dl: ModuleType) -> None:
    """Have nengo_dl build all linear filters, as well as nengo runs them.

    It knows another shape of their ``D`` than nengo 4, and takes the output of a filter of first
    order for its state, which is wrong in a Node.
    """
    linear_filter = importlib.import_module("nengo.synapses").LinearFilter
    builders: Any = nengo_dl.process_builders
    base: Any = builders.LinearFilterBuilder

    class LinearFilterBuilder(base):
        """Builds `nengo.LinearFilter` synapses."""

        ops: Any

        def build_pre(self, signals: Any, config: Any) -> None:
            """Prepare, with matrices of the shapes that nengo_dl expects."""
            operators = self.ops
            self.ops = [_with_flat_steps(each) for each in operators]
            try:
                super().build_pre(signals, config)
            finally:
                self.ops = operators

    # what nengo_dl takes it for: one of its own
    LinearFilterBuilder.__module__ = builders.__name__
    builders.SimProcessBuilder.TF_PROCESS_IMPL[linear_filter] = LinearFilterBuilder


def _with_flat_steps(operator: Any) -> SimpleNamespace:
    """Imitate an operator whose process makes steps with a flat ``D``."""
    process = operator.process
    steps = importlib.import_module("nengo.synapses").LinearFilter

    def make_step(*args: Any, **kwargs: Any) -> Any:
        step = process.make_step(*args, **kwargs)
        if isinstance(step, steps.OneX) and operator.mode == "set":
            # nengo_dl would take its output for its state, and here that starts each step anew
            step = steps.NoD(step.A, step.B, step.C, step.D, step.X)
        step.D = step.D.reshape(-1)
        return step

    return SimpleNamespace(
        input=operator.input,
        output=operator.output,
        state=operator.state,
        process=SimpleNamespace(make_step=make_step, make_state=process.make_state),
    )


# -----------------------------------------------------------------------------
# Memory


def _delete_custom_gradients(nengo_dl: ModuleType) -> None:
    """Have a Simulator's custom gradients deleted with it, whatever it traced them for.

    TensorFlow keeps them, and the graphs that they refer to, until the process ends.
    """
    for name in ("_build_keras", "_call_keras", "check_gradients"):
        _wrap(nengo_dl.simulator.Simulator, name, _with_custom_gradients_kept)
    # a layer is also traced in a graph of its own, to see what shape its output has
    _wrap(nengo_dl.tensor_node.TensorFuncParam, "coerce", _without_custom_gradients)


def _with_custom_gradients_kept(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    if simulator.closed:
        return method(*args, **kwargs)  # which says so
    with custom_gradients_kept(simulator.tensor_graph):
        return method(*args, **kwargs)


def _without_custom_gradients(method: Any, _: Any, *args: Any, **kwargs: Any) -> Any:
    with custom_gradients_kept(SimpleNamespace()):
        return method(*args, **kwargs)


# -----------------------------------------------------------------------------
# Checkpoints


def _track_parts(nengo_dl: ModuleType) -> None:
    """Have Keras and TensorFlow save all that a model has.

    They would save no layer of a TensorNode and no state of the simulation. Of several arrays of
    one shape, all of which have one name, they would save the last, or refuse them all.
    """
    graph = nengo_dl.tensor_graph.TensorGraph
    _wrap(graph, "add_weight", _with_a_name_of_its_own)
    _wrap(graph, "build", _with_parts_tracked)
    graph.save_own_variables = _save_variables
    graph.load_own_variables = _load_variables


def _with_a_name_of_its_own(method: Any, graph: Any, *args: Any, name: str, **kwargs: Any) -> Any:
    if any(each.name.endswith(f"{name}:0") for each in graph.base_params.values()):
        name = f"{name}-{len(graph.base_params)}"
    return method(*args, name=name, **kwargs)


def _with_parts_tracked(method: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    method(*args, **kwargs)
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
        return {str(index): each for index, each in enumerate(values)}

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {name: each.read_value() for name, each in self._variables().items()}

    def _restore_from_tensors(self, tensors: dict[str, Any]) -> None:
        variables = self._variables()
        shapes = {name: each.shape for name, each in tensors.items()}
        if shapes != {name: each.shape for name, each in variables.items()}:
            warnings.warn(
                "the state of the simulation in this checkpoint is that of another minibatch_size "
                "or network: it was not loaded, the parameters were",
                UserWarning,
                stacklevel=2,
            )
            return
        for name, each in variables.items():
            each.assign(tensors[name])


def _save_variables(graph: Any, store: Any) -> None:
    for index, each in enumerate(graph.weights):
        store[str(index)] = each.numpy()


def _load_variables(graph: Any, store: Any) -> None:
    if len(store.keys()) != len(graph.weights):
        raise ValueError(
            f"expected a file with {len(graph.weights)} arrays of parameters, as this network has, "
            f"got {len(store.keys())}"
        )
    for index, each in enumerate(graph.weights):
        each.assign(store[str(index)])


def _refuse_whole_models(nengo_dl: ModuleType) -> None:
    """Have Keras say what to do in the place of saving a whole model, before it writes to a file.

    It can't make the model from a configuration, and finds that out somewhere within.
    """
    _wrap(nengo_dl.simulator.Simulator, "_build_keras", _with_refusals)
    _wrap(nengo_dl.tensor_graph.TensorGraph, "_trackable_children", _children_for_checkpoints)


def _with_refusals(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> None:
    method(*args, **kwargs)
    # not attributes that Keras would take for parts of the model
    simulator.keras_model.__dict__.update(save=_refuse, get_config=_refuse)


def _children_for_checkpoints(
    method: Any, _: Any, save_type: str = "checkpoint", **kwargs: Any
) -> Any:
    return method(save_type, **kwargs) if save_type == "checkpoint" else _refuse()


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise importlib.import_module("nengo.exceptions").SimulationError(
        "keras_model: expected a model that Keras can make from its configuration, got that of a "
        "Simulator, which is made from a Network. What to do: save what it has learned with "
        "nengo_layers_plus.save_parameters(sim, path), or all that it computes with "
        "sim.keras_model.export(path)"
    )


def _know_loaded_state(nengo_dl: ModuleType) -> None:
    """Have a Simulator know how many steps are behind a state that was loaded.

    It would take it for the state before the first step: Nodes would give their first values again,
    and the second minibatch, and the next call, would begin from the initial state.
    """
    for name in ("_call_keras", "predict_on_batch", "load_params"):
        _wrap(nengo_dl.simulator.Simulator, name, _with_steps_known)


def _with_steps_known(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    _know_steps(simulator)
    try:
        return method(*args, **kwargs)
    finally:
        _know_steps(simulator)


def _know_steps(simulator: Any) -> None:
    if simulator.closed or not simulator.stateful:
        return
    graph = simulator.tensor_graph
    place = graph.signals[simulator.model.step]
    steps = graph.saved_state[place.key].numpy().take(place.slices[0][0], int(place.minibatched))
    if steps.flat[0] != simulator.n_steps:
        simulator._update_steps()


# -----------------------------------------------------------------------------


def _wrap(owner: type, name: str, wrapper: Callable[..., Any]) -> None:
    """Have a function called for a method, with the method before its arguments; but once."""
    method = inspect.getattr_static(owner, name)
    wrappers = getattr(method, "_wrappers", ())
    if wrapper in wrappers:
        return

    @functools.wraps(method)
    def wrapped(instance: Any, *args: Any, **kwargs: Any) -> Any:
        # bound, as decorators of nengo want it
        return wrapper(method.__get__(instance, type(instance)), instance, *args, **kwargs)

    wrapped._wrappers = (*wrappers, wrapper)  # type: ignore[attr-defined]
    setattr(owner, name, wrapped)
