"""Networks, ensembles, nodes, connections and probes as expressions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.params import ConnectionDefault
from nengo.transforms import NoTransform

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._settings import default_of
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._contents import Path, SourceError, kind_of
from nengo_layers_plus.introspection._source._layout import call, sequence
from nengo_layers_plus.introspection._source._values import Values

_POSITIONAL = ("output", "attr")
"""Arguments that are written without their names, besides those that have no default."""
_ENDS = ("pre", "post", "target")
_REQUIRED = object()
"""In the place of a default: the argument is always written."""


class Objects:
    """
    Writes objects of a network.

    Parameters
    ----------
    values : Values
        Writes their arguments.
    refer : callable
        Returns the expression of an object that was made before, or None.
    replaced : mapping
        By object, arguments to write instead of those that it was made with.
    """

    def __init__(
        self,
        values: Values,
        refer: Callable[[Any], str | None],
        replaced: Mapping[Any, Mapping[str, Any]],
    ) -> None:
        self.values = values
        self.refer = refer
        self._replaced = replaced

    def write(self, obj: Any, path: Path, name: str) -> str:
        """
        Return the expression that makes an object, without arguments that are as by default.

        Parameters
        ----------
        obj : NengoObject
            The object.
        path : Path
            The networks around it.
        name : str
            The name of the object, for the names of arrays.
        """
        kind = kind_of(obj)
        args, kwargs = [], {}
        for key, is_required in _arguments_of(kind).items():
            value = self._argument(obj, key)
            default = _REQUIRED if is_required else _default(obj, kind, key, path)
            if same(value, default):
                continue
            written = self.end(value) if key in _ENDS else self.setting(value, key, name)
            if is_required or key in _POSITIONAL:
                args.append(written)
            else:
                kwargs[key] = written
        return call(self.values.names.of(kind), *args, **kwargs)

    def network(self, network: nengo.Network) -> str:
        """Return the expression that makes an empty network."""
        arguments = {key: self._argument(network, key) for key in ("label", "seed")}
        written = {
            key: self.setting(value, key, "network")
            for key, value in arguments.items()
            if value is not None
        }
        return call(self.values.names.of(nengo.Network), **written)

    def _argument(self, obj: Any, key: str) -> Any:
        """Return the argument that an object is written with."""
        value = self._replaced.get(obj, {}).get(key, getattr(obj, key))
        if isinstance(value, np.integer):
            return int(value)
        if key in ("shape_in", "shape_out") and value is not None:
            return tuple(map(int, value))
        return _plain_transform(value) if key == "transform" else value

    def setting(self, value: Any, key: str, name: str) -> str:
        """
        Return the expression of an argument of an object.

        Parameters
        ----------
        value : object
            The argument.
        key : str
            The name of the argument.
        name : str
            The name of the object, for the names of arrays.
        """
        if key == "synapse" and type(value) is nengo.Lowpass and value == nengo.Lowpass(value.tau):
            value = value.tau
        if isinstance(value, tf.keras.layers.Layer):
            return self.values.write(value, name)
        key = "function" if key == "tensor_func" else key
        return self.values.write(value, f"{name}.{key}", as_list=key != "function")

    def end(self, end: Any) -> str:
        """Return the expression of an end of a connection, or of the target of a probe."""
        known = self.refer(end)
        if known is not None:
            return known
        if isinstance(end, ObjView):
            return f"{self.end(end.obj)}[{self._index(end.slice)}]"
        if isinstance(end, Neurons):
            return f"{self.end(end.ensemble)}.neurons"
        if isinstance(end, LearningRule):
            return self._learning_rule(end)
        raise SourceError(f"{end} is of a kind that can't be written as code", obj=end)

    def _index(self, index: Any) -> str:
        if isinstance(index, slice):
            bounds = [index.start, index.stop, index.step][: 2 if index.step is None else 3]
            return ":".join("" if bound is None else str(int(bound)) for bound in bounds)
        if isinstance(index, np.ndarray) and index.dtype.kind == "i" and index.ndim == 1:
            index = index.tolist()
        if isinstance(index, list) and len(index) > 1 and all(map(_is_index, index)):
            if len(index) <= 16:
                return sequence(str(int(place)) for place in index)
            index = np.array(index)
        return self.values.write(index, "indices")

    def _learning_rule(self, rule: LearningRule) -> str:
        types = rule.connection.learning_rule_type
        index = ""
        if isinstance(types, dict | list | tuple):
            pairs = types.items() if isinstance(types, dict) else enumerate(types)
            key = next(key for key, value in pairs if value is rule.learning_rule_type)
            index = f"[{self.values.expression(key, 'key')}]"
        return f"{self.end(rule.connection)}.learning_rule{index}"


@functools.cache
def _arguments_of(kind: type) -> dict[str, bool]:
    """Return the arguments of a class of objects, and whether they have no default."""
    signature = inspect.signature(kind.__init__)  # type: ignore[misc]
    without = ("self", "seed") if kind is nengo.Node else ("self",)  # Node refuses its seed
    return {
        key: parameter.default is parameter.empty
        for key, parameter in signature.parameters.items()
        if key not in without
    }


def _is_index(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)


def _default(obj: Any, kind: type, key: str, path: Path) -> Any:
    """Return the value of an argument that is not given."""
    if key == "attr":
        return obj.obj.probeable[0]
    value = default_of(kind, "function_info" if key == "function" else key, path).value
    if value is ConnectionDefault:
        value = default_of(nengo.Connection, key, path).value
    if kind is nengo.Node and key in ("size_in", "size_out"):
        return _implied_size(obj, key) if value is None else _REQUIRED
    return _plain_number(value) if key == "transform" else value


def _implied_size(node: nengo.Node, key: str) -> Any:
    """Return the size that nengo takes for a Node by its output."""
    if isinstance(node.output, nengo.Process):
        return getattr(node.output, f"default_{key}")
    if key == "size_in":
        return 0
    if node.output is None:
        return node.size_out  # it becomes that of the input
    return node.output.size if isinstance(node.output, np.ndarray) else None


def _plain_transform(transform: Any) -> Any:
    """Return the argument that nengo makes a transform of."""
    if isinstance(transform, NoTransform):
        return None
    return _plain_number(transform.init) if type(transform) is nengo.Dense else transform


def _plain_number(value: Any) -> Any:
    """Return a double for an array of one; anything else as it is."""
    is_number = isinstance(value, np.ndarray | int | float | np.number) and np.ndim(value) == 0
    if is_number and not isinstance(value, bool):
        return float(value) if getattr(value, "dtype", np.float64) == np.float64 else value
    return value
