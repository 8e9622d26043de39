"""What `NetworkGraph.parameters` says, against what nengo_dl builds and an optimiser trains."""

from __future__ import annotations

import importlib
import random

import nengo
import numpy as np
import pytest
from python_neurons import RateInPython
from simulation import fit, simulator

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph

Keras = tf.keras.layers


def everything():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(np.ones(3), label="image")
        x = nengo.Ensemble(8, 3, neuron_type=nengo.RectifiedLinear(), label="x")
        y = nengo.Ensemble(
            4, 2, neuron_type=nengo.RectifiedLinear(), label="y", gain=np.ones(4), bias=np.ones(4)
        )
        nengo.Connection(image, x, synapse=None)
        nengo.Connection(x, y, function=lambda v: v[:2], synapse=None)
        dense = CustomLayer(Keras.Dense(2, name="dense"), label="dense")(y.neurons)
        norm = CustomLayer(Keras.BatchNormalization(name="norm"), label="norm")(dense)
        scaled = CustomLayer(
            nengo.RectifiedLinear(),
            trainable={"connection": True},
            label="scaled",
            ensemble_kwargs={"gain": 1, "bias": 1},
        )(norm, transform=np.ones((3, 2)))
        nengo.Probe(scaled)
        frozen = nengo.Ensemble(5, 1, label="frozen")
        nengo.Connection(image[0], frozen, synapse=None)
        net.config[frozen].trainable = False
        nengo.Probe(frozen)
        learned = nengo.Connection(
            x, frozen, function=lambda v: v[0], learning_rule_type=nengo.PES(), synapse=None
        )
        nengo.Connection(image[0], learned.learning_rule, synapse=None)
        unseen = nengo.Ensemble(6, 1, label="unseen")
        nengo.Connection(image[0], unseen, synapse=None)
    return net


EXPECTED = {
    # name: (shape, trainable, is trained)
    "x.encoders": ((8, 3), True, True),
    "x.bias": ((8,), True, True),
    "x->y.weights": ((2, 8), True, True),
    "y.encoders": ((4, 2), True, True),
    "y.bias": ((4,), True, True),
    "dense.kernel": ((4, 2), True, True),
    "dense.bias": ((2,), True, True),
    "norm.gamma": ((2,), True, True),
    "norm.beta": ((2,), True, True),
    "norm.moving_mean": ((2,), False, False),
    "norm.moving_variance": ((2,), False, False),
    "norm->scaled.weights": ((3, 2), True, True),
    "scaled.encoders": ((3, 1), False, False),
    "scaled.bias": ((3,), True, True),
    "x->frozen.weights": ((1, 8), False, False),
    "frozen.encoders": ((5, 1), False, False),
    "frozen.bias": ((5,), False, False),
    "unseen.encoders": ((6, 1), True, False),
    "unseen.bias": ((6,), True, False),
}


@pytest.mark.parametrize("of", ["network", "simulator"])
def test_parameters_of_everything(of):
    net = everything()
    if of == "network":
        parameters = NetworkGraph(net).parameters
    else:
        with simulator(net) as sim:
            parameters = NetworkGraph(sim).parameters
            trained = sum(
                weight.shape.num_elements() for weight in sim.keras_model.trainable_weights
            )
            assert trained == sum(each.size for each in parameters if each.trainable)
    assert {
        each.name: (each.shape, each.trainable, each.is_trained) for each in parameters
    } == EXPECTED


def test_what_is_said_to_be_trained_changes_and_nothing_else():
    found = fit(everything())
    assert {name for name, (_, moved) in found.items() if moved} - {
        "norm.moving_mean",
        "norm.moving_variance",
        "x->frozen.weights",  # by its learning rule
    } == {name for name, (_, _, trained) in EXPECTED.items() if trained}


