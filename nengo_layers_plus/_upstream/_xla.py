"""Operations of XLA that TensorFlow has no public name for."""

from __future__ import annotations

import importlib
from typing import Any


def xla_slice(tensor: Any, starts: Any, sizes: Any) -> Any:
    """Slice a tensor within a compiled function, where the starts are not constant."""
    return _xla().dynamic_slice(tensor, starts, sizes)


def xla_update_slice(tensor: Any, update: Any, starts: Any) -> Any:
    """Replace a slice of a tensor within a compiled function, in place where that is possible."""
    return _xla().dynamic_update_slice(tensor, update, starts)


def _xla() -> Any:
    return importlib.import_module("tensorflow.compiler.tf2xla.python.xla")
