"""What operators do with signals over the steps of a simulation."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import nengo_dl


class Role(Enum):
    """How the value of a signal comes about."""

    CONSTANT = "no operator writes it"
    VALUE = "set in each step"
    UPDATED = "read one step after it is written"
    STATE = "neurons keep it from step to step"
    ACCUMULATED = "increased in each step"
    MIXED = "both set or increased and updated"


class SignalUse:
    """Which operators set, increase, read and update each signal.

    Views count for the signal that they are views of.

    Parameters
    ----------
    operators : iterable of nengo.builder.Operator
        All operators, in an order in which they can run.
    """

    def __init__(self, operators: Iterable[Operator]) -> None:
        self.sets: dict[Signal, list[Operator]] = {}
        self.incs: dict[Signal, list[Operator]] = {}
        self.reads: dict[Signal, list[Operator]] = {}
        self.updates: dict[Signal, list[Operator]] = {}
        self.states: dict[Signal, list[Operator]] = {}
        for operator in operators:
            # nengo lists the state of neurons with what they set, though it depends on its past
            states = {each.base for each in states_of(operator)}
            for kind, signals in (
                (self.sets, [each for each in operator.sets if each.base not in states]),
                (self.states, [each for each in operator.sets if each.base in states]),
                (self.incs, operator.incs),
                (self.reads, reads_of(operator)),
                (self.updates, operator.updates),
            ):
                for base in dict.fromkeys(each.base for each in signals):
                    kind.setdefault(base, []).append(operator)

    def writers(self, base: Signal) -> list[Operator]:
        """List the operators that write a signal in any way."""
        kinds = (self.sets, self.incs, self.states, self.updates)
        return list(dict.fromkeys(each for kind in kinds for each in kind.get(base, ())))

    def role(self, base: Signal) -> Role:
        """Say how the value of a signal comes about."""
        updated = base in self.updates
        if base in self.states:
            return Role.MIXED if base in self.sets or base in self.incs or updated else Role.STATE
        if base in self.sets:
            return Role.MIXED if updated else Role.VALUE
        if base in self.incs:
            return Role.MIXED if updated else Role.ACCUMULATED
        return Role.UPDATED if updated else Role.CONSTANT


def reads_of(operator: Operator) -> list[Signal]:
    """List the signals that an operator reads; a probe is read at the end, and not by its own."""
    return [] if isinstance(operator, nengo_dl.compat.SimProbe) else list(operator.reads)


def states_of(operator: Operator) -> list[Signal]:
    """List the signals in which neurons keep their state."""
    return list(operator.state.values()) if isinstance(operator, SimNeurons) else []
