"""The Simulator takes the place of nengo_dl's."""

from __future__ import annotations

import inspect

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulatorClosed

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import TrainingReport


def build(seed=0):
    tf.keras.utils.set_random_seed(seed)
    with nengo.Network(seed=seed) as net:
        image = nengo.Node(np.ones(4))
        x = CustomLayer(nengo.LIFRate(), label="hidden")(image, synapse=0.01)
        probe = nengo.Probe(CustomLayer(tf.keras.layers.Dense(2))(x))
    return net, image, probe


def test_it_takes_the_arguments_of_nengo_dl():
    stock = inspect.signature(nengo_dl.Simulator).parameters
    ours = inspect.signature(Simulator).parameters
    assert list(ours)[: len(stock)] == list(stock)
    assert all(ours[name].default == stock[name].default for name in stock)
    assert list(ours)[len(stock) :] == ["execution", "memory_limit"]
    assert issubclass(Simulator, nengo_dl.Simulator)


def train(cls, path):
    """Use a Simulator in all ways; return all numbers that it gave."""
    net, image, probe = build()
    data = np.random.RandomState(0).uniform(size=(8, 3, 4))
    with cls(net, seed=0, minibatch_size=4, progress_bar=False) as sim:
        results = [sim.predict({image: data}, verbose=0)[probe]]
        sim.compile(optimizer=tf.optimizers.Adam(0.1), loss={probe: "mse"})
        history = sim.fit({image: data}, {probe: np.ones((8, 3, 2))}, epochs=3, verbose=0)
        results.append(history.history["loss"])
        results.append(sim.evaluate({image: data}, {probe: np.ones((8, 3, 2))}, verbose=0)["loss"])
        sim.run_steps(5)
        results.append(sim.data[probe])
        results.append(sim.data[net.ensembles[0]].bias)
        sim.save_params(path)
    assert sim.closed
    return results


@pytest.mark.filterwarnings("ignore:The initializer GlorotUniform is unseeded")  # of nengo_dl
def test_the_numbers_are_those_of_nengo_dl(tmp_path):
    ours = train(Simulator, tmp_path / "ours")
    stock = train(nengo_dl.Simulator, tmp_path / "stock")
    for one, other in zip(ours, stock, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    net, _, probe = build(seed=1)
    outputs = []
    for cls, file in ((Simulator, "stock"), (nengo_dl.Simulator, "ours")):
        with cls(net, progress_bar=False) as sim:
            sim.load_params(tmp_path / file)
            outputs.append(sim.predict(n_steps=2, verbose=0)[probe])
    np.testing.assert_allclose(*outputs, rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The initializer GlorotUniform is unseeded")  # of nengo_dl
def test_parameters_by_name(tmp_path):
    net, _, probe = build()
    with Simulator(net, progress_bar=False) as sim:
        sim.save_parameters(tmp_path / "a")
        expected = sim.predict(n_steps=2, verbose=0)[probe]
        report = sim.what_trains()
        assert isinstance(report, TrainingReport)
        assert "hidden.bias" in [each.name for each in report.moving]
    net, _, probe = build(seed=1)
    with Simulator(net, progress_bar=False) as sim:
        assert sim.load_parameters(tmp_path / "a").complete
        np.testing.assert_array_equal(sim.predict(n_steps=2, verbose=0)[probe], expected)
        assert sim.load_parameters({}, strict=False).loaded == ()
    for method, arguments in (
        (sim.save_parameters, (tmp_path / "b",)),
        (sim.load_parameters, (tmp_path / "a",)),
        (sim.what_trains, ()),
    ):
        with pytest.raises(SimulatorClosed):
            method(*arguments)
