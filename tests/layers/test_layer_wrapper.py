"""Keras layers that hold other layers keep their weights, whatever builds their network."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import what_trains

Keras = tf.keras.layers


class Block(Keras.Layer):
    """Builds what it holds when it is called, as layers of Keras users do."""

    def __init__(self):
        super().__init__()
        self.dense = Keras.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)

    def compute_output_shape(self, input_shape):
        return tf.TensorShape((input_shape[0], 3))


def functional():
    inputs = tf.keras.Input((4,))
    return tf.keras.Model(inputs, Keras.Dense(3)(Keras.Dense(5)(inputs)))


MODELS = {
    "functional": functional,
    "sequential": lambda: tf.keras.Sequential(
        [tf.keras.Input((4,)), Keras.Dense(5), Keras.Dense(3)]
    ),
    "sequential without input": lambda: tf.keras.Sequential([Keras.Dense(5), Keras.Dense(3)]),
    "layer in a layer": Block,
    "recurrent": lambda: tf.keras.Sequential([Keras.Reshape((2, 2)), Keras.LSTM(3)]),
}


def network(model, layer=CustomLayer):
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(model)(nengo.Node(np.ones(4))))
    return net


def output(net):
    with simulator(net) as sim:
        sim.run_steps(1)
        return sim.data[net.probes[0]][0]


@pytest.mark.parametrize("name", MODELS)
def test_weights_that_were_loaded_are_used(name):
    model = MODELS[name]()
    model(np.ones((1, 4), np.float32))
    rng = np.random.RandomState(0)
    weights = [rng.uniform(-1, 1, weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    expected = model(np.ones((1, 4), np.float32)).numpy()[0]
    np.testing.assert_allclose(output(network(model)), expected, rtol=1e-5)
    for kept, weight in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(kept, weight, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_weights_that_were_trained_are_found_by_the_next_simulator(name):
    net = network(MODELS[name]())
    outputs = []
    for _ in range(2):
        with simulator(net) as sim:
            sim.run_steps(1)
            sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
            sim.fit(n_steps=1, y=np.ones((1, 1, 3)), verbose=0)
            sim.run_steps(1)  # again, for which nothing is compiled
            outputs.append(sim.data[net.probes[0]])
    for before, after in outputs:
        assert not np.allclose(before, after)
    next_befores = [outputs[1][0], output(net)]
    for (_, after), next_before in zip(outputs, next_befores, strict=True):
        np.testing.assert_array_equal(after, next_before)


@pytest.mark.filterwarnings("ignore:The initializer GlorotUniform is unseeded")
def test_stock_loses_them():
    # when this fails, nengo_dl has mended it, and the docs that speak of it are out of date
    model = functional()
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    expected = model(np.ones((1, 4), np.float32)).numpy()[0]
    assert not np.allclose(output(network(model, nengo_dl.Layer)), expected)


def test_a_model_of_several_inputs_keeps_its_weights():
    inputs = [tf.keras.Input((2,)), tf.keras.Input((3,))]
    model = tf.keras.Model(inputs, Keras.Dense(2)(Keras.Concatenate()(inputs)))
    model.set_weights([np.arange(10.0).reshape(5, 2), np.array([0.5, 0.25])])
    with nengo.Network() as net:
        layer = CustomLayer(model)
        nodes = [nengo.Node([1.0, 0.0]), nengo.Node([0.0, 0.0, 1.0])]
        nengo.Probe(layer(nodes))
        nengo.Probe(layer(nodes))
    for _ in range(2):
        with simulator(net) as sim:
            sim.run_steps(1)
            for probe in net.probes:
                np.testing.assert_allclose(sim.data[probe][0], [8.5, 10.25])
            assert len(sim.keras_model.trainable_weights) == 2


def test_the_training_argument_reaches_the_layer():
    class Doubling(Keras.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Keras.Activation("linear")

        def call(self, inputs, training=None):
            return 2 * inputs if training else inputs

    with nengo.Network() as net:
        probe = nengo.Probe(CustomLayer(Doubling())(nengo.Node(np.ones(2))))
    with simulator(net) as sim:
        sim.compile(loss={probe: "mse"}, optimizer="sgd")
        history = sim.fit(n_steps=1, y=np.zeros((1, 1, 2)), verbose=0).history
        assert history["loss"] == [4.0]
        np.testing.assert_array_equal(sim.predict(n_steps=1, verbose=0)[probe], [[[1, 1]]])


def test_the_layer_itself_can_be_found():
    model = tf.keras.Sequential([Keras.Dense(5)])
    net = network(model)
    assert net.nodes[-1].tensor_func.layer is model
    assert net.nodes[-1].tensor_func.name == model.name


def test_a_layer_that_was_adapted_to_data_stays_so():
    data = np.random.RandomState(0).normal(3, 2, (50, 4)).astype(np.float32)
    layer = Keras.Normalization()
    layer.adapt(data)
    expected = (data[0] - data.mean(axis=0)) / data.std(axis=0)
    net = network(layer)
    net.nodes[0].output = data[0]
    np.testing.assert_allclose(output(net), expected, rtol=1e-3)
    np.testing.assert_allclose(output(net), expected, rtol=1e-3)
    assert not what_trains(net).trained


def test_plain_layers_are_left_to_nengo_dl():
    dense = Keras.Dense(3)
    assert network(dense).nodes[1].tensor_func is dense
