"""What a TensorFlow function does besides returning its result."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nengo_layers_plus import _upstream

# They count as stateful for TensorFlow, and have no effect of their own.
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


@dataclass(frozen=True)
class Effects:
    """What a TensorFlow function does besides returning its result.

    Parameters
    ----------
    python : bool
        Whether it calls Python functions when it runs.
    others : tuple of str
        The operations that draw random numbers, assign variables, or the like.
    variables : frozenset of int
        The ``id`` of each variable, or other resource, that it uses.
    """

    python: bool
    others: tuple[str, ...]
    variables: frozenset[int] = frozenset()


def list_effects(function: Callable[[], Any]) -> Effects:
    """Trace a function into a graph of its own, and look for operations that have effects.

    Parameters
    ----------
    function : callable
        Takes no arguments.
    """
    registry = importlib.import_module("tensorflow.python.framework.op_def_registry")
    graph = _upstream.tf.__internal__.FuncGraph("effects")
    with graph.as_default():
        function()
    operations = {each.type for each in graph.get_operations()}
    definition = graph.as_graph_def(add_shapes=False) if _calls(graph) else None
    if definition is not None:
        for each in definition.library.function:
            operations.update(node.op for node in each.node_def)
    found = sorted(
        name
        for name in operations - _HARMLESS - _PYTHON
        if getattr(registry.get(name), "is_stateful", False)
    )
    variables = frozenset(
        id(outer) for outer, _ in graph.captures if outer.dtype == _upstream.tf.resource
    )
    return Effects(bool(operations & _PYTHON), tuple(found), variables)


def _calls(graph: Any) -> bool:
    """Say whether any operation calls a function, whose operations are not those of the graph."""
    return any(
        attribute.HasField("func") or attribute.list.func
        for operation in graph.get_operations()
        for attribute in operation.node_def.attr.values()
    )
