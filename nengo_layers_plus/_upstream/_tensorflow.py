"""TensorFlow, as far as it takes private names: effects of functions, custom gradients, XLA."""

from __future__ import annotations

import contextlib
import importlib
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from nengo_layers_plus._upstream._libraries import tf

# Operations that TensorFlow marks as stateful, though they have no side effect.
_HARMLESS = {
    "Assert",
    "Case",
    "If",
    "Placeholder",
    "ReadVariableOp",
    "ResourceGather",
    "ResourceGatherNd",
    "StatefulPartitionedCall",
    "VarHandleOp",
    "VarIsInitializedOp",
    "While",
}
_PYTHON = {"EagerPyFunc", "PyFunc"}
# Prefixes of operations that change the state of a random generator, and shapes of such states.
_OF_GENERATORS = (
    "Rng",
    "StatefulRandom",
    "StatefulStandard",
    "StatefulTruncated",
    "StatefulUniform",
)
_SHAPES_OF_GENERATORS = ((2,), (3,))


@dataclass(frozen=True)
class ChangedVariable:
    """A variable that a function changes.

    Parameters
    ----------
    variable : tf.Variable
        The variable.
    depends : bool
        Whether its new value depends on anything but the old one.
    """

    variable: Any
    depends: bool


@dataclass(frozen=True)
class Effects:
    """The side effects of a TensorFlow function.

    Parameters
    ----------
    python : bool
        Whether it calls Python functions when it runs.
    others : tuple of str
        The operations that draw random numbers, assign variables, or the like.
    variables : frozenset of int
        The ``id`` of each variable, or other resource, that it uses.
    changed : tuple of ChangedVariable
        The variables that it changes, but for those of random generators.
    """

    python: bool
    others: tuple[str, ...]
    variables: frozenset[int] = frozenset()
    changed: tuple[ChangedVariable, ...] = ()


def list_effects(function: Callable[[], Any], holder: Any = None) -> Effects:
    """Trace a function into a graph of its own, and look for operations that have effects.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    holder : tf.Module or callable, optional
        Has the variables that it may change.
    """
    registry = importlib.import_module("tensorflow.python.framework.op_def_registry")
    graph = tf.__internal__.FuncGraph("effects")
    with graph.as_default():
        function()
    operations = {operation.type for operation in graph.get_operations()}
    definition = graph.as_graph_def(add_shapes=False) if _calls(graph) else None
    if definition is not None:
        for called in definition.library.function:
            operations.update(node.op for node in called.node_def)
    stateful = sorted(
        name
        for name in operations - _HARMLESS - _PYTHON
        if getattr(registry.get(name), "is_stateful", False)
    )
    variables = frozenset(id(outer) for outer, _ in graph.captures if outer.dtype == tf.resource)
    changed = tuple(_changed(graph, _variables(graph, holder), operations)) if stateful else ()
    return Effects(bool(operations & _PYTHON), tuple(stateful), variables, changed)


def _variables(graph: Any, holder: Any) -> Iterator[Any]:
    """List the variables that a graph reads, or that a layer or a function holds."""
    yield from graph._watched_variables
    holders = [holder, *(cell.cell_contents for cell in getattr(holder, "__closure__", None) or ())]
    for item in tf.nest.flatten(holders):
        if isinstance(item, tf.Module):
            yield from item._flatten(predicate=_is_variable)
        elif _is_variable(item):
            yield item


def _is_variable(value: Any) -> bool:
    return isinstance(value, tf.Variable)


def _changed(
    graph: Any, variables: Iterator[Any], operations: set[str]
) -> Iterator[ChangedVariable]:
    utils = importlib.import_module("tensorflow.python.framework.auto_control_deps_utils")
    writers: dict[int, list[Any]] = {}
    for operation in graph.get_operations():
        for handle in utils.get_read_write_resource_inputs(operation)[1]:
            writers.setdefault(id(handle), []).append(operation)
    inner = {id(outer): handle for outer, handle in graph.captures}
    draws = any(operation.startswith(_OF_GENERATORS) for operation in operations)
    for variable in {id(variable.handle): variable for variable in variables}.values():
        handle = inner.get(id(variable.handle))
        writing = writers.get(id(handle), ())
        of_generator = (
            draws and not variable.dtype.is_floating and variable.shape in _SHAPES_OF_GENERATORS
        )
        if writing and not of_generator:
            yield ChangedVariable(
                variable, any(_depends(operation, handle) for operation in writing)
            )


