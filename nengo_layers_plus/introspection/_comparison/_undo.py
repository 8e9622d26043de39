"""Giving an object of one network what that of another has, in one respect."""

from __future__ import annotations

import copy
from typing import Any

from nengo.base import ObjView
from nengo.connection import LearningRule
from nengo.exceptions import ReadonlyError

from nengo_layers_plus._upstream import made_like, nengo_dl
from nengo_layers_plus.graph._keras_layers import keras_layer_of
from nengo_layers_plus.introspection._comparison._fact import Undo
from nengo_layers_plus.introspection._keras_config import holder_of, is_users_function, take_over
from nengo_layers_plus.layers._layer_func import LayerWrapper, weights_stay


def undo_difference(undo: Undo) -> None:
    """Undo a difference as the row of its fact says; one of parameters alone is not undone here."""
    fact, _ = undo.facts
    how = fact.row.undo
    if callable(how):
        how(undo)
    elif how is not None:
        for name in how or (fact.name,):
            _set(undo.target, name, getattr(undo.source, name))


def undo_seed(undo: Undo) -> None:
    """Take over the seed that was drawn for the object of the first network."""
    undo.target.seed = undo.facts[0].value


def undo_neuron_parameter(undo: Undo) -> None:
    """Take over one parameter of the neuron type."""
    name = undo.facts[0].name.partition(".")[2]
    own = undo.target.neuron_type
    new = copy.copy(own)
    new.__setstate__({**own.__getstate__(), name: getattr(undo.source.neuron_type, name)})
    undo.target.neuron_type = new


def undo_learning_rule(undo: Undo) -> None:
    """Take over learning rules, and have what leads into them or reads them know that."""
    own = undo.target
    _set(own, "learning_rule_type", undo.source.learning_rule_type)
    network = undo.network
    rules = [each.post_obj for each in network.all_connections]
    for rule in (*rules, *(each.obj for each in network.all_probes)):
        if isinstance(rule, LearningRule) and rule.connection is own:
            rule.learning_rule_type = own.learning_rule_type


def undo_slice(undo: Undo) -> None:
    """Connect from or to the same part of an object."""
    end = undo.facts[0].name.partition(" ")[0]
    whole, view = getattr(undo.target, f"{end}_obj"), getattr(undo.source, end)
    _set(undo.target, end, whole[view.slice] if isinstance(view, ObjView) else whole)


def undo_shape_in(undo: Undo) -> None:
    """Have a TensorNode see its input in the same shape."""
    undo.target.shape_in = undo.source.shape_in
    _set_function(undo.target, undo.target.tensor_func)


def undo_function(undo: Undo) -> None:
    """Take over the function or the Keras layer of a TensorNode."""
    _set_function(undo.target, undo.source.tensor_func)


def undo_layer_argument(undo: Undo) -> None:
    """Take over one argument of a Keras layer, or of one within it."""
    argument = undo.facts[0].name.removeprefix("layer.")
    layer, other = keras_layer_of(undo.target), keras_layer_of(undo.source)
    if any(is_users_function(fact.value) for fact in undo.facts):
        (held, name), (holder, _) = holder_of(other, argument), holder_of(layer, argument)
        setattr(holder, name, getattr(held, name))
        return
    config, others = (copy.deepcopy(each.get_config()) for each in (layer, other))
    take_over(argument, others, config)
    new = function = made_like(layer, config)
    if isinstance(undo.target.tensor_func, LayerWrapper):
        function = LayerWrapper(new, undo.target.tensor_func.shapes)
    if weights_stay(undo.target):
        weights = layer.get_weights()
        function.build((None, *undo.target.shape_in))
        if [each.shape for each in new.weights] == [each.shape for each in weights]:
            new.set_weights(weights)
    _set_function(undo.target, function)


def undo_network_seed(undo: Undo) -> None:
    """Take over the seed of the first network, or the one that it was built with."""
    undo.target.seed = undo.graph.model.seeds[undo.graph.network]


def undo_setting(undo: Undo) -> None:
    """Take over a setting of nengo_dl."""
    fact, _ = undo.facts
    with undo.network:
        nengo_dl.configure_settings(**{fact.name.removeprefix("network "): fact.value})


def _set(obj: Any, name: str, value: Any) -> None:
    """Set an attribute of a copy; some can't be set in a network, where others rely on them."""
    try:
        setattr(obj, name, value)
    except ReadonlyError:
        getattr(type(obj), name).data[obj] = value


def _set_function(node: Any, function: Any) -> None:
    node.shape_out = None  # it is found out anew
    node.tensor_func = function
