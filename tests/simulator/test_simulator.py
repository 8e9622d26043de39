"""The Simulator takes the place of nengo_dl's."""

from __future__ import annotations

import inspect
import sys

import keras
import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulatorClosed, ValidationError

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import TrainingReport
from nengo_layers_plus.neurons import TrainableLIF


def glorot(seed=0):
    return tf.keras.initializers.GlorotUniform(seed=seed)


def build(seed=0):
    tf.keras.utils.set_random_seed(seed)
    with nengo.Network(seed=seed) as net:
        image = nengo.Node(np.ones(4))
        x = CustomLayer(nengo.LIFRate(), label="hidden")(image, synapse=0.01)
        dense = tf.keras.layers.Dense(2, kernel_initializer=glorot(seed))
        probe = nengo.Probe(CustomLayer(dense)(x))
    return net, image, probe


def train(cls, path):
    """Use a Simulator in all ways; return all numbers that it gave."""
    net, image, probe = build()
    data = np.random.RandomState(0).uniform(size=(8, 3, 4))
    with cls(net, seed=0, minibatch_size=4, progress_bar=False) as sim:
        results = [sim.predict({image: data}, verbose=0)[probe]]
        sim.compile(optimizer=tf.optimizers.Adam(0.1), loss={probe: "mse"})
        history = sim.fit({image: data}, {probe: np.ones((8, 3, 2))}, epochs=3, verbose=0)
        results.append(history.history["loss"])
        results.append(sim.evaluate({image: data}, {probe: np.ones((8, 3, 2))}, verbose=0)["loss"])
        sim.run_steps(5)
        results.append(sim.data[probe])
        results.append(sim.data[net.ensembles[0]].bias)
        sim.save_params(path)
    assert sim.closed
    return results


def test_it_takes_the_arguments_of_nengo_dl():
    stock = inspect.signature(nengo_dl.Simulator).parameters
    ours = inspect.signature(Simulator).parameters
    assert list(ours) == [*stock, "execution", "memory_limit", "check_numerics"]
    assert all(ours[name].default == stock[name].default for name in stock)
    assert issubclass(Simulator, nengo_dl.Simulator)


def test_the_numbers_and_files_are_those_of_nengo_dl(tmp_path):
    ours = train(Simulator, tmp_path / "ours")
    stock = train(nengo_dl.Simulator, tmp_path / "stock")
    for one, other in zip(ours, stock, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    net, _, probe = build(seed=1)
    outputs = []
    for cls, file in ((Simulator, "stock"), (nengo_dl.Simulator, "ours")):
        with cls(net, progress_bar=False) as sim:
            before = sim.predict(n_steps=2, verbose=0)[probe]
            sim.load_params(tmp_path / file)
            outputs.append(sim.predict(n_steps=2, verbose=0)[probe])
            assert np.abs(outputs[-1] - before).max() > 0.1
    np.testing.assert_allclose(*outputs, rtol=1e-5)


@pytest.mark.parametrize("writer", [nengo_dl.Simulator, Simulator])
def test_a_state_goes_on_in_the_other_simulator(writer, tmp_path):
    reader = Simulator if writer is nengo_dl.Simulator else nengo_dl.Simulator
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        ensemble = nengo.Ensemble(6, 1)
        nengo.Connection(nengo.Node([0.5]), ensemble, synapse=0.01)
        nengo.Connection(ensemble, ensemble, synapse=0.05)
        probe = nengo.Probe(ensemble)
    with writer(net, seed=0, progress_bar=False) as sim:
        sim.run_steps(10)
        sim.save_params(tmp_path / "state", include_state=True)
        sim.run_steps(10)
        expected = sim.data[probe][10:]
    with reader(net, seed=0, progress_bar=False) as sim:
        sim.load_params(tmp_path / "state", include_state=True)
        sim.run_steps(10)
        np.testing.assert_allclose(sim.data[probe], expected, rtol=1e-10)
    assert np.ptp(expected) > 0


def test_parameters_by_name(tmp_path):
    net, _, probe = build()
    with Simulator(net, progress_bar=False) as sim:
        sim.save_parameters(tmp_path / "a")
        expected = sim.predict(n_steps=2, verbose=0)[probe]
        report = sim.what_trains()
        assert isinstance(report, TrainingReport)
        assert "hidden.bias" in [each.name for each in report.trained]
    net, _, probe = build(seed=1)
    with Simulator(net, progress_bar=False) as sim:
        assert sim.load_parameters(tmp_path / "a").complete
        np.testing.assert_array_equal(sim.predict(n_steps=2, verbose=0)[probe], expected)
        assert sim.load_parameters({}, strict=False).loaded == ()
    for method, arguments in (
        (sim.save_parameters, (tmp_path / "b",)),
        (sim.load_parameters, (tmp_path / "a",)),
        (sim.what_trains, ()),
    ):
        with pytest.raises(SimulatorClosed):
            method(*arguments)


def test_bad_arguments_leave_nothing_behind(monkeypatch):
    caught = []
    monkeypatch.setattr(sys, "unraisablehook", caught.append)
    with pytest.raises(ValidationError):
        Simulator(nengo.Network(), execution="fast")
    assert caught == []


def test_memory_limit_may_be_a_number_of_numpy():
    net, _, probe = build()
    with Simulator(net, progress_bar=False, memory_limit=np.int64(10_000)) as sim:
        assert sim.predict(n_steps=2, verbose=0)[probe].shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "name", "equivalent"),
    [
        ({"optimizer": keras.optimizers.Adam()}, "optimizer", "tf.keras.optimizers.Adam"),
        ({"loss": keras.losses.MeanSquaredError()}, "loss", "tf.keras.losses.MeanSquaredError"),
        ({"loss": keras.losses.hinge}, "loss", "tf.keras.losses.hinge"),
        (
            {"loss": "mse", "metrics": ["mae", keras.metrics.CosineSimilarity()]},
            "metrics",
            "tf.keras.metrics.CosineSimilarity",
        ),
    ],
)
def test_keras_3_is_refused(arguments, name, equivalent):
    net, _, probe = build()
    with Simulator(net, progress_bar=False) as sim:
        if name != "optimizer":  # as they are often given: by probe
            arguments = {key: {probe: value} for key, value in arguments.items()}
        with pytest.raises(ValidationError, match="of Keras 3") as info:
            sim.compile(**arguments)
        assert str(info.value).startswith(f"Simulator.{name}: ")
        assert f"take {equivalent} instead" in str(info.value)
        with pytest.raises(ValidationError, match=r"take tf\.keras\.optimizers\.SGD instead"):
            sim.compile(keras.optimizers.SGD(), loss="mse")
        sim.compile(tf.keras.optimizers.SGD(), loss={probe: "mse"}, metrics={probe: "mae"})


