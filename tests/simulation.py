"""Short ways to run networks in tests."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph


def simulator(network: nengo.Network, **kwargs: Any) -> nengo_dl.Simulator:
    return nengo_dl.Simulator(network, **{"progress_bar": False, "seed": 0, **kwargs})


def run(network: nengo.Network, n_steps: int = 3, **kwargs: Any) -> list[np.ndarray]:
    """Return what the probes of a network recorded."""
    with simulator(network, **kwargs) as sim:
        sim.run_steps(n_steps)
        return [np.array(sim.data[probe]) for probe in network.all_probes]


def fit(network: nengo.Network, n_steps: int = 1) -> dict[str, tuple[bool, bool]]:
    """Train for a few epochs; return for each parameter whether it is trainable and has moved."""
    with simulator(network, minibatch_size=4) as sim:
        return fit_in(sim, NetworkGraph(sim), n_steps)


def fit_in(
    sim: nengo_dl.Simulator, graph: NetworkGraph, n_steps: int = 1
) -> dict[str, tuple[bool, bool]]:
    """Do so in a Simulator of four items that is open, with the graph of it."""
    before = [graph.value(each) for each in graph.parameters]
    sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
    rng = np.random.RandomState(0)
    inputs = {
        node: rng.uniform(0.1, 1, (4, n_steps, node.size_out))
        for node in sim.tensor_graph.invariant_inputs
    }
    targets = {probe: rng.uniform(-1, 1, (4, n_steps, probe.size_in)) for probe in sim.model.probes}
    sim.fit(inputs, targets, epochs=2, verbose=0)
    return {
        each.name: (each.trainable, not np.array_equal(old, graph.value(each)))
        for each, old in zip(graph.parameters, before, strict=True)
    }
