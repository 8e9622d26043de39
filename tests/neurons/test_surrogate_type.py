"""Neurons that train through their spikes."""

from __future__ import annotations

import copy
import pickle

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run, simulator

from nengo_layers_plus import Simulator, Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import LeakyIntegrateAndFire, LeakyIntegrator, TrainableLIF, changed

ARCTAN = surrogate.arctan(2.0)
INNER = [
    nengo.LIF(tau_rc=0.03),
    nengo.AdaptiveLIF(tau_n=0.1, inc_n=0.02),
    nengo.SpikingRectifiedLinear(amplitude=0.1),
    nengo.RegularSpiking(nengo.LIFRate(), amplitude=0.5),
    nengo.Izhikevich(),
    nengo_dl.SpikingLeakyReLU(negative_slope=0.3),
    LeakyIntegrateAndFire(reset="soft"),
]
inner = pytest.mark.parametrize("neuron_type", INNER, ids=lambda each: type(each).__name__)


def network(neuron_type, n_neurons=6, dtype="float64"):
    with nengo.Network(seed=1) as net:
        nengo_dl.configure_settings(dtype=dtype)
        net.signal = nengo.Node(np.zeros(1))
        scale = 100.0 if "Rectified" in repr(neuron_type) else 1.0
        net.population = nengo.Ensemble(
            n_neurons,
            1,
            neuron_type=neuron_type,
            gain=np.full(n_neurons, 2.0) * scale,
            bias=np.linspace(0.5, 6, n_neurons) * scale,
        )
        net.connection = nengo.Connection(
            net.signal, net.population, transform=[[1.0]], synapse=None
        )
        net.spikes = nengo.Probe(net.population.neurons)
    return net


# an object like any of nengo's


def test_written_as_it_is_made():
    assert repr(Surrogate(nengo.LIF(), ARCTAN)) == "Surrogate(LIF(), surrogate.arctan(alpha=2.0))"
    assert repr(Surrogate(nengo.LIF(), "triangle", through_reset=True)) == (
        "Surrogate(LIF(), surrogate.triangle(dampening=0.3, width=1.0), through_reset=True)"
    )


def test_functions_by_name_and_by_family():
    made = Surrogate(nengo.LIF(), ARCTAN)
    assert Surrogate(nengo.LIF()) == made
    assert Surrogate(nengo.LIF(), "arctan") == made
    assert Surrogate(nengo.LIF(), surrogate.arctan) == made
    assert Surrogate(nengo.LIF(), surrogate.arctan(3.0)) != made
    assert Surrogate(nengo.LIF(), ARCTAN, through_reset=True) != made
    assert Surrogate(nengo.LIF(tau_rc=0.1), ARCTAN) != made


@inner
def test_copies_are_equal(neuron_type):
    neurons = Surrogate(neuron_type, ARCTAN, through_reset=True)
    for made in (
        copy.copy(neurons),
        copy.deepcopy(neurons),
        pickle.loads(pickle.dumps(neurons)),
    ):
        assert made == neurons
        assert hash(made) == hash(neurons)
        assert repr(made) == repr(neurons)


def test_changed_copies_stay_around_what_is_in_them():
    neurons = Surrogate(TrainableLIF(tau_rc=0.03), ARCTAN, through_reset=True)
    assert changed(neurons, tau_rc=0.01) == Surrogate(
        TrainableLIF(tau_rc=0.01), ARCTAN, through_reset=True
    )
    assert changed(Surrogate(nengo.LIF()), amplitude=2) == Surrogate(nengo.LIF(amplitude=2))


def test_values_can_not_be_changed():
    neurons = Surrogate(nengo.LIF())
    for name, value in (("neuron_type", nengo.LIF()), ("function", ARCTAN)):
        with pytest.raises(ValidationError, match=name):
            setattr(neurons, name, value)


@inner
def test_it_answers_for_the_type_that_it_is_around(neuron_type):
    neurons = Surrogate(neuron_type)
    assert neurons.spiking
    assert neurons.negative == neuron_type.negative
    assert neurons.probeable == tuple(neuron_type.probeable)
    assert neurons.amplitude == getattr(neuron_type, "amplitude", 1)
    assert set(neurons.state) == set(neuron_type.state)
    x, gain, bias = np.linspace(-1, 1, 5), np.full(3, 2.0), np.full(3, 1.5)
    np.testing.assert_array_equal(neurons.rates(x, gain, bias), neuron_type.rates(x, gain, bias))
    max_rates, intercepts = np.array([20.0, 30.0]), np.array([-0.5, 0.5])
    np.testing.assert_array_equal(
        neurons.gain_bias(max_rates, intercepts), neuron_type.gain_bias(max_rates, intercepts)
    )


class OwnStep(nengo.LIF):
    def step(self, dt, J, output, **state):  # noqa: N803  nengo's name
        super().step(dt, J, output, **state)


@pytest.mark.parametrize(
    ("neuron_type", "error"),
    [
        (nengo.LIFRate(), "a type of neurons that spikes, .*; LIFRate does not spike, so that its"),
        (nengo.Tanh(), "Tanh does not spike"),
        (nengo.AdaptiveLIFRate(), "AdaptiveLIFRate does not spike"),
        (LeakyIntegrator(), "LeakyIntegrator does not spike"),
        (
            nengo.PoissonSpiking(nengo.LIFRate()),
            "PoissonSpiking draws its spikes from a distribution",
        ),
        (nengo.StochasticSpiking(nengo.LIFRate()), "StochasticSpiking draws its spikes"),
        (Surrogate(nengo.LIF()), "Surrogate is a Surrogate already; change the one that there is"),
        (OwnStep(), "OwnStep .*OwnStep is a LIF with a step of its own"),
    ],
)
def test_types_that_it_does_not_go_around(neuron_type, error):
    with pytest.raises(ValidationError, match=error):
        Surrogate(neuron_type)


