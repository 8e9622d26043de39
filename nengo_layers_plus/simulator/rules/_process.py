"""Processes: synapses, noise and all others."""

from __future__ import annotations

from typing import Any

from nengo.builder.processes import SimProcess
from nengo.synapses import Synapse

from nengo_layers_plus._upstream import native_process_builder
from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._decision import Decision, Kind
from nengo_layers_plus.simulator.rules._rule import Rule, register


@register(SimProcess)
class ProcessRule(Rule):
    """Processes, whose state is carried from step to step."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        process = operator.process
        if native_process_builder(process) is not None:
            return Decision(
                Kind.SCAN, f"{type(process).__name__} is a filter along time", per_item=True
            )
        what = "synapse" if isinstance(process, Synapse) else "process"
        return Decision(Kind.SCAN, f"{type(process).__name__} is a {what} that runs in Python")
