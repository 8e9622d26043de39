"""The picture of the guide "From Keras to spikes", made of the same data, seeds and settings."""

import matplotlib.pyplot as plt
import nengo
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nengo_layers_plus import from_keras, nengo_dl

digits = load_digits()
images = (digits.images / 16).astype("float32")[..., None]
train_images, test_images, train_labels, test_labels = train_test_split(
    images, digits.target, test_size=397, stratify=digits.target, random_state=0
)

tf.keras.utils.set_random_seed(0)
model = tf.keras.Sequential(
    [
        tf.keras.Input((8, 8, 1), name="image"),
        tf.keras.layers.Conv2D(8, 3, activation="relu", name="conv1"),
        tf.keras.layers.Conv2D(16, 3, strides=2, activation="relu", name="conv2"),
        tf.keras.layers.Flatten(name="flatten"),
        tf.keras.layers.Dense(10, name="digit"),
    ]
)
loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=tf.keras.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"])
model.fit(train_images, train_labels, batch_size=50, epochs=10, verbose=0)

figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
axes.axhline(
    100 * model.evaluate(test_images, test_labels, verbose=0)[1],
    color="black",
    linestyle="--",
    label="Keras model",
)
for scale in (10, 50, 200, 1000):
    spiking = from_keras(
        model, nengo.SpikingRectifiedLinear(), scale_firing_rates=scale, synapse=0.005
    )
    spiking.net.seed = 0
    with nengo_dl.Simulator(spiking.net, minibatch_size=397, progress_bar=False) as sim:
        data = sim.predict(spiking.present(test_images, n_steps=80), verbose=0)
    right = data[spiking.output].argmax(axis=-1) == test_labels[:, None]
    axes.plot(
        np.arange(1, 81), 100 * right.mean(axis=0), label=f"spikes, scale_firing_rates={scale}"
    )
axes.set(xlabel="time since the image appeared (ms)", ylabel="test digits right (%)", ylim=(0, 100))
axes.legend(loc="center right")
