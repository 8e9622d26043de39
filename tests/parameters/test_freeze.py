"""What is frozen stays in training to the last bit, and what is not moves."""

from __future__ import annotations

import pickle
import warnings

import nengo
import numpy as np
import pytest
from simulation import fit, simulator

from nengo_layers_plus import (
    CustomLayer,
    ParameterError,
    RecurrentNeurons,
    Residual,
    Sequential,
    SimulatorBuiltError,
    freeze,
    load_parameters,
    nengo_dl,
    unfreeze,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph, what_trains

Keras = tf.keras.layers
EYE = np.eye(3)


class Net:
    """A network with something of each kind, and names for its parts."""

    def __init__(self, settings=True):
        tf.keras.utils.set_random_seed(0)
        with nengo.Network(seed=0, label="net") as self.network:
            if settings:
                nengo_dl.configure_settings(trainable=None)
            self.image = nengo.Node(np.ones(3), label="image")
            self.ensemble = nengo.Ensemble(
                6,
                3,
                neuron_type=nengo.RectifiedLinear(),
                label="ensemble",
                gain=np.ones(6),
                bias=np.ones(6),
            )
            nengo.Connection(self.image, self.ensemble, synapse=None)
            self.hidden = CustomLayer(
                nengo.RectifiedLinear(),
                ensemble_kwargs={"gain": 1, "bias": 1},
                trainable={"connection": True},
                label="hidden",
            )
            x = self.hidden(self.ensemble, transform=EYE)
            with nengo.Network(label="inner") as self.inner:
                self.dense = Keras.Dense(3, name="dense")
                self.norm = Keras.BatchNormalization(name="norm")
                self.model = tf.keras.Sequential(
                    [self.dense, self.norm, Keras.Dense(3, name="last")]
                )
                self.deep = CustomLayer(self.model, label="deep")
                x = self.deep(x)
                self.neurons = nengo_dl.Layer(nengo.RectifiedLinear())(
                    x, gain=np.ones(3), bias=np.ones(3), label="neurons"
                )
            self.output = CustomLayer(Keras.Dense(2, name="out"), label="output")
            self.probe = nengo.Probe(self.output(self.neurons), label="probe")
        (self.connection,) = [
            each
            for each in self.network.connections
            if each.post_obj == self.hidden.calls[0].output
        ]

    def moving(self):
        return {each.name for each in what_trains(self.network).trained}


ENSEMBLE = {"ensemble.encoders", "ensemble.bias"}
WEIGHTS = {"ensemble->hidden.weights"}
BIAS = {"hidden.bias"}
DENSE = {"inner/deep.dense.kernel", "inner/deep.dense.bias"}
NORM = {"inner/deep.norm.gamma", "inner/deep.norm.beta"}
LAST = {"inner/deep.last.kernel", "inner/deep.last.bias"}
NEURONS = {"inner/neurons.bias"}
OUTPUT = {"output.kernel", "output.bias"}
ALL = ENSEMBLE | WEIGHTS | BIAS | DENSE | NORM | LAST | NEURONS | OUTPUT

# how it is named: what is frozen
CASES = {
    "layer of neurons": (lambda net: net.hidden, WEIGHTS | BIAS),
    "layer of Keras": (lambda net: net.output, OUTPUT),
    "layer in a subnetwork": (lambda net: net.deep, DENSE | NORM | LAST),
    "ensemble": (lambda net: net.ensemble, ENSEMBLE),
    "neurons": (lambda net: net.ensemble.neurons, {"ensemble.bias"}),
    "neurons of a stock layer": (lambda net: net.neurons, NEURONS),
    "slice": (lambda net: net.neurons[:1], NEURONS),
    "slice of an ensemble": (lambda net: net.ensemble[0], ENSEMBLE),
    "connection": (lambda net: net.connection, WEIGHTS),
    "node": (lambda net: net.output.calls[0].node, OUTPUT),
    "subnetwork": (lambda net: net.inner, DENSE | NORM | LAST | NEURONS),
    "network": (lambda net: net.network, ALL),
    "Keras layer": (lambda net: net.output.calls[0].node.tensor_func, OUTPUT),
    "Keras layer within": (lambda net: net.dense, DENSE),
    "Keras model": (lambda net: net.model, DENSE | NORM | LAST),
    "name": (lambda net: "hidden", BIAS),
    "pattern of a name": (lambda net: "hidd*", WEIGHTS | BIAS),
    "name of a parameter": (lambda net: "hidden.bias", BIAS),
    "name of weights": (lambda net: "hidden.weights", WEIGHTS),
    "whole name of weights": (lambda net: "ensemble->*", WEIGHTS),
    "pattern of encoders": (lambda net: "*.encoders", {"ensemble.encoders"}),
    "pattern of objects": (lambda net: "inner/*", DENSE | NORM | LAST | NEURONS),
    "pattern of a layer within": (lambda net: "*.norm.*", NORM),
    "two names of one layer": (lambda net: ["output.kernel", "output.bias"], OUTPUT),
    "all": (lambda net: "*", ALL),
    "several": (
        lambda net: ("hidden.bias", [net.output, {net.ensemble}]),
        BIAS | OUTPUT | ENSEMBLE,
    ),
    "generator": (lambda net: (each for each in [net.output, net.output]), OUTPUT),
}


@pytest.mark.parametrize("settings", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_what_is_frozen_is_what_was_named_and_thaws(case, settings):
    name, frozen = CASES[case]
    net = Net(settings)
    assert net.moving() == ALL
    what = name(net)
    what = list(what) if case == "generator" else what
    names = freeze(net.network, what)
    assert set(names) - {"inner/neurons.encoders", "hidden.encoders"} <= frozen | {
        "image->ensemble.weights"
    }
    assert set(names) >= frozen
    assert net.moving() == ALL - frozen
    assert freeze(net.network, what) == names
    unfreeze(net.network, what)
    assert net.moving() == ALL


@pytest.mark.parametrize("case", ["layer of neurons", "Keras layer within", "pattern of encoders"])
def test_what_is_frozen_is_the_same_to_the_last_bit_after_fit(case):
    name, frozen = CASES[case]
    net = Net()
    freeze(net.network, name(net))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fit(net.network)
    moved = {each for each, (_, moved) in found.items() if moved}
    averages = {f"inner/deep.norm.moving_{each}" for each in ("mean", "variance")}
    assert moved - averages == ALL - frozen
    assert bool(moved & averages) == (not frozen >= NORM), "those of a frozen layer stay as well"


def test_all_is_frozen_or_nothing():
    net = Net()
    before = [each.trainable for each in net.model.submodules if hasattr(each, "trainable")]
    for verb in (freeze, unfreeze):
        with pytest.raises(ParameterError, match="has a name like 'nothing'"):
            verb(net.network, net.hidden, net.deep, "nothing")
        assert net.moving() == ALL
    assert before == [each.trainable for each in net.model.submodules if hasattr(each, "trainable")]
    with net.network:
        CustomLayer(net.dense, trainable=True)(net.image)  # nothing was asked for it


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ((), r'expected what to change: .*"\*" means all of <Network "net">'),
        (([],), "expected what to change"),
        (("hiden",), r"like 'hiden'; the nearest names are hidden.*what_trains\(network\)\) lists"),
        (("*.bias",), r"'\*\.bias' means .*dense\.bias and not .*dense\.kernel, .* 'dense'"),
        (("inner/deep.dense.kernel",), "and not inner/deep.dense.bias, but what of a Keras layer"),
        (("*.moving_*",), "values that Keras layers keep by themselves"),
        (("image",), "'image' means image, of which nothing could train"),
        ((3,), "expected a CustomLayer, an object or subnetwork.*got 3"),
        ((None,), "got None"),
    ],
)
def test_names_that_mean_nothing(what, message):
    net = Net()
    for verb in (freeze, unfreeze):
        with pytest.raises(ParameterError, match=message):
            verb(net.network, *what)
    assert net.moving() == ALL


