"""What arrays and tensors do not both allow ends in one line that says what to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo
import numpy as np
import pytest
from nengo.rc import rc

from nengo_layers_plus import CustomLayer, NeuronModel, NeuronParameter, Surrogate, nengo_dl
from nengo_layers_plus.neurons._dynamics_error import DynamicsError
from nengo_layers_plus.testing import BrokenPromiseError, check_neuron


class Leaky(NeuronModel):
    state = {"voltage": nengo.dists.Uniform(0, 1)}  # noqa: RUF012 - nengo asks for a dict
    parameters = {"tau": NeuronParameter(0.02, positive=True, trainable=True)}  # noqa: RUF012
    spiking = True
    negative = False

    def fire(self, xp: Any, voltage: Any) -> Any:
        spikes = xp.spike(voltage - 1)
        return spikes, voltage * (1 - xp.reset(spikes))

    def dynamics(self, xp, dt, current, voltage, tau):
        voltage = voltage - (current - voltage) * xp.expm1(-dt / tau)
        spikes, voltage = self.fire(xp, voltage)
        return spikes / dt, {"voltage": voltage}


class OfNumPy(Leaky):
    def dynamics(self, xp, dt, current, voltage, tau):
        voltage = voltage - (current - voltage) * np.expm1(-dt / tau)
        spikes, voltage = self.fire(xp, voltage)
        return spikes / dt, {"voltage": voltage}


class OfNumPyWhere(Leaky):
    def fire(self, xp, voltage):
        return xp.spike(voltage - 1), np.where(voltage > 1, 0.0, voltage)


class Truth(Leaky):
    def fire(self, xp, voltage):
        return (voltage > 1) * 1.0, xp.where(voltage > 1, 0.0, voltage)


class AsType(Leaky):
    def fire(self, xp, voltage):
        return (voltage > 1).astype(float), xp.where(voltage > 1, 0.0, voltage)


class Mean(Leaky):
    def fire(self, xp, voltage):
        return xp.spike(voltage - 1), voltage - voltage.mean()


class Clip(Leaky):
    def fire(self, xp, voltage):
        return xp.spike(voltage - 1), voltage.clip(0, 1)


class Length(Leaky):
    def fire(self, xp, voltage):
        return xp.spike(voltage - 1), voltage / len(voltage)


class Sum(Leaky):
    def fire(self, xp, voltage):
        return xp.spike(voltage - 1), voltage - sum(voltage)


class Assigning(Leaky):
    def fire(self, xp, voltage):
        spikes = xp.spike(voltage - 1)
        voltage[voltage > 1] = 0
        return spikes, voltage


class Branching(Leaky):
    def fire(self, xp, voltage):
        if voltage > 1:
            voltage = 0 * voltage
        return xp.spike(voltage - 1), voltage


class Curve(Leaky):
    def rate_curve(self, xp, current, tau):
        return np.maximum(current, 0) / tau


class Counting(Leaky):
    def dynamics(self, xp, dt, current, voltage, tau):
        output, state = super().dynamics(xp, dt, current, voltage, tau)
        return output * dt, state


WRONG = [
    (OfNumPy, r"write xp\.expm1 in place of np\.expm1, in the line `voltage = voltage - \("),
    (OfNumPyWhere, r"write xp\.where in place of np\.where"),
    (Truth, r"write xp\.where\(condition, 1\.0, 0\.0\), or xp\.spike\(voltage - threshold\) .*`"),
    (AsType, r"a tensor has no astype: write .*xp\.where\(condition, 1\.0, 0\.0\)"),
    (Mean, r"a tensor has no mean: each neuron is computed by itself, .* connections between them"),
    (Clip, r"a tensor has no clip: .*xp\.clip\(voltage, 0, 1\)"),
    (Length, r"the number of neurons is not known, and each is computed by itself"),
    (Sum, r"the number of neurons is not known, and each is computed by itself"),
    (Assigning, r"write voltage = xp\.where\(condition, new, voltage\), in the line `voltage\[vol"),
    (Branching, r"write xp\.where\(condition, one, other\) for an if.*line `if voltage > 1:`"),
    (Curve, r"Curve\.rate_curve: .*write xp\.maximum in place of np\.maximum"),
]


@pytest.fixture(autouse=True)
def precision_kept() -> Iterator[None]:
    """A build of nengo_dl that fails may leave nengo's precision at 32 bits."""
    bits = rc.get("precision", "bits")
    yield
    rc.set("precision", "bits", bits)


def build(neurons: Any, simulator: Any = nengo_dl.Simulator) -> None:
    with nengo.Network(seed=0) as net:
        CustomLayer(neurons, ensemble_kwargs={"gain": 1, "bias": 2})(nengo.Node(np.ones(2)))
    with simulator(net, progress_bar=False):
        pass


@pytest.mark.parametrize(("neurons", "message"), WRONG)
def test_what_to_write_is_said(neurons: Any, message: str) -> None:
    for use in (build, check_neuron):
        error = DynamicsError if use is build else BrokenPromiseError
        with pytest.raises(error, match=message) as raised:
            use(neurons())
        assert "\n" not in str(raised.value)
    with pytest.raises(DynamicsError, match=message):
        build(Surrogate(neurons()))


def test_spikes_that_are_no_rates_are_warned_of_once() -> None:
    class Own(Counting):
        """A class that was not built before."""

    with pytest.warns(UserWarning, match=r"Own\.dynamics: its spikes are 1 high.*spikes / dt"):
        build(Own())
    build(Own(amplitude=0.5))
    with pytest.raises(BrokenPromiseError, match="is in Hz: its spikes are 1 high"):
        check_neuron(Own())

    class InNengo(Counting):
        """Another one."""

    with pytest.warns(UserWarning, match="its spikes are 1 high"):
        build(InNengo(), nengo.Simulator)


def test_errors_of_another_kind_stay_as_they_are() -> None:
    class Failing(Leaky):
        def fire(self, xp, voltage):
            raise KeyError("a fault of its own")

    with pytest.raises(KeyError, match="a fault of its own"):
        Failing().step(0.001, np.ones(2), np.zeros(2), voltage=np.zeros(2))


def test_parameters_that_are_constants_are_numbers() -> None:
    class Constant(Leaky):
        parameters = {"tau": NeuronParameter(0.02, positive=True)}  # noqa: RUF012

        def fire(self, xp, voltage):
            return super().fire(xp, voltage)

        def dynamics(self, xp, dt, current, voltage, tau):
            if tau > 0.01:
                tau = float(tau)
            return super().dynamics(xp, dt, current, voltage, tau)

    build(Constant())
