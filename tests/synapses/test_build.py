"""Trainable filters in the models of nengo and nengo_dl: whose they are, and whether they train."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest
from filters import PLAIN, open_simulator, operators, taus
from nengo.exceptions import ValidationError

from nengo_layers_plus import CustomLayer, Filter, Simulator, nengo_dl
from nengo_layers_plus._declared import ParameterSignal
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.synapses import TrainableAlpha, TrainableLowpass


def build(network):
    """Build a network for nengo_dl, without TensorFlow."""
    model = nengo_dl.builder.NengoModel(dt=0.001, builder=nengo_dl.builder.NengoBuilder())
    model.build(network)
    return model


def trains(network, obj):
    return build(network).sig[obj]["tau"].trainable


def test_each_object_has_a_time_constant_of_its_own():
    synapse = TrainableLowpass(0.01)
    with nengo.Network(seed=0) as net:
        node = nengo.Node([1.0, 2.0])
        processes = [nengo.Node(synapse, size_in=2, size_out=2, label="same") for _ in range(2)]
        ensemble = nengo.Ensemble(4, 2)
        with nengo.Network():
            inner = nengo.Node(size_in=2)
            to_inner = [nengo.Connection(node, inner, synapse=synapse) for _ in range(2)]
        to_ensemble = nengo.Connection(node, ensemble, synapse=synapse)
        decoded = nengo.Probe(ensemble, synapse=synapse)
        plain = [nengo.Probe(inner, synapse=synapse), nengo.Probe(to_ensemble, synapse=synapse)]
        nengo.Connection(node, processes[0], synapse=nengo.Lowpass(0.01))
        nengo.Connection(node, processes[1], synapse=None)
    model = build(net)
    owners = [*processes, *to_inner, to_ensemble, decoded, *plain]
    signals = [model.sig[each]["tau"] for each in owners]
    assert len(set(signals)) == len(signals)
    assert all(isinstance(each, ParameterSignal) and each.trainable for each in signals)
    by_signal = {each.tau: each for each in model.operators if hasattr(each, "tau")}
    assert set(by_signal) == set(signals)
    for owner, signal in zip(owners, signals, strict=True):
        operator = by_signal[signal]
        assert signal.name == f"{owner}.tau"
        if isinstance(owner, nengo.Connection):
            assert operator.output is model.sig[owner]["weighted"]
        elif isinstance(owner, nengo.Node):
            assert operator.input is model.sig[owner]["in"]
            assert operator.output is model.sig[owner]["out"]
        elif owner is not decoded:
            assert operator.output is model.sig[owner]["filtered"]
    probed = [
        conn
        for conn in model.sig
        if isinstance(conn, nengo.Connection) and conn.post_obj is decoded
    ]
    assert by_signal[model.sig[decoded]["tau"]].output is model.sig[probed[0]]["weighted"]
    assert all("tau" not in model.sig[each] for each in (node, ensemble, *probed))


@pytest.mark.parametrize("kind", PLAIN)
def test_those_of_several_connections_are_computed_as_one(kind):
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.ones(5))
        for size, tau in ((2, 0.01), (3, 0.02), (2, [0.01, 0.03]), (4, 0.5)):
            nengo.Connection(node[:size], nengo.Node(size_in=size), synapse=kind(tau))
        nengo.Connection(node[:2], nengo.Node(size_in=2), synapse=kind(0.1, trainable=False))
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        merged = [len(ops) for ops in sim.tensor_graph.plan if ops[0] in operators(sim)]
        assert sorted(merged) == [1, 4]
        np.testing.assert_allclose(np.concatenate(taus(sim)), [0.01, 0.02, 0.01, 0.03, 0.5, 0.1])


def make(settings=None, own=None, **kwargs):
    """Make a network with a connection in a subnetwork, and the settings that are asked for."""
    with nengo.Network() as net:
        nengo_dl.configure_settings(trainable=settings, **kwargs)
        node = nengo.Node([1.0])
        with nengo.Network():
            conn = nengo.Connection(node, nengo.Node(size_in=1), synapse=TrainableLowpass(0.1))
        if own is not None:
            net.config[conn].trainable = own
    return net, conn


def test_settings_of_the_network():
    assert trains(*make())
    assert trains(*make(settings=True))
    assert not trains(*make(settings=False))
    assert not trains(*make(own=False))
    assert trains(*make(settings=False, own=True))
    assert not trains(*make(inference_only=True))
    with nengo.Network() as net:
        conn = nengo.Connection(
            nengo.Node([1.0]), nengo.Node(size_in=1), synapse=TrainableLowpass(0.1, trainable=False)
        )
    assert not trains(net, conn)


@pytest.mark.parametrize("settings", [None, False])
def test_layers_say_nothing_of_it(settings):
    """Their connections don't train, but the network's settings count."""
    with nengo.Network() as net:
        nengo_dl.configure_settings(trainable=settings)
        node = nengo.Node([1.0])
        layer = CustomLayer(tf.nn.relu, synapse=TrainableLowpass(0.1), trainable=False)
        filtered, conn = Filter(TrainableAlpha(0.1))(layer(node), return_conn=True)
        nengo.Probe(filtered)
    expected = settings is None
    assert trains(net, conn) is expected
    assert trains(net, layer.calls[0].connection) is expected


def test_without_a_network_at_the_top_level_nothing_trains():
    with nengo.Network():
        node = nengo.Node([1.0])
        probe = nengo.Probe(node, synapse=TrainableLowpass(0.1))
    model = nengo_dl.builder.NengoModel(dt=0.001, builder=nengo_dl.builder.NengoBuilder())
    model.seeds[probe] = model.seeds[node] = 0
    model.seeded[probe] = model.seeded[node] = True
    model.build(node)
    model.build(probe)
    assert not model.sig[probe]["tau"].trainable


@pytest.mark.parametrize("trainable", [True, False])
def test_only_what_is_trainable_moves(trainable):
    synapse = TrainableLowpass([0.01, 0.02], trainable=trainable)
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(2))
        probe = nengo.Probe(node, synapse=synapse)
        nengo.Probe(CustomLayer(tf.keras.layers.Dense(1))(node))
    with open_simulator("stepwise", net) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
        data = np.ones((1, 9, 2))
        sim.fit({node: data}, {probe: data, net.probes[1]: data[..., :1]}, verbose=0)
        assert np.array_equal(taus(sim)[0], np.float32([0.01, 0.02])) is not trainable


def learning(synapse):
    with nengo.Network(seed=0) as net:
        pre, post, error = nengo.Ensemble(5, 1), nengo.Node(size_in=1), nengo.Node(size_in=1)
        conn = nengo.Connection(pre, post, learning_rule_type=nengo.PES(pre_synapse=synapse))
        nengo.Connection(post, error)
        nengo.Connection(nengo.Node([1.0]), error, transform=-1)
        nengo.Connection(error, conn.learning_rule)
        nengo.Probe(post)
    return net


def test_in_learning_rules_it_does_not_train():
    results = []
    for synapse in (nengo.Lowpass(0.01), TrainableLowpass(0.01, trainable=False)):
        with open_simulator("stepwise", learning(synapse)) as sim:
            sim.run_steps(20)
            results.append(sim.data[sim.model.probes[0]])
    np.testing.assert_allclose(results[0], results[1], atol=1e-5)
    with pytest.warns(UserWarning, match=r"TrainableLowpass\(tau=0.01\) filters .* does not train"):
        model = build(learning(TrainableLowpass(0.01)))
    (operator,) = (each for each in model.operators if hasattr(each, "tau"))
    assert not operator.tau.trainable


def test_a_time_constant_far_below_a_step_does_not_train():
    with nengo.Network() as net:
        probe = nengo.Probe(nengo.Node([1.0, 1.0]), synapse=TrainableLowpass([0.1, 2e-5]))
    with pytest.warns(
        UserWarning,
        match=r"<Probe .*>: a time constant of 2e-05 s can't train with steps of 0.001 s.*"
        r"from more than 3e-05 s, or use trainable=False",
    ):
        assert trains(net, probe)
    with nengo.Network() as net:
        nengo.Probe(nengo.Node([1.0]), synapse=TrainableLowpass(2e-5, trainable=False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        build(net)


@pytest.mark.parametrize("builder", [nengo.builder.Builder, nengo_dl.builder.NengoBuilder])
def test_errors_name_the_object(builder):
    model = nengo_dl.builder.NengoModel(dt=0.001, builder=builder())
    with nengo.Network() as net:
        nengo.Connection(
            nengo.Node([1.0] * 3, label="in"),
            nengo.Node(size_in=3, label="out"),
            synapse=TrainableLowpass([0.1, 0.2]),
        )
    with pytest.raises(
        ValidationError,
        match=r"TrainableLowpass.tau: .*array of 3, one for each unit of <Connection .*'in'.*'out'"
        r".*>; got an array of 2",
    ):
        model.build(net)


def test_a_node_needs_an_input():
    with nengo.Network() as net:
        nengo.Node(TrainableLowpass(0.1), size_in=0, size_out=0, label="empty")
    with pytest.raises(
        ValidationError, match="expected an input to filter, got none for <Node 'em"
    ):
        build(net)


@pytest.mark.parametrize("kind", PLAIN)
def test_in_a_recurrent_network(kind):
    results = []
    for synapse in (PLAIN[kind](0.01), kind(0.01), kind(0.01, per_unit=True)):
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(dtype="float64")
            ensemble = nengo.Ensemble(10, 2, neuron_type=nengo.LIFRate())
            nengo.Connection(nengo.Node([0.5, -0.2]), ensemble, synapse=synapse)
            nengo.Connection(ensemble, ensemble, synapse=synapse)
            probe = nengo.Probe(ensemble, synapse=synapse)
        with Simulator(net, progress_bar=False, seed=0) as sim:
            sim.run_steps(20)
            results.append(sim.data[probe])
    np.testing.assert_allclose(results[1], results[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(results[2], results[0], rtol=0, atol=1e-9)


def test_probed_weights_are_filtered():
    """A signal of two axes, which is the same for all of a minibatch."""
    results = []
    for synapse in (nengo.Alpha(0.01), TrainableAlpha(0.01), TrainableAlpha(0.01, per_unit=True)):
        with nengo.Network(seed=0) as net:
            conn = nengo.Connection(
                nengo.Node([1.0] * 3), nengo.Node(size_in=2), transform=np.arange(6).reshape(2, 3)
            )
            probe = nengo.Probe(conn, "weights", synapse=synapse)
        if isinstance(synapse, TrainableAlpha):
            with open_simulator("stepwise", net, minibatch_size=2) as sim:
                sim.run_steps(9)
                results += list(sim.data[probe])
        else:
            with nengo.Simulator(None, model=nengo_model(net), progress_bar=False) as sim:
                sim.run_steps(9)
                results.append(sim.data[probe])
    for each in results[1:]:
        np.testing.assert_allclose(each, results[0], atol=1e-5)


def nengo_model(network):
    model = nengo.builder.Model(dt=0.001)
    model.build(network)
    return model


def test_the_operator_runs_in_numpy_too():
    """As nengo_dl's builder of models has it run once, to fail early."""
    for mode in ("update", "set", "inc"):
        model = nengo_dl.builder.NengoModel(dt=0.001, builder=nengo_dl.builder.NengoBuilder())
        source = nengo.builder.Signal(np.array([1.0, 2.0]), name="source")
        target = nengo.builder.Signal(np.array([0.0, 5.0]), name="target")
        synapse = TrainableAlpha([0.01, 0.02], trainable=False)
        model.build(synapse, source, target, mode=mode)
        operator = model.operators[-1]
        signals = nengo.builder.signal.SignalDict()
        operator.init_signals(signals)
        step = operator.make_step(signals, 0.001, np.random)
        found = []
        for _ in range(4):
            step()
            found.append(signals[target].copy())
        expected = synapse.filt(np.tile([1.0, 2.0], (4, 1)))
        if mode == "inc":
            expected = np.cumsum(expected, axis=0) + np.array([0.0, 5.0])
        elif mode == "update":  # the target is what it keeps, and starts from 5
            expected += np.exp(-0.05 * np.arange(1, 5))[:, None] * [0.0, 5.0]
        np.testing.assert_allclose(found, expected, rtol=1e-12)
