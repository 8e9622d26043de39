"""Surrogates: smooth functions whose slope replaces the derivative of a spike in training.

``surrogate.names()`` lists them, ``surrogate.arctan(2.0)`` makes one, ``surrogate.register`` adds
one that is written as a single function. `.Surrogate` puts one on a type of neurons.
"""

from __future__ import annotations

from typing import Any

from nengo_layers_plus.surrogate import _functions as _functions
from nengo_layers_plus.surrogate._registry import (
    SurrogateFunction,
    SurrogateKind,
    get,
    names,
    register,
)

__all__ = [
    "SurrogateFunction",
    "SurrogateKind",
    "get",
    "names",
    "register",
]


def __getattr__(name: str) -> Any:
    if name.startswith("_") or name not in names():
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; there are surrogates "
            f"{', '.join(names())}"
        )
    return get(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *names()})
