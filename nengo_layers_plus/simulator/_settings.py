"""What a Simulator was asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from nengo_layers_plus.simulator._truncation import Chunks, Truncation

MEMORY_LIMIT_OF_SIMULATION = 1 << 30


@dataclass
class Settings:
    """What a Simulator was asked for.

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
        Whether the Keras model is being made, and nothing will be run of what is built.
    shares_still_inputs : bool
        Whether nobody can ask for gradients of the inputs, so that what depends on inputs that
        stand still may be computed once.
    uses_series : bool
        Whether LIF neurons start from a state that lets them use series (`_lif.starts_regularly`).
    writes_state : bool
        Whether the state of the simulation is kept for the next call.
    carries_state : bool
        Whether the state is carried on from here even in a network that is set to keep none.
    chunks : Chunks, optional
        Into what chunks of steps sequences are cut for training; None for none.
    truncation : Truncation, optional
        Says what these chunks are, when the data is known.
    still : set of nengo.Node
        The Nodes whose inputs are known to be the same in all steps, and have only one.
    steps : int, optional
        The number of steps, if what is traced is for that number alone.
    steps_met : int
        How many steps were asked for so far.
    waits : bool
        Whether to run step by step for now, as beginning to run layer by layer would take longer.
    in_memory : bool
        Whether the data of a call is arrays, which were checked.
    whole : bool
        Whether these fill all minibatches.
    problem : Exception, optional
        What went wrong while Keras traced a function, of which it makes an error of its own.
    report : callable, optional
        Called, when the network runs in chunks, with the number of steps that were run; None where
        nothing shows it, as it calls Python from within the graph.
    """

    execution: str = "auto"
    memory_limit: int | None = None
    check_numerics: bool = False
    constructing: bool = False
    shares_still_inputs: bool = False
    uses_series: bool = True
    writes_state: bool = True
    carries_state: bool = False
    chunks: Chunks | None = None
    truncation: Truncation | None = None
    still: set[Any] = field(default_factory=set)
    steps: int | None = None
    steps_met: int = 0
    waits: bool = False
    in_memory: bool = False
    whole: bool = False
    problem: Exception | None = None
    report: Callable[[Any], None] | None = None

    @contextlib.contextmanager
    def changed(self, **values: Any) -> Iterator[None]:
        """Change some of the settings for a while, and put them back as they were.

        A `problem` is kept: it is for who made the change.
        """
        before = {name: getattr(self, name) for name in values if name != "problem"}
        try:
            for name, value in values.items():
                setattr(self, name, value)
            yield
        finally:
            for name, value in before.items():
                setattr(self, name, value)
