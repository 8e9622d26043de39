"""The picture of response curves is that of the gain and bias that were built, or learned."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import pytest
from matplotlib import pyplot
from nengo.exceptions import SimulatorClosed, ValidationError

from nengo_layers_plus import CustomLayer, Simulator, Surrogate, plot
from nengo_layers_plus.neurons import TrainableLIF


def curve(ax: Any, neuron: int) -> tuple[np.ndarray, np.ndarray]:
    (line,) = (each for each in ax.lines if each.get_gid() == f"neuron {neuron}")
    return line.get_data()


def labelled(ax: Any, label: str) -> Any:
    (found,) = (each for each in (*ax.lines, *ax.collections) if each.get_label() == label)
    return found


@pytest.fixture(scope="module")
def network() -> dict[str, Any]:
    with nengo.Network(seed=0) as net:
        few = nengo.Ensemble(
            3, 1, gain=[1.0, 2.0, 4.0], bias=[1.0, 0.0, -1.0], neuron_type=nengo.RectifiedLinear()
        )
        many = nengo.Ensemble(150, 1, radius=2)
    return {"net": net, "few": few, "many": many}


def test_curves_are_those_of_gain_and_bias(network: dict[str, Any]) -> None:
    ax = plot.tuning(network["few"], network["net"])

    for number, (gain, bias) in enumerate([(1, 1), (2, 0), (4, -1)]):
        x, outputs = curve(ax, number)
        assert (x[0], x[-1]) == (-1, 1)
        assert outputs == pytest.approx(np.maximum(gain * x + bias, 0), abs=1e-6)
    assert ax.get_xlabel() == "input along the encoder (in radii)"
    assert ax.get_ylabel() == "output of RectifiedLinear"
    # the first begins at -1, the edge of the picture: it is silent there
    assert labelled(ax, "intercepts").get_xdata() == pytest.approx([-1, 0, 0.25], abs=0.003)
    assert labelled(ax, "output at 1").get_ydata() == pytest.approx([2, 2, 3])
    assert not ax.collections


def test_gain_and_bias_that_are_numbers_need_no_network(network: dict[str, Any]) -> None:
    one = plot.tuning(network["few"], network["net"], inputs=(0, 2))
    other = plot.tuning(network["few"], inputs=iter((0, 2)))

    assert curve(one, 2)[0][-1] == 2
    assert np.array_equal(curve(one, 2), curve(other, 2))


def test_many_neurons_are_summed_up(network: dict[str, Any]) -> None:
    ax = plot.tuning(network["many"], network["net"])

    with nengo.Simulator(network["net"], progress_bar=False) as sim:
        built = sim.data[network["many"]]
    x, middle = labelled(ax, "median").get_data()
    outputs = nengo.LIF().rates(x, built.gain, built.bias)
    assert middle == pytest.approx(np.median(outputs, axis=1), rel=1e-4, abs=1e-3)
    band = labelled(ax, "10 % to 90 % of the neurons").get_paths()[0].vertices
    assert band[:, 1].max() == pytest.approx(np.quantile(outputs, 0.9, axis=1).max(), rel=1e-4)
    lines = [each for each in ax.lines if str(each.get_gid()).startswith("neuron")]
    assert len(lines) == 100
    assert [each.get_text() for each in ax.texts] == ["100 of 150 neurons drawn"]
    shown = [int(each.get_gid().split()[1]) for each in lines]
    highest = labelled(ax, "maximum rates (at 1)").get_ydata()
    assert highest == pytest.approx(built.max_rates[shown], rel=1e-3)
    found = labelled(ax, "intercepts").get_xdata()
    assert found == pytest.approx(built.intercepts[shown], abs=0.003)


@pytest.mark.parametrize(
    ("neuron_type", "unit", "factor"),
    [
        (nengo.SpikingRectifiedLinear(), "firing rate (Hz)", 1),
        (nengo.SpikingRectifiedLinear(amplitude=0.1), "firing rate (Hz) times amplitude 0.1", 0.1),
        (nengo.RectifiedLinear(amplitude=0.1), "output of RectifiedLinear, amplitude 0.1", 0.1),
        (
            nengo.PoissonSpiking(nengo.RectifiedLinear(), amplitude=0.5),
            "firing rate (Hz) times amplitude 0.5",
            0.5,
        ),
        (
            Surrogate(nengo.RegularSpiking(nengo.RectifiedLinear(), amplitude=0.5)),
            "firing rate (Hz) times amplitude 0.5",
            0.5,
        ),
    ],
)
def test_units_are_those_of_the_output(neuron_type: Any, unit: str, factor: float) -> None:
    with nengo.Network():
        ensemble = nengo.Ensemble(2, 1, gain=[50, 50], bias=[0, 0], neuron_type=neuron_type)

    ax = plot.tuning(ensemble)

    x, outputs = curve(ax, 0)
    assert outputs == pytest.approx(factor * 50 * np.maximum(x, 0), abs=factor)
    assert ax.get_ylabel() == unit


def test_inputs_go_to_where_neurons_fire() -> None:
    layer = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 0})
    with nengo.Network() as net:
        neurons = layer(nengo.Node([0.0] * 2))

    ax = plot.tuning(neurons, net)  # they begin at 1

    x, outputs = curve(ax, 1)
    assert (x[0], x[-1]) == (-2, 2)
    assert outputs.max() > 50
    assert ax.get_xlabel() == "input of the neurons"
    assert np.array_equal(curve(plot.tuning(layer.calls[0], net), 1), (x, outputs))


def test_a_simulator_gives_what_was_learned() -> None:
    with nengo.Network(seed=0) as net:
        trains = Surrogate(TrainableLIF(tau_rc=0.02))
        layer = CustomLayer(trains, ensemble_kwargs={"gain": 2, "bias": 0})
        neurons = layer(nengo.Node([0.0] * 2))
        nengo.Probe(neurons)
    sim = Simulator(net, progress_bar=False)
    before = curve(plot.tuning(neurons, net), 0)
    assert curve(plot.tuning(neurons, sim), 0)[1] == pytest.approx(before[1], rel=1e-4, abs=1e-3)

    for weights in sim.keras_model.trainable_weights:
        weights.assign_add(np.full(weights.shape, 0.3))
    after = curve(plot.tuning(neurons, sim), 0)

    bias, tau_rc = sim.data[neurons.ensemble].bias[0], sim.data[neurons]["tau_rc"]
    assert (bias, tau_rc) == pytest.approx((0.3, 0.02 * np.exp(0.3)))
    expected = nengo.LIF(tau_rc=tau_rc).rates(after[0], [2.0], [bias])[:, 0]
    assert after[1] == pytest.approx(expected, rel=1e-3, abs=0.5)
    assert curve(plot.tuning(neurons, net), 0)[1] == pytest.approx(before[1])

    sim.close()
    with pytest.raises(SimulatorClosed, match="draw it before it is closed, inside its"):
        plot.tuning(neurons, sim)


def test_curves_that_differ_by_item_are_an_error() -> None:
    with nengo.Network(seed=0) as net:
        ensemble = nengo.Ensemble(3, 1)
        rule = nengo.Voja(learning_rate=0.1)
        nengo.Connection(nengo.Node([0.5]), ensemble, learning_rule_type=rule)
    with (
        Simulator(net, minibatch_size=2, progress_bar=False) as sim,
        pytest.raises(ValidationError, match="one response curve for each neuron, got 2"),
    ):
        plot.tuning(ensemble, sim)


def test_what_does_not_fit_is_an_error(network: dict[str, Any]) -> None:
    with nengo.Network() as other:
        node = nengo.Node([0.0])
        direct = nengo.Ensemble(5, 1, neuron_type=nengo.Direct())
        dense = CustomLayer(lambda x: x)
        dense(node)
    with pytest.raises(ValidationError, match="an Ensemble, its neurons, or the LayerParts"):
        plot.tuning(node, other)
    with pytest.raises(ValidationError, match="in Direct mode, which has none"):
        plot.tuning(direct, other)
    with pytest.raises(ValidationError, match="expected a layer of neurons, got one that makes"):
        plot.tuning(dense.calls[0], other)
    with pytest.raises(ValidationError, match="got None, while its gain and bias were not given"):
        plot.tuning(network["many"])
    with pytest.raises(ValidationError, match=r"expected a network that .* is in, got"):
        plot.tuning(network["few"], other)
    with pytest.raises(ValidationError, match=r"expected a nengo.Network or a nengo_dl.Simulator"):
        plot.tuning(network["few"], 3)
    for inputs in (3, (1, 1), (0, np.inf), ("a", "b"), (1, 2, 3), iter((1,))):
        with pytest.raises(ValidationError, match=r"such as \(-1, 1\), got"):
            plot.tuning(network["few"], inputs=inputs)
    assert not pyplot.get_fignums()
    assert plot.tuning(network["few"], inputs=iter((0, 2))).get_xlim() == (0, 2)
