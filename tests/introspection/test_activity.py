"""What a summary says of what neurons do, and of the connections behind them."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from scipy.sparse import csr_matrix
from simulation import simulator

from nengo_layers_plus import CustomLayer, Surrogate, nengo_dl, summary
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._summary._activity import FanOut, _greatest_rate

AS_GIVEN = {"gain": 1, "bias": 0}


def relu(label: str, amplitude: float = 1) -> CustomLayer:
    return CustomLayer(nengo.RectifiedLinear(amplitude), ensemble_kwargs=AS_GIVEN, label=label)


def build() -> nengo.Network:
    """Build a network whose rates are known."""
    with nengo.Network(label="rates", seed=0) as net:
        source = nengo.Node([-5.0, 0.0, 20.0, 60.0], label="source")
        rates = relu("rates", amplitude=0.5)(source)
        spikes = CustomLayer(
            nengo.SpikingRectifiedLinear(0.1, initial_state={"voltage": nengo.dists.Choice([0.5])}),
            ensemble_kwargs=AS_GIVEN,
            label="spikes",
        )(source, transform=2.5)
        saturated = CustomLayer(
            nengo.LIFRate(tau_rc=0.02, tau_ref=0.01), ensemble_kwargs=AS_GIVEN, label="saturated"
        )(source, transform=2.0)
        signed = CustomLayer(nengo.Tanh(), ensemble_kwargs=AS_GIVEN, label="signed")(source)
        for layer in (rates, spikes, signed):
            nengo.Probe(CustomLayer(tf.keras.layers.Dense(3))(layer))
        nengo.Probe(saturated)
    return net


@pytest.fixture(scope="module")
def table():
    return summary(build(), n_steps=200)


def test_rates(table) -> None:
    done = table["rates"].activity
    assert done.mean_rate == pytest.approx(20)  # whatever the amplitude
    assert done.max_rate == pytest.approx(60)
    assert done.silent == 0.5
    assert done.saturated is done.spikes is None
    # as if they fired at their rates
    assert done.synaptic_operations == pytest.approx(80 * 0.001 * 3)


def test_spikes(table) -> None:
    done = table["spikes"].activity
    # 50 and 150 Hz, for 0.2 s
    assert done.mean_rate == pytest.approx((10 + 30) / 4 / 0.2)
    assert done.max_rate == pytest.approx(30 / 0.2)
    assert done.spikes == pytest.approx(40 / 200)
    assert done.synaptic_operations == pytest.approx(3 * 40 / 200)


def test_saturation(table) -> None:
    done = table["saturated"].activity
    neuron_type = nengo.LIFRate(tau_rc=0.02, tau_ref=0.01)
    rates = neuron_type.rates(np.array([-10.0, 0, 40, 120]), np.ones(4), np.zeros(4)).ravel()
    share = np.mean(rates >= 0.95 / 0.01)
    assert share == 0.5
    assert done.saturated == share
    assert done.max_rate == pytest.approx(rates.max(), rel=1e-5)


def test_outputs_below_zero_are_events_too(table) -> None:
    done = table["signed"].activity
    assert done.max_rate == pytest.approx(1 / 0.0025, rel=1e-3)
    assert done.saturated == 0.75
    assert done.silent == 0.25


def test_in_the_table(table) -> None:
    assert table.was_run
    text = str(table)
    line = [line for line in text.splitlines() if line.startswith("spikes ")][1]
    assert line.split() == ["spikes", "50.0", "150.0", "50%", "-", "0.20", "0.6", "16", "B"]
    assert "saturated" in table._repr_html_()
    assert "0.2 spikes, 0.6 synaptic operations" in table.details("spikes")
    done = {each["name"]: each for each in table.to_dicts()}
    assert done["spikes"]["spikes_per_step"] == pytest.approx(0.2)
    assert "mean_rate_hz" not in done["source"]


def test_not_run() -> None:
    table = summary(build())
    assert not table.was_run
    assert table["spikes"].activity is None
    assert "mean Hz" not in str(table)


def test_a_simulator_with_data() -> None:
    with nengo.Network(label="small", seed=0) as net:
        source = nengo.Node(np.zeros(2), label="source")
        spikes = relu("neurons")(source)
        probe = nengo.Probe(CustomLayer(tf.keras.layers.Dense(2))(spikes))
    data = np.array([[[1.0, 2.0]] * 2, [[3.0, 0.0]] * 2, [[5.0, 6.0]] * 2])
    with simulator(net) as sim:
        sim.run_steps(3)
        before = [each.numpy() for each in sim.keras_model.weights]
        bias = next(each for each in sim.keras_model.weights if "base_params" in each.name)
        bias.assign([10.0, 20.0])
        for given in (data, {"source": data}, {net.nodes[0]: data}):
            done = summary(sim, given)["neurons"].activity
            # the biases are those that the Simulator has now
            assert done.mean_rate == pytest.approx(np.mean(np.add(data, [10, 20])))
            assert done.max_rate == pytest.approx(26)
        bias.assign([0.0, 0.0])
        assert sim.n_steps == 3
        assert len(sim.data[probe]) == 3
        for weight, value in zip(sim.keras_model.weights, before, strict=True):
            np.testing.assert_array_equal(weight.numpy(), value)
        with pytest.raises(nengo.exceptions.ValidationError, match=r"\(batch, time, 2\).*source"):
            summary(sim, np.zeros((1, 5, 3)))
    assert len(net.probes) == 1


def test_neither_data_nor_neurons() -> None:
    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node([0.0], label="source"))
    table = summary(net, n_steps=1)
    assert not table.was_run
    with pytest.raises(nengo.exceptions.ValidationError, match=r"n_steps: .* from 1 .*, got 0"):
        summary(net, n_steps=0)


@pytest.mark.parametrize(
    ("neuron_type", "rate"),
    [
        (nengo.LIF(tau_ref=0.004), 250),
        (nengo.Sigmoid(tau_ref=0.005), 200),
        (nengo.PoissonSpiking(nengo.LIFRate(tau_ref=0.01)), 100),
        (Surrogate(nengo.LIF(tau_ref=0.01)), 100),
        (nengo.LIF(tau_ref=0), None),
        (nengo.RectifiedLinear(), None),
        (nengo.Izhikevich(), None),
    ],
    ids=repr,
)
def test_greatest_rate(neuron_type, rate: float | None) -> None:
    assert _greatest_rate(neuron_type, None) == (None if rate is None else pytest.approx(rate))


# the connections behind a neuron


def behind(connect, n_neurons: int = 16) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the connections behind neurons that something is connected to."""
    with nengo.Network(seed=0) as net:
        ensemble = nengo.Ensemble(n_neurons, 2, label="ensemble")
        connect(ensemble)
    graph = NetworkGraph(net)
    fan_out = FanOut(graph, graph[ensemble])
    return fan_out.connections, tuple(fan_out.not_counted)


