"""The same layers in plain tf.keras: what a simulator can be measured against."""

from __future__ import annotations

import math
import timeit
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from benchmarks.networks import BIAS, GAIN, LIF
from nengo_layers_plus._upstream import tf

# images at once; for many, the outputs of convolutions are larger than the caches
BATCHES = (64, 256, 1024, 4096)
TRIALS = 3
SLOWER = 1.2  # where a batch takes so many times as long as the best, larger ones are not tried


def bare(
    keras_layers: Sequence[tf.keras.layers.Layer], shape: tuple[int, ...], images: Any
) -> Callable[[], np.ndarray]:
    """
    Return a function that applies the layers to every step, in the fastest of several batches.

    Images and the output are of shape (batch, time, size); time is folded into the batch.
    """
    model = tf.keras.Sequential([tf.keras.Input(shape), *_flattened(keras_layers)])
    folded = images.reshape(-1, *shape)
    call = tf.function(model, reduce_retracing=True)

    def run_with(batch: int) -> np.ndarray:
        parts = np.array_split(folded, -(-len(folded) // batch))
        outputs = np.concatenate([call(tf.constant(part)).numpy() for part in parts])
        return outputs.reshape(*images.shape[:2], -1)

    return partial(run_with, _fastest(run_with, len(folded)))


def _fastest(run_with: Callable[[int], Any], n_images: int) -> int:
    """Return the batch with which it is fastest; larger ones are not tried once it gets slower."""
    best, least = n_images, math.inf
    for batch in (*(size for size in BATCHES if size < n_images), n_images):
        run_with(batch)  # traces
        seconds = min(timeit.repeat(partial(run_with, batch), number=1, repeat=TRIALS))
        if seconds > SLOWER * least:
            break
        if seconds < least:
            best, least = batch, seconds
    return best


def rate_model(
    keras_layers: Sequence[tf.keras.layers.Layer], shape: tuple[int, ...]
) -> tf.keras.Model:
    """Return what `nengo_dl` trains: the layers, and between them rates of LIF neurons."""
    first, *others = keras_layers
    layers = [first]
    for layer in others:
        layers += [RateNeurons(), layer]
    return tf.keras.Sequential([tf.keras.Input(shape), *_flattened(layers)])


class RateNeurons(tf.keras.layers.Layer):
    """Firing rates of LIF neurons, with a bias for each of them, as in an Ensemble."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the biases."""
        self.bias = self.add_weight(
            "bias", input_shape[1:], initializer=tf.keras.initializers.Constant(BIAS)
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the rates, times the amplitude."""
        above = inputs * GAIN + self.bias - 1
        period = LIF.tau_ref + LIF.tau_rc * tf.math.log1p(1 / tf.maximum(above, 1e-15))
        return tf.where(above > 0, LIF.amplitude / period, tf.zeros_like(above))


def _flattened(layers: Sequence[tf.keras.layers.Layer]) -> list[tf.keras.layers.Layer]:
    """Put a Flatten before the last layer, which is dense."""
    return [*layers[:-1], tf.keras.layers.Flatten(), layers[-1]]
