"""The groups of a plan, run one after another."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nengo.builder.operator import DotInc, TimeUpdate
from nengo.builder.signal import Signal
from nengo.builder.transforms import ConvInc, ConvTransposeInc

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._choice import find_compiled
from nengo_layers_plus.simulator._loop import Loop
from nengo_layers_plus.simulator._numerics import Numerics
from nengo_layers_plus.simulator._operator_builders import Context
from nengo_layers_plus.simulator._plan import ExecutionPlan, Group
from nengo_layers_plus.simulator._series import Series, repeat
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator._views import type_of
from nengo_layers_plus.simulator.rules import rule_for
from nengo_layers_plus.simulator.rules._rule import Schedule

# Operators worth computing only once where an input is constant in time.
_EXPENSIVE = (DotInc, ConvInc, ConvTransposeInc, nengo_dl.tensor_node.SimTensorNode)


@dataclass(frozen=True)
class Observed:
    """The results that a run has to return.

    Parameters
    ----------
    probed : sequence of (nengo.builder.Signal, bool)
        The signals that are probed, and whether for all steps, else for the last one.
    final : sequence of nengo.builder.Signal
        The signals whose last value is asked for.
    """

    probed: Sequence[tuple[Signal, bool]]
    final: Sequence[Signal]


class Pipeline:
    """Runs the groups of a plan one after another, each over the whole sequence.

    Parameters
    ----------
    plan : ExecutionPlan
        The groups.
    context : Context
        What they are lowered for.
    observed : Observed
        What is asked.
    numerics : Numerics, optional
        Checks that all numbers are finite.
    """

    def __init__(
        self,
        plan: ExecutionPlan,
        context: Context,
        observed: Observed,
        numerics: Numerics | None = None,
    ) -> None:
        self.plan = plan
        self.context = context
        self.observed = observed
        self.numerics = numerics
        # kernels have no second derivatives, which may be asked for outside of Keras' own training
        compiles = not context.training or context.shares_constant_inputs
        self._compiled = set(find_compiled(plan)) if compiles else set()

    def for_batch(self, batch: int) -> Pipeline:
        """Return a pipeline for minibatches of another size."""
        return Pipeline(self.plan, replace(self.context, batch=batch), self.observed, self.numerics)

    def result_types(self) -> list[Any]:
        """List the types of what `run` returns."""
        signals = [*(signal for signal, _ in self.observed.probed), *self.observed.final]
        return [type_of(signal, self.context.dtype) for signal in signals]

    def result_shapes(self) -> list[list[int | None]]:
        """List the shapes of what `run` returns."""
        batch = self.context.batch
        shapes: list[list[int | None]] = []
        for signal, _ in self.observed.probed:
            shapes.append([batch if signal.minibatched else 1, None, *shape_of(signal)])
        for signal in self.observed.final:
            shapes.append([*([batch] if signal.minibatched else []), *shape_of(signal)])
        return shapes

    def run(
        self, inputs: dict[Signal, Any], initial: dict[Signal, Any], steps: Any, keeps_length: bool
    ) -> tuple[list[Any], list[Any]]:
        """Run all operators.

        Parameters
        ----------
        inputs : dict of nengo.builder.Signal to tf.Tensor
            The values of the inputs, ``(batch, time, size)``.
        initial : dict of nengo.builder.Signal to tf.Tensor
            What the signals start from, ``(batch, *shape)`` or ``(*shape)``.
        steps : int or tf.Tensor
            The number of steps.
        keeps_length : bool
            Whether the number of steps is the same in every call, as far as can be seen.

        Returns
        -------
        records : list of tf.Tensor
            What is probed, ``(batch, time, *shape)``.
        final : list of tf.Tensor
            The values after the last step.
        """
        context = self.context
        values = SignalValues(initial, context.batch, steps, context.dtype, keeps_length)
        for signal, tensor in inputs.items():
            series = _of_input(tensor, steps)
            if self.numerics is not None:
                series = self.numerics.guard_input(signal, series, values)
            values.set(signal, series)
        # check_numerics names steps, which values that are computed once do not have
        located = self.numerics is not None
        may_share = (
            context.shares_constant_inputs and not located and bool(inputs) and not _is_one(steps)
        )
        finished = self._run_constant_inputs(inputs, values) if may_share else []
        for group in self.plan.groups:
            if group not in finished:
                self._lower(group, values)
        records = [
            self._record(number, signal, keeps, values)
            for number, (signal, keeps) in enumerate(self.observed.probed)
        ]
        return records, [values.final(signal) for signal in self.observed.final]

    def _lower(self, group: Group, values: SignalValues) -> None:
        if group.decision.kind is Schedule.WHOLE:
            (operator,) = group.operators
            with tf.name_scope(type(operator).__name__):
                rule_for(operator).lower(operator, values, self.context)
        else:
            watch = None
            if self.numerics is not None and self.context.training:
                watch = functools.partial(self.numerics.watch_states, group, self.plan)
            with tf.name_scope("loop"):
                compiled = group in self._compiled
                Loop(group, self.context, values, compiled, watch).lower(values)
        if self.numerics is not None:
            with tf.name_scope("check"):
                self.numerics.guard_group(group, self.plan, values, self.context.training)

    def _record(self, number: int, signal: Signal, keeps: bool, values: SignalValues) -> Any:
        series = values.observe(signal)
        if self.numerics is not None and self.context.training:
            series = self.numerics.guard_record(number, series, values)
        if signal.minibatched:
            series = series.for_batch(self.context.batch)
        return series.over_time(values.steps) if keeps else series.tensor[:, -1:]

    # -- inputs that are constant in time

    def _run_constant_inputs(self, inputs: dict[Signal, Any], values: SignalValues) -> list[Group]:
        """Run what depends on inputs alone: for one step if they are constant, else for all.

        Returns
        -------
        groups : list of Group
            Those that were run.
        """
        input_groups = self._input_groups()
        derived = self._depend_on(inputs, input_groups)
        if not any(isinstance(group.operators[0], _EXPENSIVE) for group in derived):
            return []
        used = {
            base
            for group in self.plan.groups
            if group not in derived
            for base in (*group.read, *group.written)
        }
        used.update(signal.base for signal, _ in self.observed.probed)
        used.update(self.observed.final)
        exported = [
            base
            for base in dict.fromkeys(base for group in derived for base in group.written)
            if base in used
        ]
        constant = [group for group in input_groups if group not in derived]
        for group in constant:
            self._lower(group, values)
        series: list[list[Series]] = []
        # Where TensorFlow optimises gradients of broadcasting, it takes the lengths in the first
        # branch for those in both: in training both branches return all steps.
        all_steps = self.context.training

        def run(once: bool) -> list[Any]:
            inside = values.fork()
            for signal, tensor in inputs.items():
                values_now = tensor[:, :1] if once else tensor
                series_now = _of_input(values_now, values.steps)
                inside.set(signal, replace(series_now, varies=False) if once else series_now)
            for group in derived:
                self._lower(group, inside)
            by_base = [inside.terms(base) for base in exported]
            if not once:
                series[:] = by_base
            terms = [term for terms in by_base for term in terms]
            varying = [term.varies for terms in series for term in terms]
            return [
                repeat(term.tensor, values.steps, axis=1)
                if once and all_steps and varies
                else term.tensor
                for term, varies in zip(terms, varying, strict=True)
            ]

        tensors = iter(
            tf.cond(
                tf.logical_or(
                    values.steps <= 1, tf.logical_not(_are_constant_in_time(inputs.values()))
                ),
                lambda: run(once=False),
                lambda: run(once=True),
            )
        )
        for base, terms in zip(exported, series, strict=True):
            values.give(
                base,
                [
                    replace(
                        term,
                        tensor=next(tensors),
                        may_be_constant=term.varies and not all_steps,
                    )
                    for term in terms
                ],
            )
        return [*constant, *derived]

    def _input_groups(self) -> list[Group]:
        """List the groups that depend on nothing but inputs and constants."""
        others: set[Signal] = set()
        groups = []
        for group in self.plan.groups:
            runs_whole = group.decision.kind is Schedule.WHOLE
            counts = isinstance(group.operators[0], TimeUpdate)
            if runs_whole and not counts and not others.intersection((*group.read, *group.written)):
                groups.append(group)
            else:
                others.update(group.written)
        return groups

    def _depend_on(self, inputs: dict[Signal, Any], groups: list[Group]) -> list[Group]:
        """List those of the groups that depend on inputs, or share a signal with one that does."""
        derived: set[Signal] = set(inputs)
        dependent: set[Group] = set()
        while True:
            additional = [
                group
                for group in groups
                if group not in dependent and derived.intersection((*group.read, *group.written))
            ]
            if not additional:
                return [group for group in groups if group in dependent]
            dependent.update(additional)
            derived.update(base for group in additional for base in group.written)


def _of_input(tensor: Any, steps: Any) -> Series:
    """Make a series of an input, which has one step for all if it comes from a constant Node."""
    one = tensor.shape[1] == 1 and not _is_one(steps)
    return Series(tensor, batched=True, varies=not one, may_be_constant=tensor.shape[1] is None)


def _is_one(steps: Any) -> bool:
    return isinstance(steps, int) and steps <= 1


def _are_constant_in_time(tensors: Iterable[Any]) -> Any:
    """Say whether all steps of all inputs are the same."""
    return tf.reduce_all([tf.reduce_all(tensor == tensor[:, :1]) for tensor in tensors])