# -- inputs that stand still


@pytest.fixture(scope="module")
def still():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        net.image = nengo.Node(np.zeros(16), label="image")
        start = {"kernel_initializer": glorot(), "dtype": "float64"}
        x = CustomLayer(tf.keras.layers.Conv2D(2, 3, **start))(net.image, shape_in=(4, 4, 1))
        x = CustomLayer(tf.keras.layers.Dense(5, activation="tanh", **start))(x)
        net.dense = nengo.Probe(x)
        x = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 3.1, "bias": 1.3})(x)
        net.spikes = nengo.Probe(x)
    return net


STILL = np.random.RandomState(0).uniform(size=(4, 1, 16)).repeat(20, axis=1)
MOVING = np.random.RandomState(1).uniform(size=(4, 20, 16))
SETTINGS = {"minibatch_size": 4, "progress_bar": False}


@pytest.mark.parametrize("data", [STILL, MOVING], ids=["still", "moving"])
def test_still_inputs_are_convolved_once(still, data, monkeypatch):
    with nengo_dl.Simulator(still, **SETTINGS) as sim:
        expected = sim.predict({still.image: data}, verbose=0)
    convolved = []
    original = tf.keras.layers.Conv2D.call

    def count(images):
        convolved.append(len(images))
        return images

    def call(self, images):
        # not stateful: it may be called as often as the Simulator likes
        counted = tf.numpy_function(count, [images], images.dtype, stateful=False)
        counted.set_shape(images.shape)
        return original(self, counted)

    monkeypatch.setattr(tf.keras.layers.Conv2D, "call", call)
    with Simulator(still, **SETTINGS) as sim:
        convolved.clear()
        found = sim.predict({still.image: data}, verbose=0)
        assert sum(convolved) == (4 if data is STILL else 4 * 20)
    for probe in (still.dense, still.spikes):
        assert found[probe].shape == expected[probe].shape
        np.testing.assert_allclose(found[probe], expected[probe], rtol=1e-12)
    assert 0 < np.count_nonzero(expected[still.spikes]) < expected[still.spikes].size


