"""The operator of filters whose time constant trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from nengo.builder import Signal
from nengo.builder.operator import Operator

from nengo_layers_plus._declared import NumPyNamespace, ParameterSignal
from nengo_layers_plus.synapses._time_constant import TimeConstants
from nengo_layers_plus.synapses._trainable_filter import TrainableFilter


class SimTrainableFilter(Operator):
    """
    Filters a signal by one step, with a time constant that may train.

    Parameters
    ----------
    synapse : TrainableFilter
        The synapse.
    input, output : nengo.builder.Signal
        What is filtered, and what comes out.
    tau : ParameterSignal
        The free numbers of its time constants.
    stages : sequence of nengo.builder.Signal
        What it keeps from step to step; the last is its output. If the mode is "update", that is
        ``output`` itself, which is kept anyway.
    mode : {"update", "set", "inc"}
        Whether others see the output one step later, or in the same step, by itself or added to
        what others write.

    Notes
    -----
    Its time constant is found by ``reparametrisation.value`` of its signal ``tau``.
    """

    def __init__(
        self,
        synapse: TrainableFilter,
        input: Signal,
        output: Signal,
        tau: ParameterSignal,
        stages: Sequence[Signal],
        mode: str,
    ) -> None:
        super().__init__(tag=f"{synapse}")
        self.synapse = synapse
        self.mode = mode
        self.reads = [input, tau]
        self.sets = [output] if mode == "set" else []
        self.incs = [output] if mode == "inc" else []
        self.updates = list(stages)

    @property
    def input(self) -> Signal:
        """What is filtered."""
        return self.reads[0]

    @property
    def tau(self) -> ParameterSignal:
        """The free numbers of the time constants."""
        return self.reads[1]

    @property
    def stages(self) -> list[Signal]:
        """What it keeps from step to step."""
        return list(self.updates)

    @property
    def output(self) -> Signal:
        """What comes out."""
        return (self.sets or self.incs or self.updates[-1:])[0]

    @property
    def reparametrisation(self) -> TimeConstants:
        """What makes time constants of free numbers."""
        made = self.tau.reparametrisation
        assert isinstance(made, TimeConstants)
        return made

    @property
    def _descstr(self) -> str:
        return f"{self.synapse}, {self.input} -> {self.output}"

    def make_step(self, signals: Any, dt: float, rng: Any) -> Callable[[], None]:
        """
        Make a function that runs it in NumPy; see `nengo.builder.operator.Operator`.

        Parameters
        ----------
        signals : nengo.builder.signal.SignalDict
            The arrays.
        dt : float
            The length of a step (s).
        rng : np.random.RandomState
            Not used.
        """
        source, target, tau = signals[self.input], signals[self.output], signals[self.tau]
        stages = [signals[each] for each in self.stages]
        xp = NumPyNamespace(target.dtype)

        def step() -> None:
            ratio = self.reparametrisation.ratio(xp, tau, dt)
            if ratio.size > 1:
                ratio = ratio.reshape(target.shape)
            coefficients = self.synapse.coefficients(xp, ratio)
            new = self.synapse.advance(np.copy(source), stages, *coefficients)
            for stage, value in zip(stages, new, strict=True):
                stage[...] = value
            if self.mode == "set":
                target[...] = new[-1]
            elif self.mode == "inc":
                target[...] += new[-1]

        return step