def test_what_is_not_there_or_can_not_train():
    net, other = Net(), Net()
    uncalled = CustomLayer(nengo.LIF())
    for what, message in [
        (net.image, "Node 'image'.* has nothing that could train"),
        (net.probe, "has nothing that could train"),
        (net.network.connections[0], "has no weights that could train, since it has no transform"),
        (other.hidden, "was not called in <Network"),
        (uncalled, "was not called in"),
        (other.ensemble, r"is not in <Network"),
        (other.ensemble.neurons[:2], "is not in"),
        (other.connection, "is not in"),
        (other.inner, "is not in"),
        (other.dense, "the Keras layer 'dense' is not used in"),
        (Keras.Dense(3, name="x"), "the Keras layer 'x' is not used in"),
    ]:
        for verb in (freeze, unfreeze):
            with pytest.raises(ParameterError, match=message):
                verb(net.network, what)


def test_layers_and_subnetworks_without_parameters():
    with nengo.Network() as net:
        with nengo.Network() as empty:
            nengo.Node([0.0])
        layer = CustomLayer(tf.nn.relu)
        nengo.Probe(layer(nengo.Node([0.0])))
        flat = Keras.Flatten()
        nengo.Probe(CustomLayer(flat)(nengo.Node([0.0])))
    assert freeze(net, layer, empty) == ()
    with pytest.raises(ParameterError, match=r"the Keras layer 'flatten.*' has nothing that could"):
        freeze(net, flat)


