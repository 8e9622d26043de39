"""`check_neuron` passes what keeps the contract, and names the promise that is broken."""

# ruff: noqa: RUF012  as nengo declares states

from __future__ import annotations

import itertools
import pickle

import nengo
import numpy as np
import pytest

from nengo_layers_plus import NeuronModel, NeuronParameter, Surrogate, surrogate
from nengo_layers_plus.neurons import IntegrateAndFire, LeakyIntegrator
from nengo_layers_plus.testing import BrokenPromiseError, check_neuron

TAU = NeuronParameter(0.02, unit="s", positive=True, trainable=True)


class Leaky(NeuronModel):
    """A model as a user would write it; the broken ones below change one thing of it."""

    state = {"voltage": nengo.dists.Uniform(0, 1)}
    parameters = {"tau": TAU}
    spiking = True

    def dynamics(self, xp, dt, current, voltage, tau):
        voltage = voltage + (current - voltage) * -xp.expm1(-dt / tau)
        spikes = xp.spike(voltage - 1)
        return spikes / dt, {"voltage": voltage * (1 - xp.reset(spikes))}


class Squashed(NeuronModel):
    """No state, and no spikes."""

    parameters = {"slope": NeuronParameter(2.0, trainable=True)}

    def dynamics(self, xp, dt, current, slope):
        return xp.sigmoid(slope * current)


@pytest.mark.parametrize(
    "neurons",
    [
        Leaky,
        lambda: Surrogate(Leaky(), surrogate.triangle(), through_reset=True),
        Squashed,
        nengo.LIF,
        lambda: nengo.RegularSpiking(nengo.LIFRate()),
    ],
)
def test_neurons_that_keep_the_contract(neurons):
    check_neuron(neurons())


def test_length_of_a_step_and_number_of_neurons():
    check_neuron(LeakyIntegrator(), dt=0.002, n_neurons=2, seed=3)


class InPlace(Leaky):
    def dynamics(self, xp, dt, current, voltage, tau):
        voltage += (current - voltage) * dt / tau
        return voltage, {"voltage": voltage}


class Counting(Leaky):
    counter = itertools.count()

    def dynamics(self, xp, dt, current, voltage, tau):
        output, state = super().dynamics(xp, dt, current, voltage, tau)
        return output + next(self.counter), state


class OneForAll(Leaky):
    def dynamics(self, xp, dt, current, voltage, tau):
        _, state = super().dynamics(xp, dt, current, voltage, tau)
        return 1.0, state


class Competing(Squashed):
    def dynamics(self, xp, dt, current, slope):
        return xp.sigmoid(slope * current) + 0 * current[..., :1] + current[..., :1] ** 2


class NumPyOnly(Squashed):
    def dynamics(self, xp, dt, current, slope):
        return slope * current.clip(0.0)


class TypeDependent(Squashed):
    """Computes something else in TensorFlow."""

    def dynamics(self, xp, dt, current, slope):
        return xp.sigmoid(slope * current) * (1 if isinstance(current, np.ndarray) else 1.0001)


class WrongCurve(Leaky):
    def rate_curve(self, xp, current, tau):
        return xp.maximum(current - 1, 0.0) / tau


class Stopped(Squashed):
    def dynamics(self, xp, dt, current, slope):
        output = xp.sigmoid(slope * current)
        return xp.stop_gradient(output) + output


class StoppedCurve(Leaky):
    def rate_curve(self, xp, current, tau):
        above = xp.where(current > 1, current - 1, 1.0)
        rate = 1 / (xp.stop_gradient(tau * xp.ones_like(current)) * xp.log1p(1 / above))
        return xp.where(current > 1, rate, 0.0)


class Idle(Leaky):
    """Has a parameter that changes nothing."""

    parameters = {"tau": TAU, "unused": NeuronParameter(1.0, trainable=True)}

    def dynamics(self, xp, dt, current, voltage, tau, unused):
        return super().dynamics(xp, dt, current, voltage, tau)


class Overflowing(Squashed):
    def dynamics(self, xp, dt, current, slope):
        return xp.log1p(xp.exp(slope * current))


