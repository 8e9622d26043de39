"""State in variables of Keras layers is state of the simulation."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator, StoppedGradientError, freeze
from nengo_layers_plus._upstream import tf

RNG = np.random.RandomState(0)
X = RNG.normal(size=(8, 5, 3)).astype(np.float32)
Y = RNG.normal(size=(8, 5, 4)).astype(np.float32)
RATE, MINIBATCH = 0.5, 4


class Cell(tf.keras.layers.Layer):
    """An LSTM of ``[input, output, memory]``, which returns its next ``[output, memory]``."""

    def __init__(self, units):
        super().__init__()
        self.units, self.cell = units, tf.keras.layers.LSTMCell(units)

    def build(self, shape):
        self.cell.build((shape[0], shape[-1] - 2 * self.units))
        super().build(shape)

    def call(self, inputs):
        x, *state = tf.split(inputs, [-1, self.units, self.units], axis=-1)
        return tf.concat(self.cell(x, state)[1], axis=-1)


class Counter(tf.keras.layers.Layer):
    """Adds the number of its calls, and has all kinds of variables that are no state."""

    def build(self, shape):
        self.calls = self.add_weight(name="calls", trainable=False, initializer="zeros")
        self.mean = tf.keras.layers.BatchNormalization(momentum=0.5)
        self.drop = tf.keras.layers.Dropout(0.5)
        self.mean.build(shape)
        super().build(shape)

    def call(self, inputs, training=None):
        mean = self.mean(inputs, training=True)  # a statistic, in simulation too
        dropped = self.drop(tf.ones_like(inputs), training=True)
        return 0 * mean + dropped + self.calls.assign_add(1.0)


def keras_lstm():
    """Return Keras' LSTM, its weights, what it predicts, and the losses of three epochs."""
    tf.keras.utils.set_random_seed(0)
    inputs = tf.keras.Input((5, 3), batch_size=MINIBATCH)
    outputs = tf.keras.layers.LSTM(4, return_sequences=True)(inputs)
    model = tf.keras.Model(inputs, outputs)
    weights = model.get_weights()
    predicted = model.predict(X, batch_size=MINIBATCH, verbose=0)
    model.compile(tf.optimizers.SGD(RATE), "mse")
    history = model.fit(X, Y, batch_size=MINIBATCH, epochs=3, shuffle=False, verbose=0)
    return weights, predicted, history.history["loss"], model.get_weights()


@pytest.fixture(scope="module")
def expected():
    return keras_lstm()


def open_stateful(weights, layer=None, **kwargs):
    # as tf.keras.layers.LSTM, which takes longer to trace
    layer = layer or tf.keras.layers.RNN(tf.keras.layers.LSTMCell(4), stateful=True)
    with nengo.Network(seed=0) as net:
        net.probe = nengo.Probe(
            CustomLayer(layer, label="memory")(nengo.Node(np.zeros(3)), shape_in=(1, 3))
        )
    sim = Simulator(net, minibatch_size=MINIBATCH, progress_bar=False, **kwargs)
    if weights:
        layer.set_weights(weights)
    return sim, net.probe


