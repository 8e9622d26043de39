"""What ``sim.data`` and frozen networks have of what was learned."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator, Surrogate, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableAdaptiveLIF
from nengo_layers_plus.synapses import TrainableLowpass


@pytest.fixture(scope="module")
def trained():
    """A network, and what its Simulator had before and after training."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        neurons = Surrogate(TrainableAdaptiveLIF(per_neuron="tau_rc", amplitude=0.01))
        layer = CustomLayer(
            neurons,
            ensemble_kwargs={"gain": 2, "bias": 2},
            synapse=TrainableLowpass(0.003),
            label="hidden",
        )
        layer(nengo.Node(lambda t: np.sin(100 * t + np.arange(4))))
        nengo.Probe(layer.calls[0].output)
    ensemble = layer.calls[0].ensemble
    with Simulator(net, progress_bar=False, seed=0) as sim:
        before = dict(sim.data[ensemble.neurons])
        sim.compile(tf.optimizers.Adam(0.02), loss="mse")
        sim.fit(n_steps=30, y={net.probes[0]: np.full((1, 30, 4), 0.5)}, epochs=4, verbose=0)
        after = dict(sim.data[ensemble.neurons])
        sim.run_steps(50)
        output = sim.data[net.probes[0]]
        sim.freeze_params(net)
    return net, ensemble, before, after, output


def test_values_are_those_of_now(trained):
    _, _, before, after, _ = trained
    assert list(before) == ["tau_n", "inc_n", "tau_rc", "tau_ref"]
    assert before["tau_n"] == 1.0
    np.testing.assert_array_equal(before["tau_rc"], [0.02] * 4)
    for name in ("tau_n", "inc_n", "tau_rc"):
        assert np.all(np.asarray(before[name]) != after[name])
        assert np.all(np.asarray(after[name]) > 0)
    assert after["tau_ref"] == before["tau_ref"] == 0.002  # does not train


def test_a_frozen_network_has_what_was_learned(trained):
    net, ensemble, _, after, output = trained
    model = ensemble.neuron_type.neuron_type
    assert isinstance(ensemble.neuron_type, Surrogate)
    np.testing.assert_allclose(model.tau_rc, after["tau_rc"])
    assert model.tau_n == after["tau_n"]
    assert net.connections[0].synapse.tau != 0.003
    with nengo.Simulator(net, progress_bar=False, seed=0) as sim:
        sim.run_steps(50)
        np.testing.assert_allclose(sim.data[net.probes[0]], output, atol=1e-9)


def test_objects_that_have_nothing():
    with nengo.Network() as net:
        ensemble = nengo.Ensemble(3, 1)
        nengo.Probe(ensemble)
    with Simulator(net, progress_bar=False) as sim:
        assert sim.data[ensemble.neurons] == {}
        assert sim.data[ensemble].bias.shape == (3,)


def test_after_the_simulator_is_closed():
    with nengo.Network() as net:
        ensemble = nengo.Ensemble(3, 1, neuron_type=TrainableAdaptiveLIF(trainable=False))
        nengo.Probe(ensemble)
    with Simulator(net, progress_bar=False) as sim:
        pass
    assert sim.data[ensemble.neurons]["tau_n"] == 1.0


def test_synapses_of_probes_and_nodes_are_frozen_too():
    with nengo.Network(seed=0) as net:
        node = nengo.Node(TrainableLowpass(0.01), size_in=1, size_out=1)
        nengo.Connection(nengo.Node([1.0]), node, synapse=None)
        probe = nengo.Probe(node, synapse=TrainableLowpass(0.005))
    with Simulator(net, progress_bar=False) as sim:
        sim.compile(tf.optimizers.Adam(0.1), loss="mse")
        sim.fit(n_steps=20, y={probe: np.zeros((1, 20, 1))}, epochs=3, verbose=0)
        expected = sim.predict(n_steps=20, verbose=0)[probe]
        sim.freeze_params(net)
    assert node.output.tau > 0.011
    assert probe.synapse.tau > 0.0055
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
        np.testing.assert_allclose(sim.data[probe], expected[0], atol=1e-5)
