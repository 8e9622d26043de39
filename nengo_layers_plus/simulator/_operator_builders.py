"""Builders of nengo_dl for single operators, with the signals and the context that they run in."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import shape_of, view_of
from nengo_layers_plus.graph._words import renamed
from nengo_layers_plus.simulator._views import type_of

_MODULES = {
    f"nengo_dl.{name}_builders"
    for name in ("learning_rule", "neuron", "op", "process", "transform")
} | {"nengo_dl.tensor_node"}


def comes_with_nengo_dl(builder: type) -> bool:
    """Say whether a builder is one of nengo_dl's own."""
    return builder.__module__ in _MODULES


def is_built_by_nengo_dl(operator: Operator) -> bool:
    """Say whether nengo_dl builds an operator with one of its own builders."""
    builder = nengo_dl.builder.Builder.builders[type(operator)]
    if isinstance(operator, SimNeurons):
        builder = native_builder(operator.neurons) or builder
    return comes_with_nengo_dl(builder)


def native_builder(neurons: Any) -> Any:
    """Find the class that builds a type of neurons with TensorFlow; None if it runs in Python."""
    return nengo_dl.neuron_builders.SimNeuronsBuilder.TF_NEURON_IMPL.get(type(neurons))


class OperatorBuilders:
    """Makes builders of nengo_dl for single operators.

    nengo_dl merges operators and gives each merged group a builder. What those draw after the
    model is built, in the order of the groups, is shared with the builders made here, so that
    processes without a seed do the same as in nengo_dl.

    Parameters
    ----------
    merged : mapping of tuple of nengo.builder.Operator to nengo_dl.builder.OpBuilder
        The builders of the merged groups.
    """

    def __init__(self, merged: Any) -> None:
        self._merged = merged
        self._groups = {op: group for group in merged for op in group}
        self._to_finish: list[tuple[Any, Any]] = []

    def make(self, operator: Operator) -> Any:
        """Make a builder for one operator."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it was said when the merged one was made
            builder = nengo_dl.builder.Builder.builders[type(operator)]([operator])
        process = getattr(builder, "built_process", None)
        if isinstance(process, nengo_dl.process_builders.GenericProcessBuilder):
            group = self._groups[operator]
            builder.built_process = _PartOfProcesses(
                group, group.index(operator), self._merged[group].built_process
            )
        return builder

    def keep(self, builder: Any, signals: Any) -> None:
        """Remember a builder that has work to do after the model is built, and at each reset."""
        stock = (nengo_dl.builder.OpBuilder, nengo_dl.process_builders.SimProcessBuilder)
        if type(builder).build_post not in [builder.build_post for builder in stock]:
            self._to_finish.append((builder, signals))
            builder.build_post(signals)

    def finish(self) -> None:
        """Have all builders do their work for after the building, once more."""
        for builder, signals in self._to_finish:
            builder.build_post(signals)


class _PartOfProcesses(nengo_dl.process_builders.GenericProcessBuilder):
    """Builds one of the processes of a merged group, with the group's functions and state."""

    merged_func: Any

    def __init__(self, group: Sequence[Operator], index: int, whole: Any) -> None:
        super().__init__([group[index]])
        self._index = index
        self._whole = whole
        starts = [
            np.cumsum([0, *(list(op.state.values())[number].shape[0] for op in group)])
            for number in range(len(group[0].state))
        ]
        self._parts = [slice(bounds[index], bounds[index + 1]) for bounds in starts]

    def build_pre(self, signals: Any, config: Any) -> None:
        """Prepare; see `nengo_dl.builder.OpBuilder`."""
        super().build_pre(signals, config)
        run = self.merged_func

        def run_and_copy(*inputs: Any) -> list[Any]:
            # TensorFlow may share the memory of what is returned, and the next step changes it
            return [np.array(output) for output in run(*inputs)]

        run_and_copy.__name__ = run.__name__
        self.merged_func = run_and_copy

    @property
    def step_fs(self) -> list[Any]:
        return [self._whole.step_fs[self._index]]

    @property
    def step_states(self) -> list[Any]:
        return [
            state[:, part] for state, part in zip(self._whole.step_states, self._parts, strict=True)
        ]


class LoopSignals(nengo_dl.signals.SignalDict):
    """Signals for builders of nengo_dl, which share no arrays.

    Builders read with `gather` and write with `scatter`; the values are in `bases`, by signal.

    Parameters
    ----------
    operators : iterable of nengo.builder.Operator
        The operators that are built.
    batch : int
        The size of the minibatch.
    dt : float
        The length of a step (s).
    dtype : tf.DType
        The type of numbers.
    """

    def __init__(self, operators: Iterable[Operator], batch: int, dt: float, dtype: Any) -> None:
        super().__init__(tf.as_dtype(dtype).name, batch)
        self.dt = tf.constant(dt, dtype)
        self.dt_val = dt
        self.zero = tf.constant(0, dtype)
        self.one = tf.constant(1, dtype)
        for signal in dict.fromkeys(signal for op in operators for signal in op.all_signals):
            if signal.base not in self:
                self._add(signal.base)
            if signal.is_view:
                self[signal] = view_of(self[signal.base], signal)

    def expect(self, base: Signal) -> None:
        """Announce a signal that the first write in a step sets as a whole."""
        shape = shape_of(base)
        self.bases[base] = (self.minibatch_size, *shape) if base.minibatched else shape

    def _add(self, base: Signal) -> None:
        shape = shape_of(base)
        self.get_tensor_signal(
            [(0, shape[0])],
            base,
            type_of(base, self.dtype).name,
            shape,
            base.minibatched,
            label=base.name,
            signal=base,
        )


@dataclass(frozen=True)
class Context:
    """The settings that operators are lowered for.

    Parameters
    ----------
    training : bool
        Whether the network is trained, else it is simulated.
    config : nengo_dl.builder.BuildConfig
        What builders of nengo_dl are told.
    batch : int
        The size of the minibatch.
    dt : float
        The length of a step (s).
    dtype : tf.DType
        The type of numbers.
    on_cpu : bool
        Whether there is no GPU to run on.
    shares_constant_inputs : bool
        Whether what depends on inputs that are constant in time may be computed once for all steps.
        Gradients by the inputs would then be those by the first step.
    uses_series : bool
        Whether LIF neurons start from a state that lets them use series (`_lif.starts_regularly`).
    writes_state : bool
        Whether the state of the simulation is kept for the next call.
    kernels : dict
        The compiled loops, by key.
    effects : dict
        The known side effects of functions of TensorNodes.
    builders : OperatorBuilders
        Makes builders of nengo_dl for single operators.
    checks_numerics : bool
        Whether all numbers are checked to be finite.
    """

    training: bool
    config: Any
    batch: int
    dt: float
    dtype: Any
    on_cpu: bool
    shares_constant_inputs: bool
    uses_series: bool
    writes_state: bool
    kernels: dict[Any, Any]
    effects: dict[Any, Any]
    builders: OperatorBuilders
    checks_numerics: bool = False

    shares_still_inputs = renamed("shares_still_inputs", "shares_constant_inputs")
