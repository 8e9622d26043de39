"""`RateControl` trains neurons to fire at the rates that are asked for."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import simulator

from nengo_layers_plus import FiringRates, RateControl, Sequential, TunedNeurons
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers import RateLoss
from nengo_layers_plus.layers._sequential import as_layer
from nengo_layers_plus.testing import check_layer

Keras = tf.keras.layers


def neurons(**kwargs):
    return TunedNeurons(nengo.LIF(), max_rates=100, intercepts=0, amplitude=0.01, **kwargs)


def network(control):
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.ones(4))
        probe = nengo.Probe(Sequential([control, Keras.Dense(1)])(node))
    return net, probe


def test_it_keeps_the_contract():
    check_layer(RateControl(nengo.LIF(), rate_target=10), (4,))


def test_neurons_are_trained_to_their_rates():
    control = RateControl(neurons(label="hidden"), rate_target=(20, 40), weight=0.01)
    net, probe = network(control)
    with simulator(net, minibatch_size=2) as sim:
        (before,) = control.firing_rates(sim.predict(n_steps=300, verbose=0))
        np.testing.assert_allclose(before.rates, 100, atol=2)
        sim.compile(tf.optimizers.Adam(0.05), loss={probe: "mse", **control.losses(net)})
        history = sim.fit(
            n_steps=1,
            y={probe: np.ones((2, 1, 1)), **control.targets(sim, n_samples=2)},
            epochs=80,
            verbose=0,
        ).history
        sim.run_steps(300)
        (after,) = control.firing_rates(sim.data)
    # the distance from 100 to 40 Hz, squared, times the weight
    (rate_loss,) = (values for name, values in history.items() if "rates" in name)
    np.testing.assert_allclose(rate_loss[0], 36, rtol=0.01)
    assert after.in_target == 1
    assert after.name == "hidden"


def test_all_neurons_within_are_controlled():
    control = RateControl([Keras.Dense(3), nengo.LIF(), Sequential([nengo.LIFRate()])], 10)
    net, _ = network(control)
    probes = control.calls[0].added["rate_probes"]
    assert [probe.target.ensemble for probe in probes] == net.ensembles
    assert list(control.losses(net)) == list(control.targets(net, 3)) == probes
    assert control.targets(net, 3)[probes[0]].shape == (3, 1, 1)
    data = {probes[0]: np.full((2, 5, 3), 7.0), probes[1]: np.full((5, 3), 9.0)}
    assert [report.rates.tolist() for report in control.firing_rates(data)] == [
        [7.0] * 3,
        [9.0] * 3,
    ]


def test_parameters_have_the_same_names_with_and_without_it():
    def names(wrap):
        stack = Sequential([wrap(nengo.LIF()), wrap(neurons(label="hidden")), wrap([nengo.LIF()])])
        with nengo.Network() as net:
            stack(nengo.Node([0.0]))
        return [ensemble.label for ensemble in net.ensembles]

    assert names(lambda layer: RateControl(layer, 10)) == ["lif", "hidden", "sequential/lif"]
    assert names(as_layer) == ["lif", "hidden", "sequential/lif"]


def test_losses_are_for_the_network_that_trains():
    control = RateControl(nengo.LIF(), 10)
    first, _ = network(control)
    second, _ = network(control)
    assert set(control.losses(first)).isdisjoint(control.losses(second))
    with pytest.raises(ValidationError, match="not called in"):
        control.losses(nengo.Network())


def test_data_without_the_probes():
    control = RateControl(nengo.LIF(), 10)
    network(control)
    with pytest.raises(ValidationError, match="expected the data of a Simulator"):
        control.firing_rates({})


@pytest.mark.parametrize("target", [-1, (20, 10), (1, 2, 3), np.inf, np.nan, [[1, 2]]])
def test_what_is_no_range_of_rates(target):
    with pytest.raises(ValidationError, match="rate_target: expected a firing rate in Hz"):
        RateControl(nengo.LIF(), target)


def test_a_layer_without_neurons():
    with nengo.Network() as net, pytest.raises(ValidationError, match="no neurons to control"):
        RateControl(Keras.Dense(2), 10)(nengo.Node([0.0]))
    assert net.probes == []


def test_loss():
    output = np.zeros((2, 2, 3), dtype=np.float32)
    output[0, 0] = [20, 60, 200]  # mean rates of 10, 30 and 100 Hz
    loss = RateLoss(20, 40, amplitude=0.5, weight=0.1)
    assert float(loss(np.zeros((2, 1, 1)), output)) == pytest.approx(0.1 * (100 + 0 + 3600) / 3)
    again = RateLoss.from_config(loss.get_config())
    assert float(again(np.zeros((2, 1, 1)), output)) == float(loss(None, output))


def test_report():
    report = FiringRates.from_output(
        [[[0.0, 2.0, 4.0], [0.0, 4.0, 4.0]]], amplitude=0.1, target=(30, 35), name="hidden"
    )
    np.testing.assert_allclose(report.rates, [0, 30, 40])
    assert (report.in_target, report.silent) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert str(report) == (
        "hidden: mean 23.3 Hz, median 30.0 Hz, highest 40.0 Hz; 33 % in 30 to 35 Hz, 33 % silent"
    )
    assert "in 5 Hz" in str(FiringRates(np.ones(2), (5, 5)))
