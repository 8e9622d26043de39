"""Networks as a Simulator plans them."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus import Simulator
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._plan import ExecutionPlan, Group
from nengo_layers_plus.simulator.rules._rule import Schedule


def plan_of(network: Any, training: bool = False) -> ExecutionPlan:
    return planned(network, training)[0]


def planned(network: Any, training: bool = False, batch: int = 2) -> tuple[ExecutionPlan, Context]:
    """Return the plan of a network, and what it is for."""
    with Simulator(network, minibatch_size=batch, progress_bar=False) as sim:
        graph = sim.tensor_graph
        context = graph._context(training)
        return graph.plan_for(context), context


def groups_with(plan: ExecutionPlan, operator: str) -> list[Group]:
    """List the groups that have an operator of a type."""
    return [
        group
        for group in plan.groups
        if operator in {type(each).__name__ for each in group.operators}
    ]


def group_with(plan: ExecutionPlan, operator: str) -> Group:
    (group,) = groups_with(plan, operator)
    return group


def how(plan: ExecutionPlan, operator: str) -> tuple[Schedule, str, int]:
    """Return how the only operator of a type runs, why, and with how many others."""
    group = group_with(plan, operator)
    return group.decision.kind, group.decision.reason, len(group.operators) - 1
