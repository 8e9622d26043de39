"""`TrainableLowpass` and `TrainableAlpha` are those of nengo until they train."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from filters import (
    PLAIN,
    SIMULATORS,
    SIZE,
    STEPS,
    check_gradients,
    everywhere,
    layers,
    open_simulator,
    operators,
    run_in_nengo,
    taus,
)

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.synapses import TrainableAlpha, TrainableLowpass

TAUS = [0.001, 0.004, 0.03]

of_each_kind = pytest.mark.parametrize(
    ("kind", "plain"), PLAIN.items(), ids=[each.__name__ for each in PLAIN]
)


def signal(*shape):
    return np.random.RandomState(0).randn(*shape)


@of_each_kind
@pytest.mark.parametrize("tau", [1e-6, 3e-5, 1e-3, 0.02, 10.0])
@pytest.mark.parametrize("per_unit", [False, True])
def test_it_filters_as_nengo_does(kind, plain, tau, per_unit):
    x = signal(STEPS, SIZE)
    synapse = kind(tau, per_unit=per_unit)
    for y0 in (0, 0.5):
        np.testing.assert_allclose(
            synapse.filt(x, dt=0.001, y0=y0),
            plain(tau).filt(x, dt=0.001, y0=y0),
            rtol=0,
            atol=1e-9,
        )


@of_each_kind
def test_one_for_each_unit_filters_each(kind, plain):
    x = signal(STEPS, SIZE)
    filtered = kind(TAUS).filt(x)
    for index, tau in enumerate(TAUS):
        expected = plain(tau).filt(x[:, [index]])
        np.testing.assert_allclose(filtered[:, [index]], expected, rtol=0, atol=1e-9)


@of_each_kind
def test_a_signal_of_several_axes(kind, plain):
    x = signal(STEPS, 2, SIZE)
    np.testing.assert_allclose(kind(0.004).filt(x, axis=0), plain(0.004).filt(x, axis=0), atol=1e-9)
    filtered = kind([TAUS, TAUS]).filt(x, axis=0)
    np.testing.assert_allclose(
        filtered[:, 1, [2]], plain(TAUS[2]).filt(x[:, 1, [2]]), rtol=0, atol=1e-9
    )


def test_all_simulators_give_the_numbers_of_nengo():
    batch = signal(2, STEPS, SIZE)
    present = [nengo.processes.PresentInput(each, 0.001) for each in batch]
    synapses = [*(kind(0.004) for kind in PLAIN), *(kind(TAUS) for kind in PLAIN)]
    expected = [run_in_nengo(everywhere(synapses, each)) for each in present]
    plain = run_in_nengo(everywhere([each(0.004) for each in PLAIN.values()], present[0]))
    for found, other in zip(expected[0], plain, strict=False):
        np.testing.assert_allclose(found, other, rtol=0, atol=1e-9)
    net = everywhere(synapses, np.zeros(SIZE))
    for name in SIMULATORS:
        with open_simulator(name, net, minibatch_size=2) as sim:
            # the second time it goes on where it was
            for steps in (slice(STEPS),) if name == "layerwise" else (slice(20), slice(20, STEPS)):
                sim.run_steps(len(batch[0, steps]), data={net.nodes[0]: batch[:, steps]})
            for index, probe in enumerate(net.all_probes):
                for item in range(2):
                    np.testing.assert_allclose(
                        sim.data[probe][item], expected[item][index], rtol=0, atol=1e-9
                    )


def test_single_precision():
    present = nengo.processes.PresentInput(signal(STEPS, SIZE), 0.001)
    synapses = [kind([0.02] * SIZE) for kind in PLAIN]
    expected = run_in_nengo(everywhere(synapses, present))
    net = everywhere(synapses, present, dtype="float32")
    with open_simulator("layerwise", net) as sim:
        sim.run_steps(STEPS)
        for probe, other in zip(net.all_probes, expected, strict=True):
            scale = np.abs(other).max()
            np.testing.assert_allclose(sim.data[probe], other, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize(
    ("name", "shared", "of_units"),
    [
        ("stock", TrainableAlpha, TrainableLowpass),
        ("layerwise", TrainableLowpass, TrainableAlpha),
        ("layerwise", TrainableAlpha, TrainableLowpass),
    ],
)
def test_gradients_are_those_of_finite_differences(name, shared, of_units):
    twice = shared(0.004)
    net, source = layers([twice, of_units(TAUS), twice])
    with open_simulator(name, net, minibatch_size=2) as sim:
        assert [each.tau.size for each in operators(sim)] == [1, SIZE, 1]
        check_gradients(sim, source)


def test_a_time_constant_stays_positive_however_far_it_is_moved():
    net, source = layers([kind(0.004) for kind in (*PLAIN, TrainableLowpass)], "float32")
    (probe,) = net.all_probes
    x = signal(4, STEPS, SIZE)
    with open_simulator("stepwise", net, minibatch_size=4) as sim:
        # all others may go anywhere, but the time constants may not
        free = [w for w in sim.keras_model.trainable_weights if "base_params" in w.name]
        sim.compile(optimizer=tf.optimizers.SGD(1e6), loss="mse")
        for far in (0, -1e6, 1e6):
            for each in free:
                tf.keras.backend.set_value(each, np.full(each.shape, far))
            sim.fit({source: x}, {probe: np.ones_like(x)}, epochs=1, verbose=0, stateful=False)
            weights = sim.keras_model.get_weights()
            assert all(np.isfinite(each).all() for each in weights)
            assert all(np.isfinite(tau).all() and (tau > 0).all() for tau in taus(sim))
            if far == 0:
                assert any(abs(each).max() > 100 for each in weights)


def test_training_finds_time_constants():
    x, targets = signal(8, 60, 2), {}
    wanted = [0.003, 0.02]
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.zeros(2))
        for kind, plain in PLAIN.items():
            y = [plain(tau).filt(x[..., [i]], axis=1) for i, tau in enumerate(wanted)]
            y = np.concatenate(y, axis=-1)
            # a probe sees it a step later
            y = np.concatenate([np.zeros_like(y[:, :1]), y[:, :-1]], axis=1)
            targets[nengo.Probe(source, synapse=kind(0.01, per_unit=True))] = y
    with open_simulator("stepwise", net, minibatch_size=8) as sim:
        sim.compile(optimizer=tf.optimizers.Adam(0.1), loss="mse")
        sim.fit({source: x}, targets, epochs=60, verbose=0, stateful=False)
        assert len(taus(sim)) == len(PLAIN)
        for found in taus(sim):
            np.testing.assert_allclose(found, wanted, rtol=0.05)
