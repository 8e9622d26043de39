"""Mathematics that reads the same for NumPy arrays and TensorFlow tensors."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared._arguments import array_of
from nengo_layers_plus._upstream import tf

# Of expm1 in single precision: log(2) in two parts, the first of few enough bits to be multiplied
# exactly; Cody & Waite (1980), Software manual for the elementary functions, Prentice-Hall.
_LOG2_E = 1.4426950408889634
_LOG2_HIGH, _LOG2_LOW = 0.693359375, -2.12194440e-4
# Beyond, the result is -1 or infinite.
_LOWEST, _HIGHEST = -87.0, 89.0
_COEFFICIENTS = (1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 1 / 2)


def _erf(x: Any) -> Any:
    return np.vectorize(math.erf, otypes=[np.asarray(x).dtype])(x)


def _sigmoid(x: Any) -> Any:
    # precise where the result is close to 0
    return np.exp(-np.logaddexp(np.zeros_like(x), -x))


_NUMPY: Mapping[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in (
            "abs", "arctan", "ceil", "clip", "cos", "exp", "expm1", "floor", "isfinite", "log",
            "log1p", "logical_and", "logical_not", "logical_or", "maximum", "minimum", "ones_like",
            "power", "round", "sign", "sin", "sqrt", "square", "tanh", "where", "zeros_like",
        )
    },
    "erf": _erf,
    "sigmoid": _sigmoid,
    "softplus": lambda x: np.logaddexp(x, np.zeros_like(x)),
    "stop_gradient": lambda x: x,
}  # fmt: skip


@cache
def _tensorflow_functions() -> Mapping[str, Callable[..., Any]]:
    names = {name: name for name in _NUMPY} | {
        "arctan": "atan",
        "ceil": "math.ceil",
        "clip": "clip_by_value",
        "isfinite": "math.is_finite",
        "log": "math.log",
        "log1p": "math.log1p",
        "expm1": "math.expm1",
        "power": "pow",
        "erf": "math.erf",
        "softplus": "math.softplus",
    }
    return {name: attrgetter(path)(tf) for name, path in names.items()}


class Namespace:
    """
    Mathematical functions with NumPy's names, for arrays or for tensors.

    Arguments may be plain numbers; if all are, so is the result. Besides the functions that ``dir``
    lists, operators and comparisons work on the results, and ``&``, ``|`` and ``~`` on booleans.
    Entries can't be assigned: use ``where``.

    Parameters
    ----------
    dtype : str, np.dtype or tf.DType
        The data type.
    functions : Mapping
        The functions by name.
    """

    def __init__(self, dtype: Any, functions: Mapping[str, Callable[..., Any]]) -> None:
        self.dtype = dtype
        self._functions = functions

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in _NUMPY:
            close = difflib.get_close_matches(name, _NUMPY, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise AttributeError(
                f"xp: there is no function {name!r} that NumPy and TensorFlow share here{meant}. "
                f"There are {', '.join(sorted(_NUMPY))}, and operators such as + and <"
            )
        function = self._functions[name]
        in_numpy = _NUMPY[name]

        def call(*args: Any) -> Any:
            if all(isinstance(arg, bool | int | float | np.floating) for arg in args):
                return in_numpy(*args)[()]  # in double precision, and constant
            return function(*(self._array(arg) for arg in args))

        return call

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_NUMPY})

    def _array(self, value: Any) -> Any:
        raise NotImplementedError


class NumPyNamespace(Namespace):
    """
    The functions of NumPy.

    Parameters
    ----------
    dtype : str or np.dtype
        The data type.
    """

    def __init__(self, dtype: Any = np.float64) -> None:
        super().__init__(np.dtype(dtype), _NUMPY)

    def _array(self, value: Any) -> Any:
        return value


class TensorFlowNamespace(Namespace):
    """
    The functions of TensorFlow.

    Parameters
    ----------
    dtype : str or tf.DType
        The data type.
    for_kernel : bool
        Whether XLA compiles the code for a CPU.
    """

    def __init__(self, dtype: Any, for_kernel: bool = False) -> None:
        functions = _tensorflow_functions()
        if for_kernel and tf.as_dtype(dtype) == tf.float32:
            functions = {**functions, "expm1": _expm1}
        super().__init__(tf.as_dtype(dtype), functions)

    def _array(self, value: Any) -> Any:
        if tf.is_tensor(value) or isinstance(value, tf.Variable):
            return value
        if isinstance(value, bool | np.bool_) or getattr(value, "dtype", None) is np.dtype(bool):
            return tf.convert_to_tensor(value)
        return tf.convert_to_tensor(value, self.dtype)


def derivative(function: Callable[[Any], Any], x: Any) -> Any:
    """Return the derivative of an elementwise function, computed by TensorFlow.

    Parameters
    ----------
    function : callable
        Takes and returns a tensor.
    x : array_like or tf.Tensor
        The arguments.
    """
    if not tf.is_tensor(x):
        slope = derivative(function, tf.constant(x))
        return slope.numpy() if tf.executing_eagerly() else slope
    if tf.executing_eagerly():
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x)
        return tape.gradient(value, x, unconnected_gradients="zero")
    x = tf.identity(x)
    # no tape: none records in an init_scope
    return tf.gradients(function(x), x, unconnected_gradients="zero")[0]


def namespace_of(x: Any) -> tuple[Namespace, Any]:
    """Return the namespace for values, and the values as it takes them."""
    if tf.is_tensor(x) or isinstance(x, tf.Variable):
        return TensorFlowNamespace(x.dtype), x
    array = array_of(x)
    if array is None:
        raise ValidationError(f"expected numbers, got {x!r}", attr="x")
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    return NumPyNamespace(array.dtype), array


def _expm1(x: Any) -> Any:
    """Return ``exp(x) - 1``, to rounding.

    XLA's own expm1 computes two branches and selects one, which takes most of the time of a step of
    LIF neurons. This is ``2^n expm1(r) + 2^n - 1`` with ``x = n log(2) + r`` and a polynomial.

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
        for coefficient in _COEFFICIENTS[2:]:
            total = total * r + coefficient
        change = total * r * r + r
        power = tf.bitcast(tf.bitwise.left_shift(tf.cast(n, tf.int32) + 127, 23), x.dtype)
        result = power * change + (power - 1)

        def gradient(upstream: Any) -> Any:
            return upstream * (result + 1)

        return result, gradient

    return compute(x)
