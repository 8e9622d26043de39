"""What a Simulator of nengo_dl is built from, as far as it takes private names to change it."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from nengo_layers_plus._upstream._keras import random_state_kept
from nengo_layers_plus._upstream._lazy import nengo_dl


def find_gain_signals(model: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Find the signals that hold gains, which nengo keeps for each connection to neurons.

    Parameters
    ----------
    model : nengo.builder.Model
        A model that was built.

    Yields
    ------
    gains : nengo.builder.Signal
        Some of the gains of an ensemble.
    target : nengo.builder.Signal
        The input of its neurons.
    part : slice or array
        Which of the neurons.
    """
    numpy = importlib.import_module("numpy")
    operator = importlib.import_module("nengo.builder.operator")
    copies = {each.src: each for each in model.operators if isinstance(each, operator.Copy)}
    for each in model.operators:
        if not isinstance(each, operator.ElementwiseInc):
            continue
        if not str(each.tag).endswith(".gains_elementwiseinc"):
            continue
        if each.Y in copies:  # to a part that is no slice
            yield each.A, copies[each.Y].dst, copies[each.Y].dst_slice
        else:
            start, step = (each.Y.elemoffset, each.Y.elemstrides[0]) if each.Y.is_view else (0, 1)
            yield each.A, each.Y.base, start + step * numpy.arange(each.Y.size)


def find_gain_scales(model: Any) -> Iterator[tuple[Any, Any]]:
    """Find the operators of learning rules that hold the gains of an ensemble over its radius.

    Parameters
    ----------
    model : nengo.builder.Model
        A model that was built.

    Yields
    ------
    operator : nengo.builder.Operator
        Has the attribute ``scale``.
    encoders : nengo.builder.Signal
        The scaled encoders of the ensemble.
    """
    rules = importlib.import_module("nengo.builder.learning_rules")
    for each in model.operators:
        if isinstance(each, rules.SimVoja):
            yield each, each.scaled_encoders


# what a process computes in a step, by these of its methods
_STEPS = ("make_step", "make_state", "_get_ss")


def native_process_builder(process: Any) -> Any:
    """Find the class that builds a process with TensorFlow; None if it runs in Python.

    Parameters
    ----------
    process : nengo.Process
        The process. It runs in Python, too, if its class defines itself what it does in a step.
    """
    builders = importlib.import_module("nengo_dl.process_builders")
    for kind, builder in builders.SimProcessBuilder.TF_PROCESS_IMPL.items():
        if isinstance(process, kind):
            derived = type(process).__mro__[: type(process).__mro__.index(kind)]
            if not any(name in vars(each) for each in derived for name in _STEPS):
                return builder
    return None


def set_initial_value(signal: Any, value: Any) -> None:
    """Give a signal of nengo another initial value, of the same shape.

    Parameters
    ----------
    signal : nengo.builder.Signal
        The signal.
    value : array
        The value; for a sparse signal the values that are stored.
    """
    transforms = importlib.import_module("nengo.transforms")
    old = signal._initial_value
    if isinstance(old, transforms.SparseMatrix):
        value = transforms.SparseMatrix(old.indices, value.astype(old.dtype), old.shape)
    elif signal.sparse:
        stored = old.tocoo()
        value = type(stored)((value.astype(old.dtype), (stored.row, stored.col)), old.shape)
    else:
        value = value.astype(old.dtype)
        value.setflags(write=False)
    signal._initial_value = value


def build_again(sim: Any) -> None:
    """Have a Simulator plan and build its Keras model anew, from the initial values of its signals.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator. If the building fails, it has the Keras model that it had.
    """
    tensor_graph, keras_model = sim.tensor_graph, sim.keras_model
    try:
        with warnings.catch_warnings(), random_state_kept():
            warnings.simplefilter("ignore")  # all was said when it was first built
            sim.tensor_graph = nengo_dl.tensor_graph.TensorGraph(
                sim.model,
                sim.dt,
                sim.unroll,
                sim.minibatch_size,
                tensor_graph.device,
                nengo_dl.utils.NullProgressBar(),
                tensor_graph.seed,
            )
            sim._build_keras()
    except BaseException:
        sim.tensor_graph, sim.keras_model = tensor_graph, keras_model
        raise


def default_simulation_settings() -> dict[str, Any]:
    """Return what nengo_dl takes for the settings of a network that says nothing of them."""
    optimizer = nengo_dl.graph_optimizer
    return {
        "planner": optimizer.tree_planner,
        "sorter": optimizer.order_signals,
        "simplifications": optimizer.default_simplifications,
        "inference_only": False,
        "lif_smoothing": None,
        "dtype": "float32",
        "stateful": True,
        "use_loop": True,
        "learning_phase": None,
    }


def model_inputs(sim: Any, data: Mapping[Any, Any], n_steps: int) -> Any:
    """Return what the Keras model of a Simulator is called with, in the form that it takes."""
    return sim._generate_inputs(data, n_steps)
