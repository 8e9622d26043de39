"""Models and signals of nengo and nengo_dl, as far as it takes private names to change them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from nengo_layers_plus._upstream._keras import random_state_kept
from nengo_layers_plus._upstream._libraries import nengo, nengo_dl


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
    operators = nengo.builder.operator
    copies = {op.src: op for op in model.operators if isinstance(op, operators.Copy)}
    for op in model.operators:
        if not isinstance(op, operators.ElementwiseInc):
            continue
        if not str(op.tag).endswith(".gains_elementwiseinc"):
            continue
        if op.Y in copies:  # to a part that is no slice
            yield op.A, copies[op.Y].dst, copies[op.Y].dst_slice
        else:
            start, step = (op.Y.elemoffset, op.Y.elemstrides[0]) if op.Y.is_view else (0, 1)
            yield op.A, op.Y.base, start + step * numpy.arange(op.Y.size)


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
    rules = nengo.builder.learning_rules
    for operator in model.operators:
        if isinstance(operator, rules.SimVoja):
            yield operator, operator.scaled_encoders


# the methods by which a process defines its steps
_STEPS = ("make_step", "make_state", "_get_ss")


def native_process_builder(process: Any) -> Any:
    """Find the class that builds a process with TensorFlow; None if it runs in Python.

    Parameters
    ----------
    process : nengo.Process
        The process. It runs in Python, too, if its class defines itself what it does in a step.
    """
    builders = nengo_dl.process_builders.SimProcessBuilder
    for kind, builder in builders.TF_PROCESS_IMPL.items():
        if isinstance(process, kind):
            derived = type(process).__mro__[: type(process).__mro__.index(kind)]
            if not any(name in vars(cls) for cls in derived for name in _STEPS):
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
    transforms = nengo.transforms
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


def shape_of(signal: Any) -> tuple[int, ...]:
    """Return the shape that the values of a signal have; a single number is an array of one."""
    if signal.sparse:
        return (signal.size,)
    return tuple(int(size) for size in signal.shape) or (1,)


def places_of(signal: Any, part: Any = None) -> numpy.ndarray:
    """Find where the values of a view lie in the signal that it is a view of.

    Parameters
    ----------
    signal : nengo.builder.Signal
        A signal; a base is a view of itself.
    part : slice or array_like, optional
        Which of the entries of the view.

    Returns
    -------
    places : array of int
        For each value its index in the flat base.
    """
    base = signal.base
    places = numpy.arange(base.size).reshape(shape_of(base))
    if signal.is_view:
        step = places.itemsize
        places = numpy.ndarray(
            shape=signal.shape,
            dtype=places.dtype,
            buffer=places,
            offset=signal.elemoffset * step,
            strides=tuple(stride * step for stride in signal.elemstrides),
        )
    places = places.reshape(shape_of(signal))
    return places if part is None or part is Ellipsis else places[part]


def view_of(whole: Any, signal: Any) -> Any:
    """Make the view of a signal of nengo_dl that a view of nengo is of its base.

    Parameters
    ----------
    whole : nengo_dl.signals.TensorSignal
        That of the base.
    signal : nengo.builder.Signal
        The view.

    Raises
    ------
    NotImplementedError
        If it is not made of whole rows of the base: nengo_dl has no such views.
    """
    places, shape = places_of(signal), shape_of(signal)
    row = int(numpy.prod(shape_of(signal.base)[1:]))
    if places.size % row == 0:
        rows = places.reshape(-1, row)
        starts = rows[:, 0] // row
        if numpy.array_equal(rows, starts[:, None] * row + numpy.arange(row)):
            if not numpy.array_equal(starts, numpy.arange(whole.shape[0])):
                whole = whole[starts]
            return whole.reshape(shape)
    raise NotImplementedError(
        f"Slicing on axes > 0 is not supported: expected whole rows of {signal.base}, got {signal}"
    )
