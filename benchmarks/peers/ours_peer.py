"""Ours: `CustomLayer` and `Simulator`, with the neurons of other libraries as models of ours."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, ClassVar

import nengo
import numpy as np

import nengo_layers_plus
from benchmarks import machine
from benchmarks.peers import definitions
from benchmarks.peers.definitions import StoredLayer
from benchmarks.peers.worker import Run, Worker, serve
from nengo_layers_plus import (
    CustomLayer,
    NeuronModel,
    NeuronParameter,
    Simulator,
    Surrogate,
    Trainable,
    surrogate,
)
from nengo_layers_plus._upstream import tf


class EulerLIF(NeuronModel):
    """Leaky neurons as of `definitions.LIF`: integrated by Euler's method, spikes of height 1."""

    state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012 - nengo asks for a dict
    parameters: ClassVar[Mapping[str, NeuronParameter]] = {
        "tau": NeuronParameter(definitions.TAU, positive=True)
    }
    spiking = True
    negative = False

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any, tau: Any) -> Any:
        """Return the spikes and the voltage."""
        voltage = voltage + (current - voltage) / tau
        spikes = xp.spike(voltage - 1)
        return spikes, {"voltage": voltage * (1 - xp.reset(spikes))}


class AwareRectified(NeuronModel):
    """
    Neurons as of `definitions.RECTIFIED`: spikes forwards, the slope of the rate backwards.

    They are declared not to spike, so that gradients are those of `dynamics`. ``xp.reset`` keeps a
    value and takes its gradient away.
    """

    state = {"voltage": nengo.dists.Choice([0])}  # noqa: RUF012
    negative = False

    def dynamics(self, xp: Any, dt: float, current: Any, voltage: Any) -> Any:
        """Return the spikes, with the gradient of the rate, and the voltage."""
        rate = xp.maximum(current, 0.0)
        still = xp.reset(rate)
        voltage = voltage + still * dt
        spikes = xp.reset(xp.spike_count(voltage))
        return spikes / dt + (rate - still), {"voltage": voltage - spikes}


class OurWorker(Worker):
    """
    CustomLayers in our Simulator, of which `predict` and `fit` are timed.

    Biases are those of the layers, as in the other libraries; those of the neurons are fixed at 0.
    """

    def __init__(self, device: str, threads: int, equation: str) -> None:
        super().__init__(device, threads, equation)
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        machine.choose_device(device)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self.kept = contextlib.ExitStack()
        self.first: Any = None

    def versions(self) -> dict[str, str]:
        versions = {"nengo-layers-plus": nengo_layers_plus.__version__}
        names = ("tensorflow", "tf-keras", "nengo", "nengo-dl")
        return versions | {name: version(name) for name in names}

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        batch, _, size = currents.shape
        with nengo.Network(seed=0) as network:
            source = nengo.Node(np.zeros(size))
            population = self._neurons(source)
            probes = [nengo.Probe(population, name) for name in ("output", "voltage")]
        with Simulator(network, minibatch_size=batch, progress_bar=False) as sim:
            outputs = sim.predict({source: currents}, verbose=0)
        return outputs[probes[0]], outputs[probes[1]]

    def make_predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        source, probe, network = self._build(layers, images.shape[2:])
        sim = self._open(network, len(images))
        data = {source: images.reshape(*images.shape[:2], -1)}
        return lambda: sim.predict(data, verbose=0)[probe]

    def make_fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> Run:
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

    def first_kernel(self) -> np.ndarray:
        return self.first.get_weights()[0]

    def clear(self) -> None:
        self.kept.close()
        self.first = None
        tf.keras.backend.clear_session()

    def _neurons(self, source: Any) -> Any:
        euler = Surrogate(EulerLIF(), surrogate.fast_sigmoid(definitions.STEEPNESS))
        layer = CustomLayer(
            euler if self.equation == definitions.LIF else AwareRectified(),
            ensemble_kwargs={"gain": 1, "bias": 0},
            trainable=Trainable(bias=False),
        )
        return layer(source)

    def _build(self, layers: list[StoredLayer], shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
        with nengo.Network(seed=0) as network:
            source = values = nengo.Node(np.zeros(int(np.prod(shape))))
            for stored in layers:
                layer = stored.in_keras(tf.keras)
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
    serve({"ours": OurWorker})
