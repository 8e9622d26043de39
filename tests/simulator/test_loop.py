"""Operators that run along time, in a loop that has only them in it."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from planned import group_with, plan_of
from python_neurons import InPython

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._compiled import compiles, kernel_length, lengthen
from nengo_layers_plus.simulator._loop import Loop

STEPS = 9


def both(build):
    """Run a network in both Simulators, twice; return what each of its probes recorded."""
    results = []
    for cls in (nengo_dl.Simulator, Simulator):
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(dtype="float64")
            build()
        with cls(net, minibatch_size=2, seed=0, progress_bar=False) as sim:
            sim.run_steps(STEPS)
            sim.run_steps(2)
            results.append([np.array(sim.data[probe]) for probe in net.all_probes])
    return results


def assert_same(build):
    expected, found = both(build)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape == (2, STEPS + 2, *one.shape[2:])
        assert np.ptp(other) > 0  # something happens
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def wave(size=1):
    return nengo.Node(lambda t: np.sin(300 * t + np.arange(size)), label="wave")


def test_a_recurrent_connection():
    def build():
        ensemble = nengo.Ensemble(8, 2)
        nengo.Connection(wave(2), ensemble, synapse=None)
        nengo.Connection(ensemble, ensemble[[1, 0]], transform=-0.8, synapse=0.004)
        nengo.Probe(ensemble)
        nengo.Probe(ensemble.neurons, "voltage")

    assert_same(build)


def test_what_others_write_to_a_signal_of_the_loop():
    """Constants, a bias and another connection are added to what the loop writes itself."""

    def build():
        ensemble = nengo.Ensemble(8, 2)
        nengo.Connection(nengo.Node([0.3]), ensemble[0], synapse=None)
        nengo.Connection(wave(), ensemble[1], synapse=0.002)
        nengo.Connection(wave(), ensemble[1], transform=0.5, synapse=None)
        nengo.Connection(ensemble, ensemble, synapse=0.01)
        nengo.Probe(ensemble)
        nengo.Probe(ensemble.neurons, "input")

    assert_same(build)


def test_learned_weights_accumulate_between_calls():
    def build():
        source, target = nengo.Ensemble(8, 1), nengo.Ensemble(8, 1)
        nengo.Connection(wave(), source, synapse=None)
        connection = nengo.Connection(source, target, learning_rule_type=nengo.PES(1e-2))
        nengo.Connection(target, connection.learning_rule)
        nengo.Probe(connection, "weights")
        nengo.Probe(target, synapse=0.01)

    assert_same(build)


@pytest.mark.filterwarnings("ignore:.* does not have a native TensorFlow")  # of nengo_dl
def test_python_functions_are_called_in_the_order_of_the_steps():
    calls = {}

    def build_with(log):
        def build():
            source = wave()
            nodes = []
            for name in "ab":
                nodes.append(
                    nengo.Node(
                        lambda t, x, name=name: log.append((name, round(t, 6), x.item())) or 2 * x,
                        size_in=1,
                        label=name,
                    )
                )
            nengo.Connection(source, nodes[0], synapse=None)
            neurons = nengo.Ensemble(4, 1, neuron_type=InPython())
            nengo.Connection(nodes[0], neurons, synapse=None)
            nengo.Connection(neurons, nodes[1], synapse=None)
            nengo.Probe(nodes[1])

        return build

    for cls in (nengo_dl.Simulator, Simulator):
        with nengo.Network(seed=0) as net:
            build_with(calls.setdefault(cls, []))()
        with cls(net, seed=0, progress_bar=False) as sim:
            calls[cls].clear()
            sim.run_steps(4)
            assert sim.data[net.probes[0]].shape == (4, 1)
    expected, found = calls[nengo_dl.Simulator], calls[Simulator]
    assert len(expected) == 8
    assert [each[:2] for each in found] == [each[:2] for each in expected]
    np.testing.assert_allclose(
        [each[2] for each in found], [each[2] for each in expected], rtol=1e-5, atol=1e-6
    )


def test_processes_in_python():
    def build():
        node = nengo.Node(nengo.processes.FilteredNoise(nengo.Alpha(0.01), seed=3), size_in=0)
        target = nengo.Node(size_in=1)
        nengo.Connection(node, target, synapse=nengo.synapses.Triangle(0.004))
        nengo.Probe(target)

    assert_same(build)


@pytest.mark.parametrize(
    ("training", "graph"),
    [(True, True), (True, False), (False, True), (False, False)],
)
def test_gradients_through_time(training, graph):
    """In a compiled loop (simulated) and in a plain one (trained), they are nengo_dl's."""
    gradients = []
    for cls in (nengo_dl.Simulator, Simulator):
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(dtype="float64")
            source = nengo.Node(np.zeros(2))
            ensemble = nengo.Ensemble(6, 2, neuron_type=nengo.LIFRate())
            nengo.Connection(source, ensemble, synapse=nengo.Alpha(0.003))
            nengo.Connection(ensemble, ensemble, synapse=0.002, transform=0.5)
            nengo.Probe(ensemble)
        data = np.random.RandomState(0).uniform(-1, 1, (2, STEPS, 2))
        with cls(net, minibatch_size=2, progress_bar=False) as sim:
            weights = sim.keras_model.trainable_weights

            def gradient(data, steps, sim=sim, weights=weights):
                with tf.GradientTape() as tape:
                    tape.watch(data)
                    (output, *_) = sim.keras_model([data, steps], training=training)
                    loss = tf.reduce_sum(output**2)
                return tape.gradient(loss, [data, *weights])

            run = tf.function(gradient, autograph=False) if graph else gradient
            found = run(tf.constant(data), tf.fill([2, 1], STEPS))
            gradients.append([each.numpy() for each in found])
    expected, found = gradients
    assert len(expected) > 1
    assert np.linalg.norm(expected[0]) > 0
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12 * np.abs(other).max())


