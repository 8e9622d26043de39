"""The functions of custom gradients, which TensorFlow keeps until the process ends."""

from __future__ import annotations

import contextlib
import importlib
import weakref
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

_PREFIX = "CustomGradient"


class _Borrowed:
    """A function that lives as long as somebody else keeps it."""

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
            kept = vars(owner).setdefault("_custom_gradients", [])
            for name in _names_since(start, functions):
                entry = functions.get(name)  # none, where the garbage collector was faster
                if entry and not isinstance(entry["type"], _Borrowed):  # by a call within this one
                    kept.append(entry["type"])
                    entry["type"] = _Borrowed(entry["type"], partial(_forget, functions, name))


def _table_of(operations: Any) -> dict[str, dict[str, Any]]:
    """Return the functions by the names that operations have for them; none if it is elsewhere."""
    found = getattr(getattr(operations, "gradient_registry", None), "_registry", None)
    return found if isinstance(found, dict) else {}


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