@pytest.mark.parametrize(
    ("function", "error"),
    [
        (lambda x: x, "expected a function of nengo_layers_plus.surrogate, such as"),
        (2.0, "or the name of one, got 2.0"),
        ("arctn", "did you mean 'arctan'"),
    ],
)
def test_functions_that_it_does_not_take(function, error):
    with pytest.raises(ValidationError, match=error):
        Surrogate(nengo.LIF(), function)


# the same numbers


@inner
def test_the_same_spikes_as_without_it(neuron_type):
    signal = np.random.RandomState(0).uniform(-1, 1, (2, 60, 1))
    found = []
    for each in (neuron_type, Surrogate(neuron_type)):
        net = network(each)
        with simulator(net, minibatch_size=2) as sim:
            found.append(sim.predict({net.signal: signal}, verbose=0)[net.spikes])
    assert np.count_nonzero(found[0]) > 3
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9, atol=1e-9)


@inner
def test_the_same_spikes_in_nengo(neuron_type):
    net = network(Surrogate(neuron_type))
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(60)
    np.testing.assert_allclose(run(net, 60)[0], sim.data[net.spikes], rtol=1e-9, atol=1e-9)


# gradients through spikes, and through time


@pytest.mark.parametrize(
    ("function", "through_reset"),
    [("arctan", True), ("triangle", False), ("fast_sigmoid", False)],
)
def test_trains_what_the_rate_curve_does_not_see(function, through_reset):
    """An input that is over moves an output that is still to come, through the membrane alone."""
    early = np.zeros((1, 20, 1))
    early[:, :5] = 1.0
    moved = {}
    for name, neuron_type in {
        "curve": nengo.LIF(tau_rc=0.1),
        "spikes": Surrogate(nengo.LIF(tau_rc=0.1), function, through_reset=through_reset),
    }.items():
        with nengo.Network(seed=1) as net:
            net.config[nengo.Connection].synapse = None
            nengo_dl.configure_settings(trainable=None)
            net.config[nengo.Ensemble].trainable = False
            signal = nengo.Node(np.zeros(1))
            population = nengo.Ensemble(
                4, 1, neuron_type=neuron_type, gain=np.ones(4), bias=np.full(4, 1.2)
            )
            net.config[population.neurons].trainable = False
            connection = nengo.Connection(signal, population.neurons, transform=np.ones((4, 1)))
            probe = nengo.Probe(population.neurons)
        with simulator(net) as sim:
            before = sim.data[connection].weights
            sim.compile(
                optimizer=tf.optimizers.SGD(1e-6),
                # only what comes after the input is over
                loss=lambda target, output: tf.reduce_sum(output[:, 12:] - target[:, 12:]),
            )
            sim.fit({signal: early}, {probe: np.zeros((1, 20, 4))}, epochs=1, verbose=0)
            moved[name] = np.abs(sim.data[connection].weights - before).max()
    assert moved["curve"] == 0
    assert moved["spikes"] > 0


# test_neuron_models.py trains the others, too
@pytest.mark.parametrize(
    "neuron_type",
    [
        pytest.param(
            each,
            marks=[]
            if type(each) in (nengo.LIF, nengo.SpikingRectifiedLinear)
            else [pytest.mark.deep],
        )
        for each in INNER
        if not isinstance(each, nengo.Izhikevich | nengo_dl.SpikingLeakyReLU)
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_same_training_in_every_simulator(neuron_type):
    weights = []
    rng = np.random.RandomState(0)
    signal, target = rng.uniform(-1, 1, (3, 15, 1)), rng.uniform(0, 100, (3, 15, 6))
    for kind, options in (
        (nengo_dl.Simulator, {}),
        (Simulator, {"execution": "layerwise"}),
    ):
        net = network(Surrogate(neuron_type))
        with kind(net, minibatch_size=3, progress_bar=False, seed=0, **options) as sim:
            # small steps, so that biases stay where all neurons fire
            rate = 1e-2 if "Rectified" in repr(neuron_type) else 1e-6
            sim.compile(optimizer=tf.optimizers.SGD(rate), loss="mse")
            sim.fit({net.signal: signal}, {net.spikes: target}, epochs=2, verbose=0)
            weights.append((sim.data[net.population].bias, sim.data[net.connection].weights))
    start = np.linspace(0.5, 6, 6) * (100.0 if "Rectified" in repr(neuron_type) else 1.0)
    moves = [np.append(bias - start, weight - 1) for bias, weight in weights]
    assert np.abs(moves[0]).max() > 1e-8
    for each in moves[1:]:
        np.testing.assert_allclose(each, moves[0], rtol=1e-5, atol=1e-5 * np.abs(moves[0]).max())


def test_parameters_train_through_spikes():
    net = network(Surrogate(TrainableLIF(tau_rc=0.02)), dtype="float32")
    target = np.full((1, 50, 6), 200.0)
    with simulator(net) as sim:
        sim.compile(optimizer=tf.optimizers.Adam(0.05), loss="mse")
        history = sim.fit(n_steps=50, y={net.spikes: target}, epochs=8, verbose=0).history
        names = [each.name for each in sim.keras_model.trainable_variables]
    assert min(history["loss"][1:]) < history["loss"][0]
    assert len(names) >= 2


def test_inference_only():
    net = network(Surrogate(TrainableLIF()))
    with net:
        nengo_dl.configure_settings(inference_only=True)
    with simulator(net) as sim:
        sim.run_steps(20)
        assert sim.data[net.spikes].max() > 0
        assert sim.keras_model.trainable_variables == []
