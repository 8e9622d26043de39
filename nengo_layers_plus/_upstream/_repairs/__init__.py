"""Repairs of nengo_dl and nengo, made once in the imported modules.

nengo_dl's own Simulator has them too. Each repair is one function with the fault in its docstring.
"""

from __future__ import annotations

from types import ModuleType

from nengo_layers_plus._upstream._repairs._graph import repair_graph
from nengo_layers_plus._upstream._repairs._operators import repair_operators
from nengo_layers_plus._upstream._repairs._saving import repair_checkpoints, repair_copies
from nengo_layers_plus._upstream._repairs._simulator import keras_call, repair_simulator

__all__ = ["keras_call", "repair"]

_IS_REPAIRED = "is_repaired_by_nengo_layers_plus"


def repair(nengo_dl: ModuleType) -> None:
    """Repair nengo_dl.

    Parameters
    ----------
    nengo_dl : module
        nengo_dl, imported.
    """
    if hasattr(nengo_dl, _IS_REPAIRED):
        return
    for repair_part in (
        repair_graph,
        repair_operators,
        repair_simulator,
        repair_checkpoints,
        repair_copies,
    ):
        repair_part(nengo_dl)
    setattr(nengo_dl, _IS_REPAIRED, True)
