"""
The table of all facts that are compared: a row a fact.

To compare something more, add a row to the tuple of its kind of object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import size_of
from nengo_layers_plus.graph._keras_layers import layer_itself
from nengo_layers_plus.introspection._comparison._fact import Affects, Fact, Row
from nengo_layers_plus.introspection._comparison._fact_values import (
    ends,
    function_of_connection,
    function_or_layer,
    learning_rules,
    neuron_type,
    output,
    parameters,
    recorded,
    seed,
    settings_of_network,
    settings_of_simulator,
    shape_in,
    shape_out,
    size_in,
    size_out,
    transform,
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
    if a.value is not None and b.value is not None:
        return f"the signal is filtered by {a.value} in a, by {b.value} in b"
    return (
        "without a synapse what goes in at a step comes out at that step; a filter answers a "
        "step later, so that its first output is 0, and then approaches its input over some time"
    )


def _meaning_of_shape_in(a: Fact, b: Fact, nodes: tuple[Any, Any]) -> str:
    layers = [layer_itself(getattr(node, "tensor_func", None)) for node in nodes]
    if not all(isinstance(layer, tf.keras.layers.Dense) for layer in layers):
        return (
            "its input has different shapes; a layer that works on the last axis, as Dense does, "
            "then has weights and outputs of different shapes"
        )
    in_a, in_b = (
        _write_dense(fact.value, layer) for fact, layer in zip((a, b), layers, strict=True)
    )
    return f"Dense works on the last axis: {in_a} in a, and {in_b} in b"


def _write_dense(shape: Any, layer: tf.keras.layers.Dense) -> str:
    *places, size = shape
    n_places = size_of(places)
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


def _rows(group: str, get: Any, undo: Any, meanings: Mapping[str, str], **more: Any) -> list[Row]:
    """Return rows that have all in common but their names and meanings."""
    return [Row(name, group, get, undo, meaning, **more) for name, meaning in meanings.items()]


def _parameters(*causes: str, shape_causes: tuple[str, ...] = ()) -> list[Row]:
    """Return the rows of parameters, given what their values follow from."""
    trains = Row(
        "* trains",
        "training",
        parameters,
        None,
        "it is trained in one of the networks only",
        "in b, set what trains as in a: `trainable` of the layer, or of `network.config[obj]`",
        causes=("layer.trainable", "neuron type.trainable", *_TRAINING, "learning rule"),
        runs=False,
    )
    gradient = Row(
        "* gets a gradient",
        "training",
        parameters,
        None,
        "it is trainable in both, but a gradient reaches it in one of them only",
        "in b, let a probe that is trained on depend on it through what passes gradients",
        causes=_TRAINING,
        follows_output=True,
        runs=False,
    )
    initial = Row(
        "initial *",
        "neurons",
        parameters,
        None,
        "the neurons start from different states, and spike at different times",
        "give both the same seed, or the neuron type an initial_state",
        causes=("n_neurons", "neuron type", "neuron type.initial_state", "seed", _DTYPE),
    )
    values = Row(
        "* values",
        "weights",
        parameters,
        None,
        "the parameter has different values",
        "if they should be the same, give both the same seeds or load the same parameters "
        "(save_parameters, load_parameters)",
        causes=(*causes, _DTYPE),
        shape_causes=shape_causes,
    )
    return [trains, gradient, initial, values]


_DTYPE = "network dtype"
_TRAINING = ("layer", "transform", "neuron type", "network inference_only")
# all is drawn with one generator, in turn: what is drawn first changes what comes behind
_TUNING = ("gain", "bias", "max_rates", "intercepts")
_DECODING = ("encoders", "radius", "normalize_encoders", "eval_points", "n_eval_points")
_SIZE_BEFORE: Any = {"follows_input": True, "affects": Affects.SIZE_BEFORE}
_SIZE: Any = {"follows_input": True, "affects": Affects.SIZE_BEFORE | Affects.SIZE_BEHIND}
_THROUGH, _GRADIENT = Affects.SIZE_THROUGH, Affects.GRADIENT
_IN_KERAS_LAYER = "in b, give the Keras layer {argument}={a}"
_IN_SIMULATOR = "in b, give the Simulator {argument}={a}"
_SOLVED_AT = "the decoders are solved at different points"

_KIND = Row(
    "kind",
    "structure",
    lambda member: member.kind,
    None,
    "objects of different kinds have the same place",
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
    Row("n_neurons", "shape", None, (), "there are {a} neurons in a, {b} in b", **_SIZE),
    Row("dimensions", "shape", None, (), "it represents {a} values in a, {b} in b", **_SIZE),
    Row(
        "neuron type",
        "neurons",
        neuron_type,
        ("neuron_type",),
        "the neurons respond differently to the same currents",
        "in b, give the ensemble neuron_type={a}(...)",
        affects=_GRADIENT,
    ),
    *_rows(
        "neurons",
        neuron_type,
        undo_neuron_parameter,
        {
            "neuron type.amplitude": "spikes, or rates, are scaled by {a} in a, by {b} in b",
            "neuron type.initial_state": "the neurons start from different states",
            "neuron type.trainable": "different parameters of the neurons are trained",
            "neuron type.*": "the neurons respond differently to the same currents",
        },
        remedy="in b, give the neuron type {argument}={a}",
    ),
    Row("noise", "neurons", None, (), "the noise of the neurons is {a} in a, {b} in b"),
    *_rows(
        "neurons",
        None,
        _TUNING,
        {
            "gain": "the neurons are more or less sensitive to their input",
            "bias": "the neurons have different background currents",
            "max_rates": "the neurons have different maximum firing rates",
            "intercepts": "the neurons begin to fire at different inputs",
        },
        parameters=("gain", "bias", "encoders"),
        counts=False,
    ),
    *_rows(
        "neurons",
        None,
        (),
        {
            "encoders": "the neurons prefer different directions of the represented values",
            "radius": "the represented values are expected up to {a} in a, up to {b} in b",
            "normalize_encoders": "the encoders are scaled to unit length in one of them only",
            "eval_points": _SOLVED_AT,
            "n_eval_points": "the decoders are solved at {a} points in a, at {b} in b",
        },
        counts=False,
    ),
    *_parameters("n_neurons", "dimensions", "neuron type*", *_TUNING, *_DECODING, "seed"),
)
_TENSOR_NODE = (
    Row(
        "shape in",
        "shape",
        shape_in,
        undo_shape_in,
        _meaning_of_shape_in,
        "in b, give the TensorNode (or the call of its layer) shape_in={a}",
        **_SIZE_BEFORE,
    ),
    Row(
        "shape out",
        "shape",
        shape_out,
        ("shape_out",),
        "its output has different shapes",
        causes=("shape in", "layer*", "function"),
        affects=Affects.SIZE_BEHIND,
    ),
    Row("pass_time", "layer", None, (), "the function is called with the time in one of them only"),
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
            "layer.*.inputs": "the layers within the model are connected differently",
            "layer.input_layers": "the model takes its inputs in another order",
            "layer.output_layers": "the output of the model comes from another of its layers",
        },
        remedy="in b, make the model with its inputs, layers and outputs joined as in a",
    ),
    Row(
        "layer.*trainable",
        "training",
        function_or_layer,
        undo_layer_argument,
        "the weights are trained in one of the networks only; some layers, such as "
        "BatchNormalization, also compute different outputs when they are not trainable",
        _IN_KERAS_LAYER,
    ),
    Row(
        "layer.*",
        "layer",
        function_or_layer,
        undo_layer_argument,
        "the Keras layer is made with {a} in a, with {b} in b, so that its outputs or its initial "
        "weights differ",
        _IN_KERAS_LAYER,
    ),
    Row(
        "keeps weights",
        "weights",
        function_or_layer,
        undo_function,
        "where they are not kept, each Simulator draws the weights of layers within the Keras "
        "layer anew: values that were trained or loaded are lost",
        "in b, make the node with CustomLayer, which keeps them",
        causes=("layer",),
    ),
    *_parameters("layer", "layer.*initializer*", shape_causes=("shape in", "layer.*")),
)
_NODE = (
    Row(
        "size in",
        "shape",
        size_in,
        ("size_in",),
        "it takes {a} values in a, {b} in b",
        **_SIZE_BEFORE,
    ),
    Row(
        "size out",
        "shape",
        size_out,
        ("size_out",),
        "it puts out {a} values in a, {b} in b",
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
            "keep_history": "the probe keeps all steps in one of them, the last step in the other",
        },
    ),
    Row("solver", "weights", recorded, (), "its decoders are solved with {a} in a, {b} in b"),
    Row("sample_every", "recording", None, (), "the probe records at different times"),
    _SYNAPSE,
    *_parameters("output", "synapse"),
)
_CONNECTION = (
    Row(
        "reads",
        "structure",
        ends,
        None,
        "a connection from neurons passes on their spikes, one from an ensemble the values that "
        "are decoded from them",
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
        ends,
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
            "transform": "the transforms have different weights and trainable parameters",
            "transform.*": "the values are multiplied by different weights",
        },
        remedy="in b, give the connection the {name} of a: {a}",
        parameters=("connection weights",),
        follows_input=True,
        affects=_THROUGH,
    ),
    *_rows(
        "weights",
        None,
        (),
        {
            "solver": "the decoders are solved with {a} in a, with {b} in b",
            "eval_points": _SOLVED_AT,
            "scale_eval_points": _SOLVED_AT,
        },
        counts=False,
    ),
    *_rows(
        "training",
        learning_rules,
        undo_learning_rule,
        {
            "learning rule": "different rules change the weights while the network runs",
            "learning rule*": "the rule changes the weights differently while the network runs",
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
            "network dtype": "numbers are rounded to the precision of {a} in a, of {b} in b",
            "network inference_only": "nothing trains in a network that is made for inference only",
            "network lif_smoothing": "the gradients of LIF neurons differ in training",
            "network learning_phase": "layers and neurons run as in training, or as in inference",
            "network stateful": "the state is kept from one call to the next in one of them only",
            "network *": "nengo_dl simulates the networks with different settings",
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
        _IN_SIMULATOR,
        causes=("network seed",),
    ),
    *_rows(
        "simulation",
        settings_of_simulator,
        None,
        {
            "simulator dt": "a step is {a} s in a, {b} s in b",
            "simulator minibatch_size": "a call simulates {a} items at once in a, {b} in b; the "
            "outputs of an item are the same",
            "simulator unroll_simulation": "an iteration of the loop computes {a} steps in a, {b} "
            "in b; the outputs are the same",
            "simulator *": "the network is simulated with {a} in a, with {b} in b",
        },
        remedy=_IN_SIMULATOR,
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

# facts that show only in the comparison of two networks

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
    "nodes that apply one Keras layer have the same weights, also after training; separate layers "
    "have weights of their own",
    "in b, use one Keras layer, or several, in the same places as in a",
)
EXTRA = Row(
    "* only in *",
    "structure",
    None,
    None,
    "the other network has no counterpart of it",
    lambda fact: "add it to b" if fact.value else "take it out of b",
    affects=~Affects.NOTHING,
)
