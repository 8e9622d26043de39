"""What of a layer trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError

from nengo_layers_plus._declared import items_in


def _flag(value: Any, name: str) -> bool | None:
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    raise ValidationError(f"expected True, False or None, got {value!r}", attr=name, obj=Trainable)


def _are_names(value: Any) -> bool:
    return isinstance(value, str) or (
        isinstance(value, Sequence) and all(isinstance(each, str) for each in value)
    )


@dataclass(frozen=True)
class Trainable:
    """
    What of a layer an optimiser may move; ``None`` leaves a part as nengo_dl would have it.

    Parameters
    ----------
    connection : bool or None, or a sequence of these
        The weights of the connection into the layer. ``None``, as in `nengo_dl.Layer`, means no.
        True needs a connection that has weights: an array as ``transform``, or an ensemble whose
        decoders could train as input. For a layer of several inputs a sequence gives one
        setting to each.
    bias : bool or None
        The neurons' biases. ``None`` follows the network's configuration.
    weights : bool or None
        The weights of the Keras layer. ``None`` means as the Keras layer itself says. The
        setting belongs to the Keras layer, wherever it is used: all its places in a network must
        ask for the same.
    neuron_parameters : bool or None, or str or a sequence of str
        Parameters that the neuron type itself declares, such as a time constant: True for those
        that it declares to train, or the names of some. ``None`` leaves it to the neuron type. A
        `.NeuronModel` may declare some; the neuron types of nengo do not.

    Raises
    ------
    nengo.exceptions.ValidationError
        If a value is something else.

    Notes
    -----
    Wherever a ``Trainable`` is accepted, so are a dict of its fields and True or False; these two
    mean the layer's own parameters (bias, weights, neuron parameters) and never the connection.

    Examples
    --------
    >>> from nengo_layers_plus import Trainable
    >>> Trainable(bias=False)
    Trainable(bias=False)
    >>> Trainable(bias="no")
    Traceback (most recent call last):
        ...
    nengo.exceptions.ValidationError: Trainable.bias: expected True, False or None, got 'no'
    """

    connection: bool | tuple[bool | None, ...] | None = None
    bias: bool | None = None
    weights: bool | None = None
    neuron_parameters: bool | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name == "connection" and isinstance(value, Sequence | np.ndarray):
                items = items_in(value)
                given = [value] if items is None else items
                value = tuple(_flag(each, field.name) for each in given)
            elif field.name == "neuron_parameters" and _are_names(value):
                value = (value,) if isinstance(value, str) else tuple(value)
            else:
                value = _flag(value, field.name)
            object.__setattr__(self, field.name, value)

    def __repr__(self) -> str:
        given = (
            f"{field.name}={getattr(self, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) is not None
        )
        return f"{type(self).__name__}({', '.join(given)})"

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> Trainable:
        """
        Make one from a dict of its fields.

        Parameters
        ----------
        settings : Mapping
            Field names and their values.

        Raises
        ------
        nengo.exceptions.ValidationError
            If a name is none of the fields.

        Examples
        --------
        >>> Trainable.from_mapping({"weights": False})
        Trainable(weights=False)
        """
        if not isinstance(settings, Mapping):
            raise ValidationError(
                f"expected a dict of settings, got {settings!r}", attr="from_mapping", obj=cls
            )
        names = [field.name for field in fields(cls)]
        unknown = [name for name in settings if name not in names]
        if unknown:
            raise ValidationError(
                f"expected settings of {', '.join(names)}, got {', '.join(map(repr, unknown))}",
                attr="from_mapping",
                obj=cls,
            )
        return cls(**settings)
