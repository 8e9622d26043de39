"""
The table of all facts that are compared: a row a fact.

To compare something more, add a row to the tuple of its kind of object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.introspection._comparison._fact import Affects, Fact, Row
from nengo_layers_plus.introspection._comparison._fact_values import (
    DECODING,
    TUNING,
    decoding_of_connection,
    ends,
    function_of_connection,
    function_or_layer,
    learning_rules,
    neuron_type,
    output,
    parameters,
    probed_solver,
    recorded,
    seed,
    settings_of_network,
    settings_of_simulator,
    shapes,
    sizes,
    slices,
    transform,
    tuning_and_decoding,
)
from nengo_layers_plus.introspection._comparison._undo import (
    undo_function,
    undo_layer_argument,
    undo_learning_rule,
    undo_network_seed,
    undo_neuron_parameter,
    undo_seed,
    undo_setting,
    undo_shape_in,
    undo_slice,
)


def _meaning_of_synapse(a: Fact, b: Fact, *_: Any) -> str:
    if (a.value is None) != (b.value is None):
        return (
            "without a synapse what goes in at a step comes out at that step; a filter answers a "
            "step later, so that its first output is 0, and then approaches its input over some "
            "time"
        )
    return f"the signal is filtered by {a.value} in a, by {b.value} in b"


def _meaning_of_shape_in(a: Fact, b: Fact, nodes: tuple[Any, Any]) -> str:
    layers = [layer_itself(getattr(node, "tensor_func", None)) for node in nodes]
    if not all(isinstance(layer, tf.keras.layers.Dense) for layer in layers):
        return (
            "it sees its input in another shape; what works on the last axis, as Dense does, has "
            "other weights and another output then"
        )
    in_a, in_b = (
        _write_dense(fact.value, layer) for fact, layer in zip((a, b), layers, strict=True)
    )
    return f"Dense works on the last axis: {in_a} in a, and {in_b} in b"


def _write_dense(shape: Any, layer: tf.keras.layers.Dense) -> str:
    *places, size = shape
    n_places = int(np.prod(places, dtype=int))
    if n_places == 1:
        return f"it sees {size} values and has {layer.units} outputs"
    return (
        f"it sees {size} values at each of {n_places} places and has {layer.units} outputs for "
        f"each, {n_places * layer.units} in all"
    )


def _remedy_for_network_seed(fact: Fact) -> str:
    if fact.shown is not None:
        return "give both networks the same seed"
    return f"in b, give nengo.Network seed={fact.value}"


def _meaning_of_extra(fact: Fact, *_: Any) -> str:
    does = "records" if fact.name.startswith("probe") else "computes"
    return f"what it {does} is missing in the other one"


def _remedy_for_extra(fact: Fact) -> str:
    return f"{'add it to' if fact.value else 'take it out of'} b"


def _rows(group: str, get: Any, undo: Any, meanings: Mapping[str, str], **more: Any) -> list[Row]:
    """Return rows that have all in common but their names and meanings."""
    return [Row(name, group, get, undo, meaning, **more) for name, meaning in meanings.items()]


def _parameters(*causes: str, shape_causes: tuple[str, ...] = ()) -> tuple[Row, ...]:
    """Return the rows of parameters, given what their values follow from."""
    return (
        Row(
            "* trains",
            "training",
            parameters,
            None,
            "an optimiser moves it in one of them alone",
            "in b, set what trains as in a: `trainable` of the layer, or of `network.config[obj]`",
            causes=("layer.trainable", "neuron type.trainable", *_TRAINING, "learning rule"),
            runs=False,
        ),
        Row(
            "* gets a gradient",
            "training",
            parameters,
            None,
            "it is trainable in both, and a gradient comes to it in one of them alone",
            "in b, let a probe that is trained on depend on it through what passes gradients",
            causes=_TRAINING,
            follows_output=True,
            runs=False,
        ),
        Row(
            "initial *",
            "neurons",
            parameters,
            None,
            "the neurons start from another state, and spike at other times",
            "give both the same seed, or the neuron type an initial_state",
            causes=("n_neurons", "neuron type", "neuron type.initial_state", "seed", _DTYPE),
        ),
        Row(
            "* values",
            "weights",
            parameters,
            None,
            "the numbers are others, and so is all that comes out of it",
            "if they should be the same, give both the same seeds or load the same parameters "
            "(save_parameters, load_parameters)",
            causes=(*causes, _DTYPE),
            shape_causes=shape_causes,
        ),
    )


_DTYPE = "network dtype"
_TRAINING = ("layer", "transform", "neuron type", "network inference_only")
_SIZE_BEFORE: Any = {"follows_input": True, "affects": Affects.SIZE_BEFORE}
_SIZE: Any = {"follows_input": True, "affects": Affects.SIZE_BEFORE | Affects.SIZE_BEHIND}
_THROUGH = Affects.SIZE_THROUGH
_GRADIENT = Affects.GRADIENT

_KIND = Row(
    "kind",
    "structure",
    lambda subject: subject.kind,
    None,
    "an object of another kind has its place",
    "in b, put a {a} there",
    affects=Affects.ENDS | _GRADIENT,
)
_SEED = Row(
    "seed",
    "seed",
    seed,
    undo_seed,
    "gains, biases, encoders, initial states and decoders are drawn with it",
    "give the objects, or the networks, the same seed, and make the objects in the same order",
    causes=("network seed",),
)
_SYNAPSE = Row(
    "synapse",
    "synapse",
    None,
    (),
    _meaning_of_synapse,
    "in b, give it synapse={a}",
    affects=_GRADIENT,
)
_ENSEMBLE = (
    Row("n_neurons", "shape", None, (), "there are more or fewer neurons", **_SIZE),
    Row("dimensions", "shape", None, (), "the ensemble represents more or fewer values", **_SIZE),
    Row(
        "neuron type",
        "neurons",
        neuron_type,
        ("neuron_type",),
        "the neurons respond to their currents in another way",
        "in b, give the ensemble neuron_type={a}(...)",
        affects=_GRADIENT,
    ),
    *_rows(
        "neurons",
        neuron_type,
        undo_neuron_parameter,
        {
            "neuron type.amplitude": "each spike, or each Hz, counts for more or less",
            "neuron type.initial_state": "the neurons start from another state",
            "neuron type.trainable": "other parameters of the neurons train",
            "neuron type.*": "the neurons respond to their currents in another way",
        },
        remedy="in b, give the neuron type {argument}={a}",
    ),
    Row("noise", "neurons", None, (), "the neurons get {a} as noise in a, {b} in b"),
    *_rows(
        "neurons",
        tuning_and_decoding,
        TUNING,
        {
            "gain": "the neurons are more or less sensitive to their input",
            "bias": "the neurons have other background currents",
            "max_rates": "the neurons reach other firing rates, and have other gains and biases",
            "intercepts": "the neurons begin to fire at other inputs, with other gains and biases",
        },
        parameters=("gain", "bias", "encoders"),
    ),
    *_rows(
        "neurons",
        tuning_and_decoding,
        (),
        {
            "encoders": "the neurons prefer other directions of the represented values",
            "radius": "the ensemble represents values of another range",
            "normalize_encoders": "the encoders have other lengths",
            "eval_points": "the decoders are solved for at other points",
            "n_eval_points": "the decoders are solved for at more or fewer points",
        },
    ),
    # all is drawn with one generator, in turn: what is drawn first changes what comes behind
    *_parameters("n_neurons", "dimensions", "neuron type*", *TUNING, *DECODING, "seed"),
)
_TENSOR_NODE = (
    Row(
        "shape in",
        "shape",
        shapes,
        undo_shape_in,
        _meaning_of_shape_in,
        "in b, give the TensorNode (or the call of its layer) shape_in={a}",
        **_SIZE_BEFORE,
    ),
    Row(
        "shape out",
        "shape",
        shapes,
        ("shape_out",),
        "what it puts out has another shape",
        causes=("shape in", "layer*", "function"),
        affects=Affects.SIZE_BEHIND,
    ),
    Row("pass_time", "layer", None, (), "the function is called with the time, or without it"),
    *_rows(
        "layer",
        function_or_layer,
        undo_function,
        {"layer": "a applies {a}, b {b}", "function": "a applies {a}, b {b}"},
        remedy="in b, give the TensorNode the {name} of a: {a}",
        affects=_GRADIENT,
    ),
    *_rows(
        "layer",
        function_or_layer,
        undo_layer_argument,
        {
            "layer.*.inputs": "the layers within the model are joined in another way",
            "layer.input_layers": "the model takes its inputs in another order",
            "layer.output_layers": "the model puts out what another layer within it computes",
        },
        remedy="in b, make the model with its inputs, layers and outputs joined as in a",
    ),
    Row(
        "layer.*trainable",
        "training",
        function_or_layer,
        undo_layer_argument,
        "an optimiser moves the weights in one of them alone; some layers, such as "
        "BatchNormalization, also compute something else when they are not trainable",
        "in b, give the Keras layer {argument}={a}",
    ),
    Row(
        "layer.*",
        "layer",
        function_or_layer,
        undo_layer_argument,
        "the Keras layer computes something else, or starts from other weights",
        "in b, give the Keras layer {argument}={a}",
    ),
    Row(
        "keeps weights",
        "weights",
        function_or_layer,
        undo_function,
        "where they are not kept, each Simulator makes the weights of layers within the Keras "
        "layer anew: what was trained or loaded is lost",
        "in b, make the node with CustomLayer, which keeps them",
        causes=("layer",),
    ),
    *_parameters("layer", "layer.*initializer*", shape_causes=("shape in", "layer.*")),
)
_NODE = (
    Row("size in", "shape", sizes, ("size_in",), "it takes more or fewer values", **_SIZE_BEFORE),
    Row(
        "size out",
        "shape",
        sizes,
        ("size_out",),
        "it puts out more or fewer values",
        causes=("size in", "output"),
        affects=Affects.SIZE_BEHIND,
    ),
    Row(
        "output",
        "input",
        output,
        ("output", "size_out"),
        "the Node puts out {a} in a, {b} in b",
        affects=_GRADIENT,
    ),
    *_parameters("output", "synapse"),
)
_PROBE = (
    *_rows(
        "recording",
        recorded,
        None,
        {
            "probed attribute": "the probe records {a} in a, {b} in b",
            "probed part": "the probe records {a} of the values in a, {b} in b",
            "keep_history": "the probe records all steps, or the last one alone",
        },
    ),
    Row("sample_every", "recording", None, (), "the probe records at other times"),
    _SYNAPSE,
    Row("solver", "weights", probed_solver, (), "its decoders are solved for in another way"),
    *_parameters("output", "synapse"),
)
_CONNECTION = (
    Row(
        "reads",
        "structure",
        ends,
        None,
        "a connection from neurons passes on their spikes, one from an ensemble what is decoded "
        "from them",
        "in b, connect from the same: `ensemble.neurons` or the ensemble itself",
        affects=_THROUGH | _GRADIENT,
    ),
    Row(
        "leads into",
        "structure",
        ends,
        None,
        "a connection into neurons adds to their currents, past the encoders and gains of the "
        "ensemble",
        "in b, connect into the same: `ensemble.neurons` or the ensemble itself",
    ),
    *_rows(
        "structure",
        slices,
        undo_slice,
        {
            "pre slice": "a passes on {a} of the values of its source, b {b}",
            "post slice": "the values go to {a} of the inputs of the target in a, to {b} in b",
        },
        affects=_THROUGH,
    ),
    _SYNAPSE,
    Row(
        "function",
        "weights",
        function_of_connection,
        ("function_info",),
        "a computes {a} of the values, b {b}",
        affects=_THROUGH | _GRADIENT,
    ),
    *_rows(
        "weights",
        transform,
        ("transform",),
        {
            "transform": "the transform is {a} in a, {b} in b: other weights, and others to train",
            "transform.*": "the signal is multiplied by something else",
        },
        remedy="in b, give the connection the {name} of a: {a}",
        parameters=("connection weights",),
        follows_input=True,
        affects=_THROUGH,
    ),
    *_rows(
        "weights",
        decoding_of_connection,
        (),
        {
            "solver": "the decoders are solved for in another way",
            "eval_points": "the decoders are solved for at other points",
            "scale_eval_points": "the decoders are solved for at points of another scale",
        },
    ),
    *_rows(
        "training",
        learning_rules,
        undo_learning_rule,
        {
            "learning rule": "the weights learn while the network runs in another way",
            "learning rule*": "the weights learn at another pace, or from something else",
        },
    ),
    *_parameters(
        *("transform*", "function", "solver", "eval_points", "scale_eval_points"),
        *("learning rule", "pre slice", "post slice", "reads", "leads into", "synapse", "seed"),
    ),
)
_NETWORK = (
    Row(
        "network seed",
        "seed",
        settings_of_network,
        undo_network_seed,
        "it seeds all that is drawn for the network: gains, encoders, initial states, and by "
        "default what is random in a simulation",
        _remedy_for_network_seed,
    ),
    *_rows(
        "simulation",
        settings_of_network,
        undo_setting,
        {
            "network dtype": "numbers are rounded to another precision",
            "network inference_only": "nothing trains in a network that is made for inference only",
            "network lif_smoothing": "LIF neurons have other gradients in training",
            "network learning_phase": "layers and neurons run as in training, or as in inference",
            "network stateful": "the state is kept from one call to the next, or not",
            "network *": "nengo_dl simulates the network in another way",
        },
        remedy="in b, call nengo_dl.configure_settings({argument}={a})",
    ),
)
_SIMULATOR = (
    Row(
        "simulator seed",
        "seed",
        settings_of_simulator,
        None,
        "what is random in a simulation is drawn with it",
        "in b, give the Simulator {argument}={a}",
        causes=("network seed",),
    ),
    *_rows(
        "simulation",
        settings_of_simulator,
        None,
        {
            "simulator dt": "a step stands for another time (s)",
            "simulator minibatch_size": "more or fewer items are run at once, each the same",
            "simulator unroll_simulation": "more or fewer steps are built into one graph, which "
            "compute the same",
            "simulator *": "the network is simulated in another way",
        },
        remedy="in b, give the Simulator {argument}={a}",
    ),
)

ROWS: dict[str, Sequence[Row]] = {
    "ensemble": (_KIND, *_ENSEMBLE, _SEED),
    "tensor node": (_KIND, *_TENSOR_NODE, _SEED),
    "node": (_KIND, *_NODE, _SEED),
    "probe": (_KIND, *_PROBE, _SEED),
    "connection": (_KIND, *_CONNECTION, _SEED),
    "network": _NETWORK,
    "simulator": _SIMULATOR,
}
"""The rows for each kind of object."""

# what is seen beside the other network alone

STRUCTURE = Row(
    "structure",
    "structure",
    None,
    None,
    "it joins {a} in a, {b} in b",
    "in b, let it lead from and to the same objects",
    affects=_THROUGH | _GRADIENT,
)
SHARING = Row(
    "shares weights",
    "weights",
    None,
    undo_function,
    "what moves the weights in one place moves them in the other, or does not; there are more or "
    "fewer weights to train",
    "in b, use one Keras layer, or several, in the same places as in a",
)
EXTRA = Row(
    "* only in *",
    "structure",
    None,
    None,
    _meaning_of_extra,
    _remedy_for_extra,
    affects=~Affects.NOTHING,
)
