"""What a difference does, and what to do about it, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.introspection._comparison._fact import Fact

# the longest name that fits is taken; one that ends with a space or a dot fits what begins with it,
# one that begins with one of them what ends with it
_MEANINGS = {
    "kind": "an object of another kind has its place",
    "structure": "it joins other objects",
    "shape in": "it sees its input in another shape; what works on the last axis, as Dense does, "
    "has other weights and another output then",
    "shape out": "what it puts out has another shape",
    "n_neurons": "there are more or fewer neurons",
    "dimensions": "the ensemble represents more or fewer values",
    "size in": "it takes more or fewer values",
    "size out": "it puts out more or fewer values",
    "reads": "a connection from neurons passes on their spikes, one from an ensemble what is "
    "decoded from them",
    "leads into": "a connection into neurons adds to their currents, past the encoders and gains "
    "of the ensemble",
    "pre slice": "other values are passed on",
    "post slice": "the values arrive elsewhere",
    "synapse": "the signal is filtered in another way: spikes are smoothed over another time",
    "function": "another function is computed",
    "transform": "the signal is multiplied by something else, and there are other weights to train",
    "transform.": "the signal is multiplied by something else",
    "solver": "the decoders are solved for in another way",
    "eval_points": "the decoders are solved for at other points",
    "n_eval_points": "the decoders are solved for at more or fewer points",
    "scale_eval_points": "the decoders are solved for at points of another scale",
    "learning rule": "the weights learn while the network runs in another way",
    "learning rule.": "the weights learn at another pace, or from something else",
    "neuron type": "the neurons respond to their currents in another way",
    "neuron type.": "the neurons respond to their currents in another way",
    "neuron type.amplitude": "each spike, or each Hz, counts for more or less",
    "neuron type.initial_state": "the neurons start from another state",
    "neuron type.trainable": "other parameters of the neurons train",
    "noise": "other currents are added to the neurons as noise",
    "gain": "the neurons are more or less sensitive to their input",
    "bias": "the neurons have other background currents",
    "max_rates": "the neurons reach other firing rates, which changes their gains and biases",
    "intercepts": "the neurons begin to fire at other inputs, which changes their gains and biases",
    "encoders": "the neurons prefer other directions of the represented values",
    "radius": "the ensemble represents values of another range",
    "normalize_encoders": "the encoders have other lengths",
    "initial ": "the neurons start from another state, and spike at other times",
    " trains": "an optimiser moves it in one of them alone",
    " gets a gradient": "it is trainable in both, and a gradient comes to it in one of them alone",
    " values": "the numbers are others, and so is all that comes out of it",
    "layer": "another function is applied",
    "layer.": "the Keras layer computes something else, or starts from other weights",
    ".inputs": "the layers within the model are joined in another way",
    "layer.input_layers": "the model takes its inputs in another order",
    "layer.output_layers": "the model puts out what another layer within it computes",
    "shares weights": "what moves the weights in one place moves them in the other, or does not; "
    "there are more or fewer weights to train",
    "layer.trainable": "an optimiser moves the weights in one of them alone; some layers, such as "
    "BatchNormalization, also compute something else when they are not trainable",
    "keeps weights": "where they are not kept, each Simulator makes the weights of layers within "
    "the Keras layer anew: what was trained or loaded is lost",
    "pass_time": "the function is called with the time, or without it",
    "output": "the Node puts out something else",
    "probed attribute": "the probe records something else",
    "probed part": "the probe records other values",
    "sample_every": "the probe records at other times",
    "keep_history": "the probe records all steps, or the last one alone",
    "seed": "gains, biases, encoders, initial states and decoders are drawn with it",
    "network.seed": "it seeds all that is drawn for the network: gains, encoders, initial states, "
    "and by default what is random in a simulation",
    "network.dtype": "numbers are rounded to another precision",
    "network.inference_only": "nothing trains in a network that is made for inference only",
    "network.lif_smoothing": "LIF neurons have other gradients in training",
    "network.learning_phase": "layers and neurons run as in training, or as in inference",
    "network.stateful": "the state is kept from one call to the next, or not",
    "network.": "nengo_dl simulates the network in another way",
    "simulator.dt": "a step stands for another time (s)",
    "simulator.minibatch_size": "more or fewer items are run at once; each is computed the same",
    "simulator.unroll_simulation": "more or fewer steps are built into one graph; they compute the "
    "same",
    "simulator.seed": "what is random in a simulation is drawn with it",
    "simulator.": "the network is simulated in another way",
}

_REMEDIES = {
    "kind": "in b, put a {a} there",
    "structure": "in b, let it lead from and to the same objects",
    "synapse": "in b, give it synapse={a}",
    "shape in": "in b, give the TensorNode (or the call of its layer) shape_in={a}",
    "reads": "in b, connect from the same: `ensemble.neurons` or the ensemble itself",
    "leads into": "in b, connect into the same: `ensemble.neurons` or the ensemble itself",
    " trains": "in b, set what trains as in a: `trainable` of the layer, or of "
    "`network.config[obj]`",
    ".inputs": "in b, join the layers of the model as in a",
    "layer.input_layers": "in b, make the model with its inputs in the order of a",
    "layer.output_layers": "in b, make the model with the outputs of a",
    "shares weights": "in b, use one Keras layer, or several, in the same places as in a",
    "layer": "in b, make the TensorNode of a {a}",
    "layer.": "in b, give the Keras layer {argument}={a}",
    "transform": "in b, give the connection the transform of a ({a})",
    "neuron type": "in b, give the ensemble neuron_type={a}(...)",
    "neuron type.": "in b, give the neuron type {argument}={a}",
    "seed": "give the objects, or the networks, the same seed, and make the objects in the same "
    "order",
    "network.seed": "in b, give nengo.Network seed={a}",
    "network.": "in b, call nengo_dl.configure_settings({argument}={a})",
    "simulator.": "in b, give the Simulator {argument}={a}",
    " values": "if they should be the same, give both the same seeds or load the same parameters "
    "(save_parameters, load_parameters)",
    "initial ": "give both the same seed, or the neuron type an initial_state",
    " gets a gradient": "in b, let a probe that is trained on depend on it through what passes "
    "gradients",
    "keeps weights": "in b, make the node with CustomLayer, which keeps them",
}


def meaning_of(fact: Fact, other: Fact, name: str, objects: tuple[Any, Any]) -> str:
    """
    Say what a difference does.

    Parameters
    ----------
    fact, other : Fact
        What is true of each.
    name : str
        The name of the facts, with the prefix of what they are about.
    objects : tuple
        Whose they are.
    """
    if name == "shape in" and all(
        isinstance(_layer(each), tf.keras.layers.Dense) for each in objects
    ):
        return (
            "Dense works on the last axis: "
            f"{_write_dense(fact.value, _layer(objects[0]))} in a, and "
            f"{_write_dense(other.value, _layer(objects[1]))} in b"
        )
    if name == "synapse" and (fact.value is None) != (other.value is None):
        return (
            "without a synapse what goes in at a step comes out at that step; a filter answers a "
            "step later, so that its first output is 0, and then approaches its input over some "
            "time"
        )
    return _find(_MEANINGS, name) or "something else is computed"


def remedy_of(name: str, value_a: str) -> str:
    """Say what to change in the second network."""
    if name == "network.seed" and value_a.startswith("None"):
        return "give both networks the same seed"
    text = _find(_REMEDIES, name) or "in b, set {name} to {a}"
    return text.format(a=value_a, name=name, argument=name.partition(".")[2])


def _layer(node: Any) -> Any:
    function = getattr(node, "tensor_func", None)
    return layer_itself(function)


def _write_dense(shape: Any, layer: tf.keras.layers.Dense) -> str:
    *places, size = shape
    n_places = int(np.prod(places, dtype=int))
    if n_places == 1:
        return f"it sees {size} values and has {layer.units} outputs"
    return (
        f"it sees {size} values at each of {n_places} places and has {layer.units} outputs for "
        f"each, {n_places * layer.units} in all"
    )


def _find(table: dict[str, str], name: str) -> str | None:
    if name in table:
        return table[name]
    fitting = [
        each
        for each in table
        if (each[0] in ". " and name.endswith(each)) or (each[-1] in ". " and name.startswith(each))
    ]
    return table[max(fitting, key=len)] if fitting else None
