"""Checks, in the graph, that all numbers are finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from nengo.builder.signal import Signal
from nengo.exceptions import SimulationError

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import shape_of
from nengo_layers_plus.simulator._places import Place, Places, Quantity, is_allowed
from nengo_layers_plus.simulator._plan import ExecutionPlan, Group
from nengo_layers_plus.simulator._series import Series
from nengo_layers_plus.simulator._signal_values import SignalValues
from nengo_layers_plus.simulator._views import is_real


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
        self, initial: dict[Signal, Any], plan: ExecutionPlan, training: bool
    ) -> dict[Signal, Any]:
        """Check the parameters and the state; return them.

        Parameters
        ----------
        initial : dict of nengo.builder.Signal to tf.Tensor
            What signals start from, ``(batch, *shape)`` or ``(*shape)``.
        plan : ExecutionPlan
            The operators.
        training : bool
            Whether to check gradients.
        """
        places = {
            signal: self._places.of_initial(signal, plan) for signal in initial if is_real(signal)
        }
        checked = [
            (Series.constant(initial[signal], signal.minibatched), place)
            for signal, place in places.items()
        ]
        for op in plan.decisions:
            if isinstance(op, nengo_dl.tensor_node.SimTensorNode):
                checked += [
                    (Series.constant(variable), self._places.of_variable(op, variable))
                    for variable in getattr(op.func, "variables", ())
                ]
        # what training changes comes first: a state may be bad because of it
        checked.sort(key=lambda pair: pair[1].of is not Quantity.PARAMETER)
        finite = self._check(checked, None)
        guarded = dict(initial)
        for signal, place in places.items():
            as_series = partial(Series.constant, batched=signal.minibatched)
            check = self._gradient_check(as_series, place, None) if training else None
            guarded[signal] = _after(finite, initial[signal], check)
        return guarded

    # -- in a run

    def guard_input(self, signal: Signal, series: Series, values: SignalValues) -> Series:
        """Check the values of an input; return them."""
        place = self._places.of_input(signal)
        finite = self._check([(series, place)], self._start(values))
        return series.with_tensor(_after(finite, series.tensor, None))

    def guard_group(
        self, group: Group, plan: ExecutionPlan, values: SignalValues, training: bool
    ) -> None:
        """Check all that a group of operators has written.

        Of several operators that step together, what is not finite in the earliest step is named.

        Parameters
        ----------
        group : Group
            The operators, which were run.
        plan : ExecutionPlan
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
        finite = self._check([(series, place) for _, _, series, place in known], start)
        for base, when, series, place in known:
            check = None
            if training and when != "final":
                check = self._gradient_check(series.with_tensor, place, start)
            tensor = _after(finite, series.tensor, check)
            values.put_known(base, when, series.with_tensor(tensor))

    def guard_record(self, number: int, series: Series, values: SignalValues) -> Series:
        """Check the gradient by what the probe of some number records; return what it records."""
        place = self._places.of_probe(self._model.probes[number])
        check = self._gradient_check(series.with_tensor, place, self._start(values))
        return series.with_tensor(_after(None, series.tensor, check))

    def watch_states(
        self,
        group: Group,
        plan: ExecutionPlan,
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
        plan : ExecutionPlan
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
        places = [of_group[signal].gradient() for signal in states]
        zeros = [
            tf.zeros([values.batch, values.steps, *shape_of(signal)], values.dtype)
            for signal in states
        ]

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def watched(*tensors: Any) -> Any:
            def gradient(*upstream: Any) -> list[Any]:
                by_states = map(_over_time, upstream[: len(places)])
                checked = list(zip(by_states, places, strict=True))
                with tf.control_dependencies([self._check(checked, start)]):
                    return [tf.identity(tensor) for tensor in upstream]

            return [tf.identity(tensor) for tensor in tensors], gradient

        real = [tensor for tensor in inputs if tensor.dtype.is_floating]
        results = watched(*zeros, *real)
        rest = iter(results[len(zeros) :])
        return (
            [_over_time(tensor) for tensor in results[: len(zeros)]],
            [next(rest) if tensor.dtype.is_floating else tensor for tensor in inputs],
        )

    # -- around it

    def check_loss(self, targets: Any, loss: Any) -> Any:
        """Check the targets and the loss; return the loss."""
        if loss is None:
            return loss
        checked = [
            (_over_time(target), Place(f"the Probe {name!r}", "target", Quantity.TARGET))
            for name, target in (targets.items() if isinstance(targets, dict) else ())
            if len(target.shape) > 1
        ]
        # counted from the beginning of the targets, which know of no other steps
        with tf.control_dependencies([self._check(checked, tf.constant(0))]):
            place = Place("this minibatch", "loss", Quantity.LOSS)
            finite = self._check([(Series.constant(loss), place)], None)
        return _after(finite, loss, None)

    # -- how it is done

    def _start(self, values: SignalValues) -> Any:
        """Return how many steps the simulation had behind it."""
        return tf.reshape(values.initial(self._model.step), [])

    def _gradient_check(
        self, as_series: Callable[[Any], Series], place: Place, start: Any
    ) -> Callable[[Any], Any]:
        place = place.gradient()
        return lambda upstream: self._check([(as_series(upstream), place)], start)

    def _check(self, checked: Sequence[tuple[Series, Place]], start: Any) -> Any:
        """Return a tensor that is there when all is checked, or raise an error."""
        checked = [pair for pair in checked if pair[0].tensor.dtype.is_floating]
        if not checked:
            return tf.constant(True)
        tensors = [series.tensor for series, _ in checked]

        def report(start: Any, *tensors: Any) -> bool:
            arrays = [tensor.numpy() for tensor in tensors]
            error = self._locate(checked, arrays, None if start < 0 else int(start))
            self._note(error)
            raise error

        def fail() -> Any:
            arguments = [tf.constant(-1) if start is None else start, *tensors]
            if tf.executing_eagerly():
                return report(*arguments)
            result = tf.py_function(report, arguments, tf.bool)
            result.set_shape([])
            return result

        finite = tf.reduce_all(
            [
                tf.reduce_all(is_allowed(tensor, place.allowed))
                for tensor, (_, place) in zip(tensors, checked, strict=True)
            ]
        )
        return tf.cond(finite, lambda: tf.constant(True), fail)

    def _locate(
        self,
        checked: Sequence[tuple[Series, Place]],
        arrays: Sequence[np.ndarray],
        start: int | None,
    ) -> NonFiniteError:
        """Find the first number that is not finite: in the earliest step, of the first place.

        Gradients go from the last step to the first, so that for these the latest step counts.
        """
        backwards = checked[0][1].of is Quantity.GRADIENT
        wrong = [
            ~is_allowed(tf.constant(array), place.allowed).numpy()
            for array, (_, place) in zip(arrays, checked, strict=True)
        ]
        steps = [np.flatnonzero(bad.any(axis=(0, *range(2, bad.ndim)))) for bad in wrong]
        index = (max if backwards else min)(np.concatenate(steps))
        number = next(number for number, bad_steps in enumerate(steps) if index in bad_steps)
        (series, place), bad = checked[number], wrong[number][:, index]
        item, *places = (int(axis) for axis in np.argwhere(bad)[0])
        where: dict[str, Any] = {
            "value": float(arrays[number][(item, index, *places)]),
            "step": start + int(index) + 1 if start is not None and series.varies else None,
            "item": item if series.batched else None,
            "index": tuple(places),
        }
        text = self._describe(place, bad, start is not None, **where)
        return NonFiniteError(text, name=place.name, what=place.what, **where)

    def _describe(
        self,
        place: Place,
        bad: np.ndarray,
        in_run: bool,
        value: float,
        step: int | None,
        item: int | None,
        index: tuple[int, ...],
    ) -> str:
        backwards = place.of is Quantity.GRADIENT
        text = (
            f"Simulator: expected finite numbers, got {value} in the {place.what} of {place.name}"
        )
        if place.operation:
            text += f" ({place.operation})"
        if step is not None:
            when = "last" if backwards else "first"
            text += f", {when} in step {step} (t = {step * self._dt:g} s)"
        elif in_run:
            text += ", in all steps"
        if item is not None:
            text += f", item {item} of the minibatch"
        if index:
            text += f", at index {index}"
        where = "there" if step is None else "in this step"
        text += f"; {np.count_nonzero(bad)} of {bad.size} numbers are not finite {where}. "
        if backwards and place.readers:
            text += f"It comes back from {place.readers}, with a gradient that was finite. "
        elif place.of in (Quantity.VALUE, Quantity.LOSS):
            text += "All that is computed before it is finite. "
        return f"{text}What to do: {place.of.value}"


def _over_time(tensor: Any) -> Series:
    return Series(tensor, batched=True, varies=True)


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
