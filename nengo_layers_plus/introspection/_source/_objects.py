"""Networks, ensembles, nodes, connections and probes as expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from nengo_layers_plus.introspection._source._contents import SourceError, kind_of
from nengo_layers_plus.introspection._source._layout import call, sequence
from nengo_layers_plus.introspection._source._values import Values

Path = Sequence[nengo.Network]
"""The networks around an object, the outermost first."""

Arguments = tuple[list[str], dict[str, str]]
"""The positional arguments of an object, and the others."""

_ENSEMBLE = (
    *("radius", "encoders", "intercepts", "max_rates", "eval_points", "n_eval_points"),
    *("neuron_type", "gain", "bias", "noise", "normalize_encoders", "label", "seed"),
)
_CONNECTION = (
    *("solver", "learning_rule_type", "eval_points", "scale_eval_points", "label", "seed"),
)


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
        Return the expression that makes an object.

        Parameters
        ----------
        obj : NengoObject
            The object.
        path : Path
            The networks around it.
        name : str
            What its arrays are called.
        """
        kind = kind_of(obj)
        writers = {
            nengo.Ensemble: self._ensemble,
            nengo.Node: self._node,
            nengo_dl.TensorNode: self._tensor_node,
            nengo.Connection: self._connection,
            nengo.Probe: self._probe,
        }
        args, kwargs = writers[kind](obj, path, name)
        return call(self.values.names.of(kind), *args, **kwargs)

    def network(self, network: nengo.Network) -> str:
        """Return the expression that makes a network without what is in it."""
        seed = self._argument(network, "seed")
        given = {"label": network.label, "seed": None if seed is None else int(seed)}
        written = {
            key: self.values.write(value, key) for key, value in given.items() if value is not None
        }
        return call(self.values.names.of(nengo.Network), **written)

    # what they have in common

    def _argument(self, obj: Any, key: str) -> Any:
        return self._replaced.get(obj, {}).get(key, getattr(obj, key))

    def _common(self, obj: Any, path: Path, name: str, *keys: str) -> dict[str, str]:
        """Return the arguments that are not the defaults in force."""
        written = {}
        for key in keys:
            value = self._argument(obj, key)
            if not same(value, default_of(kind_of(obj), key, path).value):
                written[key] = self.setting(value, key, f"{name}.{key}")
        return written

    def setting(self, value: Any, key: str, name: str) -> str:
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
            value = value.tau
        return self.values.write(value, name, as_list=True)

    def end(self, end: Any) -> str:
        """Return the expression of what a connection or probe leads from or to."""
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
            bounds = [index.start, index.stop, index.step]
            if bounds[2] is None:
                del bounds[2]
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
            key = next(
                key for key, learning_rule in pairs if learning_rule is rule.learning_rule_type
            )
            index = f"[{self.values.expression(key, 'key')}]"
        return f"{self.end(rule.connection)}.learning_rule{index}"

    # the positional and other arguments of each kind

    def _ensemble(self, obj: nengo.Ensemble, path: Path, name: str) -> Arguments:
        sizes = [str(int(size)) for size in (obj.n_neurons, obj.dimensions)]
        return sizes, self._common(obj, path, name, *_ENSEMBLE)

    def _node(self, obj: nengo.Node, path: Path, name: str) -> Arguments:
        output = obj.output
        args, more = [], {}
        if not same(output, default_of(nengo.Node, "output", path).value):
            args.append(self.values.write(output, f"{name}.output", as_list=True))
        implied: dict[str, Any] = {"size_in": 0, "size_out": None}
        if isinstance(output, nengo.Process):
            implied = {"size_in": output.default_size_in, "size_out": output.default_size_out}
        elif output is None:  # nengo takes the size that comes in
            del implied["size_out"]
        elif isinstance(output, np.ndarray):
            implied["size_out"] = output.size
        for key, size in implied.items():
            if getattr(obj, key) != size or default_of(nengo.Node, key, path).value is not None:
                more[key] = str(int(getattr(obj, key)))
        return args, more | self._common(obj, path, name, "label")

    def _tensor_node(self, obj: Any, path: Path, name: str) -> Arguments:
        more = {}
        for key in ("shape_in", "shape_out", "pass_time"):
            value = getattr(obj, key)
            if key != "pass_time" and value is not None:
                value = tuple(map(int, value))
            if not same(value, default_of(nengo_dl.TensorNode, key, path).value):
                more[key] = self.values.write(value, name)
        more |= self._common(obj, path, name, "label")
        is_layer = isinstance(obj.tensor_func, tf.keras.layers.Layer)
        function = self.values.write(obj.tensor_func, name if is_layer else f"{name}.function")
        return [function], more

    def _connection(self, obj: nengo.Connection, path: Path, name: str) -> Arguments:
        ends = [self.end(obj.pre), self.end(obj.post)]
        more = self._common(obj, path, name, "synapse")
        function = self._argument(obj, "function")
        if not same(function, default_of(nengo.Connection, "function_info", path).value):
            more["function"] = self.values.write(function, f"{name}.function")
        transform = _plain_transform(self._argument(obj, "transform"))
        if not same(transform, _plain_value(default_of(nengo.Connection, "transform", path).value)):
            more["transform"] = self.values.write(transform, f"{name}.transform", as_list=True)
        return ends, more | self._common(obj, path, name, *_CONNECTION)

    def _probe(self, obj: nengo.Probe, path: Path, name: str) -> Arguments:
        args = [self.end(obj.target)]
        if obj.attr != obj.obj.probeable[0]:
            args.append(self.values.write(obj.attr, name))
        more = self._common(obj, path, name, "sample_every", "synapse")
        solver = default_of(nengo.Probe, "solver", path).value
        if solver is ConnectionDefault:
            solver = default_of(nengo.Connection, "solver", path).value
        if not same(obj.solver, solver):
            more["solver"] = self.values.write(obj.solver, f"{name}.solver")
        return args, more | self._common(obj, path, name, "label", "seed")


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
