"""Whether a network gains from being run layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nengo_layers_plus.simulator._compiled import compiles
from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._decision import Kind
from nengo_layers_plus.simulator._plan import Group, Plan
from nengo_layers_plus.simulator._views import shape_of

# Measured on a CPU, in seconds: what an operation costs besides its numbers, and a number in
# nengo_dl's loop, where it is gathered and scattered, and layer by layer.
_PER_OPERATION = 25e-6
_PER_NUMBER_STEPWISE = 5e-9
_PER_NUMBER_LAYERWISE = 1e-9

# Each takes a tenth of a second to compile.
MOST_KERNELS = 8


@dataclass(frozen=True)
class Choice:
    """How a network is run.

    Parameters
    ----------
    layerwise : bool
        Layer by layer, else step by step.
    why : str
        The reason, in words.
    """

    layerwise: bool
    why: str


def choose(plan: Plan, context: Context, merged: int) -> Choice:
    """Estimate whether a network gains from being run layer by layer.

    Parameters
    ----------
    plan : Plan
        The groups that its operators form.
    context : Context
        What it is run for.
    merged : int
        The number of groups into which nengo_dl merges the operators.
    """
    size = sum(_size(each) for each in plan.groups) * context.batch
    in_loops = sum(
        len(each.operators)
        for each in plan.groups
        if each.decision.kind is not Kind.WHOLE and not is_compiled(each, plan, context)
    )
    stepwise = merged * _PER_OPERATION + size * _PER_NUMBER_STEPWISE
    layerwise = in_loops * _PER_OPERATION + size * _PER_NUMBER_LAYERWISE
    if layerwise <= stepwise:
        return Choice(True, "which is the faster way for it")
    return Choice(False, f"since {in_loops} operators need a loop over the steps in any case")


def is_compiled(group: Group, plan: Plan, context: Context) -> bool:
    """Say whether XLA compiles the loop of a group."""
    return can_compile(group, context) and group in _largest(plan, context)


def can_compile(group: Group, context: Context) -> bool:
    """Say whether XLA could compile the loop of a group."""
    # In training it would have to run once more for the gradient.
    return (
        not context.training
        and group.decision.kind is not Kind.WHOLE
        and all(map(compiles, group.operators))
    )


def _largest(plan: Plan, context: Context) -> list[Group]:
    groups = [each for each in plan.groups if can_compile(each, context)]
    return sorted(groups, key=_size, reverse=True)[:MOST_KERNELS]


def _size(group: Group) -> int:
    return sum(int(np.prod(shape_of(each))) for each in group.written)
