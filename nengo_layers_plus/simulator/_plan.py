"""The operators of a model in groups, with the way each group runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import networkx as nx
from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator, TimeUpdate
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._views import is_real
from nengo_layers_plus.simulator.rules import rule_for
from nengo_layers_plus.simulator.rules._rule import Decision, Schedule


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
            states = {signal.base for signal in states_of(operator)}
            for kind, signals in (
                (self.sets, [signal for signal in operator.sets if signal.base not in states]),
                (self.states, [signal for signal in operator.sets if signal.base in states]),
                (self.incs, operator.incs),
                (self.reads, reads_of(operator)),
                (self.updates, operator.updates),
            ):
                for base in dict.fromkeys(signal.base for signal in signals):
                    kind.setdefault(base, []).append(operator)

    def writers(self, base: Signal) -> list[Operator]:
        """List the operators that write a signal in any way."""
        kinds = (self.sets, self.incs, self.states, self.updates)
        return list(dict.fromkeys(operator for kind in kinds for operator in kind.get(base, ())))

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


@dataclass(eq=False)
class Group:
    """Operators that run together.

    Parameters
    ----------
    operators : tuple of nengo.builder.Operator
        One operator, or all of a cycle, in the order in which they run in a step.
    decision : Decision
        How they run.
    written, read : tuple of nengo.builder.Signal
        The signals that they write in any way, and that they read or increase.
    values_needed, before_needed, after_needed : set of nengo.builder.Signal
        Those of which the value of each step, or the value that was carried into or out of each
        step, is needed by others.
    """

    operators: tuple[Operator, ...]
    decision: Decision
    written: tuple[Signal, ...] = ()
    read: tuple[Signal, ...] = ()
    values_needed: set[Signal] = field(default_factory=set)
    before_needed: set[Signal] = field(default_factory=set)
    after_needed: set[Signal] = field(default_factory=set)


class ExecutionPlan:
    """The operators of a model in groups, each with the way it runs.

    Parameters
    ----------
    operators : sequence of nengo.builder.Operator
        The operators, in an order in which they can run in a step.
    observed : sequence of nengo.builder.Signal
        What the probes see.
    context : Context
        What they are lowered for.
    """

    def __init__(
        self, operators: Sequence[Operator], observed: Sequence[Signal], context: Context
    ) -> None:
        self.use = SignalUse(operators)
        self.decisions = {
            operator: rule_for(operator).decide(operator, context) for operator in operators
        }
        self.groups = self._group(operators)
        for group in self.groups:
            self._find_needs(group, {signal.base for signal in observed})
            if context.checks_numerics:
                self._need_all(group)

    @property
    def is_per_item(self) -> bool:
        """Whether all operators are known to treat each item of a minibatch by itself."""
        return all(decision.per_item for decision in self.decisions.values())

    def _group(self, operators: Sequence[Operator]) -> list[Group]:
        order = {operator: index for index, operator in enumerate(operators)}
        graph = self._depend(operators)
        components = nx.condensation(graph)
        earliest = {
            node: min((order[member] for member in data["members"] if member in order), default=-1)
            for node, data in components.nodes(data=True)
        }
        groups = []
        for node in nx.lexicographical_topological_sort(components, key=earliest.__getitem__):
            members = [member for member in components.nodes[node]["members"] if member in order]
            if not members:
                continue
            members.sort(key=order.__getitem__)
            cyclic = len(components.nodes[node]["members"]) > 1
            groups.append(Group(tuple(members), self._decide(members, cyclic)))
        return groups

    def _decide(self, members: list[Operator], cyclic: bool) -> Decision:
        if not cyclic:
            return self.decisions[members[0]]
        if len(members) == 1 and isinstance(members[0], TimeUpdate):
            return self.decisions[members[0]]
        return Decision(Schedule.STEP, self._say_why_cyclic(members))

    def _say_why_cyclic(self, members: list[Operator]) -> str:
        roles = {self.use.role(base) for base in _bases(members, written=True)}
        if Role.ACCUMULATED in roles or Role.MIXED in roles:
            return "a learning rule changes what is read in the next step"
        if sum(self.decisions[member].calls_python for member in members) > 1:
            return "Python functions are called in the order of the steps"
        if all(self.decisions[member].uses for member in members):
            return "share a variable that one of them may change"
        return "a recurrent connection: each step needs the result of the step before"

    def _depend(self, operators: Sequence[Operator]) -> nx.DiGraph:
        """Return the graph of operators and signals, with edges to what depends on them."""
        graph = nx.DiGraph()
        graph.add_nodes_from(operators)
        use = self.use
        for kind in (use.sets, use.incs, use.updates):
            for base, writers in kind.items():
                graph.add_edges_from((writer, base) for writer in writers)
        for base, incers in use.incs.items():  # a signal is set before it is increased
            for setter in use.sets.get(base, ()):
                graph.add_edges_from((setter, incer) for incer in incers if incer is not setter)
        for base, readers in use.reads.items():
            if use.role(base) is not Role.CONSTANT:
                graph.add_edges_from((base, reader) for reader in readers)
        for base in dict.fromkeys([*use.sets, *use.states, *use.incs, *use.updates]):
            role = use.role(base)
            if role in (Role.ACCUMULATED, Role.MIXED) or (role is Role.STATE and base in use.reads):
                # its value depends on the step before: all operators that use it step together
                together = dict.fromkeys([*use.writers(base), *use.reads.get(base, ())])
                _join(graph, list(together))
        _join(graph, [operator for operator in operators if self.decisions[operator].calls_python])
        for sharing in self._share_variables(operators):
            _join(graph, sharing)
        return graph

    def _share_variables(self, operators: Sequence[Operator]) -> Iterator[list[Operator]]:
        """Yield the operators that use a variable which one of them may change."""
        changing = [
            operator for operator in operators if self.decisions[operator].changes_variables
        ]
        for variable in {variable for op in changing for variable in self.decisions[op].uses}:
            yield [operator for operator in operators if variable in self.decisions[operator].uses]

    def _find_needs(self, group: Group, observed: set[Signal]) -> None:
        """Find which signals that a group writes are needed outside of it, and when."""
        members = set(group.operators)
        group.written = tuple(_bases(group.operators, written=True))
        group.read = tuple(_bases(group.operators, written=False))
        for base in group.written:
            role = self.use.role(base)
            read = any(reader not in members for reader in self.use.reads.get(base, ()))
            if role is Role.VALUE:
                written = any(writer not in members for writer in self.use.writers(base))
                if read or written or base in observed:
                    group.values_needed.add(base)
            else:
                if role is Role.UPDATED and read:
                    group.before_needed.add(base)
                if base in observed:
                    group.after_needed.add(base)

    def _need_all(self, group: Group) -> None:
        """Mark all signals that a group writes as needed, so that they are recorded and checked."""
        for base in group.written:
            if is_real(base):
                value = self.use.role(base) is Role.VALUE
                (group.values_needed if value else group.after_needed).add(base)


def _bases(operators: Sequence[Operator], written: bool) -> dict[Signal, None]:
    return dict.fromkeys(
        signal.base
        for operator in operators
        for signal in (
            (*operator.sets, *operator.incs, *operator.updates)
            if written
            else (*reads_of(operator), *operator.incs)
        )
    )


def _join(graph: nx.DiGraph, operators: list[Operator]) -> None:
    """Join operators, and all between them, into one group."""
    if len(operators) > 1:
        nx.add_cycle(graph, operators)