def test_reasons():
    with nengo.Network(label="top") as net:
        nengo_dl.configure_settings(trainable=False)
        x = CustomLayer(nengo.LIF(), trainable=True, label="x")(nengo.Node(np.ones(3)))
        y = CustomLayer(Keras.Dense(2), trainable=False, label="y")(x)
        z = CustomLayer(nengo.LIF(), label="z")(y)
        nengo.Probe(z)
        CustomLayer(Keras.BatchNormalization(), label="n")(y)
    why = {each.name: each.why for each in NetworkGraph(net).parameters}
    assert why == {
        "x.encoders": 'trainable is False for its class in <Network "top">',
        "x.bias": "trainable is True for the object itself",
        "y.kernel": "the Keras layer says so (trainable is False)",
        "y.bias": "the Keras layer says so (trainable is False)",
        "z.encoders": 'trainable is False for its class in <Network "top">',
        "z.bias": 'trainable is False for its class in <Network "top">',
        "n.gamma": "trainable, but no gradient comes to it from any probe",
        "n.beta": "trainable, but no gradient comes to it from any probe",
        "n.moving_mean": "not made to train",
        "n.moving_variance": "not made to train",
    }


def test_inference_only():
    with nengo.Network() as net:
        nengo_dl.configure_settings(inference_only=True)
        x = CustomLayer(Keras.Dense(2))(nengo.Node(np.ones(3)))
        nengo.Probe(CustomLayer(nengo.LIF())(x))
    parameters = NetworkGraph(net).parameters
    assert len(parameters) == 4
    assert not any(each.trainable or each.is_trained for each in parameters)
    with simulator(net) as sim:
        assert sim.keras_model.trainable_weights == []
        assert [each.trainable for each in NetworkGraph(sim).parameters] == [False] * 4


@pytest.mark.filterwarnings("ignore:.*does not have a native TensorFlow implementation")
@pytest.mark.parametrize(
    "stops",
    [
        lambda x: nengo.Node(lambda t, v: v, size_in=3),
        lambda x: (
            nengo.Ensemble(
                3, 1, neuron_type=RateInPython(), gain=np.ones(3), bias=2 * np.ones(3)
            ).neurons
        ),
    ],
)
def test_what_stops_gradients(stops):
    with nengo.Network(seed=0) as net:
        x = CustomLayer(Keras.Dense(3, name="dense"), label="before")(nengo.Node(np.ones(3)))
        y = stops(x)
        nengo.Connection(x, y, synapse=None)
        nengo.Probe(CustomLayer(Keras.Dense(2), label="after")(y))
    parameters = {each.name: each for each in NetworkGraph(net).parameters}
    assert parameters["before.kernel"].trainable
    assert not parameters["before.kernel"].is_trained
    assert parameters["after.kernel"].is_trained
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras: gradients do not exist
        found = fit(net)
    assert found["before.kernel"] == (True, False)
    assert found["after.kernel"] == (True, True)


class Doubled(nengo.Alpha):
    """A filter with a step of its own, which runs in Python."""

    def make_step(self, *args, **kwargs):
        step = super().make_step(*args, **kwargs)
        return lambda t, x: 2 * step(t, x)


def test_a_synapse_without_tensorflow_code_stops_gradients():
    with nengo.Network() as net:
        x = CustomLayer(Keras.Dense(3), label="x")(nengo.Node(np.ones(3)))
        nengo.Probe(CustomLayer(tf.identity, synapse=nengo.synapses.Triangle(0.01))(x))
        y = CustomLayer(Keras.Dense(3), label="y")(nengo.Node(np.ones(3)))
        nengo.Probe(CustomLayer(tf.identity, synapse=nengo.Alpha(0.01))(y))
        z = CustomLayer(Keras.Dense(3, use_bias=False), label="z")(nengo.Node(np.ones(3)))
        nengo.Probe(CustomLayer(tf.identity, synapse=Doubled(0.01))(z))
    trained = {each.name: each.is_trained for each in NetworkGraph(net).parameters}
    assert trained == {
        **{"x.kernel": False, "x.bias": False, "y.kernel": True, "y.bias": True},
        "z.kernel": False,
    }


