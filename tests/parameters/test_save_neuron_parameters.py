"""Parameters of neurons, saved, loaded and frozen by name."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import (
    CustomLayer,
    Simulator,
    Surrogate,
    freeze,
    load_parameters,
    nengo_dl,
    unfreeze,
)
from nengo_layers_plus.graph import NetworkGraph, what_trains
from nengo_layers_plus.neurons import TrainableAdaptiveLIF, TrainableLIF
from nengo_layers_plus.parameters import ParameterMismatchError

NAMES = ("hidden.tau_n", "hidden.inc_n", "hidden.tau_rc")
VALUES = {
    "hidden.tau_n": [0.3],
    "hidden.inc_n": [0.02],
    "hidden.tau_rc": [0.01, 0.02, 0.03, 0.04],
}


def network(seed=0, **kwargs):
    with nengo.Network(seed=seed) as net:
        nengo_dl.configure_settings(dtype="float64")
        layer = CustomLayer(
            Surrogate(TrainableAdaptiveLIF(per_neuron="tau_rc")),
            ensemble_kwargs={"gain": 2, "bias": 2},
            label="hidden",
            **kwargs,
        )
        nengo.Probe(layer(nengo.Node(np.ones(4))))
    return net


def values_of(sim):
    graph = NetworkGraph(sim)
    return {each.name: graph.value(each) for each in graph.parameters if each.name in NAMES}


@pytest.mark.parametrize("trainable", [None, False], ids=["training", "not training"])
@pytest.mark.parametrize("cls", [nengo_dl.Simulator, Simulator])
def test_they_are_loaded_whether_they_train_or_not(cls, trainable):
    net = network(trainable=trainable)
    with cls(net, progress_bar=False, seed=0) as sim:
        before = sim.predict(n_steps=40, verbose=0)[net.probes[0]]
        report = load_parameters(sim, VALUES, strict=False)
        assert report.loaded == NAMES
        for name, value in values_of(sim).items():
            np.testing.assert_allclose(value, VALUES[name], rtol=1e-12)
        after = sim.predict(n_steps=40, verbose=0)[net.probes[0]]
    assert not np.array_equal(before, after)
    told = nengo.Network(seed=0)
    with told:
        nengo_dl.configure_settings(dtype="float64")
        neurons = TrainableAdaptiveLIF(
            **{name.partition(".")[2]: np.squeeze(value) for name, value in VALUES.items()}
        )
        layer = CustomLayer(neurons, ensemble_kwargs={"gain": 2, "bias": 2}, label="hidden")
        nengo.Probe(layer(nengo.Node(np.ones(4))))
    with cls(told, progress_bar=False, seed=0) as sim:
        np.testing.assert_allclose(
            sim.predict(n_steps=40, verbose=0)[told.probes[0]], after, rtol=1e-9
        )


def test_what_was_saved_is_what_was_learned(tmp_path):
    net = network()
    with Simulator(net, progress_bar=False, seed=0) as sim:
        sim.compile("sgd", loss="mse")
        target = np.full((1, 20, 4), 1.0)
        sim.keras_model.optimizer.learning_rate = 1e-6
        sim.fit(n_steps=20, y={net.probes[0]: target}, epochs=3, verbose=0)
        learned = values_of(sim)
        sim.save_parameters(tmp_path / "learned")
        expected = sim.predict(n_steps=40, verbose=0)[net.probes[0]]
    assert any(not np.array_equal(learned[name], value) for name, value in _initial().items())
    other = network(seed=1)
    with Simulator(other, progress_bar=False, seed=0) as sim:
        sim.load_parameters(tmp_path / "learned")
        for name, value in values_of(sim).items():
            np.testing.assert_allclose(value, learned[name], rtol=1e-12)
        sim.reset(include_trainable=True)  # goes back to what was loaded
        for name, value in values_of(sim).items():
            np.testing.assert_allclose(value, learned[name], rtol=1e-12)
    assert expected.any()


def _initial():
    return {
        "hidden.tau_n": [1.0],
        "hidden.inc_n": [0.01],
        "hidden.tau_rc": [0.02] * 4,
    }


def test_values_of_another_shape():
    with (
        Simulator(network(), progress_bar=False) as sim,
        pytest.raises(ParameterMismatchError, match=r"hidden.tau_rc.*\(4,\)"),
    ):
        load_parameters(sim, {"hidden.tau_rc": [0.02]})


def trained(net):
    return [each.name for each in what_trains(net) if each.trainable and each.name in NAMES]


def test_freeze_by_name_and_back():
    net = network()
    assert freeze(net, "hidden.tau_*") == ("hidden.tau_n", "hidden.tau_rc")
    assert trained(net) == ["hidden.inc_n"]
    assert unfreeze(net, "hidden.tau_rc") == ("hidden.tau_rc",)
    assert trained(net) == ["hidden.inc_n", "hidden.tau_rc"]
    assert unfreeze(net, net) == ("hidden.tau_n",)
    assert trained(net) == list(NAMES)


def test_freeze_with_the_layer():
    net = network()
    frozen = freeze(net, "hidden")
    assert set(NAMES) <= set(frozen)
    assert what_trains(net).trained == ()
    unfreeze(net, "hidden")
    assert trained(net) == list(NAMES)


def test_the_bias_alone():
    net = network()
    freeze(net, "hidden.bias")
    assert trained(net) == list(NAMES)


def test_a_failing_freeze_leaves_neurons_as_they_were():
    net = network()
    with pytest.raises(Exception, match="nothing"):
        freeze(net, "hidden.tau_n", "nothing of this name")
    assert trained(net) == list(NAMES)


def test_neurons_that_train_by_a_measured_curve():
    with nengo.Network() as net:
        neurons = TrainableLIF(trainable=["tau_rc", "tau_ref"])
        nengo.Probe(CustomLayer(neurons, label="hidden")(nengo.Node(np.ones(4))))
    moving = [each.name for each in what_trains(net).trained]
    assert moving == ["hidden.bias", "hidden.tau_rc", "hidden.tau_ref"]
