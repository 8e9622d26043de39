"""Builds the objects of a network from the plan of a Keras model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.neurons import NeuronType

from nengo_layers_plus._upstream import nengo_dl, operation_of, tf
from nengo_layers_plus.conversion._keras_network import KerasNetwork, keys_of_inputs
from nengo_layers_plus.conversion._layer_names import ConversionError, Entry, Named
from nengo_layers_plus.conversion._plan import Plan, Step
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.layers import CustomLayer, LayerContext, Trainable
from nengo_layers_plus.layers._layer_call import is_source
from nengo_layers_plus.layers._layer_func import LayerWrapper


class InferenceWrapper(LayerWrapper):
    """Applies a Keras layer as in inference, also while the network trains."""

    def call(self, values: tf.Tensor, training: Any = None) -> tf.Tensor:
        """Apply the layer."""
        return super().call(values, training=False)


class ConvertedLayer(CustomLayer):
    """
    A layer that applies a Keras layer which is built, and keeps it so.

    A Simulator of nengo_dl makes the weights of a Keras layer anew. Layers that keep their
    weights in lists, or derive something from them, come out of it as others.

    Parameters
    ----------
    layer_func : tf.keras.layers.Layer
        The layer.
    inference : bool
        Whether it is applied as in inference always.
    **kwargs
        Arguments of `CustomLayer`.
    """

    def __init__(self, layer_func: Any, *, inference: bool = False, **kwargs: Any) -> None:
        super().__init__(layer_func, **kwargs)
        self.inference = inference

    def make_layer_func(self, context: LayerContext) -> Any:
        """Return what keeps the layer as it is."""
        if isinstance(context.input, tuple):
            return self.layer_func  # several inputs: is kept by what joins them
        return (InferenceWrapper if self.inference else LayerWrapper)(self.layer_func)


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


class NetworkBuilder:
    """
    Builds the objects of a network from the plan of a Keras model.

    Parameters
    ----------
    model : tf.keras.Model
        The model.
    plan : Plan
        Its plan.
    neuron_types : Mapping
        Neurons in place of those of the plan, by the name of the layer.
    scales : Mapping
        Gains of neurons, by the name of the layer.
    synapse : float, nengo.synapses.Synapse or None
        Filter on the output of all neurons.
    """

    def __init__(
        self,
        model: tf.keras.Model,
        plan: Plan,
        *,
        neuron_types: Mapping[str, NeuronType],
        scales: Mapping[str, float],
        synapse: Any,
    ) -> None:
        self.model = model
        self.plan = plan
        self.neuron_types = neuron_types
        self.scales = scales
        self.synapse = synapse
        self._layers: dict[int, CustomLayer] = {}
        self._neurons: dict[int, CustomLayer] = {}

    def build(self, net: nengo.Network, sources: Mapping[str, Any]) -> KerasNetwork:
        """
        Build the objects in a network.

        Parameters
        ----------
        net : nengo.Network
            The network, whose context is entered.
        sources : Mapping
            The object for each input of the model, None where a Node is to be made.
        """
        if self.plan.dtype != "float32":
            nengo_dl.configure_settings(dtype=self.plan.dtype)
        inputs = self._make_inputs(sources)
        values = dict(zip(self.plan.flat.inputs, inputs, strict=True))
        for step in self.plan.steps:
            self._add_layers(step)
            values[step.call.output] = self._apply(
                step, [values[number] for number in step.call.inputs]
            )
        return KerasNetwork(
            self.model,
            net,
            name_sources(self.model, self.plan, inputs),
            self._make_outputs(values),
            self.plan.name_layers("layers", self._layers),
            self.plan.name_layers("layers with neurons", self._neurons),
        )

    # inputs and outputs

    def _make_inputs(self, sources: Mapping[str, Any]) -> list[Any]:
        return [
            nengo.Node(np.zeros(size_of(shape)), label=name) if source is None else source
            for (name, source), shape in zip(sources.items(), self.plan.shapes, strict=True)
        ]

    def _make_outputs(self, values: Mapping[int, Any]) -> Named[nengo.Probe]:
        entries = []
        makers = [tensor.node.layer for tensor in self.model.outputs]
        for name, keras_name, tensor, number in zip(
            self.plan.flat.output_names,
            self.model.output_names,
            self.model.outputs,
            self.plan.flat.outputs,
            strict=True,
        ):
            obj = values[number]
            probe = nengo.Probe(obj, synapse=self._behind(obj), label=f"{name}.probe")
            maker = tensor.node.layer
            objects = (tensor, maker) if makers.count(maker) == 1 else (tensor,)
            entries.append(Entry(name, probe, (keras_name,), objects))
        return Named("outputs", entries)

    # layers

    def _add_layers(self, step: Step) -> None:
        """Make the layers of a Keras layer, unless it was called before."""
        key, name = id(step.call.layer), step.call.path
        if key in self._layers:
            return
        if step.applies is None:
            self._layers[key] = self._neuron_layer(step, name)
        elif isinstance(step.applies, tf.keras.layers.Layer):
            self._layers[key] = ConvertedLayer(step.applies, inference=step.inference, label=name)
        else:
            self._layers[key] = CustomLayer(step.applies, label=name)
        if step.neuron_type is not None:
            self._neurons[key] = (
                self._layers[key]
                if step.applies is None
                else self._neuron_layer(step, f"{name}.neurons")
            )

    def _neuron_layer(self, step: Step, label: str) -> CustomLayer:
        name = step.call.path
        return CustomLayer(
            self.neuron_types.get(name, step.neuron_type),
            ensemble_kwargs={"gain": self.scales.get(name, 1.0), "bias": 0.0},
            trainable=Trainable(bias=False),
            label=label,
        )

    def _apply(self, step: Step, sources: list[Any]) -> Any:
        """Call the layers of a Keras layer on what that is called on."""
        layer = self._layers[id(step.call.layer)]
        neurons = self._neurons.get(id(step.call.layer), layer)
        synapses = [self._behind(source) for source in sources]
        several = len(sources) > 1 or (
            step.call.several and operation_of(step.call.layer) is None and step.applies is not None
        )
        if several:
            obj = layer(sources, shape_in=list(step.shapes), synapse=synapses)
        else:
            obj = layer(sources[0], shape_in=step.shapes[0], synapse=synapses[0])
        return obj if neurons is layer else neurons(obj, shape_in=layer.calls[-1].shape_out)

    def _behind(self, source: Any) -> Any:
        """Return the synapse on the way from an object."""
        return self.synapse if isinstance(source, Neurons) else None
