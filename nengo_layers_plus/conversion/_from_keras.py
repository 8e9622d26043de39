"""Networks of Keras models: `from_keras`, and how it builds their objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.ensemble import Neurons
from nengo.neurons import NeuronType
from nengo.synapses import Synapse

from nengo_layers_plus._declared import is_finite
from nengo_layers_plus._upstream import nengo_dl, operation_of, tf
from nengo_layers_plus.conversion._activations import NeuronChoice
from nengo_layers_plus.conversion._keras_network import KerasNetwork, keys_of_inputs
from nengo_layers_plus.conversion._layer_names import (
    ConversionError,
    Entry,
    Named,
    name_of_model,
)
from nengo_layers_plus.conversion._plan import Plan, Step
from nengo_layers_plus.conversion._spikes import scaled_steps, warn_of_skew, warn_of_spikes
from nengo_layers_plus.graph import Shape, size_of
from nengo_layers_plus.layers import CustomLayer, LayerContext, Trainable
from nengo_layers_plus.layers._layer_call import is_source
from nengo_layers_plus.layers._layer_func import LayerWrapper

# neurons are immutable, so that one can be a default
_RATES = nengo.RectifiedLinear()


def from_keras(
    model: tf.keras.Model,
    neuron: NeuronType | Mapping[Any, Any] = _RATES,
    *,
    synapse: float | Synapse | None = None,
    scale_firing_rates: float | Mapping[Any, float] | None = None,
    max_to_avg_pool: bool = False,
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
        from Keras layers or their names, in Keras or in the network, to numbers.
    max_to_avg_pool : bool
        Whether average pooling of the same geometry takes the place of ``MaxPooling`` and
        ``GlobalMaxPooling``, which needs no synapse behind spiking neurons. The network then does
        something else than the model, and should be trained again. ``Maximum`` stays.
    inputs : NengoObject, list or dict, optional
        Objects to take the model's inputs from, in place of new Nodes; for several inputs a list,
        or a dict by the names or Keras layers of the inputs. They must be in a network around the
        call.

    Returns
    -------
    converted : KerasNetwork
        The network, and what of it stands for which part of the model.

    Raises
    ------
    ConversionError
        If the network would not do what the model does, or an argument can't be used. It names
        the layer, and what to do. Nothing is built then.

    Warns
    -----
    UserWarning
        If layers that are not linear get the spikes of neurons, and too few of them fall into the
        time that the synapse averages over: 10 of a neuron with an input of 1, 100 if they are
        random. The mean of a maximum over spikes is many times the maximum of their means.

    Notes
    -----
    The biases of the neurons are 0 and do not train: the biases of the model are those of its
    Keras layers, so that as many values train as in the model.

    Called inside a ``with network:`` block it adds the network as a subnetwork.

    Keras numbers layers without a name as the process makes them: ``dense_7``. In the network
    they are numbered within their model, in its order: ``dense``, ``dense_1``. So the names of
    objects and parameters are the same in every process. Names that you gave stay.

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

    A network of spiking neurons, with rates 250 times as high as the values of the model:

    >>> spiking = from_keras(
    ...     model, nengo.SpikingRectifiedLinear(), scale_firing_rates=250, synapse=0.02
    ... )
    >>> with nengo_dl.Simulator(spiking.net, minibatch_size=5, progress_bar=False) as sim:
    ...     output = sim.predict(spiking.present(images, n_steps=20), verbose=0)[spiking.output]
    >>> output.shape
    (5, 20, 10)
    """
    choice = NeuronChoice(neuron)
    _check_synapse(synapse)
    if not isinstance(max_to_avg_pool, bool | np.bool_):
        raise ConversionError(f"max_to_avg_pool: expected True or False, got {max_to_avg_pool!r}")
    plan = Plan(model, choice, bool(max_to_avg_pool))
    plan.steps = scaled_steps(plan, scale_firing_rates)
    sources = given_sources(model, inputs, plan)
    _check_dtype(plan.dtype)
    choice.warn_of_unused()
    warn_of_skew(plan.steps)
    warn_of_spikes(plan, synapse)

    around = nengo.Network.context[-1] if nengo.Network.context else None
    used = [] if around is None else [str(network.label) for network in around.networks]
    net = nengo.Network(label=name_of_model(model, used))
    try:
        with net:
            return NetworkBuilder(model, plan, synapse).build(sources)
    except BaseException:
        if around is not None:
            around.networks.remove(net)
        raise


