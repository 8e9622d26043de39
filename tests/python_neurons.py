"""Types of neurons that have no TensorFlow code, so that nengo_dl runs them in Python."""

from __future__ import annotations

import nengo


class InPython(nengo.LIF):
    """LIF neurons with a step of their own, though it does what that of `nengo.LIF` does."""

    def step(self, dt, J, output, voltage, refractory_time):  # noqa: N803  nengo's name
        super().step(dt, J, output, voltage, refractory_time)


class RateInPython(nengo.LIFRate):
    """The same without spikes."""

    def step(self, dt, J, output):  # noqa: N803
        super().step(dt, J, output)
