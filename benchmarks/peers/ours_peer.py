"""Ours: `CustomLayer` and `Simulator`, with the neurons of `benchmarks.peers.neurons`."""

from __future__ import annotations

import contextlib
from functools import partial
from importlib.metadata import version
from typing import Any

import nengo
import numpy as np

import nengo_layers_plus
from benchmarks import device as devices
from benchmarks.peers import neurons
from benchmarks.peers.stored_layers import StoredLayer, keras_layer
from benchmarks.peers.worker import Run, Worker, serve
from nengo_layers_plus import CustomLayer, Simulator, Trainable
from nengo_layers_plus._upstream import tf


class OurWorker(Worker):
    """
    A network of CustomLayers, in our Simulator.

    Layers have biases of their own, as in the other libraries; those of the neurons are 0, and held
    fixed. `Simulator.predict` and `Simulator.fit` are what is timed, with all that they do.
    """

    def __init__(self, device: str, threads: int, equation: str) -> None:
        super().__init__(device, threads, equation)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        devices.choose(device)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self.kept = contextlib.ExitStack()
        self.first: Any = None

    def versions(self) -> dict[str, str]:
        """Return the versions of ours and of what it runs on."""
        names = ("tensorflow", "tf-keras", "nengo", "nengo-dl")
        return {
            "nengo-layers-plus": nengo_layers_plus.__version__,
            **{name: version(name) for name in names},
        }

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run neurons; see `Worker`."""
        batch, _, size = currents.shape
        with nengo.Network(seed=0) as network:
            source = nengo.Node(np.zeros(size))
            population = self._neurons(source)
            probes = [nengo.Probe(population, what) for what in ("output", "voltage")]
        with Simulator(network, minibatch_size=batch, progress_bar=False) as sim:
            found = sim.predict({source: currents}, verbose=0)
        return found[probes[0]], found[probes[1]]

    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        """Build a network; see `Worker`."""
        source, probe, network = self._build(layers, images.shape[2:])
        sim = self._open(network, len(images))
        data = {source: images.reshape(*images.shape[:2], -1)}
        return lambda: sim.predict(data, verbose=0)[probe]

    def fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> Run:
        """Build a network to train it; see `Worker`."""
        source, probe, network = self._build(layers, images.shape[2:])
        sim = self._open(network, minibatch)
        cross_entropy = tf.losses.SparseCategoricalCrossentropy(from_logits=True)

        def loss(wanted: Any, output: Any) -> Any:
            return cross_entropy(wanted[:, 0], tf.reduce_mean(output, axis=1))

        sim.compile(optimizer=tf.optimizers.SGD(learning_rate), loss={probe: loss})
        data = {source: images.reshape(*images.shape[:2], -1)}
        wanted = {probe: labels.reshape(-1, 1, 1)}
        train = partial(sim.fit, data, wanted, shuffle=False, verbose=0)

        def run() -> np.ndarray:
            losses = train().history["loss"]
            sim.keras_model.trainable_weights[-1].numpy()  # the last update as well
            return np.array(losses)

        return run

    def to_common(self, output: np.ndarray) -> np.ndarray:
        """Return the output, which is (batch, time, size) already."""
        return output

    def first_kernel(self) -> np.ndarray:
        """Return the first weights; see `Worker`."""
        return self.first.get_weights()[0]

    def close(self) -> None:
        """Close the Simulator."""
        self.kept.close()
        self.first = None
        tf.keras.backend.clear_session()

    def _neurons(self, source: Any) -> Any:
        layer = CustomLayer(
            neurons.make(self.equation),
            ensemble_kwargs={"gain": 1, "bias": 0},
            trainable=Trainable(bias=False),
        )
        return layer(source)

    def _build(self, layers: list[StoredLayer], shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
        with nengo.Network(seed=0) as network:
            source = values = nengo.Node(np.zeros(int(np.prod(shape))))
            for stored in layers:
                layer = keras_layer(tf.keras, stored)
                if not stored.is_convolution:
                    shape = (int(np.prod(shape)),)
                if values is source:
                    self.first = layer
                else:
                    values = self._neurons(values)
                values = CustomLayer(layer)(values, shape_in=shape)
                shape = tuple(layer.compute_output_shape((None, *shape)))[1:]
            probe = nengo.Probe(values)
        return source, probe, network

    def _open(self, network: nengo.Network, minibatch: int) -> Simulator:
        sim = Simulator(network, minibatch_size=minibatch, seed=0, progress_bar=False)
        self.kept.enter_context(sim)
        return sim


if __name__ == "__main__":
    serve(OurWorker)
