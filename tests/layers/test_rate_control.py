"""`RateControl` trains neurons to fire at the rates that are asked for."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import simulator

from nengo_layers_plus import FiringRates, RateControl, Sequential, TunedNeurons, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers import RateLoss
from nengo_layers_plus.layers._blocks import as_layer
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
    with pytest.raises(ValidationError, match="expected the data of a Simulator"):
        control.firing_rates(np.ones(3))


@pytest.mark.parametrize(
    "target",
    [-1, (20, 10), (1, 2, 3), np.inf, np.nan, [[1, 2]], "x", True, (False, 2), None, (1, "x")],
)
def test_what_is_no_range_of_rates(target):
    with pytest.raises(ValidationError, match="rate_target: expected a firing rate in Hz"):
        RateControl(nengo.LIF(), target)


@pytest.mark.parametrize("weight", [None, -1, "a", np.nan, np.inf, True, [1]])
def test_what_is_no_weight(weight):
    with pytest.raises(ValidationError, match="weight: expected a number of at least 0, got"):
        RateControl(nengo.LIF(), 10, weight=weight)


@pytest.mark.parametrize("target", [(5, 10), [5, 10], np.array([5, 10]), np.float32([5, 10])])
def test_ranges_and_weights_of_numpy(target):
    control = RateControl(nengo.LIF(), target, weight=np.float32(0))
    net, _ = network(control)
    (loss,) = control.losses(net).values()
    assert (loss.low, loss.high, loss.weight) == (5, 10, 0)
    control.rate_target = np.array(7)
    (loss,) = control.losses(net).values()
    assert (loss.low, loss.high) == (7, 7)


def test_what_can_not_be_controlled():
    class Own(nengo_dl.Layer):
        pass

    with pytest.raises(ValidationError, match="the class Own has a call of its own"):
        RateControl(Own(nengo.LIF()), 10)
    with pytest.raises(ValidationError, match=r"write tf.keras.activations.relu"):
        RateControl("relu", 10)
    assert RateControl(nengo_dl.Layer(nengo.LIF()), 10).name == "lif"


def test_rates_are_averages_over_all_steps_whatever_other_probes_keep():
    """The neurons fire at 100 Hz for a second, and are silent in its last step."""
    before, after = RateControl(neurons(), 10), RateControl([neurons()], 10, subnetwork=True)
    with nengo.Network(seed=0) as net:
        node = nengo.Node(lambda t: np.ones(2) if t < 0.2 else -np.ones(2), size_out=2)
        other = nengo.Probe(node)
        before(node)
        nengo_dl.configure_settings(keep_history=False)
        with nengo.Network():
            after(node)
        nengo_dl.configure_settings(keep_history=False)
        nengo.Probe(node)
    with simulator(net) as sim:
        data = sim.predict(n_steps=200, verbose=0)
        sim.run_steps(200)
        assert data[other].shape == (1, 1, 2)
        for control in (before, after):
            for recorded in (data, sim.data):
                (report,) = control.firing_rates(recorded)
                np.testing.assert_allclose(report.rates, 100, atol=6)
            (probe,) = control.losses(sim)
            assert data[probe].shape == (1, 200, 2)
            net.config[probe].keep_history = False
            with pytest.raises(ValidationError, match="keep_history is False for"):
                control.losses(sim)
            del net.config[probe].keep_history  # follows the other probes
            with pytest.raises(ValidationError, match="keep_history is False for"):
                control.losses(sim)
            net.config[probe].keep_history = True
            assert list(control.losses(sim)) == [probe]


def test_probes_neither_filter_nor_leave_out_steps():
    control = RateControl(nengo.LIF(), 10)
    with nengo.Network() as net:
        net.config[nengo.Probe].synapse = 0.1
        net.config[nengo.Probe].sample_every = 0.1
        control(nengo.Node([0.0]))
    assert [(probe.synapse, probe.sample_every) for probe in net.probes] == [(None, None)]


def test_a_network_put_around_it_later_must_keep_history():
    control = RateControl(neurons(), 10)
    inner, _ = network(control)
    with nengo.Network() as outer:
        nengo_dl.configure_settings(keep_history=False)
        outer.add(inner)
    with pytest.raises(ValidationError, match=r"set network.config\[probe\].keep_history = True"):
        control.losses(outer)
    with simulator(outer) as sim:
        sim.run_steps(3)
        with pytest.raises(ValidationError, match="keep_history is False"):
            control.firing_rates(sim.data)
    for probe in control.calls[0].added["rate_probes"]:
        outer.config[probe].keep_history = True
    assert len(control.losses(outer)) == 1


def test_a_failing_call_leaves_no_settings_of_probes():
    class Failing(RateControl):
        def on_built(self, parts):
            super().on_built(parts)
            raise KeyError("wrong")

    with nengo.Network() as net:
        node = nengo.Node([0.0])
        with pytest.raises(KeyError, match="wrong"):
            Failing(nengo.LIF(), 10)(node)
    assert not any(isinstance(each, nengo.Probe) for each in net.config.params)


def test_rates_of_one_network_of_two():
    control = RateControl(neurons(), 10)
    network(control)
    net, _ = network(control)
    with simulator(net) as sim:
        with pytest.raises(ValidationError, match="expected the data of a Simulator that ran"):
            control.firing_rates(sim.data)
        data = sim.predict(n_steps=300, verbose=0)
        sim.run_steps(300)
        for recorded in (data, sim.data):
            (report,) = control.firing_rates(recorded)
            np.testing.assert_allclose(report.rates, 100, atol=4)


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
