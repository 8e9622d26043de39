"""Making one network like another in one respect."""

from __future__ import annotations

import copy
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.exceptions import ReadonlyError

from nengo_layers_plus._upstream import made_like, nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.graph._keras_layers import keras_layer_of
from nengo_layers_plus.introspection._comparison._differing import Cause, Extra, Pair
from nengo_layers_plus.introspection._keras_config import (
    holder_of,
    is_users_function,
    take_over,
)
from nengo_layers_plus.introspection._network_copy import NetworkCopy
from nengo_layers_plus.layers._layer_wrapper import LayerWrapper, weights_stay

# they decide what a training does, and nothing before it
_WITHOUT_EFFECT = (" trains", " gets a gradient")


def has_no_effect(cause: Cause) -> bool:
    """Say whether a difference leaves the outputs of a network as it is alone."""
    return not isinstance(cause, Extra) and cause[1].endswith(_WITHOUT_EFFECT)


def can_undo(cause: Cause) -> bool:
    """Say whether there is a way to undo a difference by itself."""
    if isinstance(cause, Extra):
        return False
    pair, name = cause
    fact, _ = pair.differing[name]
    if pair.prefix:
        return pair.prefix == "network."
    return bool(fact.attributes or fact.parameters)


def has_to_follow(cause: tuple[Pair, str]) -> bool:
    """Say whether what follows from a difference has to be undone with it: what says sizes does."""
    pair, name = cause
    fact, _ = pair.differing[name]
    sizes = fact.group == "shape" or fact.follows_input or name == "post slice"
    return sizes and not name.endswith(" values") and can_undo(cause)


def undo(cause: Cause, graph_a: NetworkGraph, a: NetworkCopy, b: NetworkCopy) -> None:
    """
    Give an object of a copy of the second network what that of the first has.

    Parameters
    ----------
    cause : tuple of Pair and str
        What is to be undone.
    graph_a : NetworkGraph
        The first network.
    a : NetworkCopy
        A copy of the first network, which may be taken apart.
    b : NetworkCopy
        The copy of the second that is changed.
    """
    assert not isinstance(cause, Extra)
    pair, name = cause
    fact, _ = pair.differing[name]
    if pair.prefix:
        _undo_setting(name, fact.value, graph_a, b)
        return
    source, target = a[pair.objects[0]], b[pair.objects[1]]
    if name == "seed":
        target.seed = graph_a.model.seeds[pair.objects[0]]
    elif name.startswith("neuron type."):
        parameter = name.partition(".")[2]
        target.neuron_type = _with(
            target.neuron_type, parameter, getattr(source.neuron_type, parameter)
        )
    elif name.startswith("layer.") and "tensor_func" in fact.attributes:
        argument = name.removeprefix("layer.")
        if any(is_users_function(each.value) for each in pair.differing[name]):
            _set_users_function(argument, source, target)
        else:
            _set_function(target, _function_with(argument, source, target))
    elif "tensor_func" in fact.attributes:
        _set_function(target, source.tensor_func)
    elif name in ("pre slice", "post slice"):
        end = name.partition(" ")[0]
        whole, view = getattr(target, f"{end}_obj"), getattr(source, end)
        _set(target, end, whole[view.slice] if isinstance(view, ObjView) else whole)
    elif name == "shape in":
        target.shape_in = source.shape_in
        _set_function(target, target.tensor_func)
    else:
        for attribute in fact.attributes:
            _set(target, attribute, getattr(source, attribute))
        if "learning_rule_type" in fact.attributes:
            _renew_learning_rules(b.network, target)


def _undo_setting(name: str, value: Any, graph_a: NetworkGraph, b: NetworkCopy) -> None:
    if name == "seed":
        b.network.seed = graph_a.model.seeds[graph_a.network]
        return
    with b.network:
        nengo_dl.configure_settings(**{name: value})


def _set(obj: Any, name: str, value: Any) -> None:
    """Set an attribute of a copy; some can't be set in a network, where others rely on them."""
    try:
        setattr(obj, name, value)
    except ReadonlyError:
        getattr(type(obj), name).data[obj] = value


def _renew_learning_rules(network: nengo.Network, learning: nengo.Connection) -> None:
    """Have what leads into, or reads, the learning rule of a connection know that it is another."""
    for connection in network.all_connections:
        rule = connection.post_obj
        if isinstance(rule, LearningRule) and rule.connection is learning:
            rule.learning_rule_type = learning.learning_rule_type
    for probe in network.all_probes:
        if isinstance(probe.obj, LearningRule) and probe.obj.connection is learning:
            probe.obj.learning_rule_type = learning.learning_rule_type


def _with(frozen: Any, name: str, value: Any) -> Any:
    """Return a copy of a frozen object with another value of a parameter."""
    state = frozen.__getstate__()
    new = copy.copy(frozen)
    new.__setstate__({**state, name: value})
    return new


def _set_users_function(argument: str, source: Any, target: Any) -> None:
    """Give the Keras layer of one node a function of that of another one."""
    held, name = holder_of(keras_layer_of(source), argument)
    holder, _ = holder_of(keras_layer_of(target), argument)
    setattr(holder, name, getattr(held, name))


def _function_with(argument: str, source: Any, target: Any) -> Any:
    """Return a Keras layer like that of one node, with one argument of another, for the first."""
    mine, other = keras_layer_of(target), keras_layer_of(source)
    config, others = (copy.deepcopy(each.get_config()) for each in (mine, other))
    take_over(argument, others, config)
    layer = made_like(mine, config)
    wrapper = target.tensor_func if isinstance(target.tensor_func, LayerWrapper) else None
    function = layer if wrapper is None else LayerWrapper(layer, wrapper.shapes)
    if weights_stay(target):
        weights = mine.get_weights()
        function.build((None, *target.shape_in))
        if [each.shape for each in layer.weights] == [each.shape for each in weights]:
            layer.set_weights(weights)
    return function


def _set_function(node: nengo.Node, function: Any) -> None:
    node.shape_out = None  # it is found out anew
    node.tensor_func = function
