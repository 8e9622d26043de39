"""A loss for firing rates."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._declared import as_number, as_range, as_text
from nengo_layers_plus._upstream import tf


class RateLoss(tf.keras.losses.Loss):
    r"""
    How far neurons are from the firing rates that are wanted.

    .. math:: w \cdot \frac{1}{n} \sum_{i=1}^n \left(\max(0, l - r_i) + \max(0, r_i - h)\right)^2

    for the mean rates :math:`r_i` (Hz) of n neurons, the lowest and highest welcome rate l and h,
    and the weight w.

    Parameters
    ----------
    low, high : float
        The lowest and highest rate (Hz) that is welcome.
    amplitude : float
        Of the neurons: what 1 Hz counts for in their output.
    weight : float
        Weight of the loss.

    Examples
    --------
    >>> import numpy as np
    >>> from nengo_layers_plus.layers import RateLoss
    >>> loss = RateLoss(10, 20, amplitude=0.5, weight=0.1)
    >>> output = np.array([[[3.0, 8.0, 15.0]]])  # 6, 16 and 30 Hz
    >>> round(float(loss(np.zeros((1, 1, 1)), output)), 3)
    3.867
    """

    def __init__(
        self,
        low: float,
        high: float,
        amplitude: float = 1.0,
        weight: float = 1.0,
        name: str = "rate_loss",
        **kwargs: Any,
    ) -> None:
        super().__init__(name=as_text(name, "name", type(self)), **kwargs)
        self.low, self.high = as_range((low, high), "low, high", self)
        self.amplitude = as_number(amplitude, "amplitude", self, above=0)
        self.weight = as_number(weight, "weight", self, low=0)

    def call(self, y_true: Any, y_pred: tf.Tensor) -> tf.Tensor:
        """
        Return the loss.

        Parameters
        ----------
        y_true : tf.Tensor
            Is not read.
        y_pred : tf.Tensor
            What the neurons put out, of shape ``(batch, time, n_neurons)``.
        """
        rates = tf.reduce_mean(y_pred, axis=(0, 1)) / self.amplitude
        distance = tf.nn.relu(self.low - rates) + tf.nn.relu(rates - self.high)
        return self.weight * tf.reduce_mean(distance**2)

    def get_config(self) -> dict[str, Any]:
        """Return what is needed to make a copy."""
        own = {name: getattr(self, name) for name in ("low", "high", "amplitude", "weight")}
        return {**super().get_config(), **own}