# connections


def test_a_connection_goes_back_to_what_it_was():
    net = Net()
    with net.network:
        nengo_dl.Layer(tf.nn.relu)(net.image, transform=EYE, label="relu")
        plain = nengo.Connection(net.image, net.ensemble, transform=2 * EYE, synapse=None)
    trainable = lambda: {  # noqa: E731
        each.obj: each.trainable for each in NetworkGraph(net.network).parameters
    }
    relu = net.network.connections[-2]
    before = trainable()
    assert before[plain]
    assert not before[relu]
    freeze(net.network, net.network)
    freeze(net.network, "*")
    assert not any(trainable().values())
    unfreeze(net.network, net.network)
    assert trainable() == before
    freeze(net.network, plain, relu)
    unfreeze(net.network, relu)
    assert trainable()[relu], "it was named itself"
    assert not trainable()[plain]


def test_later_settings_of_the_class_do_not_thaw():
    net = Net()
    freeze(net.network, net.ensemble, net.hidden)
    with net.network:
        nengo_dl.configure_settings(trainable=True)
    assert not net.moving() & (ENSEMBLE | WEIGHTS | BIAS)


def test_other_settings_of_an_object_are_kept():
    net = Net()
    config = net.network.config
    config[nengo.Ensemble].set_param("region", nengo.params.Parameter("region", "all"))
    config[net.ensemble].region = "cortex"
    freeze(net.network, net.ensemble)
    assert config[net.ensemble].region == "cortex"
    unfreeze(net.network, net.network)
    assert config[net.ensemble].region == "cortex"


def test_frozen_networks_can_be_copied_and_thawed():
    with nengo.Network() as net:
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(np.ones(3), label="image")
        hidden = CustomLayer(nengo.RectifiedLinear(), trainable={"connection": True}, label="x")
        nengo.Probe(hidden(image, transform=EYE))
    freeze(net, hidden)
    copy = pickle.loads(pickle.dumps(net))
    assert what_trains(copy).n_trained == 0
    assert unfreeze(copy, "x*") == ("image->x.weights", "x.encoders", "x.bias")
    assert [each.name for each in what_trains(copy).trained] == ["image->x.weights", "x.bias"]


# Keras layers


def test_a_later_layer_that_asks_for_the_opposite():
    net = Net()
    freeze(net.network, net.deep)
    message = "weights=True for the Keras layer 'dense', but freeze asked for weights=False"
    with net.network:
        CustomLayer(net.dense)(net.image)
        with pytest.raises(nengo.exceptions.ValidationError, match=message):
            CustomLayer(net.dense, trainable=True)(net.image)
        with net.inner, pytest.raises(nengo.exceptions.ValidationError, match=message):
            CustomLayer(net.dense, trainable=True)(net.image)
    assert not net.moving() & DENSE
    unfreeze(net.network, net.deep)
    with net.network:
        CustomLayer(net.dense, trainable=True)(net.image)


def test_a_subnetwork_given_as_the_network():
    net = Net()
    with pytest.raises(nengo.exceptions.ValidationError, match="give the network that is around"):
        freeze(net.inner, "*")
    dense = Keras.Dense(3, name="dense")
    with nengo.Network() as outer, nengo.Network() as inner:
        nengo.Probe(CustomLayer(dense, label="x")(nengo.Node(np.ones(3))))
    assert freeze(inner, "x") == ("x.kernel", "x.bias")
    assert what_trains(outer).n_trained == 0
    with outer, inner, pytest.raises(nengo.exceptions.ValidationError, match="freeze asked for"):
        CustomLayer(dense, trainable=True)(inner.nodes[0])


def test_thawing_a_part_of_a_frozen_model():
    net = Net()
    freeze(net.network, net.deep)
    unfreeze(net.network, net.norm)
    assert net.moving() == ALL - DENSE - LAST
    unfreeze(net.network, "*.dense.*")
    assert net.moving() == ALL - LAST
    found = fit(net.network)
    assert {name for name, (_, moved) in found.items() if moved} >= NORM | DENSE
    assert not any(found[name][1] for name in LAST)


