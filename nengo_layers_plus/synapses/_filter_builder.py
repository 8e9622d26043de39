"""Builds filters whose time constant trains, in TensorFlow."""

from __future__ import annotations

from typing import Any

import numpy as np

from nengo_layers_plus._declared import TensorFlowNamespace
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus.synapses._sim_trainable_filter import SimTrainableFilter


@nengo_dl.builder.Builder.register(SimTrainableFilter)
class TrainableFilterBuilder(nengo_dl.builder.OpBuilder):
    """Builds a group of `SimTrainableFilter` operators."""

    ops: Any

    def build_pre(self, signals: Any, config: Any) -> None:
        """Prepare; see `nengo_dl.builder.OpBuilder`."""
        super().build_pre(signals, config)
        ops = self.ops
        self.synapse = ops[0].synapse
        self.dt = float(signals.dt_val)
        self.xp = TensorFlowNamespace(signals.dtype)
        self.input_data = signals.combine([each.input for each in ops])
        self.output_data = signals.combine([each.output for each in ops])
        self.stage_data = [
            signals.combine([each.stages[index] for each in ops])
            for index in range(self.synapse.n_stages)
        ]
        self.tau_data = signals.combine([each.tau for each in ops])
        parts = [each.reparametrisation for each in ops]
        self.time_constants = parts[0] if len(parts) == 1 else parts[0].joined(parts)
        self.which = _which(ops)

    def build_step(self, signals: Any) -> None:
        """Build a step; see `nengo_dl.builder.OpBuilder`."""
        free = signals.gather(self.tau_data)
        ratio = self.time_constants.ratio(self.xp, free, self.dt)
        coefficients = self.synapse.coefficients(self.xp, ratio)
        if self.which is not None:
            coefficients = [tf.gather(each, self.which) for each in coefficients]
        if self.which is not None or ratio.shape[0] > 1:
            shape = self.output_data.shape
            coefficients = [tf.reshape(each, shape) for each in coefficients]
        stages = [signals.gather(each) for each in self.stage_data]
        new = self.synapse.advance(signals.gather(self.input_data), stages, *coefficients)
        for place, value in zip(self.stage_data, new, strict=True):
            signals.scatter(place, value)
        mode = self.ops[0].mode
        if mode != "update":
            signals.scatter(self.output_data, new[-1], mode="inc" if mode == "inc" else "update")

    @staticmethod
    def mergeable(x: SimTrainableFilter, y: SimTrainableFilter) -> bool:
        """Say whether two operators can be computed as one."""
        return type(x.synapse) is type(y.synapse) and x.mode == y.mode


def _which(ops: Any) -> np.ndarray | None:
    """Say which time constant each unit of several operators has, if not one of its own or all."""
    if len(ops) == 1 or all(each.tau.size == each.output.size for each in ops):
        return None
    which: list[int] = []
    start = 0
    for each in ops:
        n_units, n_own = each.output.size, each.tau.size
        which += [start] * n_units if n_own == 1 else range(start, start + n_own)
        start += n_own
    return np.array(which, np.int32)