def test_which_operators_compile():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(lambda t, x: x, size_in=1)
        nengo.Connection(wave(), node)
        nengo.Probe(CustomLayer(nengo.LIF())(node))
        nengo.Probe(CustomLayer(nengo.PoissonSpiking(nengo.LIFRate()))(node))
    plan = plan_of(net)
    found = {}
    for operator in plan.decisions:
        name = getattr(operator, "neurons", None) or getattr(operator, "process", operator)
        found[type(name).__name__] = compiles(operator)
    assert found["LIF"]
    assert found["Lowpass"]
    assert found["Copy"]
    assert not found["PoissonSpiking"]
    assert not found["SimPyFunc"]
    assert not group_with(plan, "SimPyFunc").decision.per_item


def test_loops_are_compiled_for_few_lengths():
    large = 2 << 20  # bytes of a step
    lengths = [int(kernel_length(tf.constant(each), large)) for each in range(1, 1001)]
    assert all(length >= steps for steps, length in enumerate(lengths, start=1))
    assert all(length <= 1.5 * steps + 1 for steps, length in enumerate(lengths, start=1))
    assert len(set(lengths)) <= 20


def test_data_of_any_short_length_reaches_the_same_kernel(monkeypatch):
    """Data that is fed may stand still, and is one entry then; else it is as long as all others."""
    compiled = set()
    make_kernel = Loop._kernel

    def noting(self, inputs):
        kernel = make_kernel(self, inputs)

        def run(*arguments):
            def note(*shapes):
                compiled.add(tuple(tuple(each.numpy()) for each in shapes))

            tf.py_function(note, [tf.shape(each) for each in arguments], [])
            return kernel(*arguments)

        return run

    monkeypatch.setattr(Loop, "_kernel", noting)
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(3))
        layer = CustomLayer(nengo.LIF())(CustomLayer(tf.keras.layers.Dense(4))(source))
        nengo.Probe(layer)
    with Simulator(net, minibatch_size=2, seed=0, progress_bar=False, execution="layerwise") as sim:
        moving = np.random.RandomState(0).normal(size=(2, 40, 3))
        for steps in (40, 7, 12, 31):
            sim.predict({source: moving[:, :steps]}, verbose=0)
        of_any_length = [shapes for shapes in compiled if (64,) in shapes]
        assert len(of_any_length) == 1
        sim.predict({source: np.tile(moving[:, :1], (1, 9, 1))}, verbose=0)
    of_any_length = [shapes for shapes in compiled if (64,) in shapes]
    assert len(of_any_length) == 2


@pytest.mark.parametrize(("bytes_per_step", "shared"), [(1, 64), (40_000, 32), (1 << 20, 2)])
def test_short_loops_share_a_length_that_takes_little_memory(bytes_per_step, shared):
    lengths = [int(kernel_length(tf.constant(each), bytes_per_step)) for each in range(1, 201)]
    assert set(lengths[:shared]) == {shared}
    assert shared * bytes_per_step <= 2 << 20
    assert all(
        shared < length <= 1.5 * steps
        for steps, length in enumerate(lengths[shared:], start=shared + 1)
    )


def test_lengthen():
    tensor = tf.ones((2, 3, 4))
    longer = lengthen(tensor, tf.constant(5))
    assert longer.shape == (2, 5, 4)
    np.testing.assert_array_equal(longer[:, :3], tensor)
    np.testing.assert_array_equal(longer[:, 3:], np.zeros((2, 2, 4)))
    np.testing.assert_array_equal(lengthen(tensor, tf.constant(3)), tensor)
