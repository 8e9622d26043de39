"""Neurons that are written once: what is declared, and what nengo and nengo_dl make of it."""

# ruff: noqa: RUF012  as nengo declares states

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError, ValidationError
from simulation import run, simulator

from nengo_layers_plus import NeuronModel, NeuronParameter, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF

TAU = NeuronParameter(0.02, unit="s", positive=True, trainable=True)
GAIN = NeuronParameter(1.0)


class Leaky(NeuronModel):
    state = {"voltage": nengo.dists.Uniform(0, 1)}
    parameters = {"tau": TAU, "gain_of_input": GAIN}
    spiking = True

    def dynamics(self, xp, dt, current, voltage, tau, gain_of_input):
        voltage = voltage + (gain_of_input * current - voltage) * -xp.expm1(-dt / tau)
        spikes = xp.spike(voltage - 1)
        return spikes / dt, {"voltage": voltage * (1 - xp.reset(spikes))}


class Squared(NeuronModel):
    """Without a state."""

    parameters = {"scale": NeuronParameter(2.0, trainable=True)}

    def dynamics(self, xp, dt, current, scale):
        return scale * xp.square(current)


def network(neuron_type, n_neurons=7, dtype="float64", **kwargs):
    with nengo.Network(seed=3) as net:
        nengo_dl.configure_settings(dtype=dtype)
        signal = nengo.Node(lambda t: np.sin(40 * t))
        net.population = nengo.Ensemble(n_neurons, 1, neuron_type=neuron_type, **kwargs)
        nengo.Connection(signal, net.population, synapse=None)
        nengo.Probe(net.population.neurons)
        for name in neuron_type.state:
            nengo.Probe(net.population.neurons, name)
    return net


def run_in_nengo(net, n_steps):
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(n_steps)
        return [np.array(sim.data[probe]) for probe in net.all_probes]


# declarations


def declare(**attributes):
    return type("Declared", (NeuronModel,), attributes)


@pytest.mark.parametrize(
    ("attributes", "error"),
    [
        ({"parameters": {"tau": 0.02}}, "Declared.tau: expected a NeuronParameter, got 0.02"),
        (
            {"parameters": {"bias": GAIN}},
            "bias: a parameter can't have this name, which means something",
        ),
        ({"parameters": {"current": GAIN}}, "current: a parameter can't have this name"),
        ({"parameters": {"trainable": GAIN}}, "trainable: a parameter can't have this name"),
        ({"parameters": {"step": GAIN}}, "step: a parameter can't have this name"),
        ({"parameters": {"a b": GAIN}}, "a b: a parameter can't have this name"),
        (
            {"parameters": {"v": GAIN}, "state": {"v": nengo.dists.Choice([0])}},
            "v: a parameter can't have this name, which is that of a state",
        ),
        (
            {"parameters": {"tau": TAU}, "dynamics": lambda self, xp, dt, current: current},
            r"expected the arguments \(self, xp, dt, current, tau\), .*; got "
            r"\(self, xp, dt, current\)",
        ),
        (
            {"dynamics": lambda self, xp, dt, current, tau: current},
            r"expected the arguments \(self, xp, dt, current\), .*; got .*current, tau",
        ),
        (
            {"dynamics": lambda self, xp, current, dt: current},
            r"expected the arguments \(self, xp, dt, current\)",
        ),
        (
            {
                "parameters": {"tau": TAU},
                "dynamics": lambda self, xp, dt, current, tau: current,
                "rate_curve": lambda self, xp, current, tua: current,
            },
            r"expected the arguments \(self, xp, current, tau\)",
        ),
    ],
)
def test_declarations_that_make_no_sense(attributes, error):
    with pytest.raises(ValidationError, match=error):
        declare(**attributes)


def test_dynamics_must_be_written():
    with pytest.raises(ValidationError, match="dynamics: expected a subclass that writes dynamics"):
        declare()()


def test_arguments_by_keyword():
    class General(NeuronModel):
        state = {"voltage": nengo.dists.Choice([0])}
        parameters = {"tau": TAU}

        def dynamics(self, xp, dt, current, **given):
            assert sorted(given) == ["tau", "voltage"]
            return current, {"voltage": given["voltage"]}

    output = np.zeros(2)
    General().step(0.001, np.ones(2), output, voltage=np.zeros(2))
    np.testing.assert_array_equal(output, [1, 1])


