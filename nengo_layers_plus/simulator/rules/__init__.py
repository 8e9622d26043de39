"""How operators are lowered: one rule a type of operator."""

import warnings
from typing import Any

from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._series import Series
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._rule import Decision, Rule, Schedule, register, rule_for

# Each of these registers the rules that it has.
from nengo_layers_plus.simulator.rules import (  # noqa: F401  # isort: skip
    _arithmetic,
    _convolution,
    _dynamics,
    _tensor_node,
)

__all__ = [
    "Context",
    "Decision",
    "Rule",
    "Schedule",
    "Series",
    "SignalValues",
    "register",
    "rule_for",
]


def __getattr__(name: str) -> Any:
    if name == "Kind":
        warnings.warn("rules.Kind is deprecated: use Schedule", DeprecationWarning, stacklevel=2)
        return Schedule
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