class InfiniteGradient(Squashed):
    """Has a finite output for all inputs, and a gradient that is not."""

    def dynamics(self, xp, dt, current, slope):
        return slope * xp.sqrt(xp.maximum(current, 0.0))


class Squared(Leaky):
    def dynamics(self, xp, dt, current, voltage, tau):
        output, state = super().dynamics(xp, dt, current, voltage, tau)
        return output * self.amplitude, state


class ByIdentity(Leaky):
    __hash__ = object.__hash__


class Forgetful(Leaky):
    def __getstate__(self):
        return {**super().__getstate__(), "tau": 0.5}


class Unwritten(Leaky):
    def __repr__(self):
        return f"{id(self)}"


class Undeclared(Leaky):
    """Has an argument that nengo does not know of."""

    def __init__(self, *, strength=1.0, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength


class OwnStep(Leaky):
    """Does something else in nengo."""

    def step(self, dt, J, output, **state):  # noqa: N803  nengo's name
        super().step(dt, J * 1.5, output, **state)


@surrogate.register
def tilted(xp, x, alpha=1.0):
    return xp.tanh(alpha * x)


@pytest.mark.parametrize(
    ("neurons", "promise"),
    [
        (InPlace, "pure function of its arguments: it has changed voltage in place"),
        (Counting, "pure function of its arguments: called twice .* it gave output another"),
        (OneForAll, r"shaped like the input: for an input of shape .* output has \(\)"),
        (Competing, "each neuron is computed by itself: output of a neuron is"),
        (NumPyOnly, "is written for arrays of NumPy and tensors of TensorFlow.* has no clip"),
        (TypeDependent, "NumPy and TensorFlow compute the same numbers: for current=.* in NumPy"),
        (WrongCurve, "in the long run is that of `rate_curve`: for an input of .* Hz"),
        (Stopped, "a gradient is the derivative of what is computed: that of the outputs by"),
        (StoppedCurve, "a gradient is the derivative .*: that of the rate curve by tau"),
        (Idle, "gradients reach .*: in 60 steps none came to unused"),
        (Overflowing, "numbers and gradients are finite, .*: output is inf .* inputs 1000000"),
        (InfiniteGradient, "numbers and gradients are finite, .*: the gradient of the input"),
        (Squared, "the amplitude is a factor of the output: an output of"),
        (ByIdentity, "copied, stored and compared: .* has another hash"),
        (Forgetful, "copied, stored and compared: .* is not equal"),
        (Unwritten, "copied, stored and compared: .* is written differently"),
        (Undeclared, "copied, stored and compared: strength is not declared"),
        (OwnStep, "every Simulator computes the same numbers: .* in nengo.Simulator, and"),
    ],
)
def test_broken_promises_are_named(neurons, promise):
    neurons = neurons()
    with pytest.raises(BrokenPromiseError, match=promise) as raised:
        check_neuron(neurons)
    assert raised.value.layer is neurons
    assert str(raised.value).startswith(f"{neurons} breaks the promise that")


def test_a_slope_that_is_not_the_derivative():
    kind = surrogate.register(
        surrogate.get("tilted").primitive, slope=lambda xp, x, alpha: alpha + 0 * x
    )
    neurons = Surrogate(Leaky(), kind(2.0))
    with pytest.raises(BrokenPromiseError, match=r"the slope of a surrogate .* surrogate\.tilted"):
        check_neuron(neurons)


def test_the_error_can_be_stored():
    error = BrokenPromiseError(Leaky(), "it holds", "it did not")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("neurons", [nengo.LIFRate(), nengo.PoissonSpiking(nengo.LIFRate()), "LIF"])
def test_only_neurons_that_are_written_once_are_checked(neurons):
    with pytest.raises(TypeError, match="expected a NeuronModel, a Surrogate or a type"):
        check_neuron(neurons)


def test_it_makes_its_own_networks():
    with nengo.Network(), pytest.raises(RuntimeError, match="outside of any network"):
        check_neuron(IntegrateAndFire())


def test_no_step_is_longer_than_what_rates_are_counted_in():
    with pytest.raises(nengo.exceptions.ValidationError, match=r"dt: expected at most the 1 s"):
        check_neuron(LeakyIntegrator(), dt=2)
