"""Repairs of nengo_dl and nengo, applied once to the imported modules.

nengo_dl's own Simulator has them too. Each repair is one function with the fault in its docstring.
"""

from __future__ import annotations

import functools
import importlib
import os
from types import ModuleType, SimpleNamespace
from typing import Any

from nengo_layers_plus._upstream._keras import note_random_state
from nengo_layers_plus._upstream._layer_dtype import dtype_blamed, follow_dtype
from nengo_layers_plus._upstream._simulation import set_initial_value


def repair(nengo_dl: ModuleType) -> None:
    """Repair nengo_dl.

    Parameters
    ----------
    nengo_dl : module
        nengo_dl, imported.
    """
    _repair_linear_filters(nengo_dl)
    _repair_matrix_exponentials()
    _repair_failing_builds(nengo_dl)
    _repair_leaving_a_simulator(nengo_dl)
    _repair_dtypes_of_layers(nengo_dl)
    _repair_forked_processes(nengo_dl)
    _repair_models(nengo_dl)


# -----------------------------------------------------------------------------
# Linear filters


def _repair_linear_filters(nengo_dl: ModuleType) -> None:
    """Have nengo_dl build all linear filters, as well as nengo runs them.

    It knows another shape of their ``D`` than nengo 4, and takes the output of a filter of first
    order for its state, which is wrong in a Node.
    """
    linear_filter = importlib.import_module("nengo.synapses").LinearFilter
    builders: Any = nengo_dl.process_builders
    base: Any = builders.LinearFilterBuilder

    class LinearFilterBuilder(base):
        """Builds `nengo.LinearFilter` synapses."""

        ops: Any

        def build_pre(self, signals: Any, config: Any) -> None:
            """Prepare, with matrices of the shapes that nengo_dl expects."""
            operators = self.ops
            self.ops = [_with_flat_steps(each) for each in operators]
            try:
                super().build_pre(signals, config)
            finally:
                self.ops = operators

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


# -----------------------------------------------------------------------------
# NumPy 2


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


# -----------------------------------------------------------------------------
# Settings of the process


def _repair_failing_builds(nengo_dl: ModuleType) -> None:
    """Have a Simulator that can't be built leave the settings of the process as they were.

    nengo's precision would stay that of the network, 32 bits, for all that is simulated afterwards,
    and the random generators would go on from where the building stopped.
    """
    simulator: Any = nengo_dl.Simulator
    make = simulator.__init__
    rc = importlib.import_module("nengo.rc").rc

    @functools.wraps(make)
    def make_or_undo(self: Any, *args: Any, **kwargs: Any) -> None:
        bits, put_back = rc.get("precision", "bits"), note_random_state()
        try:
            make(self, *args, **kwargs)
        except BaseException:
            rc.set("precision", "bits", bits)
            put_back()
            raise

    simulator.__init__ = make_or_undo


def _repair_leaving_a_simulator(nengo_dl: ModuleType) -> None:
    """Have ``with simulator:`` end as in nengo where the Simulator was closed within.

    That would be an error, and leave its device and dtype in force for all that follows.
    """
    simulator: Any = nengo_dl.Simulator
    leave = simulator.__exit__
    backend = importlib.import_module("tf_keras").backend

    @functools.wraps(leave)
    def leave_once(self: Any, *args: Any) -> None:
        if not self.closed:
            leave(self, *args)
            return
        backend.set_floatx(self._keras_dtype)
        self._device_context.__exit__(*args)

    simulator.__exit__ = leave_once


# -----------------------------------------------------------------------------
# Keras layers


def _repair_dtypes_of_layers(nengo_dl: ModuleType) -> None:
    """Have Keras layers compute in the dtype of the network.

    They would compute in Keras' own, float32, and fail in a network of float64 without a word of
    which layer it is.
    """
    keras_layer = importlib.import_module("tf_keras").layers.Layer
    graph: Any = nengo_dl.tensor_graph.TensorGraph
    builder: Any = nengo_dl.tensor_node.SimTensorNodeBuilder
    build, build_step = graph.build, builder.build_step

    @functools.wraps(build)
    def build_in_dtype(self: Any, input_shape: Any = None) -> None:
        for operators in self.plan:
            for each in operators:
                if isinstance(getattr(each, "func", None), keras_layer):
                    follow_dtype(each.func, self.dtype)
        build(self, input_shape)

    @functools.wraps(build_step)
    def build_step_or_blame(self: Any, signals: Any) -> None:
        with dtype_blamed(self.ops[0], signals.dtype):
            build_step(self, signals)

    graph.build, builder.build_step = build_in_dtype, build_step_or_blame


# -----------------------------------------------------------------------------
# Models


def _repair_models(nengo_dl: ModuleType) -> None:
    """Have operators of a model be such that nengo_dl makes of them what nengo does.

    - nengo takes a step off the refractory time of `nengo.LIF` before it is used, and nengo_dl
      afterwards, so that an initial one lasted a step longer.
    - Noise of an ensemble was left out where a Node had an equal process, as if it were the Node's.
    """
    model: Any = nengo_dl.builder.NengoModel
    neurons = importlib.import_module("nengo.builder.neurons").SimNeurons
    processes = importlib.import_module("nengo.builder.processes").SimProcess
    lif = importlib.import_module("nengo").LIF
    add_op = model.add_op

    @functools.wraps(add_op)
    def add_op_as_in_nengo(self: Any, op: Any) -> None:
        add_op(self, op)
        if type(op) is neurons and type(op.neurons) is lif:
            signal = op.state["refractory_time"]
            initial = signal.initial_value
            if (initial > 0).any():
                set_initial_value(signal, initial - self.dt * (initial > 0))
        elif isinstance(op, processes) and op.input is None and op.mode == "inc":
            op.process = _Noise(op.process)

    model.add_op = add_op_as_in_nengo


class _Noise:
    """The process of the noise of an ensemble, which is equal to no other one."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        """The class of the process, for ``isinstance``."""
        return self._process.__class__

    def __reduce__(self) -> Any:
        return _Noise, (self._process,)

    def __repr__(self) -> str:
        return repr(self._process)


# -----------------------------------------------------------------------------
# Processes

_forked_while_running = False


def _repair_forked_processes(nengo_dl: ModuleType) -> None:
    """Have a Simulator in a forked process be an error where it would wait for ever.

    The threads of TensorFlow, once it has computed anything, are not there in the child.
    """
    simulator: Any = nengo_dl.Simulator
    exceptions = importlib.import_module("nengo.exceptions")
    context = importlib.import_module("tensorflow.python.eager.context")
    os.register_at_fork(after_in_child=functools.partial(_note_fork, context))
    for name in ("__init__", "_call_keras", "check_gradients"):
        method = getattr(simulator, name)

        @functools.wraps(method)
        def call(self: Any, *args: Any, _method: Any = method, **kwargs: Any) -> Any:
            if _forked_while_running:
                raise exceptions.SimulationError(
                    "Simulator: this process was forked from one in which TensorFlow was at work, "
                    "whose threads are not here, so that it would wait for them for ever. What to "
                    'do: start processes by multiprocessing.get_context("spawn"), or make '
                    "Simulators in the children alone, before anything is computed in the parent"
                )
            return _method(self, *args, **kwargs)

        setattr(simulator, name, call)


def _note_fork(context: Any) -> None:
    global _forked_while_running
    running = context.context_safe()
    _forked_while_running |= running is not None and running._initialized
