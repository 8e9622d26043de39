"""Names within a network do not depend on what the process made before."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import ConversionError, from_keras, load_parameters, save_parameters
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion._layer_names import layers_by_path, names_of_layers
from nengo_layers_plus.graph import NetworkGraph

Keras = tf.keras.layers


def unnamed():
    """Two inputs and outputs, models within it, operations; nothing has a name."""
    first, second = tf.keras.Input((4,)), tf.keras.Input((4,))
    x = Keras.Dense(3, activation="relu")(first)
    y = Keras.Dense(3, activation="relu")(second)
    inner = tf.keras.Sequential([Keras.Dense(3), Keras.ReLU(), Keras.Dense(2, activation="relu")])
    inside = tf.keras.Input((3,))
    around = tf.keras.Model(inside, inner(inside))
    x, y = around(x), around(y + 0.5)
    both = Keras.Concatenate()([x, y])
    return tf.keras.Model([first, second], [Keras.Dense(2)(both), tf.nn.relu(both * 2.0)])


NAMES = [
    "dense",
    "dense_1",
    "tf.__operators__.add",
    "model/sequential/dense",
    "model/sequential/re_lu",
    "model/sequential/dense_1",
    "concatenate",
    "tf.math.multiply",
    "dense_2",
    "tf.nn.relu",
]


@pytest.fixture(scope="module")
def models():
    tf.keras.utils.set_random_seed(0)
    made = [unnamed(), unnamed()]
    Keras.Dense(1)
    return [*made, unnamed()]


@pytest.fixture(scope="module")
def networks(models):
    return [from_keras(model) for model in models]


def test_names_are_numbered_within_the_model(models, networks):
    assert len({model.layers[2].name for model in models}) == 3  # Keras has others for each
    for converted in networks:
        assert sorted(converted.layers) == sorted(NAMES)
        assert list(converted.inputs) == ["input_1", "input_2"]
        assert list(converted.outputs) == ["dense_2", "tf.nn.relu"]
        assert [node.label for node in converted.inputs.values()] == ["input_1", "input_2"]
        assert [each.label for each in converted.outputs.values()] == [
            "dense_2.probe",
            "tf.nn.relu.probe",
        ]
        assert converted.net.label == "model"
        assert list(converted.neurons) == [
            "dense",
            "dense_1",
            "model/sequential/re_lu",
            "model/sequential/dense_1",
            "tf.nn.relu",
        ]
    described = [
        (
            [(each.name, each.kind) for each in NetworkGraph(converted.net).objects],
            [each.name for each in NetworkGraph(converted.net).parameters],
        )
        for converted in networks
    ]
    assert described[0] == described[1] == described[2]
    assert "dense.kernel" in described[0][1]
    assert "model/sequential/dense_1.neurons" in [name for name, _ in described[0][0]]


def small(name):
    return tf.keras.Sequential([tf.keras.Input((2,)), Keras.Dense(1)], name=name)


def test_in_another_network(models):
    with nengo.Network() as net:
        converted = from_keras(models[1])
    names = [each.name for each in NetworkGraph(net).objects]
    assert converted.net.label == "model"
    assert "model/dense.neurons" in names
    assert all(name.startswith("model/") for name in names)
    with net:
        labels = [from_keras(each).net.label for each in (models[0], models[2], small("reader"))]
        again = from_keras(small("reader"))
    assert labels == ["model_1", "model_2", "reader"]
    assert again.net.label == "reader"  # given names stay


def test_parameters_fit_another_build_of_the_model(networks, tmp_path):
    first, _, third = networks
    rng = np.random.RandomState(0)
    for layer in first.layers.values():
        if getattr(layer.layer_func, "weights", ()):
            layer.layer_func.set_weights(
                [rng.uniform(-1, 1, each.shape) for each in layer.layer_func.get_weights()]
            )
    values = [rng.uniform(-1, 1, (2, 4)) for _ in range(2)]
    with simulator(first.net, minibatch_size=2) as sim:
        expected = sim.predict(first.present(values), verbose=0)
        save_parameters(sim, tmp_path / "all")
    with simulator(third.net, minibatch_size=2) as sim:
        load_parameters(sim, tmp_path / "all")
        got = sim.predict(third.present(values), verbose=0)
    for name, probe in first.outputs.items():
        np.testing.assert_allclose(got[third.outputs[name]], expected[probe], atol=1e-6)


def test_weights_are_copied_to_another_build_of_the_model():
    tf.keras.utils.set_random_seed(1)
    models = [unnamed(), unnamed()]
    first, second = map(from_keras, models)
    first.copy_weights_to(second)
    for name, layer in first.layers.items():
        if getattr(layer.layer_func, "weights", ()):
            got = second.layers[name].layer_func.get_weights()
            for weights, copied in zip(layer.layer_func.get_weights(), got, strict=True):
                np.testing.assert_array_equal(copied, weights)
    values = [np.random.RandomState(0).uniform(-1, 1, (2, 4)) for _ in range(2)]
    expected = models[0].predict(values, verbose=0)
    assert np.abs(models[1].predict(values, verbose=0)[0] - expected[0]).max() > 1e-3
    first.copy_weights_to(models[1])
    for got, each in zip(models[1].predict(values, verbose=0), expected, strict=True):
        np.testing.assert_allclose(got, each, atol=1e-6)


def test_weights_are_copied_to_the_very_layers_of_a_larger_model():
    inputs = tf.keras.Input((3,))
    hidden = Keras.Dense(3)(inputs)
    whole = tf.keras.Model(inputs, Keras.Dense(3)(hidden))
    head = tf.keras.Model(hidden, whole.output)
    before = whole.layers[1].get_weights()
    converted = from_keras(head)
    assert list(converted.layers) == ["dense"]
    converted.layers["dense"].layer_func.set_weights([np.full((3, 3), 2.0), np.ones(3)])
    target = from_keras(whole)
    converted.copy_weights_to(target)
    converted.copy_weights_to(whole)
    for layer in (whole.layers[2], target.layers["dense_1"].layer_func):
        np.testing.assert_array_equal(layer.get_weights()[0], np.full((3, 3), 2.0))
    for got in (whole.layers[1], target.layers["dense"].layer_func):
        np.testing.assert_array_equal(got.get_weights()[0], before[0])
    with pytest.raises(ValueError, match=r"expected a KerasNetwork or tf.keras.Model, got None"):
        converted.copy_weights_to(None)


def test_what_keras_calls_them_is_found_too(models, networks):
    model, converted = models[2], networks[2]
    inner = next(each for each in model.layers if isinstance(each, tf.keras.Model))
    sequential = inner.layers[1]
    deep = sequential.layers[0]
    names = [f"{inner.name}/{sequential.name}/{deep.name}", "model/sequential/dense", deep]
    assert names[0] != names[1]
    assert {id(converted.layers[name]) for name in names} == {id(converted.layers[names[0]])}
    last = model.get_layer(model.output_names[0])
    for name in (last, last.name):
        assert converted.layers[name] is converted.layers["dense_2"]
        assert converted.outputs[name] is converted.outputs["dense_2"]
    for number, tensor in enumerate(model.inputs):
        node = converted.inputs[f"input_{number + 1}"]
        for key in (model.input_names[number], tensor, model.get_layer(model.input_names[number])):
            assert converted.inputs[key] is node
    assert model.inputs[0] not in converted.layers
    assert 3 not in converted.layers
    with pytest.raises(KeyError, match=rf"dense_2 \({last.name} in Keras\)"):
        _ = converted.layers["no_such_layer"]


def test_scales_by_all_names(models):
    model = models[2]
    inner = next(each for each in model.layers if isinstance(each, tf.keras.Model))
    deep = inner.layers[1].layers[-1]
    first, second = (each for each in model.layers[:4] if isinstance(each, Keras.Dense))
    path = f"{inner.name}/{inner.layers[1].name}/{deep.name}"
    scales = {first.name: 2, "dense_1": 3, path: 4}
    for given in (scales, {first: 2, second: 3, deep: 4}):
        converted = from_keras(model, scale_firing_rates=given)
        gains = {name: layer.calls[0].ensemble.gain[0] for name, layer in converted.neurons.items()}
        assert gains == {
            "dense": 2,
            "dense_1": 3,
            "model/sequential/re_lu": 1,
            "model/sequential/dense_1": 4,
            "tf.nn.relu": 1,
        }
    with pytest.raises(ConversionError, match="layer 'dense' is given twice"):
        from_keras(model, scale_firing_rates={first: 2, first.name: 2})
    with pytest.raises(ConversionError, match=rf"with neurons are: dense \({first.name} in Keras"):
        from_keras(model, scale_firing_rates={"dense_2": 2})


def test_inputs_by_all_names(models):
    model = models[2]
    with nengo.Network():
        nodes = [nengo.Node(np.zeros(4)), nengo.Node(np.zeros(4))]
        layers = [tensor.node.layer for tensor in model.inputs]
        for keys in (["input_1", "input_2"], model.input_names, layers):
            converted = from_keras(model, inputs=dict(zip(keys, nodes, strict=True)))
            assert list(converted.inputs.values()) == nodes


def reversed_order():
    """Keras numbers its layers by when they were made: here against the model's order."""
    tf.keras.backend.reset_uids()
    inputs = tf.keras.Input((3,))
    last, first = Keras.Dense(3, activation="relu"), Keras.Dense(3, activation="relu")
    return tf.keras.Model(inputs, last(first(inputs))), first, last


