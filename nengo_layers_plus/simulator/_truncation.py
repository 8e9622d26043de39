"""Back-propagation through time that is cut: sequences trained in chunks of steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._chunks import cut
from nengo_layers_plus.simulator._settings import Settings


@dataclass(frozen=True)
class Chunks:
    """Into what chunks sequences are cut; functions are traced for each of these.

    Parameters
    ----------
    steps : int
        The number of steps of each chunk but the last.
    last : int
        The number of steps of the last one.
    last_steps : frozenset of str
        The names of the outputs that have a value for the last step of a sequence only.
    ranks : tuple of int
        The number of axes of each array of weights: whether they are cut too.
    """

    steps: int
    last: int
    last_steps: frozenset[str] = frozenset()
    ranks: tuple[int, ...] = ()


class Truncation:
    """What ``Simulator.fit`` was asked for with ``truncation``.

    Parameters
    ----------
    simulator : Simulator
        The Simulator, which errors name.
    steps : int
        The number of steps of a chunk.
    last_steps : frozenset of str
        The names of the outputs that have a value for the last step of a sequence only.
    """

    def __init__(self, simulator: Any, steps: Any, last_steps: frozenset[str]) -> None:
        self._simulator = simulator
        self._last_steps = last_steps
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer):
            raise self._error(
                f"expected a number of steps, or None for whole sequences, got {steps!r}"
            )
        if steps < 1:
            raise self._error(f"expected at least one step, got {steps}")
        unroll = simulator.unroll
        if steps % unroll:
            raise self._error(
                f"expected a multiple of unroll_simulation={unroll}, of which all chunks have to "
                f"be, got {steps}. What to do: take {-(-steps // unroll) * unroll}"
            )
        self._steps = int(steps)

    def chunks_of(self, x: Any, y: Any, weights: Any) -> Chunks | None:
        """Say how sequences are cut, if their targets can be cut too.

        Parameters
        ----------
        x, y : dict of str to array
            The inputs and the targets, by name; ``x`` has ``n_steps`` as well.
        weights : dict of str to array, optional
            The weights of samples, or of each of their steps, by name.

        Returns
        -------
        chunks : Chunks or None
            None if sequences are no longer than a chunk.
        """
        steps = x.get("n_steps") if isinstance(x, Mapping) else None
        if not isinstance(steps, np.ndarray):
            raise self._error(
                f"expected arrays in memory for x, got {type(x).__name__}, whose sequences can't "
                f"be cut into chunks. What to do: give arrays, call fit for one part of the data "
                f"after the other, or leave truncation=None"
            )
        total = int(steps.flat[0])
        last_steps = self._last_steps
        for name, target in (y or {}).items():
            if name not in last_steps and target.shape[1] != total:
                raise self._error(
                    f"expected targets with {total} steps, as many as the inputs have, which are "
                    f"cut into chunks of {self._steps}, got {target.shape[1]} for {name!r}. What "
                    f"to do: give a target for each step, with a sample_weight of 0 for those that "
                    f"don't count; or, if only the last step of a sequence has a target, set "
                    f"keep_history=False for its Probe (nengo_dl.configure_settings)"
                )
        if total <= self._steps:
            return None
        ranks = tuple(np.ndim(each) for each in (weights or {}).values())
        return Chunks(self._steps, (total - 1) % self._steps + 1, last_steps, ranks)

    def _error(self, message: str) -> ValidationError:
        return ValidationError(message, "truncation", self._simulator)


def train_in_chunks(
    chunks: Chunks,
    data: tuple[dict[str, Any], dict[str, Any] | None, Any],
    train: Callable[[Any], Any],
    run: Callable[[Any], Any],
    state: Sequence[Any],
    settings: Settings,
) -> None:
    """Train on a minibatch of sequences, chunk by chunk, in the graph.

    What is carried from chunk to chunk is in variables, through which no gradient goes.

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
    settings : Settings
        What the network is traced for is noted there.
    """
    x, y, weights = data
    at_start = [tf.identity(each) for each in state]
    before_last = y
    if y is not None and chunks.last_steps.intersection(y):
        before_last = {name: target for name, target in y.items() if name not in chunks.last_steps}

    def train_on(start: Any, count: int, targets: dict[str, Any] | None) -> None:
        def part(tensor: Any) -> Any:
            by_item = tensor is None or len(tensor.shape) < 2
            return tensor if by_item else cut(tensor, start, count)

        inputs = {name: part(each) for name, each in x.items() if name != "n_steps"}
        inputs["n_steps"] = tf.fill(tf.shape(x["n_steps"]), count)
        # all that is carried is written, for the next chunk to begin from
        with settings.changed(steps=count, writes_state=True, carries_state=True):
            if targets is not None and not targets:
                run(inputs)  # nothing to learn from yet
                return
            now = targets and {
                name: each if name in chunks.last_steps else part(each)
                for name, each in targets.items()
            }
            train((inputs, now, tf.nest.map_structure(part, weights)))

    def body(index: Any) -> list[Any]:
        train_on(index * chunks.steps, chunks.steps, before_last)
        return [index + 1]

    total = x["n_steps"][0, 0]
    alike = chunks.last == chunks.steps and before_last is y
    count = total // chunks.steps if alike else (total - chunks.last) // chunks.steps
    tf.while_loop(lambda index: index < count, body, [tf.constant(0)], parallel_iterations=1)
    if not alike:
        train_on(total - chunks.last, chunks.last, y)
    if not settings.writes_state:
        for variable, value in zip(state, at_start, strict=True):
            variable.assign(value)
