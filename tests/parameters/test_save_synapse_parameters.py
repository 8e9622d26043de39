"""Time constants of synapses: what of them trains, saved, loaded and frozen by name."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator, freeze, nengo_dl, unfreeze
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph, what_trains
from nengo_layers_plus.synapses import TrainableAlpha, TrainableLowpass

NAMES = ("in->hidden.tau", "hidden->out.tau", "probe.tau")


def network():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        source = nengo.Node(lambda t: np.sin(300 * t + np.arange(3)), label="in")
        hidden = CustomLayer(
            nengo.RectifiedLinear(),
            synapse=TrainableLowpass(0.004, per_unit=True),
            ensemble_kwargs={"gain": 1, "bias": 0.5},
            label="hidden",
        )(source)
        out = CustomLayer(
            tf.keras.layers.Dense(2, dtype="float64"), synapse=TrainableAlpha(0.003), label="out"
        )(hidden)
        nengo.Probe(out, synapse=TrainableLowpass(0.002), label="probe")
    return net


def found(net):
    return [each for each in NetworkGraph(net).parameters if each.kind == "synapse parameter"]


def test_they_are_listed():
    assert [(each.name, each.shape, each.is_trained) for each in found(network())] == [
        (NAMES[0], (3,), True),
        (NAMES[1], (1,), True),
        (NAMES[2], (1,), True),
    ]


@pytest.mark.parametrize("cls", [nengo_dl.Simulator, Simulator])
def test_they_are_learned_saved_and_loaded(tmp_path, cls):
    net = network()
    with cls(net, progress_bar=False, seed=0) as sim:
        graph = NetworkGraph(sim)
        before = {each.name: graph.value(each) for each in found(sim)}
        np.testing.assert_allclose(before[NAMES[0]], [0.004] * 3)
        sim.compile(tf.optimizers.Adam(0.05), loss="mse")
        sim.fit(n_steps=20, y={net.probes[0]: np.ones((1, 20, 2))}, epochs=3, verbose=0)
        learned = {each.name: graph.value(each) for each in found(sim)}
        expected = sim.predict(n_steps=20, verbose=0)[net.probes[0]]
        from nengo_layers_plus import save_parameters

        save_parameters(sim, tmp_path / "learned")
    assert all(np.all(learned[name] != before[name]) for name in NAMES)
    other = network()
    with Simulator(other, progress_bar=False, seed=1) as sim:
        sim.load_parameters(tmp_path / "learned")
        graph = NetworkGraph(sim)
        for each in found(sim):
            np.testing.assert_allclose(graph.value(each), learned[each.name], rtol=1e-12)
        np.testing.assert_allclose(
            sim.predict(n_steps=20, verbose=0)[other.probes[0]], expected, rtol=1e-9
        )


def test_freeze_and_back():
    net = network()
    assert freeze(net, NAMES[0], "probe.tau") == (NAMES[0], NAMES[2])
    assert [each.name for each in what_trains(net).trained if "tau" in each.name] == [NAMES[1]]
    assert unfreeze(net, net) == (NAMES[0], NAMES[2])
    assert [each.name for each in what_trains(net).trained if "tau" in each.name] == list(NAMES)
    assert net.connections[0].synapse == TrainableLowpass(0.004, per_unit=True)
