"""What libraries do side by side: networks, those of `benchmarks.networks`, in use at some size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.networks import (
    BIAS,
    IMAGE_SHAPE,
    LIF,
    VECTOR_SHAPE,
    convolutional_layers,
    dense_layers,
)
from benchmarks.peers import definitions
from benchmarks.peers.definitions import StoredLayer
from nengo_layers_plus._upstream import tf

# by name: a function that returns the layers, and the shape of an image
NETWORKS = {
    "dense": (dense_layers, VECTOR_SHAPE),
    "convolutional": (convolutional_layers, IMAGE_SHAPE),
}

# samples at once, and steps
SIZES = {
    ("dense", "predict"): ((1, 50), (32, 50), (256, 25)),
    ("dense", "fit"): ((1, 50), (32, 50), (256, 25)),
    ("convolutional", "predict"): ((1, 50), (32, 50), (256, 25)),
    # Gradients need all values of all steps.
    ("convolutional", "fit"): ((1, 50), (32, 25)),
}

QUICK_SIZES = {
    ("dense", "predict"): ((1, 50), (32, 50)),
    ("dense", "fit"): ((32, 50),),
    ("convolutional", "predict"): ((4, 20),),
    ("convolutional", "fit"): ((4, 20),),
}

FIT_BATCHES = 4  # minibatches of one timed training: one step of training for each
_FULL_RATE = 1 / LIF.amplitude  # Hz, where neurons of the benchmarks put out 1


@dataclass(frozen=True)
class PeerCase:
    """A network in use at one size, for all libraries that have its neurons."""

    equation: str  # of the neurons
    network: str  # of `NETWORKS`
    use: str  # "predict", forward only, or "fit", steps of training
    minibatch: int
    n_steps: int

    @property
    def members(self) -> tuple[str, ...]:
        """The libraries, and ours."""
        return definitions.MEMBERS[self.equation]

    @property
    def batches(self) -> int:
        """The number of minibatches of a timed call."""
        return FIT_BATCHES if self.use == "fit" else 1

    @property
    def samples_steps(self) -> int:
        """Samples times steps of a timed call."""
        return self.minibatch * self.n_steps * self.batches

    def __str__(self) -> str:
        return f"{self.equation}-{self.network}-{self.use}-{self.minibatch}x{self.n_steps}"


def peer_cases(quick: bool) -> list[PeerCase]:
    """Return all cases, or those of the quick run."""
    return [
        PeerCase(equation, network, use, *size)
        for equation in (definitions.LIF, definitions.RECTIFIED)
        for (network, use), sizes in (QUICK_SIZES if quick else SIZES).items()
        for size in sizes
    ]


def make_layers(name: str, equation: str) -> list[StoredLayer]:
    """Return the layers of a network, with weights scaled so that its neurons fire moderately."""
    build_layers, shape = NETWORKS[name]
    if equation == definitions.LIF:  # spikes are 1, currents near 1
        per_output, per_current = 1 / (_FULL_RATE * definitions.DT), 1.0
    else:  # both are in Hz; as rates have no bound, each layer would make them larger
        per_output, per_current = 1 / _FULL_RATE, _FULL_RATE / 2
    layers = build_layers()
    stored = []
    for number, layer in enumerate(layers):
        is_last = layer is layers[-1]
        is_convolution = isinstance(layer, tf.keras.layers.Conv2D)
        image_shape = shape if not is_convolution and len(shape) > 1 else ()
        if image_shape:
            shape = (int(np.prod(shape)),)
        layer.build((None, *shape))
        scale = (per_output if number else 1.0) * (1.0 if is_last else per_current)
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
    """Return noise from 0 to 1 for a network, of shape (n_samples, n_steps, ...)."""
    shape = NETWORKS[name][1]
    return np.random.RandomState(0).uniform(size=(n_samples, n_steps, *shape)).astype(np.float32)


def make_labels(n_samples: int) -> np.ndarray:
    """Return the index of an output for each sample, of 64 bits as torch wants it."""
    return np.random.RandomState(1).randint(0, 10, n_samples).astype(np.int64)
