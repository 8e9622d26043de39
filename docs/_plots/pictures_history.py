"""The picture of a training in the guide "Pictures"."""

import nengo
import tensorflow as tf
from sklearn.datasets import load_digits

from nengo_layers_plus import CustomLayer, Simulator, plot

digits = load_digits()
images = (digits.images / 16).reshape(-1, 1, 64)
labels = digits.target.reshape(-1, 1, 1)

tf.keras.utils.set_random_seed(0)
with nengo.Network(seed=0) as net:
    image = nengo.Node([0.0] * 64)
    hidden = CustomLayer(tf.keras.layers.Dense(64))(image)
    rates = CustomLayer(nengo.RectifiedLinear(), ensemble_kwargs={"gain": 1, "bias": 0})(hidden)
    digit = nengo.Probe(CustomLayer(tf.keras.layers.Dense(10))(rates), label="digit")

with Simulator(net, minibatch_size=50, progress_bar=False) as sim:
    sim.compile(
        optimizer=tf.keras.optimizers.Adam(0.003),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    history = sim.fit(
        images[:1000],
        labels[:1000],
        validation_data=(images[1000:1500], labels[1000:1500]),
        epochs=15,
        verbose=0,
    )

plot.history(history)
