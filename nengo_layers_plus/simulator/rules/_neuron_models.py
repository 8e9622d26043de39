"""Neurons that are written once."""

from __future__ import annotations

from typing import Any

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons._build import SimNeuronModel
from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._decision import Decision, Kind
from nengo_layers_plus.simulator._loop_signals import LoopSignals
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._rule import Rule, register


@register(SimNeuronModel)
class NeuronModelRule(Rule):
    """Neurons that are written once: along time, or by their response curve in training."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Ask the model."""
        name = type(operator.neurons).__name__
        native = operator.native
        if native.trains_by_curve and context.training:
            return Decision(Kind.WHOLE, f"{name} is trained by its response curve", per_item=True)
        if not native.model.state:
            return Decision(Kind.WHOLE, f"{name} has no state", per_item=True)
        how = " that it is trained through" if context.training else ""
        return Decision(Kind.SCAN, f"{name} has a state{how}", per_item=True)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Apply the response curve, or the dynamics of neurons without a state, to all steps."""
        # a batch of one: what is constant fits any number of items and steps
        signals = LoopSignals([operator], 1, context.dt, context.dtype)
        builder = context.builders.make(operator)
        builder.build_pre(signals, context.config)
        for each in operator.parameter_signals.values():
            signals.bases[each.base] = values.initial(each.base)
        parameters = builder.values(signals)
        native = operator.native
        if native.trains_by_curve and context.training:
            still = {
                name: tf.expand_dims(values.initial(each), 1)
                for name, each in operator.state.items()
            }

            def apply(current: Any) -> Any:
                return builder.response(current, still, parameters)

        else:

            def apply(current: Any) -> Any:
                return builder.advance(current, {}, parameters)[0]

        series = values.read(operator.J)
        if native.trains_by_curve and native.model.state:
            series = series.for_batch(values.batch)  # each item has a state of its own
        values.set(operator.output, series.map(apply))
