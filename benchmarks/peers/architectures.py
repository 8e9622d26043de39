"""The networks that all libraries build: those of `benchmarks.networks`, as stored layers."""

from __future__ import annotations

import numpy as np

from benchmarks.networks import (
    BIAS,
    IMAGE_SHAPE,
    LIF,
    VECTOR_SHAPE,
    convolutional_layers,
    dense_layers,
)
from benchmarks.peers import equations
from benchmarks.peers.stored_layers import StoredLayer
from nengo_layers_plus._upstream import tf

ARCHITECTURES = {
    "dense": (dense_layers, VECTOR_SHAPE),
    "convolutional": (convolutional_layers, IMAGE_SHAPE),
}
"""By name: what returns the layers, and the shape of an image."""

_FULL_RATE = 1 / LIF.amplitude  # Hz, where neurons of the benchmarks put out 1


def make(name: str, equation: str) -> list[StoredLayer]:
    """
    Return the layers of a network, with weights with which its neurons fire moderately.

    Parameters
    ----------
    name : {"dense", "convolutional"}
        Of `ARCHITECTURES`.
    equation : str
        Of the neurons: one of `equations`. Weights are scaled to what they put out.
    """
    make_layers, shape = ARCHITECTURES[name]
    if equation == equations.LIF:  # spikes are 1, currents near 1
        per_output, per_current = 1 / (_FULL_RATE * equations.DT), 1.0
    else:  # both are in Hz; as rates have no bound, each layer would make them larger
        per_output, per_current = 1 / _FULL_RATE, _FULL_RATE / 2
    layers = make_layers()
    stored = []
    for number, layer in enumerate(layers):
        is_first, is_last = number == 0, layer is layers[-1]
        is_convolution = isinstance(layer, tf.keras.layers.Conv2D)
        image_shape = shape if not is_convolution and len(shape) > 1 else ()
        if image_shape:
            shape = (int(np.prod(shape)),)
        layer.build((None, *shape))
        scale = (1.0 if is_first else per_output) * (1.0 if is_last else per_current)
        kernel, bias = layer.get_weights()
        stored.append(
            StoredLayer(
                kernel * np.float32(scale),
                bias + np.float32(0 if is_last else BIAS * per_current),
                layer.strides[0] if is_convolution else 1,
                image_shape,
            )
        )
        shape = tuple(layer.compute_output_shape((None, *shape)))[1:]
    return stored


def make_images(name: str, n_samples: int, n_steps: int) -> np.ndarray:
    """
    Return images of noise from 0 to 1, another one in each step.

    None stands still, hence no library computes the first layer only once.

    Parameters
    ----------
    name : {"dense", "convolutional"}
        Of `ARCHITECTURES`.
    n_samples, n_steps : int
        How many.

    Returns
    -------
    images : ndarray of shape (n_samples, n_steps, ...)
    """
    shape = ARCHITECTURES[name][1]
    return np.random.RandomState(0).uniform(size=(n_samples, n_steps, *shape)).astype(np.float32)


def make_labels(n_samples: int) -> np.ndarray:
    """Return the index of an output for each sample, of 64 bits as torch wants it."""
    return np.random.RandomState(1).randint(0, 10, n_samples).astype(np.int64)
