"""One way in which two networks differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, eq=False)
class Difference:
    """
    One way in which two networks differ, wherever it is found.

    Parameters
    ----------
    what : str
        What differs, e.g. ``"synapse"``.
    group : str
        What kind of difference that is: ``"structure"``, ``"shape"``, ``"synapse"``,
        ``"training"``, ``"neurons"``, ``"weights"``, ``"layer"``, ``"input"``, ``"recording"``,
        ``"simulation"`` or ``"seed"``.
    places : tuple of tuple of str or None
        The names of the objects or connections in each network. None where there is none.
    objects : tuple of tuple of NengoObject or None
        The objects themselves. For what is true of a network or a Simulator as a whole, that.
    value_a, value_b : str
        What is found in each.
    meaning : str
        What it does.
    remedy : str
        What to change in the second to make it like the first.
    consequences : tuple of str
        What else differs because of it.
    effect : float or None
        How much of the difference of the outputs goes away when this one is undone alone: 1 if all
        of it does, 0 if it does not matter, below 0 if the outputs get farther apart. None if it
        was not tried.
    note : str
        What was found when it was undone, or why it was not tried.

    Examples
    --------
    >>> import nengo
    >>> from nengo_layers_plus import compare
    >>> def build(synapse):
    ...     with nengo.Network(seed=0) as net:
    ...         image = nengo.Node([0.5], label="image")
    ...         neurons = nengo.Ensemble(5, 1, label="hidden").neurons
    ...         nengo.Connection(image, neurons[:1], synapse=synapse)
    ...         nengo.Probe(neurons)
    ...     return net
    >>> (difference,) = compare(build(None), build(0.01))
    >>> difference.what, difference.places, difference.value_a, difference.value_b
    ('synapse', (('image->hidden', 'image->hidden'),), 'None', 'Lowpass(tau=0.01)')
    """

    what: str
    group: str
    places: tuple[tuple[str | None, str | None], ...]
    objects: tuple[tuple[Any, Any], ...] = field(repr=False)
    value_a: str
    value_b: str
    meaning: str
    remedy: str
    consequences: tuple[str, ...] = ()
    effect: float | None = None
    note: str = ""

    @property
    def where(self) -> str:
        """The names of all places, in words."""
        return ", ".join(write_place(*place) for place in self.places)


def write_place(a: str | None, b: str | None) -> str:
    """Return the name of a place in two networks."""
    if a is None or b is None or a == b:
        return str(b if a is None else a)
    return f"{a} (in b {b})"
