"""Repairs of nengo_dl and nengo, applied once to the imported modules.

nengo_dl's own Simulator has them too. Each repair is one function with the fault in its docstring.
"""

from __future__ import annotations

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

from nengo_layers_plus._upstream._graph_repairs import repair_graph, wrap
from nengo_layers_plus._upstream._simulation import native_process_builder

_is_repaired = "is_repaired_by_nengo_layers_plus"


def repair(nengo_dl: ModuleType) -> None:
    """Repair nengo_dl.

    Parameters
    ----------
    nengo_dl : module
        nengo_dl, imported.
    """
    if hasattr(nengo_dl, _is_repaired):
        return
    repair_graph(nengo_dl)
    _repair_linear_filters(nengo_dl)
    _repair_redefined_processes(nengo_dl)
    _add_recursive_least_squares(nengo_dl)
    setattr(nengo_dl, _is_repaired, True)


# -----------------------------------------------------------------------------
# Processes


def _repair_linear_filters(nengo_dl: ModuleType) -> None:
    """Have nengo_dl build all linear filters, as well as nengo runs them.

    It knows another shape of their ``D`` than nengo 4, takes the output of a filter of first order
    for its state, which is wrong in a Node, and takes filters whose steps are of several kinds,
    such as ``Alpha(0)`` and ``Alpha(0.01)``, for filters of one.
    """
    linear_filter = importlib.import_module("nengo.synapses").LinearFilter
    builders: Any = nengo_dl.process_builders
    base: Any = builders.LinearFilterBuilder

    class LinearFilterBuilder(nengo_dl.builder.OpBuilder):  # type: ignore[name-defined]
        """Builds `nengo.LinearFilter` synapses."""

        ops: Any

        def build_pre(self, signals: Any, config: Any) -> None:
            """Prepare a builder of nengo_dl for each kind of steps."""
            super().build_pre(signals, config)
            kinds: dict[Any, list[Any]] = {}
            for operator in map(_with_flat_steps, self.ops):
                process, shapes = operator.process, (operator.input.shape, operator.output.shape)
                state = process.make_state(*shapes, signals.dt_val)
                step = process.make_step(*shapes, signals.dt_val, rng=None, state=state)
                kinds.setdefault((type(step), step.A.shape), []).append(operator)
            self.parts = [base(operators) for operators in kinds.values()]
            for part in self.parts:
                part.build_pre(signals, config)

        def build_step(self, signals: Any) -> None:
            """Build a step."""
            for part in self.parts:
                part.build_step(signals)

    # what nengo_dl takes it for: one of its own
    LinearFilterBuilder.__module__ = builders.__name__
    builders.SimProcessBuilder.TF_PROCESS_IMPL[linear_filter] = LinearFilterBuilder


def _with_flat_steps(operator: Any) -> SimpleNamespace:
    """Imitate an operator whose process makes steps with a flat ``D``."""
    process = operator.process
    steps = importlib.import_module("nengo.synapses").LinearFilter

    def make_step(*args: Any, **kwargs: Any) -> Any:
        step = process.make_step(*args, **kwargs)
        if isinstance(step, steps.OneX) and operator.mode == "set":
            # nengo_dl would take its output for its state, and here that starts each step anew
            step = steps.NoD(step.A, step.B, step.C, step.D, step.X)
        step.D = step.D.reshape(-1)
        return step

    return SimpleNamespace(
        input=operator.input,
        output=operator.output,
        state=operator.state,
        process=SimpleNamespace(make_step=make_step, make_state=process.make_state),
    )


def _repair_redefined_processes(nengo_dl: ModuleType) -> None:
    """Call the steps of processes whose class defines them itself.

    nengo_dl computes each subclass of ``Lowpass`` and ``LinearFilter`` as these, whatever it does.
    """
    builders: Any = nengo_dl.process_builders

    def make(init: Any, builder: Any, operators: Any) -> None:
        init(builder, operators)
        native = native_process_builder(operators[0].process)
        builder.built_process = (native or builders.GenericProcessBuilder)(operators)

    def merges(mergeable: Any, one: Any, other: Any) -> bool:
        kinds = [native_process_builder(each.process) for each in (one, other)]
        return kinds[0] is kinds[1] and mergeable(one, other)

    wrap(builders.SimProcessBuilder, "__init__", make)
    wrap(builders.SimProcessBuilder, "mergeable", merges)
    builders.SimProcessBuilder.mergeable = staticmethod(builders.SimProcessBuilder.mergeable)


# -----------------------------------------------------------------------------
# Learning rules


def _add_recursive_least_squares(nengo_dl: ModuleType) -> None:
    """Build `nengo.RLS`, which nengo_dl has no builder for."""
    tensorflow = importlib.import_module("tensorflow")
    operator_type = importlib.import_module("nengo.builder.learning_rules").SimRLS

    class SimRLSBuilder(nengo_dl.builder.OpBuilder):  # type: ignore[name-defined]
        """Builds an operator of recursive least squares, for each item of a minibatch by itself."""

        ops: Any

        def build_pre(self, signals: Any, config: Any) -> None:
            """Find the signals."""
            super().build_pre(signals, config)
            (operator,) = self.ops
            self.activities = signals[operator.pre_filtered]
            self.error = signals[operator.error]
            self.delta = signals[operator.delta]
            self.inverse = signals[operator.inv_gamma]

        def build_step(self, signals: Any) -> None:
            """Update the inverse of the correlations, and the change of the weights."""
            activities = signals.gather(self.activities)
            inverse = signals.gather(self.inverse)
            projected = tensorflow.linalg.matvec(inverse, activities)
            norm = tensorflow.reduce_sum(activities * projected, axis=-1, keepdims=True)
            gain = projected / (1 + norm)
            outer = projected[:, :, None] * gain[:, None, :]
            signals.scatter(self.inverse, inverse - outer)
            error = signals.gather(self.error)
            signals.scatter(self.delta, -error[:, :, None] * gain[:, None, :])

    # what nengo_dl takes it for: one of its own
    SimRLSBuilder.__module__ = nengo_dl.learning_rule_builders.__name__
    nengo_dl.builder.Builder.builders[operator_type] = SimRLSBuilder
