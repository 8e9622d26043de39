"""Long sequences in chunks of steps: the same numbers as in one piece."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator import _chunks, _layerwise_graph
from nengo_layers_plus.simulator._tiles import bytes_per_step

STEPS = 50


def build():
    """Build a network with all that is carried on from one chunk to the next."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64", keep_history=True)
        net.image = nengo.Node(np.zeros(3), label="image")
        constant = nengo.Node([0.2, 0.4], label="constant")
        x = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 2.1, "bias": 1.1})(net.image)
        net.voltage = nengo.Probe(x, "voltage")
        dense = tf.keras.layers.Dense(2, kernel_initializer="ones", dtype="float64")
        x = CustomLayer(dense)(x, synapse=nengo.Alpha(0.004))
        ensemble = nengo.Ensemble(6, 2)
        nengo.Connection(x, ensemble, synapse=None, transform=0.001)
        nengo.Connection(constant, ensemble, synapse=None)
        connection = nengo.Connection(
            ensemble, ensemble, synapse=0.01, learning_rule_type=nengo.PES(1e-3)
        )
        nengo.Connection(ensemble, connection.learning_rule, transform=0.1)
        net.probes_of = [
            net.voltage,
            nengo.Probe(ensemble),
            nengo.Probe(connection, "weights"),
            nengo.Probe(ensemble, sample_every=0.004),
            nengo.Probe(ensemble),
        ]
        net.config[net.probes_of[-1]].keep_history = False
    return net


DATA = np.random.RandomState(0).uniform(0, 1, (2, STEPS, 3))


def run(net, calls=(30, 20), **settings):
    with Simulator(net, minibatch_size=2, progress_bar=False, **settings) as sim:
        start = 0
        for steps in calls:
            sim.run_steps(steps, data={net.image: DATA[:, start : start + steps]})
            start += steps
        state = [each.numpy() for each in sim.keras_model.weights]
        return [np.array(sim.data[probe]) for probe in net.probes_of], state, sim.data


@pytest.fixture(scope="module")
def network():
    return build()


@pytest.fixture(scope="module")
def whole(network):
    return run(network)


@pytest.fixture(scope="module")
def step_bytes(network):
    """Return how much memory a step of the network takes."""
    with Simulator(network, minibatch_size=2, progress_bar=False) as sim:
        graph = sim.tensor_graph
        context = graph._context(False)
        return bytes_per_step(graph.plan_for(context), 2, context.dtype)


@pytest.mark.parametrize("steps", [1, 7])
def test_the_numbers_are_those_of_one_piece(network, whole, step_bytes, steps):
    found, state, _ = run(network, memory_limit=steps * step_bytes)
    for one, other in zip(found, whole[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)
    for one, other in zip(state, whole[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)


def test_what_is_counted(network, step_bytes):
    """About the sizes of all signals, with an entry for each item of the minibatch."""
    values = {
        "neurons": 4 * 3,  # current, output, voltage, refractory time
        "ensemble": 4 * 6,
    }
    assert step_bytes > 2 * 8 * sum(values.values())
    assert step_bytes < 10 * 2 * 8 * sum(values.values())


def test_few_lengths(monkeypatch, network, step_bytes):
    """One for a number of steps that is known, a power of two for others."""
    assert [_chunks._chunk_length(length, 30) for length in (60, 90, 50, 31)] == [
        (30, True),
        (30, True),
        (25, True),
        (16, False),
    ]
    assert _chunks._chunk_length(None, 30) == (16, False)
    assert _chunks._chunk_length(None, 1) == (1, False)
    seen = []
    original = _chunks.run_in_tiles

    def watched(pipeline, inputs, initial, steps, *others):
        tf.numpy_function(lambda each: seen.append(int(each)), [steps], [])
        return original(pipeline, inputs, initial, steps, *others)

    monkeypatch.setattr(_chunks, "run_in_tiles", watched)
    run(network, (30,), memory_limit=10 * step_bytes)
    assert seen == [10, 10, 10]
    seen.clear()
    run(network, (31,), memory_limit=10 * step_bytes)
    assert seen == [8, 8, 8, 7]


def test_predict_and_evaluate(network, step_bytes):
    results = []
    for limit in (1 << 30, 6 * step_bytes):
        with Simulator(network, minibatch_size=2, progress_bar=False, memory_limit=limit) as sim:
            probe = network.probes_of[1]
            sim.compile(loss={probe: "mse"})
            target = np.ones((2, STEPS, 2))
            results.append(
                [
                    sim.predict({network.image: DATA}, verbose=0)[probe],
                    sim.predict_on_batch({network.image: DATA[:, :13]})[probe],
                    sim.evaluate({network.image: DATA}, {probe: target}, verbose=0)["loss"],
                ]
            )
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_fit_over_the_limit(network, step_bytes):
    probe = network.probes_of[1]
    with Simulator(
        network, minibatch_size=2, progress_bar=False, memory_limit=60 * step_bytes
    ) as sim:
        sim.compile(tf.optimizers.SGD(0.0), loss={probe: "mse"})
        weights = [each.numpy() for each in sim.keras_model.trainable_weights]
        # and no error that Keras makes of those that are raised while it traces
        with pytest.raises(ValidationError, match=r"memory_limit=.*What to do: train on shorter"):
            sim.fit({network.image: DATA}, {probe: np.ones((2, STEPS, 2))}, verbose=0)
        for each, before in zip(sim.keras_model.trainable_weights, weights, strict=True):
            np.testing.assert_array_equal(each, before)
        short = {network.image: DATA[:, :5]}, {probe: np.ones((2, 5, 2))}
        assert np.isfinite(sim.fit(*short, verbose=0).history["loss"]).all()


def test_a_limit_that_nobody_gave_is_none_of_training(network, step_bytes, monkeypatch):
    monkeypatch.setattr(_layerwise_graph, "MEMORY_LIMIT_OF_SIMULATION", 6 * step_bytes)
    probe = network.probes_of[1]
    losses = []
    for limit in (None, 1 << 30):
        with Simulator(network, minibatch_size=2, progress_bar=False, memory_limit=limit) as sim:
            sim.compile(tf.optimizers.SGD(0.0), loss={probe: "mse"})
            data = {network.image: DATA}, {probe: np.ones((2, STEPS, 2))}
            losses.append(sim.fit(*data, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-10)
