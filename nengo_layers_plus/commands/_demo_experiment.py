"""Trains a network of the demo with rate neurons, and runs it with spiking ones."""

from __future__ import annotations

import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.commands._demo_digits import Digits, shift_at_random
from nengo_layers_plus.commands._demo_networks import RATE_PER_UNIT, DigitNetwork, NetworkBuilder

DT = 0.001  # s
N_STEPS = 40  # of DT
MINIBATCH = 50  # images
LEARNING_RATE = 0.004  # at first; it falls to 0 along a cosine

Advance = Callable[[], None]
"""Called whenever a part of the work is done."""


@dataclass(frozen=True, eq=False)
class Training:
    """
    What came of training.

    Parameters
    ----------
    weights : list of ndarray
        All parameters, in the order of the Simulator's Keras model.
    accuracy : float
        Share of the test images that are read right, 0 to 1.
    duration : float
        Of all epochs, in seconds.
    images_per_second : float
        In the median epoch.
    """

    weights: list[NDArray[np.float32]]
    accuracy: float
    duration: float
    images_per_second: float


@dataclass(frozen=True, eq=False)
class Spiking:
    """
    What spiking neurons did with the test images.

    Parameters
    ----------
    read : ndarray of shape (n_images, n_steps)
        The digit that was read, after each step.
    accuracy : ndarray of shape (n_steps,)
        Share of images that are read right after each step, 0 to 1.
    rates : dict of ndarray of shape (n_neurons,)
        Mean firing rate (Hz) of each neuron, by layer.
    spikes : dict of ndarray of shape (n_steps, n_neurons)
        Number of spikes while the first image is shown, by layer.
    images_per_second : float
        In the median minibatch.
    """

    read: NDArray[np.int64]
    accuracy: NDArray[np.float64]
    rates: Mapping[str, NDArray[np.float64]]
    spikes: Mapping[str, NDArray[np.int64]]
    images_per_second: float

    @property
    def mean_rate(self) -> float:
        """Mean firing rate (Hz) over all neurons."""
        return float(np.concatenate(list(self.rates.values())).mean())


@dataclass(frozen=True, eq=False)
class Outcome:
    """
    How one of the networks did.

    Parameters
    ----------
    name : str
        Of the layers that it is made with.
    network : DigitNetwork
        The spiking network, as it was built.
    training : Training
        Of the same network with rate neurons.
    spiking : Spiking
        What it did with the test images.
    """

    name: str
    network: DigitNetwork
    training: Training
    spiking: Spiking


def n_advances(digits: Digits, epochs: int) -> int:
    """Return how often `experiment` calls ``advance``."""
    return epochs + sum(1 for _ in _minibatches(digits.test_images))


def experiment(
    name: str, build: NetworkBuilder, digits: Digits, *, epochs: int, seed: int, advance: Advance
) -> Outcome:
    """
    Train a network with rate neurons, then run it with spiking ones.

    Parameters
    ----------
    name : str
        Of the layers that it is made with.
    build : callable
        Builds the network.
    digits : Digits
        The number of images to learn from must be a multiple of `MINIBATCH`.
    epochs : int
        How often each image is shown, shifted at random each time.
    seed : int
        Of all that is random, from the initial weights to the shifts.
    advance : callable
        Called after each epoch, and after each minibatch of spiking.
    """
    tf.keras.utils.set_random_seed(seed)
    training = _train(build(seed, False), digits, epochs, seed, advance)
    network = build(seed, True)
    return Outcome(name, network, training, _spike(network, training, digits, seed, advance))


def _train(
    network: DigitNetwork, digits: Digits, epochs: int, seed: int, advance: Advance
) -> Training:
    """Train a network of rate neurons, in a single step of simulated time."""
    generator = np.random.default_rng(seed)
    labels = digits.train_labels[:, None, None]
    schedule = tf.keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE, decay_steps=epochs * len(labels) // MINIBATCH
    )
    loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    durations = []
    with _simulator(network, seed) as sim:
        sim.compile(optimizer=tf.keras.optimizers.Adam(schedule), loss={network.output: loss})
        for _ in range(epochs):
            images = _present(shift_at_random(digits.train_images, generator), n_steps=1)
            start = time.perf_counter()
            sim.fit(images, {network.output: labels}, verbose=0)
            durations.append(time.perf_counter() - start)
            advance()
        evidence = [
            sim.predict_on_batch(_present(images, n_steps=1))[network.output][:n_images, -1]
            for images, n_images in _minibatches(digits.test_images)
        ]
        weights = sim.keras_model.get_weights()
    read = np.concatenate(evidence).argmax(axis=-1)
    return Training(
        weights,
        accuracy=float(np.mean(read == digits.test_labels)),
        duration=sum(durations),
        images_per_second=len(labels) / float(np.median(durations)),
    )


def _spike(
    network: DigitNetwork, training: Training, digits: Digits, seed: int, advance: Advance
) -> Spiking:
    """Run a network of spiking neurons with what rate neurons have learned."""
    spikes_per_output = RATE_PER_UNIT * DT
    evidence = []
    durations = []
    spikes: dict[str, NDArray[np.int64]] = {}
    rates: defaultdict[str, Any] = defaultdict(float)
    with _simulator(network, seed) as sim:
        sim.keras_model.set_weights(training.weights)
        for images, n_images in _minibatches(digits.test_images):
            start = time.perf_counter()
            outputs = sim.predict_on_batch(_present(images, N_STEPS))
            durations.append(time.perf_counter() - start)
            evidence.append(outputs[network.output][:n_images])
            for name, probe in network.activity.items():
                counts = np.rint(outputs[probe][:n_images] * spikes_per_output).astype(np.int64)
                spikes.setdefault(name, counts[0])
                rates[name] += counts.sum(axis=(0, 1)) / (len(digits.test_images) * N_STEPS * DT)
            advance()
    read = np.concatenate(evidence).argmax(axis=-1)
    return Spiking(
        read,
        accuracy=np.mean(read == digits.test_labels[:, None], axis=0),
        rates=dict(rates),
        spikes=spikes,
        images_per_second=MINIBATCH / float(np.median(durations)),
    )


def _simulator(network: DigitNetwork, seed: int) -> nengo_dl.Simulator:
    with warnings.catch_warnings():
        # The demo is made for machines without one.
        warnings.filterwarnings("ignore", "No GPU support detected", UserWarning)
        return nengo_dl.Simulator(
            network.network, dt=DT, minibatch_size=MINIBATCH, seed=seed, progress_bar=False
        )


def _present(images: NDArray[np.float32], n_steps: int) -> NDArray[np.float32]:
    """Show each image for some steps; returns an array of shape ``(n_images, n_steps, 64)``."""
    return np.tile(images.reshape(len(images), 1, -1), (1, n_steps, 1))


def _minibatches(images: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield minibatches, the last filled up with blank images, and how many images are real."""
    for start in range(0, len(images), MINIBATCH):
        batch = images[start : start + MINIBATCH]
        filler = np.zeros((MINIBATCH - len(batch), *batch.shape[1:]), batch.dtype)
        yield np.concatenate([batch, filler]), len(batch)