@pytest.mark.parametrize("execution", ["layerwise", "stepwise"])
def test_a_cell_of_input_and_state_is_the_lstm_of_keras(expected, execution):
    weights, predicted, losses, trained = expected
    cell = Cell(4)
    with nengo.Network(seed=0) as net:
        node = CustomLayer(cell)(nengo.Node(np.zeros(3)), shape_in=(11,), transform=np.eye(11, 3))
        nengo.Connection(node, node[3:], synapse=0)
        probe = nengo.Probe(node[:4])
    execution = "auto" if execution == "layerwise" else execution
    with Simulator(net, minibatch_size=MINIBATCH, progress_bar=False, execution=execution) as sim:
        cell.set_weights(weights)
        np.testing.assert_array_equal(sim.predict(X, verbose=0)[probe], predicted)
        sim.compile(tf.optimizers.SGD(RATE), loss="mse")
        history = sim.fit(X, Y, epochs=3, shuffle=False, verbose=0)
        np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-6)
        for value, other in zip(cell.get_weights(), trained, strict=True):
            np.testing.assert_allclose(value, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    "settings",
    [{"execution": "layerwise"}, {"execution": "stepwise"}, {"memory_limit": 400}],
    ids=["layerwise", "stepwise", "in chunks"],
)
def test_state_begins_anew_goes_on_and_is_put_back(expected, settings):
    weights, predicted, *_ = expected
    sim, probe = open_stateful(weights, **settings)
    first = X[:MINIBATCH]
    with sim:
        # each minibatch begins from the state that the simulation has, and leaves it
        for _ in range(2):
            np.testing.assert_array_equal(sim.predict(X, verbose=0)[probe], predicted)
        # it goes on where that is asked for
        sim.predict(first[:, :2], stateful=True, verbose=0)
        rest = sim.predict(first[:, 2:], verbose=0)[probe]
        np.testing.assert_array_equal(rest, predicted[:MINIBATCH, 2:])
        np.testing.assert_array_equal(sim.predict(first[:, 2:], verbose=0)[probe], rest)
        # and is reset
        sim.reset(include_trainable=False)
        np.testing.assert_array_equal(sim.predict(X, verbose=0)[probe], predicted)
        sim.run_steps(2, data={sim.model.toplevel.nodes[0]: first[:, :2]})
        with pytest.warns(DeprecationWarning, match="soft_reset"):
            sim.soft_reset(include_probes=True)
        np.testing.assert_array_equal(sim.predict(X, verbose=0)[probe], predicted)
        # in training each minibatch begins anew, but not each chunk of it
        truncation = 1 if "memory_limit" in settings else None
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        losses = [
            sim.fit(X, Y, verbose=0, truncation=truncation, allow_stopped_gradients=True)
            for _ in range(2)
        ]
        losses = [each.history["loss"][0] for each in losses]
        np.testing.assert_allclose(losses, np.mean((predicted - Y) ** 2), rtol=1e-6)
        np.testing.assert_array_equal(sim.predict(X, verbose=0)[probe], predicted)


def test_gradients_through_such_state_are_refused():
    sim, _ = open_stateful(None, tf.keras.layers.LSTM(4, stateful=True), execution="stepwise")
    with sim:
        sim.compile(tf.optimizers.SGD(RATE), loss="mse")
        with pytest.raises(
            StoppedGradientError,
            match=r"memory keeps its state .* memory\.lstm_cell\.kernel, .*synapse=0",
        ):
            sim.fit(X, Y, verbose=0)


def test_what_is_frozen_needs_no_gradient_through_state():
    with nengo.Network(seed=0) as net:
        layer = tf.keras.layers.SimpleRNN(4, stateful=True)
        x = CustomLayer(layer, label="memory")(nengo.Node(np.zeros(3)), shape_in=(1, 3))
        nengo.Probe(CustomLayer(tf.keras.layers.Dense(4), label="readout")(x))
    freeze(net, "memory")
    with Simulator(net, minibatch_size=MINIBATCH, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(RATE), loss="mse")
        losses = sim.fit(X, Y, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


@pytest.mark.parametrize("execution", ["layerwise", "stepwise"])
def test_a_counter_is_state_and_statistics_and_generators_are_none(execution):
    layer = Counter()
    sim, probe = open_stateful(None, layer, execution=execution)
    with sim:
        assert list(sim.tensor_graph.state_of_layers.values()) == [layer.calls]
        dropped = [sim.predict(X, verbose=0)[probe] - np.arange(1, 6)[:, None] for _ in range(2)]
        for each in dropped:
            assert set(np.unique(each)) == {0.0, 2.0}  # of one half, twice as large
        assert (dropped[0] != dropped[1]).any()
        assert (dropped[0][:MINIBATCH] != dropped[0][MINIBATCH:]).any()
        mean = layer.mean.moving_mean.numpy()
        assert (mean != 0).all()
        # it learns nothing, so that no gradient is missed
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        sim.fit(X, np.zeros((8, 5, 3)), verbose=0)
        assert layer.calls.numpy() == 0
        assert (layer.mean.moving_mean.numpy() != mean).all()
        sim.predict(X[:MINIBATCH], stateful=True, verbose=0)
        assert layer.calls.numpy() == 5
