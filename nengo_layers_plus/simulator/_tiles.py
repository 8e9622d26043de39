"""Minibatches that are run in parts, side by side on the cores of a processor."""

from __future__ import annotations

import os
from typing import Any

from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._pipeline import Pipeline


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
            [size, *(-1 if each is None else each for each in tensor.shape[1:])],
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
            sink.write(index, each) for sink, each in zip(sinks, results, strict=True)
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
        sink.concat() if each else sink.read(0)
        for sink, each in zip(sinks, minibatched, strict=True)
    ]
    for each, shape in zip(results, pipeline.result_shapes(), strict=True):
        each.set_shape(shape)
    split = len(pipeline.observed.probed)
    return results[:split], results[split:]


def count_cores() -> int:
    """Count the cores that TensorFlow may use."""
    return int(
        tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))
    )
