"""Networks that `nengo_dl.Converter` made, beside ours and in what is ours."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import CustomLayer, from_keras, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph

Keras = tf.keras.layers
RELU = tf.keras.activations.relu
SPIKES = nengo.SpikingRectifiedLinear(initial_state={"voltage": nengo.dists.Choice([0])})


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(0)
    inputs = tf.keras.Input((6, 6, 1), name="image")
    x = Keras.Conv2D(3, 3, activation="relu", name="conv1")(inputs)
    x = Keras.AveragePooling2D(name="pool")(x)
    x = Keras.Dense(5, activation="relu", name="hidden")(Keras.Flatten(name="flatten")(x))
    return tf.keras.Model(inputs, Keras.Dense(4, name="digit")(x))


@pytest.fixture(scope="module")
def images():
    return np.random.RandomState(1).uniform(0, 1, (4, 6, 6, 1))


def convert(model, neuron=None, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        swaps = {} if neuron is None else {RELU: neuron}
        return nengo_dl.Converter(model, swap_activations=swaps, **kwargs)


def outputs(converted, images, n_steps, probe):
    flat = np.tile(images.reshape(len(images), 1, -1), (1, n_steps, 1))
    node = next(iter(converted.inputs.values()))
    with simulator(converted.net, minibatch_size=len(images)) as sim:
        return sim.predict({node: flat}, verbose=0)[probe]


@pytest.mark.parametrize(
    ("settings", "n_steps"),
    [
        ({}, 1),
        ({"scale_firing_rates": 20}, 2),
        ({"synapse": 0.005}, 10),
        ({"scale_firing_rates": 20, "synapse": nengo.Alpha(0.003)}, 10),
    ],
)
def test_rates_are_those_of_the_converter(model, images, settings, n_steps):
    theirs, ours = convert(model, **settings), from_keras(model, **settings)
    expected = outputs(theirs, images, n_steps, theirs.outputs[model.output])
    got = outputs(ours, images, n_steps, ours.output)
    assert np.abs(expected).max() > 0.01
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.filterwarnings("ignore:from_keras.*single spikes:UserWarning")
def test_scales_by_layer_are_those_of_the_converter(model, images):
    scales = {model.get_layer("conv1"): 30, model.get_layer("hidden"): 3}
    theirs = convert(model, SPIKES, scale_firing_rates=scales)
    ours = from_keras(model, SPIKES, scale_firing_rates=scales)
    for name, scale in (("conv1", 30), ("hidden", 3)):
        ensemble = ours.neurons[name].calls[0].ensemble
        other = theirs.layers[model.get_layer(name)].ensemble
        assert ensemble.neuron_type == other.neuron_type
        assert ensemble.n_neurons == other.n_neurons
        np.testing.assert_array_equal(ensemble.gain, scale)


@pytest.mark.filterwarnings("ignore:from_keras.*single spikes:UserWarning")
def test_spikes_are_those_of_the_converter(model, images):
    settings = {"scale_firing_rates": 100, "synapse": 0.01}
    theirs, ours = convert(model, SPIKES, **settings), from_keras(model, SPIKES, **settings)
    expected = outputs(theirs, images, 50, theirs.outputs[model.output])
    got = outputs(ours, images, 50, ours.output)
    # a current that differs in its last bit may bring a spike one step earlier or later
    np.testing.assert_allclose(got.mean(axis=1), expected.mean(axis=1), atol=0.02)
    same = np.isclose(got, expected, atol=1e-4).mean()
    assert same > 0.9


def test_the_graph_of_a_converters_network(model):
    converted = convert(model, SPIKES, scale_firing_rates=10, synapse=0.005)
    planned = NetworkGraph(converted.net)
    size = sum(weights.shape.num_elements() for weights in model.trainable_weights)
    with simulator(converted.net) as sim:
        built = NetworkGraph(sim)
        trained = sum(each.shape.num_elements() for each in sim.keras_model.trainable_weights)
        assert trained == size
        for graph in (planned, built):
            assert sum(each.size for each in graph.parameters if each.trainable) == size
            assert sum(each.size for each in graph.parameters if each.is_trained) == size
            assert {item.kind for item in graph.objects} == {"node", "ensemble", "probe"}
    assert planned[converted.layers[model.get_layer("conv1")]].name == "conv1.0"


def test_custom_layers_on_a_converters_network(model, images):
    converted = convert(model, SPIKES, scale_firing_rates=100, synapse=0.005)
    with converted.net:
        spikes = converted.layers[model.get_layer("hidden")]
        layer = CustomLayer(Keras.Dense(2), synapse=0.005, label="more")
        probe = nengo.Probe(layer(spikes))
    node = converted.inputs[model.input]
    values = np.tile(images.reshape(4, 1, -1), (1, 5, 1))
    with simulator(converted.net, minibatch_size=4) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.01), loss={probe: "mse"})
        graph = NetworkGraph(sim)
        before = {each.name: graph.value(each) for each in graph.parameters if each.is_trained}
        history = sim.fit({node: values}, {probe: np.ones((4, 5, 2))}, epochs=4, verbose=0).history
        moved = {name for name in before if not _same(graph, before, name)}
        assert sim.predict({node: values}, verbose=0)[probe].shape == (4, 5, 2)
    assert history["loss"][-1] < history["loss"][0]
    assert {"more.kernel", "more.bias"} < moved
    assert any("conv1" in name for name in moved)


def _same(graph, before, name):
    return all(
        np.array_equal(graph.value(each), before[name])
        for each in graph.parameters
        if each.name == name
    )
