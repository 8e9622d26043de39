"""A network with something of everything, in which any one thing can be changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.synapses import TrainableLowpass

MATRIX = np.arange(6.0).reshape(3, 2) / 10


def square(x: Any) -> Any:
    return x**2


def half(x: Any) -> Any:
    return x / 2


@dataclass(frozen=True)
class Mutation:
    """
    One change of `build`, and what has to be said of it.

    Parameters
    ----------
    changes : dict
        Arguments of `build`.
    what, where : str
        What differs, and the name of the object or connection in the network without the change.
    others : tuple of str
        What else is a difference of its own.
    """

    changes: dict[str, Any]
    what: str
    where: str
    others: tuple[str, ...] = field(default=())


def build(
    *,
    label: str = "base",
    seed: int | None = 0,
    settings: dict[str, Any] | None = None,
    pixels: int = 16,
    values: Any = None,
    process: Any = None,
    into_conv: dict[str, Any] | None = None,
    conv: dict[str, Any] | None = None,
    frozen_conv: bool = False,
    lif: Any = None,
    lif_arguments: dict[str, Any] | None = None,
    lif_trains: bool | None = None,
    into_dense: dict[str, Any] | None = None,
    dense: dict[str, Any] | None = None,
    dense_shape: tuple[int, ...] = (18,),
    function: Any = tf.nn.relu,
    memory: dict[str, Any] | None = None,
    into_memory: dict[str, Any] | None = None,
    recurrence: dict[str, Any] | None = None,
    readout: dict[str, Any] | None = None,
    learning: Any = "default",
    from_noise: list[int] | None = None,
    probe: dict[str, Any] | None = None,
    probe_of: str = "dense",
    extra: str = "",
    missing: str = "",
    before: Callable[[], None] = lambda: None,
) -> nengo.Network:
    """Build the network; each argument changes one thing."""
    with nengo.Network(seed=seed, label=label) as net:
        nengo_dl.configure_settings(trainable=None, keep_history=True, **(settings or {}))
        before()
        image = nengo.Node(np.linspace(0, 1, pixels) if values is None else values, label="image")
        kernel = tf.keras.layers.Conv2D(**{"filters": 2, "kernel_size": 2, **(conv or {})})
        kernel.trainable = not frozen_conv
        conv_node = nengo_dl.TensorNode(kernel, shape_in=(4, 4, 1), pass_time=False, label="conv")
        nengo.Connection(image, conv_node, **{"synapse": None, **(into_conv or {})})
        lif_arguments = {
            "gain": nengo.dists.Uniform(1, 2),
            "bias": nengo.dists.Uniform(1, 3),
            **(lif_arguments or {}),
        }
        spikes = nengo.Ensemble(
            18, 1, neuron_type=nengo.LIF() if lif is None else lif, label="spikes", **lif_arguments
        )
        if lif_trains is not None:
            net.config[spikes.neurons].trainable = lif_trains
        nengo.Connection(conv_node, spikes.neurons, synapse=None)
        dense_node = nengo_dl.TensorNode(
            tf.keras.layers.Dense(**{"units": 3, **(dense or {})}),
            shape_in=dense_shape,
            pass_time=False,
            label="dense",
        )
        nengo.Connection(spikes.neurons, dense_node, **{"synapse": 0.005, **(into_dense or {})})
        last: Any = dense_node
        if extra == "layer":
            last = nengo_dl.Layer(nengo.RectifiedLinear())(dense_node, label="extra")
        size = dense_node.size_out
        relu = nengo_dl.TensorNode(function, shape_in=(size,), pass_time=False, label="relu")
        nengo.Connection(last, relu, synapse=None)
        represented = nengo.Ensemble(
            **{"n_neurons": 20, "dimensions": 2, "label": "memory", **(memory or {})}
        )
        if missing != "connection":
            nengo.Connection(
                relu[:3],
                represented,
                **{"transform": MATRIX.T, "synapse": None, **(into_memory or {})},
            )
        nengo.Connection(
            represented, represented, **{"function": square, "synapse": 0.1, **(recurrence or {})}
        )
        output = nengo.Node(size_in=2, label="output")
        learned = nengo.Connection(represented, output, **{"synapse": 0.01, **(readout or {})})
        noise = nengo.Node(
            nengo.processes.WhiteSignal(0.1, 50, seed=3) if process is None else process,
            size_out=2,
            label="noise",
        )
        nengo.Connection(noise[from_noise or [0]], represented[:1], synapse=None)
        rule = nengo.PES(1e-4) if isinstance(learning, str) else learning
        if rule is not None:
            learned.learning_rule_type = rule
            nengo.Connection(output, learned.learning_rule, synapse=None)
        if missing != "probe":
            nengo.Probe(
                {"dense": dense_node, "relu": relu}[probe_of], label="seen", **(probe or {})
            )
        nengo.Probe(spikes.neurons, "voltage", label="voltages")
        nengo.Probe(output, label="read")
        if extra == "probe":
            nengo.Probe(represented, synapse=0.02, label="more")
        if extra == "subnetwork":
            with nengo.Network(label="inner"):
                inner = nengo.Ensemble(5, 2, label="copy")
            nengo.Connection(represented, inner)
    return net


CONV, SPIKES, DENSE = "image->conv", "conv->spikes", "spikes->dense"
MUTATIONS = {
    "synapse removed": Mutation({"into_dense": {"synapse": None}}, "synapse", DENSE),
    "synapse added": Mutation({"into_conv": {"synapse": 0.005}}, "synapse", CONV),
    "synapse longer": Mutation({"into_dense": {"synapse": 0.006}}, "synapse", DENSE),
    "synapse of another class": Mutation(
        {"into_dense": {"synapse": nengo.Alpha(0.005)}}, "synapse", DENSE
    ),
    "synapse that trains": Mutation(
        {"into_dense": {"synapse": TrainableLowpass(0.005)}}, "synapse", DENSE
    ),
    "synapse of a recurrence": Mutation(
        {"recurrence": {"synapse": 0.2}}, "synapse", "memory->memory"
    ),
    "synapse of a probe": Mutation({"probe": {"synapse": 0.03}}, "synapse", "seen"),
    "seed of the network": Mutation({"seed": 1}, "network seed", "the network"),
    "no seed": Mutation({"seed": None}, "network seed", "the network"),
    "seed of an ensemble": Mutation({"lif_arguments": {"seed": 8}}, "seed", "spikes"),
    "seed of a connection": Mutation(
        {"readout": {"seed": 5}, "memory": {}}, "seed", "memory->output"
    ),
    "one weight": Mutation(
        {"into_memory": {"transform": MATRIX.T + np.eye(2, 3) * [0, 1, 0]}},
        "transform.init",
        "relu->memory",
    ),
    "transform left out": Mutation({"readout": {"transform": 2.0}}, "transform", "memory->output"),
    "transform of another size": Mutation(
        {"readout": {"transform": np.ones((2, 2)) * 0.5}}, "transform", "memory->output"
    ),
    "function": Mutation({"recurrence": {"function": half}}, "function", "memory->memory"),
    "solver": Mutation(
        {"readout": {"solver": nengo.solvers.LstsqL2(reg=0.3)}}, "solver", "memory->output"
    ),
    "trainable flag of a bias": Mutation({"lif_trains": False}, "bias trains", "spikes"),
    "trainable flag of a Keras layer": Mutation({"frozen_conv": True}, "layer.trainable", "conv"),
    "membrane time constant": Mutation(
        {"lif": nengo.LIF(tau_rc=0.03)}, "neuron type.tau_rc", "spikes"
    ),
    "amplitude": Mutation({"lif": nengo.LIF(amplitude=0.1)}, "neuron type.amplitude", "spikes"),
    "initial state": Mutation(
        {"lif": nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0])})},
        "neuron type.initial_state",
        "spikes",
    ),
    "neuron type": Mutation({"lif": nengo.AdaptiveLIF()}, "neuron type", "spikes"),
    "neuron type of this package": Mutation({"lif": TrainableLIF()}, "neuron type", "spikes"),
    "surrogate": Mutation(
        {"lif": Surrogate(nengo.LIF(), surrogate.arctan(2.0))}, "neuron type", "spikes"
    ),
    "gain": Mutation({"lif_arguments": {"gain": nengo.dists.Uniform(1, 4)}}, "gain", "spikes"),
    "one gain": Mutation({"lif_arguments": {"gain": np.arange(18) + 1.0}}, "gain", "spikes"),
    "bias": Mutation({"lif_arguments": {"bias": nengo.dists.Uniform(1, 4)}}, "bias", "spikes"),
    "max_rates": Mutation(
        {"memory": {"max_rates": nengo.dists.Uniform(100, 120)}}, "max_rates", "memory"
    ),
    "intercepts": Mutation(
        {"memory": {"intercepts": nengo.dists.Uniform(-0.5, 0.5)}}, "intercepts", "memory"
    ),
    "encoders": Mutation(
        {"memory": {"encoders": nengo.dists.Choice([[1, 0]])}}, "encoders", "memory"
    ),
    "radius": Mutation({"memory": {"radius": 2}}, "radius", "memory"),
    "noise of an ensemble": Mutation(
        {"memory": {"noise": nengo.processes.WhiteNoise(seed=1)}}, "noise", "memory"
    ),
    "evaluation points": Mutation({"memory": {"n_eval_points": 33}}, "n_eval_points", "memory"),
    "number of neurons": Mutation({"memory": {"n_neurons": 21}}, "n_neurons", "memory"),
    "units": Mutation({"dense": {"units": 4}}, "layer.units", "dense"),
    "activation": Mutation({"dense": {"activation": "tanh"}}, "layer.activation", "dense"),
    "initializer": Mutation(
        {"dense": {"kernel_initializer": "zeros"}}, "layer.kernel_initializer", "dense"
    ),
    "seed of an initializer": Mutation(
        {"dense": {"kernel_initializer": tf.keras.initializers.GlorotUniform(3)}},
        "layer.kernel_initializer.seed",
        "dense",
    ),
    "shape in": Mutation({"dense_shape": (9, 2)}, "shape in", "dense"),
    "use_bias": Mutation({"conv": {"use_bias": False}}, "layer.use_bias", "conv"),
    "function of a TensorNode": Mutation({"function": tf.nn.softplus}, "function", "relu"),
    "values of a Node": Mutation({"values": np.linspace(0, 1.1, 16)}, "output", "image"),
    "process of a Node": Mutation(
        {"process": nengo.processes.WhiteSignal(0.1, 40, seed=3)}, "output", "noise"
    ),
    "function of a Node": Mutation({"process": lambda t: [t, 0]}, "output", "noise"),
    "slice": Mutation({"from_noise": [1]}, "pre slice", "noise->memory"),
    "learning rate": Mutation(
        {"learning": nengo.PES(1e-3)}, "learning rule.learning_rate", "memory->output"
    ),
    "learning rule": Mutation({"learning": None}, "learning rule", "memory->output"),
    "what a probe reads": Mutation({"probe_of": "relu"}, "structure", "seen"),
    "when a probe reads": Mutation({"probe": {"sample_every": 0.002}}, "sample_every", "seen"),
    "probe left out": Mutation({"missing": "probe"}, "probe only in a", "seen"),
    "probe added": Mutation({"extra": "probe"}, "probe only in b", "more"),
    "layer added": Mutation({"extra": "layer"}, "ensemble only in b", "extra"),
    "subnetwork added": Mutation({"extra": "subnetwork"}, "ensemble only in b", "inner/copy"),
    "connection left out": Mutation(
        {"missing": "connection"}, "connection only in a", "relu->memory"
    ),
    "inference_only": Mutation(
        {"settings": {"inference_only": True}}, "network inference_only", "the network"
    ),
    "dtype": Mutation({"settings": {"dtype": "float64"}}, "network dtype", "the network"),
    "stateful": Mutation({"settings": {"stateful": False}}, "network stateful", "the network"),
    "learning_phase": Mutation(
        {"settings": {"learning_phase": True}}, "network learning_phase", "the network"
    ),
    "lif_smoothing": Mutation(
        {"settings": {"lif_smoothing": 0.1}}, "network lif_smoothing", "the network"
    ),
}
