"""Filters whose time constant trains."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._decision import Decision, Kind
from nengo_layers_plus.simulator.rules._rule import Rule, register
from nengo_layers_plus.synapses._build import SimTrainableFilter


@register(SimTrainableFilter)
class TrainableFilterRule(Rule):
    """Filters, whose state is carried from step to step."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        name = type(operator.synapse).__name__
        return Decision(Kind.SCAN, f"{name} is a filter along time", per_item=True)