def _check_synapse(synapse: Any) -> None:
    is_time = is_finite(synapse) and synapse >= 0
    if not (synapse is None or isinstance(synapse, Synapse) or is_time):
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
    synapse : float, nengo.synapses.Synapse or None
        Filter on the output of all neurons.
    """

    def __init__(self, model: tf.keras.Model, plan: Plan, synapse: Any) -> None:
        self.model = model
        self.plan = plan
        self.synapse = synapse
        self._layers: dict[int, CustomLayer] = {}
        self._neurons: dict[int, CustomLayer] = {}

    def build(self, sources: Mapping[str, Any]) -> KerasNetwork:
        """
        Build the objects in the network whose context is entered.

        Parameters
        ----------
        sources : Mapping
            The object for each input of the model, None where a Node is to be made.
        """
        if self.plan.dtype != "float32":
            nengo_dl.configure_settings(dtype=self.plan.dtype)
        inputs = [
            nengo.Node(np.zeros(size_of(shape)), label=name) if source is None else source
            for (name, source), shape in zip(sources.items(), self.plan.shapes, strict=True)
        ]
        values = dict(zip(self.plan.flat.inputs, inputs, strict=True))
        for step in self.plan.steps:
            if id(step.call.layer) not in self._layers:
                self._add_layers(step)
            values[step.call.output] = self._apply(
                step, [values[number] for number in step.call.inputs]
            )
        return KerasNetwork(
            self.model,
            nengo.Network.context[-1],
            name_sources(self.model, self.plan, inputs),
            self._make_outputs(values),
            self.plan.name_layers("layers", self._layers),
            self.plan.name_layers("layers with neurons", self._neurons),
        )

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
            probe = nengo.Probe(obj, synapse=self._synapse_behind(obj), label=f"{name}.probe")
            maker = tensor.node.layer
            objects = (tensor, maker) if makers.count(maker) == 1 else (tensor,)
            entries.append(Entry(name, probe, (keras_name,), objects))
        return Named("outputs", entries)

    def _add_layers(self, step: Step) -> None:
        """Make the CustomLayers of a Keras layer."""
        key, name = id(step.call.layer), step.call.path
        if step.applies is None:
            self._layers[key] = self._neurons[key] = self._neuron_layer(step, name)
            return
        if isinstance(step.applies, tf.keras.layers.Layer):
            self._layers[key] = ConvertedLayer(step.applies, inference=step.inference, label=name)
        else:
            self._layers[key] = CustomLayer(step.applies, label=name)
        if step.neuron_type is not None:
            self._neurons[key] = self._neuron_layer(step, f"{name}.neurons")

    def _neuron_layer(self, step: Step, label: str) -> CustomLayer:
        return CustomLayer(
            step.neuron_type,
            ensemble_kwargs={"gain": step.scale, "bias": 0.0},
            trainable=Trainable(bias=False),
            label=label,
        )

    def _apply(self, step: Step, sources: list[Any]) -> Any:
        """Call the CustomLayers of a Keras layer on the objects that stand for its inputs."""
        layer = self._layers[id(step.call.layer)]
        neurons = self._neurons.get(id(step.call.layer), layer)
        synapses = [self._synapse_behind(source) for source in sources]
        several = len(sources) > 1 or (
            step.call.several and operation_of(step.call.layer) is None and step.applies is not None
        )
        if several:
            obj = layer(sources, shape_in=list(step.shapes), synapse=synapses)
        else:
            obj = layer(sources[0], shape_in=step.shapes[0], synapse=synapses[0])
        return obj if neurons is layer else neurons(obj, shape_in=layer.calls[-1].shape_out)

    def _synapse_behind(self, source: Any) -> Any:
        return self.synapse if isinstance(source, Neurons) else None
