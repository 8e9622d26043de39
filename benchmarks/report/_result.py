"""What one benchmark measured."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Result:
    """
    What one benchmark measured of one member.

    Parameters
    ----------
    suite : str
        The suite that it belongs to.
    member : str
        Who was measured, e.g. "stock" or "ours".
    group : str
        What it is measured beside: the members of a group do the same.
    name : str
        The name of the benchmark.
    seconds : float or None
        The median over rounds.
    rounds : int or None
        How often it was timed.
    info : dict
        The extra information of the benchmark.
    fastest, slowest : float or None
        The seconds of two of the rounds.
    """

    suite: str
    member: str
    group: str
    name: str
    seconds: float | None
    rounds: int | None
    info: Mapping[str, Any]
    fastest: float | None = None
    slowest: float | None = None

    @property
    def spread(self) -> float | None:
        """How many times as long as the fastest round the slowest took; None with less than two."""
        if not self.fastest or self.slowest is None or (self.rounds or 0) < 2:
            return None
        return self.slowest / self.fastest

    @property
    def title(self) -> str:
        """The group without the name of the suite."""
        return self.group.removeprefix(f"{self.suite}:").strip()

    @property
    def series(self) -> str:
        """The title without the minibatch and the steps."""
        return re.sub(r"[\s-]*\b\d+x\d+$", "", self.title) or self.title

    def number(self, key: str) -> float | None:
        """Return a finite number of the extra information; None if there is none."""
        return finite(self.info.get(key))

    def text(self, key: str) -> str:
        """Return a text of the extra information; an empty one if there is none."""
        value = self.info.get(key)
        return value if isinstance(value, str) else ""


def finite(value: Any) -> float | None:
    """Return what was read as a number, if it is a finite one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if math.isfinite(value) else None
