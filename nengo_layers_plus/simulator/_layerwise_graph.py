"""The model as a Keras layer that runs layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from nengo.exceptions import BuildError, ValidationError

from nengo_layers_plus._upstream import ChangedVariable, nengo_dl, random_state_kept, tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus._upstream._tensor_graph import SequenceGraph
from nengo_layers_plus.graph import listed
from nengo_layers_plus.graph._keras_layers import weights_of
from nengo_layers_plus.simulator._choice import Choice, choose
from nengo_layers_plus.simulator._chunks import run_in_chunks
from nengo_layers_plus.simulator._execution import Execution
from nengo_layers_plus.simulator._execution_rows import PartNames, list_rows
from nengo_layers_plus.simulator._numerics import Numerics
from nengo_layers_plus.simulator._operator_builders import (
    Context,
    OperatorBuilders,
    is_built_by_nengo_dl,
)
from nengo_layers_plus.simulator._pipeline import Observed, Pipeline
from nengo_layers_plus.simulator._plan import ExecutionPlan
from nengo_layers_plus.simulator._settings import MEMORY_LIMIT_OF_SIMULATION, RunSettings
from nengo_layers_plus.simulator._tiles import Sizes, bytes_per_step, choose_sizes, count_cores
from nengo_layers_plus.simulator._views import type_of
from nengo_layers_plus.simulator.rules._rule import Schedule
from nengo_layers_plus.simulator.rules._tensor_node import gets_gradient, state_of

# The number of copies of each value that are kept until the gradient is computed.
_COPIES_FOR_GRADIENT = 3


class LayerwiseGraph(SequenceGraph):
    """Runs the operators of a model one after another, each over the whole sequence."""

    def run_sequence(self, training: Any) -> tuple[dict[Any, Any], list[Any], list[Any], Any]:
        """Run the model; see `SequenceGraph`."""
        context = self._context(training)
        plan = self.plan_for(context)
        steps, length = self._count_steps()
        state_keys = list(self.state_of_signals)
        learned_keys = [key for key in self.base_params if self._signals_by_key[key][0].minibatched]
        sizes = self._sizes(plan, context, steps, length)
        keys = learned_keys
        if context.writes_state or length is None or length > sizes.longest:
            keys = [*state_keys, *learned_keys]  # the next chunk or call starts from these
        final_signals = [base for key in keys for base in self._signals_by_key[key]]
        pipeline = Pipeline(plan, context, Observed(self._probed(), final_signals), self.numerics)
        initial = self._initial_values()
        if self.numerics is not None:
            initial = self.numerics.guard_initial(initial, plan, context.training)
        if self.settings.constructing and not all(map(is_built_by_nengo_dl, plan.decisions)):
            # built but never run, so that errors in a user's builder are raised now
            pipeline.run(self._inputs(steps), initial, steps, keeps_length=False)
        if self.settings.constructing or length == 0:
            records = [self._blank(signal, keeps, steps) for signal, keeps in self._probed()]
            final = [initial[signal] for signal in final_signals]
        else:
            records, final = run_in_chunks(
                pipeline,
                self._inputs(steps),
                initial,
                steps,
                sizes,
                self.settings.report,
                length,
            )
        ends = dict(zip(final_signals, final, strict=True))
        state = [
            self._gather(key, ends) if key in keys else tf.identity(variable)
            for key, variable in self.state_of_signals.items()
        ]
        parameters = [
            self._gather(key, ends) if key in learned_keys else tf.identity(variable)
            for key, variable in self.base_params.items()
        ]
        return dict(zip(self.model.probes, records, strict=True)), state, parameters, steps

    @property
    def writes_state(self) -> bool:
        """Whether the state of the simulation is kept for the next call."""
        return self.settings.writes_state

    @property
    def carries_state(self) -> bool:
        """Whether the state is written although the network is set to stateful=False."""
        return self.settings.carries_state

    def runs_step_by_step(self, training: Any) -> bool:
        """Say whether nengo_dl's own loop is to run, as was asked for or is the faster way."""
        if self.settings.execution == "stepwise":
            return True
        context = self._context(training)
        if self.settings.execution == "layerwise":
            self._require_layers(context)
            return False
        if self.settings.check_numerics:
            return False
        if self.settings.defers_compilation and not context.training:
            return True
        return not self.choice_for(context).layerwise

    def defers_compilation(self, steps: int) -> bool:
        """Say whether compilation is deferred, and count the steps of a simulation.

        Compiling many operators takes seconds, which is not worth it until the steps that were
        requested so far take as long. Until then a simulation runs step by step.

        Parameters
        ----------
        steps : int
            The number of steps that are about to be run.
        """
        if self.settings.execution != "auto" or self.settings.check_numerics:
            return False
        self.settings.steps_requested += steps
        if self.phase_of(False):
            return False
        choice = self._choices.get(False) or self.choice_for(self._context(False))
        return choice.layerwise and self.settings.steps_requested < choice.deferred_steps

    def describe(self, training: bool) -> Execution:
        """Say how the model runs."""
        if self.settings.execution == "stepwise":
            return Execution("stepwise", "as was asked for", [], training)
        context = self._context(self.phase_of(training))
        if self.settings.check_numerics and self.settings.execution == "auto":
            return self._execution("layerwise", "as check_numerics asks for", context, training)
        choice = self.choice_for(context)
        if self.settings.execution == "auto" and not choice.layerwise:
            return Execution("stepwise", choice.why, [], training)
        why = choice.why if self.settings.execution == "auto" else "as was asked for"
        may_defer = self.settings.execution == "auto" and not context.training
        waits = max(choice.deferred_steps - self.settings.steps_requested, 0) if may_defer else 0
        if waits:
            why = f"for about {waits:,} steps, as compiling takes longer; then layerwise, {why}"
        mode = "stepwise" if waits else "layerwise"
        return self._execution(mode, why, context, training, waits)

    def _execution(
        self, mode: str, why: str, context: Context, training: bool, waits: int = 0
    ) -> Execution:
        names = PartNames(self.model)
        rows = list_rows(self.plan_for(context), names)
        if rows and all(row.runs == Schedule.STEP.value for row in rows):
            mode, why = "stepwise", "; ".join(dict.fromkeys(row.why for row in rows))
        return Execution(mode, why, rows, training, waits, names.alike())

    def _require_layers(self, context: Context) -> None:
        steps = [
            row
            for row in list_rows(self.plan_for(context), PartNames(self.model))
            if row.runs == Schedule.STEP.value
        ]
        if steps:
            reasons = "\n".join(f"  {listed(row.names)}: {row.why}" for row in steps)
            raise BuildError(
                f"Simulator: expected a network that runs layer by layer as a whole, for "
                f'execution="layerwise"; got parts that have to run step by step:\n{reasons}\n'
                f'What to do: use execution="auto", which runs these parts, and nothing else, '
                f"step by step"
            )

    def choice_for(self, context: Context) -> Choice:
        """Choose between layer by layer and step by step."""
        if context.training not in self._choices:
            plan = self.plan_for(context)
            self._choices[context.training] = choose(plan, context, len(self.plan))
        return self._choices[context.training]

    def _sizes(
        self, plan: ExecutionPlan, context: Context, steps: Any, length: int | None
    ) -> Sizes:
        """Choose how much is run at once; in training that is all, or it is an error."""
        limit = self.settings.memory_limit
        if not context.training:
            # checked minibatches are not divided, so that errors give the number of an item
            cores = 1 if context.checks_numerics else count_cores()
            return choose_sizes(plan, context, length, limit or MEMORY_LIMIT_OF_SIMULATION, cores)
        if limit is None:
            return Sizes(parts=1, longest=np.iinfo(np.int32).max)
        step_bytes = max(1, bytes_per_step(plan, self.minibatch_size, context.dtype))
        longest = max(1, limit // (_COPIES_FOR_GRADIENT * step_bytes))
        message = (
            f"Simulator.fit: expected a sequence whose values fit into memory_limit={limit:,} "
            f"bytes, at about {_COPIES_FOR_GRADIENT * step_bytes:,} bytes a step: {longest} steps. "
            f"What to do: train on shorter sequences, in chunks of steps (truncation=...) or with "
            f"a smaller minibatch_size, or give the Simulator a larger memory_limit"
        )
        known = steps if isinstance(steps, int) else length
        if known is not None and known > max(longest, 1):
            self.settings.problem = ValidationError(message, "memory_limit", obj=None)
            raise self.settings.problem
        if known is None:
            tf.debugging.assert_less_equal(steps, longest, message=message)
        return Sizes(parts=1, longest=longest)

    def _blank(self, signal: Any, keeps: bool, steps: Any) -> Any:
        """Make what a probe would record, without running anything."""
        batch = self.minibatch_size if signal.minibatched else 1
        kind = type_of(signal, self.dtype)
        count = steps if keeps else tf.minimum(steps, 1)
        return tf.zeros([batch, count, *shape_of(signal)], kind)

    def plan_for(self, context: Context) -> ExecutionPlan:
        """Plan the operators, in the order in which nengo_dl has planned them."""
        if context.training not in self._plans:
            operators = [operator for group in self.plan for operator in group]
            observed = [self.model.sig[probe]["in"] for probe in self.model.probes]
            self._plans[context.training] = ExecutionPlan(operators, observed, context)
        return self._plans[context.training]

    def forget_plans(self) -> None:
        """Forget the plans made while the Keras model was built, when no variable changes."""
        self._plans.clear()
        self._choices.clear()

    def build_post(self) -> None:
        """Finish the building; also called at each reset."""
        super().build_post()
        self.operator_builders.finish()
        if self.settings.constructing:
            self._effects.clear()  # traced while layers did not change variables
            for operator, changed in self._find_state_of_layers():
                self.keep_state_of_layer(changed.variable)  # its value now is the initial state
                if changed.depends and changed.variable.dtype.is_floating:
                    self.cuts_gradients.append(operator)

    def _find_state_of_layers(self) -> Iterator[tuple[Any, ChangedVariable]]:
        """Find the variables in which Keras layers keep a state from step to step."""
        self._built_weights[:] = self._weights_of_layers()
        context = self._context(False)
        for operator in self._tensor_nodes:
            with random_state_kept():
                state = state_of(operator, context)
            yield from ((operator, changed) for changed in state)

    def follow_layers(self) -> None:
        """Replace the variables of layers that another Simulator has rebuilt since."""
        if not self.state_of_layers or self._built_weights == self._weights_of_layers():
            return
        for made_with_others in (self._effects, self._kernels, self._plans, self._choices):
            made_with_others.clear()
        variables = {
            changed.variable.ref(): changed.variable for _, changed in self._find_state_of_layers()
        }
        self.state_of_layers.update(zip(self.state_of_layers, variables.values(), strict=True))

    def _weights_of_layers(self) -> list[Any]:
        functions = (operator.func for operator in self._tensor_nodes)
        layers = (function for function in functions if isinstance(function, tf.keras.layers.Layer))
        return [weight.ref() for layer in layers for weight in weights_of(layer)]

    @property
    def _tensor_nodes(self) -> list[Any]:
        kind = nengo_dl.tensor_node.SimTensorNode
        return [operator for operator, *_ in self.plan if isinstance(operator, kind)]

    def trained_state(self) -> list[tuple[Any, Any]]:
        """List the TensorNodes and variables of state that say they train, and get a gradient.

        What assigns them in each step would undo what an optimiser does.
        """
        if not self.state_of_layers:
            return []
        context = self._context(True)
        state = {id(variable) for variable in self.state_of_layers.values()}
        with random_state_kept():
            return [
                (operator, weight)
                for operator in self._tensor_nodes
                for weight in getattr(operator.func, "trainable_weights", ())
                if id(weight) in state
                and weight.dtype.is_floating
                and gets_gradient(operator, context, weight)
            ]

    # cached properties, since Keras tracks attributes of a layer as its parts

    @cached_property
    def settings(self) -> RunSettings:
        """The settings of the Simulator and of the call in progress."""
        return RunSettings()

    @cached_property
    def _plans(self) -> dict[bool, ExecutionPlan]:
        """The plan for training (True) and for simulation (False)."""
        return {}

    @cached_property
    def _choices(self) -> dict[bool, Choice]:
        """The choice of how to run, in training (True) and in simulation (False)."""
        return {}

    @cached_property
    def _kernels(self) -> dict[Any, Any]:
        """The compiled loops, which all functions of the Keras model share."""
        return {}

    @cached_property
    def _effects(self) -> dict[Any, Any]:
        """The side effects of the functions of TensorNodes."""
        return {}

    @cached_property
    def _built_weights(self) -> list[Any]:
        """The weights of layers at the time at which their state was listed."""
        return []

    @cached_property
    def cuts_gradients(self) -> list[Any]:
        """The TensorNodes through whose state no gradient goes back in time."""
        return []

    @cached_property
    def numerics(self) -> Numerics | None:
        """The checks of ``check_numerics``; None without it."""
        if not self.settings.check_numerics:
            return None
        return Numerics(self.model, self.dt, self._note_problem)

    def _note_problem(self, problem: Exception) -> None:
        self.settings.problem = self.settings.problem or problem

    def check_parameters(self) -> None:
        """Raise an error if a parameter is not finite now."""
        if self.numerics is not None:
            plan = self.plan_for(self._context(False))
            self.numerics.guard_initial(self._initial_values(), plan, training=False)

    @cached_property
    def operator_builders(self) -> OperatorBuilders:
        """The builders for single operators."""
        return OperatorBuilders(self.op_builder.op_builds)

    @cached_property
    def _signals_by_key(self) -> dict[Any, list[Any]]:
        """The signals that share an array, in the order in which they lie in it."""
        by_key: dict[Any, list[Any]] = {}
        for signal, place in self.signals.items():
            if not signal.is_view:
                by_key.setdefault(place.key, []).append(signal)
        for signals in by_key.values():
            signals.sort(key=lambda signal: self.signals[signal].slices[0])
        return by_key

    def _context(self, training: Any) -> Context:
        training = bool(tf.get_static_value(training) if tf.is_tensor(training) else training)
        config = nengo_dl.builder.BuildConfig(
            inference_only=self.inference_only,
            lif_smoothing=nengo_dl.config.get_setting(self.model, "lif_smoothing"),
            cpu_only=(self.device is not None and "cpu" in self.device.lower())
            or not nengo_dl.utils.tf_gpu_installed,
            rng=None,
            training=training,
        )
        return Context(
            training=training,
            config=config,
            batch=self.minibatch_size,
            dt=self.dt,
            dtype=tf.as_dtype(self.dtype),
            on_cpu=config.cpu_only,
            shares_constant_inputs=self.settings.shares_constant_inputs,
            uses_series=self.settings.uses_series,
            writes_state=self.settings.writes_state,
            kernels=self._kernels,
            effects=self._effects,
            builders=self.operator_builders,
            checks_numerics=self.settings.check_numerics,
        )

    def _count_steps(self) -> tuple[Any, int | None]:
        """Return the number of steps, and as a Python number if it is known while tracing.

        The first is a Python number only if it is the same in each call.
        """
        if not self.use_loop:
            return self.unroll, self.unroll
        if self.settings.steps is not None:
            steps = -(-self.settings.steps // self.unroll) * self.unroll
            return steps, steps
        steps = self.steps_to_run
        lengths = {
            tensor.shape[1]
            for node, tensor in self.node_inputs.items()
            if not self.is_constant_in_time(node) or tensor.shape[1] != 1
        }
        length = lengths.pop() if len(lengths) == 1 else None
        static = tf.get_static_value(steps)
        if static is not None:
            steps = length = int(static)
        elif self.unroll == 1 and length == 1:
            with tf.control_dependencies([tf.debugging.assert_equal(steps, 1)]):
                return 1, 1
        return -(-steps // self.unroll) * self.unroll, length

    def is_constant_in_time(self, node: Any) -> bool:
        """Say whether an input is known to be the same in all steps."""
        return isinstance(node.output, np.ndarray) or node in self.settings.constant_inputs

    def _inputs(self, steps: Any) -> dict[Any, Any]:
        """Return the values of the inputs: of all steps, or of one if a Node is constant."""
        inputs = {}
        for node, tensor in self.node_inputs.items():
            signal = self.model.sig[node]["out"]
            if signal not in self.signals:
                continue  # nothing uses it
            if self.is_constant_in_time(node):
                if tensor.shape[1] is None:
                    tensor = tensor[:, : tf.maximum(steps, 1)]
                elif tensor.shape[1] > 1:
                    tensor = tensor[:, :steps]
            else:
                checks = []
                if not isinstance(steps, int) or steps != tensor.shape[1]:
                    message = f"the data of {node} has fewer steps than are to be run"
                    checks = [
                        tf.debugging.assert_less_equal(steps, tf.shape(tensor)[1], message=message)
                    ]
                with tf.control_dependencies([check for check in checks if check is not None]):
                    tensor = tensor[:, :steps]
            inputs[signal] = tensor
        return inputs

    def _initial_values(self) -> dict[Any, Any]:
        initial: dict[Any, Any] = {}
        for key, variable in (*self.state_of_signals.items(), *self.base_params.items()):
            signals = self._signals_by_key[key]
            minibatched = int(signals[0].minibatched)
            value = tf.identity(variable)
            if len(signals) > 1:
                sizes = [self.signals[signal].shape[0] for signal in signals]
                parts = tf.split(value, sizes, axis=minibatched)
            else:
                parts = [value]
            initial.update(zip(signals, parts, strict=True))
        return initial

    def _probed(self) -> list[tuple[Any, bool]]:
        return [
            (
                self.model.sig[probe]["in"],
                nengo_dl.config.get_setting(self.model, "keep_history", default=True, obj=probe),
            )
            for probe in self.model.probes
        ]

    def _gather(self, key: Any, ends: dict[Any, Any]) -> Any:
        """Put the values of signals that share an array together."""
        signals = self._signals_by_key[key]
        parts = [ends[signal] for signal in signals]
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=int(signals[0].minibatched))
