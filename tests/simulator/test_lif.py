"""LIF neurons by short series give the numbers of exponentials and logarithms."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.builder.neurons import SimNeurons
from nengo.builder.signal import Signal

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._lif import (
    PackedLIF,
    SeriesLIFBuilder,
    has_series,
    starts_regularly,
)
from nengo_layers_plus.simulator._operator_builders import LoopSignals

N = 20_000
CONFIG = nengo_dl.builder.BuildConfig(
    inference_only=True, lif_smoothing=None, cpu_only=True, rng=None, training=False
)


def operator(neurons, size=N, voltage=0.0):
    current, output, *state = (
        Signal(np.full(size, start), name=name)
        for name, start in (("J", 0), ("out", 0), ("voltage", voltage), ("refractory_time", 0))
    )
    for each in (current, output, *state):
        each.minibatched, each.trainable = True, False  # as nengo_dl does
    names = ("voltage", "refractory_time")
    return SimNeurons(neurons, current, output, state=dict(zip(names, state, strict=True)))


def step(builder_type, neurons, dt, dtype, current, voltage, refractory_time):
    """Let a builder do one step; return spikes, voltage and refractory time."""
    op = operator(neurons)
    signals = LoopSignals([op], 1, dt, tf.as_dtype(dtype))
    builder = builder_type([op])
    builder.build_pre(signals, CONFIG)
    arrays = [tf.constant(each[None], dtype) for each in (current, voltage, refractory_time)]
    results = builder.step(arrays[0], signals.dt, arrays[1], arrays[2])
    return [each.numpy()[0] for each in results]


def draw(neurons, dt):
    """Draw currents and states from below threshold to strong, from just fired to ready."""
    rng = np.random.RandomState(0)
    current = np.concatenate([rng.uniform(-3, 1.5, N // 2), 10 ** rng.uniform(-3, 3, N - N // 2)])
    voltage = rng.uniform(neurons.min_voltage, 1, N)
    refractory_time = rng.uniform(-dt, neurons.tau_ref + dt, N)
    return current, voltage, refractory_time


@pytest.mark.parametrize(
    ("dt", "neurons"),
    [
        (0.001, nengo.LIF()),
        (0.001, nengo.LIF(tau_rc=0.01, tau_ref=0.0005)),
        (0.002, nengo.LIF(amplitude=0.01)),
        (0.0001, nengo.LIF(tau_rc=0.05)),
        (0.001, nengo.LIF(min_voltage=-1)),
        (0.001, nengo.LIF(tau_ref=0)),
    ],
    ids=lambda each: str(each),
)
def test_a_step(dt, neurons):
    """In float64, where what the series leave out is not hidden by rounding."""
    state = draw(neurons, dt)
    # a membrane so close to the threshold may be on either side
    spikes, voltage, refractory = step(
        nengo_dl.neuron_builders.LIFBuilder, neurons, dt, "float64", *state
    )
    found_spikes, found_voltage, found_refractory = step(
        SeriesLIFBuilder, neurons, dt, "float64", *state
    )
    same = spikes == found_spikes
    assert np.count_nonzero(~same) <= 1
    assert 50 < np.count_nonzero(spikes) < N - 50
    np.testing.assert_allclose(
        found_voltage[same], voltage[same], rtol=0, atol=1e-8 * np.abs(state[0][same]).max()
    )
    # of those that were ready during the step; others keep their own time
    np.testing.assert_allclose(found_refractory[same], refractory[same], rtol=0, atol=5e-8 * dt)


def test_many_steps_in_float32():
    """As often as not, the series are nearer to float64 than nengo_dl's float32 is."""
    neurons, dt = nengo.LIF(), 0.001
    rng = np.random.RandomState(1)
    current = rng.uniform(0.5, 5, N)
    counts = {}
    for name, builder, dtype in (
        ("exact", nengo_dl.neuron_builders.LIFBuilder, "float64"),
        ("stock", nengo_dl.neuron_builders.LIFBuilder, "float32"),
        ("series", SeriesLIFBuilder, "float32"),
    ):
        op = operator(neurons)
        signals = LoopSignals([op], 1, dt, tf.as_dtype(dtype))
        built = builder([op])
        built.build_pre(signals, CONFIG)
        now = tf.constant(current[None], dtype)
        voltage = refractory = tf.zeros((1, N), dtype)
        counts[name] = np.zeros(N)
        for _ in range(100):
            spikes, voltage, refractory = built.step(now, signals.dt, voltage, refractory)
            counts[name] += spikes.numpy()[0] * dt
    assert counts["exact"].mean() > 5
    off = {name: np.count_nonzero(counts[name] != counts["exact"]) for name in counts}
    assert off["series"] <= max(2 * off["stock"], N // 1000)


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize(
    ("dt", "neurons"),
    [
        (0.001, nengo.LIF()),
        (0.001, nengo.LIF(tau_ref=0.0015, amplitude=0.3)),
        (0.002, nengo.LIF(tau_ref=0.02)),
        (0.0001, nengo.LIF(tau_rc=0.05)),
    ],
    ids=lambda each: str(each),
)
def test_packed_in_one_number(dt, neurons, counts):
    """To the last bit what the series give, over many steps, from any state."""
    assert PackedLIF.fits(neurons, dt)
    current, voltage, refractory = (each.astype("float32") for each in draw(neurons, dt))
    voltage = np.where(refractory > 0, 0, voltage)  # as it is behind each spike
    op = operator(neurons)
    signals = LoopSignals([op], 1, dt, tf.float32)
    series = SeriesLIFBuilder([op])
    series.build_pre(signals, CONFIG)
    packed = PackedLIF(neurons, dt, counts)
    expected = [tf.constant(each[None]) for each in (voltage, refractory)]
    found = packed.pack(*expected)
    current = tf.constant(current[None])
    spikes = []
    for _ in range(60):
        output, *expected = series.step(current, signals.dt, *expected)
        found_output, *found = packed.step(current, *found)
        np.testing.assert_array_equal(found_output, output)
        spikes.append(np.count_nonzero(output))
    assert min(spikes) > 50
    voltage, refractory = packed.unpack(*found)
    np.testing.assert_array_equal(voltage, expected[0])
    # a time that is over has no effect: it is only counted on where that is asked for
    expected_time = expected[1] if counts else np.maximum(expected[1], 0)
    np.testing.assert_allclose(refractory, expected_time, rtol=0, atol=1e-6 * neurons.tau_ref)


@pytest.mark.parametrize(
    ("neurons", "dt"),
    [
        (nengo.LIF(min_voltage=-1), 0.001),  # would be taken for a refractory time
        (nengo.LIF(tau_ref=0.001), 0.001),  # may fire twice in two steps
        (nengo.LIF(tau_ref=0), 0.001),
        (nengo.LIF(tau_ref=1), 0.001),
    ],
    ids=lambda each: str(each),
)
def test_what_can_not_be_packed(neurons, dt):
    assert not PackedLIF.fits(neurons, dt)


def test_the_state_is_that_of_nengo_dl():
    """In single precision too, with the time since neurons were refractory."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.linspace(0, 3, 50))
        layer = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 0.5})
        nengo.Probe(layer(source))
    states = []
    for cls in (nengo_dl.Simulator, Simulator):
        with cls(net, progress_bar=False) as sim:
            sim.run_steps(40)
            sim.predict(n_steps=7, verbose=0)  # which leaves it alone
            neurons = next(each for each in sim.model.sig if each in [*net.all_ensembles])
            signals = sim.model.sig[neurons.neurons]
            states.append(
                [
                    sim.tensor_graph.get_tensor(signals[name]).numpy()
                    for name in ("voltage", "refractory_time")
                ]
            )
    assert states[0][1].min() < -0.035  # never fired
    np.testing.assert_allclose(states[1], states[0], rtol=0, atol=1e-6)


def test_a_voltage_above_the_threshold_is_beyond_the_series():
    """That is why nobody may use them then."""
    neurons, dt = nengo.LIF(), 0.001
    state = [np.full(N, each) for each in (3.0, 2.5, 0.0)]
    exact = step(nengo_dl.neuron_builders.LIFBuilder, neurons, dt, "float64", *state)
    found = step(SeriesLIFBuilder, neurons, dt, "float64", *state)
    assert np.abs(exact[2] - found[2]).max() > 1e-3 * dt


def test_who_may_use_series():
    builders = nengo_dl.neuron_builders
    plain = operator(nengo.LIF())
    assert has_series(plain, builders.LIFBuilder, 0.001, tf.float32)
    assert not has_series(plain, builders.LIFBuilder, 0.001, tf.float64)
    # more than a tenth of tau_rc
    assert not has_series(plain, builders.LIFBuilder, 0.003, tf.float32)
    short = operator(nengo.LIF(tau_rc=0.005))
    assert not has_series(short, builders.LIFBuilder, 0.001, tf.float32)

    class Own(builders.LIFBuilder):
        """Does something else."""

    assert not has_series(plain, Own, 0.001, tf.float32)
    assert not has_series(plain, builders.LIFRateBuilder, 0.001, tf.float32)


def test_what_starts_regularly():
    below, at, above = (operator(nengo.LIF(), 3, voltage) for voltage in (0.5, 1.0, 1.5))
    assert starts_regularly([below, at])
    assert not starts_regularly([below, above])
    other = operator(nengo.SpikingRectifiedLinear(), 3, 1.5)  # has no threshold of that kind
    assert starts_regularly([other])


@pytest.mark.parametrize(
    ("voltage", "refractory_time", "regularly"),
    [
        ([0, 0.3, 1], [-0.01, 0, -1], True),
        ([0, 0.3, 0], [0.001, 0, 0.002], True),
        ([0, 1.1, 0], [0, 0, 0], False),  # above the threshold
        ([0, -0.1, 0], [0, 0, 0], False),  # below min_voltage
        ([0, 0.3, 0], [0, 0.001, 0], False),  # refractory, but not at zero
        ([0, 0, 0], [0, 0.004, 0], False),  # for longer than tau_ref
    ],
)
def test_states_that_are_loaded(voltage, refractory_time, regularly):
    op = operator(nengo.LIF(), 3, 1.5)
    values = {
        op.state["voltage"]: np.array(voltage),
        op.state["refractory_time"]: np.array(refractory_time),
    }
    assert starts_regularly([op], values.__getitem__) == regularly


def run(cls, net, probe, path=None):
    with cls(net, progress_bar=False) as sim:
        if path is not None:
            sim.predict(n_steps=3, verbose=0)  # what is compiled now is of no use afterwards
            sim.load_params(path, include_state=True)
        return sim.predict(n_steps=30, verbose=0)[probe]


@pytest.mark.parametrize(
    ("voltage", "refractory_time"), [(0.4, 0.0011), (0.4, 0.0095), (0, 0.0095), (-0.3, 0)]
)
def test_networks_that_start_irregularly(voltage, refractory_time):
    start = {
        "voltage": nengo.dists.Choice([voltage]),
        "refractory_time": nengo.dists.Choice([refractory_time]),
    }
    with nengo.Network(seed=0) as net:
        layer = CustomLayer(
            nengo.LIF(initial_state=start), ensemble_kwargs={"gain": 1, "bias": 0.5}
        )
        probe = nengo.Probe(layer(nengo.Node(np.linspace(0, 3, 50))))
    expected, found = (run(cls, net, probe) for cls in (nengo_dl.Simulator, Simulator))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert expected.any()


@pytest.mark.parametrize("voltage", [0.9, 1.0, 1.2, 2.5])
def test_networks_that_start_above_the_threshold(voltage):
    neurons = nengo.LIF(initial_state={"voltage": nengo.dists.Choice([voltage])})
    with nengo.Network(seed=0) as net:
        layer = CustomLayer(
            neurons, ensemble_kwargs={"gain": 1, "bias": np.linspace(0.13, 4.07, 9)}
        )
        probe = nengo.Probe(layer(nengo.Node(np.zeros(9))))
    expected = run(nengo_dl.Simulator, net, probe)
    np.testing.assert_array_equal(run(Simulator, net, probe), expected)
    # whatever is above the threshold fires, though it has no current
    assert np.count_nonzero(expected[0, 0]) >= (9 if voltage > 1.05 else 1)


def test_a_state_above_the_threshold_that_is_loaded(tmp_path):
    def build(voltage):
        neurons = nengo.LIF(initial_state={"voltage": nengo.dists.Choice([voltage])})
        with nengo.Network(seed=0) as net:
            layer = CustomLayer(
                neurons, ensemble_kwargs={"gain": 1, "bias": np.linspace(0.13, 4.07, 9)}
            )
            probe = nengo.Probe(layer(nengo.Node(np.zeros(9))))
        return net, probe

    with nengo_dl.Simulator(build(1.7)[0], progress_bar=False) as sim:
        sim.save_params(tmp_path / "state", include_state=True)
    expected = run(nengo_dl.Simulator, *build(0.0), tmp_path / "state")
    found = run(Simulator, *build(0.0), tmp_path / "state")
    np.testing.assert_array_equal(found, expected)
    assert np.count_nonzero(expected[0, 0]) == 9


def test_a_subclass_with_states_of_its_own_is_left_to_its_builder():
    class Unlimited(nengo.LIF):
        """LIF neurons without a refractory period."""

        state = {"voltage": nengo.dists.Uniform(0, 1)}  # noqa: RUF012
        probeable = ("output", "voltage")

        def step(self, dt, J, output, voltage):  # noqa: N803
            voltage += (J - voltage) * dt / self.tau_rc
            output[...] = (voltage > 1) / dt
            voltage[voltage > 1] = 0

    with nengo.Network(seed=0) as net:
        neurons = nengo.Ensemble(4, 1, neuron_type=Unlimited(), gain=[1] * 4, bias=[1, 2, 3, 4])
        probe = nengo.Probe(neurons.neurons)
    outputs = []
    for cls in (nengo_dl.Simulator, Simulator):
        with (
            pytest.warns(UserWarning, match="falling back"),
            cls(net, seed=0, progress_bar=False) as sim,
        ):
            outputs.append(sim.predict(n_steps=50, verbose=0)[probe])
    np.testing.assert_array_equal(*outputs)
    assert outputs[0].any()


@pytest.mark.parametrize("simulator", [nengo_dl.Simulator, Simulator])
def test_neurons_that_begin_refractory_fire_when_nengo_has_them_fire(simulator):
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        begun = {"voltage": [0.9, 0, 0.5, 0], "refractory_time": [0.003, 0.0024, 0, 4e-4]}
        neurons = nengo.LIF(initial_state={k: np.array(v) for k, v in begun.items()})
        ensemble = nengo.Ensemble(
            4, 1, neuron_type=neurons, gain=np.ones(4), bias=np.array([2, 5, 0.5, 9])
        )
        probes = [nengo.Probe(ensemble.neurons, name) for name in neurons.probeable]
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
        spikes, voltage, refractory = (sim.data[each] for each in probes)
    with simulator(net, progress_bar=False) as sim:
        sim.run_steps(20)
        found = [sim.data[each] for each in probes]
    np.testing.assert_array_equal(found[0], spikes)
    assert 5 < np.count_nonzero(spikes) < 40
    np.testing.assert_allclose(found[1], voltage, atol=1e-12)
    # as the guide says
    late = refractory - found[2]
    assert set(np.round(late / 0.001, 9).flat) == {0.0, 1.0}
