"""The namespaces that dynamics of neurons are written with: mathematics, and spikes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._declared import NumPyNamespace, TensorFlowNamespace
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.surrogate import SurrogateFunction


class NumPyNeurons(NumPyNamespace):
    """
    Mathematics and spikes in NumPy.

    Parameters
    ----------
    dtype : str or np.dtype
        The data type.
    smooth : SurrogateFunction, optional
        A surrogate whose primitive replaces spikes, to check gradients.
    """

    def __init__(self, dtype: Any = np.float64, smooth: SurrogateFunction | None = None) -> None:
        super().__init__(dtype)
        self.smooth = smooth

    def spike(self, x: Any, inclusive: bool = False) -> Any:
        """Return 1 where neurons fire and 0 elsewhere; see `TensorFlowNeurons.spike`."""
        x = np.asarray(x, dtype=self.dtype)
        if self.smooth is not None:
            return self.smooth.primitive(x)
        return (x >= 0 if inclusive else x > 0).astype(self.dtype)

    def spike_count(self, x: Any) -> Any:
        """Return the number of spikes; see `TensorFlowNeurons.spike_count`."""
        x = np.asarray(x, dtype=self.dtype)
        if self.smooth is not None:
            nearest = np.maximum(np.round(x), 1)
            return nearest - 1 + self.smooth.primitive(x - nearest)
        return np.floor(x)

    def reset(self, spikes: Any) -> Any:
        """Return spikes for the update of the state; see `TensorFlowNeurons.reset`."""
        return spikes


class TensorFlowNeurons(TensorFlowNamespace):
    """
    Mathematics and spikes in TensorFlow.

    Parameters
    ----------
    dtype : str or tf.DType
        The data type.
    function : SurrogateFunction, optional
        The surrogate of spikes; without one they have no gradient.
    through_reset : bool
        Whether gradients pass through the effect of spikes on the state.
    smooth : bool
        Whether its primitive replaces spikes, to check gradients.
    for_kernel : bool
        Whether XLA compiles the code for a CPU.
    """

    def __init__(
        self,
        dtype: Any,
        function: SurrogateFunction | None = None,
        through_reset: bool = False,
        smooth: bool = False,
        for_kernel: bool = False,
    ) -> None:
        super().__init__(dtype, for_kernel)
        self.surrogate = function
        self.through_reset = through_reset
        self.smooth = smooth

    def spike(self, x: Any, inclusive: bool = False) -> Any:
        """
        Return 1 where neurons fire and 0 elsewhere, in the data type of the namespace.

        Parameters
        ----------
        x : array
            The distance of the membrane from the threshold: neurons fire where it is above 0.
        inclusive : bool
            Whether they also fire where it is 0.
        """
        x = self._array(x)
        return self._with_gradient(x, tf.cast(x >= 0 if inclusive else x > 0, self.dtype), x)

    def spike_count(self, x: Any) -> Any:
        """
        Return the number of spikes in a step, ``floor(x)``, of neurons that may fire repeatedly.

        Parameters
        ----------
        x : array
            The membrane in units of the threshold. The gradient is that of a spike at the nearest
            of the thresholds 1, 2, ...
        """
        x = self._array(x)
        nearest = tf.maximum(tf.round(x), 1)
        return self._with_gradient(x, tf.floor(x), x - nearest, nearest - 1)

    def reset(self, spikes: Any) -> Any:
        """
        Return spikes for the update of the state.

        The values are the same. Gradients pass through them only with a `.Surrogate` whose
        ``through_reset`` is True.

        Parameters
        ----------
        spikes : array
            The result of `spike`.
        """
        return spikes if self.through_reset else tf.stop_gradient(spikes)

    def _with_gradient(self, x: Any, spikes: Any, distance: Any, before: Any = 0) -> Any:
        function = self.surrogate
        if function is None:
            return tf.stop_gradient(spikes)
        if self.smooth:
            return tf.stop_gradient(self._array(before)) + function.primitive(
                x - tf.stop_gradient(x - distance)
            )

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def fire(_: Any) -> Any:
            def gradient(upstream: Any) -> Any:
                return upstream * function.slope(distance)

            return spikes, gradient

        return fire(x)