@pytest.mark.parametrize("seeded", [True, False])
def test_looking_changes_nothing(seeded):
    seeds = importlib.import_module("tf_keras.src.backend")._SEED_GENERATOR

    def weights(looks):
        if seeded:
            tf.keras.utils.set_random_seed(0)
        else:
            seeds.generator = None
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002
        dense = Keras.Dense(3)
        with nengo.Network() as net:
            nengo.Probe(CustomLayer(dense)(nengo.Node(np.ones(3))))
        if looks:
            assert [each.shape for each in NetworkGraph(net).parameters] == [(3, 3), (3,)]
            assert not dense.built
            assert net.seed is None
            assert tf.keras.backend.floatx() == "float32"
            assert nengo.rc.get("precision", "bits") == "64"
        with simulator(net, seed=None) as sim:
            return sim.seed, dense.kernel.numpy()

    seed, kernel = weights(looks=False)
    same_seed, same_kernel = weights(looks=True)
    assert same_seed == seed
    np.testing.assert_array_equal(same_kernel, kernel)


def test_a_layer_that_can_not_be_copied_is_not_known_before_it_is_built():
    class Secret(Keras.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, inputs):
            return inputs * self.scale

        def compute_output_shape(self, input_shape):
            return tf.TensorShape(input_shape)

        def get_config(self):
            raise NotImplementedError

        def __deepcopy__(self, memo):
            raise NotImplementedError

    with nengo.Network() as net:
        nengo.Probe(CustomLayer(Secret(), label="secret")(nengo.Node(np.ones(3))))
    (parameter,) = NetworkGraph(net).parameters
    assert (parameter.name, parameter.shape, parameter.size) == ("secret.weights", None, None)
    with simulator(net) as sim:
        (parameter,) = NetworkGraph(sim).parameters
        assert (parameter.name, parameter.shape, parameter.size) == ("secret.scale", (3,), 3)
    (parameter,) = NetworkGraph(net).parameters
    assert parameter.shape == (3,)


def test_a_shared_keras_layer_is_listed_once():
    layer = CustomLayer(Keras.Dense(3))
    with nengo.Network() as net:
        nengo.Probe(layer(layer(nengo.Node(np.ones(3)))))
    assert len(NetworkGraph(net).parameters) == 2


def test_names_are_unique_and_those_of_layers_within():
    model = tf.keras.Sequential([Keras.Dense(3, name="a"), Keras.Dense(2, name="b")])
    with nengo.Network() as net:
        nengo.Probe(CustomLayer(model, label="model")(nengo.Node(np.ones(4))))
    expected = ["model.a.kernel", "model.a.bias", "model.b.kernel", "model.b.bias"]
    assert [each.name for each in NetworkGraph(net).parameters] == expected
    with simulator(net) as sim:
        assert [each.name for each in NetworkGraph(sim).parameters] == expected


def test_a_layer_of_one_and_of_several_inputs_is_listed_once():
    class Scale(Keras.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(), name="scale")

        def call(self, inputs):
            return self.scale * (inputs[0] if isinstance(inputs, list) else inputs)

        def compute_output_shape(self, input_shape):
            return input_shape[0] if isinstance(input_shape, list) else input_shape

    layer = CustomLayer(Scale(), label="x")
    with nengo.Network() as net:
        image = nengo.Node(np.ones(4))
        nengo.Probe(layer(image))
        nengo.Probe(layer([image, image]))
    assert [each.name for each in NetworkGraph(net).parameters] == ["x.scale"]
    with simulator(net) as sim:
        assert [each.name for each in NetworkGraph(sim).parameters] == ["x.scale"]
        assert len(sim.keras_model.trainable_weights) == 1


def test_values():
    with nengo.Network(seed=0) as net:
        x = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 3}, label="x")
        nengo.Probe(x(nengo.Node(np.ones(2))))
    bias = NetworkGraph(net).parameters[1]
    with pytest.raises(ValueError, match=r"x\.bias has no value yet"):
        NetworkGraph(net).value(bias)
    with simulator(net) as sim:
        graph = NetworkGraph(sim)
        np.testing.assert_array_equal(graph.value(graph.parameters[1]), [3, 3])
        assert graph.value(graph.parameters[0]).shape == (2, 1)
