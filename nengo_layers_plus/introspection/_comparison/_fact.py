"""One thing that is true of an object of a network."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nengo_layers_plus.introspection._fingerprint import fingerprint


@dataclass(frozen=True, eq=False)
class Fact:
    """
    One thing that is true of an object.

    Parameters
    ----------
    name : str
        What it is about, e.g. ``"synapse"``.
    group : str
        One of `GROUPS`.
    value : object
        Its value.
    causes : tuple of str
        Names of facts of the same object: where one of them differs, this one follows from it.
        One that ends with a dot stands for all that begin with it.
    shape_causes : tuple of str
        The same for facts that it follows from only where its value has another shape.
    network_causes : tuple of str
        Names of facts of the network or the Simulator, in the same way.
    follows_input, follows_output : bool
        Whether it follows from what is different before the object, or behind it, where something
        is.
    counts : bool
        Whether it counts where nothing follows from it.
    attributes : tuple of str
        The attributes of the object that hold it.
    shown : str, optional
        How the value is written, where that is not by itself.
    parameters : tuple of str
        The kinds of parameters of the object that hold it when it is simulated.
    number : int, optional
        Which one of that kind it is; by default all of them are meant.
    equal : callable, optional
        Says whether two values do the same, where that is not seen by looking at them.
    """

    name: str
    group: str
    value: Any
    causes: tuple[str, ...] = ()
    shape_causes: tuple[str, ...] = ()
    network_causes: tuple[str, ...] = ()
    follows_input: bool = False
    follows_output: bool = False
    counts: bool = True
    attributes: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    number: int | None = None
    equal: Callable[[Any, Any], bool] | None = None
    shown: str | None = None

    @cached_property
    def fingerprint(self) -> Hashable:
        """What the value is."""
        return fingerprint(self.value)

    def same(self, other: Fact) -> bool:
        """Say whether another fact says the same."""
        if self.fingerprint == other.fingerprint:
            return True
        return self.equal is not None and self.equal(self.value, other.value)

    @property
    def drawn(self) -> bool:
        """Whether it is about numbers that may be drawn, or what they are drawn with."""
        return self.group == "seed" or self.name.startswith("initial ") or "seed" in self.causes


GROUPS = (
    "structure",
    "shape",
    "synapse",
    "training",
    "neurons",
    "weights",
    "layer",
    "input",
    "recording",
    "simulation",
    "seed",
)
"""Kinds of differences, those that change most first."""
