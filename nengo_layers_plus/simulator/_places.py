"""The places of numbers in a network, as errors of check_numerics name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from nengo.builder.operator import Operator
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.graph import listed
from nengo_layers_plus.simulator._execution_rows import PartNames, operation_of
from nengo_layers_plus.simulator._plan import ExecutionPlan, Group, Role
from nengo_layers_plus.simulator._views import is_real

# The number of readers of a signal that an error names.
_MOST_READERS = 4
# Words for nengo's names of signals; a signal without a name is called an output.
_WORDS = {"in": "input", "out": "output", "weighted": "output"}


class Quantity(Enum):
    """What numbers are of, with what to do if they are not finite."""

    VALUE = (
        "look at what it gets just before, with a Probe, and at what it does: a division by zero, "
        "a logarithm or a root of what is not positive, an exponential, a feedback that grows, "
        "time constants that are short beside dt, or weights that training has made large"
    )
    INPUT = "look at the data, or at the function of the Node, in this step"
    STATE = "begin from a state that is finite: Simulator.reset(include_trainable=False)"
    PARAMETER = (
        "train with a lower learning rate or with gradients that are clipped, such as "
        "tf.optimizers.Adam(1e-3, clipnorm=1.0), from parameters that are finite"
    )
    GRADIENT = (
        "look for a slope that is infinite where it is, such as that of a root or a norm at zero; "
        "if gradients grow from step to step, clip them (clipnorm=1.0) and go back fewer steps "
        "(fit with truncation)"
    )
    TARGET = "look at the targets that fit or evaluate was given"
    LOSS = (
        "look at the loss function: a logarithm of zero, a division by zero, or a sum that is too "
        "large for float32"
    )


@dataclass(frozen=True)
class Place:
    """Where numbers are in a network.

    Parameters
    ----------
    name : str
        The object of the network.
    what : str
        What of it.
    of : Quantity
        What kind of numbers they are.
    operation : str
        What computes them there, if it is to be said.
    readers : str
        What reads them, if it is to be said.
    allowed : tuple of float
        Which of ``nan``, ``inf`` and ``-inf`` they may be, since they were made so.
    """

    name: str
    what: str
    of: Quantity
    operation: str = ""
    readers: str = ""
    allowed: tuple[float, ...] = ()

    def gradient(self) -> Place:
        """Return the place of the gradient by these numbers."""
        return replace(
            self,
            what=f"gradient by the {self.what}",
            of=Quantity.GRADIENT,
            operation="",
            allowed=(),
        )


class Places:
    """Names the places of the signals of a model.

    Parameters
    ----------
    model : nengo.builder.Model
        The model.
    """

    def __init__(self, model: Any) -> None:
        self._names = PartNames(model)
        self._keys = {
            (owner, signal): key
            for owner, signals in model.sig.items()
            if not isinstance(owner, str)
            for key, signal in signals.items()
            if signal is not None
        }

    def of_input(self, signal: Signal) -> Place:
        """Name an input Node."""
        return Place(self._names.of_signal(signal), "output", Quantity.INPUT)

    def of_initial(self, signal: Signal, plan: ExecutionPlan) -> Place:
        """Name a parameter, or what the simulation begins from."""
        constant = plan.use.role(signal) is Role.CONSTANT
        readers = self._readers(signal, plan)
        if constant or self._key(signal) in ("weights", "encoders"):
            of, what = Quantity.PARAMETER, self._key(signal) or "parameter"
            name = self._names.of_signal(signal)
        else:
            writers = plan.use.writers(signal)
            place = self.of_written(signal, writers[-1], plan)
            of, what, name = Quantity.STATE, f"initial {place.what}", place.name
        return Place(name, what, of, readers=readers, allowed=_non_finite(signal))

    def of_variable(self, operator: Operator, variable: Any) -> Place:
        """Name a variable of a Keras layer."""
        return Place(
            self._names.of_operator(operator), f"variable {variable.name!r}", Quantity.PARAMETER
        )

    def of_written(self, base: Signal, operator: Operator, plan: ExecutionPlan) -> Place:
        """Name a signal that an operator has written."""
        name = self._names.of_operator(operator)
        states: dict[str, Signal] = getattr(operator, "state", None) or {}
        state = next((key for key, signal in states.items() if signal.base is base), None)
        if state is not None:
            what = f"state {state!r}"
        else:
            key = self._key(base) if self._names.of_signal(base) == name else ""
            what = _WORDS.get(key, key) or "output"
        is_value = plan.use.role(base) is Role.VALUE
        return Place(
            name,
            what,
            Quantity.VALUE,
            operation=operation_of(operator),
            readers=self._readers(base, plan),
            allowed=() if is_value else _non_finite(base),
        )

    def of_group(self, group: Group, plan: ExecutionPlan) -> list[tuple[Signal, Place]]:
        """Name all signals that a group has written, in the order in which they are complete."""
        last = {
            base: index
            for index, op in enumerate(group.operators)
            for base in (signal.base for signal in (*op.sets, *op.incs, *op.updates))
        }
        return [
            (base, self.of_written(base, group.operators[index], plan))
            for base, index in sorted(last.items(), key=lambda item: item[1])
            if is_real(base)
        ]

    def of_probe(self, probe: Any) -> Place:
        """Name what a probe records."""
        return Place(self._names.graph.name_of(probe), "values", Quantity.VALUE, readers="the loss")

    def _key(self, signal: Signal) -> str:
        return self._keys.get((self._names.owner(signal), signal), "")

    def _readers(self, base: Signal, plan: ExecutionPlan) -> str:
        readers = [
            f"{self._names.of_operator(reader)} ({operation_of(reader)})"
            for reader in plan.use.reads.get(base, ())
            if not isinstance(reader, nengo_dl.compat.SimProbe)
        ]
        return listed(dict.fromkeys(readers), _MOST_READERS)


def is_allowed(tensor: Any, allowed: Iterable[float]) -> Any:
    """Say of numbers whether they are finite, or among what is allowed."""
    fine = tf.math.is_finite(tensor)
    for value in allowed:
        fine |= tf.math.is_nan(tensor) if np.isnan(value) else tensor == value
    return fine


def _non_finite(signal: Signal) -> tuple[float, ...]:
    """List what a signal has been made to hold that is not finite."""
    value = signal.initial_value
    value = np.asarray(value.data if signal.sparse else value)
    if value.dtype.kind != "f":
        return ()
    return tuple(np.unique(value[~np.isfinite(value)]))
