"""Whether a network gains from being run layer by layer."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from nengo import LIF
from nengo.builder.neurons import SimNeurons

from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._compiled import compiles
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._plan import ExecutionPlan, Group
from nengo_layers_plus.simulator.rules._rule import Schedule

# Measured on a CPU, in seconds: what an operation costs besides its numbers, and a number in
# nengo_dl's loop, where it is gathered and scattered, and layer by layer.
_PER_OPERATION = 25e-6
_PER_NUMBER_STEPWISE = 5e-9
_PER_NUMBER_LAYERWISE = 1e-9

# Start-up times (s): compiling a kernel and an operator in it, tracing a loop that is not compiled,
# without and with its gradient, and tracing an operator outside of loops. A kernel with its
# gradient takes as long as three kernels.
_PER_KERNEL = 0.08
_PER_COMPILED_OPERATOR = 0.04
_KERNELS_FOR_GRADIENT = 3
_PER_LOOP = 0.1
_PER_TRAINED_LOOP = 0.3
_PER_OPERATOR = 0.01
# Start-up time (s) below which compilation is not deferred: about what nengo_dl takes itself.
_SHORT_START = 1.0
_LONGEST_START_OF_TRAINING = 3.0

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
    start : float
        The estimated start-up time of running layer by layer (s).
    step : float
        The estimated time of a step in nengo_dl's own loop (s).
    """

    layerwise: bool
    why: str
    start: float = 0.0
    step: float = 0.0

    @property
    def deferred_steps(self) -> int:
        """The number of steps that take as long, step by step, as the start-up layer by layer."""
        return 0 if self.start <= _SHORT_START else math.ceil(self.start / self.step)


def choose(plan: ExecutionPlan, context: Context, merged: int) -> Choice:
    """Estimate whether a network gains from being run layer by layer.

    Parameters
    ----------
    plan : ExecutionPlan
        The groups that its operators form.
    context : Context
        What it is run for.
    merged : int
        The number of groups into which nengo_dl merges the operators.
    """
    size = sum(_size(group) for group in plan.groups) * context.batch
    loops = [group for group in plan.groups if group.decision.kind is not Schedule.WHOLE]
    compiled = find_compiled(plan)
    in_loops = _count_operators(loops) - _count_operators(compiled)
    per_loop = _PER_TRAINED_LOOP if context.training else _PER_LOOP
    kernels = list({_kernel_of(group): group for group in compiled}.values())
    start = (
        (len(kernels) * _PER_KERNEL + _count_operators(kernels) * _PER_COMPILED_OPERATOR)
        * (_KERNELS_FOR_GRADIENT if context.training else 1)
        + (len(loops) - len(compiled)) * per_loop
        + (len(plan.groups) - len(loops)) * _PER_OPERATOR
    )
    stepwise = merged * _PER_OPERATION + size * _PER_NUMBER_STEPWISE
    layerwise = in_loops * _PER_OPERATION + size * _PER_NUMBER_LAYERWISE
    if layerwise > stepwise:
        return Choice(False, f"since {in_loops} operators need a loop over the steps in any case")
    if context.training and start > _LONGEST_START_OF_TRAINING:
        return Choice(False, f"since it has many parts: {len(plan.groups)}")
    return Choice(True, "which is the faster way for it", start, stepwise)


def _count_operators(groups: Sequence[Group]) -> int:
    return sum(len(group.operators) for group in groups)


def can_compile(group: Group) -> bool:
    """Say whether XLA could compile the loop of a group."""
    return group.decision.kind is not Schedule.WHOLE and all(map(compiles, group.operators))


def find_compiled(plan: ExecutionPlan) -> list[Group]:
    """Choose the groups whose loops XLA compiles: the largest of those that can be compiled."""
    groups = [group for group in plan.groups if can_compile(group)]
    groups.sort(key=_size, reverse=True)
    kernels = list(dict.fromkeys(map(_kernel_of, groups)))[:MOST_KERNELS]
    return [group for group in groups if _kernel_of(group) in kernels]


def _kernel_of(group: Group) -> Hashable:
    """Return a key that groups with one kernel share: LIF layers of one type and size."""
    op = group.operators[0]
    if len(group.operators) == 1 and isinstance(op, SimNeurons) and type(op.neurons) is LIF:
        return (op.neurons, shape_of(op.J))
    return group


def _size(group: Group) -> int:
    return sum(int(np.prod(shape_of(base))) for base in group.written)
