"""What trains of the objects of a network, and the numbers that were drawn or learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import NetworkGraph, Parameter
from nengo_layers_plus.graph._keras_layers import (
    layer_itself,
    layers_within,
    name_within_layer,
    names_by_class,
    weights_of,
)
from nengo_layers_plus.graph._parameters import initial_value
from nengo_layers_plus.introspection._comparison._fact import Fact
from nengo_layers_plus.introspection._comparison._object_facts import (
    causes_of_shapes,
    causes_of_values,
    is_decoded,
)
from nengo_layers_plus.layers._layer_wrapper import weights_stay

_CAUSES_OF_TRAINING = (
    "layer.trainable",
    "neuron type.trainable",
    "layer",
    "transform",
    "neuron type",
    "learning rule",
)


def facts_of_parameters(
    graph: NetworkGraph, obj: Any, name: str, parameters: Sequence[Parameter]
) -> Iterator[Fact]:
    """
    Yield what trains of an object, and the values of its parameters where they are known.

    Parameters
    ----------
    graph : NetworkGraph
        The network.
    obj : NengoObject
        The object.
    name : str
        Its name in the graph; that of a connection does not matter.
    parameters : sequence of Parameter
        Those of `NetworkGraph.parameters` that belong to it.
    """
    # to find out may take building a copy of the layer
    holder = next((each.obj for each in parameters), None)
    stay = isinstance(holder, nengo_dl.TensorNode) and weights_stay(holder)
    numbers: Counter[str] = Counter()
    for parameter in parameters:
        number = numbers[parameter.kind]
        numbers[parameter.kind] += 1
        if parameter.kind == "encoders" and not is_decoded(graph, obj):
            continue  # nothing depends on them
        part = _part(parameter, name)
        yield Fact(
            f"{part} trains",
            "training",
            parameter.trainable,
            causes=_CAUSES_OF_TRAINING,
            network_causes=("inference_only",),
            shown=f"{'yes' if parameter.trainable else 'no'} ({parameter.why})",
        )
        yield Fact(
            f"{part} gets a gradient",
            "training",
            parameter.moves,
            causes=(f"{part} trains", "layer", "transform", "neuron type"),
            network_causes=("inference_only",),
            follows_output=True,
            shown=f"{'yes' if parameter.moves else 'no'} ({parameter.why})",
        )
        value = _value(graph, parameter, stay)
        if value is not None:
            yield Fact(
                f"{part} values",
                "weights",
                value,
                causes=causes_of_values(obj),
                shape_causes=causes_of_shapes(obj),
                network_causes=("dtype",),
                follows_input=_is_solved(parameter, value),
                parameters=(parameter.kind,),
                number=number,
            )


def _part(parameter: Parameter, name: str) -> str:
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


def parameters_by_object(graph: NetworkGraph) -> dict[Any, list[Parameter]]:
    """Return the parameters of each object."""
    found: dict[Any, list[Parameter]] = {}
    for parameter in graph.parameters:
        found.setdefault(parameter.obj, []).append(parameter)
    return found


def _is_solved(parameter: Parameter, value: np.ndarray) -> bool:
    """Say whether values are those that were solved for, so that they follow from the neurons."""
    connection = parameter.obj
    if parameter.kind != "connection weights" or not isinstance(connection.pre_obj, nengo.Ensemble):
        return False
    return np.array_equal(initial_value(parameter.source), value)


def _value(graph: NetworkGraph, parameter: Parameter, stay: bool) -> np.ndarray | None:
    if graph.simulator is not None:
        return graph.value(parameter)
    source = parameter.source
    if isinstance(source, tf.Variable):
        # a copy that was built to know the shape holds nothing of the layer's own
        held = any(source is each for each in weights_of(parameter.obj.tensor_func))
        return np.asarray(tf.keras.backend.get_value(source)) if held and stay else None
    return None if source is None else np.asarray(initial_value(source))
