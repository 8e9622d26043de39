"""Repairs of the methods of a Simulator, from its making to its end."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

from nengo_layers_plus._upstream._keras import (
    dtype_errors_named,
    follow_dtype,
    is_layer,
    note_random_state,
    with_sublayers,
)
from nengo_layers_plus._upstream._libraries import nengo
from nengo_layers_plus._upstream._repairs._registry import repairs
from nengo_layers_plus._upstream._tensorflow import custom_gradients_kept


@repairs("Simulator.__init__")
def _with_settings_put_back(make: Any, *args: Any, **kwargs: Any) -> None:
    """Have a Simulator that can't be built leave the settings of the process as they were.

    nengo's precision would stay that of the network, 32 bits, for all that is simulated afterwards,
    and the random generators would go on from where the building stopped.
    """
    bits, put_back = nengo.rc.get("precision", "bits"), note_random_state()
    try:
        make(*args, **kwargs)
    except BaseException:
        nengo.rc.set("precision", "bits", bits)
        put_back()
        raise


@repairs("Simulator.__exit__")
def _left_once(leave: Any, simulator: Any, *args: Any) -> None:
    """Have ``with simulator:`` end as in nengo where the Simulator was closed within.

    That would be an error, and leave its device and dtype in force for all that follows.
    """
    if not simulator.closed:
        leave(simulator, *args)
        return
    importlib.import_module("tf_keras").backend.set_floatx(simulator._keras_dtype)
    simulator._device_context.__exit__(*args)


# -----------------------------------------------------------------------------
# Keras layers


@repairs("tensor_graph.TensorGraph.build")
def _with_dtype_followed(build: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    """Have Keras layers compute in the dtype of the network.

    They would compute in Keras' own, float32, and fail in a network of float64 without a word of
    which layer it is.
    """
    for layer in _layers_of(graph):
        follow_dtype(layer, graph.dtype)
    build(graph, *args, **kwargs)


@repairs("tensor_graph.TensorGraph.build")
def _without_used_initializers(build: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    """Have Keras not warn of the initializers of a layer that is built again.

    In each Simulator after the first it would warn that they draw the same values again, which are
    replaced by those that the layer has.
    """
    for layer in _layers_of(graph):
        for inner in with_sublayers(layer) if layer.built else ():
            for value in vars(inner).values():
                if getattr(value, "_used", False) is True:
                    value._used = False
    build(graph, *args, **kwargs)


def _layers_of(graph: Any) -> list[Any]:
    """Return the Keras layers of TensorNodes."""
    functions = [
        getattr(operator, "func", None) for operators in graph.plan for operator in operators
    ]
    return [function for function in functions if is_layer(function)]


@repairs("tensor_node.SimTensorNodeBuilder.build_step")
def _with_dtype_errors_named(build_step: Any, builder: Any, signals: Any) -> None:
    """Have errors name the layer whose dtype is not that of the network."""
    with dtype_errors_named(builder.ops[0], signals.dtype):
        build_step(builder, signals)


# -----------------------------------------------------------------------------
# Forked processes

_forked_while_running = False


@repairs()
def _note_forks(_: ModuleType) -> None:
    """Note in a forked process whether TensorFlow was at work before, for the next repair."""
    context = importlib.import_module("tensorflow.python.eager.context")
    os.register_at_fork(after_in_child=functools.partial(_note_fork, context))


def _refuse_in_forked_process() -> None:
    """Raise if this process was forked from one in which TensorFlow was at work."""
    if _forked_while_running:
        raise nengo.exceptions.SimulationError(
            "Simulator: this process was forked from one in which TensorFlow was at work, "
            "whose threads are not here, so that it would wait for them for ever. What to "
            'do: start processes by multiprocessing.get_context("spawn"), or make '
            "Simulators in the children alone, before anything is computed in the parent"
        )


@repairs("Simulator.__init__", "Simulator.check_gradients")
def _refused_in_forked_process(method: Any, *args: Any, **kwargs: Any) -> Any:
    """Have a Simulator in a forked process be an error where it would wait for ever.

    The threads of TensorFlow, once it has computed anything, are not there in the child.
    """
    _refuse_in_forked_process()
    return method(*args, **kwargs)


def _note_fork(context: Any) -> None:
    global _forked_while_running
    running = context.context_safe()
    _forked_while_running |= running is not None and running._initialized


# -----------------------------------------------------------------------------
# Memory


@repairs("Simulator._build_keras", "Simulator.check_gradients")
def _with_custom_gradients_kept(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    """Have a Simulator's custom gradients deleted with it, whatever it traced them for.

    TensorFlow keeps them, and the graphs that they refer to, until the process ends.
    """
    if simulator.closed:
        return method(simulator, *args, **kwargs)  # which says so
    with custom_gradients_kept(simulator.tensor_graph):
        return method(simulator, *args, **kwargs)


@repairs("tensor_node.TensorFuncParam.coerce")
def _without_custom_gradients(method: Any, *args: Any, **kwargs: Any) -> Any:
    """Delete the gradients of a layer that is traced to see the shape of its output."""
    with custom_gradients_kept(SimpleNamespace()):
        return method(*args, **kwargs)


# -----------------------------------------------------------------------------
# Steps


@repairs("Simulator.load_params")
def _with_steps_known(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    """Have a Simulator know how many steps are behind a state that was loaded.

    It would take it for the state before the first step: Nodes would give their first values again,
    and the second minibatch, and the next call, would begin from the initial state.
    """
    with _steps_known(simulator):
        return method(simulator, *args, **kwargs)


@repairs("Simulator.predict_on_batch")
def _with_steps_known_before(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    """Have a Simulator know its steps before it makes the values of Nodes; see above."""
    _know_steps(simulator)
    return method(simulator, *args, **kwargs)


@contextlib.contextmanager
def _steps_known(simulator: Any) -> Iterator[None]:
    """Have a Simulator know how many steps its state has behind it, before a call and after it."""
    _know_steps(simulator)
    try:
        yield
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
# Calls of the Keras model


@repairs("Simulator._call_keras")
def _in_keras_call(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    """Have ``fit``, ``predict`` and ``evaluate`` do what these repairs have around them."""
    _refuse_in_forked_process()
    if simulator.closed:
        return method(simulator, *args, **kwargs)  # which says so
    with custom_gradients_kept(simulator.tensor_graph), _steps_known(simulator):
        return method(simulator, *args, **kwargs)


def keras_call(method: Any) -> Any:
    """Repair a method of a subclass of Simulator that calls the Keras model in its own way."""
    return functools.wraps(method)(lambda *args, **kwargs: _in_keras_call(method, *args, **kwargs))
