"""Repairs of nengo_dl and nengo, made once in the imported modules.

nengo_dl's own Simulator has them too. Each repair is one function with the fault in its docstring.
"""

from __future__ import annotations

from types import ModuleType

from nengo_layers_plus._upstream._repairs._registry import make_repairs
from nengo_layers_plus._upstream._repairs._simulator import keras_call

# Each of these registers the repairs that it has.
from nengo_layers_plus._upstream._repairs import (  # noqa: F401  # isort: skip
    _graph,
    _operators,
    _saving,
)

__all__ = ["keras_call", "repair"]

_IS_REPAIRED = "is_repaired_by_nengo_layers_plus"


def repair(nengo_dl: ModuleType) -> None:
    """Repair nengo_dl, which is imported, unless that was done."""
    if not hasattr(nengo_dl, _IS_REPAIRED):
        make_repairs(nengo_dl)
        setattr(nengo_dl, _IS_REPAIRED, True)
