"""Operators with a state, or that call Python: neurons, processes, filters and functions."""

from __future__ import annotations

from typing import Any

from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import SimPyFunc
from nengo.builder.processes import SimProcess
from nengo.synapses import Synapse

from nengo_layers_plus._upstream import native_process_builder, nengo_dl, tf
from nengo_layers_plus.neurons._build import SimNeuronModel
from nengo_layers_plus.simulator._curve import apply_curve
from nengo_layers_plus.simulator._operator_builders import (
    Context,
    LoopSignals,
    comes_with_nengo_dl,
    native_builder,
)
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._rule import Decision, Rule, Schedule, register
from nengo_layers_plus.synapses._build import SimTrainableFilter

_builders = nengo_dl.neuron_builders
_RANDOM = (_builders.StochasticSpikingBuilder, _builders.PoissonSpikingBuilder)


@register(SimNeurons)
class NeuronRule(Rule):
    """Neurons: as their response curve where they have no memory, else along time."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Ask the builder that nengo_dl has for this type."""
        name = type(operator.neurons).__name__
        builder = native_builder(operator.neurons)
        if builder is None:
            return Decision(Schedule.SCAN, f"{name} has no TensorFlow code: it runs in Python")
        if not comes_with_nengo_dl(builder):
            return Decision(Schedule.SCAN, f"{name} is built by {builder.__name__}")
        if builder.spiking and not context.training:
            if issubclass(builder, _RANDOM):
                return Decision(Schedule.SCAN, f"{name} draws its spikes")
            return Decision(Schedule.SCAN, f"{name} has a state", per_item=True)
        reason = "is trained by its response curve" if builder.spiking else "has no state"
        return Decision(Schedule.WHOLE, f"{name} {reason}", per_item=True)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Apply the response curve to all steps."""
        if operator.J is operator.J.base:
            terms = values.parts(operator.J)
        else:
            terms = [values.read(operator.J)]
        values.set(operator.output, apply_curve(operator, terms, context))


@register(SimNeuronModel)
class NeuronModelRule(Rule):
    """Neurons that are written once: along time, or by their response curve in training."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Ask the model."""
        name = type(operator.neurons).__name__
        native = operator.native
        if native.trains_by_curve and context.training:
            return Decision(
                Schedule.WHOLE, f"{name} is trained by its response curve", per_item=True
            )
        if not native.model.state:
            return Decision(Schedule.WHOLE, f"{name} has no state", per_item=True)
        how = " that it is trained through" if context.training else ""
        return Decision(Schedule.SCAN, f"{name} has a state{how}", per_item=True)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Apply the response curve, or the dynamics of neurons without a state, to all steps."""
        # a batch of one: what is constant fits any number of items and steps
        signals = LoopSignals([operator], 1, context.dt, context.dtype)
        builder = context.builders.make(operator)
        builder.build_pre(signals, context.config)
        for signal in operator.parameter_signals.values():
            signals.bases[signal.base] = values.initial(signal.base)
        parameters = builder.values(signals)
        native = operator.native
        if native.trains_by_curve and context.training:
            initial_state = {
                name: tf.expand_dims(values.initial(signal), 1)
                for name, signal in operator.state.items()
            }

            def apply(current: Any) -> Any:
                return builder.response(current, initial_state, parameters)

        else:

            def apply(current: Any) -> Any:
                return builder.advance(current, {}, parameters)[0]

        series = values.read(operator.J)
        if native.trains_by_curve and native.model.state:
            series = series.for_batch(values.batch)  # each item has a state of its own
        values.set(operator.output, series.map(apply))


@register(SimProcess)
class ProcessRule(Rule):
    """Processes, whose state is carried from step to step."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        process = operator.process
        if native_process_builder(process) is not None:
            return Decision(
                Schedule.SCAN, f"{type(process).__name__} is a filter along time", per_item=True
            )
        what = "synapse" if isinstance(process, Synapse) else "process"
        return Decision(Schedule.SCAN, f"{type(process).__name__} is a {what} that runs in Python")


@register(SimTrainableFilter)
class TrainableFilterRule(Rule):
    """Filters, whose state is carried from step to step."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        name = type(operator.synapse).__name__
        return Decision(Schedule.SCAN, f"{name} is a filter along time", per_item=True)


@register(SimPyFunc)
class PythonRule(Rule):
    """Python functions, which are called once a step for each item of the minibatch."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        return Decision(Schedule.SCAN, "calls a Python function", calls_python=True)
