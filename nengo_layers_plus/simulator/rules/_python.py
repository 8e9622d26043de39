"""Python functions of Nodes."""

from __future__ import annotations

from typing import Any

from nengo.builder.operator import SimPyFunc

from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._decision import Decision, Kind
from nengo_layers_plus.simulator.rules._rule import Rule, register


@register(SimPyFunc)
class PythonRule(Rule):
    """Python functions, which are called once a step for each item of the minibatch."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        return Decision(Kind.SCAN, "calls a Python function", calls_python=True)