def connected(post, **kwargs):
    return lambda ensemble: nengo.Connection(ensemble.neurons, post(), **kwargs)


def stack(*layers, shape=None):
    def connect(ensemble: nengo.Ensemble) -> None:
        x = ensemble.neurons
        for index, layer in enumerate(layers):
            x = CustomLayer(layer, label=f"layer{index}")(x, shape_in="auto" if index else shape)

    return connect


def test_nothing_behind() -> None:
    found, not_counted = behind(lambda ensemble: nengo.Probe(ensemble.neurons))
    assert found.tolist() == [0] * 16
    assert not_counted == ()


@pytest.mark.parametrize(
    ("connect", "expected"),
    [
        (connected(lambda: nengo.Ensemble(16, 1).neurons), 1),
        (connected(lambda: nengo.Ensemble(16, 1).neurons, transform=2.0), 1),
        (connected(lambda: nengo.Ensemble(5, 1).neurons, transform=np.ones((5, 16))), 5),
        (connected(lambda: nengo.Ensemble(5, 3), transform=np.ones((3, 16))), 3),
        (lambda ensemble: nengo.Connection(ensemble, nengo.Node(size_in=2)), 2),
        (
            lambda ensemble: nengo.Connection(
                ensemble,
                nengo.Ensemble(7, 2),
                solver=nengo.solvers.LstsqL2(weights=True),
            ),
            7,
        ),
        (stack(tf.keras.layers.Dense(5)), 5),
        (stack(tf.keras.layers.Reshape((4, 4)), tf.keras.layers.Dense(5)), 5),
        (stack(tf.keras.layers.Flatten(), nengo.LIF()), 1),
        (stack(nengo.LIF(), tf.keras.layers.Dense(5)), 1),
        (stack(tf.keras.layers.Conv2D(3, 2), shape=(4, 4, 1)), 9 * 3 * 4 / 16),
        (stack(tf.keras.layers.Conv1D(3, 2, strides=2), shape=(4, 4)), 2 * 3 * 2 * 4 / 16),
        (stack(tf.keras.layers.Conv2D(4, 1, groups=2), shape=(4, 2, 2)), 8 * 4 * 1 / 16),
        (
            stack(tf.keras.layers.AveragePooling2D(2), tf.keras.layers.Dense(6), shape=(4, 4, 1)),
            4 * 6 / 16,
        ),
        (
            connected(
                lambda: nengo.Ensemble(27, 1).neurons,
                transform=nengo.Convolution(3, (4, 4, 1), kernel_size=(2, 2)),
            ),
            27 * 4 / 16,
        ),
    ],
)
def test_connections_behind_each_neuron(connect, expected: float) -> None:
    found, not_counted = behind(connect)
    np.testing.assert_allclose(found, expected)
    assert not_counted == ()


