"""Back-propagation through time that is cut: sequences trained in chunks of steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from nengo.exceptions import ValidationError


@dataclass(frozen=True)
class Chunks:
    """Into what chunks sequences are cut; functions are traced for each of these.

    Parameters
    ----------
    steps : int
        The number of steps of each chunk but the last.
    last : int
        The number of steps of the last one.
    last_steps : frozenset of str
        The names of the outputs that have a value for the last step of a sequence only.
    ranks : tuple of int
        The number of axes of each array of weights: whether they are cut too.
    """

    steps: int
    last: int
    last_steps: frozenset[str] = frozenset()
    ranks: tuple[int, ...] = ()


class Truncation:
    """What ``Simulator.fit`` was asked for with ``truncation``.

    Parameters
    ----------
    simulator : Simulator
        The Simulator, which errors name.
    steps : int
        The number of steps of a chunk.
    last_steps : frozenset of str
        The names of the outputs that have a value for the last step of a sequence only.
    """

    def __init__(self, simulator: Any, steps: Any, last_steps: frozenset[str]) -> None:
        self._simulator = simulator
        self._last_steps = last_steps
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer):
            raise self._error(
                f"expected a number of steps, or None for whole sequences, got {steps!r}"
            )
        if steps < 1:
            raise self._error(f"expected at least one step, got {steps}")
        unroll = simulator.unroll
        if steps % unroll:
            raise self._error(
                f"expected a multiple of unroll_simulation={unroll}, of which all chunks have to "
                f"be, got {steps}. What to do: take {-(-steps // unroll) * unroll}"
            )
        self._steps = int(steps)

    def chunks_of(self, x: Any, y: Any, weights: Any) -> Chunks | None:
        """Say how sequences are cut, if their targets can be cut too.

        Parameters
        ----------
        x, y : dict of str to array
            The inputs and the targets, by name; ``x`` has ``n_steps`` as well.
        weights : dict of str to array, optional
            The weights of samples, or of each of their steps, by name.

        Returns
        -------
        chunks : Chunks or None
            None if sequences are no longer than a chunk.
        """
        steps = x.get("n_steps") if isinstance(x, Mapping) else None
        if not isinstance(steps, np.ndarray):
            raise self._error(
                f"expected arrays in memory for x, got {type(x).__name__}, whose sequences can't "
                f"be cut into chunks. What to do: give arrays, call fit for one part of the data "
                f"after the other, or leave truncation=None"
            )
        total = int(steps.flat[0])
        last_steps = self._last_steps
        for name, target in (y or {}).items():
            if name not in last_steps and target.shape[1] != total:
                raise self._error(
                    f"expected targets with {total} steps, as many as the inputs have, which are "
                    f"cut into chunks of {self._steps}, got {target.shape[1]} for {name!r}. What "
                    f"to do: give a target for each step, with a sample_weight of 0 for those that "
                    f"don't count; or, if only the last step of a sequence has a target, set "
                    f"keep_history=False for its Probe (nengo_dl.configure_settings)"
                )
        if total <= self._steps:
            return None
        ranks = tuple(np.ndim(each) for each in (weights or {}).values())
        return Chunks(self._steps, (total - 1) % self._steps + 1, last_steps, ranks)

    def _error(self, message: str) -> ValidationError:
        return ValidationError(message, "truncation", self._simulator)
