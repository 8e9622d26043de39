"""Neurons."""

from __future__ import annotations

from typing import Any

from nengo.builder.neurons import SimNeurons

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.simulator._context import Context
from nengo_layers_plus.simulator._curve import apply_curve
from nengo_layers_plus.simulator._decision import Decision, Kind
from nengo_layers_plus.simulator._operator_builders import comes_with_nengo_dl, native_builder
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator.rules._rule import Rule, register

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
            return Decision(Kind.SCAN, f"{name} has no TensorFlow code: it runs in Python")
        if not comes_with_nengo_dl(builder):
            return Decision(Kind.SCAN, f"{name} is built by {builder.__name__}")
        if builder.spiking and not context.training:
            if issubclass(builder, _RANDOM):
                return Decision(Kind.SCAN, f"{name} draws its spikes")
            return Decision(Kind.SCAN, f"{name} has a state", per_item=True)
        reason = "is trained by its response curve" if builder.spiking else "has no state"
        return Decision(Kind.WHOLE, f"{name} {reason}", per_item=True)

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Apply the response curve to all steps."""
        if operator.J is operator.J.base:
            terms = values.parts(operator.J)
        else:
            terms = [values.read(operator.J)]
        values.set(operator.output, apply_curve(operator, terms, context))
