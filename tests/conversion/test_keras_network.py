"""A Keras model beside the network that was made of it."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import ConversionError, from_keras
from nengo_layers_plus._upstream import tf

Keras = tf.keras.layers


@pytest.fixture(scope="module")
def model():
    tf.keras.utils.set_random_seed(0)
    inner = tf.keras.Sequential(
        [tf.keras.Input((3,)), Keras.Dense(3, activation="relu", name="deep")], name="inner"
    )
    image = tf.keras.Input((2, 2), name="image")
    x = Keras.Dense(3, activation="relu", name="hidden")(Keras.Flatten(name="flat")(image))
    return tf.keras.Model(image, Keras.Dense(2, name="digit")(inner(x)), name="reader")


@pytest.fixture(scope="module")
def converted(model):
    return from_keras(model)


def test_it_shows_what_it_is(converted):
    assert repr(converted) == "<KerasNetwork of 'reader': 4 layers, 2 with neurons>"
    assert converted.input is converted.inputs["image"]
    assert converted.output is converted.outputs["digit"]
    assert dict(converted.layers.items()).keys() == {"flat", "hidden", "inner/deep", "digit"}
    assert repr(converted.inputs) == repr({"image": converted.input})
    assert "hidden" in converted.neurons
    assert "digit" not in converted.neurons
    assert 3 not in converted.neurons


def test_present(converted):
    images = np.arange(12.0).reshape(3, 2, 2)
    presented = converted.present(images, n_steps=5)
    assert list(presented) == [converted.input]
    got = presented[converted.input]
    assert got.shape == (3, 5, 4)
    for step in range(5):
        np.testing.assert_array_equal(got[:, step], images.reshape(3, 4))
    with pytest.raises(ValueError, match=r"expected an array of shape \(batch, 2, 2\) .* \(4,\)"):
        converted.present(np.ones(4))


@pytest.mark.parametrize("n_images", [1, 100, 230])
def test_differences_of_any_number_of_images(model, n_images):
    converted = from_keras(model)
    images = np.random.RandomState(0).uniform(-1, 1, (n_images, 2, 2))
    layer = converted.layers["digit"].layer_func
    kernel, bias = layer.get_weights()
    layer.set_weights([kernel, bias + np.array([0.25, -0.5])])
    assert converted.differences(images) == {"digit": pytest.approx(0.5, abs=1e-5)}
    with pytest.raises(ValueError, match=r"'digit' of the network differs .* up to 0.5 after 1"):
        converted.verify(images, atol=0.4)
    assert converted.verify(images, atol=0.6)["digit"] > 0.4


def test_the_last_image_counts_as_well():
    model = tf.keras.Sequential([tf.keras.Input((1,)), Keras.Dense(1, name="digit")])
    converted = from_keras(model)
    layer = converted.layers["digit"].layer_func
    layer.set_weights([layer.get_weights()[0] + 1, layer.get_weights()[1]])
    images = np.ones((101, 1))
    images[-1] = 3
    assert converted.differences(images)["digit"] == pytest.approx(3)
    assert converted.differences(images[:-1])["digit"] == pytest.approx(1)


def test_nothing_to_compare(converted):
    with pytest.raises(ValueError, match="expected inputs of one length"):
        converted.differences(np.ones((0, 2, 2)))


def test_weights_are_copied_to_another_network_and_back_to_a_model(model):
    trained, spiking = (
        from_keras(model),
        from_keras(model, nengo.SpikingRectifiedLinear(), synapse=0.02, scale_firing_rates=250),
    )
    images = np.random.RandomState(0).uniform(-1, 1, (4, 2, 2))
    with simulator(trained.net, minibatch_size=4) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
        sim.fit(trained.present(images), np.ones((4, 1, 2)), epochs=3, verbose=0)
        expected = sim.predict(trained.present(images), verbose=0)[trained.output][:, 0]
    trained.copy_weights_to(spiking)
    for name in ("hidden", "inner/deep", "digit"):
        pairs = [each.layers[name].layer_func.get_weights() for each in (trained, spiking)]
        for weights, copied in zip(*pairs, strict=True):
            np.testing.assert_array_equal(weights, copied)
    other = tf.keras.models.clone_model(model)
    trained.copy_weights_to(other)
    np.testing.assert_allclose(other.predict(images, verbose=0), expected, atol=1e-6)
    assert np.abs(model.predict(images, verbose=0) - expected).max() > 1e-3


def test_weights_that_do_not_fit_are_not_copied(converted):
    inputs = tf.keras.Input((4,))
    small = tf.keras.Sequential([inputs, Keras.Dense(2, name="hidden"), Keras.Dense(2)])
    before = small.get_weights()
    with pytest.raises(ValueError, match=r"the layer 'hidden' have the shapes .*target ..4, 2"):
        converted.copy_weights_to(small)
    with pytest.raises(ValueError, match="has no layer 'hidden'"):
        converted.copy_weights_to(from_keras(tf.keras.Sequential([inputs, Keras.Dense(2)])))
    for weights, kept in zip(before, small.get_weights(), strict=True):
        np.testing.assert_array_equal(weights, kept)


def test_dropout_drops_in_training_alone():
    model = tf.keras.Sequential([tf.keras.Input((1000,)), Keras.Dropout(0.5)])
    converted = from_keras(model)
    ones = np.ones((1, 1000))
    with simulator(converted.net) as sim:
        sim.compile(loss="mse", optimizer="sgd")
        presented = converted.present(ones)
        assert sim.evaluate(presented, ones[:, None], verbose=0)["loss"] == 0
        loss = sim.fit(presented, ones[:, None], verbose=0).history["loss"][0]
    assert 0.8 < loss < 1.2  # half are 0, and half are 2


def test_several_inputs_as_a_dict_and_a_static_batch():
    inputs = {
        "b": tf.keras.Input((2,), batch_size=3, name="b"),
        "a": tf.keras.Input((2,), batch_size=3, name="a"),
    }
    outputs = {
        "first": Keras.Subtract(name="first")([inputs["a"], inputs["b"]]),
        "raw": inputs["a"],
    }
    model = tf.keras.Model(inputs, outputs)
    converted = from_keras(model)
    rng = np.random.RandomState(0)
    values = {"a": rng.uniform(size=(3, 2)), "b": rng.uniform(size=(3, 2))}
    assert len(converted.outputs) == 2
    assert max(converted.verify(values).values()) < 1e-6


def crossed(structure):
    """A model whose dict of inputs has the names of its input layers crosswise."""
    a, b, c = (tf.keras.Input((2,), name=name) for name in "abc")
    return tf.keras.Model(structure(a, b, c), Keras.Subtract(name="difference")([a, b]))


@pytest.mark.parametrize(
    ("structure", "make"),
    [
        (lambda a, b, c: {"a": b, "b": a}, lambda x, y: {"a": x, "b": y}),
        (lambda a, b, c: {"z": a, "y": b}, lambda x, y: {"z": x, "y": y}),
        (lambda a, b, c: {"a": b, "b": a}, lambda x, y: [x, y]),
        (lambda a, b, c: [b, a], lambda x, y: {"a": x, "b": y}),
        (lambda a, b, c: [b, a], lambda x, y: [x, y]),
        (lambda a, b, c: (b, a), lambda x, y: [x, y]),
        (lambda a, b, c: {"x": [b, c], "w": a}, lambda x, y: {"x": [x, x], "w": y}),
    ],
)
def test_inputs_are_paired_as_predict_pairs_them(structure, make):
    model = crossed(structure)
    converted = from_keras(model)
    x, y = np.array([[1.0, 2.0]]), np.array([[10.0, 30.0]])
    expected = model.predict(make(x, y), verbose=0)
    assert np.abs(expected).tolist() == [[9.0, 28.0]]
    presented = converted.present(make(x, y))
    a, b = presented[converted.inputs["a"]], presented[converted.inputs["b"]]
    np.testing.assert_array_equal((a - b)[:, 0], expected)
    assert converted.verify(make(x, y))["difference"] < 1e-6


def test_inputs_by_the_keys_of_a_model():
    model = crossed(lambda a, b, c: {"z": a, "y": b})
    converted = from_keras(model)
    assert converted.inputs["z"] is converted.inputs["a"]
    ones, zeros = np.ones((1, 2)), np.zeros((1, 2))
    presented = converted.present({"a": ones, "b": zeros})  # names of the network are clear too
    np.testing.assert_array_equal(presented[converted.inputs["a"]][:, 0], ones)
    with pytest.raises(ValueError, match="expected values for y, z, got z"):
        converted.present({"z": ones})
    nested = from_keras(crossed(lambda a, b, c: {"x": [b, c], "w": a}))
    with pytest.raises(ValueError, match="expected inputs in the structure of the model's"):
        nested.present({"x": ones, "w": ones, "v": ones})
    with nengo.Network():
        nodes = [nengo.Node(np.zeros(2)), nengo.Node(np.zeros(2))]
        given = from_keras(model, inputs={"y": nodes[0], "z": nodes[1]})
        assert list(given.inputs.values()) == nodes
        assert given.inputs["a"] is nodes[1]
        with pytest.raises(ConversionError, match=r"inputs: 'a' may be a \(b in Keras\) or b"):
            from_keras(crossed(lambda a, b, c: {"a": b, "b": a}), inputs={"a": nodes[0]})


def test_inputs_by_the_names_of_the_network():
    tf.keras.Input((1,))
    first, second = tf.keras.Input((2,)), tf.keras.Input((2,))
    model = tf.keras.Model([first, second], Keras.Subtract()([first, second]))
    converted = from_keras(model)
    ones, zeros = np.ones((1, 2)), np.zeros((1, 2))
    for first_name, second_name in (model.input_names, converted.inputs):
        values = {first_name: ones, second_name: zeros}
        presented = converted.present(values)
        np.testing.assert_array_equal(presented[converted.inputs[first]][:, 0], ones)
        assert converted.verify(values)["subtract"] < 1e-6
