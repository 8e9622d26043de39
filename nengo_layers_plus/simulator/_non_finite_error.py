"""What ``Simulator(check_numerics=True)`` raises."""

from __future__ import annotations

from nengo.exceptions import SimulationError


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
