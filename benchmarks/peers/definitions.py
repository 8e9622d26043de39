"""What all libraries compute: the equations of neurons, and layers with their weights.

This is imported in the environments of the libraries, hence it needs nothing but NumPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

DT = 0.001  # length of a step (s), where a library has time in seconds
TAU = 20.0  # membrane time constant of "lif", in steps
STEEPNESS = 1.0  # of the surrogate of "lif": its slope is 1 / (1 + steepness |v - 1|)**2

LIF = "lif"
r"""Leaky neurons that a spike sets back to 0, as libraries for surrogate gradients have them:

.. math::

    h_t = v_{t - 1} + (J_t - v_{t - 1}) / \tau, \quad z_t = [h_t > 1], \quad v_t = h_t (1 - z_t)

The output is :math:`z`. Gradients pass through :math:`z` by the surrogate and through time by
:math:`v`, but not through what :math:`z` does to :math:`v`.
"""

RECTIFIED = "rectified"
r"""Neurons that fire at a rate of :math:`r = \max(J, 0)`, in Hz, several times a step if need be:

.. math::

    h_t = v_{t - 1} + r_t \Delta t, \quad n_t = \lfloor h_t \rfloor, \quad v_t = h_t - n_t

The output is :math:`n / \Delta t`. Its gradient is that of :math:`r`, and none passes through time.
"""

# who has which neurons
MEMBERS = {
    LIF: ("ours", "snntorch", "spikingjelly", "norse"),
    RECTIFIED: ("ours", "keras-spiking"),
}


@dataclass(frozen=True, eq=False)
class StoredLayer:
    """A layer: a convolution without padding if its kernel has four axes, else a dense one."""

    kernel: np.ndarray  # (height, width, channels in, channels out) or (size in, size out)
    bias: np.ndarray
    strides: int = 1  # of a convolution
    image_shape: tuple[int, ...] = ()  # of what a dense layer takes, if that is an image

    @property
    def is_convolution(self) -> bool:
        """Whether it is a convolution."""
        return self.kernel.ndim == 4

    def in_keras(self, keras: Any) -> Any:
        """Return a layer with these weights, of the Keras of the library that asks."""
        start = {
            "kernel_initializer": keras.initializers.Constant(self.kernel),
            "bias_initializer": keras.initializers.Constant(self.bias),
        }
        *size, _, n_outputs = self.kernel.shape
        if self.is_convolution:
            return keras.layers.Conv2D(n_outputs, size, self.strides, **start)
        return keras.layers.Dense(n_outputs, **start)
