"""The settings of a Simulator and of the call in progress."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import as_count


@dataclass(frozen=True)
class Chunks:
    """The chunks into which sequences are cut for truncated back-propagation.

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
    """The argument ``truncation`` of ``Simulator.fit``, checked against the data.

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
        self._steps = as_count(steps, "truncation", simulator)
        unroll = simulator.unroll
        if self._steps % unroll:
            raise self._error(
                f"expected a multiple of unroll_simulation={unroll}, of which all chunks have to "
                f"be, got {steps}. What to do: take {-(-self._steps // unroll) * unroll}"
            )

    def chunks_of(self, x: Any, y: Any, weights: Any) -> Chunks | None:
        """Return the chunks of sequences; raise an error if targets can't be cut.

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
        ranks = tuple(np.ndim(array) for array in (weights or {}).values())
        return Chunks(self._steps, (total - 1) % self._steps + 1, last_steps, ranks)

    def _error(self, message: str) -> ValidationError:
        return ValidationError(message, "truncation", self._simulator)


MEMORY_LIMIT_OF_SIMULATION = 1 << 30


@dataclass
class RunSettings:
    """The settings of a Simulator and of the call that is in progress.

    Parameters
    ----------
    execution : {"auto", "layerwise", "stepwise"}
        How the network runs.
    memory_limit : int or None
        How many bytes the values of a network may take; None for `MEMORY_LIMIT_OF_SIMULATION` in
        simulation, and as many as the gradient needs in training.
    check_numerics : bool
        Whether to find where numbers are not finite.
    constructing : bool
        Whether the Keras model is being built: the graph is not run.
    shares_constant_inputs : bool
        Whether nobody can ask for gradients of the inputs, so that what depends on inputs that
        stand still may be computed once.
    uses_series : bool
        Whether LIF neurons start from a state that lets them use series (`_lif.starts_regularly`).
    writes_state : bool
        Whether the state of the simulation is kept for the next call.
    carries_state : bool
        Whether the state is written although the network is set to stateful=False.
    chunks : Chunks, optional
        Into what chunks of steps sequences are cut for training; None for none.
    truncation : Truncation, optional
        Says what these chunks are, when the data is known.
    constant_inputs : set of nengo.Node
        The Nodes whose inputs are known to be the same in all steps, and have only one.
    steps : int, optional
        The number of steps, if what is traced is for that number alone.
    steps_requested : int
        The number of steps that were run or requested so far.
    defers_compilation : bool
        Whether compilation is deferred, so that simulations run step by step.
    in_memory : bool
        Whether the data of a call is arrays in memory, already checked.
    fills_minibatches : bool
        Whether the arrays fill all minibatches.
    problem : Exception, optional
        The error raised while Keras traced a function, which Keras replaces by its own.
    report : callable, optional
        Called, when the network runs in chunks, with the number of steps that were run; None where
        nothing shows it, as it calls Python from within the graph.
    """

    execution: str = "auto"
    memory_limit: int | None = None
    check_numerics: bool = False
    constructing: bool = False
    shares_constant_inputs: bool = False
    uses_series: bool = True
    writes_state: bool = True
    carries_state: bool = False
    chunks: Chunks | None = None
    truncation: Truncation | None = None
    constant_inputs: set[Any] = field(default_factory=set)
    steps: int | None = None
    steps_requested: int = 0
    defers_compilation: bool = False
    in_memory: bool = False
    fills_minibatches: bool = False
    problem: Exception | None = None
    report: Callable[[Any], None] | None = None

    @contextlib.contextmanager
    def changed(self, **values: Any) -> Iterator[None]:
        """Change some of the settings within a context.

        A `problem` is kept, for the caller to raise.
        """
        before = {name: getattr(self, name) for name in values if name != "problem"}
        try:
            for name, value in values.items():
                setattr(self, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)