def test_it_is_seen_in_each_call_whether_inputs_stand_still(still):
    with nengo_dl.Simulator(still, **SETTINGS) as stock, Simulator(still, **SETTINGS) as ours:
        almost = STILL.copy()
        almost[3, 19, 7] += 1e-9
        for data in (MOVING, STILL, almost, MOVING):
            expected, found = (
                each.predict({still.image: data}, verbose=0)[still.dense] for each in (stock, ours)
            )
            np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_of_still_inputs_are_those_of_each_step(still, training):
    gradients = []
    weights = np.arange(20.0)[None, :, None]
    for cls in (nengo_dl.Simulator, Simulator):
        with cls(still, **SETTINGS) as sim:

            @tf.function(autograph=False)
            def gradient(data, sim=sim):
                with tf.GradientTape() as tape:
                    tape.watch(data)
                    dense, *_ = sim.keras_model([data, tf.fill([4, 1], 20)], training=training)
                    loss = tf.reduce_sum(weights * dense**2)
                return tape.gradient(loss, data)

            gradients.append(gradient(tf.constant(STILL)).numpy())
    expected, found = gradients
    assert np.abs(expected[:, 19]).max() > 10 * np.abs(expected[:, 1]).max() > 0
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_constant_nodes_are_not_repeated():
    """Neither in memory nor in what the Keras model is given."""
    with nengo.Network(seed=0) as net:
        constant = nengo.Node(np.arange(5.0), label="constant")
        wave = nengo.Node(np.sin, label="wave")
        probes = [nengo.Probe(constant), nengo.Probe(wave)]
        layer = CustomLayer(nengo.LIFRate())(constant)
        nengo.Connection(wave, layer, transform=np.ones((5, 1)), synapse=None)
        probes.append(nengo.Probe(layer))
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        expected = sim.predict(n_steps=30, verbose=0)
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        given = []
        predict = sim.keras_model.predict

        def watched(x, *args, **kwargs):
            given.append({name: np.shape(value) for name, value in x.items()})
            return predict(x, *args, **kwargs)

        sim.keras_model.predict = watched
        found = sim.predict(n_steps=30, verbose=0)
        assert given[0]["constant"] == (2, 1, 5)
        assert given[0]["wave"] == (2, 30, 1)
        # values that are given for it are taken as they are
        values = np.random.RandomState(0).uniform(size=(2, 30, 5))
        other = sim.predict({constant: values}, verbose=0)
    for probe in probes:
        np.testing.assert_allclose(found[probe], expected[probe], rtol=1e-5)
        assert found[probe].shape[:2] == (2, 30)
    np.testing.assert_allclose(other[probes[0]], values, rtol=1e-6)


# -- networks of nengo_dl's Converter


@pytest.mark.parametrize("spiking", [False, True])
def test_converted_networks_run_layer_by_layer(spiking):
    tf.keras.utils.set_random_seed(0)
    inputs = tf.keras.Input((6, 6, 1))
    x = tf.keras.layers.Conv2D(3, 3, activation="relu")(inputs)
    x = tf.keras.layers.AveragePooling2D()(x)
    x = tf.keras.layers.Flatten()(x)
    outputs = tf.keras.layers.Dense(4)(x)
    model = tf.keras.Model(inputs, outputs)
    settings = {}
    if spiking:
        settings = {
            "swap_activations": {tf.keras.activations.relu: nengo.SpikingRectifiedLinear()},
            "scale_firing_rates": 200,
            "synapse": 0.005,
        }
    converter = nengo_dl.Converter(model, **settings)
    converter.net.seed = 0  # of the voltages that neurons start from
    images = np.random.RandomState(0).uniform(size=(4, 1, 36)).repeat(15, axis=1)
    results = []
    for cls in (nengo_dl.Simulator, Simulator):
        layerwise = {} if cls is nengo_dl.Simulator else {"execution": "layerwise"}
        with cls(converter.net, minibatch_size=2, progress_bar=False, **layerwise) as sim:
            found = sim.predict({converter.inputs[inputs]: images}, verbose=0)
            results.append(found[converter.outputs[outputs]])
            if layerwise:
                runs = {row.runs for row in sim.execution}
                expected = {"all steps at once", "along time, by itself"}
                assert runs == (expected if spiking else {"all steps at once"})
    stock, ours = results
    assert np.ptp(stock) > 0.1
    np.testing.assert_allclose(ours, stock, rtol=1e-4, atol=1e-5)
    if not spiking:
        direct = model.predict(images[:, 0].reshape(4, 6, 6, 1), verbose=0)
        np.testing.assert_allclose(ours[:, 0], direct, rtol=1e-4, atol=1e-6)


def test_a_failing_construction_leaves_the_precision_of_nengo_as_it_was():
    bits = nengo.rc.get("precision", "bits")
    with nengo.Network() as net:
        nengo.Ensemble(2, 1, neuron_type=TrainableLIF(tau_rc=[0.01, 0.02, 0.03]))
    with pytest.raises(ValidationError, match="an array of 2, one for each neuron"):
        Simulator(net, progress_bar=False)
    assert nengo.rc.get("precision", "bits") == bits


@pytest.mark.filterwarnings("ignore:The initializer .* is unseeded")
def test_a_network_with_a_keras_model_is_simulated_several_times():
    # nengo_dl's own Simulator raises an AssertionError the second time
    ones = tf.keras.initializers.Ones()
    image = tf.keras.Input((4,))
    dense = tf.keras.layers.Dense(2, kernel_initializer=ones)(image)
    with nengo.Network() as net:
        source = nengo.Node(np.ones(4))
        model = nengo_dl.Layer(tf.keras.Model(image, dense))(source)
        probe = nengo.Probe(model)
    for _ in range(3):
        with Simulator(net, progress_bar=False) as sim:
            assert np.all(sim.predict(n_steps=1, verbose=0)[probe] == 4)
