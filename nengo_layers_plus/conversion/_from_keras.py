"""Makes networks of Keras models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nengo
import numpy as np
from nengo.neurons import NeuronType
from nengo.synapses import Synapse

from nengo_layers_plus._declared import is_finite
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._keras_network import KerasNetwork
from nengo_layers_plus.conversion._layer_names import ConversionError, name_of_model
from nengo_layers_plus.conversion._network_builder import NetworkBuilder, given_sources
from nengo_layers_plus.conversion._neuron_choice import (
    NeuronChoice,
    read_scales,
    scale_amplitude,
    warn_of_skew,
)
from nengo_layers_plus.conversion._plan import Plan
from nengo_layers_plus.conversion._spikes import warn_of_spikes

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
    layers = plan.name_layers("layers", {id(s.call.layer): s.neuron_type for s in plan.steps})
    scales = read_scales(scale_firing_rates, layers)
    neuron_types = {
        name: scale_amplitude(layers[name], scale, plan.names[name])
        for name, scale in scales.items()
    }
    sources = given_sources(model, inputs, plan)
    _check_dtype(plan.dtype)
    choice.warn_of_unused()
    warn_of_skew({name: (layers[name], scale) for name, scale in scales.items()})
    warn_of_spikes(plan, synapse, neuron_types, scales)

    builder = NetworkBuilder(model, plan, neuron_types=neuron_types, scales=scales, synapse=synapse)
    around = nengo.Network.context[-1] if nengo.Network.context else None
    beside = [each.label for each in around.networks if each.label] if around is not None else []
    net = nengo.Network(label=name_of_model(model, beside))
    try:
        with net:
            return builder.build(net, sources)
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