def _depends(operation: Any, handle: Any) -> bool:
    """Say whether what an operation writes depends on anything but what was there before."""
    if not operation.type.startswith("Assign"):
        return True  # a function, say
    pending, seen = [operation.inputs[1]], set()
    while pending:
        tensor = pending.pop()
        if tensor is not handle and tensor.op.type == "Placeholder":
            return True
        if id(tensor) not in seen:
            seen.add(id(tensor))
            pending.extend(tensor.op.inputs)
    return False


def called_graph(operation: Any) -> Any:
    """Return the graph of the ``tf.function`` that an operation calls; None if it calls none."""
    if not operation.type.endswith("PartitionedCall"):
        return None
    return operation.graph._get_function(operation.get_attr("f").name).graph


def _calls(graph: Any) -> bool:
    """Say whether any operation calls a function, whose operations are not those of the graph."""
    return any(
        attribute.HasField("func") or attribute.list.func
        for operation in graph.get_operations()
        for attribute in operation.node_def.attr.values()
    )


_PREFIX = "CustomGradient"


class _Borrowed:
    """A weak reference to a function, which can be called."""

    def __init__(self, function: Callable[..., Any], at_end: Callable[[Any], Any]) -> None:
        self._function = weakref.ref(function, at_end)

    def __call__(self, *args: Any) -> Any:
        function = self._function()
        if function is None:
            raise LookupError("a custom gradient was asked for after its model was deleted")
        return function(*args)


@contextlib.contextmanager
def custom_gradients_kept(owner: Any) -> Iterator[None]:
    """Have the functions of custom gradients that are made meanwhile live as long as an owner.

    Each use of ``tf.custom_gradient`` in a graph, as in the optimisers of Keras, puts a function
    into a table of the process, and with it the graph and all that the function refers to: each
    Simulator would leave some megabytes behind.

    Parameters
    ----------
    owner : object
        Is given the functions, in an attribute.
    """
    operations = importlib.import_module("tensorflow.python.framework.ops")
    functions = _table_of(operations)
    last, start = next(reversed(functions), None), operations.uid()
    try:
        yield
    finally:
        if next(reversed(functions), None) != last:
            owned = vars(owner).setdefault("_custom_gradients", [])
            for name in _names_since(start, functions):
                entry = functions.get(name)  # none, where the garbage collector was faster
                if entry and not isinstance(entry["type"], _Borrowed):  # by a call within this one
                    owned.append(entry["type"])
                    entry["type"] = _Borrowed(entry["type"], partial(_forget, functions, name))


def _table_of(operations: Any) -> dict[str, dict[str, Any]]:
    """Return the functions by the names that operations have for them; none if it is elsewhere."""
    table = getattr(getattr(operations, "gradient_registry", None), "_registry", None)
    return table if isinstance(table, dict) else {}


def _forget(functions: dict[str, Any], name: str, _: Any) -> None:
    functions.pop(name, None)


def _names_since(start: int, functions: Iterable[str]) -> Iterator[str]:
    """Find the names that are given to custom gradients since a number was drawn."""
    for name in list(functions)[::-1]:
        prefix, _, number = name.rpartition("-")
        if prefix == _PREFIX:
            if int(number) <= start:
                break
            yield name


def xla_slice(tensor: Any, starts: Any, sizes: Any) -> Any:
    """Slice a tensor within a compiled function, where the starts are not constant."""
    return _xla().dynamic_slice(tensor, starts, sizes)


def xla_update_slice(tensor: Any, update: Any, starts: Any) -> Any:
    """Replace a slice of a tensor within a compiled function, in place where that is possible."""
    return _xla().dynamic_update_slice(tensor, update, starts)


def _xla() -> Any:
    return importlib.import_module("tensorflow.compiler.tf2xla.python.xla")
