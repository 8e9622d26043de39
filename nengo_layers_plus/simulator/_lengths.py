"""Which numbers of steps functions are traced for."""

from __future__ import annotations

from collections import Counter

# How often a number of steps is met before a function is traced for it alone.
_CALLS_BEFORE_TRACING = 3


class Lengths:
    """Which numbers of steps functions are traced for: the first, those that recur, and any other.

    What is traced for one number runs faster, and tracing for each would take longer than it saves.
    """

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._own: set[int] = set()

    def choose(self, steps: int) -> int | None:
        """Say which function to use in a call.

        Parameters
        ----------
        steps : int
            The number of steps of the call.

        Returns
        -------
        steps : int or None
            The number that the function is traced for; None for any.
        """
        self._counts[steps] += 1
        if not self._own or self._counts[steps] >= _CALLS_BEFORE_TRACING:
            self._own.add(steps)
        return steps if steps in self._own else None

    def forget(self) -> None:
        """Begin anew."""
        self._counts.clear()
        self._own.clear()
