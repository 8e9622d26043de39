"""The model as a Keras layer that runs layer by layer."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._tensor_graph import SequenceGraph
from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._operator_builders import OperatorBuilders
from nengo_layers_plus.simulator._pipeline import Observed, Pipeline
from nengo_layers_plus.simulator._plan import Plan
from nengo_layers_plus.simulator._tiles import run_in_tiles


class LayerwiseGraph(SequenceGraph):
    """Runs the operators of a model one after another, each over the whole sequence."""

    def run_sequence(self, training: Any) -> tuple[dict[Any, Any], list[Any], list[Any], Any]:
        """Run the model; see `SequenceGraph`."""
        context = self._context(training)
        steps, keeps_length = self._count_steps()
        state_keys = list(self.saved_state)
        learned_keys = [
            key for key in self.base_params if self._signals_by_key[key][0].minibatched
        ]
        asked = [base for key in (*state_keys, *learned_keys) for base in self._signals_by_key[key]]
        pipeline = Pipeline(self.plan_for(context), context, Observed(self._probed(), asked))
        inputs = {
            self.model.sig[node]["out"]: tensor[:, :steps]
            for node, tensor in self.node_inputs.items()
            if self.model.sig[node]["out"] in self.signals  # else nothing uses it
        }
        records, final = run_in_tiles(
            pipeline, inputs, self._initial_values(), steps, keeps_length
        )
        ends = dict(zip(asked, final, strict=True))
        state = [self._gather(key, ends) for key in state_keys]
        parameters = [
            self._gather(key, ends) if key in learned_keys else tf.identity(variable)
            for key, variable in self.base_params.items()
        ]
        return dict(zip(self.model.probes, records, strict=True)), state, parameters, steps

    def plan_for(self, context: Context) -> Plan:
        """Plan the operators, in the order in which nengo_dl has planned them."""
        operators = [each for group in self.plan for each in group]
        observed = [self.model.sig[each]["in"] for each in self.model.probes]
        return Plan(operators, observed, context)

    def build_post(self) -> None:
        """Do what comes after the building, and at each reset."""
        super().build_post()
        self.operator_builders.finish()

    # cached properties are kept out of what Keras tracks as parts of a layer

    @cached_property
    def operator_builders(self) -> OperatorBuilders:
        """Makes the builders for single operators."""
        return OperatorBuilders(self.op_builder.op_builds)

    @cached_property
    def _signals_by_key(self) -> dict[Any, list[Any]]:
        """The signals that share an array, in the order in which they lie in it."""
        found: dict[Any, list[Any]] = {}
        for signal, place in self.signals.items():
            if not signal.is_view:
                found.setdefault(place.key, []).append(signal)
        for signals in found.values():
            signals.sort(key=lambda each: self.signals[each].slices[0])
        return found

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
            builders=self.operator_builders,
        )

    def _count_steps(self) -> tuple[Any, bool]:
        """Find the number of steps, and whether it is seen to be the same in each call.

        It is a number if it is known while the graph is built.
        """
        if not self.use_loop:
            return self.unroll, True
        steps = self.steps_to_run
        lengths = {each.shape[1] for each in self.node_inputs.values()}
        keeps_length = bool(lengths) and None not in lengths
        static = tf.get_static_value(steps)
        if static is not None:
            steps = int(static)
        elif self.unroll == 1 and lengths == {1}:
            with tf.control_dependencies([tf.debugging.assert_equal(steps, 1)]):
                return 1, True
        return -(-steps // self.unroll) * self.unroll, keeps_length

    def _initial_values(self) -> dict[Any, Any]:
        initial = {}
        for key, variable in (*self.saved_state.items(), *self.base_params.items()):
            signals = self._signals_by_key[key]
            minibatched = int(signals[0].minibatched)
            value = tf.identity(variable)
            if len(signals) > 1:
                sizes = [self.signals[each].shape[0] for each in signals]
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
        parts = [ends[each] for each in signals]
        return parts[0] if len(parts) == 1 else tf.concat(parts, axis=int(signals[0].minibatched))