def test_declarations_can_not_be_changed():
    with pytest.raises(TypeError):
        Leaky.parameters["tau"] = GAIN


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"tua": 1}, "no parameter is called 'tua'; there are tau, gain_of_input, amplitude"),
        ({"tau": 0}, r"Leaky.tau: expected values above 0 \(s\), got 0.0"),
        ({"amplitude": 0}, "amplitude"),
        ({"trainable": "tua"}, "trainable: no parameter is called 'tua'; Leaky has tau, gain"),
        ({"per_neuron": ["tau", "x"]}, "per_neuron: no parameter is called 'x'"),
        ({"trainable": 3}, "trainable: expected True, False, None, or names of parameters, got 3"),
        ({"initial_state": {"u": 0}}, "u"),
    ],
)
def test_arguments_that_it_does_not_take(arguments, error):
    with pytest.raises(ValidationError, match=error):
        Leaky(**arguments)


@pytest.mark.parametrize(
    ("new", "error"),
    [
        ({}, r"expected the output and a dict .* \(voltage\), got an output and \[\]"),
        ({"v": 0}, r"got an output and \['v'\]"),
        (None, "got a tuple"),
    ],
)
def test_what_dynamics_must_return(new, error):
    class Wrong(NeuronModel):
        state = {"voltage": nengo.dists.Choice([0])}

        def dynamics(self, xp, dt, current, voltage):
            return current, new

    with pytest.raises(ValidationError, match=error):
        Wrong().step(0.001, np.ones(1), np.ones(1), voltage=np.ones(1))


# what trains, and for whom


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        (None, ("tau",)),
        (True, ("tau",)),
        (False, ()),
        ("gain_of_input", ("gain_of_input",)),
        (["gain_of_input", "tau"], ("gain_of_input", "tau")),
    ],
)
def test_what_trains(chosen, names):
    assert Leaky(trainable=chosen).trainable_names == names


def test_nothing_that_could_train():
    class Fixed(Squared):
        parameters = {"scale": GAIN}

    with pytest.raises(ValidationError, match="no parameter of Fixed is declared to train; name"):
        Fixed(trainable=True)


def test_values_for_each_neuron():
    neurons = Leaky(tau=[0.01, 0.02])
    assert neurons.per_neuron_names == ("tau",)
    values = neurons.values_for(2)
    np.testing.assert_array_equal(values["tau"], [0.01, 0.02])
    np.testing.assert_array_equal(values["gain_of_input"], [1.0])
    np.testing.assert_array_equal(Leaky(per_neuron=True).values_for(3)["tau"], [0.02] * 3)
    with pytest.raises(
        ValidationError, match="an array of 3, one for each neuron; got an array of 2"
    ):
        neurons.values_for(3)


@pytest.mark.parametrize("kind", [nengo.Simulator, nengo_dl.Simulator])
def test_populations_of_another_size(kind):
    with pytest.raises((ValidationError, BuildError), match=r"array of 7.* got an array of 2"):
        kind(network(Leaky(tau=[0.01, 0.02]), gain=np.ones(7), bias=np.ones(7)), progress_bar=False)


# an object like any of nengo's


def test_it_is_written_as_it_is_made():
    neurons = Leaky(tau=0.01, amplitude=2, trainable=False, initial_state={"voltage": [0.5]})
    assert repr(neurons) == "Leaky(tau=0.01, amplitude=2, initial_state={'voltage': [0.5]}, " \
        "trainable=False)"  # fmt: skip
    assert repr(Leaky(tau=[0.01, 0.02])) == "Leaky(tau=[0.01, 0.02])"
    assert repr(Leaky()) == "Leaky()"


@pytest.mark.parametrize(
    "neurons",
    [
        Leaky(tau=0.01),
        Leaky(tau=[0.01, 0.02]),
        Leaky(trainable=["tau"], per_neuron=True, amplitude=0.1),
        Squared(),
    ],
)
def test_copies_are_equal(neurons):
    for made in (
        copy.copy(neurons),
        copy.deepcopy(neurons),
        pickle.loads(pickle.dumps(neurons)),
        neurons.replace(),
    ):
        assert made == neurons
        assert hash(made) == hash(neurons)
        assert repr(made) == repr(neurons)
        for name in neurons.parameters:
            np.testing.assert_array_equal(getattr(made, name), getattr(neurons, name))


