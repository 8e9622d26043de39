"""A Keras model beside the network that was made of it."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import from_keras
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
    trained, spiking = from_keras(model), from_keras(model, nengo.SpikingRectifiedLinear())
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
