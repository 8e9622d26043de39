"""Checks, in the graph, that all numbers are finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._places import Place, Places, Quantity, is_real
from nengo_layers_plus.simulator._plan import Group, Plan
from nengo_layers_plus.simulator._series import Series
from nengo_layers_plus.simulator._signal_values import SignalValues


class NonFiniteError(SimulationError):
    """
    A number in a simulation, or in a gradient, is infinite or not a number.

    Parameters
    ----------
    msg : str
        Where it is, and what to do.
    name : str
        The object of the network, as in `Simulator.execution`.
    what : str
        What of it: ``"output"``, ``"state 'voltage'"``, ``"gradient by the output"``, ...
    value : float
        ``nan``, ``inf`` or ``-inf``.
    step : int, optional
        The step of the simulation in which it is first found, counted from 1; for a gradient the
        last one, since gradients go from the last step to the first. None if it belongs to none.
    item : int, optional
        The item of the minibatch, counted from 0. None if it belongs to all.
    index : tuple of int
        Its place in the array of the object.
    """

    def __init__(
        self,
        msg: str,
        *,
        name: str = "",
        what: str = "",
        value: float = float("nan"),
        step: int | None = None,
        item: int | None = None,
        index: tuple[int, ...] = (),
    ) -> None:
        super().__init__(msg)
        self.name = name
        self.what = what
        self.value = value
        self.step = step
        self.item = item
        self.index = index


@dataclass(frozen=True)
class _Watched:
    """Numbers that are checked.

    Parameters
    ----------
    tensor : tf.Tensor
        Shape ``(batch, time, *shape)``.
    place : Place
        Where they are.
    batched, varies : bool
        Whether they belong to items of a minibatch, and to steps.
    """

    tensor: Any
    place: Place
    batched: bool
    varies: bool


class Numerics:
    """Checks, in the graph, that numbers are finite, in the order in which they are computed.

    Parameters
    ----------
    model : nengo.builder.Model
        The model that is run.
    dt : float
        The length of a step (s).
    note : callable
        Takes the error that is raised: TensorFlow makes another one of it.
    """

    def __init__(self, model: Any, dt: float, note: Callable[[NonFiniteError], None]) -> None:
        self._model = model
        self._dt = dt
        self._note = note
        self._places = Places(model)

    # -- what a run begins from

    def guard_initial(
        self, initial: dict[Signal, Any], plan: Plan, training: bool
    ) -> dict[Signal, Any]:
        """Check the parameters and the state; return them.

        Parameters
        ----------
        initial : dict of nengo.builder.Signal to tf.Tensor
            What signals start from, ``(batch, *shape)`` or ``(*shape)``.
        plan : Plan
            The operators.
        training : bool
            Whether to check gradients.
        """
        places = {
            signal: self._places.of_initial(signal, plan) for signal in initial if is_real(signal)
        }
        watched = [
            _Watched(_with_time(initial[signal], signal), place, signal.minibatched, varies=False)
            for signal, place in places.items()
        ]
        for op in plan.decisions:
            if isinstance(op, nengo_dl.tensor_node.SimTensorNode):
                for variable in getattr(op.func, "variables", ()):
                    if variable.dtype.is_floating:
                        place = self._places.of_variable(op, variable)
                        value = tf.convert_to_tensor(variable)[None, None]
                        watched.append(_Watched(value, place, batched=False, varies=False))
        # what training changes comes first: a state may be bad because of it
        watched.sort(key=lambda each: each.place.of is not Quantity.PARAMETER)
        finite = self._check(watched, None)
        guarded = dict(initial)
        for signal, place in places.items():
            check = self._gradient_check_of(signal, place) if training else None
            guarded[signal] = _after(finite, initial[signal], check)
        return guarded

    # -- in a run

    def guard_input(self, signal: Signal, series: Series, values: SignalValues) -> Series:
        """Check the values of an input; return them."""
        place = self._places.of_input(signal)
        start = self._start(values)
        finite = self._check([_watch(series, place)], start)
        return replace(series, tensor=_after(finite, series.tensor, None))

    def guard_group(self, group: Group, plan: Plan, values: SignalValues, training: bool) -> None:
        """Check all that a group of operators has written.

        Of several operators that step together, what is not finite in the earliest step is named.

        Parameters
        ----------
        group : Group
            The operators, which were run.
        plan : Plan
            All operators.
        values : SignalValues
            The values of all signals.
        training : bool
            Whether to check gradients.
        """
        start = self._start(values)
        known = [
            (base, when, series, place)
            for base, place in self._places.of_group(group, plan)
            for when, series in values.known(base).items()
        ]
        finite = self._check([_watch(each, place) for _, _, each, place in known], start)
        for base, when, series, place in known:
            check = None
            if training and when != "final":
                check = self._gradient_check(series, place, start)
            guarded = replace(series, tensor=_after(finite, series.tensor, check))
            values.put_known(base, when, guarded)

    def guard_record(self, number: int, series: Series, values: SignalValues) -> Series:
        """Check the gradient by what the probe of some number records; return what it records."""
        place = self._places.of_probe(self._model.probes[number])
        check = self._gradient_check(series, place, self._start(values))
        return replace(series, tensor=_after(None, series.tensor, check))

    def watch_states(
        self,
        group: Group,
        plan: Plan,
        states: Sequence[Signal],
        inputs: Sequence[Any],
        values: SignalValues,
    ) -> tuple[list[Series], list[Any]]:
        """Watch the gradients by the states of a loop, of which nothing is seen from outside.

        They are checked before the gradients by its inputs, which they are the cause of.

        Parameters
        ----------
        group : Group
            The operators in the loop.
        plan : Plan
            All operators.
        states : sequence of nengo.builder.Signal
            What it carries from step to step.
        inputs : sequence of tf.Tensor
            The inputs of the loop.
        values : SignalValues
            The values of all signals.

        Returns
        -------
        zeros : list of Series
            For each state, what is to be added to it in each step.
        inputs : list of tf.Tensor
            The inputs, as they are.
        """
        start = self._start(values)
        of_group = dict(self._places.of_group(group, plan))
        places = [of_group[each].gradient() for each in states]
        zeros = [
            tf.zeros([values.batch, values.steps, *shape_of(each)], values.dtype) for each in states
        ]

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def watched(*tensors: Any) -> Any:
            def gradient(*upstream: Any) -> list[Any]:
                by_states = [
                    _Watched(each, place, batched=True, varies=True)
                    for each, place in zip(upstream, places, strict=False)
                ]
                with tf.control_dependencies([self._check(by_states, start)]):
                    return [tf.identity(each) for each in upstream]

            return [tf.identity(each) for each in tensors], gradient

        real = [each for each in inputs if each.dtype.is_floating]
        results = watched(*zeros, *real)
        zeros, rest = results[: len(zeros)], iter(results[len(zeros) :])
        return (
            [Series(each, batched=True, varies=True) for each in zeros],
            [next(rest) if each.dtype.is_floating else each for each in inputs],
        )

    # -- around it

    def check_loss(self, targets: Any, loss: Any) -> Any:
        """Check the targets and the loss; return the loss."""
        named = targets.items() if isinstance(targets, dict) else []
        watched = [
            _Watched(each, Place(f"the Probe {name!r}", "target", Quantity.TARGET), True, True)
            for name, each in named
            if each.dtype.is_floating and len(each.shape) > 1
        ]
        if loss is None:
            return loss
        # counted from the beginning of the targets, which know of no other steps
        fine_targets = self._check(watched, tf.constant(0))
        with tf.control_dependencies([fine_targets]):
            place = Place("this minibatch", "loss", Quantity.LOSS)
            fine_loss = self._check([_Watched(loss[None, None], place, False, False)], None)
        return _after(fine_loss, loss, None)

    # -- how it is done

    def _start(self, values: SignalValues) -> Any:
        """Return how many steps the simulation had behind it."""
        return tf.reshape(values.initial(self._model.step), [])

    def _gradient_check_of(self, signal: Signal, place: Place) -> Callable[[Any], Any]:
        place, batched = place.gradient(), signal.minibatched
        return lambda upstream: self._check(
            [_Watched(_with_time(upstream, signal), place, batched, varies=False)], None
        )

    def _gradient_check(self, series: Series, place: Place, start: Any) -> Callable[[Any], Any]:
        place = place.gradient()
        return lambda upstream: self._check(
            [_watch(replace(series, tensor=upstream), place)], start
        )

    def _check(self, watched: Sequence[_Watched], start: Any) -> Any:
        """Return a tensor that is there when all is checked, or raise an error."""
        watched = [each for each in watched if each.tensor.dtype.is_floating]
        if not watched:
            return tf.constant(True)
        places = [each.place for each in watched]

        def report(start: Any, *tensors: Any) -> bool:
            arrays = [each.numpy() for each in tensors]
            error = self._locate(watched, arrays, None if start < 0 else int(start))
            self._note(error)
            raise error

        def fail() -> Any:
            first = tf.constant(-1) if start is None else start
            tensors = [first, *(each.tensor for each in watched)]
            if tf.executing_eagerly():
                return report(*tensors)
            found = tf.py_function(report, tensors, tf.bool)
            found.set_shape([])
            return found

        finite = tf.reduce_all(
            [
                tf.reduce_all(_is_fine(each.tensor, place.allowed))
                for each, place in zip(watched, places, strict=True)
            ]
        )
        return tf.cond(finite, lambda: tf.constant(True), fail)

    def _locate(
        self, watched: Sequence[_Watched], arrays: Sequence[np.ndarray], start: int | None
    ) -> NonFiniteError:
        """Find the first number that is not finite: in the earliest step, of the first place."""
        found = []
        for order, (each, array) in enumerate(zip(watched, arrays, strict=True)):
            bad = ~np.asarray(_is_fine(tf.constant(array), each.place.allowed))
            steps = np.flatnonzero(bad.any(axis=(0, *range(2, bad.ndim))))
            if steps.size:
                is_gradient = each.place.of is Quantity.GRADIENT
                step = steps[-1] if is_gradient else steps[0]
                found.append((-step if is_gradient else step, order, bad[:, step]))
        key, order, bad = min(found, key=lambda each: each[:2])
        what, array = watched[order], arrays[order]
        item, *index = (int(each) for each in np.argwhere(bad)[0])
        value = float(array[(item, abs(int(key)), *index)])
        step = start + abs(int(key)) + 1 if start is not None and what.varies else None
        place = what.place
        text = (
            f"Simulator: expected finite numbers, got {value} in the {place.what} of {place.name}"
        )
        if place.operation:
            text += f" ({place.operation})"
        backwards = place.of is Quantity.GRADIENT
        if step is not None:
            when = "last" if backwards else "first"
            text += f", {when} in step {step} (t = {step * self._dt:g} s)"
        elif start is not None:
            text += ", in all steps"
        if what.batched:
            text += f", item {item} of the minibatch"
        if index:
            text += f", at index {tuple(index)}"
        text += f"; {np.count_nonzero(bad)} of {bad.size} numbers"
        text += " are not finite there. " if step is None else " are not finite in this step. "
        if backwards and place.readers:
            text += f"It comes back from {place.readers}, with a gradient that was finite. "
        elif place.of in (Quantity.VALUE, Quantity.LOSS):
            text += "All that is computed before it is finite. "
        return NonFiniteError(
            f"{text}What to do: {place.of.value}",
            name=place.name,
            what=place.what,
            value=value,
            step=step,
            item=item if what.batched else None,
            index=tuple(index),
        )


def _watch(series: Series, place: Place) -> _Watched:
    return _Watched(series.tensor, place, series.batched, series.varies)


def _with_time(tensor: Any, signal: Signal) -> Any:
    """Add the axes that a series has to ``(batch, *shape)`` or ``(*shape)``."""
    return tf.expand_dims(tensor, 1) if signal.minibatched else tensor[None, None]


def _is_fine(tensor: Any, allowed: frozenset[str]) -> Any:
    fine = tf.math.is_finite(tensor)
    if "nan" in allowed:
        fine |= tf.math.is_nan(tensor)
    if "inf" in allowed:
        fine |= tensor == np.inf
    if "-inf" in allowed:
        fine |= tensor == -np.inf
    return fine


def _after(checked: Any, tensor: Any, gradient_check: Callable[[Any], Any] | None) -> Any:
    """Return a tensor as it is, when a check is done, with a check of the gradient by it."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def guarded(tensor: Any) -> Any:
        with tf.control_dependencies([] if checked is None else [checked]):
            result = tf.identity(tensor)

        def gradient(upstream: Any) -> Any:
            if gradient_check is None:
                return upstream
            upstream = tf.convert_to_tensor(upstream)
            with tf.control_dependencies([gradient_check(upstream)]):
                return tf.identity(upstream)

        return result, gradient

    return guarded(tensor) if tensor.dtype.is_floating else tensor
