"""Layers with their weights, as they pass from one library to another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """
    A layer: a convolution without padding if its kernel has four axes, else a dense one.

    Parameters
    ----------
    kernel : ndarray of shape (height, width, channels in, channels out) or (size in, size out)
        Its weights.
    bias : ndarray of shape (channels out,) or (size out,)
        Its bias.
    strides : int
        Those of a convolution.
    image_shape : tuple of int
        If what a dense layer takes is an image, its shape (height, width, channels).
    """

    kernel: np.ndarray
    bias: np.ndarray
    strides: int = 1
    image_shape: tuple[int, ...] = ()

    @property
    def is_convolution(self) -> bool:
        """Whether it is one."""
        return self.kernel.ndim == 4


def save(path: Path, layers: list[StoredLayer]) -> None:
    """Write layers to a file."""
    arrays = {}
    for number, layer in enumerate(layers):
        arrays[f"kernel_{number}"] = layer.kernel
        arrays[f"bias_{number}"] = layer.bias
        arrays[f"strides_{number}"] = np.array(layer.strides)
        arrays[f"image_shape_{number}"] = np.array(layer.image_shape, dtype=int)
    np.savez(path, **arrays)


def load(path: Path) -> list[StoredLayer]:
    """Read layers from a file."""
    with np.load(path) as stored:
        return [
            StoredLayer(
                stored[f"kernel_{number}"],
                stored[f"bias_{number}"],
                int(stored[f"strides_{number}"]),
                tuple(stored[f"image_shape_{number}"].tolist()),
            )
            for number in range(len(stored.files) // 4)
        ]


def keras_layer(keras: Any, layer: StoredLayer) -> Any:
    """
    Make a Keras layer that begins with the weights of a stored one.

    Parameters
    ----------
    keras : module
        The Keras of who asks: each library has its own.
    layer : StoredLayer
        The stored layer.
    """
    start = {
        "kernel_initializer": keras.initializers.Constant(layer.kernel),
        "bias_initializer": keras.initializers.Constant(layer.bias),
    }
    *size, _, n_outputs = layer.kernel.shape
    if layer.is_convolution:
        return keras.layers.Conv2D(n_outputs, size, layer.strides, **start)
    return keras.layers.Dense(n_outputs, **start)