def test_only_some_neurons_are_connected() -> None:
    def connect(ensemble: nengo.Ensemble) -> None:
        dense = nengo_dl.TensorNode(
            tf.keras.layers.Dense(5), shape_in=(4,), shape_out=(5,), pass_time=False
        )
        nengo.Connection(ensemble.neurons[:4], dense)
        nengo.Connection(ensemble.neurons[[0, 0, 9]], nengo.Ensemble(3, 1).neurons)

    found, _ = behind(connect)
    assert found.tolist() == [7, 5, 5, 5, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_a_sparse_transform() -> None:
    matrix = np.zeros((3, 4))
    matrix[0, 0] = matrix[1, 0] = matrix[2, 3] = 1
    indices = [[0, 0], [1, 0], [2, 3]]
    for how in ({"indices": indices}, {"init": csr_matrix(matrix)}):
        transform = nengo.Sparse((3, 4), **how)
        found, _ = behind(
            connected(lambda: nengo.Ensemble(3, 1).neurons, transform=transform), n_neurons=4
        )
        assert found.tolist() == [2, 0, 0, 1]


def test_what_is_not_known_is_named() -> None:
    found, not_counted = behind(stack(tf.nn.relu))
    assert (found.tolist(), not_counted) == ([0] * 16, ("layer0",))
    _, not_counted = behind(stack(tf.keras.layers.Conv2DTranspose(1, 2), shape=(4, 4, 1)))
    assert not_counted == ("layer0",)


def test_through_nodes_that_pass_on_and_back() -> None:
    def connect(ensemble: nengo.Ensemble) -> None:
        first, second = nengo.Node(size_in=16), nengo.Node(size_in=16)
        nengo.Connection(ensemble.neurons, first)
        nengo.Connection(first, second)
        nengo.Connection(second, first)
        nengo.Connection(second[:8], nengo.Ensemble(8, 1).neurons)
        nengo.Connection(first, nengo.Node(lambda t, x: None, size_in=16))

    found, not_counted = behind(connect)
    np.testing.assert_allclose(found, 0.5)
    assert not_counted == ()
