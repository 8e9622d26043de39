"""Types of nengo that nengo_dl would run in Python: there is TensorFlow code for them."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import NeuronModel, Surrogate, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import SimNeuronModel, TrainableLIF, why_in_python
from nengo_layers_plus.neurons._known_types import as_known_type, known_type_of, model_of
from nengo_layers_plus.neurons._surrogate import native_of

SimNeurons = nengo.builder.neurons.SimNeurons


class SubclassOfLIF(nengo.LIF):
    """Changes what it is made with, and nothing of what it computes."""

    def __init__(self, scale=2.0, **kwargs):
        super().__init__(tau_rc=0.01 * scale, **kwargs)


class SubclassOfAdaptiveLIF(nengo.AdaptiveLIF):
    pass


class SubclassOfRate(nengo.RectifiedLinear):
    pass


class OwnStep(nengo.LIF):
    def step(self, dt, J, output, **state):  # noqa: N803  nengo's name
        super().step(dt, 2 * J, output, **state)


class OwnState(nengo.AdaptiveLIFRate):
    state = {**nengo.AdaptiveLIFRate.state}  # noqa: RUF012  as nengo declares it


class OwnType(nengo.neurons.NeuronType):
    def step(self, dt, J, output):  # noqa: N803  nengo's name
        output[...] = np.maximum(J, 0)

    def rates(self, x, gain, bias):
        return np.maximum(self.current(x, gain, bias), 0)


def network(neuron_type, dtype="float64", n_neurons=8):
    scale = 100.0 if "Rectified" in repr(neuron_type) else 1.0
    with nengo.Network(seed=2) as net:
        nengo_dl.configure_settings(dtype=dtype)
        net.signal = nengo.Node(lambda t: np.cos(30 * t))
        net.population = nengo.Ensemble(
            n_neurons,
            1,
            neuron_type=neuron_type,
            gain=np.full(n_neurons, 2.0),
            bias=np.linspace(0, 12, n_neurons) * scale,
        )
        net.connection = nengo.Connection(
            net.signal,
            net.population.neurons,
            transform=np.full((n_neurons, 1), 2.0 * scale),
            synapse=None,
        )
        net.probe = nengo.Probe(net.population.neurons)
    return net


def in_nengo(net, n_steps):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(n_steps)
        return np.array(sim.data[net.probe])


def in_nengo_dl(net, n_steps):
    """Return the outputs, and the operators of neurons."""
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(n_steps)
        operators = [each for each in sim.model.operators if isinstance(each, SimNeurons)]
        return np.array(sim.data[net.probe]), operators


NATIVE = [
    nengo.AdaptiveLIF(),
    nengo.AdaptiveLIF(tau_n=0.05, inc_n=0.03, amplitude=0.1, min_voltage=-1),
    nengo.AdaptiveLIFRate(),
    nengo.AdaptiveLIFRate(tau_n=0.05, inc_n=0.03, amplitude=0.1),
    nengo.Izhikevich(),
    nengo.Izhikevich(
        reset_voltage=-55, reset_recovery=4, initial_state={"voltage": np.full(8, -60.0)}
    ),
    SubclassOfAdaptiveLIF(tau_n=0.1),
]


@pytest.mark.parametrize("neuron_type", NATIVE, ids=lambda each: type(each).__name__)
class TestNative:
    def test_the_numbers_of_nengo(self, neuron_type):
        net = network(neuron_type)
        expected = in_nengo(net, 150)
        found, operators = in_nengo_dl(net, 150)
        assert [type(each) for each in operators] == [SimNeuronModel]
        assert np.count_nonzero(expected) > 10
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    def test_float32(self, neuron_type):
        """The same spikes until rounding flips one, which can take a while."""
        net = network(neuron_type, dtype="float32")
        expected = in_nengo(net, 40)
        found, _ = in_nengo_dl(net, 40)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)

    def test_it_has_no_parameters_that_train(self, neuron_type):
        _, (operator,) = in_nengo_dl(network(neuron_type), 1)
        assert operator.parameter_signals == {}
        assert why_in_python(neuron_type) is None

    def test_what_is_before_it_trains(self, neuron_type):
        moved = fit(network(neuron_type))
        assert moved["bias"] > 0
        assert moved["weights"] > 0


def fit(net):
    """Train for an epoch; return how far the biases and the weights of the connection moved."""
    with simulator(net, minibatch_size=2) as sim:
        variables = {each.name: each for each in sim.keras_model.trainable_variables}
        before = {name: each.numpy() for name, each in variables.items()}
        sim.compile(optimizer=tf.optimizers.SGD(1e-6), loss="mse")
        target = np.full((2, 20, net.probe.size_in), 50.0)
        sim.fit(n_steps=20, y={net.probe: target}, verbose=0)
        moved = [np.abs(each.numpy() - before[name]) for name, each in variables.items()]
    bias, weights = sorted(moved, key=np.ndim)
    return {"bias": bias.max(), "weights": weights.max()}


def test_a_subclass_that_changes_no_mathematics():
    neuron_type = SubclassOfLIF(3.0, amplitude=0.5)
    assert known_type_of(neuron_type) is nengo.LIF
    assert why_in_python(neuron_type) is None
    known = as_known_type(neuron_type, nengo.LIF)
    assert known == nengo.LIF(tau_rc=0.03, amplitude=0.5)
    net = network(neuron_type)
    found, (operator,) = in_nengo_dl(net, 100)
    # nengo_dl has code of its own for the type
    assert type(operator.neurons) is nengo.LIF
    np.testing.assert_allclose(found, in_nengo(net, 100), rtol=1e-9)
    plain = network(nengo.LIF(tau_rc=0.03, amplitude=0.5))
    np.testing.assert_array_equal(found, in_nengo_dl(plain, 100)[0])


@pytest.mark.parametrize("neuron_type", [SubclassOfLIF(), SubclassOfRate()], ids=["LIF", "LIFRate"])
def test_what_is_before_a_subclass_trains(neuron_type):
    moved = fit(network(neuron_type))
    assert min(moved.values()) > 0


def test_a_subclass_can_be_trained_through_its_spikes():
    net = network(Surrogate(SubclassOfLIF()))
    found, (operator,) = in_nengo_dl(net, 100)
    assert type(operator) is SimNeuronModel
    np.testing.assert_allclose(found, in_nengo(net, 100), rtol=1e-9)
    assert min(fit(net).values()) > 0


@pytest.mark.parametrize(
    ("neuron_type", "why"),
    [
        (OwnStep(), "OwnStep is a LIF with a step of its own, for which there is no TensorFlow"),
        (OwnState(), "OwnState is a AdaptiveLIFRate with other states of its own"),
        (OwnType(), "OwnType has no TensorFlow code"),
        (nengo.RegularSpiking(OwnType()), "OwnType has no TensorFlow code"),
        (nengo.PoissonSpiking(nengo.LIFRate()), None),
        (nengo.Direct(), None),
        (nengo.LIF(), None),
        (nengo_dl.SoftLIFRate(), None),
        (TrainableLIF(), None),
        (Surrogate(nengo.LIF()), None),
    ],
    ids=repr,
)
def test_why_neurons_run_in_python(neuron_type, why):
    assert (why_in_python(neuron_type) or "").startswith(why or "")
    assert (why_in_python(neuron_type) is None) == (why is None)


@pytest.mark.filterwarnings("ignore:.*OwnStep")
@pytest.mark.filterwarnings("ignore:.*falling back to Python")
def test_a_step_of_its_own_runs_in_python():
    net = network(OwnStep())
    found, (operator,) = in_nengo_dl(net, 100)
    assert type(operator) is SimNeurons
    assert type(operator.neurons) is OwnStep
    np.testing.assert_allclose(found, in_nengo(net, 100), rtol=1e-9)


@pytest.mark.parametrize(
    ("neuron_type", "model"),
    [
        (nengo.LIF(tau_rc=0.03), TrainableLIF(tau_rc=0.03, trainable=False)),
        (SubclassOfLIF(3.0), TrainableLIF(tau_rc=0.03, trainable=False)),
        (TrainableLIF(), TrainableLIF()),
    ],
)
def test_the_model_of_a_type(neuron_type, model):
    assert model_of(neuron_type) == model


@pytest.mark.parametrize(
    ("neuron_type", "why"),
    [
        (OwnStep(), "can't be computed: OwnStep is a LIF with a step of its own"),
        (nengo.PoissonSpiking(nengo.LIFRate()), "draws its spikes from a distribution"),
        (nengo.LIFRate(), "can't be computed by a model that is written once"),
    ],
)
def test_types_without_a_model(neuron_type, why):
    found = model_of(neuron_type)
    assert not isinstance(found, NeuronModel)
    assert found.startswith(why)


@pytest.mark.parametrize("neuron_type", [nengo.LIF(), nengo.LIFRate(), OwnStep(), nengo.Tanh()])
def test_what_is_left_to_nengo_dl(neuron_type):
    assert native_of(neuron_type) is None


def test_rates_to_spikes_of_a_native_type():
    """The base type runs natively as well, and so does what is around it."""
    net = network(nengo.RegularSpiking(nengo.AdaptiveLIFRate(tau_n=0.1)))
    found, operators = in_nengo_dl(net, 100)
    np.testing.assert_allclose(found, in_nengo(net, 100), rtol=1e-9)
    assert type(operators[0]) is SimNeuronModel


def test_two_populations_with_other_parameters():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        probes = []
        for n_neurons, inc_n in ((3, 0.01), (5, 0.1)):
            population = nengo.Ensemble(
                n_neurons,
                1,
                neuron_type=nengo.AdaptiveLIF(tau_n=0.1, inc_n=inc_n),
                gain=np.ones(n_neurons),
                bias=np.full(n_neurons, 5.0),
            )
            probes += [nengo.Probe(population.neurons, each) for each in ("output", "adaptation")]
    data = []
    for kind in (nengo.Simulator, nengo_dl.Simulator):
        with kind(net, progress_bar=False) as sim:
            sim.run_steps(80)
            data.append([np.array(sim.data[probe]) for probe in probes])
    for expected, found in zip(*data, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
