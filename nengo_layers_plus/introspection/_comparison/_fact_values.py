"""Values of facts that are no attribute of their object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.neurons import Direct
from nengo.params import iter_params

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import default_simulation_settings, nengo_dl, tf
from nengo_layers_plus.graph import NetworkGraph, Parameter
from nengo_layers_plus.graph._keras_layers import (
    layer_itself,
    layers_within,
    name_within_layer,
    names_by_class,
    weights_of,
)
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.introspection._comparison._fact import Fact, Subject
from nengo_layers_plus.introspection._keras_config import (
    config_or_attributes,
    flat_config,
    plain_config,
)
from nengo_layers_plus.layers._layer_func import must_be_kept, weights_stay

# of ensembles: what is drawn for neurons, and what decoders are solved with
TUNING = ("gain", "bias", "max_rates", "intercepts")
DECODING = ("encoders", "radius", "normalize_encoders", "eval_points", "n_eval_points")
# processes that draw nothing
_STEADY = (nengo.processes.PresentInput, nengo.processes.Piecewise, nengo.synapses.Synapse)
# points at which functions of connections are compared
_N_POINTS = 64


def neuron_type(subject: Subject) -> Iterator[Fact]:
    """Yield the class of the neuron type of an ensemble, and its parameters one by one."""
    return _class_and_parameters("neuron type", subject.obj.neuron_type)


def transform(subject: Subject) -> Iterator[Fact]:
    """Yield the class of the transform of a connection, and its parameters one by one."""
    return _class_and_parameters("transform", subject.obj.transform)


def _class_and_parameters(name: str, value: Any) -> Iterator[Fact]:
    yield Fact(name, None if value is None else type(value).__name__)
    for each in () if value is None else sorted(iter_params(value)):
        held = getattr(value, each)
        yield Fact(f"{name}.{each}", held or {} if each == "initial_state" else held)


def learning_rules(subject: Subject) -> Iterator[Fact]:
    """Yield the classes of the learning rules of a connection, and their parameters."""
    rules = subject.obj.learning_rule_type
    if not isinstance(rules, dict | list):
        yield from _class_and_parameters("learning rule", rules)
        return
    named = rules if isinstance(rules, dict) else dict(enumerate(rules))
    yield Fact("learning rule", {key: type(rule).__name__ for key, rule in named.items()})
    for key, rule in named.items():
        _, *parameters = _class_and_parameters(f"learning rule[{key!r}]", rule)
        yield from parameters


def seed(subject: Subject) -> Iterator[Fact]:
    """Yield the seed with which what belongs to an object is drawn."""
    seeds = subject.graph.model.seeds
    yield Fact("seed", seeds.get(subject.obj), counts=subject.obj.seed is not None)


# ensembles


def tuning_and_decoding(subject: Subject) -> Iterator[Fact]:
    """Yield what the parameters of neurons and decoders are drawn with."""
    if not isinstance(subject.obj.neuron_type, Direct):
        for name in (*TUNING, *DECODING):
            yield Fact(name, getattr(subject.obj, name), counts=False)


def _is_decoded(graph: NetworkGraph, ensemble: nengo.Ensemble) -> bool:
    """Say whether something reads, or is added to, what an ensemble represents."""
    item = graph[ensemble]
    for edge in (*graph.predecessors(item), *graph.successors(item)):
        link = edge.connection
        ends = [edge.target.obj.target] if link is None else [link.pre, link.post]
        if any(_whole(end) is ensemble for end in ends):
            return True
    return False


# nodes


def shapes(subject: Subject) -> Iterator[Fact]:
    """Yield the shapes that the function of a TensorNode takes and returns."""
    node = subject.obj
    for name, shape in (("shape in", node.shape_in), ("shape out", node.shape_out)):
        yield Fact(name, None if shape is None else tuple(int(size) for size in shape))


def sizes(subject: Subject) -> Iterator[Fact]:
    """Yield how many values a Node takes and puts out."""
    yield Fact("size in", int(subject.obj.size_in))
    yield Fact("size out", int(subject.obj.size_out))


def function_or_layer(subject: Subject) -> Iterator[Fact]:
    """Yield the function of a TensorNode, or the class of its Keras layer and its arguments."""
    layer = layer_itself(subject.obj.tensor_func)
    if not isinstance(layer, tf.keras.layers.Layer):
        yield Fact("layer", None, shown="no Keras layer")
        yield Fact("function", layer)
        return
    yield Fact("layer", type(layer).__name__)
    # of a layer without a configuration none can be made with one argument changed
    is_editable = plain_config(layer) is not None
    for name, value in flat_config(config_or_attributes(layer)):
        yield Fact(f"layer.{name}", value, is_editable=is_editable)
    if layer.built and must_be_kept(layer):
        yield Fact("keeps weights", weights_stay(subject.obj))


def output(subject: Subject) -> Iterator[Fact]:
    """Yield what a Node puts out."""
    value = subject.obj.output
    yield Fact("output", value, follows_input=value is None)


# probes and connections


def recorded(subject: Subject) -> Iterator[Fact]:
    """Yield what a Probe records: of which attribute, which values, and whether of all steps."""
    yield Fact("probed attribute", subject.obj.attr)
    yield _part("probed part", subject.obj.target)
    setting = subject.graph.settings(subject.obj).get("keep_history")
    kept = True if setting is None or setting.value is None else bool(setting.value)
    yield Fact("keep_history", kept)


def probed_solver(subject: Subject) -> Iterator[Fact]:
    """Yield the solver of a Probe that decodes an ensemble."""
    if isinstance(_whole(subject.obj.target), nengo.Ensemble):
        yield Fact("solver", subject.obj.solver)


def ends(subject: Subject) -> Iterator[Fact]:
    """Yield whether a connection begins and ends at neurons or at decoded values."""
    for name, obj in (("reads", subject.obj.pre_obj), ("leads into", subject.obj.post_obj)):
        if isinstance(obj, Neurons):
            yield Fact(name, "neurons")
        elif isinstance(obj, LearningRule):
            yield Fact(name, "learning rule")
        else:
            is_decoded = isinstance(obj, nengo.Ensemble)
            yield Fact(name, "decoded values" if is_decoded else "values")


def slices(subject: Subject) -> Iterator[Fact]:
    """Yield which values of its source a connection passes on, and to which of its target."""
    yield _part("pre slice", subject.obj.pre)
    yield _part("post slice", subject.obj.post)


def _part(name: str, obj: Any) -> Fact:
    """Return the indices of a slice; None if it is all there is."""
    if isinstance(obj, ObjView):
        everything = np.arange(max(int(obj.obj.size_in), int(obj.obj.size_out)))
        indices = everything[obj.slice]
        if not np.array_equal(indices, everything):
            return Fact(name, indices)
    return Fact(name, None, shown="all")


def _whole(end: Any) -> Any:
    return end.obj if isinstance(end, ObjView) else end


def function_of_connection(subject: Subject) -> Iterator[Fact]:
    """
    Yield the function of a connection.

    Decoders are solved for what a function returns for values of the ensemble, so that nothing else
    of it counts. Functions that run in each step may do anything, and are only looked at.
    """
    connection = subject.obj
    ensemble, function = connection.pre_obj, connection.function
    solved = isinstance(ensemble, nengo.Ensemble) and not isinstance(ensemble.neuron_type, Direct)

    def equal(one: Any, other: Any) -> bool:
        if not callable(one) or not callable(other):
            return False
        size = int(connection.pre.size_out)
        points = np.random.RandomState(0).uniform(-1, 1, (_N_POINTS, size)) * ensemble.radius
        try:
            outputs, others = (np.array([each(point) for point in points]) for each in (one, other))
            return np.array_equal(outputs, others, equal_nan=True)
        except Exception:  # the code of a user may fail in any way
            return False

    shown = "no function" if function is None else None
    yield Fact("function", function, shown=shown, equal=equal if solved else None)


def decoding_of_connection(subject: Subject) -> Iterator[Fact]:
    """Yield how the decoders of a connection are solved for."""
    if isinstance(subject.obj.pre_obj, nengo.Ensemble):
        for name in ("solver", "eval_points", "scale_eval_points"):
            yield Fact(name, getattr(subject.obj, name), counts=False)


# parameters


def parameters(subject: Subject) -> Iterator[Fact]:
    """Yield what trains of an object, and the values of its parameters where they are known."""
    if subject.kind == "ensemble" and not isinstance(subject.obj.neuron_type, Direct):
        yield from _drawn_values(subject.graph, subject.obj)
    # of a Keras layer in several nodes, the first; to find out may take building a copy of it
    node: Any = next((each.obj for each in subject.parameters), None)
    is_layer = isinstance(node, nengo_dl.TensorNode)
    kept = is_layer and weights_stay(node)
    # an argument that can't be undone does not explain the weights
    causes = (
        ("layer", "network dtype")
        if is_layer and plain_config(layer_itself(node.tensor_func)) is None
        else None
    )
    numbers: Counter[str] = Counter()
    for parameter in subject.parameters:
        number = numbers[parameter.kind]
        numbers[parameter.kind] += 1
        if parameter.kind == "encoders" and not _is_decoded(subject.graph, subject.obj):
            continue  # nothing depends on them
        name = _name_within(parameter, subject.name)
        for what, value in (("trains", parameter.trainable), ("gets a gradient", parameter.moves)):
            yield Fact(f"{name} {what}", value, f"{'yes' if value else 'no'} ({parameter.why})")
        values = _parameter_value(subject.graph, parameter, kept)
        if values is not None:
            yield Fact(
                f"{name} values",
                values,
                parameter=(parameter.kind, number),
                causes=causes,
                follows_input=_is_solved(parameter, values),
            )


def _drawn_values(graph: NetworkGraph, ensemble: nengo.Ensemble) -> Iterator[Fact]:
    """Yield what was drawn for an ensemble and is no parameter of `NetworkGraph`."""
    built, signals = graph.model.params[ensemble], graph.model.sig[ensemble.neurons]
    yield Fact("gain values", built.gain, parameter=("gain", 0))
    for state in ensemble.neuron_type.state:
        if state in signals:
            yield Fact(f"initial {state}", signals[state].initial_value)
    if _is_decoded(graph, ensemble):
        yield Fact("evaluation point values", built.eval_points, counts=False)


def _name_within(parameter: Parameter, name: str) -> str:
    """Return the name of a parameter without that of its object."""
    if parameter.kind == "connection weights":
        return "weights"
    if isinstance(parameter.source, ParameterSignal):
        return parameter.source.parameter
    if parameter.holder is not None and isinstance(parameter.source, tf.Variable):
        # by classes and places: layers may be called as one likes
        within = layers_within(layer_itself(parameter.obj.tensor_func))
        names = names_by_class(within[1:])
        own = name_within_layer(parameter.source)
        return f"{names[id(parameter.holder)]}.{own}" if id(parameter.holder) in names else own
    return parameter.name.removeprefix(f"{name}.")


def _is_solved(parameter: Parameter, value: np.ndarray) -> bool:
    """Say whether values are those that were solved for, so that they follow from the neurons."""
    connection = parameter.obj
    if parameter.kind != "connection weights" or not isinstance(connection.pre_obj, nengo.Ensemble):
        return False
    return np.array_equal(initial_value(parameter.source), value)


def _parameter_value(graph: NetworkGraph, parameter: Parameter, kept: bool) -> np.ndarray | None:
    if graph.simulator is not None:
        return graph.value(parameter)
    source = parameter.source
    if isinstance(source, tf.Variable):
        # a copy that was built to know the shape holds nothing of the layer's own
        held = any(source is each for each in weights_of(parameter.obj.tensor_func))
        return np.asarray(tf.keras.backend.get_value(source)) if held and kept else None
    return None if source is None else np.asarray(initial_value(source))


# networks and Simulators


def settings_of_network(subject: Subject) -> Iterator[Fact]:
    """Yield the seed of a network and its settings of nengo_dl."""
    graph = subject.graph
    own = graph.network.seed
    drawn = graph.model.seeds.get(graph.network)
    yield Fact(
        "network seed",
        own if graph.simulator is None else drawn,
        shown=None if own is not None else "None, so that it is drawn anew",
        counts=own is not None,
    )
    given = {name: value for name, value in graph.simulator_settings.items() if value is not None}
    for name, value in sorted({**default_simulation_settings(), **given}.items()):
        yield Fact(f"network {name}", value)


def settings_of_simulator(subject: Subject) -> Iterator[Fact]:
    """Yield what a Simulator was made with; for a network what it would be by default."""
    sim = subject.graph.simulator
    yield Fact("simulator dt", float(subject.graph.model.dt if sim is None else sim.dt))
    if sim is None:
        return
    yield Fact("simulator minibatch_size", int(sim.minibatch_size))
    yield Fact("simulator unroll_simulation", int(sim.unroll))
    yield Fact("simulator device", sim.tensor_graph.device)
    drawn = _draws(sim.model.toplevel)
    yield Fact("simulator seed", int(sim.tensor_graph.seed), counts=drawn)


def _draws(network: nengo.Network) -> bool:
    """Say whether something in a network is drawn in each simulation."""
    if any(
        isinstance(each.neuron_type, nengo.StochasticSpiking | nengo.PoissonSpiking)
        for each in network.all_ensembles
    ):
        return True
    processes = [each.output for each in network.all_nodes]
    processes += [each.noise for each in network.all_ensembles]
    return any(
        isinstance(each, nengo.Process) and each.seed is None and not isinstance(each, _STEADY)
        for each in processes
    )
