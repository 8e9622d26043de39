"""Repairs of how operators of nengo are computed."""

from __future__ import annotations

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

from nengo_layers_plus._upstream._simulation import native_process_builder, set_initial_value, wrap


def repair_operators(nengo_dl: ModuleType) -> None:
    """Make these repairs.

    Parameters
    ----------
    nengo_dl : module
        nengo_dl, imported.
    """
    _repair_linear_filters(nengo_dl)
    _repair_redefined_processes(nengo_dl)
    _repair_matrix_exponentials()
    _repair_refractory_times(nengo_dl)
    _add_recursive_least_squares(nengo_dl)


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

    # so that it counts as a builder of nengo_dl's own
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
        kinds = [native_process_builder(operator.process) for operator in (one, other)]
        return kinds[0] is kinds[1] and mergeable(one, other)

    wrap(builders.SimProcessBuilder, "__init__", make)
    wrap(builders.SimProcessBuilder, "mergeable", merges)


def _repair_matrix_exponentials() -> None:
    """Have nengo discretise filters of order 200 and more on NumPy 2.

    The exponential of so large a matrix asks NumPy for functions that it has no more, or warns of.
    """
    numpy = importlib.import_module("numpy")
    # NumPy, with these; NumPy itself stays as it is
    with_old_names: Any = ModuleType("numpy")
    with_old_names.find_common_type = lambda arrays, scalars: numpy.result_type(*arrays, *scalars)
    with_old_names.in1d = numpy.isin
    with_old_names.__getattr__ = lambda name: getattr(numpy, name)
    for name in ("linalg_expm", "linalg_interface", "linalg_onenormest"):
        module: Any = importlib.import_module(f"nengo._vendor.scipy.sparse.{name}")
        module.np = with_old_names


def _repair_refractory_times(nengo_dl: ModuleType) -> None:
    """Have an initial refractory time of `nengo.LIF` last as long as in nengo.

    nengo takes a step off it before it is used, and nengo_dl afterwards: it lasted a step longer.
    """
    wrap(nengo_dl.builder.NengoModel, "add_op", _with_refractory_time_as_in_nengo)


def _with_refractory_time_as_in_nengo(add: Any, model: Any, operator: Any) -> None:
    add(model, operator)
    neurons = importlib.import_module("nengo.builder.neurons").SimNeurons
    lif = importlib.import_module("nengo").LIF
    if type(operator) is neurons and type(operator.neurons) is lif:
        signal = operator.state["refractory_time"]
        initial = signal.initial_value
        if (initial > 0).any():
            set_initial_value(signal, initial - model.dt * (initial > 0))


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

    # so that it counts as a builder of nengo_dl's own
    SimRLSBuilder.__module__ = nengo_dl.learning_rule_builders.__name__
    nengo_dl.builder.Builder.builders[operator_type] = SimRLSBuilder
