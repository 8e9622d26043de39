"""How much of a minibatch is run at once, and parts of it side by side on the cores."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._pipeline import Pipeline
from nengo_layers_plus.simulator._plan import ExecutionPlan
from nengo_layers_plus.simulator._views import type_of

# The memory of one part of a minibatch: more does not fit into the caches of a core, less is
# slowed down by the calls of operations.
_PART_BYTES = 100 << 20
# The memory of a minibatch below which it is not divided, as parts would cost more than they save.
_UNDIVIDED_BYTES = 32 << 20


@dataclass(frozen=True)
class Sizes:
    """The parts of a minibatch, and the longest sequence that fits into memory.

    Parameters
    ----------
    parts : int
        The number of parts of the minibatch, all of one size.
    longest : int
        The number of steps that fit into memory.
    """

    parts: int
    longest: int


def bytes_per_step(plan: ExecutionPlan, batch: int, dtype: Any) -> int:
    """Estimate the memory that the values of all signals in one step take.

    Parameters
    ----------
    plan : ExecutionPlan
        The operators that write them.
    batch : int
        The size of the minibatch.
    dtype : tf.DType
        The type of numbers.
    """
    signals = {base for group in plan.groups for base in group.written}
    return sum(
        int(np.prod(shape_of(signal)))
        * (batch if signal.minibatched else 1)
        * type_of(signal, dtype).size
        for signal in signals
    )


def choose_sizes(
    plan: ExecutionPlan, context: Context, length: int | None, limit: int, cores: int
) -> Sizes:
    """Choose how much is run at once in simulation.

    Parameters
    ----------
    plan : ExecutionPlan
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
    sizes = [size for size in range(1, batch + 1) if batch % size == 0]
    smaller = [size for size in sizes if wanted / 4 <= size <= wanted]
    return smaller[-1] if smaller else next(size for size in sizes if size >= wanted)


def run_in_tiles(
    pipeline: Pipeline,
    inputs: dict[Signal, Any],
    initial: dict[Signal, Any],
    steps: Any,
    keeps_length: bool,
    count: int,
) -> tuple[list[Any], list[Any]]:
    """Run a pipeline on equal parts of the minibatch, side by side; see `Pipeline.run`."""
    if count == 1:
        return pipeline.run(inputs, initial, steps, keeps_length)
    size = pipeline.context.batch // count
    tile = pipeline.for_batch(size)
    minibatched = [signal.minibatched for signal, _ in pipeline.observed.probed]
    minibatched += [signal.minibatched for signal in pipeline.observed.final]

    def part(tensor: Any, index: Any) -> Any:
        return tf.slice(
            tensor,
            [index * size, *[0] * (len(tensor.shape) - 1)],
            [size, *(-1 if size is None else size for size in tensor.shape[1:])],
        )

    def body(index: Any, sinks: Any) -> Any:
        records, final = tile.run(
            {signal: part(tensor, index) for signal, tensor in inputs.items()},
            {
                signal: part(tensor, index) if signal.minibatched else tensor
                for signal, tensor in initial.items()
            },
            steps,
            keeps_length,
        )
        results = [*records, *final]
        return index + 1, [
            sink.write(index, result) for sink, result in zip(sinks, results, strict=True)
        ]

    types = pipeline.result_types()
    sinks = [tf.TensorArray(dtype, size=count, infer_shape=False) for dtype in types]
    _, sinks = tf.while_loop(
        lambda index, _: index < count,
        body,
        (tf.constant(0), sinks),
        parallel_iterations=min(count, count_cores()),
    )
    results = [
        sink.concat() if is_minibatched else sink.read(0)
        for sink, is_minibatched in zip(sinks, minibatched, strict=True)
    ]
    for result, shape in zip(results, pipeline.result_shapes(), strict=True):
        result.set_shape(shape)
    split = len(pipeline.observed.probed)
    return results[:split], results[split:]


def count_cores() -> int:
    """Count the cores that TensorFlow may use."""
    return int(
        tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))
    )
