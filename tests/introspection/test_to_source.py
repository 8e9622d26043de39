"""A network as code, item by item."""

from __future__ import annotations

import functools
import math
import runpy
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nengo
import numpy as np
import pytest
import scipy.sparse
from nengo.exceptions import SimulatorClosed, ValidationError
from simulation import simulator
from sourced_networks import described, round_trip
from test_network_source import check_format

from nengo_layers_plus import (
    CustomLayer,
    Sequential,
    Surrogate,
    Trainable,
    load_parameters,
    nengo_dl,
    surrogate,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection import compare, to_source
from nengo_layers_plus.layers import RecurrentNeurons
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.synapses import TrainableLowpass

SCALE = 1.5
layers = tf.keras.layers


def twice(x: Any) -> Any:
    """Can be imported."""
    return 2 * x


def product(x: Any, y: Any) -> Any:
    return x * y


# -----------------------------------------------------------------------------
# The catalogue: networks, and what stands in their code


def _pair(**kwargs: Any) -> tuple[Any, Any]:
    return nengo.Ensemble(5, 3, **kwargs), nengo.Ensemble(6, 3)


def slices() -> None:
    a, b = _pair()
    nengo.Connection(a[:2], b[1:])
    nengo.Connection(a[2], b[-1])
    nengo.Connection(a[[2, 0]], b[::2])
    nengo.Connection(a[2:0:-1], b[[0, 2]])
    nengo.Connection(a.neurons[:3], b.neurons[[1, 3, 2]])
    nengo.Connection(a[[True, False, True]], b[:2])
    nengo.Probe(a.neurons[1:4])


def decoding() -> None:
    a, b = _pair(eval_points=np.linspace(-1, 1, 12).reshape(4, 3), n_eval_points=4)
    points = np.linspace(-1, 1, 90).reshape(30, 3)
    nengo.Connection(
        a, b, function=points**2, eval_points=points, scale_eval_points=False, label="points"
    )
    nengo.Connection(
        a, b[0], function=lambda x: x[0] * SCALE, solver=nengo.solvers.LstsqL2(reg=0.2)
    )
    nengo.Connection(a, b, solver=nengo.solvers.LstsqL2(weights=True), seed=3)
    nengo.Connection(a, b, solver=nengo.solvers.NoSolver(np.ones((5, 3))))
    solver = nengo.solvers.LstsqL2(solver=nengo.utils.least_squares_solvers.SVD())
    nengo.Connection(a, b, solver=solver, eval_points=nengo.dists.Uniform(-1, 0.5))


def learning() -> None:
    a, b = _pair()
    error = nengo.Node([0.0, 0.1, 0.2])
    one = nengo.Connection(a, b, learning_rule_type=nengo.PES(learning_rate=2e-4))
    nengo.Connection(error, one.learning_rule, synapse=None)
    two = nengo.Connection(a, b, learning_rule_type=[nengo.PES(), nengo.Voja(post_synapse=0.01)])
    nengo.Connection(error[0], two.learning_rule[1])
    three = nengo.Connection(a, b, learning_rule_type={"pes": nengo.PES(pre_synapse=None)})
    nengo.Connection(error, three.learning_rule["pes"])
    weights = np.full((6, 5), 0.01)
    nengo.Connection(a.neurons, b.neurons, transform=weights, learning_rule_type=nengo.BCM())
    nengo.Probe(one.learning_rule, "error")
    nengo.Probe(one, "weights", sample_every=0.01)


def transforms() -> None:
    a, b = nengo.Node(np.ones(4)), nengo.Node(size_in=4)
    nengo.Connection(a, b, transform=0.5)
    nengo.Connection(a, b, transform=[1, 2, 3, 4])
    nengo.Connection(a, b, transform=np.arange(16.0).reshape(4, 4))
    nengo.Connection(a, b, transform=np.asfortranarray(np.random.RandomState(0).rand(4, 4)))
    nengo.Connection(a, b, transform=nengo_dl.dists.Glorot())
    nengo.Connection(a, b, transform=nengo.Sparse((4, 4), indices=[[0, 1], [2, 3]], init=[1, 2]))
    matrix = scipy.sparse.csr_matrix(np.diag([1.0, 0, 2, 3]))
    nengo.Connection(a, b, transform=nengo.Sparse((4, 4), init=matrix))
    nengo.Connection(a, b, transform=nengo.Sparse((4, 4), init=matrix.tocoo()))
    nengo.Connection(a, b, transform=nengo.transforms.NoTransform(4))
    conv = nengo.Convolution(2, (2, 2, 1), (1, 2), padding="same", strides=(1, 2))
    nengo.Connection(a, b, transform=conv)
    first = nengo.Convolution(
        1, (1, 2, 2), (1, 1), channels_last=False, init=np.full((1, 1, 1, 1), 2.0)
    )
    nengo.Connection(a, b, transform=first)
    nengo.Connection(
        a, b, transform=nengo.ConvolutionTranspose(1, (4, 1), kernel_size=(1,), strides=(1,))
    )


def neurons() -> None:
    nengo.Ensemble(3, 1, gain=[1, 2, 3], bias=np.zeros(3), label="arrays")
    nengo.Ensemble(3, 1, max_rates=nengo.dists.Choice([50, 60]), radius=2, seed=5)
    nengo.Ensemble(3, 2, encoders=np.eye(3)[:, :2] + 0.1, normalize_encoders=False)
    noise = nengo.processes.FilteredNoise(nengo.Alpha(0.01), seed=2)
    nengo.Ensemble(40, 1, noise=noise, intercepts=np.linspace(-1, 0.8, 40))
    state = {"voltage": nengo.dists.Uniform(0, 0.5), "refractory_time": np.zeros(3)}
    nengo.Ensemble(3, 1, neuron_type=nengo.LIF(tau_rc=0.03, initial_state=state))
    nengo.Ensemble(3, 1, neuron_type=nengo.Direct())
    nengo.Ensemble(3, 1, neuron_type=nengo.PoissonSpiking(nengo.LIFRate(), amplitude=0.01))
    nengo.Ensemble(3, 1, neuron_type=Surrogate(nengo.LIF(), surrogate.arctan(3.0)))
    model = TrainableLIF(tau_rc=[0.02, 0.03, 0.04], trainable="tau_rc", amplitude=2.0)
    nengo.Ensemble(3, 1, neuron_type=model)
    nengo.Ensemble(3, 1, neuron_type=nengo_dl.SoftLIFRate(sigma=0.1))


def nodes() -> None:
    nengo.Node([0.5])
    nengo.Node(np.sin, label="sine wave")
    nengo.Node(math.cos)
    nengo.Node(lambda t, x: [t, x[0]], size_in=2)
    nengo.Node(size_in=2, label="2 in")
    nengo.Node(nengo.processes.WhiteSignal(0.5, high=10, seed=1), size_out=2)
    nengo.Node(nengo.processes.Piecewise({0: 0.0, 0.5: [1.0]}), label="import")
    nengo.Node(nengo.Lowpass(0.01), size_in=3, size_out=3)
    nengo.Node(functools.partial(pow, 2.0))
    nengo.Node([0.1]).seed = 3


def probes() -> None:
    nengo_dl.configure_settings(keep_history=False)
    a, b = _pair()
    connection = nengo.Connection(a, b, synapse=TrainableLowpass(0.02))
    kept = nengo.Probe(a, synapse=0.01, sample_every=0.002, label="decoded", seed=8)
    nengo.Probe(a, solver=nengo.solvers.LstsqL2(reg=0.3), synapse=nengo.Alpha(0.01))
    nengo.Probe(a.neurons, "voltage")
    nengo.Probe(connection)
    nengo.Network.context[0].config[kept].keep_history = True


def trains() -> None:
    nengo_dl.configure_settings(
        trainable=False, dtype="float64", lif_smoothing=0.1, simplifications=[], stateful=False
    )
    network = nengo.Network.context[0]
    a, b = _pair()
    connection = nengo.Connection(a, b)
    network.config[connection].trainable = True
    network.config[a.neurons].trainable = True
    with nengo.Network(label="inner") as inner:
        nengo_dl.configure_settings(trainable=None)
        c = nengo.Ensemble(3, 1)
        inner.config[nengo.Ensemble].trainable = True
        inner.config[c].trainable = False
    network.config[c.neurons].trainable = True
    with nengo.Network():
        nengo_dl.configure_settings(trainable=True)
        nengo.Connection(nengo.Ensemble(4, 1), c)


def fixed_parts() -> None:
    x = nengo.Node([0.5] * 3)
    y = CustomLayer(TrainableLIF(), trainable=Trainable(bias=False, neuron_parameters=True))(x)
    y = CustomLayer(layers.Dense(2), synapse=TrainableLowpass(0.01))(y, transform=np.eye(3))
    nengo.Probe(y)


def defaults() -> None:
    config = nengo.Network.context[0].config
    config[nengo.Ensemble].gain = nengo.dists.Choice([2.0])
    config[nengo.Ensemble].bias = nengo.dists.Choice([0.5])
    config[nengo.Connection].synapse = None
    config[nengo.Connection].transform = nengo_dl.dists.Glorot()
    config[nengo.Connection].solver = nengo.solvers.LstsqL2(reg=0.4)
    config[nengo.Probe].synapse = nengo.Lowpass(0.02)
    a, b = _pair()
    nengo.Connection(a, b)
    nengo.Connection(a, b, transform=None, synapse=0.005)
    nengo.Probe(a)
    nengo.Probe(b, synapse=None)
    with nengo.Network(seed=3) as inner:
        inner.config[nengo.Ensemble].radius = 3.0
        inner.config[nengo.Connection].synapse = 0.1
        c = nengo.Ensemble(4, 1)
        nengo.Connection(a[0], c)
        nengo.Connection(c, a[0], synapse=None)
    with nengo.Config(nengo.Ensemble) as other:
        other[nengo.Ensemble].radius = 5.0
        nengo.Ensemble(3, 1)


def other_backends() -> None:
    config = nengo.Network.context[0].config
    config[nengo.Ensemble].set_param("on_chip", nengo.params.BoolParam("on_chip", default=True))
    config[nengo.Ensemble(3, 1)].on_chip = False


def nested() -> None:
    with nengo.Network(label="first"):
        a = nengo.Ensemble(4, 1, label="same")
        with nengo.Network(label="first"):
            b = nengo.Ensemble(4, 1, label="same")
        nengo.Connection(a, b)
    nengo.Network(label="empty", seed=1)
    c = nengo.networks.EnsembleArray(3, 2, seed=4)
    nengo.Connection(b, c.input[0])
    nengo.Connection(c.output, a, transform=[[1, 1]])
    c.add_output("square", np.square)


def keras_layers() -> None:
    x = nengo.Node(np.ones(12))

    def add(layer: Any, *shape: int, **kwargs: Any) -> None:
        nengo.Connection(x, nengo_dl.TensorNode(layer, shape, pass_time=False, **kwargs))

    add(layers.Dense(2, use_bias=False), 12)
    add(layers.Dense(2, activation="tanh", kernel_regularizer=tf.keras.regularizers.L2(0.1)), 12)
    add(layers.Dense(2, kernel_initializer=tf.keras.initializers.Constant(0.3), name="mine"), 12)
    add(layers.Dense(2, kernel_constraint="non_neg", trainable=False), 12)
    add(layers.Conv2D(2, (1, 2), strides=(1, 2), padding="same"), 2, 3, 2)
    add(layers.BatchNormalization(momentum=0.8, axis=1), 3, 4)
    add(layers.TimeDistributed(layers.Dense(3, activation="relu")), 3, 4)
    add(layers.Bidirectional(layers.SimpleRNN(2, unroll=True), merge_mode="sum"), 3, 4)
    add(layers.RNN(layers.LSTMCell(2)), 3, 4)
    add(layers.Flatten(), 3, 4)
    add(layers.Dense(2, dtype="float64"), 12, shape_out=(2,))


def keras_models() -> None:
    x = nengo.Node(np.ones(4))
    model = tf.keras.Sequential([layers.Dense(3), layers.Dropout(0.5)], name="stack")
    given = tf.keras.Sequential([layers.InputLayer((4,)), layers.Dense(3, trainable=False)])
    frozen = tf.keras.Sequential([layers.Dense(3), layers.Dense(2)])
    frozen.build((None, 4))
    frozen.trainable = False
    frozen.layers[1].trainable = True
    source = tf.keras.Input((4,))
    middle = layers.Dense(4, name="middle")(source)
    functional = tf.keras.Model(source, layers.Add()([source, middle]))
    for each in (model, given, frozen, functional):
        CustomLayer(each)(x)
    y = CustomLayer(layers.Add())([x, nengo.Node(np.ones(4))])
    CustomLayer(product)([x, y])
    nengo.Connection(x, nengo_dl.TensorNode(model, (4,), (3,), pass_time=False))
    shared = CustomLayer(layers.Dense(4), label="shared")
    shared(shared(x))


def functions() -> None:
    x = nengo.Node(np.ones(2))
    for function in (tf.nn.relu, twice, tf.keras.activations.gelu, lambda v: v**2 + SCALE):
        CustomLayer(function)(x)
    nengo.Connection(x, nengo.Node(size_in=2), function=np.square)
    nengo.Connection(x, nengo.Node(size_in=2), function=lambda v, by=2: v * by)
    nengo.Connection(x, nengo.Node(size_in=2), function=lambda v: np.sort(twice(v)))


def ready_made_layers() -> None:
    x = nengo.Node(np.ones(8))
    stack = Sequential(
        [layers.Conv2D(2, 1), nengo.LIF(), layers.Flatten(), layers.Dense(3)],
        synapse=0.01,
        label="stack",
        subnetwork=True,
    )
    y = stack(x, shape_in=(2, 4, 1))
    y = RecurrentNeurons(nengo.LIFRate(), recurrent_transform=np.eye(3) * 0.5)(y)
    nengo.Probe(y)


def arrays_of_parts() -> None:
    array = nengo.networks.EnsembleArray(5, 8, label="many")
    nengo.Connection(nengo.Node(np.ones(8)), array.input)
    nengo.Connection(array.output, nengo.Node(size_in=8, label="out"))
    nengo.networks.EnsembleArray(5, 4, ens_dimensions=3, label="deep")
    rng = np.random.RandomState(0)
    for number in range(4):
        # drawn, and with seeds that do not count
        encoders = rng.standard_normal((20, 2))
        nengo.Ensemble(20, 2, encoders=encoders, seed=number**2, label=f"cell_{number}")
    for label in ("first", "second", "third"):
        nengo.Node(size_in=1, label=label)
    for number in range(3):
        nengo.Node(size_in=1, label=f"x[{number}:3]")


CATALOGUE: dict[Callable[[], None], list[str]] = {
    slices: ["ensemble[:2], ensemble_1[1:]", "[[2, 0]]", "[2:0:-1]", ".neurons[[1, 3, 2]]"],
    decoding: ["scale_eval_points=False", 'label="points"', "LstsqL2(reg=0.2)"],
    learning: [
        "connection_2.learning_rule[1]",
        'learning_rule["pes"]',
        "PES(learning_rate=0.0002)",
    ],
    transforms: [
        "transform=0.5",
        "transform=[1.0, 2.0, 3.0, 4.0]",
        "asfortranarray(arrays[",
        "nengo_dl.dists.Glorot()",
        "scipy.sparse.coo_matrix(",
        "channels_last=False",
    ],
    neurons: [
        "gain=[1.0, 2.0, 3.0]",
        "radius=2",
        'arrays["ensemble_2.intercepts"]',
        "nengo.Direct()",
    ],
    nodes: ["nengo.Node(np.sin, ", "functools.partial(pow, 2.0)", "size_in=2"],
    probes: ["keep_history=False", ".keep_history = True", "sample_every=0.002", "synapse=0.01"],
    trains: ['dtype="float64"', "lif_smoothing=0.1", "stateful=False", ".trainable = True"],
    fixed_parts: ["fix_trainable(network.config, ensemble.neurons, False, ExitStack())"],
    defaults: ["network.config[nengo.Connection].synapse = None", "transform=None"],
    other_backends: ["set_param(", "on_chip = False"],
    nested: ['with nengo.Network(label="first"):', 'nengo.Network(label="empty", seed=1)'],
    keras_layers: [
        'name="mine"',
        "trainable=False",
        "tf.keras.regularizers.L2(l2=",
        "layers.TimeDistributed(",
    ],
    keras_models: [".trainable = False", ".layers[1].trainable = True", "shared_layer = tf.keras"],
    functions: ["tf.nn.relu", "from test_to_source import twice", "np.square"],
    arrays_of_parts: [
        "for index in range(8):",
        'nengo.Ensemble(5, 1, label=f"many_{index}")',
        "many_list[index], output[index : index + 1]",
        "output_1[3 * index : 3 * index + 3]",
        "seed=seeds[index]",
        'arrays[f"cell_{index}.encoders"]',
        'nengo.Node(size_in=1, label="third")',
        'label=f"x[{index}:3]"',
    ],
    ready_made_layers: ['with nengo.Network(label="stack"):'],
}
ASKED_FOR = {
    decoding: ["connection_function"],
    nodes: ["node_2_output"],
    functions: ["tensor_node_3_function", "connection_5_function", "connection_6_function"],
}
"""Functions that can't be imported, by the network that they are in."""


def build(add: Callable[[], None], seed: int | None = 0) -> nengo.Network:
    with nengo.Network(seed=seed) as network, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        add()
    return network


@pytest.mark.parametrize("add", CATALOGUE, ids=lambda add: add.__name__)
def test_catalogue(add: Callable[[], None]) -> None:
    network = build(add)
    source, built = round_trip(network)
    for each in CATALOGUE[add]:
        assert each in source.code, source.code
    assert list(source.arguments) == ASKED_FOR.get(add, []), source.code
    assert "CustomLayer" not in source.code
    check_format(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert compare(network, built), str(compare(network, built))


def test_alike_parts_have_statements_of_their_own_if_asked() -> None:
    network = build(arrays_of_parts)
    source = to_source(network, expand=True)
    assert "for index" not in source.code
    assert 'label="many_7"' in source.code
    assert described(source.build()) == described(network)
    assert len(source.code.splitlines()) > len(to_source(network).code.splitlines()) + 15


def test_a_remark_is_made_once_and_all_that_is_imported_is_public() -> None:
    def several() -> None:
        x = nengo.Node(np.ones(4))
        for _ in range(3):
            model = tf.keras.Sequential([layers.Dense(4)])
            x = CustomLayer(model, trainable=Trainable(connection=False), synapse=None)(x)
            kwargs = {"neuron_type": TrainableLIF(), "gain": np.ones(4), "bias": np.zeros(4)}
            ensemble = nengo.Ensemble(4, 1, **kwargs)
            nengo.Connection(x, ensemble.neurons, synapse=None)
            x = ensemble.neurons

    code = to_source(build(several)).code
    assert code.count("LayerWrapper keeps the weights") == 1
    imported = [line for line in code.splitlines() if "import " in line]
    assert any("nengo_layers_plus.layers import" in line for line in imported)
    assert not [line for line in imported if "._" in line]


def test_functions_in_keras_layers() -> None:
    with nengo.Network(seed=0) as network:
        for layer in (
            layers.Dense(2, activation=tf.sin),
            layers.Activation(lambda v: tf.nn.relu(v) * SCALE),
            layers.Lambda(lambda v: v * 3, name="three"),
            layers.Lambda(functools.partial(product, y=2.0)),
        ):
            nengo_dl.TensorNode(layer, (12,), pass_time=False)
    source, built = round_trip(network)
    assert list(source.arguments) == [
        *("tensor_node_1_activation", "tensor_node_2_function", "tensor_node_3"),
    ]
    assert "it does not say what it was made with" in source.arguments["tensor_node_3"]
    assert "tf.keras.layers.Dense(2, activation=tf.sin)" in source.code
    assert "tf.keras.layers.Activation(tensor_node_1_activation)" in source.code
    assert 'tf.keras.layers.Lambda(tensor_node_2_function, name="three")' in source.code
    for node, other in zip(network.nodes[1:3], built.nodes[1:3], strict=True):
        name = "activation" if node is network.nodes[1] else "function"
        assert getattr(other.tensor_func, name) is getattr(node.tensor_func, name)
    check_format(source)


def test_a_dtype_policy_of_a_layer() -> None:
    with nengo.Network(seed=0) as network:
        layer = layers.Dense(2, dtype=tf.keras.mixed_precision.Policy("mixed_float16"))
        nengo_dl.TensorNode(layer, (12,), (2,), pass_time=False)
    source, _ = round_trip(network)
    assert 'dtype=tf.keras.mixed_precision.Policy("mixed_float16")' in source.code


# -----------------------------------------------------------------------------
# What can't be written


class Holder:
    def method(self, t: float) -> float:
        return t


class Counter(nengo.Process):
    """Does not keep what it was made with."""

    def __init__(self, start: float) -> None:
        super().__init__(default_size_in=0, default_size_out=1)
        self._start = start

    def make_step(self, *args: Any) -> Callable[[float], float]:
        return lambda t: self._start + t


def test_asks_for_what_cant_be_written() -> None:
    count = 3

    def around(t: float) -> float:
        return t * count

    def not_here(x: Any) -> Any:
        return x + 1

    with nengo.Network(seed=0) as network:
        nengo.Node(around, size_out=1)
        nengo.Node(around, size_out=1)
        counter = nengo.Node(Counter(2.0))
        nengo.Connection(counter, nengo.Ensemble(4, 1), function=not_here)
        layer = type("Local", (layers.Layer,), {})()
        nengo_dl.TensorNode(layer, (2,), (2,), pass_time=False)
        nengo.Node(Holder().method, size_out=1)
    source, built = round_trip(network)
    assert sorted(source.arguments) == [
        "around",
        "method",
        "node_2_output",
        "not_here",
        "tensor_node",
    ]
    assert source.values["around"] is around
    assert built.nodes[0].output is built.nodes[1].output is around
    assert "around(t: 'float') -> 'float'" in source.arguments["around"]
    assert "it is made within a function" in source.arguments["around"]
    assert "# around: test_to_source." in source.code
    with pytest.raises(ValidationError, match=r"expected .*around.*, got not_here"):
        source.build(not_here=not_here)
    with pytest.raises(ValidationError, match="expected no arguments, got x"):
        to_source(nengo.Network()).build(x=1)
    check_format(source)


def test_each_function_is_asked_for_once_and_only_if_the_code_needs_it() -> None:
    first, second = (lambda x: x + 1), (lambda x: x + 2)

    class Forgetful(layers.Layer):
        """Does not make itself again of what it says it was made with."""

        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def get_config(self) -> Any:
            return {"function": self.function, "more": 1}

    with nengo.Network() as network:
        node = nengo.Node([0.5])
        for function in (first, second, first):
            nengo.Connection(node, nengo.Node(size_in=1), function=function)
        nengo_dl.TensorNode(Forgetful(lambda x: x), (2,), (2,), pass_time=False, label="layer")
    source, _ = round_trip(network)
    assert list(source.arguments) == ["connection_function", "connection_1_function", "layer"]
    assert [source.values[name] for name in source.arguments][:2] == [first, second]
    check_format(source)


def test_functions_of_a_script_are_asked_for(monkeypatch: Any) -> None:
    monkeypatch.setattr(twice, "__module__", "__main__")
    with nengo.Network() as network:
        nengo.Connection(nengo.Node([0.5]), nengo.Node(size_in=1), function=twice)
    (reason,) = to_source(network).arguments.values()
    assert reason == "__main__.twice(x: 'Any') -> 'Any': its module __main__ can't be imported"


class Recorder(nengo.Node):
    """Keeps something that nengo does not know of."""

    def __init__(self, output: Any, **kwargs: Any) -> None:
        super().__init__(output, **kwargs)
        type(self).last = self


def test_objects_of_subclasses_are_written_as_plain_ones_where_nengo_builds_these_alike() -> None:
    class Cells(nengo.Ensemble):
        pass

    def several() -> None:
        nengo.Network.context[-1].config[nengo.Node].label = "by default"
        nodes = [Recorder([0.1 * number]) for number in range(4)]
        cells = Cells(5, 1, label="cells")
        for node in nodes:
            nengo.Connection(node, cells)
        nengo.Probe(cells)

    network = build(several)
    source, built = round_trip(network)
    assert {type(each) for each in built.all_objects} == {
        *(nengo.Node, nengo.Ensemble, nengo.Connection, nengo.Probe)
    }
    words = " ".join(source.code.replace("#", "").split())
    assert words.count("Recorder is written as nengo.Node: nengo builds the two alike") == 1
    assert words.count("Cells is written as nengo.Ensemble") == 1
    assert compare(network, built)
    check_format(source)


def test_objects_of_subclasses_that_nengo_builds_otherwise(monkeypatch: Any) -> None:
    class Built(nengo.Ensemble):
        pass

    class Given(nengo.Node):
        gain = nengo.params.NumberParam("gain", default=1.0)

    class Sized(nengo.Probe):
        @property
        def size_in(self) -> int:
            return 1

    class Plain(nengo.Ensemble):
        pass

    monkeypatch.setitem(nengo.builder.Builder.builders, Built, lambda model, obj: None)
    with nengo.Network() as network:
        Built(3, 1, label="mine")
    with pytest.raises(ValidationError, match=r"'mine'.*Built, which has a builder of its own"):
        to_source(network)
    with nengo.Network() as network:
        Given([0.0])
    with pytest.raises(ValidationError, match=r"parameters of its own \(gain\).*not a plain Node"):
        to_source(network)
    with nengo.Network() as network:
        Sized(nengo.Node([0.0]))
    with pytest.raises(ValidationError, match=r"which has size_in of its own.*of nengo\.Probe"):
        to_source(network)
    with nengo.Network() as network:
        network.config.configures(Plain)
        Plain(3, 1)
    with pytest.raises(ValidationError, match=r"settings for test_to_source.*Plain"):
        to_source(network)


def test_layers_of_classes_that_cant_be_imported_are_asked_for() -> None:
    class Ones(tf.keras.initializers.Initializer):
        def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
            return tf.ones(shape, dtype)

    class Scaled(layers.Dense):
        def call(self, x: Any, *, by: float = 2.0) -> Any:
            return super().call(x) * by

    with nengo.Network(seed=0) as network:
        x: Any = nengo.Node(np.ones(3))
        for layer in (Scaled(3, kernel_initializer="ones"), layers.Dense(3, None, True, Ones())):
            y = nengo_dl.TensorNode(layer, (3,), (3,), pass_time=False)
            nengo.Connection(x, y, synapse=None)
            x = y
        nengo.Probe(x)
    source, built = round_trip(network)
    assert [each.rpartition(": ")[2] for each in source.arguments.values()] == [
        "it is made within a function, or has no name"
    ] * 2
    assert [type(each) for each in source.values.values()] == [Scaled, layers.Dense]
    outputs = []
    for each in (network, built):
        with simulator(each) as sim:
            sim.run_steps(1)
            outputs.append(sim.data[each.probes[0]].tolist())
    assert outputs[0] == outputs[1] == [[18.0] * 3]


def test_errors() -> None:
    with nengo.Network():
        ensemble = nengo.Ensemble(3, 1, label="mine")
    with pytest.raises(ValidationError, match=r"expected a nengo\.Network.*got 3"):
        to_source(3)
    with pytest.raises(ValidationError, match="give the network that it is in"):
        to_source(ensemble)
    with nengo.Network() as outer:
        a = nengo.Node([0.0], label="outside")
        with nengo.Network() as inner:
            nengo.Connection(a, nengo.Node(size_in=1))
    with pytest.raises(ValidationError, match=r"outside.*not in the network"):
        to_source(inner)
    round_trip(outer)
    with pytest.raises(ValidationError, match=r"ends in \.py"):
        to_source(outer).save("net.txt")


def test_arrays_as_slices() -> None:
    with nengo.Network() as network:
        a = nengo.Node(np.arange(3.0))
        nengo.Connection(a[np.array([2, 0])], nengo.Node(size_in=2))
        nengo.Connection(a[np.array([True, False, True])], nengo.Node(size_in=2))
    code = to_source(network).code
    assert "node[[2, 0]]" in code
    assert "node[np.array([True, False, True])]" in code
    assert to_source(to_source(network).build()).code == code


# -----------------------------------------------------------------------------
# The order


def test_reads_as_data_flows_and_seeds_stay() -> None:
    with nengo.Network(seed=0) as network:
        nodes = [nengo.Node([0.0], label=f"x{i}") for i in range(2)]
        with nengo.Network(label="sub"):
            inner = [nengo.Ensemble(3, 1, label=f"inner{i}") for i in range(2)]
            nengo.Connection(nodes[0], inner[0])
        a, b = nengo.Ensemble(3, 1, label="a"), nengo.Ensemble(3, 1, label="b")
        nengo.Connection(nodes[1], b)
        nengo.Connection(b, inner[1])
        nengo.Connection(inner[0], a)
        nengo.Probe(a)
    source, _ = round_trip(network)
    made = [line.split("=")[0].split("(")[0].strip() for line in source.code.splitlines()[7:-1]]
    assert made == [
        "with nengo.Network",
        "x0",
        "x1",
        "a",
        "b",
        "nengo.Connection",
        "with nengo.Network",
        "inner0",
        "nengo.Connection",
        "inner1",
        "nengo.Connection",
        "nengo.Connection",
        "nengo.Probe",
    ]


def test_a_subnetwork_that_is_needed_in_between() -> None:
    with nengo.Network(seed=0) as network:
        with nengo.Network(label="sub") as sub:
            inner = nengo.Ensemble(3, 1, label="inner")
        connection = nengo.Connection(inner, nengo.Node(size_in=1), learning_rule_type=nengo.PES())
        error = nengo.Node([0.0])
        with sub:
            nengo.Connection(error, inner)
        nengo.Connection(error, connection.learning_rule)
    source, _ = round_trip(network)
    check_format(source)


def test_a_list_that_was_changed_by_hand() -> None:
    with nengo.Network() as network:
        a, b = nengo.Node([0.0]), nengo.Ensemble(3, 1)
        connection = nengo.Connection(b, b, learning_rule_type=nengo.PES(), label="learns")
        nengo.Connection(a, connection.learning_rule)
    network.connections.reverse()
    with pytest.raises(ValidationError, match="need each other"):
        to_source(network)


# -----------------------------------------------------------------------------
# Weights


def _weighted() -> nengo.Network:
    with nengo.Network(seed=0) as network:
        x = nengo.Node(np.linspace(0.1, 1, 4), label="x")
        dense = layers.Dense(3, name="dense_of_mine")
        y = CustomLayer(dense, label="dense")(x)
        model = tf.keras.Sequential([layers.Dense(3), layers.Dense(2)])
        z = CustomLayer(model, label="model")(y)
        n = CustomLayer(nengo.LIF(), label="neurons", ensemble_kwargs={"gain": 2, "bias": 1})(
            z, transform=np.eye(2)
        )
        nengo.Probe(n)
        nengo.Probe(z)
    network.config[network.connections[-1]].trainable = True
    return network


@pytest.fixture(scope="module")
def trained() -> Any:
    """Train a network; return its Simulator, the code of both, and what the parameters became."""
    tf.keras.utils.set_random_seed(0)  # neurons that fire, and so train
    network = _weighted()
    with simulator(network) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.01), loss="mse")
        data = {network.nodes[0]: np.ones((1, 2, 4))}
        targets = {each: np.full((1, 2, each.size_in), 0.3) for each in network.probes}
        sim.fit(data, targets, epochs=3, verbose=0)
        source = to_source(sim)
        of_network = to_source(network)
        graph = NetworkGraph(sim)
        values = {each.name: graph.value(each) for each in graph.parameters}
        load_parameters(sim, {"neurons.encoders": np.full((2, 1), 0.3)}, strict=False)
        with pytest.raises(ValidationError, match=r"neurons\.encoders have no plain form"):
            to_source(sim)
    return sim, source, of_network, values