@pytest.mark.parametrize(
    "changes",
    [
        {"tau": 0.03},
        {"tau": [0.01, 0.02]},
        {"amplitude": 3},
        {"trainable": False},
        {"per_neuron": "tau"},
        {"initial_state": {"voltage": np.zeros(2)}},
    ],
)
def test_replaced_ones_differ(changes):
    neurons = Leaky(tau=0.01, gain_of_input=2)
    made = neurons.replace(**changes)
    assert made != neurons
    assert (made.gain_of_input, neurons.tau) == (2, 0.01)
    assert made.replace(**{name: getattr(neurons, name) for name in changes}) == neurons


def test_replaced_values_are_checked():
    with pytest.raises(ValidationError, match="above 0"):
        Leaky().replace(tau=-1)
    with pytest.raises(ValidationError, match=r"expected some of .*tau.*, got 'tua'"):
        Leaky().replace(tua=1)


def test_values_can_not_be_changed():
    neurons = Leaky()
    with pytest.raises(ValidationError):
        neurons.tau = 0.3


def test_step_in_nengo():
    neurons = Leaky(tau=0.01, amplitude=2)
    current, output = np.array([0.0, 3.0, 200.0]), np.empty(3)
    voltage = np.array([0.5, 0.5, 0.5])
    expected = voltage + (current - voltage) * (1 - np.exp(-0.001 / 0.01))
    neurons.step(0.001, current, output, voltage=voltage)
    np.testing.assert_allclose(output, [0, 0, 2000])
    np.testing.assert_allclose(voltage, [*expected[:2], 0])


def test_states_can_be_probed():
    assert set(Leaky().probeable) == {"voltage", "output"}
    with nengo.Network():
        population = nengo.Ensemble(2, 1, neuron_type=Leaky())
        with pytest.raises(ValidationError):
            nengo.Probe(population.neurons, "recovery")


def test_initial_state():
    initial = np.linspace(0, 0.9, 7)
    net = network(Leaky(initial_state={"voltage": initial}), gain=np.zeros(7), bias=np.zeros(7))
    for found in (run_in_nengo(net, 1), run(net, 1)):
        np.testing.assert_allclose(found[1][0], initial * np.exp(-0.001 / 0.02))


# rates


def test_rates_are_measured_where_there_is_no_curve():
    found = Leaky().rates(np.array([[0.5], [2.0]]), gain=np.ones(1), bias=np.zeros(1))
    np.testing.assert_allclose(found, [[0], [1 / (0.02 * np.log(2))]], rtol=0.05)


class WithCurve(Leaky):
    def rate_curve(self, xp, current, tau):
        above = xp.where(current > 1, current - 1, 1.0)
        return xp.where(current > 1, 1 / (tau * xp.log1p(1 / above)), 0.0)


@pytest.mark.parametrize(
    "neurons", [Leaky(), WithCurve(tau=[0.01, 0.02, 0.05]), Leaky(amplitude=3)]
)
def test_gain_and_bias(neurons):
    max_rates, intercepts = np.array([100.0, 150.0, 60.0]), np.array([-0.5, 0.0, 0.7])
    gain, bias = neurons.gain_bias(max_rates, intercepts)
    at_end, at_start, above = (
        neurons.rates(x, gain, bias)[0]
        for x in (np.ones((1, 3)), intercepts[np.newaxis] - 0.01, intercepts[np.newaxis] + 0.05)
    )
    np.testing.assert_allclose(at_end, max_rates, rtol=0.05)
    np.testing.assert_array_equal(at_start, 0)
    assert np.all(above > 0)


def test_outputs_that_neurons_can_not_reach():
    with pytest.raises(ValidationError, match="outputs that the neurons can reach, at most 1000"):
        Leaky().gain_bias([2000.0], [0.0])


def test_neurons_without_a_threshold():
    class Shifted(NeuronModel):
        def dynamics(self, xp, dt, current):
            return xp.exp(0.01 * xp.tanh(current))

    with pytest.raises(ValidationError, match="give gain and bias in place of max_rates"):
        Shifted().gain_bias([1.0], [0.0])


# in nengo_dl


