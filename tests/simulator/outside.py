"""Neurons with operators of their own, as users write them: the package knows nothing of them."""

from __future__ import annotations

import nengo
import numpy as np
from nengo.builder import Builder, Operator, Signal

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf


class IntegrateAndFire(nengo.RectifiedLinear):
    """Neurons that fire at the rate of their current (Hz), but with an operator of their own."""

    probeable = ("output", "voltage")
    operator: type


class SimIntegrateAndFire(Operator):
    """Add the current to the voltage, and fire once for each whole that it reaches."""

    def __init__(self, current, output, voltage):
        super().__init__()
        self.current, self.output, self.voltage = current, output, voltage
        self.reads = [current]
        self.sets = [output]
        self.incs = []
        self.updates = [voltage]

    def make_step(self, signals, dt, rng):
        current, output = signals[self.current], signals[self.output]
        voltage = signals[self.voltage]

        def step():
            voltage[...] += current * dt
            count = np.floor(voltage)
            voltage[...] -= count
            output[...] = count / dt

        return step


class SimWithRule(SimIntegrateAndFire):
    """The same, for which there is a rule."""


class SimWithoutBuilder(SimIntegrateAndFire):
    """The same, for which nengo_dl has no builder."""


class SimWithWrongBuilder(SimIntegrateAndFire):
    """The same, with a builder that fails."""


IntegrateAndFire.operator = SimIntegrateAndFire


class WithRule(IntegrateAndFire):
    """Neurons whose operator has a rule."""

    operator = SimWithRule


class WithoutBuilder(IntegrateAndFire):
    """Neurons whose operator nengo_dl can't build."""

    operator = SimWithoutBuilder


class WithWrongBuilder(IntegrateAndFire):
    """Neurons whose builder fails."""

    operator = SimWithWrongBuilder


@Builder.register(IntegrateAndFire)
def build_integrate_and_fire(model, neuron_type, neurons):
    voltage = Signal(np.linspace(0, 0.9, neurons.size_in), name="voltage")
    model.sig[neurons]["voltage"] = voltage
    model.add_op(neuron_type.operator(model.sig[neurons]["in"], model.sig[neurons]["out"], voltage))


@nengo_dl.builder.Builder.register(SimIntegrateAndFire)
@nengo_dl.builder.Builder.register(SimWithRule)
class IntegrateAndFireBuilder(nengo_dl.builder.OpBuilder):
    """Builds them for nengo_dl; trained, they are their current."""

    def build_pre(self, signals, config):
        super().build_pre(signals, config)
        self.current = signals.combine([op.current for op in self.ops])
        self.output = signals.combine([op.output for op in self.ops])
        self.voltage = signals.combine([op.voltage for op in self.ops])

    def build_step(self, signals):
        current = signals.gather(self.current)
        if self.config.training:
            signals.scatter(self.output, current)
            return
        voltage = signals.gather(self.voltage) + current * signals.dt
        count = tf.floor(voltage)
        signals.scatter(self.voltage, voltage - count)
        signals.scatter(self.output, count / signals.dt)

    @staticmethod
    def mergeable(x, y):
        return True


@nengo_dl.builder.Builder.register(SimWithWrongBuilder)
class WrongBuilder(IntegrateAndFireBuilder):
    """Returns an array of the wrong shape."""

    def build_step(self, signals):
        raise ValueError("this builder is wrong")