# nengo_dl makes the weights of a layer anew before it puts back those that it had
@pytest.mark.filterwarnings("ignore:The initializer")
def test_a_simulator_comes_back_as_it_is_now(trained: Any) -> None:
    _, source, of_network, values = trained
    assert set(source.arrays) == {
        "dense.kernel",
        "dense.bias",
        "model.kernel",
        "model.bias",
        "model.kernel_1",
        "model.bias_1",
    }
    assert set(of_network.arrays) == set(source.arrays)
    assert "dense_layer.set_weights(" in source.code
    assert "bias=[" in source.code
    built = source.build()
    with simulator(built) as again:
        graph = NetworkGraph(again)
        for each in graph.parameters:
            np.testing.assert_array_equal(graph.value(each), values[each.name], each.name)
    assert not np.array_equal(values["neurons.bias"], [1, 1])
    check_format(source)


def test_a_simulator_that_is_closed(trained: Any) -> None:
    sim, *_ = trained
    with pytest.raises(SimulatorClosed, match="closed"):
        to_source(sim)


def test_saved_code_reads_its_arrays(trained: Any, tmp_path: Path) -> None:
    _, source, *_ = trained
    source.save(tmp_path / "net.py")
    assert {each.name for each in tmp_path.iterdir()} == {"net.py", "net.safetensors"}
    built = runpy.run_path(str(tmp_path / "net.py"))["build"]()
    assert described(built) == described(source.build())
    assert (tmp_path / "net.py").read_text() == str(source)


