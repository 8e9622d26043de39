"""The parts of a network as they run, in words."""

from __future__ import annotations

from typing import Any

import nengo
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Copy, Operator, Reset, TimeUpdate
from nengo.builder.processes import SimProcess
from nengo.ensemble import Neurons

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.simulator._decision import Kind
from nengo_layers_plus.simulator._execution import ExecutionRow
from nengo_layers_plus.simulator._plan import Plan
from nengo_layers_plus.synapses._sim_trainable_filter import SimTrainableFilter

_UNSEEN = (Copy, Reset, TimeUpdate, nengo_dl.compat.SimProbe)


def list_rows(plan: Plan, model: Any) -> list[ExecutionRow]:
    """List how the parts of a network run, in the order in which they do.

    What only copies and adds is left out.

    Parameters
    ----------
    plan : Plan
        The operators, in groups.
    model : nengo.builder.Model
        The model that they come from.
    """
    owners = owners_of_signals(model)
    rows = []
    for group in plan.groups:
        first = group.operators[0]
        if len(group.operators) == 1 and isinstance(first, _UNSEEN):
            continue
        if group.decision.kind is Kind.STEP:
            names = dict.fromkeys(name_of(each, owners) for each in group.operators)
            rows.append(
                ExecutionRow(
                    ", ".join(names),
                    f"{len(group.operators)} operators",
                    group.decision.kind.value,
                    group.decision.reason,
                )
            )
        else:
            rows.append(
                ExecutionRow(
                    name_of(first, owners),
                    operation_of(first),
                    group.decision.kind.value,
                    group.decision.reason,
                )
            )
    return rows


def owners_of_signals(model: Any) -> dict[Any, Any]:
    """Find the object that each signal was made for: not what is connected to it, nor a probe."""
    owners: dict[Any, Any] = {}
    for kinds in ((nengo.Connection, nengo.Probe), (nengo.Connection,), ()):
        for owner, signals in model.sig.items():
            if isinstance(owner, nengo.base.NengoObject | Neurons) and not isinstance(owner, kinds):
                for signal in signals.values():
                    if signal is not None:
                        owners.setdefault(signal, owner)
    return owners


def name_of(operator: Operator, owners: dict[Any, Any]) -> str:
    """Name the object that an operator was made for."""
    signals = [*operator.sets, *operator.incs, *operator.updates]
    for signal in (*signals, *operator.reads):
        owner = owners.get(signal) or owners.get(signal.base)
        if owner is not None:
            return str(owner)
    return str(signals[0].name) if signals else type(operator).__name__


def operation_of(operator: Operator) -> str:
    """Say what an operator does, in a word or two."""
    if isinstance(operator, SimNeurons):
        return str(operator.neurons)
    if isinstance(operator, SimTrainableFilter):
        return str(operator.synapse)
    if isinstance(operator, SimProcess):
        return str(operator.process)
    if isinstance(operator, nengo_dl.tensor_node.SimTensorNode):
        function = operator.func
        name = getattr(function, "name", None) or getattr(function, "__name__", None)
        return str(name or function)
    return type(operator).__name__
