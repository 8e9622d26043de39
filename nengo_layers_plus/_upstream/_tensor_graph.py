"""nengo_dl's TensorGraph, with a simulation in the place of its loop over steps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any

from nengo_layers_plus._upstream import nengo_dl, tf


class SequenceGraph(nengo_dl.tensor_graph.TensorGraph):
    """A TensorGraph that can run whole sequences in another way than step by step."""

    @abstractmethod
    def run_sequence(self, training: Any) -> tuple[dict[Any, Any], list[Any], list[Any], Any]:
        """Run the model.

        Parameters
        ----------
        training : bool or tf.Tensor
            Whether it is trained.

        Returns
        -------
        probes : dict of nengo.Probe to tf.Tensor
            What they record, ``(batch, time, *shape)``.
        state, parameters : list of tf.Tensor
            The values of `state_of_signals` and ``base_params`` after the last step.
        steps : tf.Tensor
            The number of steps that were run.
        """

    @abstractmethod
    def runs_step_by_step(self, training: Any) -> bool:
        """Say whether nengo_dl's own loop is to run."""

    @abstractmethod
    def is_constant_in_time(self, node: Any) -> bool:
        """Say whether an input is the same in all steps, and may come with a single one."""

    @property
    @abstractmethod
    def writes_state(self) -> bool:
        """Whether the state of the simulation is kept for the next call."""

    @property
    @abstractmethod
    def carries_state(self) -> bool:
        """Whether it is written even though the network is set to keep none."""

    @abstractmethod
    def follow_layers(self) -> None:
        """Find the variables of layers that another Simulator has built anew since."""

    @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
    def call(
        self, inputs: Any, training: Any = None, progress: Any = None, stateful: bool = False
    ) -> Any:
        """Build the simulation."""
        phase = self.phase_of(training)
        self._phase = tf.keras.backend.learning_phase() if phase is None else phase
        stateful = (stateful or self.carries_state) and self.writes_state
        self.follow_layers()
        # Simulators share layers: these are lent the state, and keep what they have
        lent_variables = [
            (variable, self.saved_state[key]) for key, variable in self.state_of_layers.items()
        ]
        values = [tf.identity(variable) for variable, _ in lent_variables]
        for variable, state in lent_variables:
            variable.assign(state)
        outputs = super().call(inputs, training=training, progress=progress, stateful=stateful)
        if stateful and lent_variables:
            # where something fails, none of the state is written
            results = [*outputs, *self.final_internal_state, *self.final_base_params]
            with tf.control_dependencies(results):
                for variable, state in lent_variables:
                    state.assign(variable)
        for (variable, _), value in zip(lent_variables, values, strict=True):
            variable.assign(value)
        return outputs

    @property
    def state_of_signals(self) -> dict[Any, Any]:
        """The state of the simulation that is in signals."""
        layers = self.state_of_layers
        return {key: variable for key, variable in self.saved_state.items() if key not in layers}

    # a cached property is kept out of what Keras tracks as parts of a layer
    @cached_property
    def state_of_layers(self) -> dict[Any, Any]:
        """The variables that Keras layers change, by the key of the state that is kept of them."""
        return {}

    def keep_state_of_layer(self, variable: Any) -> None:
        """Have a variable that a Keras layer changes be part of the state of the simulation."""
        key = variable.ref()
        if key in self.state_of_layers:  # one layer may be in several nodes
            return
        value = variable.read_value()
        self.state_of_layers[key] = variable
        self.saved_state[key] = tf.Variable(
            value, trainable=False, shape=variable.shape, name="saved_state/layer"
        )
        self.initial_values[key] = lambda *_, **__: value

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that an optimiser moves: no state, also if its variables say they train."""
        state = {id(variable) for variable in self.state_of_layers.values()}
        return [weight for weight in super().trainable_weights if id(weight) not in state]

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other weights."""
        trained = {id(weight) for weight in self.trainable_weights}
        every = [*super().trainable_weights, *super().non_trainable_weights]
        return [weight for weight in every if id(weight) not in trained]

    def phase_of(self, training: Any) -> Any:
        """Say whether it runs as in training: as the network's settings say, else as asked."""
        override = nengo_dl.config.get_setting(self.model, "learning_phase", None)
        return training if override is None else override

    def _build_loop(self, progress: Any) -> Any:
        return self._build(super()._build_loop, progress)

    def _build_no_loop(self, progress: Any) -> Any:
        return self._build(super()._build_no_loop, progress)

    def _build(self, build_step_by_step: Callable[[Any], Any], progress: Any) -> Any:
        if self.runs_step_by_step(self._phase):
            self._repeat_constants()
            results = self._with_state_of_signals(build_step_by_step(progress))
        else:
            results = self._build_sequence()
        steps_run, probes, state, parameters = results
        # where something fails, none of the state is written
        with tf.control_dependencies([*probes.values(), *state, *parameters]):
            state = [tf.identity(value) for value in state]
            parameters = [tf.identity(value) for value in parameters]
        return steps_run, probes, state, parameters

    def _with_state_of_signals(self, results: Any) -> Any:
        """Leave out the state of layers, which these change by themselves, and copy if need be.

        TensorFlow may share the memory of state with processes that run in Python. These change it
        whenever they run, also in a call that does not write the state.
        """
        steps_run, probes, state, parameters = results
        state = list(state)[: len(self.state_of_signals)]
        in_python = nengo_dl.process_builders.GenericProcessBuilder
        builders = self.op_builder.op_builds.values()
        if any(
            isinstance(getattr(builder, "built_process", None), in_python) for builder in builders
        ):
            state = [tf.raw_ops.DeepCopy(x=value) for value in state]
        return steps_run, probes, state, parameters

    def _repeat_constants(self) -> None:
        """Repeat the inputs that are constant in time, which may come with a single step."""
        steps = self.steps_to_run if self.use_loop else self.unroll
        steps = -(-steps // self.unroll) * self.unroll
        for node, tensor in self.node_inputs.items():
            if self.is_constant_in_time(node) and tensor.shape[1] in (None, 1):
                times = tf.where(tf.shape(tensor)[1] == 1, steps, 1)
                self.node_inputs[node] = tf.tile(tensor, [1, times, 1])

    def _build_sequence(self) -> Any:
        probes, state, parameters, steps = self.run_sequence(self._phase)
        steps_run = tf.tile(tf.reshape(steps, [1]), (self.minibatch_size,))
        return steps_run, probes, state, parameters


def replace_class(tensor_graph: Any, replacement: type) -> None:
    """Make a TensorGraph one of a class derived from it."""
    object.__setattr__(tensor_graph, "__class__", replacement)
