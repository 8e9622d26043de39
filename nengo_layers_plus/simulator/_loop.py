"""Operators that run step by step, in a loop that has only them in it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from nengo.builder.neurons import SimNeurons
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.neurons._build import NeuronModelBuilder
from nengo_layers_plus.simulator._compiled import (
    compile_gradient,
    compile_loop,
    kernel_length,
    lengthen,
    split,
)
from nengo_layers_plus.simulator._lif import PackedLIF, SeriesLIFBuilder, has_series
from nengo_layers_plus.simulator._operator_builders import Context, LoopSignals, native_builder
from nengo_layers_plus.simulator._plan import Group
from nengo_layers_plus.simulator._series import Series, add
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator._views import is_real, type_of


class Loop:
    """A loop over time that runs a group of operators with nengo_dl's own builders.

    Parameters
    ----------
    group : Group
        The operators.
    context : Context
        What they run for.
    values : SignalValues
        The values that are known so far.
    compiled : bool
        Whether XLA compiles it.
    watch : callable, optional
        Watches the gradients by the states of the loop; see `Numerics.watch_states`.
    """

    def __init__(
        self,
        group: Group,
        context: Context,
        values: SignalValues,
        compiled: bool = False,
        watch: Callable[..., tuple[list[Series], list[Any]]] | None = None,
    ) -> None:
        self.group = group
        self.compiled = compiled
        self.context = context
        setters = {signal.base for op in group.operators for signal in op.sets}
        # Terms that operators outside of the group add to signals which the group writes too.
        self.external_terms = {
            base: values.terms(base) for base in group.written if values.terms(base)
        }
        # Signals that the group only increases start each step from zero or from external terms.
        self.reset_signals = [
            base
            for base in group.written
            if base in group.values_needed and (base in self.external_terms or base not in setters)
        ]
        self.carried = [
            base
            for base in group.written
            if values.has_initial(base) and base not in self.reset_signals
        ]
        # a kernel adds up the terms within its loop, which saves a pass over memory before it
        read = values.parts if compiled else lambda base: [values.read(base)]
        self.inputs = {
            base: read(base) for base in group.read if base not in group.written
        } | self.external_terms
        self.recorded = [
            (base, when)
            for when, needed in (
                ("value", group.values_needed),
                ("before", group.before_needed),
                ("after", group.after_needed),
            )
            for base in group.written
            if base in needed
        ]
        self.last_setters = {
            base: [op for op in group.operators if base in {signal.base for signal in op.sets}][-1]
            for base in self.external_terms
            if base in setters
        }

        self.watch = watch
        # Zeros are added to these states in each step: the gradient by them is that by the state.
        self.watched: list[Signal] = []
        if watch is not None:
            self.watched = [
                signal for signal in self.carried if signal.minibatched and is_real(signal)
            ]

    def lower(self, values: SignalValues) -> None:
        """Run the loop, and give the values that it makes."""
        varying: list[Any] = []
        constant: list[Any] = []
        for base, terms in self.inputs.items():
            for term in terms:
                batched = term.for_batch(values.batch) if base.minibatched else term
                if term.varies:
                    varying.append(batched)
                elif self.compiled:
                    constant.append(term.tensor[:, 0])  # broadcast within the kernel
                else:
                    constant.append(self._whole(base, batched.tensor[:, 0], values.batch))
        carried = [values.initial(base) for base in self.carried]
        if self.watched:
            varying, constant, carried = self._watch(varying, constant, carried, values)
        if self.compiled:
            recorded, final = self._run_compiled(varying, constant, carried, values)
        else:
            inputs = [term.over_time(values.steps) for term in varying]
            recorded, final = self.run(inputs, constant, carried, values.steps)
        self._give(values, recorded, final)

    def _watch(
        self,
        varying: Sequence[Series],
        constant: Sequence[Any],
        carried: Sequence[Any],
        values: SignalValues,
    ) -> tuple[list[Series], list[Any], list[Any]]:
        """Append a series of zeros for each state that is watched to the inputs that vary."""
        assert self.watch is not None
        inputs = [*(term.tensor for term in varying), *constant, *carried]
        zeros, inputs = self.watch(self.watched, inputs, values)
        series, constant, carried = split(inputs, [len(varying), len(constant), len(carried)])
        varying = [
            replace(term, tensor=tensor) for term, tensor in zip(varying, series, strict=True)
        ]
        return [*varying, *zeros], constant, carried

    def run(
        self, varying: Sequence[Any], constant: Sequence[Any], carried: Sequence[Any], steps: Any
    ) -> tuple[list[Any], list[Any]]:
        """Run the loop on tensors.

        Parameters
        ----------
        varying : sequence of tf.Tensor
            The inputs that differ between steps, ``(batch or 1, time, *shape)``.
        constant : sequence of tf.Tensor
            Those that do not, ``(batch or 1, *shape)``.
        carried : sequence of tf.Tensor
            What the carried signals start from.
        steps : int or tf.Tensor
            The number of steps.

        Returns
        -------
        recorded : list of tf.Tensor
            The values that others need, ``(batch, time, *shape)``.
        final : list of tf.Tensor
            The carried signals after the last step.
        """
        signals, builders = self._build()
        batch = signals.minibatch_size
        sources = [
            tf.TensorArray(tensor.dtype, size=steps, element_shape=_without_time(tensor)).unstack(
                _swap(tensor)
            )
            for tensor in varying
        ]
        sinks = [
            tf.TensorArray(
                type_of(base, self.context.dtype),
                size=steps,
                element_shape=self._shape_of(base, batch),
            )
            for base, _ in self.recorded
        ]

        def body(step: Any, sinks: Any, carried: Any) -> Any:
            step_inputs = [source.read(step) for source in sources]
            records, carried = self._step(signals, builders, step_inputs, constant, carried, step)
            sinks = [sink.write(step, record) for sink, record in zip(sinks, records, strict=True)]
            return step + 1, sinks, carried

        _, sinks, final = tf.while_loop(
            lambda step, *_: step < steps,
            body,
            (tf.constant(0), sinks, list(carried)),
            parallel_iterations=1,
        )
        recorded = [
            _swap(sink.stack()) if base.minibatched else sink.stack()[None]
            for sink, (base, _) in zip(sinks, self.recorded, strict=True)
        ]
        return recorded, list(final)

    def _run_compiled(
        self,
        varying: Sequence[Series],
        constant: Sequence[Any],
        carried: Sequence[Any],
        values: SignalValues,
    ) -> tuple[list[Any], list[Any]]:
        """Do the same as `run` in one kernel."""
        steps = values.steps
        if self.context.training:
            # all have the full length, so that their gradients have it too
            varying = [
                replace(term, tensor=term.over_time(steps), may_be_constant=False)
                if term.may_be_constant
                else term
                for term in varying
            ]
        inputs = [[term.tensor for term in varying], list(constant), list(carried)]
        counts = [len(tensors) for tensors in inputs]
        kernel = self._kernel(inputs)
        if values.keeps_length:
            length = tf.maximum(steps, 1)
        else:
            length = kernel_length(steps, self._bytes_per_step(varying))
        n_recorded = len(self.recorded)

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def loop(*flat: Any) -> Any:
            tensors, constant, carried = split(
                [tf.stop_gradient(tensor) for tensor in flat], counts
            )
            # a series that is constant in time needs one entry, but XLA can't slice an empty one
            padded = [
                lengthen(
                    tensor,
                    tf.where(tf.shape(tensor)[1] > 1, length, 1)
                    if term.may_be_constant
                    else length,
                )
                for term, tensor in zip(varying, tensors, strict=True)
            ]
            results = kernel(steps, tf.zeros([length]), *padded, *constant, *carried)
            recorded = [record[:, :steps] for record in results[:n_recorded]]
            history = results[n_recorded : len(results) - len(carried)]
            final = results[len(results) - len(carried) :]

            def compiled_gradient(*upstream: Any) -> Any:
                of_records = [lengthen(gradient, length) for gradient in upstream[:n_recorded]]
                gradients = self._gradient_kernel(inputs)(
                    steps,
                    tf.zeros([length]),
                    *padded,
                    *constant,
                    *history,
                    *of_records,
                    *upstream[n_recorded:],
                )
                of_series = [gradient[:, :steps] for gradient in gradients[: counts[0]]]
                gradients = [*of_series, *gradients[counts[0] :]]
                return [
                    gradient if tensor.dtype.is_floating else None
                    for gradient, tensor in zip(gradients, flat, strict=True)
                ]

            def gradient(*upstream: Any) -> Any:
                copies = [tf.identity(tensor) for tensor in flat]
                with tf.GradientTape() as tape:
                    tape.watch([tensor for tensor in copies if tensor.dtype.is_floating])
                    tensors, constant, carried = split(copies, counts)
                    full = [
                        replace(term, tensor=tensor).over_time(steps)
                        for term, tensor in zip(varying, tensors, strict=True)
                    ]
                    recomputed, final = self.run(full, constant, carried, steps)
                return tape.gradient([*recomputed, *final], copies, list(upstream))

            return [*recorded, *final], compiled_gradient if self.context.training else gradient

        results = loop(*(tensor for kind in inputs for tensor in kind))
        return list(results[:n_recorded]), list(results[n_recorded:])

    def _bytes_per_step(self, varying: Sequence[Series]) -> int:
        of_inputs = [
            (_without_time(term.tensor).num_elements(), term.tensor.dtype) for term in varying
        ]
        of_records = [(math.prod(shape), kind) for shape, kind in self._shapes()]
        return sum(count * kind.size for count, kind in (*of_inputs, *of_records))

    def _kernel(self, inputs: Sequence[Sequence[Any]]) -> Any:
        """Compile the loop for inputs of certain shapes, unless that was done before.

        In training it also records what was carried into each step.
        """
        specs = self._specs(inputs)
        context = self.context
        lif = None if context.training else self._packed()
        if lif is not None:
            return self._packed_kernel(lif, specs)
        key = ("run", *self._key(specs))
        if key not in context.kernels:
            step, shapes = self._make_step(), self._shapes()
            if context.training:
                shapes += [(tuple(spec.shape), spec.dtype) for spec in specs[2]]

            def step_and_history(index: Any, varying: Any, constant: Any, carried: Any) -> Any:
                records, after = step(index, varying, constant, carried)
                return [*records, *(carried if context.training else ())], after

            context.kernels[key] = compile_loop(step_and_history, shapes, specs)
        return context.kernels[key]

    def _packed_kernel(self, lif: PackedLIF, specs: Sequence[Sequence[Any]]) -> Any:
        """Compile the loop of packed neurons; layers of one size and type have one kernel."""
        (op,) = self.group.operators
        terms = [term.varies for term in self.inputs[op.J]]
        shapes = self._shapes()
        key = (op.neurons, self.context.writes_state, repr((terms, specs, shapes)))
        if key not in self.context.kernels:
            self.context.kernels[key] = compile_loop(
                partial(self._step_packed, lif), shapes, specs, lif.pack, lif.unpack
            )
        return self.context.kernels[key]

    def _gradient_kernel(self, inputs: Sequence[Sequence[Any]]) -> Any:
        """Compile the gradient of the loop, unless that was done before."""
        specs = self._specs(inputs)
        key = ("gradient", *self._key(specs))
        if key not in self.context.kernels:
            self.context.kernels[key] = compile_gradient(self._make_step(), self._shapes(), specs)
        return self.context.kernels[key]

    def _key(self, specs: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
        terms = tuple(
            (base, tuple(term.varies for term in self.inputs[base])) for base in self.inputs
        )
        context = self.context
        return (
            self.group,
            terms,
            repr(specs),
            context.training,
            context.uses_series,
            context.writes_state,
        )

    def _specs(self, inputs: Sequence[Sequence[Any]]) -> list[list[Any]]:
        return [
            [
                tf.TensorSpec(
                    [tensor.shape[0], None, *tensor.shape[2:]] if varies else tensor.shape,
                    tensor.dtype,
                )
                for tensor in kind
            ]
            for varies, kind in zip((True, False, False), inputs, strict=True)
        ]

    def _shapes(self) -> list[tuple[tuple[int, ...], Any]]:
        context = self.context
        return [
            (self._shape_of(base, context.batch), type_of(base, context.dtype))
            for base, _ in self.recorded
        ]

    def _make_step(self) -> Callable[..., tuple[Any, Any]]:
        """Make a step for one kernel."""
        built: list[Any] = []

        def step(index: Any, varying: Any, constant: Any, carried: Any) -> Any:
            if not built:  # built within the kernel, so that constants are part of its graph
                built.extend(self._build(self.context.uses_series))
            return self._step(built[0], built[1], varying, constant, carried, index)

        return step

    def _packed(self) -> PackedLIF | None:
        """Return the neurons of this loop in packed form; None if that is not possible."""
        op, context = self.group.operators[0], self.context
        if len(self.group.operators) > 1 or not isinstance(op, SimNeurons) or self.external_terms:
            return None
        if not context.uses_series or any(signal.is_view for signal in (op.J, op.output)):
            return None
        if not has_series(op, native_builder(op.neurons), context.dt, context.dtype):
            return None
        state = [op.state["voltage"], op.state["refractory_time"]]
        if self.carried != state or any(record != (op.output, "value") for record in self.recorded):
            return None
        if not PackedLIF.fits(op.neurons, context.dt):
            return None
        return PackedLIF(op.neurons, context.dt, counts=context.writes_state)

    def _step_packed(
        self,
        lif: PackedLIF,
        index: Any,
        varying: Sequence[Any],
        constant: Sequence[Any],
        carried: Sequence[Any],
    ) -> tuple[list[Any], list[Any]]:
        (op,) = self.group.operators
        terms = self._inputs_of_step(iter(varying), iter(constant))[op.J]
        current = self._whole(op.J, add(terms), self.context.batch)
        output, *carried = lif.step(current, *carried)
        return [output for _ in self.recorded], carried

    def _build(self, uses_series: bool = False) -> tuple[LoopSignals, list[tuple[Operator, Any]]]:
        context = self.context
        signals = LoopSignals(self.group.operators, context.batch, context.dt, context.dtype)
        builders = []
        for op in self.group.operators:
            builder = context.builders.make(op)
            if isinstance(builder, NeuronModelBuilder):
                builder.for_kernel = self.compiled and context.on_cpu
            neurons = type(getattr(builder, "built_neurons", None))
            if uses_series and has_series(op, neurons, context.dt, context.dtype):
                builder.built_neurons = SeriesLIFBuilder([op])
            builder.build_pre(signals, context.config)
            context.builders.keep(builder, signals)
            builders.append((op, builder))
        return signals, builders

    def _step(
        self,
        signals: LoopSignals,
        builders: list[tuple[Operator, Any]],
        varying: Sequence[Any],
        constant: Sequence[Any],
        carried: Sequence[Any],
        step: Any,
    ) -> tuple[list[Any], list[Any]]:
        """Build one step: what is recorded of it, and what is carried into the next."""
        current = self._inputs_of_step(iter(varying), iter(constant))
        batch = signals.minibatch_size
        signals.bases = {}
        for base in self.group.written:
            signals.expect(base)
        for base, terms in current.items():
            if base not in self.last_setters:
                signals.bases[base] = self._whole(base, add(terms), batch)
        for base in self.reset_signals:
            if base not in current:
                signals.bases[base] = tf.zeros(
                    self._shape_of(base, batch), type_of(base, self.context.dtype)
                )
        signals.bases.update(zip(self.carried, carried, strict=True))
        before = dict(signals.bases)
        with tf.control_dependencies([step]):
            effects = []
            for op, builder in builders:
                effects.extend(tf.nest.flatten(builder.build_step(signals)))
                for base in {signal.base for signal in op.sets}:
                    if self.last_setters.get(base) is op:
                        signals.bases[base] += self._whole(base, add(current[base]), batch)
        zeros = varying[len(varying) - len(self.watched) :]
        for base, zero in zip(self.watched, zeros, strict=True):
            signals.bases[base] += zero
        with tf.control_dependencies([effect for effect in effects if tf.is_tensor(effect)]):
            records = [
                tf.identity((before if when == "before" else signals.bases)[base])
                for base, when in self.recorded
            ]
            carried = [tf.identity(signals.bases[base]) for base in self.carried]
        return records, carried

    def _inputs_of_step(self, varying: Any, constant: Any) -> dict[Signal, list[Any]]:
        return {
            base: [next(varying if term.varies else constant) for term in terms]
            for base, terms in self.inputs.items()
        }

    def _whole(self, base: Signal, tensor: Any, batch: int) -> Any:
        shape = self._shape_of(base, batch)
        if tuple(tensor.shape) == shape:
            return tensor
        return (tf.broadcast_to if base.minibatched else tf.reshape)(tensor, shape)

    def _shape_of(self, base: Signal, batch: int) -> tuple[int, ...]:
        shape = shape_of(base)
        return (batch, *shape) if base.minibatched else shape

    def _give(self, values: SignalValues, recorded: Sequence[Any], final: Sequence[Any]) -> None:
        records = {
            key: Series(tensor, key[0].minibatched, varies=True)
            for key, tensor in zip(self.recorded, recorded, strict=True)
        }
        ends = dict(zip(self.carried, final, strict=True))
        for base in self.group.written:
            value = records.get((base, "value"))
            if value is not None:
                values.set(base, value)
            elif base in ends:
                values.update(
                    base, records.get((base, "before")), records.get((base, "after")), ends[base]
                )


def _without_time(tensor: Any) -> Any:
    return tf.TensorShape([tensor.shape[0], *tensor.shape[2:]])


def _swap(tensor: Any) -> Any:
    """Swap the first two axes."""
    return tf.transpose(tensor, [1, 0, *range(2, len(tensor.shape))])