def test_a_name_that_means_two_layers_is_not_guessed():
    model, first, last = reversed_order()
    assert (first.name, last.name) == ("dense_1", "dense")
    converted = from_keras(model)
    assert converted.layers["dense"] is converted.layers[first]
    assert converted.layers["dense_1"] is converted.layers[last]
    assert dict(converted.layers)["dense"] is converted.layers[first]
    with pytest.raises(
        ConversionError,
        match=r"scale_firing_rates: 'dense' may be dense \(dense_1 in Keras\) or dense_1 \(dense",
    ):
        from_keras(model, scale_firing_rates={"dense": 2})
    gain = from_keras(model, scale_firing_rates={last: 2}).neurons["dense_1"].calls[0].ensemble.gain
    np.testing.assert_array_equal(gain, 2)


def test_given_names_stay_and_do_not_clash():
    inputs = tf.keras.Input((3,), name="input")
    for _ in range(10):
        Keras.Dense(3)
    x = Keras.Dense(3)(Keras.Rescaling(2.0, name="dense")(inputs))
    x = Keras.Dense(3, name="mine")(Keras.Dense(3)(x))
    x = Keras.Rescaling(1.0, name="dense_2")(x)
    model = tf.keras.Model(inputs, Keras.Dense(3)(x), name="reader")
    converted = from_keras(model)
    assert list(converted.layers) == ["dense", "dense_1", "dense_3", "mine", "dense_2", "dense_4"]
    assert converted.layers["dense"] is converted.layers[model.get_layer("dense")]
    assert list(converted.inputs) == ["input"]
    assert converted.net.label == "reader"


