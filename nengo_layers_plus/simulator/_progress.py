"""How far a long simulation is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from nengo_layers_plus._upstream import tf


class Progress:
    """How far a simulation is, as a bar that is moved from within a TensorFlow graph."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def in_graph(self, steps: Any) -> None:
        """Add an operation to a graph that says how many steps were run."""
        tf.numpy_function(self._move, [steps], [], name="progress")

    @contextlib.contextmanager
    def shown(self, total: int, visible: bool) -> Iterator[None]:
        """Show a bar while something runs.

        Parameters
        ----------
        total : int
            The number of steps.
        visible : bool
            Whether to show it.
        """
        if not visible:
            yield
            return
        columns = (
            TextColumn("Simulating"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(elapsed_when_finished=True),
        )
        with Bar(*columns) as self._bar:
            self._bar.add_task("Simulating", total=total)
            try:
                yield
                self._move(total)
            finally:
                self._bar.refresh()
        self._bar = None

    def _move(self, steps: Any) -> None:
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=int(steps))
