"""Ensembles, nodes, connections and probes as expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.params import ConnectionDefault
from nengo.transforms import NoTransform

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph._settings import default_of
from nengo_layers_plus.introspection._same import same
from nengo_layers_plus.introspection._source._contents import kind_of
from nengo_layers_plus.introspection._source._errors import SourceError
from nengo_layers_plus.introspection._source._layout import (
    Bracketed,
    Expression,
    Item,
    Later,
    Text,
    call,
)
from nengo_layers_plus.introspection._source._values import Values

_ENSEMBLE = (
    "radius",
    "encoders",
    "intercepts",
    "max_rates",
    "eval_points",
    "n_eval_points",
    "neuron_type",
    "gain",
    "bias",
    "noise",
    "normalize_encoders",
)


class Objects:
    """
    Writes objects of a network.

    Parameters
    ----------
    values : Values
        Writes their arguments.
    refer : callable
        Returns the expression of an object that is there, or that was made before.
    replaced : dict
        By object, arguments to write instead of those that it was made with.
    """

    def __init__(
        self,
        values: Values,
        refer: Callable[[Any], Expression],
        replaced: dict[Any, dict[str, Any]],
    ) -> None:
        self.values = values
        self.refer = refer
        self._replaced = replaced

    def write(self, obj: Any, path: Sequence[nengo.Network], name: str) -> Expression:
        """
        Return the expression that makes an object.

        Parameters
        ----------
        obj : NengoObject
            The object.
        path : sequence of nengo.Network
            The networks around it, the outermost first.
        name : str
            What its arrays are called.
        """
        if isinstance(obj, nengo_dl.TensorNode):
            return self._tensor_node(obj, path, name)
        writers = {
            nengo.Ensemble: self._ensemble,
            nengo.Node: self._node,
            nengo.Connection: self._connection,
            nengo.Probe: self._probe,
        }
        return writers[kind_of(obj)](obj, path, name)

    # what they have in common

    def _common(
        self, obj: Any, path: Sequence[nengo.Network], name: str, keys: Sequence[str]
    ) -> dict[str, Expression]:
        """Return the arguments that are not the defaults in force."""
        written = {}
        replaced = self._replaced.get(obj, {})
        for key in keys:
            value = replaced.get(key, getattr(obj, key))
            if not same(value, default_of(kind_of(obj), key, path).value):
                written[key] = self.setting(value, key, f"{name}.{key}")
        return written

    def setting(self, value: Any, key: str, name: str) -> Expression:
        """
        Return the expression of an argument of an object.

        Parameters
        ----------
        value : object
            The argument.
        key, name : str
            What it is called, and what arrays in it are called.
        """
        if key == "synapse" and type(value) is nengo.Lowpass and value == nengo.Lowpass(value.tau):
            return self.values.write(value.tau, name)
        return self.values.write(value, name, as_list=True)

    def end(self, end: Any) -> Expression:
        """Return the expression of what a connection or probe leads from or to."""
        if isinstance(end, ObjView):
            return self._slice(end)
        try:
            return self.refer(end)
        except KeyError:
            pass
        if isinstance(end, Neurons):
            whole = self.refer(end.ensemble)
            return Later(lambda: f"{whole.flat()}.neurons")
        if isinstance(end, LearningRule):
            return self._learning_rule(end)
        raise SourceError(f"{end} is of a kind that can't be written as code", obj=end)

    def _slice(self, view: ObjView) -> Expression:
        try:
            return self.refer(view)
        except KeyError:
            whole = self.end(view.obj)
        if isinstance(view.slice, slice):
            bounds = [view.slice.start, view.slice.stop, view.slice.step]
            if bounds[2] is None:
                del bounds[2]
            text = ":".join("" if each is None else str(int(each)) for each in bounds)
            return Later(lambda: f"{whole.flat()}[{text}]")
        index = view.slice
        if isinstance(index, np.ndarray) and index.dtype.kind == "i" and index.ndim == 1:
            index = index.tolist()
        if isinstance(index, list) and len(index) > 1 and all(map(_is_index, index)):
            array = np.array(index)
            if array.size > 16:
                written = self.values.write(array, "indices")
            else:
                numbers = ", ".join(str(int(each)) for each in index)
                written = Text(f"[{numbers}]")
        else:
            written = self.values.write(index, "indices")
        return Bracketed(Later(lambda: whole.flat()), (Item("", written),), "]", opening="[")

    def _learning_rule(self, rule: LearningRule) -> Expression:
        connection = rule.connection
        whole = self.refer(connection)
        types = connection.learning_rule_type
        if isinstance(types, dict):
            key = next(key for key, each in types.items() if each is rule.learning_rule_type)
            index = f"[{self.values.expression(key, 'key').flat()}]"
        elif isinstance(types, list | tuple):
            index = f"[{next(i for i, e in enumerate(types) if e is rule.learning_rule_type)}]"
        else:
            index = ""
        return Later(lambda: f"{whole.flat()}.learning_rule{index}")

    # each kind

    def _ensemble(self, obj: nengo.Ensemble, path: Sequence[Any], name: str) -> Expression:
        sizes = [Text(str(int(each))) for each in (obj.n_neurons, obj.dimensions)]
        keys = (*_ENSEMBLE, "label", "seed")
        return call(
            self.values.names.of(nengo.Ensemble), *sizes, **self._common(obj, path, name, keys)
        )

    def _node(self, obj: nengo.Node, path: Sequence[Any], name: str) -> Expression:
        output = obj.output
        args: list[Expression] = []
        more: dict[str, Expression] = {}
        if not same(output, default_of(nengo.Node, "output", path).value):
            args = [self.values.write(output, f"{name}.output", as_list=True)]
        sizes = {"size_in": int(obj.size_in), "size_out": int(obj.size_out)}
        implied: dict[str, Any] = {"size_in": 0, "size_out": None}
        if isinstance(output, nengo.Process):
            implied = {"size_in": output.default_size_in, "size_out": output.default_size_out}
        elif output is None:
            implied["size_out"] = sizes["size_out"]  # nengo takes that of the input
        elif isinstance(output, np.ndarray):
            implied["size_out"] = output.size
        for key, size in sizes.items():
            if output is None and key == "size_out":
                continue
            if size != implied[key] or default_of(nengo.Node, key, path).value is not None:
                more[key] = Text(str(size))
        more |= self._common(obj, path, name, ("label",))
        return call(self.values.names.of(nengo.Node), *args, **more)

    def _tensor_node(self, obj: Any, path: Sequence[Any], name: str) -> Expression:
        more = {}
        defaults = {
            key: default_of(nengo_dl.TensorNode, key, path).value
            for key in ("shape_in", "shape_out", "pass_time")
        }
        for key in ("shape_in", "shape_out"):
            shape = getattr(obj, key)
            shape = None if shape is None else tuple(map(int, shape))
            if not same(shape, defaults[key]):
                more[key] = self.values.write(shape, name)
        if not same(obj.pass_time, defaults["pass_time"]):
            more["pass_time"] = self.values.write(obj.pass_time, name)
        more |= self._common(obj, path, name, ("label",))
        is_layer = isinstance(obj.tensor_func, tf.keras.layers.Layer)
        function = self.values.write(obj.tensor_func, name if is_layer else f"{name}.function")
        return call(self.values.names.of(nengo_dl.TensorNode), function, **more)

    def _connection(self, obj: nengo.Connection, path: Sequence[Any], name: str) -> Expression:
        ends = [self.end(obj.pre), self.end(obj.post)]
        more = self._common(obj, path, name, ("synapse",))
        replaced = self._replaced.get(obj, {})
        function = replaced.get("function", obj.function)
        if not same(function, default_of(nengo.Connection, "function_info", path).value):
            more["function"] = self.values.write(function, f"{name}.function")
        transform = _plain_transform(replaced.get("transform", obj.transform))
        if not same(transform, _plain_value(default_of(nengo.Connection, "transform", path).value)):
            more["transform"] = self.values.write(transform, f"{name}.transform", as_list=True)
        keys = ("solver", "learning_rule_type", "eval_points", "scale_eval_points", "label", "seed")
        more |= self._common(obj, path, name, keys)
        return call(self.values.names.of(nengo.Connection), *ends, **more)

    def _probe(self, obj: nengo.Probe, path: Sequence[Any], name: str) -> Expression:
        args = [self.end(obj.target)]
        if obj.attr != obj.obj.probeable[0]:
            args.append(self.values.write(obj.attr, name))
        more = self._common(obj, path, name, ("sample_every", "synapse"))
        solver = default_of(nengo.Probe, "solver", path).value
        if solver is ConnectionDefault:
            solver = default_of(nengo.Connection, "solver", path).value
        if not same(obj.solver, solver):
            more["solver"] = self.values.write(obj.solver, f"{name}.solver")
        more |= self._common(obj, path, name, ("label", "seed"))
        return call(self.values.names.of(nengo.Probe), *args, **more)

    def network(self, network: nengo.Network) -> Expression:
        """Return the expression that makes a network without what is in it."""
        more: dict[str, Expression] = {}
        if network.label is not None:
            more["label"] = self.values.write(network.label, "label")
        seed = self._replaced.get(network, {}).get("seed", network.seed)
        if seed is not None:
            more["seed"] = Text(str(int(seed)))
        return call(self.values.names.of(nengo.Network), **more)


def _is_index(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.bool_)


def _plain_transform(transform: Any) -> Any:
    """Return what nengo makes a transform of."""
    if isinstance(transform, NoTransform):
        return None
    return _plain_value(transform.init) if type(transform) is nengo.Dense else transform


def _plain_value(value: Any) -> Any:
    is_number = isinstance(value, np.ndarray | int | float | np.number) and np.ndim(value) == 0
    if is_number and not isinstance(value, bool):
        return float(value) if getattr(value, "dtype", np.float64) == np.float64 else value
    return value
