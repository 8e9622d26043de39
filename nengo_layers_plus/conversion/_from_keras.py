"""Makes networks of Keras models."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import nengo
import numpy as np
from nengo.base import NengoObject, ObjView
from nengo.ensemble import Neurons
from nengo.neurons import NeuronType
from nengo.synapses import Synapse

from nengo_layers_plus._upstream import nengo_dl, operation_of, tf
from nengo_layers_plus.conversion._conversion_error import ConversionError
from nengo_layers_plus.conversion._converted_layer import ConvertedLayer
from nengo_layers_plus.conversion._keras_network import KerasNetwork
from nengo_layers_plus.conversion._named import Named
from nengo_layers_plus.conversion._neuron_choice import NeuronChoice
from nengo_layers_plus.conversion._plan import Plan, Step
from nengo_layers_plus.conversion._scales import read_scales, scale_amplitude, warn_of_skew
from nengo_layers_plus.graph import size_of
from nengo_layers_plus.layers import CustomLayer, Trainable

# neurons are immutable, so that one can be a default
_RATES = nengo.RectifiedLinear()


def from_keras(
    model: tf.keras.Model,
    neuron: NeuronType | Mapping[Any, Any] = _RATES,
    *,
    synapse: float | Synapse | None = None,
    scale_firing_rates: float | Mapping[Any, float] | None = None,
    inputs: Any = None,
) -> KerasNetwork:
    """
    Make a network of a Keras model, with its weights, and neurons for its activations.

    Every Keras layer becomes a `CustomLayer` that applies a copy of it, so that all kinds of
    layers, branches, shared layers and models within the model are possible. Every activation
    for which neurons stand becomes a second `CustomLayer` of these neurons. With the default,
    neurons that put out rates, the network's output is that of the model.

    Parameters
    ----------
    model : tf.keras.Model
        A functional or Sequential model. It is never changed.
    neuron : nengo.neurons.NeuronType or Mapping
        The neurons that stand for every ``relu``, by default `nengo.RectifiedLinear`. Or a
        mapping from activations to neurons, to other activations, or to None, which keeps the
        Keras function. An activation is given by its name (``"relu"``, ``"tanh"``,
        ``"leaky_relu"``), its function (``tf.nn.relu``) or, for layers that are one, by their
        class (``tf.keras.layers.PReLU``). ``{SomeLayer: None}`` keeps layers of a class with
        all that is in them.

        Without being mapped, a sigmoid becomes `nengo.Sigmoid`, a tanh `nengo.Tanh` and a leaky
        ReLU `nengo_dl.LeakyReLU`, or `nengo_dl.SpikingLeakyReLU` if ``neuron`` spikes. Where
        nothing but an output of the model follows, every activation but ``relu`` is kept.
    synapse : float, nengo.synapses.Synapse or None
        Filter on the output of all neurons, on the way to other layers and to probes: a time
        constant in seconds, a synapse, or None.
    scale_firing_rates : float or Mapping, optional
        The input of the neurons is multiplied by it, and their output divided by it: the rates of
        spiking neurons rise, and each spike counts less. A number for all neurons, or a mapping
        from Keras layers or their names to numbers.
    inputs : NengoObject, list or dict, optional
        Objects to take the model's inputs from, in place of new Nodes; for several inputs a list,
        or a dict by the names of the input layers. They must be in a network around the call.

    Returns
    -------
    converted : KerasNetwork
        The network, and what of it stands for which part of the model.

    Raises
    ------
    ConversionError
        If the network would not do what the model does, or an argument can't be used. It names
        the layer, and what to do. Nothing is built then.

    Notes
    -----
    The biases of the neurons are 0 and do not train: the biases of the model are those of its
    Keras layers, so that as many values train as in the model.

    Called inside a ``with network:`` block it adds the network as a subnetwork.

    Examples
    --------
    >>> import nengo
    >>> import numpy as np
    >>> import tensorflow as tf
    >>> from nengo_layers_plus import from_keras, nengo_dl
    >>> tf.keras.utils.set_random_seed(0)
    >>> model = tf.keras.Sequential(
    ...     [
    ...         tf.keras.Input((8, 8, 1)),
    ...         tf.keras.layers.Conv2D(4, 3, activation="relu", name="conv1"),
    ...         tf.keras.layers.Flatten(),
    ...         tf.keras.layers.Dense(10, activation="softmax", name="digit"),
    ...     ]
    ... )
    >>> images = np.random.RandomState(0).uniform(0, 1, (5, 8, 8, 1))
    >>> from_keras(model).verify(images)["digit"] < 1e-5
    True

    A network of spiking neurons, with rates 100 times as high as the values of the model:

    >>> spiking = from_keras(
    ...     model, nengo.SpikingRectifiedLinear(), scale_firing_rates=100, synapse=0.005
    ... )
    >>> with nengo_dl.Simulator(spiking.net, minibatch_size=5, progress_bar=False) as sim:
    ...     output = sim.predict(spiking.present(images, n_steps=20), verbose=0)[spiking.output]
    >>> output.shape
    (5, 20, 10)
    """
    choice = NeuronChoice(neuron)
    _check_synapse(synapse)
    plan = Plan(model, choice)
    with_neurons = {
        step.call.path: (step.call.layer, step.neuron_type)
        for step in plan.steps
        if step.neuron_type is not None
    }
    scales = read_scales(
        scale_firing_rates, {name: layer for name, (layer, _) in with_neurons.items()}
    )
    neuron_types = {
        name: scale_amplitude(with_neurons[name][1], scale, name) for name, scale in scales.items()
    }
    sources = _given_sources(model, inputs, plan)
    _check_dtype(plan.dtype)
    choice.warn_of_unused()
    warn_of_skew({name: (with_neurons[name][1], scale) for name, scale in scales.items()})

    around = nengo.Network.context[-1] if nengo.Network.context else None
    net = nengo.Network(label=model.name)
    try:
        with net:
            return _build(model, net, plan, sources, neuron_types, scales, synapse)
    except BaseException:
        if around is not None:
            around.networks.remove(net)
        raise


def _build(
    model: tf.keras.Model,
    net: nengo.Network,
    plan: Plan,
    sources: Sequence[Any],
    neuron_types: Mapping[str, NeuronType],
    scales: Mapping[str, float],
    synapse: Any,
) -> KerasNetwork:
    if plan.dtype != "float32":
        nengo_dl.configure_settings(dtype=plan.dtype)
    sources = [
        nengo.Node(np.zeros(size_of(shape)), label=name) if source is None else source
        for source, shape, name in zip(sources, plan.shapes, model.input_names, strict=True)
    ]
    values = dict(zip(plan.flat.inputs, sources, strict=True))
    layers: dict[int, tuple[str, Any, CustomLayer]] = {}
    neurons: dict[int, tuple[str, Any, CustomLayer]] = {}
    for step in plan.steps:
        call = step.call
        key, name = id(call.layer), call.path
        if key not in layers:
            first = _first_layer(step, neuron_types, scales)
            second = first
            if step.neuron_type is not None and step.applies is not None:
                second = _neuron_layer(step, f"{name}.neurons", neuron_types, scales)
            layers[key] = (name, call.layer, first)
            if step.neuron_type is not None:
                neurons[key] = (name, call.layer, second)
        obj = _apply(layers[key][2], step, [values[number] for number in call.inputs], synapse)
        if key in neurons and neurons[key][2] is not layers[key][2]:
            shape = layers[key][2].calls[-1].shape_out
            obj = neurons[key][2](obj, shape_in=shape)
        values[call.output] = obj
    outputs = [
        (
            name,
            tensor,
            nengo.Probe(
                values[number], synapse=_behind(values[number], synapse), label=f"{name}.probe"
            ),
        )
        for name, tensor, number in zip(
            model.output_names, model.outputs, plan.flat.outputs, strict=True
        )
    ]
    return KerasNetwork(
        model,
        net,
        Named("inputs", list(zip(model.input_names, model.inputs, sources, strict=True))),
        Named("outputs", outputs),
        Named("layers", list(layers.values())),
        Named("layers with neurons", list(neurons.values())),
    )


def _first_layer(
    step: Step, neuron_types: Mapping[str, NeuronType], scales: Mapping[str, float]
) -> CustomLayer:
    name = step.call.path
    if step.applies is None:
        return _neuron_layer(step, name, neuron_types, scales)
    if isinstance(step.applies, tf.keras.layers.Layer):
        return ConvertedLayer(step.applies, inference=step.inference, label=name)
    return CustomLayer(step.applies, label=name)


def _neuron_layer(
    step: Step, label: str, neuron_types: Mapping[str, NeuronType], scales: Mapping[str, float]
) -> CustomLayer:
    name = step.call.path
    return CustomLayer(
        neuron_types.get(name, step.neuron_type),
        ensemble_kwargs={"gain": scales.get(name, 1.0), "bias": 0.0},
        trainable=Trainable(bias=False),
        label=label,
    )


def _apply(layer: CustomLayer, step: Step, sources: list[Any], synapse: Any) -> Any:
    """Call a layer on what its Keras layer is called on."""
    synapses = [_behind(source, synapse) for source in sources]
    several = len(sources) > 1 or (
        step.call.several and operation_of(step.call.layer) is None and step.applies is not None
    )
    if several:
        return layer(sources, shape_in=list(step.shapes), synapse=synapses)
    return layer(sources[0], shape_in=step.shapes[0], synapse=synapses[0])


def _behind(source: Any, synapse: Any) -> Any:
    """Return the synapse on the way from an object."""
    is_neurons = isinstance(source, Neurons)
    return synapse if is_neurons else None


def _check_synapse(synapse: Any) -> None:
    is_number = isinstance(synapse, numbers.Real) and not isinstance(synapse, bool)
    if not (synapse is None or isinstance(synapse, Synapse) or (is_number and synapse >= 0)):
        raise ConversionError(
            "synapse: expected None, a time constant in seconds or a nengo synapse, got "
            f"{synapse!r}"
        )


def _check_dtype(dtype: str) -> None:
    if dtype == "float32" or not nengo.Network.context:
        return
    outermost = nengo.Network.context[0]
    params = outermost.config.params.get(nengo.Network)
    if getattr(params, "dtype", None) != dtype:
        raise ConversionError(
            f"the model computes in {dtype}, and the network around it would be simulated in "
            f"float32; write nengo_dl.configure_settings(dtype={dtype!r}) in the outermost network"
        )


def _given_sources(model: tf.keras.Model, inputs: Any, plan: Plan) -> list[Any]:
    """Return the object given for each input of the model, None where a Node is to be made."""
    names = model.input_names
    if inputs is None:
        return [None] * len(names)
    if isinstance(inputs, Mapping):
        unknown = [name for name in inputs if name not in names]
        if unknown:
            raise ConversionError(
                f"inputs: the model has no input {unknown[0]!r}; it has {', '.join(names)}"
            )
        given = [inputs.get(name) for name in names]
    else:
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        if len(given) != len(names):
            raise ConversionError(
                f"inputs: expected {len(names)} objects, for {', '.join(names)}, got {len(given)}"
            )
    if not nengo.Network.context:
        raise ConversionError(
            "inputs: objects to take inputs from are in another network; call from_keras inside "
            "`with network:`"
        )
    for source, name, shape in zip(given, names, plan.shapes, strict=True):
        if source is None:
            continue
        if not isinstance(source, NengoObject | Neurons | ObjView) or isinstance(
            source, nengo.Connection | nengo.Probe
        ):
            raise ConversionError(
                f"inputs: expected a Node, Ensemble, Neurons or TensorNode for {name!r}, got "
                f"{source!r}"
            )
        if source.size_out != size_of(shape):
            raise ConversionError(
                f"inputs: {source} puts out {source.size_out} values, while the input {name!r} of "
                f"shape {shape} takes {size_of(shape)}"
            )
    return given
