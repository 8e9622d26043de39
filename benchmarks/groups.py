"""Groups of members: measured once, together, whichever test asks first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.case import Case
from benchmarks.measure import Measurement, measure
from benchmarks.members import open_members


@dataclass(frozen=True)
class Group:
    """
    What was measured of the members of a case.

    Parameters
    ----------
    case : Case
        The case.
    measured : Measurement
        Seconds of all members.
    n_neurons : int
        How many neurons the network has.
    execution : str
        How ours ran, and why.
    peaks : dict of int
        Peak memory in bytes by member, where it was measured.
    """

    case: Case
    measured: Measurement
    n_neurons: int
    execution: str = ""
    peaks: dict[str, int] = field(default_factory=dict)


def measure_group(case: Case, rounds: int | None = None) -> Group:
    """
    Compare the numbers of a case's members, and measure them in turns.

    Parameters
    ----------
    case : Case
        The case.
    rounds : int
        How often each is timed; see `measure`.
    """
    with open_members(case) as members:
        members.settle()
        measured = measure(members, rounds, case.same, members.remark)
        return Group(case, measured, members.n_neurons, members.execution)


class Cache:
    """
    Keeps what was measured, and what failed.

    Where the numbers of a group differ, the tests of all its members fail.
    """

    def __init__(self) -> None:
        self._kept: dict[Any, Any] = {}

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        """
        Return what is kept, or make it.

        Parameters
        ----------
        key : hashable
            What it is kept by.
        make : callable
            Makes it, at most once.
        """
        if key not in self._kept:
            try:
                self._kept[key] = make()
            except Exception as error:
                self._kept[key] = error
        kept = self._kept[key]
        if isinstance(kept, Exception):
            raise kept
        return kept