def test_the_input_that_a_sequential_makes_is_called_after_its_first_layer():
    for _ in range(2):
        given = tf.keras.Sequential([Keras.Dense(3, input_shape=(4,))])
        built = tf.keras.Sequential([Keras.Dense(3, activation="relu")])
        built.build((None, 4))
        named = tf.keras.Sequential([Keras.Dense(3, input_shape=(4,), name="mine")])
        found = [list(from_keras(model).inputs) for model in (given, built, named)]
        assert found == [["dense_input"], ["dense_input"], ["mine_input"]]


def test_outputs_of_one_layer_are_numbered():
    inputs = tf.keras.Input((3,))
    dense = Keras.Dense(3)
    model = tf.keras.Model(inputs, [dense(inputs), dense(dense(inputs)), inputs])
    converted = from_keras(model)
    assert list(converted.outputs) == ["dense", "dense_1", "input_1"]
    assert converted.outputs[model.output_names[1]] is converted.outputs["dense_1"]
    assert dense not in converted.outputs  # has two


def test_a_layer_that_is_shared_with_a_model_within_is_found_by_both_paths():
    shared = Keras.Dense(3, activation="relu")
    inner = tf.keras.Sequential([tf.keras.Input((3,)), shared])
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model(inputs, shared(inner(inputs)))
    converted = from_keras(model, scale_firing_rates={shared.name: 2})
    assert list(converted.layers) == ["sequential/dense"]
    assert converted.layers[shared.name] is converted.layers[f"{inner.name}/{shared.name}"]
    assert converted.neurons[shared].calls[1].ensemble.gain[0] == 2


def test_models_that_are_no_graph_are_named_as_well():
    class Own(tf.keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = Keras.Dense(1), Keras.Dense(1, name="given")

    model = Own()
    assert list(names_of_layers(model).values()) == ["given", "dense"]
    assert list(layers_by_path(model)) == ["dense", "given"]
    assert layers_by_path(tf.keras.Sequential()) == {}


def test_errors_have_the_name_that_keras_has():
    Keras.Dense(1)
    layer = Keras.Dense(3, activation="elu")
    inner = tf.keras.Sequential([tf.keras.Input((3,)), layer, Keras.Dense(2)], name="inner")
    inputs = tf.keras.Input((3,))
    model = tf.keras.Model(inputs, inner(inputs))
    with pytest.raises(ConversionError) as caught:
        from_keras(model)
    assert caught.value.layer == f"inner/{layer.name}"
    assert layer.name != "dense"
    assert str(caught.value).startswith(
        f"from_keras: layer 'inner/{layer.name}' ('inner/dense' in the network): no neurons"
    )
