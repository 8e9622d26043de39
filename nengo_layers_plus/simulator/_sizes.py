"""How much of a minibatch, and how many steps of it, are run at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nengo_layers_plus._upstream._views import shape_of
from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._plan import Plan
from nengo_layers_plus.simulator._views import type_of

# What parts of a minibatch, run side by side, may take: more of them leaves the caches, less is
# lost in calls of operations.
_PART_BYTES = 100 << 20
# What all of a minibatch takes where parts of it, side by side, cost more than they bring.
_UNDIVIDED_BYTES = 32 << 20


@dataclass(frozen=True)
class Sizes:
    """How much is run at once.

    Parameters
    ----------
    parts : int
        The number of parts of the minibatch, all of one size.
    longest : int
        The number of steps that fit into memory.
    """

    parts: int
    longest: int


def bytes_per_step(plan: Plan, batch: int, dtype: Any) -> int:
    """Estimate the memory that the values of all signals in one step take.

    Parameters
    ----------
    plan : Plan
        The operators that write them.
    batch : int
        The size of the minibatch.
    dtype : tf.DType
        The type of numbers.
    """
    signals = {base for group in plan.groups for base in group.written}
    return sum(
        int(np.prod(shape_of(each)))
        * (batch if each.minibatched else 1)
        * type_of(each, dtype).size
        for each in signals
    )


def choose_sizes(plan: Plan, context: Context, length: int | None, limit: int, cores: int) -> Sizes:
    """Choose how much is run at once in simulation.

    Parameters
    ----------
    plan : Plan
        The operators.
    context : Context
        What they are lowered for.
    length : int or None
        The number of steps, if it is known.
    limit : int
        How many bytes the values may take.
    cores : int
        How many parts can be run side by side.
    """
    batch, parts = context.batch, 1
    if cores > 1 and context.on_cpu and plan.is_per_item:
        item = max(1, bytes_per_step(plan, 1, context.dtype))
        item *= max(1, length or 1)
        if length is None or batch * item > _UNDIVIDED_BYTES:
            wanted = min(max(1, _PART_BYTES // item), -(-batch // cores))
            parts = batch // _part_size(batch, wanted)
    at_once = min(parts, cores) * (batch // parts)
    return Sizes(parts, max(1, limit // max(1, bytes_per_step(plan, at_once, context.dtype))))


def _part_size(batch: int, wanted: int) -> int:
    """Find the size of equal parts that is nearest to the one that is wanted."""
    sizes = [each for each in range(1, batch + 1) if batch % each == 0]
    smaller = [each for each in sizes if wanted / 4 <= each <= wanted]
    return smaller[-1] if smaller else next(each for each in sizes if each >= wanted)