@pytest.mark.parametrize(
    "neurons",
    [
        Leaky(),
        WithCurve(amplitude=0.3),
        Leaky(tau=np.linspace(0.01, 0.04, 7), trainable=True),
        Leaky(trainable=False),
        Squared(),
        Squared(per_neuron=True),
    ],
)
def test_the_same_in_nengo_and_nengo_dl(neurons):
    net = network(neurons, gain=np.full(7, 2.0), bias=np.linspace(0, 3, 7))
    for expected, found in zip(run_in_nengo(net, 60), run(net, 60), strict=True):
        scale = np.abs(expected).max()
        assert scale > 0
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * scale)


def test_numbers_and_arrays_that_are_not_tensors():
    class Constant(NeuronModel):
        state = {"counter": nengo.dists.Choice([1])}

        def dynamics(self, xp, dt, current, counter):
            return 2.0, {"counter": np.float64(0.5)}

    net = network(Constant(), gain=np.ones(7), bias=np.ones(7))
    for expected, found in zip(run_in_nengo(net, 2), run(net, 2, minibatch_size=2), strict=True):
        np.testing.assert_array_equal(found, [expected, expected])


def test_populations_with_different_parameters_are_computed_as_one():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        for n_neurons, tau in ((3, 0.01), (4, [0.02, 0.03, 0.04, 0.05]), (2, 0.06)):
            population = nengo.Ensemble(
                n_neurons,
                1,
                neuron_type=Leaky(tau=tau),
                gain=np.ones(n_neurons),
                bias=np.full(n_neurons, 2.0),
            )
            nengo.Probe(population.neurons, "voltage")
    for expected, found in zip(run_in_nengo(net, 40), run(net, 40), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    with simulator(net) as sim:
        (group,) = [
            each for each in sim.tensor_graph.plan if type(each[0]).__name__ == "SimNeuronModel"
        ]
        assert len(group) == 3


class Bursting(Leaky):
    """Has an argument that is no parameter."""

    def __init__(self, *, strength=1.0, **kwargs):
        super().__init__(**kwargs)
        self.strength = strength

    def dynamics(self, xp, dt, current, **given):
        output, state = super().dynamics(xp, dt, current, **given)
        return output * self.strength, state


def test_populations_that_compute_something_else_are_not():
    with nengo.Network(seed=0) as net:
        for strength in (1.0, 2.0):
            population = nengo.Ensemble(
                3, 1, neuron_type=Bursting(strength=strength), gain=np.ones(3), bias=np.full(3, 3.0)
            )
            nengo.Probe(population.neurons)
    np.testing.assert_allclose([found.max() for found in run(net, 40)], [1000, 2000], rtol=1e-6)


@pytest.mark.parametrize("per_neuron", [False, True])
def test_parameters_train(per_neuron):
    net = network(
        Squared(per_neuron=per_neuron, scale=1.0), 3, gain=np.ones(3), bias=np.full(3, 2.0)
    )
    net.config[nengo.Ensemble].set_param("trainable", nengo.params.Parameter("trainable", None))
    target = np.array([[[1.0, 2.0, 3.0]]])
    (probe,) = net.all_probes
    with simulator(net) as sim:
        sim.compile(optimizer=tf.optimizers.Adam(0.05), loss="mse")
        losses = sim.fit(n_steps=1, y={probe: target}, epochs=30, verbose=0).history["loss"]
    assert losses[-1] < losses[0]


def test_unknown_mathematics():
    class Exotic(NeuronModel):
        def dynamics(self, xp, dt, current):
            return xp.squareroot(current)

    with pytest.raises(AttributeError, match=r"no function 'squareroot' .* did you mean 'square'"):
        Exotic().step(0.001, np.ones(1), np.ones(1))


# -----------------------------------------------------------------------------
# What nengo does with equal types, and with arrays


class Delay(NeuronModel):
    state: ClassVar = {"first": nengo.dists.Choice([0]), "second": nengo.dists.Choice([0])}

    def dynamics(self, xp, dt, current, first, second):
        return second, {"first": current, "second": first}


def test_a_state_can_become_what_another_one_was():
    neurons = Delay()
    state = {"first": np.zeros(1), "second": np.zeros(1)}
    outputs = []
    for step in range(1, 6):
        output = np.zeros(1)
        neurons.step(0.001, np.array([float(step)]), output, **state)
        outputs.append(output[0])
    assert outputs == [0, 0, 1, 2, 3]


@pytest.mark.parametrize("optimize", [False, True])
def test_equal_populations_with_arrays_are_computed_as_one_by_nengo(optimize):
    with nengo.Network(seed=0) as net:
        node = nengo.Node([1.0])
        probes = []
        for seed in range(3):
            neurons = TrainableLIF(tau_rc=np.linspace(0.01, 0.03, 5))
            ensemble = nengo.Ensemble(5, 1, neuron_type=neurons, seed=seed)
            nengo.Connection(node, ensemble, synapse=None)
            probes.append(nengo.Probe(ensemble.neurons, "voltage"))
    with nengo.Simulator(net, progress_bar=False, optimize=optimize) as sim:
        sim.run_steps(20)
        found = [sim.data[each] for each in probes]
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
        for each, probe in zip(found, probes, strict=True):
            np.testing.assert_allclose(sim.data[probe], each, atol=1e-4)


class Table(NeuronModel):
    """Keeps what is not declared."""

    def __init__(self, table, **kwargs):
        super().__init__(**kwargs)
        self._table = table

    def dynamics(self, xp, dt, current):
        return current * self._table[-1]


def test_what_is_not_declared_counts():
    one, other = np.zeros(3000), np.zeros(3000)
    other[1500] = 1
    assert Table(one) == Table(one.copy())
    assert Table(one) != Table(other)
    assert Table(one) != Table([0.0])
    assert Table(one) == pickle.loads(pickle.dumps(Table(one)))


def test_a_curve_that_is_older_than_the_dynamics_is_not_theirs():
    class Faster(TrainableLIF):
        def dynamics(self, xp, dt, current, voltage, refractory_time, tau_rc, tau_ref):
            return super().dynamics(xp, dt, 4 * current, voltage, refractory_time, tau_rc, tau_ref)

    assert TrainableLIF().has_rate_curve
    assert not Faster().has_rate_curve
    np.testing.assert_allclose(
        Faster().rates([1.0], [1.0], [0.0]), TrainableLIF().rates([4.0], [1.0], [0.0]), rtol=0.02
    )


@pytest.mark.parametrize("value", [True, [], "slow", [True, False]])
def test_what_is_no_number(value):
    with pytest.raises(ValidationError, match="expected a number"):
        TrainableLIF(tau_rc=value)


def test_a_default_is_one_number():
    with pytest.raises(ValidationError, match="expected one number"):
        NeuronParameter([1.0, 2.0])


def starting_from(value, **arguments):
    class Counting(NeuronModel):
        state = {"count": value}

        def dynamics(self, xp, dt, current, count):
            return count, {"count": count + current}

    with nengo.Network(seed=0) as net:
        neurons = nengo.Ensemble(
            3, 1, gain=[0.0] * 3, bias=[1.0] * 3, neuron_type=Counting(**arguments)
        )
        nengo.Probe(neurons.neurons)
    return net


@pytest.mark.parametrize(
    ("value", "arguments", "expected"),
    [
        (0.5, {}, [0.5] * 3),
        (2, {}, [2.0] * 3),
        ([1.0, 2.0, 3.0], {}, [1.0, 2.0, 3.0]),
        (nengo.dists.Choice([4.0]), {}, [4.0] * 3),
        (0.0, {"initial_state": {"count": 7}}, [7.0] * 3),
        (0.0, {"initial_state": {"count": [7.0, 8.0, 9.0]}}, [7.0, 8.0, 9.0]),
    ],
)
def test_a_state_starts_from_a_number_or_an_array(value, arguments, expected):
    net = starting_from(value, **arguments)
    steps = np.array(expected) + np.arange(4)[:, np.newaxis]
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(4)
        np.testing.assert_allclose(sim.data[net.probes[0]], steps)
    np.testing.assert_allclose(run(net, 4)[0], steps, rtol=1e-6)


def test_what_a_state_can_not_start_from():
    for wrong in ("high", None, [[1.0], [2.0]], {"a": 1}, TAU):
        with pytest.raises(
            ValidationError, match=r"Counting\.state: count: expected its initial value"
        ):
            starting_from(wrong)
    for arguments, attribute in (({}, "state"), ({"initial_state": {"count": [1.0, 2.0]}}, "init")):
        net = starting_from(0.0 if arguments else [1.0, 2.0], **arguments)
        with pytest.raises(ValidationError, match=rf"{attribute}.*: count: expected .* array of 3"):
            nengo.Simulator(net, progress_bar=False)