# -----------------------------------------------------------------------------
# What a layer made


def test_one_call_of_a_layer() -> None:
    with nengo.Network(seed=0) as network:
        x = nengo.Node(np.ones(6), label="x")
        neurons = CustomLayer(nengo.LIF(), synapse=0.01, label="n", trainable=Trainable(bias=False))
        first = neurons(x[:4], transform=np.full((4, 4), 0.5))
        stack = Sequential([layers.Dense(3), nengo.LIFRate(), layers.Dense(2)], label="stack")
        stack(first)
        block = Sequential([layers.Dense(2), nengo.LIFRate()], label="block", subnetwork=True)
        block(first)
        recurrent = RecurrentNeurons(nengo.LIFRate(), recurrent_transform=np.eye(4))
        recurrent(first)
    source = to_source(neurons.calls[0])
    check_format(source)
    assert "def build(x_part):" in source.code
    assert "x_part, n.neurons, synapse=0.01, transform=np.full((4, 4), 0.5)" in source.code
    assert "return n.neurons" in source.code
    with network:
        made = source.build(x_part=x[:4])
    assert made.ensemble.neuron_type == nengo.LIF()
    assert network.config[made].trainable is False
    assert network.config[network.connections[-1]].trainable is False

    for layer, argument, objects in ((stack, "n_neurons", 6), (block, "n_neurons", 3)):
        source = to_source(layer.calls[0])
        check_format(source)
        assert list(source.arguments) == [argument]
        before = len(network.all_objects)
        with network:
            output = source.build(**{argument: first})
        assert len(network.all_objects) == before + objects + (layer is block) * 2
        assert output.size_out == layer.calls[0].output.size_out
    source = to_source(recurrent.calls[0])
    assert source.code.count("nengo.Connection(") >= 2


# -----------------------------------------------------------------------------
# How it shows, and how long it takes


def test_shows() -> None:
    source = to_source(build(slices))
    assert repr(source).startswith("<NetworkSource: ")
    assert source._repr_html_().startswith("<pre><code>&quot;&quot;&quot;Build")
    assert source.__rich__().code == str(source)


def test_a_hundred_layers_take_less_than_two_seconds() -> None:
    with nengo.Network(seed=0) as network:
        x = nengo.Node(np.ones(4))
        for _ in range(50):
            x = CustomLayer(layers.Dense(4))(x)
            x = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 2, "bias": 1})(x)
    start = time.process_time()
    to_source(network)
    assert time.process_time() - start < 2
