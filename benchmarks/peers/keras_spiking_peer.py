"""KerasSpiking: `SpikingActivation("relu")`, on tf.keras.

Its voltages begin at 0, and not at random numbers. It trains as by default: spikes forwards, the
slope of the rate backwards. Convolutions take all steps at once, by ``TimeDistributed``.
"""

from __future__ import annotations

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # before TensorFlow is imported

from importlib.metadata import version

import keras_spiking
import numpy as np
import tensorflow as tf

from benchmarks.peers.definitions import DT, StoredLayer
from benchmarks.peers.worker import Run, Worker, serve


class KerasSpikingWorker(Worker):
    """`SpikingActivation` between layers of Keras, without the overhead of `predict` and `fit`."""

    def __init__(self, device: str, threads: int, equation: str) -> None:
        super().__init__(device, threads, equation)
        self.model: tf.keras.Model | None = None
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        gpus = tf.config.list_physical_devices("GPU")
        if device == "gpu" and not gpus:
            raise RuntimeError(f"TensorFlow {tf.__version__} sees no GPU")

    def versions(self) -> dict[str, str]:
        return {name: version(name) for name in ("keras-spiking", "tensorflow", "tf-keras")}

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        neurons = _neurons(return_state=True)
        voltage = tf.zeros_like(currents[:, 0])
        outputs, voltages = [], []
        for step in range(currents.shape[1]):
            output, voltage = neurons(currents[:, step : step + 1], initial_state=[voltage])
            outputs.append(output[:, 0])
            voltages.append(voltage)
        return np.stack(outputs, axis=1), np.stack(voltages, axis=1)

    def make_predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        self.model = model = _model(layers, images.shape)
        return lambda: model.predict_on_batch(images)

    def make_fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> Run:
        self.model = model = _model(layers, images.shape)
        cross_entropy = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(
            optimizer=tf.optimizers.SGD(learning_rate),
            loss=lambda wanted, output: cross_entropy(wanted, tf.reduce_mean(output, axis=1)),
        )
        starts = range(0, len(images), minibatch)
        batches = [(images[i : i + minibatch], labels[i : i + minibatch]) for i in starts]

        def run() -> np.ndarray:
            losses = [model.train_on_batch(*batch) for batch in batches]
            model.trainable_weights[-1].numpy()  # the last update as well
            return np.mean(losses, keepdims=True)

        return run

    def first_kernel(self) -> np.ndarray:
        assert self.model is not None
        return self.model.trainable_weights[0].numpy()

    def clear(self) -> None:
        self.model = None
        tf.keras.backend.clear_session()


def _model(layers: list[StoredLayer], shape: tuple[int, ...]) -> tf.keras.Model:
    source = values = tf.keras.Input(shape[1:])
    for number, layer in enumerate(layers):
        if number > 0:
            voltages = tf.zeros_like(values[:, 0])
            values = _neurons()(values, initial_state=[voltages])
        if layer.image_shape:
            values = tf.keras.layers.TimeDistributed(tf.keras.layers.Flatten())(values)
        values = tf.keras.layers.TimeDistributed(layer.in_keras(tf.keras))(values)
    return tf.keras.Model(source, values)


def _neurons(**kwargs: object) -> keras_spiking.SpikingActivation:
    return keras_spiking.SpikingActivation("relu", dt=DT, **kwargs)


if __name__ == "__main__":
    serve({"keras-spiking": KerasSpikingWorker})
