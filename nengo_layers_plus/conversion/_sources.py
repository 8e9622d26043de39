"""Objects of a network that stand for the inputs of a Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._conversion_error import ConversionError
from nengo_layers_plus.conversion._input_values import keys_of_inputs
from nengo_layers_plus.conversion._named import Entry, Named
from nengo_layers_plus.conversion._plan import Plan
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.layers._layer_call import is_source


def given_sources(model: tf.keras.Model, inputs: Any, plan: Plan) -> Named[Any]:
    """
    Return the object given for each input of a model, None where a Node is to be made.

    Parameters
    ----------
    model : tf.keras.Model
        The model.
    inputs : None, NengoObject, list or Mapping
        As given to `from_keras`.
    plan : Plan
        The plan of the model.

    Raises
    ------
    ConversionError
        If an object can't be the source of an input.
    """
    sources = name_sources(model, plan, [None] * len(plan.shapes))
    if inputs is None:
        return sources
    known = ", ".join(map(sources.describe, sources))
    if isinstance(inputs, Mapping):
        by_name: dict[str, Any] = {}
        for key, source in inputs.items():
            name = sources.only_name_of(key, "inputs")
            if name is None:
                raise ConversionError(f"inputs: the model has no input {key!r}; it has {known}")
            if name in by_name:
                raise ConversionError(f"inputs: {sources.describe(name)} is given twice")
            by_name[name] = source
        given = [by_name.get(name) for name in sources]
    else:
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        if len(given) != len(sources):
            raise ConversionError(
                f"inputs: expected {len(sources)} objects, for {known}, got {len(given)}"
            )
    if not nengo.Network.context:
        raise ConversionError(
            "inputs: objects to take inputs from are in another network; call from_keras inside "
            "`with network:`"
        )
    for source, name, shape in zip(given, sources, plan.shapes, strict=True):
        if source is not None:
            _check_source(source, sources.describe(name), shape)
    return name_sources(model, plan, given)


def name_sources(model: tf.keras.Model, plan: Plan, sources: list[Any]) -> Named[Any]:
    """Make a mapping of the objects for a model's inputs."""
    keys = keys_of_inputs(model) or model.input_names
    return Named(
        "inputs",
        [
            Entry(name, source, tuple(keras_names), (tensor, tensor.node.layer))
            for name, source, tensor, *keras_names in zip(
                plan.flat.input_names, sources, model.inputs, model.input_names, keys, strict=True
            )
        ],
    )


def _check_source(source: Any, name: str, shape: Shape) -> None:
    if not is_source(source):
        raise ConversionError(
            f"inputs: expected a Node, Ensemble, Neurons or TensorNode for {name}, got {source!r}"
        )
    if source.size_out != size_of(shape):
        raise ConversionError(
            f"inputs: {source} puts out {source.size_out} values, while the input {name} of shape "
            f"{shape} takes {size_of(shape)}"
        )
