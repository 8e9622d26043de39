"""Repairs of how nengo_dl makes a graph of a model: what it leaves out, merges and takes for equal.

Each repair is one function with the fault in its docstring; `repair_graph` calls them all.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy

from nengo_layers_plus._upstream._simulation import view_of, wrap


def repair_graph(nengo_dl: ModuleType) -> None:
    """Repair how nengo_dl makes a graph of a model.

    Parameters
    ----------
    nengo_dl : module
        nengo_dl, imported.
    """
    _repair_inputs(nengo_dl)
    _repair_equal_processes(nengo_dl)
    _repair_state_of_inputs(nengo_dl)
    _repair_equal_seeds(nengo_dl)
    _repair_names(nengo_dl)
    _repair_multiplications_by_one(nengo_dl)
    _repair_merged_constants(nengo_dl)
    _repair_views(nengo_dl)
    _repair_sparse_integers(nengo_dl)
    _repair_transposed_convolutions(nengo_dl)
    _repair_errors_of_missing_builders(nengo_dl)


# -----------------------------------------------------------------------------
# Inputs


def _input_signals(model: Any) -> set[Any]:
    """Return the outputs of the Nodes that are fed from outside, as far as they have any."""
    return {model.sig[node].get("out") for node in _input_nodes(model)} - {None}


def _input_nodes(model: Any) -> list[Any]:
    if model.toplevel is None:
        return []
    tensor_node = importlib.import_module("nengo_dl.tensor_node").TensorNode
    nodes = model.toplevel.all_nodes
    return [node for node in nodes if node.size_in == 0 and not isinstance(node, tensor_node)]


def _repair_inputs(nengo_dl: ModuleType) -> None:
    """Tell inputs from constants, whatever their names are.

    nengo_dl removes the operators of Nodes without input, as their values are fed from outside.
    Where it simplifies the operators that are left, it knows these values by the names of their
    signals, which have to begin with "<Node". Those of subclasses do not, and counted as zero.
    """
    outside = SimpleNamespace()  # stands for the operator that sets them

    def mark(mark_signals: Any, graph: Any) -> None:
        mark_signals(graph)
        for signal in _input_signals(graph.model):
            signal.is_fed = True

    def list_uses(signal_io_dicts: Any, operators: Any) -> Any:
        uses = signal_io_dicts(operators)
        for base, setters in uses[0].items():
            if getattr(base, "is_fed", False):
                setters.append(outside)
        return uses

    wrap(nengo_dl.tensor_graph.TensorGraph, "mark_signals", mark)
    wrap(nengo_dl.graph_optimizer, "signal_io_dicts", list_uses)


class _SetAside:
    """Stands for a process, and equals no other process."""

    def __init__(self, process: Any) -> None:
        self.process = process


def _repair_equal_processes(nengo_dl: ModuleType) -> None:
    """Keep processes that equal those of Nodes.

    nengo_dl removes all processes without input that equal the process of a Node: the noise of an
    ensemble too, which was lost.
    """
    sim_process = importlib.import_module("nengo.builder.processes").SimProcess

    def restore(model: Any) -> None:
        for operator in model.operators:
            if isinstance(operator, sim_process) and isinstance(operator.process, _SetAside):
                operator.process = operator.process.process

    def make(init: Any, graph: Any, model: Any, *args: Any, **kwargs: Any) -> None:
        fed = _input_signals(model)
        for operator in model.operators:
            if (
                isinstance(operator, sim_process)
                and operator.input is None
                and operator.output not in fed
            ):
                operator.process = _SetAside(operator.process)
        try:
            init(graph, model, *args, **kwargs)
        finally:
            restore(model)

    def mark(mark_signals: Any, graph: Any) -> None:
        restore(graph.model)  # called right after nengo_dl has removed operators
        mark_signals(graph)

    wrap(nengo_dl.tensor_graph.TensorGraph, "__init__", make)
    wrap(nengo_dl.tensor_graph.TensorGraph, "mark_signals", mark)


def _repair_state_of_inputs(nengo_dl: ModuleType) -> None:
    """Give the process of a Node a state for each item of a minibatch.

    nengo_dl has all items share one, so that a filtered noise was filtered by all of them.
    """
    process_type = importlib.import_module("nengo").Process

    def finish(build_post: Any, graph: Any) -> None:
        build_post(graph)
        rng = numpy.random.RandomState(graph.seed)  # as it has drawn before
        for node, process in graph.invariant_inputs.items():
            if isinstance(process, process_type):
                given = ((node.size_in,), (node.size_out,), graph.dt)
                rngs = [process.get_rng(rng) for _ in range(graph.minibatch_size)]
                if process.make_state(*given):
                    graph.input_funcs[node] = [
                        process.make_step(*given, rng_of_item, process.make_state(*given))
                        for rng_of_item in rngs
                    ]

    wrap(nengo_dl.tensor_graph.TensorGraph, "build_post", finish)


def _repair_equal_seeds(nengo_dl: ModuleType) -> None:
    """Tell the connections of probes from others, whatever their seeds are.

    nengo_dl knows them by their seeds. A connection that was given the seed of a probe did not
    train.
    """

    def mark(mark_signals: Any, graph: Any) -> None:
        model = graph.model
        if model.toplevel is None:
            mark_signals(graph)
            return
        seeds, own = model.seeds, set(model.toplevel.all_connections)
        try:
            model.seeds = {item: seed for item, seed in seeds.items() if item not in own}
            mark_signals(graph)
        finally:
            model.seeds = seeds

    wrap(nengo_dl.tensor_graph.TensorGraph, "mark_signals", mark)


def _repair_names(nengo_dl: ModuleType) -> None:
    """Give the inputs and outputs of the Keras model names of their own.

    Those that nengo_dl makes of labels are empty for labels without a letter that it keeps, and
    meet for "a", "a" and "a_1", or for "n_steps".
    """
    probe = importlib.import_module("nengo").Probe

    def make(init: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
        init(graph, *args, **kwargs)
        taken: set[str] = set()
        for item, name in graph.io_names.items():
            # what nengo_dl's own input and output have
            reserved = "steps_run" if isinstance(item, probe) else "n_steps"
            own = stem = name if name.strip("_-/") else type(item).__name__.lower()
            number = 0
            while own == reserved or own.lower() in taken:
                number += 1
                own = f"{stem}_{number}"
            taken.add(own.lower())
            graph.io_names[item] = own

    wrap(nengo_dl.tensor_graph.TensorGraph, "__init__", make)


# -----------------------------------------------------------------------------
# Constants that are compared with a tolerance


def _repair_multiplications_by_one(nengo_dl: ModuleType) -> None:
    """Keep multiplications by what is nearly one.

    nengo_dl makes copies of those by ones, and by identity matrices, to a tolerance of 1e-5.
    """
    optimizer = nengo_dl.graph_optimizer
    reset = importlib.import_module("nengo.builder.operator").Reset
    sparse_matrix = importlib.import_module("nengo.transforms").SparseMatrix

    def is_exact(source: Any, setters: list[Any]) -> bool:
        value: Any
        if setters and isinstance(setters[0], reset):
            value = numpy.broadcast_to(setters[0].value, source.shape)
        else:
            value = source.initial_value
        if source.sparse:  # its places are exact
            value = value if isinstance(value, sparse_matrix) else value.tocoo()
            return bool((value.data == 1).all())
        if value.ndim < 2:
            return bool((value == 1).all())
        return numpy.array_equal(value, numpy.eye(len(value)))

    def remove(remove_identity_muls: Any, operators: Any) -> list[Any]:
        # it returns an operator for each that it gets
        replaced = remove_identity_muls(operators)
        if all(new is old for new, old in zip(replaced, operators, strict=True)):
            return replaced
        setters = optimizer.signal_io_dicts(operators)[0]

        def chosen(new: Any, old: Any) -> Any:
            if new is old:
                return old
            source = next(signal for signal in old.reads if signal is not new.src)
            return new if is_exact(source, setters[source.base]) else old

        return [chosen(new, old) for new, old in zip(replaced, operators, strict=True)]

    inexact = optimizer.remove_identity_muls
    wrap(optimizer, "remove_identity_muls", remove)
    optimizer.default_simplifications = tuple(
        optimizer.remove_identity_muls if simplification is inexact else simplification
        for simplification in optimizer.default_simplifications
    )


def _repair_merged_constants(nengo_dl: ModuleType) -> None:
    """Keep the constants of merged operators apart, however near they are.

    nengo_dl takes values that differ by less than 1e-8, such as the learning rates of two rules for
    weights between neurons, for one.
    """
    tensorflow = importlib.import_module("tensorflow")

    def make(
        op_constant: Any,
        signals: Any,
        ops: Any,
        op_sizes: Any,
        attr: str,
        dtype: Any,
        shape: Any = (1, -1),
    ) -> Any:
        values = [getattr(op, attr) for op in ops]
        if all(numpy.array_equal(value, values[0]) for value in values):
            return op_constant(signals, ops, op_sizes, attr, dtype, shape=shape)
        dtype = tensorflow.as_dtype(dtype)
        parts = [
            numpy.broadcast_to(numpy.asarray(value, dtype.as_numpy_dtype), (size,))
            for value, size in zip(values, op_sizes, strict=True)
        ]
        whole = numpy.concatenate(parts)
        return tensorflow.constant(whole if shape is None else whole.reshape(shape), dtype=dtype)

    wrap(nengo_dl.signals.SignalDict, "op_constant", make)


# -----------------------------------------------------------------------------
# Signals


def _repair_views(nengo_dl: ModuleType) -> None:
    """Compute views of signals as nengo does.

    nengo_dl takes each view of the size of its base for another shape of it, such as ``x[::-1]``.
    """

    def create(create_signals: Any, graph: Any, signals: Any) -> None:
        create_signals(graph, signals)
        operators = (operator for group in graph.plan for operator in group)
        for signal in dict.fromkeys(signal for op in operators for signal in op.all_signals):
            if signal.is_view and not (
                signal.size == signal.base.size and signal.initial_value.flags.c_contiguous
            ):
                graph.signals[signal] = view_of(graph.signals[signal.base], signal)

    wrap(nengo_dl.tensor_graph.TensorGraph, "create_signals", create)


def _repair_sparse_integers(nengo_dl: ModuleType) -> None:
    """Have sparse transforms of integers be multiplied with real numbers, as nengo does.

    nengo_dl would multiply matrices of integers of 32 bits with real numbers, which TensorFlow
    does not.
    """
    rc = importlib.import_module("nengo.rc").rc
    sparse_matrix = importlib.import_module("nengo.transforms").SparseMatrix

    def mark(mark_signals: Any, graph: Any) -> None:
        for operator in graph.model.operators:
            for signal in operator.all_signals:
                value = signal.initial_value
                if not signal.sparse or value.dtype.kind == "f":
                    continue
                if isinstance(value, sparse_matrix):
                    data = numpy.asarray(value.data).astype(rc.float_dtype)
                    value = sparse_matrix(value.indices, data, value.shape)
                else:
                    value = value.astype(rc.float_dtype)
                signal._initial_value = value
        mark_signals(graph)

    wrap(nengo_dl.tensor_graph.TensorGraph, "mark_signals", mark)


def _repair_transposed_convolutions(nengo_dl: ModuleType) -> None:
    """Have transposed convolutions add to what others wrote.

    nengo_dl has them replace it.
    """

    def prepare(build_pre: Any, builder: Any, signals: Any, config: Any) -> None:
        build_pre(builder, signals, config)
        builder.mode = "inc" if builder.ops[0].incs else "update"

    wrap(nengo_dl.transform_builders.ConvIncBuilder, "build_pre", prepare)


# -----------------------------------------------------------------------------
# Errors


def _repair_errors_of_missing_builders(nengo_dl: ModuleType) -> None:
    """Name the operators that nengo_dl has no builder for, and what they are of."""
    builders = nengo_dl.builder.Builder.builders
    error = importlib.import_module("nengo.exceptions").BuildError

    def make(init: Any, graph: Any, model: Any, *args: Any, **kwargs: Any) -> None:
        for operator in model.operators:
            if type(operator) not in builders:
                kind = type(operator)
                owners = ", ".join(dict.fromkeys(map(str, _owners(operator, model))))
                raise error(
                    f"No registered builder for {operator}{f', of {owners}' if owners else ''}: "
                    f"expected an operator of a type that nengo_dl can build, got {kind}. What to "
                    f"do: register a builder, with "
                    f"@nengo_dl.builder.Builder.register({kind.__name__})"
                )
        init(graph, model, *args, **kwargs)

    wrap(nengo_dl.tensor_graph.TensorGraph, "__init__", make)


def _owners(operator: Any, model: Any) -> Iterator[Any]:
    """Find the objects of a network that have the signals which an operator writes."""
    written = {signal.base for signal in (*operator.sets, *operator.incs, *operator.updates)}
    for owner, signals in model.sig.items():
        if any(signal is not None and signal.base in written for signal in signals.values()):
            yield owner
