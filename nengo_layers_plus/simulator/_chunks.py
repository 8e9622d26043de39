"""Long sequences, cut into chunks of steps that fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._pipeline import Pipeline
from nengo_layers_plus.simulator._settings import Chunks, RunSettings
from nengo_layers_plus.simulator._tiles import Sizes, run_in_tiles


def run_in_chunks(
    pipeline: Pipeline,
    inputs: dict[Signal, Any],
    initial: dict[Signal, Any],
    steps: Any,
    sizes: Sizes,
    report: Callable[[Any], None] | None = None,
    length: int | None = None,
) -> tuple[list[Any], list[Any]]:
    """Run a pipeline on chunks of the sequence, one after another; see `Pipeline.run`.

    Parameters
    ----------
    pipeline, inputs, initial, steps
        See `Pipeline.run`.
    sizes : Sizes
        How many steps a chunk may have, and into how many parts the minibatch is divided.
    report : callable, optional
        Called with the number of steps that were run, after each chunk.
    length : int, optional
        The number of steps, if it is seen to be the same in each call.
    """
    if pipeline.context.training or (length is not None and length <= sizes.longest):
        return run_in_tiles(pipeline, inputs, initial, steps, length is not None, sizes.parts)
    chunk, are_even = _chunk_length(length, sizes.longest)
    count = -(-steps // chunk)
    probed = pipeline.observed.probed
    carried_signals = pipeline.observed.final
    types = pipeline.result_types()[: len(probed)]

    def body(index: Any, sinks: Any, carried: Any) -> Any:
        start = index * chunk
        n_steps = tf.minimum(chunk, steps - start)
        records, final = run_in_tiles(
            pipeline,
            {signal: cut(tensor, start, n_steps) for signal, tensor in inputs.items()},
            initial | dict(zip(carried_signals, carried, strict=True)),
            n_steps,
            are_even,
            sizes.parts,
        )
        for new, old in zip(final, carried, strict=True):
            new.set_shape(old.shape)
        sinks = [
            sink.write(index if keeps else 0, _time_first(record))
            for sink, record, (_, keeps) in zip(sinks, records, probed, strict=True)
        ]
        if report is not None:
            report(start + n_steps)
        return index + 1, sinks, final

    sinks = [
        tf.TensorArray(dtype, size=count if keeps else 1, infer_shape=False, clear_after_read=False)
        for dtype, (_, keeps) in zip(types, probed, strict=True)
    ]
    _, sinks, final = tf.while_loop(
        lambda index, *_: index < count,
        body,
        (tf.constant(0), sinks, [initial[signal] for signal in carried_signals]),
        parallel_iterations=1,
    )
    records = []
    for sink, shape in zip(sinks, pipeline.result_shapes(), strict=False):
        nothing = tf.zeros([0, *(shape[0], *shape[2:])], sink.dtype)
        if isinstance(count, int):
            record = sink.concat() if count > 0 else nothing
        else:
            record = tf.cond(count > 0, sink.concat, lambda nothing=nothing: nothing)
        record.set_shape([shape[1], shape[0], *shape[2:]])
        records.append(_time_first(record))
    return records, list(final)


def _chunk_length(length: int | None, longest: int) -> tuple[int, bool]:
    """Choose how many steps a chunk has, and say whether all chunks will have as many."""
    if length is not None:
        # a few steps less, and no chunk that is shorter than the others
        for chunk in range(longest, longest // 2, -1):
            if length % chunk == 0:
                return chunk, True
    return 1 << (longest.bit_length() - 1), False


def cut(tensor: Any, start: Any, count: Any) -> Any:
    """Take some of the steps, or the only one of an input that is constant."""
    known = tensor.shape[1]
    if known == 1:
        return tensor
    if known is None:
        start = tf.where(tf.shape(tensor)[1] == 1, 0, start)
    part = tensor[:, start : start + count]
    if known is not None and isinstance(count, int):
        part.set_shape([tensor.shape[0], count, *tensor.shape[2:]])
    return part


def _time_first(tensor: Any) -> Any:
    return tf.transpose(tensor, [1, 0, *range(2, len(tensor.shape))])


def train_in_chunks(
    chunks: Chunks,
    data: tuple[dict[str, Any], dict[str, Any] | None, Any],
    train: Callable[[Any], Any],
    run: Callable[[Any], Any],
    state: Sequence[Any],
    settings: RunSettings,
) -> None:
    """Train on a minibatch of sequences, chunk by chunk, in the graph.

    The state is carried from chunk to chunk in variables, through which no gradient goes.

    Parameters
    ----------
    chunks : Chunks
        How the sequences are cut.
    data : tuple of (x, y, weights)
        Inputs, targets and weights of a minibatch, as Keras has them.
    train : callable
        Takes such a tuple, and takes a step of the optimiser with it.
    run : callable
        Takes inputs, and runs the network as in training.
    state : sequence of tf.Variable
        The state of the simulation.
    settings : RunSettings
        What the network is traced for is noted there.
    """
    x, y, weights = data
    at_start = [tf.identity(variable) for variable in state]
    before_last = y
    if y is not None and chunks.last_steps.intersection(y):
        before_last = {name: target for name, target in y.items() if name not in chunks.last_steps}

    def train_on(start: Any, count: int, targets: dict[str, Any] | None) -> None:
        def part(tensor: Any) -> Any:
            by_item = tensor is None or len(tensor.shape) < 2
            return tensor if by_item else cut(tensor, start, count)

        inputs = {name: part(tensor) for name, tensor in x.items() if name != "n_steps"}
        inputs["n_steps"] = tf.fill(tf.shape(x["n_steps"]), count)
        # all that is carried is written, for the next chunk to begin from
        with settings.changed(steps=count, writes_state=True, carries_state=True):
            if targets is not None and not targets:
                run(inputs)  # nothing to learn from yet
                return
            chunk_targets = targets and {
                name: target if name in chunks.last_steps else part(target)
                for name, target in targets.items()
            }
            train((inputs, chunk_targets, tf.nest.map_structure(part, weights)))

    def body(index: Any) -> list[Any]:
        train_on(index * chunks.steps, chunks.steps, before_last)
        return [index + 1]

    total = x["n_steps"][0, 0]
    are_alike = chunks.last == chunks.steps and before_last is y
    count = total // chunks.steps if are_alike else (total - chunks.last) // chunks.steps
    tf.while_loop(lambda index: index < count, body, [tf.constant(0)], parallel_iterations=1)
    if not are_alike:
        train_on(total - chunks.last, chunks.last, y)
    if not settings.writes_state:
        for variable, value in zip(state, at_start, strict=True):
            variable.assign(value)
