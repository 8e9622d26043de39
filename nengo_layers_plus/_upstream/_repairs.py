"""Repairs of nengo_dl and nengo, applied once to the imported modules.

nengo_dl's own Simulator has them too. Each repair is one function with the fault in its docstring.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import os
import pickle
import warnings
import weakref
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

from nengo_layers_plus._upstream._custom_gradients import custom_gradients_kept
from nengo_layers_plus._upstream._graph_repairs import repair_graph, wrap
from nengo_layers_plus._upstream._keras import copy_layer, is_layer, note_random_state
from nengo_layers_plus._upstream._layer_dtype import dtype_blamed, follow_dtype
from nengo_layers_plus._upstream._simulation import native_process_builder, set_initial_value

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
    _repair_matrix_exponentials()
    _repair_failing_builds(nengo_dl)
    _repair_leaving_a_simulator(nengo_dl)
    _repair_dtypes_of_layers(nengo_dl)
    _repair_forked_processes(nengo_dl)
    _repair_refractory_times(nengo_dl)
    _delete_custom_gradients(nengo_dl)
    _track_parts(nengo_dl)
    _refuse_whole_models(nengo_dl)
    _know_loaded_state(nengo_dl)
    _repair_calls(nengo_dl)
    _repair_copies(nengo_dl)
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
    wrap(nengo_dl.Simulator, "__init__", _with_settings_put_back)


def _with_settings_put_back(make: Any, *args: Any, **kwargs: Any) -> None:
    rc = importlib.import_module("nengo.rc").rc
    bits, put_back = rc.get("precision", "bits"), note_random_state()
    try:
        make(*args, **kwargs)
    except BaseException:
        rc.set("precision", "bits", bits)
        put_back()
        raise


def _repair_leaving_a_simulator(nengo_dl: ModuleType) -> None:
    """Have ``with simulator:`` end as in nengo where the Simulator was closed within.

    That would be an error, and leave its device and dtype in force for all that follows.
    """
    wrap(nengo_dl.Simulator, "__exit__", _left_once)


def _left_once(leave: Any, simulator: Any, *args: Any) -> None:
    if not simulator.closed:
        leave(simulator, *args)
        return
    importlib.import_module("tf_keras").backend.set_floatx(simulator._keras_dtype)
    simulator._device_context.__exit__(*args)


# -----------------------------------------------------------------------------
# Keras layers


def _repair_dtypes_of_layers(nengo_dl: ModuleType) -> None:
    """Have Keras layers compute in the dtype of the network.

    They would compute in Keras' own, float32, and fail in a network of float64 without a word of
    which layer it is.
    """
    wrap(nengo_dl.tensor_graph.TensorGraph, "build", _with_dtype_followed)
    wrap(nengo_dl.tensor_node.SimTensorNodeBuilder, "build_step", _with_dtype_blamed)


def _with_dtype_followed(build: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    keras_layer = importlib.import_module("tf_keras").layers.Layer
    for operators in graph.plan:
        for each in operators:
            if isinstance(getattr(each, "func", None), keras_layer):
                follow_dtype(each.func, graph.dtype)
    build(graph, *args, **kwargs)


def _with_dtype_blamed(build_step: Any, builder: Any, signals: Any) -> None:
    with dtype_blamed(builder.ops[0], signals.dtype):
        build_step(builder, signals)


# -----------------------------------------------------------------------------
# Neurons


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


# -----------------------------------------------------------------------------
# Processes

_forked_while_running = False


def _repair_forked_processes(nengo_dl: ModuleType) -> None:
    """Have a Simulator in a forked process be an error where it would wait for ever.

    The threads of TensorFlow, once it has computed anything, are not there in the child.
    """
    context = importlib.import_module("tensorflow.python.eager.context")
    os.register_at_fork(after_in_child=functools.partial(_note_fork, context))
    for name in ("__init__", "check_gradients"):
        wrap(nengo_dl.Simulator, name, _refused_in_forked_process)


def _refuse_in_forked_process() -> None:
    """Raise if this process was forked from one in which TensorFlow was at work."""
    if _forked_while_running:
        raise importlib.import_module("nengo.exceptions").SimulationError(
            "Simulator: this process was forked from one in which TensorFlow was at work, "
            "whose threads are not here, so that it would wait for them for ever. What to "
            'do: start processes by multiprocessing.get_context("spawn"), or make '
            "Simulators in the children alone, before anything is computed in the parent"
        )


def _refused_in_forked_process(method: Any, *args: Any, **kwargs: Any) -> Any:
    _refuse_in_forked_process()
    return method(*args, **kwargs)


def _note_fork(context: Any) -> None:
    global _forked_while_running
    running = context.context_safe()
    _forked_while_running |= running is not None and running._initialized


# -----------------------------------------------------------------------------
# Memory


def _delete_custom_gradients(nengo_dl: ModuleType) -> None:
    """Have a Simulator's custom gradients deleted with it, whatever it traced them for.

    TensorFlow keeps them, and the graphs that they refer to, until the process ends.
    """
    for name in ("_build_keras", "check_gradients"):
        wrap(nengo_dl.simulator.Simulator, name, _with_custom_gradients_kept)
    # a layer is also traced in a graph of its own, to see what shape its output has
    wrap(nengo_dl.tensor_node.TensorFuncParam, "coerce", _without_custom_gradients)


def _with_custom_gradients_kept(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    if simulator.closed:
        return method(simulator, *args, **kwargs)  # which says so
    with custom_gradients_kept(simulator.tensor_graph):
        return method(simulator, *args, **kwargs)


def _without_custom_gradients(method: Any, *args: Any, **kwargs: Any) -> Any:
    with custom_gradients_kept(SimpleNamespace()):
        return method(*args, **kwargs)


# -----------------------------------------------------------------------------
# Checkpoints


def _track_parts(nengo_dl: ModuleType) -> None:
    """Have Keras and TensorFlow save all that a model has.

    They would save no layer of a TensorNode and no state of the simulation. Of several arrays of
    one shape, all of which have one name, they would save the last, or refuse them all.
    """
    graph = nengo_dl.tensor_graph.TensorGraph
    wrap(graph, "add_weight", _with_a_name_of_its_own)
    wrap(graph, "build", _with_parts_tracked)
    graph.save_own_variables = _save_variables
    graph.load_own_variables = _load_variables


def _with_a_name_of_its_own(method: Any, graph: Any, *args: Any, name: str, **kwargs: Any) -> Any:
    if any(each.name.endswith(f"{name}:0") for each in graph.base_params.values()):
        name = f"{name}-{len(graph.base_params)}"
    return method(graph, *args, name=name, **kwargs)


def _with_parts_tracked(method: Any, graph: Any, *args: Any, **kwargs: Any) -> None:
    method(graph, *args, **kwargs)
    for index, layer in enumerate(graph._self_tracked_trackables):
        graph._track_trackable(layer, f"layer_{index}", overwrite=True)
    trackable = importlib.import_module("tensorflow.python.trackable.base").Trackable
    kind = type("SavedState", (SavedState, trackable), {})
    graph._track_trackable(kind(graph), "saved_state", overwrite=True)


class SavedState:
    """The state of a simulation, as checkpoints have it.

    Parameters
    ----------
    graph : nengo_dl.tensor_graph.TensorGraph
        Has the variables.
    """

    def __init__(self, graph: Any) -> None:
        self._graph = weakref.ref(graph)

    def _variables(self) -> dict[str, Any]:
        graph = self._graph()
        values = [] if graph is None else graph.saved_state.values()
        return {str(index): each for index, each in enumerate(values)}

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {name: each.read_value() for name, each in self._variables().items()}

    def _restore_from_tensors(self, tensors: dict[str, Any]) -> None:
        variables = self._variables()
        shapes = {name: each.shape for name, each in tensors.items()}
        if shapes != {name: each.shape for name, each in variables.items()}:
            warnings.warn(
                "the state of the simulation in this checkpoint is that of another minibatch_size "
                "or network: it was not loaded, the parameters were",
                UserWarning,
                stacklevel=2,
            )
            return
        for name, each in variables.items():
            each.assign(tensors[name])


def _save_variables(graph: Any, store: Any) -> None:
    for index, each in enumerate(graph.weights):
        store[str(index)] = each.numpy()


def _load_variables(graph: Any, store: Any) -> None:
    if len(store.keys()) != len(graph.weights):
        raise ValueError(
            f"expected a file with {len(graph.weights)} arrays of parameters, as this network has, "
            f"got {len(store.keys())}"
        )
    for index, each in enumerate(graph.weights):
        each.assign(store[str(index)])


def _refuse_whole_models(nengo_dl: ModuleType) -> None:
    """Have Keras say what to do in the place of saving a whole model, before it writes to a file.

    It can't make the model from a configuration, and finds that out somewhere within.
    """
    wrap(nengo_dl.simulator.Simulator, "_build_keras", _with_refusals)
    wrap(nengo_dl.tensor_graph.TensorGraph, "_trackable_children", _children_for_checkpoints)


def _with_refusals(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> None:
    method(simulator, *args, **kwargs)
    # not attributes that Keras would take for parts of the model
    simulator.keras_model.__dict__.update(save=_refuse, get_config=_refuse)


def _children_for_checkpoints(
    method: Any, graph: Any, save_type: str = "checkpoint", **kwargs: Any
) -> Any:
    return method(graph, save_type, **kwargs) if save_type == "checkpoint" else _refuse()


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise importlib.import_module("nengo.exceptions").SimulationError(
        "keras_model: expected a model that Keras can make from its configuration, got that of a "
        "Simulator, which is made from a Network. What to do: save what it has learned with "
        "nengo_layers_plus.save_parameters(sim, path), or all that it computes with "
        "sim.keras_model.export(path)"
    )


def _know_loaded_state(nengo_dl: ModuleType) -> None:
    """Have a Simulator know how many steps are behind a state that was loaded.

    It would take it for the state before the first step: Nodes would give their first values again,
    and the second minibatch, and the next call, would begin from the initial state.
    """
    for name in ("predict_on_batch", "load_params"):
        wrap(nengo_dl.simulator.Simulator, name, _with_steps_known)


def _with_steps_known(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    with _steps_known(simulator):
        return method(simulator, *args, **kwargs)


@contextlib.contextmanager
def _steps_known(simulator: Any) -> Iterator[None]:
    """Have a Simulator know how many steps its state has behind it, before a call and after it."""
    _know_steps(simulator)
    try:
        yield
    finally:
        _know_steps(simulator)


def _know_steps(simulator: Any) -> None:
    if simulator.closed or not simulator.stateful:
        return
    graph = simulator.tensor_graph
    place = graph.signals[simulator.model.step]
    steps = graph.saved_state[place.key].numpy().take(place.slices[0][0], int(place.minibatched))
    if steps.flat[0] != simulator.n_steps:
        simulator._update_steps()


# -----------------------------------------------------------------------------
# Calls of the Keras model


def _repair_calls(nengo_dl: ModuleType) -> None:
    """Have ``fit``, ``predict`` and ``evaluate`` do what these repairs have around them."""
    wrap(nengo_dl.Simulator, "_call_keras", _in_keras_call)


def _in_keras_call(method: Any, simulator: Any, *args: Any, **kwargs: Any) -> Any:
    _refuse_in_forked_process()
    if simulator.closed:
        return method(simulator, *args, **kwargs)  # which says so
    with custom_gradients_kept(simulator.tensor_graph), _steps_known(simulator):
        return method(simulator, *args, **kwargs)


def keras_call(method: Any) -> Any:
    """Repair a method of a subclass of Simulator that calls the Keras model in its own way."""
    return functools.wraps(method)(lambda *args, **kwargs: _in_keras_call(method, *args, **kwargs))


# -----------------------------------------------------------------------------
# Copies


def _repair_copies(nengo_dl: ModuleType) -> None:
    """Have networks with TensorNodes be copied and pickled.

    nengo makes Nodes anew from sizes, which TensorNodes do not have: they have shapes. What Python
    can't copy or pickle is named, and for Simulators, which can't be, what to do instead is said.
    """
    node: Any = nengo_dl.TensorNode
    node._param_init_order = ["shape_in", "shape_out", "pass_time"]
    node.__copy__ = _copy_node
    node.__deepcopy__ = _deepcopy_node
    node.__reduce_ex__ = _reduce_node
    nengo_dl.Simulator.__getstate__ = _refuse_simulator


def _copy_node(node: Any) -> Any:
    new: Any = object.__new__(type(node))
    new.__setstate__(node.__getstate__())
    return new


def _deepcopy_node(node: Any, copies: dict[int, Any]) -> Any:
    new: Any = object.__new__(type(node))
    copies[id(node)] = new
    function = node.tensor_func
    try:
        if id(function) not in copies and is_layer(function):
            copies[id(function)] = copy_layer(function, copies)
        new.__setstate__(copy.deepcopy(node.__getstate__(), copies))
    except Exception as error:
        raise _copy_error(
            f"{node} can't be copied, as its {_name(function)} can't ({_words(error)}). What to "
            "do: give its class a __deepcopy__ method"
        ) from error
    return new


def _reduce_node(node: Any, protocol: Any) -> Any:
    function = node.tensor_func
    try:
        pickled = pickle.dumps(function, protocol)
        if b"deserialize_model" in pickled:  # what Keras writes of a model it may not read
            pickle.loads(pickled)
    except Exception as error:
        raise pickle.PicklingError(
            f"{node} can't be pickled, as its {_name(function)} can't ({_words(error)}). What to "
            "do: write functions with def, and classes, in a module, where pickle finds them by "
            "their names; or build the network anew, and load what save_parameters saved"
        ) from error
    return object.__reduce_ex__(node, protocol)


def _refuse_simulator(sim: Any) -> Any:
    raise NotImplementedError(
        f"TensorFlow does not support pickling or copying a {type(sim).__name__}. What to do: "
        "save its parameters, nengo_layers_plus.save_parameters(sim, path), make another "
        "Simulator of the network or a copy of it, and load_parameters(other, path)"
    )


def _copy_error(message: str) -> Exception:
    errors = importlib.import_module("nengo.exceptions")
    error: Exception = errors.ValidationError(message, attr="tensor_func")
    return error


def _name(function: Any) -> str:
    """Name what a TensorNode applies."""
    if is_layer(function):
        return f"Keras layer {function.name!r}"
    return f"function {getattr(function, '__qualname__', type(function).__name__)}"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
