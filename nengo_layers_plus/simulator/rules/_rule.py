"""How operators run over a sequence: decisions, and the base and the registry of rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from nengo.builder.operator import Operator

from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._signal_values import SignalValues


class Schedule(Enum):
    """How operators run over a sequence."""

    WHOLE = "all steps at once"
    SCAN = "along time, by itself"
    STEP = "step by step"


@dataclass(frozen=True)
class Decision:
    """How an operator can be run, and why.

    Parameters
    ----------
    kind : Schedule
        How it can be run.
    reason : str
        Why, in words.
    calls_python : bool
        Whether it calls a Python function that may share state with others, so that their calls
        have to keep their order.
    per_item : bool
        Whether it is known to treat each item of a minibatch by itself, and all alike.
    uses : frozenset of int
        The ``id`` of each variable that it uses.
    changes_variables : bool
        Whether it may change them, so that all that use one of them have to keep their order.
    """

    kind: Schedule
    reason: str
    calls_python: bool = False
    per_item: bool = False
    uses: frozenset[int] = frozenset()
    changes_variables: bool = False


_RULES: dict[type[Operator], Rule] = {}


class Rule(ABC):
    """How operators of a type run over a whole sequence.

    A rule says how it can run an operator (`decide`). Where that is all steps at once, it does so
    (`lower`). Operators of all other kinds run in a loop over time that has only them in it, with
    the builder that nengo_dl has for them.
    """

    @abstractmethod
    def decide(self, operator: Any, context: Context) -> Decision:
        """Say how an operator can be run, and why.

        Parameters
        ----------
        operator : nengo.builder.Operator
            The operator.
        context : Context
            What it is lowered for.

        Returns
        -------
        decision : Decision
        """

    def lower(self, operator: Any, values: SignalValues, context: Context) -> None:
        """Run an operator over all steps at once: read its signals, and set or increase others.

        Parameters
        ----------
        operator : nengo.builder.Operator
            The operator.
        values : SignalValues
            The values of all signals over the sequence.
        context : Context
            What it is lowered for.
        """
        raise NotImplementedError(
            f"{type(self).__name__}.decide: expected not to say {Schedule.WHOLE} for {operator}, "
            f"since the rule can't do so. What to do: override lower"
        )


class LoopRule(Rule):
    """Operators of which nothing is known: they run step by step, by themselves."""

    def decide(self, operator: Any, context: Context) -> Decision:
        """Say that it runs along time."""
        return Decision(Schedule.SCAN, f"no rule is registered for {type(operator).__name__}")


def register(*types: type[Operator]) -> Callable[[type[Rule]], type[Rule]]:
    """Register a rule for operators of certain types, and of no types derived from them.

    Parameters
    ----------
    *types : type of nengo.builder.Operator
        The types of operators.

    Returns
    -------
    decorator : callable
        Takes a subclass of `Rule` that needs no arguments, and returns it.
    """

    def registered(rule: type[Rule]) -> type[Rule]:
        for operator_type in types:
            _RULES[operator_type] = rule()
        return rule

    return registered


def rule_for(operator: Operator) -> Rule:
    """Find the rule for an operator."""
    return _RULES.get(type(operator), _LOOP)


_LOOP = LoopRule()
