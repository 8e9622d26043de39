"""Repairs of how nengo_dl makes a graph of a model: inputs, constants, signals and errors."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy

from nengo_layers_plus._upstream._libraries import nengo, nengo_dl, tf
from nengo_layers_plus._upstream._repairs._registry import repairs
from nengo_layers_plus._upstream._simulation import view_of

# -----------------------------------------------------------------------------
# Inputs

# stands for the operator that sets the output of a Node which is fed from outside
_OUTSIDE = SimpleNamespace()


def _input_signals(model: Any) -> set[Any]:
    """Return the outputs of the Nodes that are fed from outside, as far as they have any."""
    nodes = () if model.toplevel is None else model.toplevel.all_nodes
    return {
        model.sig[node].get("out")
        for node in nodes
        if node.size_in == 0 and not isinstance(node, nengo_dl.TensorNode)
    } - {None}


@repairs("tensor_graph.TensorGraph.mark_signals")
def _mark_inputs(mark_signals: Any, graph: Any) -> None:
    """Tell inputs from constants, whatever their names are.

    nengo_dl removes the operators of Nodes without input, as their values are fed from outside.
    Where it simplifies the operators that are left, it knows these values by the names of their
    signals, which have to begin with "<Node". Those of subclasses do not, and counted as zero.
    """
    mark_signals(graph)
    for signal in _input_signals(graph.model):
        signal.is_fed = True


@repairs("graph_optimizer.signal_io_dicts")
def _list_inputs_as_set(signal_io_dicts: Any, operators: Any) -> Any:
    """Count inputs as set by an operator; see `_mark_inputs`."""
    uses = signal_io_dicts(operators)
    for base, setters in uses[0].items():
        if getattr(base, "is_fed", False):
            setters.append(_OUTSIDE)
    return uses


class _SetAside:
    """Stands for a process, and equals no other process."""

    def __init__(self, process: Any) -> None:
        self.process = process


def _restore_processes(model: Any) -> None:
    for operator in model.operators:
        process = getattr(operator, "process", None)
        if isinstance(process, _SetAside):
            operator.process = process.process


@repairs("tensor_graph.TensorGraph.__init__")
def _keep_equal_processes(init: Any, graph: Any, model: Any, *args: Any, **kwargs: Any) -> None:
    """Keep processes that equal those of Nodes.

    nengo_dl removes all processes without input that equal the process of a Node: the noise of an
    ensemble too, which was lost.
    """
    inputs = _input_signals(model)
    for operator in model.operators:
        if (
            isinstance(operator, nengo.builder.processes.SimProcess)
            and operator.input is None
            and operator.output not in inputs
        ):
            operator.process = _SetAside(operator.process)
    try:
        init(graph, model, *args, **kwargs)
    finally:
        _restore_processes(model)


@repairs("tensor_graph.TensorGraph.mark_signals")
def _restore_equal_processes(mark_signals: Any, graph: Any) -> None:
    """Restore processes right after nengo_dl has removed some; see `_keep_equal_processes`."""
    _restore_processes(graph.model)
    mark_signals(graph)


@repairs("tensor_graph.TensorGraph.build_post")
def _give_items_states(build_post: Any, graph: Any) -> None:
    """Give the process of a Node a state for each item of a minibatch.

    nengo_dl has all items share one, so that a filtered noise was filtered by all of them.
    """
    build_post(graph)
    rng = numpy.random.RandomState(graph.seed)  # as it has drawn before
    for node, process in graph.invariant_inputs.items():
        if isinstance(process, nengo.Process):
            given = ((node.size_in,), (node.size_out,), graph.dt)
            rngs = [process.get_rng(rng) for _ in range(graph.minibatch_size)]
            if process.make_state(*given):
                graph.input_funcs[node] = [
                    process.make_step(*given, item_rng, process.make_state(*given))
                    for item_rng in rngs
                ]


@repairs("tensor_graph.TensorGraph.mark_signals")
def _hide_equal_seeds(mark_signals: Any, graph: Any) -> None:
    """Tell the connections of probes from others, whatever their seeds are.

    nengo_dl knows them by their seeds. A connection that was given the seed of a probe did not
    train.
    """
    model = graph.model
    seeds = model.seeds
    connections = set() if model.toplevel is None else set(model.toplevel.all_connections)
    try:
        model.seeds = {item: seed for item, seed in seeds.items() if item not in connections}
        mark_signals(graph)
    finally:
        model.seeds = seeds


@repairs("tensor_graph.TensorGraph.__init__")
def _name_inputs_and_outputs(init: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    """Give the inputs and outputs of the Keras model names of their own.

    Those that nengo_dl makes of labels are empty for labels without a letter that it keeps, and
    meet for "a", "a" and "a_1", or for "n_steps".
    """
    init(graph, *args, **kwargs)
    taken: set[str] = set()
    for item, name in graph.io_names.items():
        # what nengo_dl's own input and output have
        reserved = "steps_run" if isinstance(item, nengo.Probe) else "n_steps"
        unique = stem = name if name.strip("_-/") else type(item).__name__.lower()
        number = 0
        while unique == reserved or unique.lower() in taken:
            number += 1
            unique = f"{stem}_{number}"
        taken.add(unique.lower())
        graph.io_names[item] = unique


# -----------------------------------------------------------------------------
# Constants that are compared with a tolerance


@repairs("graph_optimizer.remove_identity_muls")
def _keep_multiplications(remove_identity_muls: Any, operators: Any) -> list[Any]:
    """Keep multiplications by what is nearly one.

    nengo_dl makes copies of those by ones, and by identity matrices, to a tolerance of 1e-5.
    """
    # it returns an operator for each that it gets
    replaced = remove_identity_muls(operators)
    if all(new is old for new, old in zip(replaced, operators, strict=True)):
        return replaced
    setters = nengo_dl.graph_optimizer.signal_io_dicts(operators)[0]

    def chosen(new: Any, old: Any) -> Any:
        if new is old:
            return old
        source = next(signal for signal in old.reads if signal is not new.src)
        return new if _is_one(source, setters[source.base]) else old

    return [chosen(new, old) for new, old in zip(replaced, operators, strict=True)]


@repairs()
def _simplify_exactly(nengo_dl: ModuleType) -> None:
    """Have the default simplifications use what `_keep_multiplications` replaced."""
    optimizer: Any = nengo_dl.graph_optimizer
    optimizer.default_simplifications = tuple(
        getattr(optimizer, simplification.__name__)
        for simplification in optimizer.default_simplifications
    )


def _is_one(source: Any, setters: list[Any]) -> bool:
    value: Any
    if setters and isinstance(setters[0], nengo.builder.operator.Reset):
        value = numpy.broadcast_to(setters[0].value, source.shape)
    else:
        value = source.initial_value
    if source.sparse:  # its places are exact
        is_matrix = isinstance(value, nengo.transforms.SparseMatrix)
        return bool(((value if is_matrix else value.tocoo()).data == 1).all())
    if value.ndim < 2:
        return bool((value == 1).all())
    return numpy.array_equal(value, numpy.eye(len(value)))


@repairs("signals.SignalDict.op_constant")
def _keep_constants_apart(
    op_constant: Any,
    signals: Any,
    ops: Any,
    op_sizes: Any,
    attr: str,
    dtype: Any,
    shape: Any = (1, -1),
) -> Any:
    """Keep the constants of merged operators apart, however near they are.

    nengo_dl takes values that differ by less than 1e-8, such as the learning rates of two rules for
    weights between neurons, for one.
    """
    values = [getattr(op, attr) for op in ops]
    if all(numpy.array_equal(value, values[0]) for value in values):
        return op_constant(signals, ops, op_sizes, attr, dtype, shape=shape)
    dtype = tf.as_dtype(dtype)
    parts = [
        numpy.broadcast_to(numpy.asarray(value, dtype.as_numpy_dtype), (size,))
        for value, size in zip(values, op_sizes, strict=True)
    ]
    constants = numpy.concatenate(parts)
    return tf.constant(constants if shape is None else constants.reshape(shape), dtype=dtype)


# -----------------------------------------------------------------------------
# Signals


@repairs("tensor_graph.TensorGraph.create_signals")
def _create_views(create_signals: Any, graph: Any, signals: Any) -> None:
    """Compute views of signals as nengo does.

    nengo_dl takes each view of the size of its base for another shape of it, such as ``x[::-1]``.
    """
    create_signals(graph, signals)
    operators = (operator for group in graph.plan for operator in group)
    for signal in dict.fromkeys(signal for op in operators for signal in op.all_signals):
        if signal.is_view and not (
            signal.size == signal.base.size and signal.initial_value.flags.c_contiguous
        ):
            graph.signals[signal] = view_of(graph.signals[signal.base], signal)


@repairs("tensor_graph.TensorGraph.mark_signals")
def _convert_sparse_integers(mark_signals: Any, graph: Any) -> None:
    """Have sparse transforms of integers be multiplied with real numbers, as nengo does.

    nengo_dl would multiply matrices of integers of 32 bits with real numbers, which TensorFlow
    does not.
    """
    sparse_matrix, float_dtype = nengo.transforms.SparseMatrix, nengo.rc.float_dtype
    for operator in graph.model.operators:
        for signal in operator.all_signals:
            value = signal.initial_value
            if not signal.sparse or value.dtype.kind == "f":
                continue
            if isinstance(value, sparse_matrix):
                data = numpy.asarray(value.data).astype(float_dtype)
                value = sparse_matrix(value.indices, data, value.shape)
            else:
                value = value.astype(float_dtype)
            signal._initial_value = value
    mark_signals(graph)


@repairs("transform_builders.ConvIncBuilder.build_pre")
def _add_transposed_convolutions(build_pre: Any, builder: Any, signals: Any, config: Any) -> None:
    """Have transposed convolutions add to what others wrote.

    nengo_dl has them replace it.
    """
    build_pre(builder, signals, config)
    builder.mode = "inc" if builder.ops[0].incs else "update"


# -----------------------------------------------------------------------------
# Errors


@repairs("tensor_graph.TensorGraph.__init__")
def _name_missing_builders(init: Any, graph: Any, model: Any, *args: Any, **kwargs: Any) -> None:
    """Name the operators that nengo_dl has no builder for, and what they are of."""
    for operator in model.operators:
        kind = type(operator)
        if kind not in nengo_dl.builder.Builder.builders:
            owners = ", ".join(dict.fromkeys(map(str, _owners(operator, model))))
            raise nengo.exceptions.BuildError(
                f"No registered builder for {operator}{f', of {owners}' if owners else ''}: "
                f"expected an operator of a type that nengo_dl can build, got {kind}. What to "
                f"do: register a builder, with "
                f"@nengo_dl.builder.Builder.register({kind.__name__})"
            )
    init(graph, model, *args, **kwargs)


def _owners(operator: Any, model: Any) -> Iterator[Any]:
    """Find the objects of a network that have the signals which an operator writes."""
    written = {signal.base for signal in (*operator.sets, *operator.incs, *operator.updates)}
    for owner, signals in model.sig.items():
        if any(signal is not None and signal.base in written for signal in signals.values()):
            yield owner
