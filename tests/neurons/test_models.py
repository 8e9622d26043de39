"""The models that come with the package: nengo's mathematics, or loops that are written by hand."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import NeuronModel, Surrogate, nengo_dl, surrogate
from nengo_layers_plus.neurons import (
    CurrentBasedLIF,
    IntegrateAndFire,
    LeakyIntegrateAndFire,
    LeakyIntegrator,
    TrainableAdaptiveLIF,
    TrainableAdaptiveLIFRate,
    TrainableIzhikevich,
    TrainableLIF,
)
from nengo_layers_plus.neurons._integrate_and_fire import (
    RegularSpikingModel,
    SpikingRectifiedLinearModel,
)
from nengo_layers_plus.testing._check_neuron import check_neurons

DT = 0.001
N_STEPS, N_NEURONS = 300, 20


def drive(neurons, currents, state=None, dt=DT):
    """Run the steps of neurons; return their outputs and the states behind each step."""
    n_neurons = currents.shape[1]
    state = neurons.make_state(n_neurons, np.random.RandomState(1)) if state is None else state
    outputs, states = [], []
    for current in currents:
        output = np.zeros(n_neurons)
        neurons.step(dt, current, output, **state)
        outputs.append(output)
        states.append({name: each.copy() for name, each in state.items()})
    return np.array(outputs), {k: np.array([each[k] for each in states]) for k in state}


def currents(low, high, n_steps=N_STEPS, n_neurons=N_NEURONS, seed=0):
    return np.random.RandomState(seed).uniform(low, high, (n_steps, n_neurons))


@pytest.mark.parametrize(
    ("mine", "theirs", "low", "high"),
    [
        (TrainableLIF(), nengo.LIF(), -2, 6),
        (
            TrainableLIF(tau_rc=0.05, tau_ref=0.0005, min_voltage=-1, amplitude=0.1),
            nengo.LIF(tau_rc=0.05, tau_ref=0.0005, min_voltage=-1, amplitude=0.1),
            -2,
            20,
        ),
        (TrainableLIF(tau_ref=0), nengo.LIF(tau_ref=0), -2, 6),
        (TrainableAdaptiveLIF(), nengo.AdaptiveLIF(), -2, 12),
        (
            TrainableAdaptiveLIF(tau_n=0.1, inc_n=0.1, amplitude=0.5, tau_rc=0.01),
            nengo.AdaptiveLIF(tau_n=0.1, inc_n=0.1, amplitude=0.5, tau_rc=0.01),
            -2,
            12,
        ),
        (TrainableAdaptiveLIFRate(), nengo.AdaptiveLIFRate(), -2, 12),
        (
            TrainableAdaptiveLIFRate(tau_n=0.1, inc_n=0.05, amplitude=0.5),
            nengo.AdaptiveLIFRate(tau_n=0.1, inc_n=0.05, amplitude=0.5),
            -2,
            12,
        ),
        (TrainableIzhikevich(), nengo.Izhikevich(), -50, 60),
        (
            TrainableIzhikevich(reset_voltage=-50, reset_recovery=2, coupling=0.25),
            nengo.Izhikevich(reset_voltage=-50, reset_recovery=2, coupling=0.25),
            -5,
            20,
        ),
        (SpikingRectifiedLinearModel(), nengo.SpikingRectifiedLinear(), -500, 3000),
        (
            SpikingRectifiedLinearModel(negative_slope=0.2, amplitude=0.1),
            nengo_dl.SpikingLeakyReLU(negative_slope=0.2, amplitude=0.1),
            -3000,
            3000,
        ),
        (
            RegularSpikingModel(amplitude=0.5),
            nengo.RegularSpiking(nengo.LIFRate(), amplitude=0.5),
            -500,
            3000,
        ),
        (IntegrateAndFire(), nengo.SpikingRectifiedLinear(), 0, 900),
    ],
)
def test_the_numbers_of_nengo(mine, theirs, low, high):
    inputs = currents(low, high)
    output, states = drive(mine, inputs)
    expected, expected_states = drive(theirs, inputs)
    assert np.count_nonzero(expected) > 100
    np.testing.assert_allclose(output, expected, rtol=1e-12, atol=1e-9)
    for name, each in expected_states.items():
        np.testing.assert_allclose(states[name], each, rtol=1e-9, atol=1e-12)


def reset(voltage, threshold, how):
    return 0.0 if how == "hard" else voltage - threshold


@pytest.mark.parametrize("how", ["hard", "soft"])
class TestByHand:
    """One neuron after another, one step after another, in numbers of Python."""

    def test_integrate_and_fire(self, how):
        inputs, threshold = currents(-200, 800), 0.7
        output, states = drive(IntegrateAndFire(threshold=threshold, reset=how), inputs)
        for neuron in range(N_NEURONS):
            voltage = nengo_voltage(IntegrateAndFire())[neuron]
            for step in range(N_STEPS):
                voltage += inputs[step, neuron] * DT
                fires = voltage >= threshold
                voltage = reset(voltage, threshold, how) if fires else voltage
                assert output[step, neuron] == (1 / DT if fires else 0)
                assert states["voltage"][step, neuron] == pytest.approx(voltage, abs=1e-12)

    def test_leaky_integrate_and_fire(self, how):
        inputs, threshold, tau = currents(-1, 4), 0.7, 0.015
        neurons = LeakyIntegrateAndFire(tau_rc=tau, threshold=threshold, reset=how)
        output, states = drive(neurons, inputs)
        for neuron in range(N_NEURONS):
            voltage = nengo_voltage(neurons)[neuron]
            for step in range(N_STEPS):
                kept = np.exp(-DT / tau)
                voltage = kept * voltage + (1 - kept) * inputs[step, neuron]
                fires = voltage > threshold
                voltage = reset(voltage, threshold, how) if fires else voltage
                assert output[step, neuron] == (1 / DT if fires else 0)
                assert states["voltage"][step, neuron] == pytest.approx(voltage, abs=1e-12)

    def test_current_based_lif(self, how):
        inputs, threshold, tau, tau_synapse = currents(-1, 4), 0.7, 0.015, 0.004
        neurons = CurrentBasedLIF(
            tau_synapse=tau_synapse, tau_rc=tau, threshold=threshold, reset=how
        )
        output, states = drive(neurons, inputs)
        for neuron in range(N_NEURONS):
            voltage, current = nengo_voltage(neurons)[neuron], 0.0
            for step in range(N_STEPS):
                kept, kept_voltage = np.exp(-DT / tau_synapse), np.exp(-DT / tau)
                current = kept * current + (1 - kept) * inputs[step, neuron]
                voltage = kept_voltage * voltage + (1 - kept_voltage) * current
                fires = voltage > threshold
                voltage = reset(voltage, threshold, how) if fires else voltage
                assert output[step, neuron] == (1 / DT if fires else 0)
                assert states["voltage"][step, neuron] == pytest.approx(voltage, abs=1e-12)
                assert states["synaptic_current"][step, neuron] == pytest.approx(current, abs=1e-12)


def nengo_voltage(neurons):
    return neurons.make_state(N_NEURONS, np.random.RandomState(1))["voltage"]


def test_a_leaky_integrator_is_a_lowpass():
    inputs = currents(-2, 1)
    expected = nengo.Lowpass(0.03).filt(inputs, dt=DT, y0=0)
    output, states = drive(LeakyIntegrator(tau=0.03), inputs)
    np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(states["voltage"], output)
    assert output.min() < 0


@pytest.mark.parametrize("how", ["hard", "soft"])
@pytest.mark.parametrize(
    ("neurons", "current"),
    [(IntegrateAndFire, 100.0), (LeakyIntegrateAndFire, 1.5), (CurrentBasedLIF, 1.5)],
)
def test_threshold_is_the_unit_of_the_input(neurons, current, how):
    inputs = np.full((200, 1), current)
    outputs = [
        drive(
            neurons(
                threshold=threshold, reset=how, initial_state={"voltage": nengo.dists.Choice([0])}
            ),
            threshold * inputs,
        )[0]
        for threshold in (1, 4)
    ]
    assert np.count_nonzero(outputs[0]) > 3
    np.testing.assert_array_equal(*outputs)


def test_at_most_one_spike_in_a_step():
    for neurons in (IntegrateAndFire(), IntegrateAndFire(reset="hard"), LeakyIntegrateAndFire()):
        output, _ = drive(neurons, np.full((5, 2), 1e5))
        np.testing.assert_array_equal(output, 1 / DT)


@pytest.mark.parametrize("kind", [IntegrateAndFire, LeakyIntegrateAndFire, CurrentBasedLIF])
def test_resets(kind):
    made = kind(reset="Soft")
    assert made.reset == "soft"
    assert kind(reset="soft") == made
    assert kind(reset="hard") != made
    assert made.replace(reset="hard").reset == "hard"
    with pytest.raises(ValidationError, match=r"reset: String 'none' must be one of"):
        kind(reset="none")
    with pytest.raises(ValidationError, match="reset"):
        made.reset = "hard"


def test_a_soft_reset_keeps_the_rate():
    inputs = np.full((1000, 1), 370.0)
    soft, _ = drive(IntegrateAndFire(), inputs)
    hard, _ = drive(IntegrateAndFire(reset="hard"), inputs)
    assert soft.mean() == pytest.approx(370, abs=1)
    assert hard.mean() == pytest.approx(1000 / 3, abs=1)


def test_negative_outputs_are_declared():
    assert LeakyIntegrator.negative
    assert not LeakyIntegrator.spiking
    for each in (IntegrateAndFire, LeakyIntegrateAndFire, CurrentBasedLIF):
        assert each.spiking
        assert not each.negative


MODELS = [
    IntegrateAndFire(),
    LeakyIntegrateAndFire(amplitude=0.5),
    CurrentBasedLIF(reset="soft", tau_rc=[0.01, 0.02, 0.05]),
    LeakyIntegrator(per_neuron=True),
    TrainableLIF(min_voltage=-1),
    TrainableAdaptiveLIF(tau_n=0.1),
    TrainableAdaptiveLIFRate(),
    TrainableIzhikevich(),
    SpikingRectifiedLinearModel(negative_slope=0.1),
    RegularSpikingModel(),
]
SURROGATES = [Surrogate(nengo.AdaptiveLIF(), surrogate.triangle(), through_reset=True)]
# with the dynamics of one above
OTHERS = [
    IntegrateAndFire(reset="hard", threshold=0.5),
    Surrogate(nengo.LIF()),
    Surrogate(nengo.Izhikevich(), surrogate.fast_sigmoid(5.0)),
    Surrogate(nengo.SpikingRectifiedLinear(), surrogate.sigmoid()),
]


def test_they_keep_the_contract():
    check_neurons(MODELS + SURROGATES)


@pytest.mark.deep
def test_others_keep_the_contract():
    check_neurons(OTHERS)


def test_all_models_are_checked():
    models = NeuronModel.__subclasses__()
    ours = {cls for cls in models if cls.__module__.startswith("nengo_layers_plus.")}
    assert {type(neurons) for neurons in MODELS} == ours
