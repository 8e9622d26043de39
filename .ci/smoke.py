"""Build, run and train a small network: the shortest proof that an installation works."""

import nengo
import numpy as np
import tensorflow as tf

from nengo_layers_plus import CustomLayer, nengo_dl

with nengo.Network(seed=0) as network:
    source = nengo.Node(np.zeros(4))
    hidden = CustomLayer(nengo.RectifiedLinear())(source, shape_in=(4,))
    output = CustomLayer(tf.keras.layers.Dense(2))(hidden)
    probe = nengo.Probe(output)

inputs = np.random.RandomState(0).rand(32, 1, 4)
with nengo_dl.Simulator(network, minibatch_size=8, progress_bar=False) as simulator:
    simulator.compile(tf.optimizers.Adam(0.1), loss={probe: tf.losses.MeanSquaredError()})
    history = simulator.fit(inputs, np.ones((32, 1, 2)), epochs=5, verbose=0).history

first, last = history["loss"][0], history["loss"][-1]
print(f"loss: {first:.3f}, after 5 epochs {last:.3f}")
assert last < first
