"""What is true of the objects and connections of a network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.neurons import Direct
from nengo.params import iter_params

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.introspection._comparison._fact import Fact
from nengo_layers_plus.introspection._comparison._functions import same_outputs
from nengo_layers_plus.introspection._keras_config import (
    config_or_attributes,
    flat_config,
    plain_config,
)
from nengo_layers_plus.layers._layer_wrapper import must_be_kept, weights_stay

_TUNING = ("gain", "bias", "max_rates", "intercepts")
_DECODING = ("encoders", "radius", "normalize_encoders", "eval_points", "n_eval_points")


def facts_of_object(graph: NetworkGraph, obj: Any) -> Iterator[Fact]:
    """Yield what is true of an ensemble, node, probe or connection, apart from its parameters."""
    if isinstance(obj, nengo.Ensemble):
        yield from _of_ensemble(graph, obj)
    elif isinstance(obj, nengo_dl.TensorNode):
        yield from _of_tensor_node(obj)
    elif isinstance(obj, nengo.Node):
        yield from _of_node(obj)
    elif isinstance(obj, nengo.Probe):
        yield from _of_probe(graph, obj)
    else:
        yield from _of_connection(obj)
    yield Fact(
        "seed",
        "seed",
        graph.model.seeds.get(obj),
        network_causes=("seed",),
        counts=obj.seed is not None,
        attributes=("seed",),
    )


def causes_of_values(obj: Any) -> tuple[str, ...]:
    """Return the names of the facts that the values of the parameters of an object follow from."""
    if isinstance(obj, nengo.Ensemble):
        # all is drawn with one generator, in turn: what is drawn first changes what comes behind
        types = ("n_neurons", "dimensions", "neuron type", "neuron type.")
        return (*types, *_TUNING, *_DECODING, "seed")
    if isinstance(obj, nengo.Connection):
        decoding = ("function", "solver", "eval_points", "scale_eval_points")
        slices = ("pre slice", "post slice", "reads", "leads into")
        return ("transform", "transform.", *decoding, "learning rule", *slices, "synapse", "seed")
    if isinstance(obj, nengo_dl.TensorNode):
        names = flat_config(plain_config(layer_itself(obj.tensor_func)) or {})
        return ("layer", *(f"layer.{name}" for name, _ in names if "initializer" in name))
    return ("output", "synapse")


def causes_of_shapes(obj: Any) -> tuple[str, ...]:
    """Return the names of the facts that the shapes of these parameters follow from as well."""
    return ("shape in", "layer.") if isinstance(obj, nengo_dl.TensorNode) else ()


def is_decoded(graph: NetworkGraph, ensemble: nengo.Ensemble) -> bool:
    """Say whether something reads, or is added to, what an ensemble represents."""
    item = graph[ensemble]
    for edge in (*graph.predecessors(item), *graph.successors(item)):
        link = edge.connection
        ends = [edge.target.obj.target] if link is None else [link.pre, link.post]
        if any(_whole(end) is ensemble for end in ends):
            return True
    return False


def _whole(end: Any) -> Any:
    return end.obj if isinstance(end, ObjView) else end


def _of_value(name: str, value: Any, group: str, **settings: Any) -> Iterator[Fact]:
    """Yield the class of an object, and its parameters one by one."""
    kind = None if value is None else type(value).__name__
    yield Fact(name, group, kind, **settings)
    inherited = (name, *settings.pop("causes", ()))
    for each in () if value is None else sorted(iter_params(value)):
        held = getattr(value, each)
        if each == "initial_state":
            held = held or {}
        yield Fact(f"{name}.{each}", group, held, causes=inherited, **settings)


def _of_ensemble(graph: NetworkGraph, ensemble: nengo.Ensemble) -> Iterator[Fact]:
    yield Fact(
        "n_neurons",
        "shape",
        int(ensemble.n_neurons),
        follows_input=True,
        attributes=("n_neurons",),
    )
    yield Fact(
        "dimensions",
        "shape",
        int(ensemble.dimensions),
        follows_input=True,
        attributes=("dimensions",),
    )
    yield from _of_value(
        "neuron type", ensemble.neuron_type, "neurons", attributes=("neuron_type",)
    )
    yield Fact("noise", "neurons", ensemble.noise, attributes=("noise",))
    if isinstance(ensemble.neuron_type, Direct):
        return
    for name in _TUNING:
        yield Fact(
            name,
            "neurons",
            getattr(ensemble, name),
            counts=False,
            attributes=_TUNING,
            parameters=("gain", "bias", "encoders"),
        )
    for name in _DECODING:
        yield Fact(name, "neurons", getattr(ensemble, name), counts=False, attributes=(name,))
    yield Fact(
        "gain values",
        "weights",
        graph.model.params[ensemble].gain,
        causes=causes_of_values(ensemble),
        network_causes=("dtype",),
        parameters=("gain",),
    )
    signals = graph.model.sig[ensemble.neurons]
    for state in ensemble.neuron_type.state:
        if state in signals:
            yield Fact(
                f"initial {state}",
                "neurons",
                signals[state].initial_value,
                causes=("n_neurons", "neuron type", "neuron type.initial_state", "seed"),
                network_causes=("dtype",),
            )
    if is_decoded(graph, ensemble):
        yield Fact(
            "evaluation point values",
            "neurons",
            graph.model.params[ensemble].eval_points,
            causes=("n_neurons", "dimensions", "eval_points", "n_eval_points", "radius", "seed"),
            counts=False,
        )


def _of_tensor_node(node: nengo_dl.TensorNode) -> Iterator[Fact]:
    yield Fact(
        "shape in",
        "shape",
        _plain_shape(node.shape_in),
        follows_input=True,
        attributes=("shape_in", "shape_out"),
    )
    yield Fact("pass_time", "layer", node.pass_time, attributes=("pass_time",))
    yield from _of_function(node)
    yield Fact(
        "shape out",
        "shape",
        _plain_shape(node.shape_out),
        causes=("shape in", "layer", "layer.", "function"),
        attributes=("shape_out",),
    )


def _of_function(node: nengo_dl.TensorNode) -> Iterator[Fact]:
    layer = layer_itself(node.tensor_func)
    attributes: tuple[str, ...] = ("tensor_func", "shape_out")
    if not isinstance(layer, tf.keras.layers.Layer):
        yield Fact("layer", "layer", None, attributes=attributes)
        yield Fact("function", "layer", layer, attributes=attributes)
        return
    yield Fact("layer", "layer", type(layer).__name__, attributes=attributes)
    if plain_config(layer) is None:
        attributes = ()  # nothing makes another one with one of them changed
    for name, value in flat_config(config_or_attributes(layer)):
        group = "training" if name.rpartition(".")[2] == "trainable" else "layer"
        yield Fact(f"layer.{name}", group, value, causes=("layer",), attributes=attributes)
    if layer.built and must_be_kept(layer):
        kept = weights_stay(node)
        yield Fact("keeps weights", "weights", kept, causes=("layer",), attributes=attributes)


def _of_node(node: nengo.Node) -> Iterator[Fact]:
    yield Fact("size in", "shape", int(node.size_in), follows_input=True, attributes=("size_in",))
    yield Fact(
        "size out",
        "shape",
        int(node.size_out),
        causes=("size in", "output"),
        attributes=("size_out",),
    )
    yield Fact(
        "output",
        "input",
        node.output,
        follows_input=node.output is None,
        attributes=("output", "size_out"),
    )


def _of_probe(graph: NetworkGraph, probe: nengo.Probe) -> Iterator[Fact]:
    yield Fact("probed attribute", "recording", probe.attr, attributes=("attr",))
    yield Fact("probed part", "recording", _part(probe.target))
    yield Fact("synapse", "synapse", probe.synapse, attributes=("synapse",))
    yield Fact("sample_every", "recording", probe.sample_every, attributes=("sample_every",))
    if isinstance(_whole(probe.target), nengo.Ensemble):
        yield Fact("solver", "weights", probe.solver, attributes=("solver",))
    setting = graph.settings(probe).get("keep_history")
    kept = setting is None or setting.value is None or bool(setting.value)
    yield Fact("keep_history", "recording", kept)


def _of_connection(connection: nengo.Connection) -> Iterator[Fact]:
    yield Fact("reads", "structure", _end(connection.pre_obj))
    yield Fact("leads into", "structure", _end(connection.post_obj))
    yield Fact(
        "pre slice",
        "structure",
        _part(connection.pre),
        follows_input=True,
        attributes=("pre",),
    )
    yield Fact("post slice", "structure", _part(connection.post), attributes=("post",))
    yield Fact("synapse", "synapse", connection.synapse, attributes=("synapse",))
    yield Fact(
        "function",
        "weights",
        connection.function,
        attributes=("function_info",),
        equal=same_outputs(connection),
    )
    yield from _of_value(
        "transform",
        connection.transform,
        "weights",
        follows_input=True,
        attributes=("transform",),
        parameters=("connection weights",),
    )
    if isinstance(connection.pre_obj, nengo.Ensemble):
        for name in ("solver", "eval_points", "scale_eval_points"):
            yield Fact(name, "weights", getattr(connection, name), counts=False, attributes=(name,))
    yield from _of_learning_rules(connection.learning_rule_type)


def _of_learning_rules(rules: Any) -> Iterator[Fact]:
    """Yield the classes of the learning rules of a connection, and their parameters."""
    attributes = ("learning_rule_type",)
    if not isinstance(rules, dict | list):
        yield from _of_value("learning rule", rules, "training", attributes=attributes)
        return
    named = rules if isinstance(rules, dict) else dict(enumerate(rules))
    kinds = {key: type(rule).__name__ for key, rule in named.items()}
    yield Fact("learning rule", "training", kinds, attributes=attributes)
    for key, rule in named.items():
        _, *parameters = _of_value(
            f"learning rule[{key!r}]",
            rule,
            "training",
            causes=("learning rule",),
            attributes=attributes,
        )
        yield from parameters


def _plain_shape(shape: Any) -> Any:
    return None if shape is None else tuple(int(size) for size in shape)


def _end(obj: Any) -> str:
    if isinstance(obj, Neurons):
        return "neurons"
    if isinstance(obj, LearningRule):
        return "learning rule"
    return "decoded values" if isinstance(obj, nengo.Ensemble) else "values"


def _part(obj: Any) -> Any:
    """Return the indices of a slice; None if it is all there is."""
    if not isinstance(obj, ObjView):
        return None
    size = max(int(obj.obj.size_in), int(obj.obj.size_out))
    indices = np.arange(size)[obj.slice]
    return None if np.array_equal(indices, np.arange(size)) else indices
