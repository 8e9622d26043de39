"""What a layer knows of the layer that is just being built around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from nengo_layers_plus.layers._layer_parts import LayerParts
from nengo_layers_plus.layers._not_given import NOT_GIVEN
from nengo_layers_plus.layers._trainable import Trainable


@dataclass(frozen=True)
class Inherited:
    """
    Settings of a block, for the layers within it that say nothing themselves.

    Parameters
    ----------
    ensemble_kwargs : tuple of Mapping
        Arguments of `nengo.Ensemble`, those of the nearest block first.
    synapse : object
        Of the connections into layers of neurons.
    trainable : Trainable
        What trains. Parts that a layer does not have are left out.
    prefix : str
        Goes before the labels of what is made.
    label : str or None
        The label of a layer that has none.
    """

    ensemble_kwargs: tuple[Mapping[str, Any], ...] = ()
    synapse: Any = NOT_GIVEN
    trainable: Trainable = field(default_factory=Trainable)
    prefix: str = ""
    label: str | None = None


@dataclass
class Enclosing:
    """
    The call of a layer inside which other layers are being called.

    Parameters
    ----------
    undo : ExitStack
        Is told how to take back what the calls inside did, should the outer call fail.
    inherited : Inherited
        What the layers inside take over.
    parts : list of LayerParts
        What the calls inside made.
    """

    undo: ExitStack
    inherited: Inherited = field(default_factory=Inherited)
    parts: list[LayerParts] = field(default_factory=list)


_current: ContextVar[Enclosing | None] = ContextVar("enclosing", default=None)


def enclosing_call() -> Enclosing | None:
    """Return the call that the code runs in, None outside of any."""
    return _current.get()


def label_next(label: str | None) -> None:
    """Give a label to the layers that the block calls from here on, if they have none."""
    enclosing = _current.get()
    if enclosing is not None:
        enclosing.inherited = replace(enclosing.inherited, label=label)


@contextmanager
def inside(enclosing: Enclosing) -> Iterator[Enclosing]:
    """Let layers that are called meanwhile belong to a call."""
    token = _current.set(enclosing)
    try:
        yield enclosing
    finally:
        _current.reset(token)
