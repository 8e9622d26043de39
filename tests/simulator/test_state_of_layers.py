"""State in variables of Keras layers is state of the simulation."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import (
    CustomLayer,
    Simulator,
    StoppedGradientError,
    freeze,
    read_parameters,
    save_parameters,
)
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
        assert sim.tensor_graph.saved_state[layer.calls.ref()].numpy() == 5
        assert layer.calls.numpy() == 0


class Calls(tf.keras.layers.Layer):
    """Returns the number of its calls; its variable trains unless it says that it does not."""

    def __init__(self, **kwargs):
        super().__init__()
        self.kwargs = kwargs

    def build(self, shape):
        self.calls = self.add_weight(name="calls", initializer="zeros", **self.kwargs)
        super().build(shape)

    def call(self, inputs):
        self.calls.assign_add(1.0)
        return 0 * inputs + self.calls


class Around(tf.keras.layers.Layer):
    """Holds such a layer, which Simulators do not build anew then."""

    def __init__(self):
        super().__init__()
        self.inner = Calls(trainable=False)

    def build(self, shape):
        self.inner.build(shape)
        super().build(shape)

    def call(self, inputs):
        return self.inner(inputs)


def network_of(layer, function=None):
    with nengo.Network(seed=0) as net:
        node = nengo.Node(np.zeros(1))
        if function is not None:
            behind = nengo.Node(function, size_in=1)
            nengo.Connection(node, behind, synapse=None)
            node = behind
        net.probe = nengo.Probe(CustomLayer(layer, label="memory")(node))
    return net


def run(sim, n_steps):
    """Run some steps, and return what the layer counted in them."""
    sim.run_steps(n_steps)
    return sim.data[sim.model.toplevel.probes[0]][-n_steps:].ravel().tolist()


@pytest.mark.parametrize("execution", ["auto", "stepwise"])
def test_an_error_while_it_runs_leaves_the_state_as_it_was(execution):
    fails = False

    def function(t, x):
        if fails and t > 0.003:
            raise RuntimeError("this step fails")
        return x

    layer = Calls(trainable=False)
    net = network_of(layer, function)
    with Simulator(net, progress_bar=False, execution=execution) as sim:
        data = np.zeros((1, 5, 1))
        sim.compile("sgd", "mse")
        assert run(sim, 2) == [1, 2]
        for call in (
            lambda: sim.predict(n_steps=5, verbose=0),
            lambda: sim.predict_on_batch(n_steps=5),
            lambda: sim.predict_on_batch(n_steps=5, stateful=True),
            lambda: sim.run_steps(5),
            lambda: sim.fit(data, data, verbose=0),
        ):
            fails = True
            with pytest.raises(Exception, match="this step fails"):
                call()
            fails = False
            assert layer.calls.numpy() == 0
            assert sim.n_steps == 2
            found = sim.predict(n_steps=5, verbose=0)[net.probe]
            assert found.ravel().tolist() == [3, 4, 5, 6, 7]


def test_what_a_layer_changes_is_state_though_it_says_that_it_trains(tmp_path):
    layer = Calls()
    net = network_of(layer)
    x = np.zeros((4, 3, 1))
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        for _ in range(2):
            found = sim.predict(x, verbose=0)[net.probe]
            np.testing.assert_array_equal(found[..., 0], [[1, 2, 3]] * 4)
        assert run(sim, 2)[-1] == 2
        sim.reset()
        np.testing.assert_array_equal(sim.predict(x, verbose=0)[net.probe], found)
        assert sim.keras_model.trainable_weights == []
        assert sim.keras_model.non_trainable_weights == [layer.calls]
        (parameter,) = sim.what_trains().parameters
        assert (parameter.kind, parameter.trainable) == ("Keras state", False)
        save_parameters(sim, tmp_path / "file.npz")
        assert not read_parameters(tmp_path / "file.npz")
        sim.compile(tf.optimizers.SGD(0.1), "mse")
        with pytest.raises(StoppedGradientError, match=r"memory\.calls would\..*trainable=False"):
            sim.fit(x, x, verbose=0)
        losses = sim.fit(x, x, epochs=2, verbose=0, allow_stopped_gradients=True)
        np.testing.assert_allclose(losses.history["loss"], np.mean([1, 4, 9]))


def test_what_gets_no_gradient_may_say_that_it_trains():
    class Scaled(Calls):
        def build(self, shape):
            self.scale = self.add_weight(name="scale", initializer="ones")
            super().build(shape)

        def call(self, inputs):
            return self.scale * tf.stop_gradient(super().call(inputs))

    layer = Scaled()
    net = network_of(layer)
    with Simulator(net, progress_bar=False) as sim:
        assert sim.keras_model.trainable_weights == [layer.scale]
        sim.compile(tf.optimizers.SGD(0.1), "mse")
        sim.fit(np.zeros((1, 2, 1)), np.zeros((1, 2, 1)), verbose=0)
        np.testing.assert_allclose(layer.scale.numpy(), 1 - 0.1 * 2 * np.mean([1, 4]), rtol=1e-6)
        assert run(sim, 1) == [layer.scale.numpy()]


def test_what_changes_in_training_alone_is_no_state(tmp_path):
    class Bounded(tf.keras.layers.Layer):
        def build(self, shape):
            self.scale = self.add_weight(name="scale", initializer="ones")
            self.norm = tf.keras.layers.BatchNormalization()
            self.norm.build(shape)
            super().build(shape)

        def call(self, inputs, training=None):
            if training:
                self.scale.assign(tf.minimum(self.scale, 0.5))
            return self.scale + 0 * self.norm(inputs, training=training)

    layer = Bounded()
    net = network_of(layer)
    with Simulator(net, progress_bar=False) as sim:
        assert sim.tensor_graph.state_of_layers == {}
        sim.compile(tf.optimizers.SGD(0.1), "mse")
        sim.fit(np.ones((1, 1, 1)), np.zeros((1, 1, 1)), verbose=0)
        np.testing.assert_allclose(run(sim, 1), 0.5 - 0.1 * 2 * 0.5, rtol=1e-6)
        save_parameters(sim, tmp_path / "file.npz")
        mean = layer.norm.moving_mean.numpy()
    assert (mean != 0).all()
    saved = read_parameters(tmp_path / "file.npz")
    (name,) = (each for each in saved if each.endswith("moving_mean"))
    np.testing.assert_array_equal(saved[name], mean)


@pytest.mark.parametrize("make_layer", [lambda: Calls(trainable=False), Around])
def test_simulators_share_a_layer_and_not_its_state(make_layer, tmp_path):
    layer = make_layer()
    net = network_of(layer)
    with Simulator(net, progress_bar=False) as sim:
        assert run(sim, 3) == [1, 2, 3]
        save_parameters(sim, tmp_path / "file.npz")
        assert not read_parameters(tmp_path / "file.npz")
        with Simulator(net, progress_bar=False) as other:
            assert run(other, 2) == [1, 2]
            assert run(sim, 2) == [4, 5]
            assert run(sim, 7) == [6, 7, 8, 9, 10, 11, 12]  # traced anew
            sim.reset()
            assert run(sim, 2) == [1, 2]
            assert run(other, 2) == [3, 4]
    copied = net.copy()
    for each in (net, copied):
        with Simulator(each, progress_bar=False) as sim:
            assert run(sim, 2) == [1, 2]
    getattr(layer, "inner", layer).calls.assign(7)
    with Simulator(net, progress_bar=False) as sim:
        for _ in range(2):
            assert run(sim, 2) == [8, 9]
            sim.reset()


def test_state_goes_on_where_loading_builds_the_model_anew():
    with nengo.Network(seed=0) as net:
        node = CustomLayer(Calls(trainable=False))(nengo.Node(np.zeros(1)))
        net.probe = nengo.Probe(node)
        CustomLayer(nengo.LIF(), label="fixed", trainable=False)(node)
    with Simulator(net, progress_bar=False) as sim:
        assert run(sim, 2) == [1, 2]
        model = sim.keras_model
        sim.load_parameters({"fixed.bias": np.array([3.0])}, strict=False)
        assert sim.keras_model is not model
        assert run(sim, 2) == [3, 4]
        sim.reset()
        assert run(sim, 2) == [1, 2]