def test_a_part_of_a_model_that_holds_weights_itself():
    class Scaled(Keras.Layer):
        def __init__(self):
            super().__init__(name="scaled")
            self.inner = Keras.Dense(3, name="inner")

        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(3,), initializer="ones")
            self.inner.build(shape)
            super().build(shape)

        def call(self, x):
            return self.scale * self.inner(x)

        def compute_output_shape(self, shape):
            return shape

    layer = Scaled()
    with nengo.Network() as net:
        nengo.Probe(CustomLayer(layer, label="x")(nengo.Node(np.ones(3))))
    with simulator(net):
        pass  # builds it: it can't be copied
    freeze(net, layer)
    with pytest.raises(ParameterError, match=r"'scaled' is frozen and holds x\.scale itself"):
        unfreeze(net, layer.inner)
    unfreeze(net, layer)
    freeze(net, layer.inner)
    assert [each.name for each in what_trains(net).trained] == ["x.scale"]
    with pytest.raises(ParameterError, match=r"'x\.scale' means x\.scale and not x\.inner\."):
        freeze(net, "x.scale")


@pytest.mark.parametrize("applied", [Keras.Dense, lambda n: tf.keras.Sequential([Keras.Dense(n)])])
def test_a_shared_keras_layer_is_frozen_in_all_places(applied):
    shared = CustomLayer(applied(3), label="shared")
    with nengo.Network() as net:
        image = nengo.Node(np.ones(3))
        first, second = shared(image), shared(image)
        nengo.Probe(first)
        nengo.Probe(second)
    assert {name.rpartition(".")[2] for name in freeze(net, second)} == {"kernel", "bias"}
    assert what_trains(net).n_trained == 0
    unfreeze(net, shared)
    assert what_trains(net).n_trained == 12


# learning rules


def test_what_a_learning_rule_moves_can_not_be_frozen():
    with nengo.Network() as net:
        x = nengo.Ensemble(5, 1, label="x")
        y = nengo.Ensemble(5, 1, label="y")
        nengo.Connection(nengo.Node([0.5]), x)
        learned = nengo.Connection(x, y, learning_rule_type=nengo.PES())
        nengo.Connection(x, y, learning_rule_type=nengo.Voja())
    for what in (learned, net, y, "y.encoders"):
        with pytest.raises(ParameterError, match=r"a learning rule changes it, .*remove the rule"):
            freeze(net, what)
    assert freeze(net, x) == ("x.encoders", "x.bias")
    with pytest.raises(ParameterError, match=r"x->y\.weights.*: a learning rule changes it"):
        unfreeze(net, learned)
    unfreeze(net, net)
    with simulator(net) as sim:  # nengo_dl would warn of what learns and trains
        trainable = {each.name for each in NetworkGraph(sim).parameters if each.trainable}
    assert {"x.encoders", "x.bias", "y.bias"} <= trainable
    assert "y.encoders" not in trainable


# Simulators


@pytest.mark.filterwarnings("ignore:The initializer GlorotUniform is unseeded")  # of nengo_dl
@pytest.mark.parametrize("verb", [freeze, unfreeze])
def test_a_simulator_hands_over_its_weights(verb):
    net = Net()
    with simulator(net.network, minibatch_size=2) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
        data = {net.image: np.random.RandomState(0).uniform(size=(4, 1, 3))}
        sim.fit(data, np.ones((4, 1, 2)), verbose=0)
        expected = sim.predict(n_steps=1, verbose=0)[net.probe][:1]
        with pytest.raises(
            SimulatorBuiltError, match="what trains is fixed when a Simulator"
        ) as caught:
            verb(sim, net.hidden)
    for line in (
        f"{verb.__name__}(network, ...)",
        "with Simulator(network) as new_sim:",
        "load_parameters(new_sim, parameters)",
    ):
        assert line in str(caught.value)
    verb(net.network, net.hidden, net.ensemble)
    with simulator(net.network) as sim:
        assert load_parameters(sim, caught.value.parameters).complete
        np.testing.assert_allclose(
            sim.predict(n_steps=1, verbose=0)[net.probe], expected, rtol=1e-4
        )
    with pytest.raises(SimulatorBuiltError, match="make a new Simulator of it"):
        verb(sim, net.hidden)


def test_what_is_no_network():
    with pytest.raises(nengo.exceptions.ValidationError, match=r"expected a nengo\.Network"):
        freeze("net", "hidden")


# networks of others


