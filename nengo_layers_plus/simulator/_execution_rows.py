"""The parts of a network as they run, in words."""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any

import nengo
from nengo.builder import Signal
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, Operator, Reset, TimeUpdate
from nengo.builder.processes import SimProcess
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph import NetworkGraph, alike_parts, in_words, plain
from nengo_layers_plus.simulator._execution import ExecutionRow
from nengo_layers_plus.simulator._plan import ExecutionPlan
from nengo_layers_plus.simulator.rules._rule import Schedule
from nengo_layers_plus.synapses._build import SimTrainableFilter

_UNSEEN = (Copy, Reset, TimeUpdate, nengo_dl.compat.SimProbe)


class PartNames:
    """Names the objects that operators and signals were made for, as `summary` does.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that they come from.
    """

    def __init__(self, model: Any) -> None:
        self._network = model.toplevel
        self._owners = _owners_of_signals(model)

    @cached_property
    def graph(self) -> NetworkGraph:
        """The network."""
        return NetworkGraph(self._network)

    def owner(self, signal: Signal) -> Any:
        """Return the object that a signal was made for; None if there is none."""
        return self._owners.get(signal, self._owners.get(signal.base))

    def of_signal(self, signal: Signal) -> str:
        """Name the object that a signal was made for."""
        owner = self.owner(signal)
        return plain(signal.name) if owner is None else self.graph.name_of(owner)

    def of_operator(self, operator: Operator) -> str:
        """Name the object that an operator was made for."""
        signals = [*operator.sets, *operator.incs, *operator.updates]
        for signal in (*signals, *operator.reads):
            if self.owner(signal) is not None:
                return self.of_signal(signal)
        return plain(signals[0].name) if signals else type(operator).__name__

    def alike(self) -> dict[str, Hashable]:
        """Return by name, also of connections, what is the same for parts that are alike."""
        alike: dict[str, Hashable] = {}
        for number, group in enumerate(alike_parts(self.graph)):
            alike.update((item.name, number) for item in group)
        for edge in self.graph.edges:
            if edge.connection is not None:
                ends = (alike[edge.source.name], alike[edge.target.name])
                alike[self.graph.name_of(edge.connection)] = ends
        return alike


def list_rows(plan: ExecutionPlan, names: PartNames) -> list[ExecutionRow]:
    """List how the parts of a network run, in the order in which they do.

    What only copies and adds is left out.

    Parameters
    ----------
    plan : ExecutionPlan
        The operators, in groups.
    names : PartNames
        Names the parts.
    """
    rows = []
    for group in plan.groups:
        first = group.operators[0]
        if len(group.operators) == 1 and isinstance(first, _UNSEEN):
            continue
        in_cycle = group.decision.kind is Schedule.STEP
        operators = group.operators if in_cycle else (first,)
        rows.append(
            ExecutionRow(
                tuple(dict.fromkeys(map(names.of_operator, operators))),
                f"{len(operators)} operators" if in_cycle else operation_of(first),
                group.decision.kind.value,
                group.decision.reason,
            )
        )
    return rows


def _owners_of_signals(model: Any) -> dict[Any, Any]:
    """Return the object that each signal was made for, before its connections and probes."""
    owners: dict[Any, Any] = {}
    for kinds in ((nengo.Connection, nengo.Probe), (nengo.Connection,), ()):
        for owner, signals in model.sig.items():
            if isinstance(owner, nengo.base.NengoObject | Neurons) and not isinstance(owner, kinds):
                for signal in signals.values():
                    if signal is not None:
                        owners.setdefault(signal, owner)
    return owners


def operation_of(operator: Operator) -> str:
    """Say what an operator does, in a word or two."""
    if isinstance(operator, SimNeurons):
        return in_words(operator.neurons)
    if isinstance(operator, SimTrainableFilter):
        return in_words(operator.synapse)
    if isinstance(operator, SimProcess):
        return in_words(operator.process)
    if isinstance(operator, nengo_dl.tensor_node.SimTensorNode):
        function = operator.func
        name = getattr(function, "name", None) or getattr(function, "__name__", None)
        return str(name or function)
    return type(operator).__name__
