"""Layers of keras_lmu, which is written for Keras 2, give Keras' numbers in a network."""

from __future__ import annotations

import nengo
import numpy as np

from nengo_layers_plus import CustomLayer, Simulator, tf_keras_as_keras
from nengo_layers_plus._upstream import tf

N_STEPS, N_INPUTS = 8, 2


def test_a_legendre_memory_unit() -> None:
    with tf_keras_as_keras():
        import keras_lmu
    sequences = np.random.RandomState(0).uniform(-1, 1, (4, N_STEPS, N_INPUTS)).astype("float32")
    target = np.ones((4, 3), "float32")
    losses = []
    weights = None
    for in_network in (True, False):
        unit = keras_lmu.LMU(1, 4, N_STEPS, tf.keras.layers.SimpleRNNCell(3), hidden_to_memory=True)
        unit(sequences)
        weights = unit.get_weights() if weights is None else weights
        unit.set_weights(weights)
        expected = unit(sequences).numpy()
        compiled = {"optimizer": tf.optimizers.SGD(0.1), "loss": "mse"}
        if not in_network:
            model = tf.keras.Sequential([tf.keras.Input((N_STEPS, N_INPUTS)), unit])
            model.compile(**compiled)
            losses.append(model.fit(sequences, target, epochs=3, verbose=0).history["loss"])
            continue
        with nengo.Network(seed=0) as net:
            node = nengo.Node(np.zeros(N_STEPS * N_INPUTS))
            probe = nengo.Probe(CustomLayer(unit)(node, shape_in=(N_STEPS, N_INPUTS)))
        with Simulator(net, minibatch_size=4, seed=0, progress_bar=False) as sim:
            flat = sequences.reshape(4, 1, -1)
            output = sim.predict(flat, verbose=0)[probe]
            np.testing.assert_allclose(output[:, 0], expected, rtol=1e-6, atol=1e-7)
            sim.compile(**compiled)
            history = sim.fit(flat, target[:, np.newaxis], epochs=3, verbose=0).history
            losses.append(history["loss"])
    assert losses[1][2] < 0.95 * losses[1][0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
