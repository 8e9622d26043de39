"""Functions in single precision, for kernels that XLA compiles for a CPU."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf

_LOG2_E = 1.4426950408889634
# log(2) in two parts, the first of few enough bits to be multiplied exactly; Cody & Waite (1980),
# Software manual for the elementary functions, Prentice-Hall.
_LOG2_HIGH, _LOG2_LOW = 0.693359375, -2.12194440e-4
# Beyond, the result is -1 or infinite.
_LOWEST, _HIGHEST = -87.0, 89.0
_COEFFICIENTS = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2)


def expm1(x: Any) -> Any:
    """Return ``exp(x) - 1``, to rounding.

    XLA computes it in two ways, and takes one; most of the time of a step of LIF neurons goes
    there. Here it is ``2^n expm1(r) + 2^n - 1`` with ``x = n log(2) + r`` and a polynomial.

    Parameters
    ----------
    x : tf.Tensor
        Of type float32.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def compute(x: Any) -> Any:
        inside = tf.clip_by_value(x, _LOWEST, _HIGHEST)
        n = tf.round(inside * _LOG2_E)
        r = inside - n * _LOG2_HIGH - n * _LOG2_LOW
        total = r * _COEFFICIENTS[0] + _COEFFICIENTS[1]
        for each in _COEFFICIENTS[2:]:
            total = total * r + each
        change = total * r * r + r
        power = tf.bitcast(tf.bitwise.left_shift(tf.cast(n, tf.int32) + 127, 23), x.dtype)
        result = power * change + (power - 1)

        def gradient(upstream: Any) -> Any:
            return upstream * (result + 1)

        return result, gradient

    return compute(x)