def test_networks_of_the_converter():
    inputs = tf.keras.Input((4,))
    x = Keras.Dense(3, activation="relu", name="first")(inputs)
    model = tf.keras.Model(inputs, Keras.Dense(2, name="second")(x))
    converter = nengo_dl.Converter(model)
    before = {each.name for each in what_trains(converter.net).trained}
    first = {name for name in before if "first" in name.rpartition("->")[2]}
    assert len(first) == 2
    freeze(converter.net, "first*")
    assert {each.name for each in what_trains(converter.net).trained} == before - first
    freeze(converter.net, converter.net)
    assert what_trains(converter.net).n_trained == 0
    # biases that stand for none must not begin to train
    unfreeze(converter.net, converter.net)
    assert {each.name for each in what_trains(converter.net).trained} == before


# layers made of layers


def stacked():
    stack = Sequential(
        [
            Keras.Dense(3, name="dense"),
            RecurrentNeurons(nengo.RectifiedLinear(), label="memory"),
            Residual([Keras.Dense(3), nengo.RectifiedLinear()], label="block"),
        ],
        ensemble_kwargs={"gain": 1, "bias": 1},
    )
    with nengo.Network(seed=0) as network:
        nengo.Probe(stack(nengo.Node(np.ones(3), label="image")))
    return network, stack


STACKED = {
    "dense.kernel",
    "dense.bias",
    "memory.bias",
    "memory->memory.weights",
    "block/dense.kernel",
    "block/dense.bias",
    "block/rectified_linear.bias",
}


@pytest.mark.parametrize(
    ("choose", "moving"),
    [
        (lambda stack: stack, set()),
        (lambda stack: stack[-1], STACKED - {n for n in STACKED if n.startswith("block")}),
        (lambda stack: stack["memory"], STACKED - {"memory.bias", "memory->memory.weights"}),
        (lambda stack: stack[:"block"], {n for n in STACKED if n.startswith("block")}),
        (lambda stack: "block/*", STACKED - {n for n in STACKED if n.startswith("block")}),
    ],
)
def test_layers_made_of_layers_freeze_as_a_whole(choose, moving):
    network, stack = stacked()
    freeze(network, choose(stack))
    assert {each.name for each in what_trains(network).trained} == moving
    unfreeze(network, choose(stack))
    assert {each.name for each in what_trains(network).trained} == STACKED


def test_what_a_part_of_a_stack_froze_stays_in_training():
    network, stack = stacked()
    freeze(network, stack["memory"])
    moved = {name for name, (_, moved) in fit(network, n_steps=3).items() if moved}
    assert moved == STACKED - {"memory.bias", "memory->memory.weights"}


def test_a_stack_that_was_not_called():
    network, _ = stacked()
    with pytest.raises(ParameterError, match="was not called in"):
        freeze(network, Sequential([nengo.LIF()]))


@pytest.mark.parametrize("what", ["all", "*", "layers", "names"])
def test_unfreezing_takes_back_what_freezing_did(what):
    inner = tf.keras.Sequential([Keras.Dense(3, name="first"), Keras.Dense(3, name="second")])
    inner.layers[0].trainable = False
    frozen = Keras.Dense(3, trainable=False)
    with nengo.Network(seed=0) as net:
        x = nengo.Node(np.ones(3), label="image")
        layers = [
            CustomLayer(inner, label="model"),
            CustomLayer(nengo.LIF(), trainable={"bias": False}, label="still"),
            CustomLayer(nengo.LIF(), label="hidden"),
            CustomLayer(frozen, label="frozen"),
        ]
        for layer in layers:
            x = layer(x)
        nengo.Probe(x)
    chosen = {"all": [net], "*": ["*"], "layers": layers, "names": ["model*", "still", "hid*"]}[
        what
    ]
    before = {each.name: each.is_trained for each in NetworkGraph(net).parameters}
    assert {name for name, moves in before.items() if moves} == {
        "model.second.kernel",
        "model.second.bias",
        "hidden.bias",
    }
    freeze(net, *chosen)
    assert what_trains(net).n_trained == 0
    unfreeze(net, *chosen)
    assert {each.name: each.is_trained for each in NetworkGraph(net).parameters} == before
    # nothing is frozen any more, so that naming it has it train
    unfreeze(net, net)
    assert {each.name: each.is_trained for each in NetworkGraph(net).parameters} == before
    unfreeze(net, layers[1], layers[3])
    after = {each.name for each in what_trains(net).trained}
    assert after == {
        *(name for name, moves in before.items() if moves),
        "still.bias",
        "frozen.kernel",
        "frozen.bias",
    }


def test_a_mapping_says_nothing():
    net = Net()
    with pytest.raises(ParameterError, match="expected a CustomLayer, an object"):
        freeze(net.network, {"hidden": True})
