"""Small networks, one for each thing that a Simulator which runs layer by layer may get wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nengo
import numpy as np
from same_numbers import Call
from simulated_networks import (
    TENSOR_FUNCTIONS,
    DecodedEnsemble,
    FunctionNode,
    KerasLayer,
    Learning,
    Link,
    NetworkPlan,
    NeuronLayer,
    ProbePlan,
    ProcessNode,
    Recurrence,
    Settings,
    SlowNoise,
    Source,
    TensorFunction,
)

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf

EXACT = Settings("float64", minibatch_size=2)
TRAINING = Settings("float64", minibatch_size=2, learning_phase=True)
FILTERED = (Link(synapse="lowpass"),)

# -----------------------------------------------------------------------------
# What can be written as a plan


@dataclass(frozen=True)
class Trap:
    """A network, and what is asked of the Simulator."""

    plan: NetworkPlan
    calls: list[Call] = field(default_factory=lambda: [Call(n_steps=7), Call(n_steps=7)])


def _plan(*parts: Any, settings: Settings = EXACT, size: int = 3, **kwargs: Any) -> NetworkPlan:
    return NetworkPlan((Source(size=size), *parts), settings=settings, **kwargs)


NUMBERS = {
    # a synapse on a connection is read a step late, one in a Node is not, a probe reads the new
    "time order": Trap(
        _plan(
            ProcessNode("lowpass", 3),
            ProcessNode("alpha", 3, (Link(synapse="alpha"),)),
            ProcessNode("passthrough", 3, (Link(synapse="lowpass"), Link(1), Link(2))),
            probes=tuple(ProbePlan(target, attribute) for target in (1, 3) for attribute in (0, 1)),
        )
    ),
    "a probe with a synapse": Trap(
        _plan(NeuronLayer("LIF", 3), probes=(ProbePlan(0, synapse="alpha"), ProbePlan(0)))
    ),
    # the value before the first step is the saved state
    "state from call to call": Trap(
        _plan(NeuronLayer("LIF", 3, FILTERED), TensorFunction("sine", 3, FILTERED)),
        [
            Call(n_steps=6),
            Call("predict_on_batch", 5, stateful=False),
            Call("predict", 5, stateful=True, batches=2),
            Call("predict", 4, stateful=False, batches=3),
            Call(n_steps=1),
            Call("reset"),
            Call(n_steps=2),
        ],
    ),
    "weights accumulate": Trap(
        _plan(Learning("PES", size=2), probes=tuple(ProbePlan(at, 2) for at in range(4))),
        [Call(n_steps=12), Call(n_steps=5), Call("reset", trainable=True), Call(n_steps=5)],
    ),
    **{
        f"{rule} without state": Trap(
            _plan(Learning(rule, size=2), settings=Settings("float64", 2, stateful=False)),
            [Call("predict", 6, stateful=False, batches=2), Call(n_steps=6, stateful=False)],
        )
        for rule in Learning.kinds
    },
    "a learned connection that spikes": Trap(
        _plan(Learning("BCM", "LIF", 3), Learning("Oja", "SpikingRectifiedLinear", 3)),
        [Call(n_steps=20)],
    ),
    "no steps": Trap(
        _plan(NeuronLayer("LIF", 3, FILTERED), FunctionNode("own state", 3)),
        [Call(n_steps=0), Call(n_steps=4), Call("predict", 0), Call("predict_on_batch", 0)],
    ),
    "other numbers of steps": Trap(
        _plan(NeuronLayer("LIF", 3, FILTERED)),
        [Call("predict", n_steps, stateful=n_steps % 2 == 0) for n_steps in (1, 2, 3, 5, 8, 13, 2)],
    ),
    # ours were called in another order, or once too often
    "functions that share state": Trap(
        _plan(
            FunctionNode("shared state", 2),
            NeuronLayer("LIF", 2),
            FunctionNode("shared state", 2, (Link(), Link(2, "lowpass"))),
            FunctionNode("shared state", 1, (Link(3),)),
        )
    ),
    "processes without a seed": Trap(
        NetworkPlan(
            (
                Source("unseeded noise", 2),
                NeuronLayer("LIF", 2, noise="unseeded"),
                Source("unseeded noise", 2),
                ProcessNode("slow noise", 3),
                NeuronLayer("LIFRate", 3, FILTERED, noise="unseeded"),
            ),
            settings=EXACT,
        ),
        [
            Call(data="own"),
            Call("reset", processes=False),
            Call(data="own"),
            Call("reset"),
            Call(data="own"),
        ],
    ),
    **{
        name: Trap(
            _plan(TensorFunction(name, 3), settings=Settings("float64", 3)), [Call(n_steps=4)]
        )
        for name in TENSOR_FUNCTIONS
    },
    **{
        f"{layer} in {mode}": Trap(
            _plan(KerasLayer(layer, 4), settings=settings),
            [Call("predict", 3, stateful=False, batches=2), Call(n_steps=3)],
        )
        for mode, settings in (("inference", EXACT), ("training", TRAINING))
        for layer in ("static batch", "batch normalisation")
    },
    # in nengo_dl it counts on where a call keeps no state
    **{
        f"call counter in {mode}": Trap(
            _plan(KerasLayer("call counter", 4), settings=settings),
            [Call(n_steps=3), Call(n_steps=2)],
        )
        for mode, settings in (("inference", EXACT), ("training", TRAINING))
    },
    "a function of time": Trap(_plan(TensorFunction("late", 2), TensorFunction("wave", 2))),
    **{
        f"inputs that are {data}": Trap(
            _plan(KerasLayer("convolution", 4), NeuronLayer("LIF", 4), settings=EXACT),
            [Call("predict", 6, stateful=False, data=data, batches=2), Call(n_steps=6, data=data)],
        )
        for data in ("own", "still", "nearly still", "given")
    },
    # of LIF too, whose rate builder holds zeros of the shape of the batch
    "rates in training": Trap(
        _plan(
            NeuronLayer("LIF", 3),
            NeuronLayer("SoftLIFRate", 3),
            settings=Settings("float64", 3, learning_phase=True, lif_smoothing=0.1),
        )
    ),
    "elements that are added up": Trap(
        _plan(
            NeuronLayer("LIF", 4, (Link(into="repeated"), Link(1, pick="repeated"))),
            ProcessNode("passthrough", 3, (Link(into="backwards"), Link(1, into="some"))),
        )
    ),
    "biases in one variable": Trap(
        _plan(
            *(NeuronLayer("LIF", size, (Link(transform="dense"),)) for size in (2, 3, 2, 1)),
            settings=EXACT,
        ),
        [Call(n_steps=12)],
    ),
    "a loop in the middle": Trap(
        _plan(
            KerasLayer("dense", 3),
            NeuronLayer("LIF", 3),
            TensorFunction("sine", 2, (Link(transform="dense"),)),
            NeuronLayer("LIF", 3),
            recurrences=(Recurrence(1, Link(0, "lowpass")), Recurrence(1, Link(1, "alpha"))),
        ),
        [Call(n_steps=15), Call(n_steps=15)],
    ),
    "sampled probes": Trap(
        _plan(
            NeuronLayer("LIF", 3),
            probes=(ProbePlan(0, sample_every=0.003), ProbePlan(0, keep_history=False)),
        ),
        [Call(n_steps=4), Call(n_steps=4), Call("predict", 4)],
    ),
    "unrolled": Trap(
        _plan(NeuronLayer("LIF", 3, FILTERED), settings=Settings("float64", 2, 3)),
        # three more steps run than are asked for
        [Call(n_steps=6), Call(n_steps=4, data="own"), Call("predict", 3)],
    ),
    "without a loop": Trap(
        _plan(
            NeuronLayer("LIF", 3, FILTERED),
            FunctionNode("shared state", 2),
            settings=Settings("float64", 2, 4, use_loop=False),
            probes=(ProbePlan(0, keep_history=False),),
        ),
        [Call(n_steps=4), Call("predict", 4, stateful=False)],
    ),
    "only inference": Trap(
        _plan(NeuronLayer("LIF", 3), settings=Settings("float64", None, inference_only=True))
    ),
    "filters of other orders": Trap(
        _plan(
            NeuronLayer(
                "RectifiedLinear",
                3,
                tuple(
                    Link(0, synapse)
                    for synapse in ("first order", "third order", "digital", "triangle")
                ),
            ),
            ProcessNode("third order", 3, (Link(synapse="instant lowpass"),)),
        )
    ),
    "values that are decoded": Trap(
        _plan(
            DecodedEnsemble("LIF", 2, (Link(synapse="lowpass"),)),
            DecodedEnsemble("Direct", 2, (Link(function="square"),)),
            DecodedEnsemble("LIFRate", 2, (Link(function="sum"), Link(1, pick="reversed"))),
        ),
        [Call(n_steps=15)],
    ),
}

LOSSES = {
    "BatchNormalization learns its means": (
        _plan(
            KerasLayer("batch normalisation", 3),
            NeuronLayer("LIF", 3),
            KerasLayer("dense", 2),
            settings=EXACT,
        ),
        Call("predict", 3, batches=2),
    ),
    "a spiking network learns as rates": (
        _plan(KerasLayer("dense", 3), NeuronLayer("LIF", 3, FILTERED), settings=EXACT),
        Call("predict", 4, data="still", batches=2),
    ),
    "a single step": (
        _plan(KerasLayer("convolution", 4), NeuronLayer("LIF", 4), settings=EXACT),
        Call("predict", 1, data="still", batches=2),
    ),
    "a loop learns": (
        _plan(
            NeuronLayer("RectifiedLinear", 2),
            settings=EXACT,
            recurrences=(Recurrence(0, Link(0, "lowpass")),),
        ),
        Call("predict", 4, batches=2),
    ),
    "a rule and an optimiser": (
        _plan(Learning("PES", "LIFRate", 2), KerasLayer("dense", 2), settings=EXACT),
        Call("predict", 3, batches=2),
    ),
}

DISTRIBUTIONS = {
    "Dropout of each item and step": _plan(KerasLayer("dropout", 3), settings=TRAINING),
    "Dropout of all items at once": _plan(KerasLayer("dropout of all items", 3), settings=TRAINING),
    "StochasticSpiking": _plan(NeuronLayer("StochasticSpiking", 2), settings=EXACT),
    "PoissonSpiking": _plan(NeuronLayer("PoissonSpiking", 2, FILTERED), settings=EXACT),
}

# -----------------------------------------------------------------------------
# What takes a network of its own


def lif_layers() -> nengo.Network:
    """Build an image, a dense layer and LIF neurons behind a synapse."""
    with nengo.Network(seed=3) as network:
        rng = np.random.RandomState(0)
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(rng.uniform(0, 1, 3), label="image")
        dense = nengo_dl.TensorNode(
            tf.keras.layers.Dense(
                4, kernel_initializer=tf.initializers.RandomNormal(seed=1), dtype="float64"
            ),
            shape_in=(3,),
            shape_out=(4,),
            pass_time=False,
        )
        nengo.Connection(image, dense, synapse=None)
        neurons = nengo.Ensemble(
            4, 1, gain=rng.uniform(1, 3, 4), bias=rng.uniform(2, 9, 4), label="hidden"
        ).neurons
        nengo.Connection(dense, neurons, synapse=0.004)
        nengo.Probe(neurons, label="spikes")
    return network


def use_fewer_steps_than_data(sim: Any, network: nengo.Network) -> dict[str, Any]:
    """Have n_steps say less than the data is long, which only tf.data can."""
    values = np.random.RandomState(1).uniform(0, 1, (4, 9, 3))

    def dataset(n_steps: int) -> Any:
        steps = np.full((4, 1), n_steps, dtype=np.int32)
        return tf.data.Dataset.from_tensor_slices({"image": values, "n_steps": steps}).batch(2)

    return {
        f"{n_steps} steps": sim.predict(dataset(n_steps), verbose=0)[network.probes[0]]
        for n_steps in (5, 9, 0)
    }


def use_before_and_after_training(sim: Any, network: nengo.Network) -> dict[str, Any]:
    """Predict with spikes, train with rates, evaluate and predict with spikes."""
    (image,), (probe,) = network.nodes[:1], network.probes
    rng = np.random.RandomState(1)
    values, targets = rng.uniform(0, 1, (4, 5, 3)), rng.uniform(0, 500, (4, 5, 4))
    data = ({image: values}, {probe: targets})
    before = sim.predict({image: values}, verbose=0)[probe]
    sim.compile(tf.optimizers.Adam(0.05), loss={probe: "mse"})
    history = sim.fit(*data, epochs=2, shuffle=False, verbose=0, validation_data=data).history
    return {
        "before": before,
        **history,
        "score": sim.evaluate(*data, verbose=0)["loss"],
        "after": sim.predict({image: values}, verbose=0)[probe],
        "bias": sim.data[network.ensembles[0]].bias,
    }


def use_a_saved_state(sim: Any, network: nengo.Network) -> dict[str, Any]:
    """Load a state, also while no step has run, and run from it without keeping what follows."""
    (probe,) = network.probes
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "state")
        sim.run_steps(5)
        sim.save_params(path, include_state=True)
        for again in range(2):
            sim.reset()
            if again:
                sim.run_steps(2)
            sim.load_params(path, include_state=True)
            for call in range(2):
                found[f"{again} {call}"] = sim.predict(n_steps=4, verbose=0)[probe]
            found[f"{again} n_steps"] = sim.n_steps
    return found


def use_a_generator(sim: Any, network: nengo.Network) -> dict[str, Any]:
    """Take minibatches from a Python generator."""
    rng = np.random.RandomState(1)

    def minibatches() -> Any:
        for n_steps in (3, 3, 3):
            yield {
                "image": rng.uniform(0, 1, (2, n_steps, 3)),
                "n_steps": np.full((2, 1), n_steps, dtype=np.int32),
            }

    return {"spikes": sim.predict(minibatches(), verbose=0)[network.probes[0]]}


def functions_without_output() -> nengo.Network:
    """Build Nodes whose functions are only called for what they do."""
    called: list[float] = []
    with nengo.Network(seed=0) as network:
        network.called = called
        source = nengo.Node(lambda t: [np.sin(90 * t), 0.3])
        unused = nengo.Node(
            lambda t, x: (called.append(t), x)[1], size_in=2, size_out=2, label="unused"
        )
        sink = nengo.Node(lambda t, x: called.append(-t - x[0] / 7), size_in=2, label="sink")
        nengo.Node(lambda t: called.append(1000 * t), size_in=0, size_out=0)
        nengo.Connection(source, unused, synapse=0.01)
        nengo.Connection(source, sink, synapse=None)
        nengo.Probe(source)
    return network


def use_calls(sim: Any, network: nengo.Network) -> dict[str, Any]:
    network.called.clear()
    sim.run_steps(4)
    sim.predict(n_steps=2, verbose=0)
    return {"called": network.called, "source": sim.data[network.probes[0]]}


def noise_without_seeds() -> nengo.Network:
    """Build processes without seeds, inside and outside of the loop, of several sizes."""
    noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.02))
    with nengo.Network(seed=0) as network:
        # not the same as that of an input: nengo_dl would take it for one
        first = nengo.Node(nengo.processes.WhiteSignal(0.05, high=150), size_out=2)
        for size in (2, 3):
            ensemble = nengo.Ensemble(size, 1, noise=noise, gain=np.ones(size), bias=[8.7] * size)
            nengo.Connection(first[0], ensemble, synapse=0.003)
            nengo.Probe(ensemble.neurons)
        filtered = nengo.Node(SlowNoise(), size_in=2, size_out=2)
        nengo.Connection(first, filtered, synapse=None)
        nengo.Probe(filtered)
        nengo.Probe(first)
    return network


def use_resets(sim: Any, network: nengo.Network) -> dict[str, Any]:
    found = {}
    for call in range(3):
        sim.run_steps(4)
        found |= {f"{call} {probe}": sim.data[each] for probe, each in enumerate(network.probes)}
        sim.reset(include_processes=call == 1)
    return found


def one_layer_used_twice() -> nengo.Network:
    """Build two TensorNodes that share a Keras layer, which counts how often it is called."""
    from simulated_networks import CallCounter

    with nengo.Network(seed=0) as network:
        source = nengo.Node([0.3, -0.4])
        shared = CallCounter(dtype="float64")
        for transform in (1.0, 0.7):
            node = nengo_dl.TensorNode(shared, shape_in=(2,), shape_out=(2,), pass_time=False)
            nengo.Connection(source, node, synapse=None, transform=transform)
            nengo.Probe(node)
    return network


def use_steps(sim: Any, network: nengo.Network) -> dict[str, Any]:
    sim.run_steps(5)
    sim.step()
    sim.run(0.003)
    return {
        "time": sim.time,
        **{str(index): sim.data[probe] for index, probe in enumerate(network.all_probes)},
    }


def time_only() -> nengo.Network:
    """Build a TensorNode that takes the time alone, and neurons without any input."""
    with nengo.Network(seed=0) as network:
        clock = nengo_dl.TensorNode(
            lambda t: tf.reshape(tf.stack([t, tf.sin(t * 400)] * 2), (2, 2)), shape_out=(2,)
        )
        neurons = nengo.Ensemble(2, 1, gain=[2.1, 1.7], bias=[3.3, 5.1]).neurons
        nengo.Connection(clock, neurons, synapse=None)
        alone = nengo.Ensemble(2, 1, gain=[2.1, 1.7], bias=[13.3, 5.1])
        for target in (clock, neurons, alone.neurons, alone):
            nengo.Probe(target)
        nengo.Probe(alone.neurons, "voltage")
    return network


def channels_first() -> nengo.Network:
    """Build a convolution whose channels come first."""
    with nengo.Network(seed=0) as network:
        source = nengo.Node(np.linspace(-1, 1, 8))
        convolution = nengo.Convolution(
            2, (2, 2, 2), kernel_size=(1, 2), strides=(1, 1), channels_last=False
        )
        node = nengo.Node(size_in=convolution.size_out)
        nengo.Connection(source, node, transform=convolution, synapse=0.004)
        nengo.Probe(node)
    return network


def nothing_to_record() -> nengo.Network:
    """Build a network without a probe, whose function is called all the same."""
    called: list[float] = []
    with nengo.Network(seed=0) as network:
        network.called = called
        sink = nengo.Node(lambda t, x: called.append(float(x[0]) + t), size_in=1)
        nengo.Connection(nengo.Ensemble(3, 1, seed=1), sink, synapse=0.002)
    return network


def use_silently(sim: Any, network: nengo.Network) -> dict[str, Any]:
    network.called.clear()
    sim.run_steps(5)
    return {"called": network.called}


@dataclass(frozen=True)
class Use:
    """A network, and what is done with the Simulator."""

    build: Callable[[], nengo.Network]
    use: Callable[[Any, nengo.Network], dict[str, Any]]
    arguments: dict[str, Any] = field(default_factory=dict)


PAIRS = {"minibatch_size": 2}
USES = {
    "data that is longer than n_steps": Use(lif_layers, use_fewer_steps_than_data, PAIRS),
    "training between predictions": Use(lif_layers, use_before_and_after_training, PAIRS),
    "a state that is loaded": Use(lif_layers, use_a_saved_state, PAIRS),
    "a generator": Use(lif_layers, use_a_generator, PAIRS),
    "functions without output": Use(functions_without_output, use_calls),
    "functions without output, for each item": Use(functions_without_output, use_calls, PAIRS),
    "noise without seeds": Use(noise_without_seeds, use_resets, PAIRS),
    "one layer used twice": Use(one_layer_used_twice, use_steps, PAIRS),
    "time alone": Use(time_only, use_steps, PAIRS),
    "channels first": Use(channels_first, use_steps, PAIRS),
    "nothing to record": Use(nothing_to_record, use_silently),
}

# -----------------------------------------------------------------------------
# Where nengo is right, and nengo_dl was not


def _source(size: int = 3, kind: type[nengo.Node] = nengo.Node, label: str | None = None) -> Any:
    phases = np.arange(size)
    return kind(lambda t: np.sin(200 * t + phases) + 0.1, label=label)


def _connect(pre: Any, post: Any, **kwargs: Any) -> None:
    nengo.Connection(pre, post, **{"synapse": None, **kwargs})


def viewed(pick: Any, into: Any = slice(None), **kwargs: Any) -> Callable[[], None]:
    """Connect parts of a Node, of neurons and of an ensemble, by way of others."""

    def build() -> None:
        source, relay, node = _source(4), nengo.Node(size_in=4), nengo.Node(size_in=4)
        neurons = nengo.Ensemble(
            4, 1, gain=np.arange(1.0, 5.0), bias=np.arange(3.0, 7.0), neuron_type=nengo.LIFRate()
        ).neurons
        decoded = nengo.Ensemble(5, 4, neuron_type=nengo.LIFRate(), seed=1)
        _connect(source, relay)
        for pre, post in ((source, node), (relay, neurons), (neurons, node), (relay, decoded)):
            _connect(pre[pick], post[into], **kwargs)
        for target in (node, neurons, decoded[::-1], neurons[::-2]):
            nengo.Probe(target)

    return build


def filtered_by(*synapses: Any) -> Callable[[], None]:
    def build() -> None:
        for synapse in synapses:
            node = nengo.Node(size_in=2)
            _connect(_source(2), node, synapse=synapse)
            nengo.Probe(node)

    return build


def filtered_within(*processes: Any) -> Callable[[], None]:
    def build() -> None:
        for process in processes:
            node = nengo.Node(process, size_in=2, size_out=2)
            _connect(_source(2), node)
            nengo.Probe(node)

    return build


class Stimulus(nengo.Node):
    """A kind of Node by another name."""

    def __str__(self) -> str:
        return f"stimulus {self.label}"


def other_kinds_of_nodes() -> None:
    """Build Nodes of a subclass: functions, processes, and those that pass on."""
    constant = Stimulus([0.0, 1.0, -2.0])
    process = Stimulus(nengo.processes.WhiteSignal(0.05, high=150, seed=1), size_out=3)
    relay = Stimulus(size_in=3)
    computed = Stimulus(lambda t, x: x + t, size_in=3)
    for source in (_source(3, Stimulus, label="Node"), constant, process, computed):
        scaled, copied = nengo.Node(size_in=3), nengo.Node(size_in=2)
        _connect(source, scaled, transform=2)
        _connect(source[[2, 0]], copied)
        nengo.Probe(scaled)
        nengo.Probe(copied)
    _connect(constant, relay)
    _connect(relay, computed, transform=0.5)


def names_that_meet() -> None:
    """Build Nodes whose labels make the same name, or none."""
    for label in ("a", "a", "a_1", "", "\u03b1", "\u03b2", "n_steps", "_", "<Node>"):
        node = nengo.Node(size_in=1)
        _connect(_source(1, label=label), node)
        nengo.Probe(node, label=label)


def noise_that_equals_an_input() -> None:
    """Build an ensemble whose noise is the process of a Node."""
    noise = nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.1), seed=1)
    nengo.Probe(nengo.Node(noise, size_out=2))
    for process in (noise, nengo.processes.WhiteNoise(nengo.dists.Gaussian(0, 0.1), seed=1)):
        neurons = nengo.Ensemble(
            2, 1, noise=process, gain=[1, 2], bias=[3, 5], neuron_type=nengo.RectifiedLinear()
        ).neurons
        nengo.Probe(neurons)


def filtered_noise() -> None:
    """Build a Node whose process has a state."""
    process = nengo.processes.FilteredNoise(nengo.Alpha(0.003), seed=1)
    nengo.Probe(nengo.Node(process, size_out=2))


def nearly_equal() -> None:
    """Build what differs by less than 1e-5 from one, or by less than 1e-8 from each other."""
    for transform in (
        np.array([1, 1 + 1e-6, 1]),
        np.eye(3) + 1e-7 * np.arange(9).reshape(3, 3),
        nengo.Sparse((3, 3), indices=[[0, 0], [1, 1], [2, 2]], init=[1, 1, 1 + 1e-6]),
    ):
        node = nengo.Node(size_in=3)
        _connect(_source(), node, transform=transform)
        nengo.Probe(node)
    for tau in (0.02, 0.02 + 1e-7):
        neurons = nengo.Ensemble(
            3, 1, gain=np.ones(3), bias=[2, 3, 4], neuron_type=nengo.LIFRate(tau_rc=tau)
        ).neurons
        _connect(_source(), neurons)
        nengo.Probe(neurons)
    for rule in (nengo.BCM(1e-9), nengo.BCM(6e-9)):
        _learn(rule, neurons=(True, True))


def sparse_integers() -> None:
    """Build sparse transforms of integers, beside one of real numbers."""
    indices = [[0, 1], [1, 0], [2, 2]]
    for values in ([1, 2, 3], [1.5, 2, 3], np.array([5_000_000_000, 1, 2]), 2, [True] * 3):
        node = nengo.Node(size_in=3)
        _connect(_source(), node, transform=nengo.Sparse((3, 3), indices=indices, init=values))
        nengo.Probe(node)


def transposed_convolutions() -> None:
    """Build transposed convolutions that add to what another has written."""
    node = nengo.Node(size_in=4)
    for scale in (1.0, 2.0):
        transform = nengo.ConvolutionTranspose(
            1, (3, 1), kernel_size=(2,), strides=(1,), init=scale * np.ones((2, 1, 1))
        )
        _connect(_source(3), node, transform=transform)
    nengo.Probe(node)


class Tripled(nengo.Lowpass):
    """A filter that is none."""

    def make_state(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {}

    def make_step(self, *args: Any, **kwargs: Any) -> Any:
        return lambda t, x: 3 * x


class Doubled(nengo.LinearFilter):
    """A filter whose output is twice that of its matrices."""

    def make_step(self, *args: Any, **kwargs: Any) -> Any:
        step = super().make_step(*args, **kwargs)
        return lambda t, x: 2 * step(t, x)


class OtherLowpass(nengo.Lowpass):
    """A filter by another name."""


def _learn(rule: Any, neurons: tuple[bool, bool] = (False, False), **kwargs: Any) -> None:
    """Have a rule change what is decoded, or the weights from or to neurons."""
    settings = {
        "gain": np.linspace(1, 3, 6),
        "bias": np.linspace(1, 2, 6),
        "neuron_type": nengo.LIFRate(),
    }
    pre = nengo.Ensemble(6, 2, seed=2, **settings)
    _connect(_source(2), pre)
    post = nengo.Ensemble(6, 2, seed=3, **settings).neurons if neurons[1] else nengo.Node(size_in=2)
    if neurons[0]:
        pre = pre.neurons
        kwargs["transform"] = 0.01 * np.cos(np.arange(6.0 * post.size_in)).reshape(-1, 6)
    connection = nengo.Connection(pre, post, synapse=0.005, learning_rule_type=rule, **kwargs)
    rule = connection.learning_rule
    if rule.size_in:
        _connect(_source(rule.size_in), rule)
    for attribute in (each for each in rule.probeable if each != "inv_gamma"):
        nengo.Probe(rule, attribute)
    nengo.Probe(post)
    nengo.Probe(connection, "weights")


def recursive_least_squares() -> None:
    """Build nengo's RLS, which nengo_dl has no builder for."""
    _learn(nengo.RLS())
    _learn(nengo.RLS(1e-2, pre_synapse=None))
    _learn(nengo.RLS(1e-4, pre_synapse=0.01), neurons=(True, False))


