"""Threads: each gets the numbers that it would get alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator
from nengo_layers_plus._upstream import tf

N_THREADS = 3


def network() -> tuple[nengo.Network, nengo.Node, nengo.Probe]:
    dense = tf.keras.layers.Dense(2, kernel_initializer=tf.keras.initializers.GlorotUniform(0))
    with nengo.Network(seed=0) as net:
        node = nengo.Node([0.0] * 3)
        spikes = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 5, "bias": 1})(node)
        probe = nengo.Probe(CustomLayer(dense)(spikes), synapse=0.01)
    return net, node, probe


@pytest.mark.parametrize("n_simulators", [1, N_THREADS])
def test_threads_get_the_numbers_of_one(n_simulators: int) -> None:
    data = np.random.RandomState(0).uniform(-1, 1, (N_THREADS, 2, 20, 3))
    with ExitStack() as stack:
        made = [network() for _ in range(n_simulators)]
        simulators = [
            stack.enter_context(Simulator(net, seed=0, minibatch_size=2, progress_bar=False))
            for net, _, _ in made
        ]

        def predict(thread: int) -> list[np.ndarray]:
            _, node, probe = made[thread % n_simulators]
            sim = simulators[thread % n_simulators]
            return [sim.predict({node: data[thread]}, verbose=0)[probe] for _ in range(3)]

        alone = list(map(predict, range(N_THREADS)))
        with ThreadPoolExecutor(N_THREADS) as pool:
            together = list(pool.map(predict, range(N_THREADS)))
    np.testing.assert_array_equal(together, alone)
    # each thread has numbers of its own, which could be mistaken
    assert len({each[0].tobytes() for each in alone}) == N_THREADS
