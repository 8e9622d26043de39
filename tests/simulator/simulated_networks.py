"""Networks of all that a Simulator can meet, as data that hypothesis can draw and shrink.

A network is a list of parts. A part takes what came before it: its links count back from the
latest output, around the end if need be, so a part that is taken out leaves a network that still
can be built. The numbers (weights, gains, inputs) come from the seed, and are no round ones, so
that no membrane meets its threshold by design.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import nengo
import numpy as np
from python_neurons import InPython

from nengo_layers_plus import Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableAdaptiveLIF

# -----------------------------------------------------------------------------
# What is named in the data

SYNAPSES = {
    "none": None,
    "lowpass": nengo.Lowpass(0.004),
    "long lowpass": nengo.Lowpass(0.05),
    "instant lowpass": nengo.Lowpass(1e-6),
    "alpha": nengo.Alpha(0.006),
    "instant alpha": nengo.Alpha(1e-6),
    "passing through": nengo.LinearFilter([0.004, 1], [0.009, 1]),
    "first order": nengo.LinearFilter([1.3], [0.007, 1]),
    "third order": nengo.LinearFilter([0.002, 1], [1e-7, 3e-5, 0.009, 1]),
    "digital": nengo.LinearFilter([0.4, 0.1], [1, -0.3, -0.1], analog=False),
    "triangle": nengo.synapses.Triangle(0.004),
}
TRANSFORMS = (
    "none",
    "scalar",
    "diagonal",
    "dense",
    "sparse",
    "convolution",
    "convolution transposed",
)
PICKS = ("all", "repeated", "reversed", "every second", "backwards")
TARGETS = ("all", "some", "repeated", "backwards", "reversed")
FUNCTIONS = {
    "none": None,
    "square": np.square,
    "sum": lambda x: np.sum(x, keepdims=True),
    "shifted sine": lambda x: np.sin(x + 0.3),
}


@dataclass(frozen=True)
class NeuronKind:
    """A neuron type, and the currents at which it does something within a few steps."""

    neuron_type: Any
    gain: tuple[float, float] = (1.0, 5.0)
    bias: tuple[float, float] = (1.0, 12.0)
    random: bool = False


_HERTZ = {"gain": (30.0, 150.0), "bias": (20.0, 300.0)}
_PLAIN = {"gain": (1.0, 2.0), "bias": (-1.0, 2.0)}
NEURONS = {
    "RectifiedLinear": NeuronKind(nengo.RectifiedLinear(), **_PLAIN),
    "LIF": NeuronKind(nengo.LIF(amplitude=0.011)),
    "LIFRate": NeuronKind(nengo.LIFRate(amplitude=0.013)),
    "SpikingRectifiedLinear": NeuronKind(nengo.SpikingRectifiedLinear(amplitude=0.012), **_HERTZ),
    "fast SpikingRectifiedLinear": NeuronKind(
        nengo.SpikingRectifiedLinear(), gain=(100.0, 400.0), bias=(200.0, 1500.0)
    ),
    "slow LIF": NeuronKind(
        nengo.LIF(
            tau_rc=0.031,
            tau_ref=0.0034,
            min_voltage=-0.7,
            initial_state={"voltage": nengo.dists.Uniform(-0.5, 0.9)},
        ),
        bias=(-1.0, 15.0),
    ),
    "SoftLIFRate": NeuronKind(nengo_dl.SoftLIFRate(sigma=0.05, amplitude=0.01)),
    "LeakyReLU": NeuronKind(nengo_dl.LeakyReLU(negative_slope=0.2), **_PLAIN),
    "SpikingLeakyReLU": NeuronKind(
        nengo_dl.SpikingLeakyReLU(negative_slope=0.4, amplitude=0.01),
        gain=(30.0, 150.0),
        bias=(-200.0, 200.0),
    ),
    "Sigmoid": NeuronKind(nengo.Sigmoid(tau_ref=0.6), **_PLAIN),
    "Tanh": NeuronKind(nengo.Tanh(tau_ref=0.7), **_PLAIN),
    "RegularSpiking": NeuronKind(nengo.RegularSpiking(nengo.LIFRate(), amplitude=0.009)),
    "RegularSpiking of Tanh": NeuronKind(
        nengo.RegularSpiking(nengo.Tanh(tau_ref=0.003), amplitude=0.01), **_PLAIN
    ),
    "AdaptiveLIF": NeuronKind(nengo.AdaptiveLIF(tau_n=0.05, inc_n=0.02, amplitude=0.01)),
    "AdaptiveLIFRate": NeuronKind(nengo.AdaptiveLIFRate(tau_n=0.05, inc_n=0.02, amplitude=0.01)),
    "Izhikevich": NeuronKind(nengo.Izhikevich(), gain=(3.0, 9.0), bias=(5.0, 15.0)),
    "in Python": NeuronKind(InPython(amplitude=0.012)),
    "a model": NeuronKind(TrainableAdaptiveLIF(tau_n=0.05, amplitude=0.01, per_neuron=True)),
    "Surrogate": NeuronKind(Surrogate(nengo.LIF(amplitude=0.011), surrogate.arctan(2.0))),
    "StochasticSpiking": NeuronKind(
        nengo.StochasticSpiking(nengo.LIFRate(), amplitude=0.01), random=True
    ),
    "PoissonSpiking": NeuronKind(
        nengo.PoissonSpiking(nengo.RectifiedLinear(), amplitude=0.01), **_HERTZ, random=True
    ),
}


class ScaledByStaticBatch(tf.keras.layers.Layer):
    """Multiplies by a factor an item, which is only right for the batch it was built with."""

    def build(self, shape: Any) -> None:
        self.factors = tf.linspace(tf.constant(0.5, self.dtype), 1.5, int(shape[0]))

    def call(self, x: Any) -> Any:
        return x * self.factors[:, None]


class CallCounter(tf.keras.layers.Layer):
    """Multiplies by how often it was called: it varies though its input does not."""

    def build(self, shape: Any) -> None:
        self.count = self.add_weight(
            name="count", shape=(), initializer="zeros", trainable=False, dtype=self.dtype
        )

    def call(self, x: Any) -> Any:
        return x * (1 + 0.1 * tf.cast(self.count.assign_add(1.0), x.dtype))


def _keras_layer(name: str, size: int, dtype: str, seed: int) -> tuple[Any, tuple[int, ...]]:
    """Make a Keras layer with `size` outputs; return it with the shape of its input."""
    layers = tf.keras.layers
    # Keras has no biases but zeros, if it is not told otherwise
    drawn = {
        name: tf.keras.initializers.RandomUniform(-0.9, 0.9, seed=seed + index)
        for index, name in enumerate(("kernel_initializer", "bias_initializer"))
    }
    if name == "dense":
        return layers.Dense(size, dtype=dtype, **drawn), (size,)
    if name == "dense tanh":
        return layers.Dense(size, activation="tanh", dtype=dtype, **drawn), (size,)
    if name == "convolution":
        filters = 2 if size % 2 == 0 else 1
        layer = layers.Conv1D(filters, 2, padding="same", dtype=dtype, **drawn)
        return layer, (size // filters, 1)
    if name == "image convolution":
        filters = 2 if size % 2 == 0 else 1
        layer = layers.Conv2D(filters, (1, 2), padding="same", dtype=dtype, **drawn)
        return layer, (1, size // filters, 1)
    if name == "pooling":
        return layers.AveragePooling1D(2, strides=1, padding="same", dtype=dtype), (size, 1)
    if name == "model":
        inner = layers.Dense(2, activation="relu", dtype=dtype, **drawn)
        outer = layers.Dense(size, dtype=dtype, **drawn)
        return tf.keras.Sequential([inner, outer]), (size,)
    if name == "batch normalisation":
        shift = {
            "beta_initializer": drawn["bias_initializer"],
            "moving_mean_initializer": drawn["kernel_initializer"],
        }
        return layers.BatchNormalization(momentum=0.7, dtype=dtype, **shift), (size,)
    if name == "dropout":
        return layers.Dropout(0.4, seed=seed, dtype=dtype), (size,)
    if name == "dropout of all items":
        # one mask for all items of the batch
        return layers.Dropout(0.4, noise_shape=(1, size), seed=seed, dtype=dtype), (size,)
    if name == "static batch":
        return ScaledByStaticBatch(dtype=dtype), (size,)
    if name == "call counter":
        return CallCounter(dtype=dtype), (size,)
    raise KeyError(name)


KERAS_LAYERS = (
    "dense",
    "dense tanh",
    "convolution",
    "image convolution",
    "pooling",
    "model",
    "static batch",
    "call counter",
    "dropout",
    "dropout of all items",
    "batch normalisation",
)
RANDOM_IN_TRAINING = ("dropout", "dropout of all items")
TENSOR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sine": tf.sin,
    "softmax": tf.nn.softmax,
    "less the batch's mean": lambda x: x - tf.reduce_mean(x, axis=0),
    "batch's greatest": lambda x: tf.zeros_like(x) + tf.reduce_max(x),
    "sum over the batch": lambda x: tf.cumsum(x, axis=0),
    "next item": lambda x: tf.roll(x, 1, axis=0),
    "static reshape": lambda x: tf.reshape(tf.reshape(x, (-1,)), x.shape) * 0.7,
}
TIMED_TENSOR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "wave": lambda t, x: x * tf.cos(t * 300),
    "late": lambda t, x: tf.where(t > 0.0045, x, 0.3 * x),
}

# -----------------------------------------------------------------------------
# Links


@dataclass(frozen=True)
class Link:
    """
    A connection into a part.

    Parameters
    ----------
    source : int
        Which output it comes from, counted back from the latest.
    synapse : str
        One of `SYNAPSES`.
    transform : str
        One of `TRANSFORMS`. Where sizes differ and the transform can't change them, the input is
        repeated.
    pick : str
        Which elements of the source, one of `PICKS`.
    into : str
        Which elements of the part, one of `TARGETS`.
    function : str
        One of `FUNCTIONS`; nothing if it comes from neurons, which have none.
    """

    source: int = 0
    synapse: str = "none"
    transform: str = "none"
    pick: str = "all"
    into: str = "all"
    function: str = "none"


def picked(pick: str, size: int) -> Any:
    """Return what to index with: a slice or a list."""
    if pick == "all" or size == 1:
        return slice(None)
    if pick == "repeated":
        return [0, *range(size - 1)]
    if pick == "reversed":
        return slice(None, None, -1)
    if pick == "every second":
        return slice(None, None, 2)
    if pick == "some":
        return slice(0, size - 1)
    assert pick == "backwards"
    return slice(size - 1, 0, -1)


def make_transform(kind: str, size_in: int, size_out: int, rng: np.random.RandomState) -> Any:
    """Make a transform of nengo."""
    if kind == "none":
        return None
    if kind == "scalar":
        return rng.uniform(0.5, 1.1)
    if kind == "diagonal":
        return rng.uniform(-1.1, 1.1, size_out)
    if kind == "dense":
        return rng.uniform(-1, 1, (size_out, size_in))
    if kind == "sparse":
        indices = [(i, (i * 2 + 1) % size_in) for i in range(size_out)]
        values = rng.uniform(-1, 1, len(indices))
        return nengo.Sparse((size_out, size_in), indices=indices, init=values)
    if kind == "convolution":
        filters = size_out // size_in
        return nengo.Convolution(
            filters,
            (size_in, 1),
            kernel_size=(2,),
            strides=(1,),
            padding="same",
            init=rng.uniform(-1, 1, (2, 1, filters)),
        )
    assert kind == "convolution transposed"
    stride = 2 if size_out % 2 == 0 else 1
    width = size_out - (size_in - 1) * stride
    return nengo.ConvolutionTranspose(
        1,
        (size_in, 1),
        kernel_size=(width,),
        strides=(stride,),
        padding="valid",
        init=rng.uniform(-1, 1, (width, 1, 1)),
    )


def input_size(transform: str, size: int, size_out: int) -> int:
    """Return how many inputs a transform takes, if `size` are there and `size_out` are wanted."""
    if transform in ("dense", "sparse"):
        return size
    if transform == "convolution":
        return size_out // 2 if size_out % 2 == 0 else size_out
    if transform == "convolution transposed":
        return size_out // 2 if size_out % 2 == 0 else max(1, size_out - 1)
    return size_out


# -----------------------------------------------------------------------------
# Building


@dataclass
class BuiltNetwork:
    """
    A network of nengo, with what its functions did.

    Parameters
    ----------
    network : nengo.Network
        The network.
    inputs : list of nengo.Node
        The Nodes that data can be given for.
    spiking : list of nengo.ensemble.Neurons
        All that spike, with a threshold that can be looked at.
    spike_probes : dict
        For each of ``spiking``, the probes of output and voltage, if they were asked for.
    calls : list
        Which function of a Node was called at which time, in this order.
    """

    network: nengo.Network
    inputs: list[Any] = field(default_factory=list)
    spiking: list[Any] = field(default_factory=list)
    spike_probes: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    calls: list[tuple[int, float]] = field(default_factory=list)


class Builder:
    """What the parts know of the network that they are built into."""

    def __init__(self, built: BuiltNetwork, dtype: str) -> None:
        self.built = built
        self.dtype = dtype
        self.rng = np.random.RandomState(0)
        self.label = ""
        self.outputs: list[Any] = []
        self.inputs: list[Any] = []
        self.targets: list[Any] = []
        self.shared = [0.0]

    def output(self, source: int) -> Any:
        return self.outputs[-1 - source % len(self.outputs)]

    def connect(self, link: Link, post: Any, **kwargs: Any) -> Any:
        """Connect an output with all or some of the elements of an object."""
        pre = self.output(link.source)
        decoded = isinstance(pre, nengo.Ensemble)
        function = FUNCTIONS[link.function] if can_apply_functions(pre) else None
        transform, pick, into = link.transform, link.pick, link.into
        summed = function is not None and link.function == "sum"
        if decoded and transform.startswith(("sparse", "convolution")):
            transform = "dense"  # nengo decodes to no other
        if summed and len(np.arange(post.size_in)[picked(into, post.size_in)]) > 1:
            transform = "dense"  # nothing but a matrix makes more of one value
        if transform == "dense":  # which nengo has not for indices that repeat
            pick = "all" if pick == "repeated" else pick
            into = "all" if into == "repeated" else into
        if into != "all":
            post = post[picked(into, post.size_in)]
        chosen = picked(pick, pre.size_out)
        order = np.arange(pre.size_out)[chosen]
        wanted = 1 if summed else input_size(transform, len(order), post.size_in)
        if not summed and wanted != len(order):
            chosen = [int(order[index % len(order)]) for index in range(wanted)]
        matrix = make_transform(transform, wanted, post.size_in, self.rng)
        if function is not None:
            kwargs["function"] = function
        if matrix is not None:
            kwargs["transform"] = matrix
        connection = nengo.Connection(
            pre if chosen == slice(None) else pre[chosen],
            post,
            synapse=SYNAPSES[link.synapse],
            **kwargs,
        )
        self.targets.append(connection)
        return connection

    def add(self, output: Any, post: Any, links: tuple[Link, ...]) -> None:
        """Connect a part, and let later ones take its output."""
        for link in links:
            self.connect(link, post)
        self.outputs.append(output)
        self.inputs.append(post)
        self.targets.append(output)

    def neurons(self, name: str, size: int, dimensions: int = 1, **kwargs: Any) -> Any:
        """Make an ensemble whose neurons respond within a few steps."""
        kind = NEURONS[name]
        ensemble = nengo.Ensemble(
            size,
            dimensions,
            neuron_type=kind.neuron_type,
            gain=self.rng.uniform(*kind.gain, size),
            bias=self.rng.uniform(*kind.bias, size),
            label=self.label,
            **kwargs,
        )
        self.add_spiking(ensemble)
        return ensemble

    def add_spiking(self, ensemble: Any) -> None:
        if ensemble.neuron_type.spiking and "voltage" in ensemble.neuron_type.probeable:
            self.built.spiking.append(ensemble.neurons)
        self.targets.append(ensemble.neurons)


# -----------------------------------------------------------------------------
# Parts


class Stimulus(nengo.Node):
    """A Node of a subclass."""


@dataclass(frozen=True)
class Source:
    """A Node without input."""

    kind: str = "constant"
    size: int = 2

    kinds: ClassVar[tuple[str, ...]] = (
        "constant",
        "function",
        "presented",
        "white signal",
        "white noise",
        "filtered noise",
        "unseeded noise",
        "piecewise",
        "stimulus",
    )

    def make_output(self, builder: Builder) -> Any:
        rng, size = builder.rng, self.size
        phases = rng.uniform(0, 6, size)
        seed = int(rng.randint(1000))
        scaled = nengo.dists.Uniform(-0.02, 0.03)
        return {
            "constant": rng.uniform(-1, 1, size),
            "function": lambda t: np.sin(97 * t + phases),
            "presented": nengo.processes.PresentInput(rng.uniform(-1, 1, (4, size)), 0.003),
            "white signal": nengo.processes.WhiteSignal(0.06, high=200, rms=0.6, seed=seed),
            "white noise": nengo.processes.WhiteNoise(scaled, seed=seed),
            "filtered noise": nengo.processes.FilteredNoise(
                nengo.Lowpass(0.003), nengo.dists.Gaussian(0, 0.04), seed=seed
            ),
            "unseeded noise": nengo.processes.WhiteNoise(scaled),
            "piecewise": nengo.processes.Piecewise(
                {0: phases / 6, 0.002: -phases / 7, 0.011: phases / 9}
            ),
            "stimulus": lambda t: np.cos(97 * t + phases),
        }[self.kind]

    def build(self, builder: Builder) -> None:
        kind = Stimulus if self.kind == "stimulus" else nengo.Node
        node = kind(self.make_output(builder), size_out=self.size, label=builder.label)
        builder.built.inputs.append(node)
        builder.outputs.append(node)
        builder.targets.append(node)


@dataclass(frozen=True)
class KerasLayer:
    """A TensorNode that applies a Keras layer."""

    layer: str = "dense"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)

    def build(self, builder: Builder) -> None:
        seed = int(builder.rng.randint(1000))
        layer, shape_in = _keras_layer(self.layer, self.size, builder.dtype, seed)
        node = nengo_dl.TensorNode(
            layer,
            shape_in=shape_in,
            shape_out=(self.size,),
            pass_time=False,
            label=builder.label,
        )
        builder.add(node, node, self.links)


@dataclass(frozen=True)
class TensorFunction:
    """A TensorNode that applies a function, perhaps of time too."""

    function: str = "sine"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)

    def build(self, builder: Builder) -> None:
        timed = self.function in TIMED_TENSOR_FUNCTIONS
        functions = TIMED_TENSOR_FUNCTIONS if timed else TENSOR_FUNCTIONS
        node = nengo_dl.TensorNode(
            functions[self.function],
            shape_in=(self.size,),
            shape_out=(self.size,),
            pass_time=timed,
            label=builder.label,
        )
        builder.add(node, node, self.links)


@dataclass(frozen=True)
class NeuronLayer:
    """
    Neurons that are connected to directly, as nengo_dl.Layer does.

    Parameters
    ----------
    noise : str
        "none"; "seeded": a process with a seed adds to their input; "unseeded": so does one that
        takes its numbers from where all such processes do.
    """

    neurons: str = "LIF"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)
    noise: str = "none"

    kinds_of_noise: ClassVar[tuple[str, ...]] = ("none", "seeded", "unseeded")

    def build(self, builder: Builder) -> None:
        seed = int(builder.rng.randint(1000))
        deviation = builder.rng.uniform(0.005, 0.015)
        process = nengo.processes.WhiteNoise(
            nengo.dists.Gaussian(0, deviation), seed=seed if self.noise == "seeded" else None
        )
        noise = None if self.noise == "none" else process
        made = builder.neurons(self.neurons, self.size, noise=noise)
        builder.add(made.neurons, made.neurons, self.links)


@dataclass(frozen=True)
class DecodedEnsemble:
    """An ensemble that represents a vector."""

    neurons: str = "LIF"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)
    n_neurons: int = 5

    def build(self, builder: Builder) -> None:
        if self.neurons == "Direct":
            made = nengo.Ensemble(1, self.size, neuron_type=nengo.Direct(), label=builder.label)
        else:
            made = builder.neurons(self.neurons, self.n_neurons, self.size)
        builder.add(made, made, self.links)


@dataclass(frozen=True)
class FunctionNode:
    """
    A Node that calls a Python function of time and input.

    Parameters
    ----------
    kind : str
        "input and time"; "own state": remembers its last inputs; "shared state": counts the calls
        of all such Nodes, so that the order of the calls shows.
    """

    kind: str = "input and time"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)

    kinds: ClassVar[tuple[str, ...]] = ("input and time", "own state", "shared state")

    def build(self, builder: Builder) -> None:
        own = np.zeros(self.size)
        shared = builder.shared
        calls = builder.built.calls
        number = len(builder.outputs)

        def function(t: float, x: np.ndarray) -> np.ndarray:
            calls.append((number, round(float(t), 6)))
            if self.kind == "input and time":
                return np.cos(150 * t) * x
            if self.kind == "own state":
                own[...] = 0.6 * own + 0.4 * x
                return own.copy()
            shared[0] = (shared[0] * 1.7 + 0.13 * number + 0.1 * float(x[0])) % 1.0
            return 0.5 * x + shared[0]

        node = nengo.Node(function, size_in=self.size, size_out=self.size, label=builder.label)
        builder.add(node, node, self.links)


class SlowNoise(nengo.Process):
    """Adds noise to its input, and remembers what it gave."""

    def make_state(self, shape_in: Any, shape_out: Any, dt: float, dtype: Any = None) -> Any:
        return {"last": np.zeros(shape_out)}

    def make_step(self, shape_in: Any, shape_out: Any, dt: float, rng: Any, state: Any) -> Any:
        last = state["last"]

        def step(t: float, x: np.ndarray) -> np.ndarray:
            last[...] = 0.5 * last + x + rng.uniform(-1, 1, shape_out)
            return last

        return step


@dataclass(frozen=True)
class ProcessNode:
    """A Node that applies a process to its input, or passes it through."""

    kind: str = "passthrough"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)

    kinds: ClassVar[tuple[str, ...]] = (
        "passthrough",
        "slow noise",
        *(each for each in SYNAPSES if each != "none"),
    )

    def build(self, builder: Builder) -> None:
        others = {"passthrough": None, "slow noise": SlowNoise()}
        output = others[self.kind] if self.kind in others else SYNAPSES[self.kind]
        node = nengo.Node(output, size_in=self.size, size_out=self.size, label=builder.label)
        builder.add(node, node, self.links)


@dataclass(frozen=True)
class EnsembleArray:
    """One ensemble a dimension, in a network of its own between passthrough Nodes."""

    neurons: str = "LIF"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)

    def build(self, builder: Builder) -> None:
        kind = NEURONS[self.neurons]
        array = nengo.networks.EnsembleArray(
            4,
            self.size,
            neuron_type=kind.neuron_type,
            gain=builder.rng.uniform(*kind.gain, 4),
            bias=builder.rng.uniform(*kind.bias, 4),
            label=builder.label,
        )
        for ensemble in array.ea_ensembles:
            builder.add_spiking(ensemble)
        builder.add(array.output, array.input, self.links)


@dataclass(frozen=True)
class Product:
    """The products of inputs and of what comes to the second factor, last first."""

    neurons: str = "LIF"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)

    def build(self, builder: Builder) -> None:
        kind = NEURONS[self.neurons]
        with nengo.Network() as network:
            network.config[nengo.Ensemble].neuron_type = kind.neuron_type
            # half of the neurons for the sum, half for the difference
            network.config[nengo.Ensemble].gain = builder.rng.uniform(*kind.gain, 4)
            network.config[nengo.Ensemble].bias = builder.rng.uniform(*kind.bias, 4)
            product = nengo.networks.Product(8, self.size, label=builder.label)
        for ensemble in product.all_ensembles:
            builder.add_spiking(ensemble)
        nengo.Connection(product.input_a[::-1], product.input_b, synapse=0.002)
        builder.add(product.output, product.input_a, self.links)


@dataclass(frozen=True)
class Learning:
    """
    Two populations, and a rule that changes the connection between them.

    Parameters
    ----------
    rule : str
        One of `kinds`.
    error : Link
        Where the error or the learning signal comes from.
    """

    rule: str = "PES"
    neurons: str = "LIFRate"
    size: int = 2
    links: tuple[Link, ...] = (Link(),)
    error: Link = Link()

    kinds: ClassVar[tuple[str, ...]] = ("PES", "PES to neurons", "BCM", "Oja", "Voja", "RLS")

    def build(self, builder: Builder) -> None:
        rng, size = builder.rng, self.size
        if self.rule in ("BCM", "Oja"):
            pre, post = builder.neurons(self.neurons, size), builder.neurons(self.neurons, size)
            rule = nengo.BCM(1e-2) if self.rule == "BCM" else nengo.Oja(1e-1)
            connection = nengo.Connection(
                pre.neurons,
                post.neurons,
                transform=rng.uniform(0.1, 0.5, (size, size)),
                synapse=0.003,
                learning_rule_type=rule,
            )
            first, last = pre.neurons, post.neurons
        elif self.rule == "Voja":
            pre, post = (
                builder.neurons(self.neurons, 4, size),
                builder.neurons(self.neurons, 4, size),
            )
            connection = nengo.Connection(
                pre, post, synapse=0.003, learning_rule_type=nengo.Voja(learning_rate=0.1)
            )
            first, last = pre, post
        else:
            pre = first = builder.neurons(self.neurons, 4, size)
            make = nengo.RLS if self.rule == "RLS" else nengo.PES
            rule = make(0.03, pre_synapse=nengo.Lowpass(0.004))
            if self.rule != "PES to neurons":
                last = nengo.Node(size_in=size, label=builder.label)
                solver = nengo.solvers.LstsqL2()
            else:
                last = builder.neurons(self.neurons, 4, size)
                solver = nengo.solvers.LstsqL2(weights=True)
            connection = nengo.Connection(
                pre, last, synapse=0.003, learning_rule_type=rule, solver=solver
            )
        rule = connection.learning_rule
        builder.targets.extend([rule, connection])
        if rule.size_in:
            builder.connect(self.error, rule)
        builder.add(last, first, self.links)


@dataclass(frozen=True)
class Subnetwork:
    """Some parts in a network of their own."""

    parts: tuple[Any, ...] = (NeuronLayer(),)

    def build(self, builder: Builder) -> None:
        with nengo.Network():
            for part in self.parts:
                part.build(builder)


# -----------------------------------------------------------------------------
# The network


@dataclass(frozen=True)
class Recurrence:
    """A connection from any output back to any part, through a synapse."""

    target: int = 0
    link: Link = Link(synapse="lowpass")


@dataclass(frozen=True)
class ProbePlan:
    """
    What is recorded.

    Parameters
    ----------
    target : int
        Which of all outputs, neurons, connections and learning rules, counted back.
    attribute : int
        Which of the attributes that can be probed there, around the end.
    synapse : str
        One of `SYNAPSES`.
    sample_every : float or None
        In seconds.
    keep_history : bool
        Or the last step only.
    """

    target: int = 0
    attribute: int = 0
    synapse: str = "none"
    sample_every: float | None = None
    keep_history: bool = True


@dataclass(frozen=True)
class Settings:
    """How the network is simulated: of nengo_dl.configure_settings and of the Simulator."""

    dtype: str = "float32"
    minibatch_size: int | None = None
    unroll_simulation: int = 1
    use_loop: bool = True
    inference_only: bool = False
    lif_smoothing: float | None = None
    learning_phase: bool | None = None
    stateful: bool = True

    def configure(self) -> None:
        nengo_dl.configure_settings(
            trainable=None,
            keep_history=True,
            dtype=self.dtype,
            stateful=self.stateful,
            use_loop=self.use_loop,
            inference_only=self.inference_only,
            lif_smoothing=self.lif_smoothing,
            learning_phase=self.learning_phase,
        )

    @property
    def simulator(self) -> dict[str, Any]:
        return {
            "minibatch_size": self.minibatch_size,
            "unroll_simulation": self.unroll_simulation,
            "progress_bar": False,
            "seed": 7,
        }


@dataclass(frozen=True)
class NetworkPlan:
    """
    A network, and how it is simulated.

    Parameters
    ----------
    parts : tuple
        What it is made of, in this order.
    recurrences : tuple of Recurrence
        Connections back.
    probes : tuple of ProbePlan
        What is recorded.
    all_outputs : bool
        Whether the outputs of all parts are recorded too; that of the last one always is.
    settings : Settings
        How it is simulated.
    seed : int
        From which all numbers come.
    """

    parts: tuple[Any, ...] = (Source(), NeuronLayer())
    recurrences: tuple[Recurrence, ...] = ()
    probes: tuple[ProbePlan, ...] = ()
    all_outputs: bool = True
    settings: Settings = Settings()
    seed: int = 0

    def build(self, spikes_probed: bool = False) -> BuiltNetwork:
        """
        Build the network; each time the same.

        Parameters
        ----------
        spikes_probed : bool
            Whether to probe output and voltage of all that spikes.
        """
        with nengo.Network(seed=self.seed) as network:
            built = BuiltNetwork(network)
            self.settings.configure()
            builder = Builder(built, self.settings.dtype)
            for index, part in enumerate(self.parts):
                builder.rng = np.random.RandomState([self.seed, index])
                builder.label = f"{index} {type(part).__name__}"
                part.build(builder)
            for recurrence in self.recurrences:
                self._loop_back(recurrence, builder)
            for probe in self.probes:
                self._probe(probe, builder)
            for output in builder.outputs if self.all_outputs else builder.outputs[-1:]:
                nengo.Probe(output)
            if spikes_probed:
                built.spike_probes = {
                    each: (nengo.Probe(each), nengo.Probe(each, "voltage"))
                    for each in built.spiking
                }
        return built

    def _loop_back(self, recurrence: Recurrence, builder: Builder) -> None:
        if not builder.inputs:
            return
        post = builder.inputs[-1 - recurrence.target % len(builder.inputs)]
        pre = builder.output(recurrence.link.source)
        transform = 0.5 * builder.rng.uniform(-1, 1, (post.size_in, pre.size_out)) / pre.size_out
        connection = nengo.Connection(
            pre, post, synapse=SYNAPSES[recurrence.link.synapse], transform=transform
        )
        builder.targets.append(connection)

    def _probe(self, plan: ProbePlan, builder: Builder) -> None:
        target = builder.targets[-1 - plan.target % len(builder.targets)]
        attributes = [each for each in target.probeable if can_be_probed(target, each)]
        attribute = attributes[plan.attribute % len(attributes)]
        # nengo_dl filters vectors only
        matrix = attribute in ("weights", "scaled_encoders", "delta")
        probe = nengo.Probe(
            target,
            attribute,
            synapse=None if matrix else SYNAPSES[plan.synapse],
            sample_every=plan.sample_every,
        )
        builder.built.network.config[probe].keep_history = plan.keep_history


def can_apply_functions(pre: Any) -> bool:
    """Whether nengo can apply a function to what comes from an object."""
    if isinstance(pre, nengo.Node):
        return isinstance(pre, nengo_dl.TensorNode) or pre.output is not None
    return isinstance(pre, nengo.Ensemble)


def can_be_probed(target: Any, attribute: str) -> bool:
    """Whether nengo_dl can probe it."""
    if isinstance(target, nengo.Connection) and attribute == "weights":
        # one without weights has none, and those of a sparse transform are no array
        return not isinstance(target.transform, (nengo.transforms.NoTransform, nengo.Sparse))
    return True
