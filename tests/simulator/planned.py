"""Networks as a Simulator plans them."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus import Simulator
from nengo_layers_plus.simulator._decision import Kind
from nengo_layers_plus.simulator._plan import Group, Plan


def plan_of(network: Any, training: bool = False) -> Plan:
    with Simulator(network, minibatch_size=2, progress_bar=False) as sim:
        graph = sim.tensor_graph
        return graph.plan_for(graph._context(training))


def groups_with(plan: Plan, operator: str) -> list[Group]:
    """List the groups that have an operator of a type."""
    return [
        group
        for group in plan.groups
        if operator in {type(each).__name__ for each in group.operators}
    ]


def group_with(plan: Plan, operator: str) -> Group:
    (group,) = groups_with(plan, operator)
    return group


def how(plan: Plan, operator: str) -> tuple[Kind, str, int]:
    """Return how the only operator of a type runs, why, and with how many others."""
    group = group_with(plan, operator)
    return group.decision.kind, group.decision.reason, len(group.operators) - 1
