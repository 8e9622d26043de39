"""The parts of a network that were named to be frozen or to train."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import nengo
from nengo.base import ObjView
from nengo.ensemble import Neurons

from nengo_layers_plus._declared import holds_itself, items_in
from nengo_layers_plus._upstream import nengo_dl, tf, with_sublayers
from nengo_layers_plus.graph import NetworkGraph, Parameter
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.layers import BaseLayer, LayerParts, Sequential
from nengo_layers_plus.layers._trainable import without_weights
from nengo_layers_plus.parameters._errors import ParameterError


class ChosenParts:
    """
    The parameters of a network that were named, and how each was.

    Parameters
    ----------
    network : nengo.Network
        The network.
    what : sequence
        CustomLayers, objects of the network, subnetworks, Keras layers, patterns of names, or
        iterables of these.

    Raises
    ------
    ParameterError
        If something is not in the network, or was named itself and has nothing that could train.
    """

    def __init__(self, network: nengo.Network, what: Sequence[Any]) -> None:
        self.graph = NetworkGraph(network)
        self.explicit: set[Parameter] = set()
        """Weights of connections that were named themselves."""
        self.by_network: dict[Parameter, bool] = {}
        """What was chosen, and whether nothing but a network around it was named."""
        self.layers: dict[Any, bool] = {}
        """Keras layers that were chosen, with all within them, and whether by a network alone."""
        self.named_weights: dict[Parameter, str] = {}
        """Weights of Keras layers that patterns mean, and the pattern."""
        parts = list(_flatten(what))
        if not parts:
            raise ParameterError(
                "expected what to change: layers, objects, subnetworks, Keras layers, or patterns "
                f'of names; "*" means all of {network}'
            )
        for part in parts:
            self._choose(part)
        self._choose_layers_of_names()

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What was chosen, in the order data flows."""
        return self._where(lambda parameter: parameter in self.by_network)

    def of_kind(self, *kinds: str) -> tuple[Parameter, ...]:
        """Return what was chosen of some kinds."""
        return tuple(parameter for parameter in self.parameters if parameter.kind in kinds)

    def _where(self, condition: Callable[[Parameter], bool]) -> tuple[Parameter, ...]:
        return tuple(filter(condition, self.graph.parameters))

    def _choose(self, what: Any) -> None:
        if isinstance(what, str):
            self._choose_names(what)
        elif isinstance(what, BaseLayer):
            self._choose_layer(what)
        elif isinstance(what, nengo.Network):
            self._choose_network(what)
        elif isinstance(what, tf.keras.layers.Layer):
            self._choose_keras(what)
            self._check_any(what, self._of_keras(what))
        elif isinstance(what, nengo.Connection):
            self._check_inside(what)
            if (problem := without_weights(what)) is not None:
                raise ParameterError(problem)
            chosen = self._of(what)
            self._add(chosen)
            self.explicit.update(chosen)
        elif isinstance(what, nengo.Ensemble | Neurons | nengo.Node | nengo.Probe | ObjView):
            self._check_inside(what)
            self._check_any(what, self._add_object(what))
        else:
            raise ParameterError(
                "expected a CustomLayer, an object or subnetwork of the network, a Keras layer, a "
                f"pattern of names, or an iterable of these, got {what!r}"
            )

    # kinds of things

    def _choose_layer(self, layer: BaseLayer) -> None:
        calls = [parts for parts in layer.calls if self._is_inside(parts.output)]
        if not calls and isinstance(layer, Sequential):  # a slice of one that was called
            for element in layer:
                self._choose_layer(element)
        elif not calls:
            raise ParameterError(
                f"{layer} was not called in {self.graph.network}; name a layer that was, or an "
                "object of the network"
            )
        for call in calls:
            for parts in (call, *call.leaves):
                self._choose_parts(parts)

    def _choose_parts(self, parts: LayerParts) -> None:
        for obj in (*parts.connections, *parts.added.values()):
            if isinstance(obj, nengo.Connection):
                self._add(self._of(obj))
        own = parts.node if parts.ensemble is None else parts.ensemble
        self._add_object(parts.output if own is None else own)

    def _choose_network(self, network: nengo.Network) -> None:
        if network is not self.graph.network:
            self._check_inside(network)
        inside = {*network.all_objects}
        self._add(self._where(lambda parameter: parameter.obj in inside), by_network=True)
        for node in network.all_nodes:
            if isinstance(getattr(node, "tensor_func", None), tf.keras.layers.Layer):
                self._choose_keras(node.tensor_func, by_network=True)

    def _choose_keras(self, layer: Any, by_network: bool = False) -> None:
        layer = layer_itself(layer)
        if not _is_within(layer, self.keras_layers):
            raise ParameterError(
                f"the Keras layer {layer.name!r} is not used in {self.graph.network}; name one "
                "that is (a network of from_keras has copies of the model's layers: name one of "
                "its `layers`)"
            )
        self.layers[layer] = self.layers.get(layer, True) and by_network
        self._add(self._of_keras(layer), by_network=by_network)

    def _choose_names(self, pattern: str) -> None:
        objects = [item.obj for item in self.graph.objects if fnmatchcase(item.name, pattern)]
        chosen = [parameter for obj in objects for parameter in self._add_object(obj)]
        named = self._where(lambda parameter: self._has_name(parameter, pattern))
        if not objects and not named:
            raise ParameterError(self._no_such_name(pattern))
        self._add(named)
        for parameter in named:
            if parameter.kind == "Keras weights":
                self.named_weights[parameter] = pattern
            elif parameter.kind == "connection weights" and parameter.obj not in objects:
                target = self.graph[parameter.obj.post_obj].obj
                if not any(target is obj for obj in objects):
                    self.explicit.add(parameter)
        if not chosen and all(parameter.kind == "Keras state" for parameter in named):
            raise ParameterError(
                f"{pattern!r} means {_join(self.graph[obj].name for obj in objects)}, of which "
                "nothing could train"
                if objects
                else f"{pattern!r} means values that Keras layers keep by themselves, such as "
                "moving averages; name the weights of these layers"
            )

    # names

    def _choose_layers_of_names(self) -> None:
        """Choose the Keras layers that hold what patterns mean, if they mean all of it."""
        for parameter, pattern in self.named_weights.items():
            layer = parameter.holder
            if _is_within(layer, self.layers):
                continue
            of_layer = self._of_keras(layer)
            left_out = [weight.name for weight in of_layer if weight not in self.by_network]
            if left_out:
                meant = [weight.name for weight in of_layer if weight in self.named_weights]
                raise ParameterError(
                    f"{pattern!r} means {_join(meant)} and not {_join(left_out)}, but what of a "
                    f"Keras layer trains is set for all of its weights; name all of "
                    f"{layer.name!r}, or leave it out"
                )
            self.layers[layer] = False

    def _has_name(self, parameter: Parameter, pattern: str) -> bool:
        name = parameter.name
        if parameter.kind == "connection weights" and "->" not in pattern:
            # those of the connection into an object go with the name of that object
            name = name.partition("->")[2]
        return fnmatchcase(name, pattern)

    def _no_such_name(self, pattern: str) -> str:
        names = [item.name for item in self.graph.objects]
        names += [parameter.name for parameter in self.graph.parameters]
        near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
        hint = f"; the nearest names are {_join(near)}" if near else ""
        return (
            f"no object or parameter of {self.graph.network} has a name like {pattern!r}{hint}. "
            "print(graph.what_trains(network)) lists the names of parameters"
        )

    # parameters

    @property
    def keras_layers(self) -> list[Any]:
        """The Keras layers in the nodes of the network."""
        functions = (getattr(item.obj, "tensor_func", None) for item in self.graph.objects)
        return [layer for layer in functions if isinstance(layer, tf.keras.layers.Layer)]

    def _of(self, obj: Any) -> tuple[Parameter, ...]:
        return self._where(lambda parameter: parameter.obj is obj)

    def _of_keras(self, layer: Any) -> tuple[Parameter, ...]:
        within = {id(inner) for inner in with_sublayers(layer_itself(layer))}
        return self._where(lambda p: p.kind == "Keras weights" and id(p.holder) in within)

    def _add_object(self, obj: Any) -> tuple[Parameter, ...]:
        """Choose what belongs to an object itself; of neurons their biases."""
        obj = obj.obj if isinstance(obj, ObjView) else obj
        if isinstance(obj, Neurons):
            chosen = tuple(p for p in self._of(obj.ensemble) if p.kind == "bias")
        elif isinstance(getattr(obj, "tensor_func", None), tf.keras.layers.Layer):
            chosen = self._of_keras(obj.tensor_func)
            self._choose_keras(obj.tensor_func)
        else:
            chosen = self._of(obj)
        self._add(chosen)
        return chosen

    def _add(self, parameters: Iterable[Parameter], by_network: bool = False) -> None:
        for parameter in parameters:
            if parameter.kind != "Keras state":
                self.by_network[parameter] = self.by_network.get(parameter, True) and by_network

    # checks

    def _is_inside(self, obj: Any) -> bool:
        try:
            self.graph.path(obj)
        except KeyError:
            return False
        return True

    def _check_inside(self, obj: Any) -> None:
        if not self._is_inside(obj):
            raise ParameterError(f"{obj} is not in {self.graph.network}")

    def _check_any(self, what: Any, parameters: Sequence[Parameter]) -> None:
        if not parameters:
            is_layer = isinstance(what, tf.keras.layers.Layer)
            raise ParameterError(
                f"{f'the Keras layer {what.name!r}' if is_layer else what} has nothing that could "
                "train; of ensembles these are biases and encoders, of connections weights, of "
                "TensorNodes the weights of Keras layers"
            )


def _is_within(layer: Any, tops: Iterable[Any]) -> bool:
    return any(layer is inner for top in tops for inner in with_sublayers(top))


def _flatten(what: Any) -> Iterator[Any]:
    """Yield single things from iterables of them; some objects of nengo look like iterables."""
    single = (
        str,
        BaseLayer,
        ObjView,
        Neurons,
        nengo.base.NengoObject,
        nengo.Network,
        nengo_dl.Simulator,
        tf.keras.layers.Layer,
        # which say that they are iterable, and some are not
        tf.Tensor,
        tf.Variable,
    )
    if holds_itself(what):
        raise ParameterError(f"a list that is in itself has no end: {what!r}")
    # not by recursion: what is nested may be deep
    waiting = [iter(what)]
    while waiting:
        for part in waiting[-1]:
            items = None if isinstance(part, single) else items_in(part)
            if items is None:
                yield part
                continue
            waiting.append(iter(items))
            break
        else:
            waiting.pop()


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)