def connection_with_the_seed_of_a_probe() -> None:
    _learn(nengo.PES(), seed=5)
    nengo.Probe(_source(1), seed=5)


BACKWARDS = slice(None, None, -1)
RIGHT_IN_NENGO: dict[str, Callable[[], None]] = {
    "a reversed view": viewed(BACKWARDS),
    "a reversed target": viewed(slice(None), BACKWARDS, transform=2.0),
    "a matrix between reversed views": viewed(
        BACKWARDS, BACKWARDS, transform=np.arange(16.0).reshape(4, 4) / 10
    ),
    "steps forwards and backwards": viewed(slice(3, None, -2), slice(1, None, 2)),
    "a filter that only scales": filtered_by(nengo.LinearFilter([2.0], [1.0])),
    "a filter that passes through": filtered_by(nengo.LinearFilter([0.004, 1], [0.009, 1])),
    "a filter that passes through, of second order": filtered_by(
        nengo.LinearFilter([1e-5, 0.004, 1], [2e-5, 0.009, 1])
    ),
    "a filter of first order in a Node": filtered_within(nengo.LinearFilter([1.3], [0.007, 1])),
    "filters of several orders": filtered_by(
        nengo.Alpha(0),
        nengo.Alpha(0.01),
        nengo.LinearFilter([0, 0, 1], [2e-5, 0.009, 1]),
        nengo.LinearFilter([0.4, 0.1], [1, -0.3, -0.1], analog=False),
    ),
    "filters of several orders in Nodes": filtered_within(
        nengo.Alpha(0.01), nengo.Alpha(0), nengo.LinearFilter([1.0], [1, -0.6], analog=False)
    ),
    "filters with steps of their own": filtered_by(
        Tripled(0.01), Doubled([1.0], [2e-5, 0.009, 1]), Doubled([1.0], [0.009, 1])
    ),
    "a kind of Lowpass beside another filter": filtered_by(
        OtherLowpass(0.01), nengo.LinearFilter([1.0], [0.02, 1]), nengo.Lowpass(0.01)
    ),
    "other kinds of Nodes": other_kinds_of_nodes,
    "names that meet": names_that_meet,
    "noise that equals an input": noise_that_equals_an_input,
    "filtered noise": filtered_noise,
    "nearly equal": nearly_equal,
    "sparse integers": sparse_integers,
    "transposed convolutions": transposed_convolutions,
    "recursive least squares": recursive_least_squares,
    "a connection with the seed of a probe": connection_with_the_seed_of_a_probe,
}


def all_beside_each_other() -> nengo.Network:
    """Build all of them in one network, where nothing trains."""
    with nengo.Network(seed=0) as network:
        nengo_dl.configure_settings(dtype="float64", trainable=None)
        for kind in (nengo.Ensemble, nengo.Connection, nengo.ensemble.Neurons):
            network.config[kind].trainable = False
        for name, build in RIGHT_IN_NENGO.items():
            with nengo.Network(label=name):
                build()
    return network
