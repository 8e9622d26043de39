"""What the tests of trainable filters share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer, Filter, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.synapses import TrainableAlpha, TrainableLowpass
from nengo_layers_plus.synapses._build import SimTrainableFilter

STEPS = 25
SIZE = 3
PLAIN = {TrainableLowpass: nengo.Lowpass, TrainableAlpha: nengo.Alpha}
SIMULATORS = {
    "stock": (nengo_dl.Simulator, {}),
    "stepwise": (Simulator, {"execution": "stepwise"}),
    "layerwise": (Simulator, {"execution": "layerwise"}),
}


def open_simulator(name: str, network: nengo.Network, **kwargs: Any) -> nengo_dl.Simulator:
    cls, given = SIMULATORS[name]
    return cls(network, **{"progress_bar": False, "seed": 0, **given, **kwargs})


def run_in_nengo(network: nengo.Network) -> list[np.ndarray]:
    """Return what the probes record in `nengo.Simulator`."""
    # a model of its own, so that no cache is used
    model = nengo.builder.Model(dt=0.001)
    with nengo.Simulator(network, model=model, progress_bar=False) as sim:
        sim.run_steps(STEPS)
        return [np.array(sim.data[probe]) for probe in network.all_probes]


def everywhere(synapses: Sequence[Any], source: Any, dtype: str = "float64") -> nengo.Network:
    """Use each of some synapses wherever one is taken; probe the same number of times for each."""
    with nengo.Network(seed=0) as network:
        nengo_dl.configure_settings(dtype=dtype)
        node = nengo.Node(source, size_out=SIZE, label="source")
        for seed, synapse in enumerate(synapses):
            with nengo.Network(seed=seed):
                _everywhere(node, synapse)
    return network


def _everywhere(node: nengo.Node, synapse: Any) -> None:
    behind = nengo.Node(size_in=SIZE)
    nengo.Connection(node, behind, synapse=synapse)
    nengo.Connection(node, behind, synapse=synapse, transform=[0.5, 2, -1])
    nengo.Probe(behind)
    nengo.Probe(behind, synapse=synapse)
    sliced = nengo.Node(size_in=SIZE)
    nengo.Connection(node[[2, 0, 1]], sliced[[1, 2, 0]], synapse=synapse)
    nengo.Probe(sliced)
    process = nengo.Node(synapse, size_in=SIZE, size_out=SIZE)
    nengo.Connection(node, process, synapse=None)
    nengo.Probe(process)
    ensemble = nengo.Ensemble(SIZE, SIZE, neuron_type=nengo.RectifiedLinear(), seed=0)
    nengo.Connection(node, ensemble, synapse=synapse)
    nengo.Connection(node, ensemble.neurons, synapse=synapse, transform=0.5, seed=1)
    other = nengo.Ensemble(SIZE, SIZE, neuron_type=nengo.RectifiedLinear(), seed=2)
    weights = nengo.solvers.LstsqL2(weights=True)
    nengo.Connection(ensemble, other, synapse=synapse, solver=weights, seed=3)
    nengo.Probe(other, synapse=synapse, seed=4)
    nengo.Probe(ensemble.neurons, synapse=synapse)


def layers(synapses: Sequence[Any], dtype: str = "float64") -> tuple[nengo.Network, nengo.Node]:
    """Filter by three synapses before and behind layers with weights."""
    with nengo.Network(seed=0) as network:
        nengo_dl.configure_settings(dtype=dtype)
        source = nengo.Node(np.zeros(SIZE), label="source")
        initial = tf.constant_initializer(np.linspace(-1, 1, SIZE**2).reshape(SIZE, SIZE))
        dense = tf.keras.layers.Dense(SIZE, kernel_initializer=initial, dtype=dtype)
        hidden = CustomLayer(dense, synapse=synapses[0], label="hidden")(source)
        filtered = Filter(synapses[1], label="filtered")(hidden)
        nengo.Probe(filtered, synapse=synapses[2])
    return network, source


def operators(sim: nengo_dl.Simulator) -> list[SimTrainableFilter]:
    return [each for each in sim.model.operators if isinstance(each, SimTrainableFilter)]


def taus(sim: nengo_dl.Simulator) -> list[np.ndarray]:
    """Return the time constants that a Simulator has now."""
    return [
        each.tau.value(tf.keras.backend.get_value(sim.tensor_graph.get_tensor(each.tau)))
        for each in operators(sim)
    ]


def check_gradients(sim: nengo_dl.Simulator, source: nengo.Node) -> None:
    """Compare how one step of training moves everything that trains with finite differences."""
    rng = np.random.RandomState(1)
    (probe,) = sim.model.probes
    inputs = {source: rng.randn(2, 8, SIZE)}
    targets = {probe: rng.randn(2, 8, SIZE)}
    sim.compile(optimizer=tf.optimizers.SGD(1.0), loss="mse")
    weights = sim.keras_model.trainable_weights
    before = [tf.keras.backend.get_value(each) for each in weights]
    sim.fit(inputs, targets, epochs=1, verbose=0, stateful=False)
    found = [old - tf.keras.backend.get_value(w) for old, w in zip(before, weights, strict=True)]

    def loss(values: list[np.ndarray]) -> float:
        tf.keras.backend.batch_set_value(list(zip(weights, values, strict=True)))
        outputs = sim.predict_on_batch(inputs, stateful=False)[probe]
        return float(np.mean((outputs - targets[probe]) ** 2))

    for index, gradient in enumerate(found):
        for place in np.ndindex(gradient.shape):
            losses = []
            for step in (1e-5, -1e-5):
                values = [each.copy() for each in before]
                values[index][place] += step
                losses.append(loss(values))
            expected = (losses[0] - losses[1]) / 2e-5
            np.testing.assert_allclose(gradient[place], expected, rtol=1e-5, atol=1e-9)
    assert all(np.abs(each).max() > 1e-6 for each in found)
