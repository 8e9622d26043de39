"""Values of facts that are no attribute of their object: how they are read, and taken over."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.ensemble import Neurons
from nengo.exceptions import ReadonlyError
from nengo.neurons import Direct
from nengo.params import iter_params

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import default_simulation_settings, made_like, nengo_dl, tf
from nengo_layers_plus.graph import NetworkGraph, Parameter
from nengo_layers_plus.graph._keras_layers import (
    keras_layer_of,
    layer_itself,
    layers_within,
    name_within_layer,
    names_by_class,
    weights_of,
)
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.introspection._comparison._fact import Fact, Member, Undo
from nengo_layers_plus.introspection._keras_config import (
    config_or_attributes,
    flat_config,
    holder_of,
    is_users_function,
    plain_config,
    take_over,
)
from nengo_layers_plus.layers._layer_func import LayerWrapper, must_be_kept, weights_stay

# processes that draw nothing
_STEADY = (nengo.processes.PresentInput, nengo.processes.Piecewise, nengo.synapses.Synapse)
# points at which functions of connections are compared
_N_POINTS = 64


def undo_difference(undo: Undo) -> None:
    """Undo a difference as the row of its fact says; values of parameters are not undone here."""
    how = undo.a.row.undo
    if callable(how):
        how(undo)
    elif how is not None:
        for name in how or (undo.a.name,):
            _set(undo.target, name, getattr(undo.source, name))


def _set(obj: Any, name: str, value: Any) -> None:
    """Set an attribute of a copy, even if other objects of its network rely on it."""
    try:
        setattr(obj, name, value)
    except ReadonlyError:
        getattr(type(obj), name).data[obj] = value


def _class_and_parameters(name: str, value: Any) -> Iterator[Fact]:
    yield Fact(name, None if value is None else type(value).__name__)
    for parameter in () if value is None else sorted(iter_params(value)):
        held = getattr(value, parameter)
        is_default = parameter == "initial_state" and not held
        yield Fact(f"{name}.{parameter}", {} if is_default else held)


def seed(member: Member) -> Iterator[Fact]:
    """Yield the seed of an object."""
    seeds = member.graph.model.seeds
    yield Fact("seed", seeds.get(member.obj), counts=member.obj.seed is not None)


def undo_seed(undo: Undo) -> None:
    """Take over the seed that was drawn for the object of the first network."""
    undo.target.seed = undo.a.value


# ensembles


def neuron_type(member: Member) -> Iterator[Fact]:
    """Yield the class of the neuron type of an ensemble, and its parameters one by one."""
    return _class_and_parameters("neuron type", member.obj.neuron_type)


def undo_neuron_parameter(undo: Undo) -> None:
    """Take over one parameter of the neuron type."""
    name = undo.a.name.partition(".")[2]
    own = undo.target.neuron_type
    new: Any = object.__new__(type(own))  # the parameters of a copy would be read-only
    new.__setstate__({**own.__getstate__(), name: getattr(undo.source.neuron_type, name)})
    undo.target.neuron_type = new


def _is_decoded(graph: NetworkGraph, ensemble: nengo.Ensemble) -> bool:
    """Say whether something reads, or is added to, the values that an ensemble represents."""
    item = graph[ensemble]
    for edge in (*graph.predecessors(item), *graph.successors(item)):
        link = edge.connection
        ends = [edge.target.obj.target] if link is None else [link.pre, link.post]
        if any(_whole(end) is ensemble for end in ends):
            return True
    return False


# nodes


def shape_in(member: Member) -> tuple[int, ...] | None:
    """Return the shape that the function of a TensorNode takes."""
    return None if member.obj.shape_in is None else tuple(map(int, member.obj.shape_in))


def undo_shape_in(undo: Undo) -> None:
    """Have the function of a TensorNode take its input in the same shape."""
    undo.target.shape_in = undo.source.shape_in
    _set_function(undo.target, undo.target.tensor_func)


def shape_out(member: Member) -> tuple[int, ...] | None:
    """Return the shape that the function of a TensorNode returns."""
    return None if member.obj.shape_out is None else tuple(map(int, member.obj.shape_out))


def size_in(member: Member) -> int:
    """Return the number of values that a Node takes."""
    return int(member.obj.size_in)


def size_out(member: Member) -> int:
    """Return the number of values that a Node puts out."""
    return int(member.obj.size_out)


def output(member: Member) -> Iterator[Fact]:
    """Yield the output of a Node."""
    value = member.obj.output
    yield Fact("output", value, follows_input=value is None)


def function_or_layer(member: Member) -> Iterator[Fact]:
    """Yield the function of a TensorNode, or the class of its Keras layer and its arguments."""
    layer = keras_layer_of(member.obj)
    if layer is None:
        yield Fact("layer", None, shown="no Keras layer")
        yield Fact("function", layer_itself(member.obj.tensor_func))
        return
    yield Fact("layer", type(layer).__name__)
    # of a layer without a configuration none can be made with one argument changed
    is_editable = plain_config(layer) is not None
    for name, value in flat_config(config_or_attributes(layer)):
        yield Fact(f"layer.{name}", value, is_editable=is_editable)
    if layer.built and must_be_kept(layer):
        yield Fact("keeps weights", weights_stay(member.obj))


def undo_function(undo: Undo) -> None:
    """Take over the function or the Keras layer of a TensorNode."""
    _set_function(undo.target, undo.source.tensor_func)


def undo_layer_argument(undo: Undo) -> None:
    """Take over one argument of a Keras layer, or of one within it."""
    argument = undo.a.name.removeprefix("layer.")
    own, source = keras_layer_of(undo.target), keras_layer_of(undo.source)
    if is_users_function(undo.a.value) or is_users_function(undo.b.value):
        (held, name), (holder, _) = holder_of(source, argument), holder_of(own, argument)
        setattr(holder, name, getattr(held, name))
        return
    config, source_config = (copy.deepcopy(layer.get_config()) for layer in (own, source))
    take_over(argument, source_config, config)
    new = function = made_like(own, config)
    if isinstance(undo.target.tensor_func, LayerWrapper):
        function = LayerWrapper(new, undo.target.tensor_func.shapes)
    if weights_stay(undo.target):
        weights = own.get_weights()
        function.build((None, *undo.target.shape_in))
        if [weight.shape for weight in new.weights] == [weight.shape for weight in weights]:
            new.set_weights(weights)
    _set_function(undo.target, function)


def _set_function(node: Any, function: Any) -> None:
    node.shape_out = None  # it is computed anew
    node.tensor_func = function


# probes and connections


def recorded(member: Member) -> Iterator[Fact]:
    """Yield what a Probe records: of which attribute, which values, and whether of all steps."""
    yield Fact("probed attribute", member.obj.attr)
    yield _part("probed part", member.obj.target)
    setting = member.graph.settings(member.obj).get("keep_history")
    yield Fact("keep_history", setting is None or setting.value is None or bool(setting.value))
    if isinstance(_whole(member.obj.target), nengo.Ensemble):
        yield Fact("solver", member.obj.solver)


def ends(member: Member) -> Iterator[Fact]:
    """Yield the kinds of values that a connection joins, and which of them it passes on."""
    for name, obj in (("reads", member.obj.pre_obj), ("leads into", member.obj.post_obj)):
        kinds = {
            Neurons: "neurons",
            LearningRule: "learning rule",
            nengo.Ensemble: "decoded values",
        }
        yield Fact(name, next((kinds[cls] for cls in kinds if isinstance(obj, cls)), "values"))
    yield _part("pre slice", member.obj.pre)
    yield _part("post slice", member.obj.post)


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


def undo_slice(undo: Undo) -> None:
    """Connect from or to the same part of an object."""
    end = undo.a.name.partition(" ")[0]
    whole, view = getattr(undo.target, f"{end}_obj"), getattr(undo.source, end)
    _set(undo.target, end, whole[view.slice] if isinstance(view, ObjView) else whole)


def function_of_connection(member: Member) -> Iterator[Fact]:
    """
    Yield the function of a connection.

    Decoders are solved for what a function returns for values of the ensemble, so that nothing else
    of it counts. Functions that run in each step may do anything, and only their code is compared.
    """
    connection = member.obj
    ensemble, function = connection.pre_obj, connection.function
    is_solved = isinstance(ensemble, nengo.Ensemble) and not isinstance(
        ensemble.neuron_type, Direct
    )

    def equal(a: Any, b: Any) -> bool:
        if not callable(a) or not callable(b):
            return False
        size = int(connection.pre.size_out)
        points = np.random.RandomState(0).uniform(-1, 1, (_N_POINTS, size)) * ensemble.radius
        try:
            values_a, values_b = (np.array(list(map(compute, points))) for compute in (a, b))
            return np.array_equal(values_a, values_b, equal_nan=True)
        except Exception:  # the code of a user may fail in any way
            return False

    shown = "no function" if function is None else None
    yield Fact("function", function, shown=shown, equal=equal if is_solved else None)


def transform(member: Member) -> Iterator[Fact]:
    """Yield the class of the transform of a connection, and its parameters one by one."""
    return _class_and_parameters("transform", member.obj.transform)


def learning_rules(member: Member) -> Iterator[Fact]:
    """Yield the classes of the learning rules of a connection, and their parameters."""
    rules = member.obj.learning_rule_type
    if not isinstance(rules, dict | list):
        yield from _class_and_parameters("learning rule", rules)
        return
    named = rules if isinstance(rules, dict) else dict(enumerate(rules))
    yield Fact("learning rule", {key: type(rule).__name__ for key, rule in named.items()})
    for key, rule in named.items():
        _, *facts = _class_and_parameters(f"learning rule[{key!r}]", rule)
        yield from facts


def undo_learning_rule(undo: Undo) -> None:
    """Take over learning rules, also in what leads into them or reads them."""
    own, network = undo.target, undo.network
    _set(own, "learning_rule_type", undo.source.learning_rule_type)
    rules = [connection.post_obj for connection in network.all_connections]
    for rule in (*rules, *(probe.obj for probe in network.all_probes)):
        if isinstance(rule, LearningRule) and rule.connection is own:
            rule.learning_rule_type = own.learning_rule_type


# parameters


def parameters(member: Member) -> Iterator[Fact]:
    """Yield whether the parameters of an object train, and their values where they are known."""
    if member.kind == "ensemble" and not isinstance(member.obj.neuron_type, Direct):
        yield from _drawn_values(member.graph, member.obj)
    # of a Keras layer in several nodes, the first; to find out may take building a copy of it
    node: Any = next((parameter.obj for parameter in member.parameters), None)
    is_layer = isinstance(node, nengo_dl.TensorNode)
    is_kept = is_layer and weights_stay(node)
    # an argument that can't be undone does not explain the weights
    causes = (
        ("layer", "network dtype")
        if is_layer and plain_config(layer_itself(node.tensor_func)) is None
        else None
    )
    numbers: Counter[str] = Counter()
    for parameter in member.parameters:
        number = numbers[parameter.kind]
        numbers[parameter.kind] += 1
        if parameter.kind == "encoders" and not _is_decoded(member.graph, member.obj):
            continue  # nothing depends on them
        name = _name_within(parameter, member.name)
        flags = {"trains": parameter.trainable, "gets a gradient": parameter.is_trained}
        for what, value in flags.items():
            yield Fact(f"{name} {what}", value, f"{'yes' if value else 'no'} ({parameter.why})")
        values = _parameter_value(member.graph, parameter, is_kept)
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
        # by classes and places, since the names of layers are free
        names = names_by_class(layers_within(layer_itself(parameter.obj.tensor_func))[1:])
        own = name_within_layer(parameter.source)
        return f"{names[id(parameter.holder)]}.{own}" if id(parameter.holder) in names else own
    return parameter.name.removeprefix(f"{name}.")


def _is_solved(parameter: Parameter, value: np.ndarray) -> bool:
    """Say whether weights are those that were solved for, so that they follow from the neurons."""
    connection = parameter.obj
    if parameter.kind != "connection weights" or not isinstance(connection.pre_obj, nengo.Ensemble):
        return False
    return np.array_equal(initial_value(parameter.source), value)


def _parameter_value(graph: NetworkGraph, parameter: Parameter, is_kept: bool) -> Any:
    """Return the value of a parameter; None if it is drawn when a Simulator is built."""
    if graph.simulator is not None:
        return graph.value(parameter)
    source = parameter.source
    if isinstance(source, tf.Variable):
        # a copy that was built to know the shape holds nothing of the layer's own
        is_own = any(source is weight for weight in weights_of(parameter.obj.tensor_func))
        return np.asarray(tf.keras.backend.get_value(source)) if is_own and is_kept else None
    return None if source is None else np.asarray(initial_value(source))


# networks and Simulators


def settings_of_network(member: Member) -> Iterator[Fact]:
    """Yield the seed of a network and its settings of nengo_dl."""
    graph = member.graph
    own = graph.network.seed
    yield Fact(
        "network seed",
        own if graph.simulator is None else graph.model.seeds.get(graph.network),
        shown=None if own is not None else "None, so that it is drawn anew",
        counts=own is not None,
    )
    given = {name: value for name, value in graph.simulator_settings.items() if value is not None}
    for name, value in sorted({**default_simulation_settings(), **given}.items()):
        yield Fact(f"network {name}", value)


def undo_network_seed(undo: Undo) -> None:
    """Take over the seed of the first network, or the one that it was built with."""
    undo.target.seed = undo.graph.model.seeds[undo.graph.network]


def undo_setting(undo: Undo) -> None:
    """Take over a setting of nengo_dl."""
    with undo.network:
        nengo_dl.configure_settings(**{undo.a.name.removeprefix("network "): undo.a.value})


def settings_of_simulator(member: Member) -> Iterator[Fact]:
    """Yield the arguments of a Simulator; for a network the time step that is the default."""
    sim = member.graph.simulator
    yield Fact("simulator dt", float(member.graph.model.dt if sim is None else sim.dt))
    if sim is not None:
        yield Fact("simulator minibatch_size", int(sim.minibatch_size))
        yield Fact("simulator unroll_simulation", int(sim.unroll))
        yield Fact("simulator device", sim.tensor_graph.device)
        draws = _draws(sim.model.toplevel)
        yield Fact("simulator seed", int(sim.tensor_graph.seed), counts=draws)


def _draws(network: nengo.Network) -> bool:
    """Say whether something in a network is drawn in each simulation."""
    stochastic = nengo.StochasticSpiking | nengo.PoissonSpiking
    ensembles = network.all_ensembles
    processes = [*(node.output for node in network.all_nodes), *(ens.noise for ens in ensembles)]
    return any(isinstance(ensemble.neuron_type, stochastic) for ensemble in ensembles) or any(
        isinstance(process, nengo.Process)
        and process.seed is None
        and not isinstance(process, _STEADY)
        for process in processes
    )
