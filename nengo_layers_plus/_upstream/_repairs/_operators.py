"""Repairs of how operators of nengo are computed."""

from __future__ import annotations

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy

from nengo_layers_plus._upstream._libraries import nengo, nengo_dl, tf
from nengo_layers_plus._upstream._repairs._registry import repairs
from nengo_layers_plus._upstream._simulation import native_process_builder, set_initial_value


@repairs()
def _repair_linear_filters(nengo_dl: ModuleType) -> None:
    """Have nengo_dl build all linear filters, as well as nengo runs them.

    It knows another shape of their ``D`` than nengo 4, takes the output of a filter of first order
    for its state, which is wrong in a Node, and takes filters whose steps are of several kinds,
    such as ``Alpha(0)`` and ``Alpha(0.01)``, for filters of one.
    """
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
    builders.SimProcessBuilder.TF_PROCESS_IMPL[nengo.LinearFilter] = LinearFilterBuilder


def _with_flat_steps(operator: Any) -> SimpleNamespace:
    """Imitate an operator whose process makes steps with a flat ``D``."""
    process = operator.process
    steps = nengo.LinearFilter

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


@repairs("process_builders.SimProcessBuilder.__init__")
def _build_redefined_processes(init: Any, builder: Any, operators: Any) -> None:
    """Call the steps of processes whose class defines them itself.

    nengo_dl computes each subclass of ``Lowpass`` and ``LinearFilter`` as these, whatever it does.
    """
    init(builder, operators)
    native = native_process_builder(operators[0].process)
    builder.built_process = (native or nengo_dl.process_builders.GenericProcessBuilder)(operators)


@repairs("process_builders.SimProcessBuilder.mergeable")
def _keep_redefined_processes_apart(mergeable: Any, one: Any, other: Any) -> bool:
    """Merge processes of one builder alone; see `_build_redefined_processes`."""
    builders = [native_process_builder(operator.process) for operator in (one, other)]
    return builders[0] is builders[1] and mergeable(one, other)


@repairs()
def _repair_matrix_exponentials(_: ModuleType) -> None:
    """Have nengo discretise filters of order 200 and more on NumPy 2.

    The exponential of so large a matrix asks NumPy for functions that it has no more, or warns of.
    """
    # NumPy, with these; NumPy itself stays as it is
    with_old_names: Any = ModuleType("numpy")
    with_old_names.find_common_type = lambda arrays, scalars: numpy.result_type(*arrays, *scalars)
    with_old_names.in1d = numpy.isin
    with_old_names.__getattr__ = lambda name: getattr(numpy, name)
    for name in ("linalg_expm", "linalg_interface", "linalg_onenormest"):
        module: Any = importlib.import_module(f"nengo._vendor.scipy.sparse.{name}")
        module.np = with_old_names


@repairs("builder.NengoModel.add_op")
def _shorten_refractory_times(add_op: Any, model: Any, operator: Any) -> None:
    """Have an initial refractory time of `nengo.LIF` last as long as in nengo.

    nengo takes a step off it before it is used, and nengo_dl afterwards: it lasted a step longer.
    """
    add_op(model, operator)
    is_neurons = type(operator) is nengo.builder.neurons.SimNeurons
    if is_neurons and type(operator.neurons) is nengo.LIF:
        signal = operator.state["refractory_time"]
        initial = signal.initial_value
        if (initial > 0).any():
            set_initial_value(signal, initial - model.dt * (initial > 0))


@repairs()
def _add_recursive_least_squares(nengo_dl: ModuleType) -> None:
    """Build `nengo.RLS`, which nengo_dl has no builder for."""

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
            projected = tf.linalg.matvec(inverse, activities)
            norm = tf.reduce_sum(activities * projected, axis=-1, keepdims=True)
            gain = projected / (1 + norm)
            outer = projected[:, :, None] * gain[:, None, :]
            signals.scatter(self.inverse, inverse - outer)
            error = signals.gather(self.error)
            signals.scatter(self.delta, -error[:, :, None] * gain[:, None, :])

    # so that it counts as a builder of nengo_dl's own
    SimRLSBuilder.__module__ = nengo_dl.learning_rule_builders.__name__
    nengo_dl.builder.Builder.builders[nengo.builder.learning_rules.SimRLS] = SimRLSBuilder
