"""Networks made of Keras models do what the models do."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from hypothesis import given, note
from keras_models import ModelPlan, model_plans
from simulation import simulator

from nengo_layers_plus import CustomLayer, from_keras, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph

Keras = tf.keras.layers
Deterministic = nengo.dists.Choice([0])


def randomise(model, seed=0):
    rng = np.random.RandomState(seed)
    for weights in model.weights:
        low = 0.5 if "variance" in weights.name else -1
        weights.assign(rng.uniform(low, 1, weights.shape))
    return model


def examples(model, n=4, seed=1):
    rng = np.random.RandomState(seed)
    values = [rng.uniform(-1, 1, (n, *tensor.shape[1:])).astype("f") for tensor in model.inputs]
    return values if len(values) > 1 else values[0]


def cnn(activation="relu", output="softmax", image=(6, 6, 1)):
    return randomise(
        tf.keras.Sequential(
            [
                tf.keras.Input(image, name="image"),
                Keras.Conv2D(3, 3, activation=activation, name="conv1"),
                Keras.BatchNormalization(name="norm"),
                Keras.AveragePooling2D(name="pool"),
                Keras.Flatten(name="flatten"),
                Keras.Dropout(0.5, name="dropout"),
                Keras.Dense(5, activation=activation, name="hidden"),
                Keras.Dense(4, activation=output, name="digit"),
            ],
            name="reader",
        )
    )


def mlp(activation="relu", output="linear", sizes=(4, 3)):
    return randomise(
        tf.keras.Sequential(
            [
                tf.keras.Input((sizes[0],), name="image"),
                Keras.Dense(sizes[1], activation=activation, name="hidden"),
                Keras.Dense(2, activation=output, name="digit"),
            ]
        )
    )


# -----------------------------------------------------------------------------
# Equality with the model


def test_a_convolutional_model():
    model = cnn()
    converted = from_keras(model)
    assert converted.verify(examples(model, 3)).keys() == {"digit"}
    assert [item.name for item in NetworkGraph(converted.net).objects] == [
        "image",
        "conv1",
        "conv1.neurons",
        "norm",
        "pool",
        "flatten",
        "dropout",
        "hidden",
        "hidden.neurons",
        "digit",
        "digit.probe",
    ]
    names = [each.name for each in NetworkGraph(converted.net).parameters if each.is_trained]
    assert names == [
        "conv1.kernel",
        "conv1.bias",
        "norm.gamma",
        "norm.beta",
        "hidden.kernel",
        "hidden.bias",
        "digit.kernel",
        "digit.bias",
    ]
    assert converted.net.label == "reader"


class Block(Keras.Layer):
    """Keeps its weights in a list, and holds a layer that is built when it is called."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.scale = []
        self.dense = Keras.Dense(units)

    def build(self, input_shape):
        self.scale.append(self.add_weight(name="scale", shape=(self.units,)))

    def call(self, inputs):
        return self.dense(inputs) * self.scale[0]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def everything():
    """Branches, two inputs and outputs, shared and nested layers, operations."""
    image, vector = tf.keras.Input((6, 6, 2), name="image"), tf.keras.Input((4,), name="vector")
    conv = Keras.Conv2D(2, 3, padding="same", activation="relu", name="shared")
    a = conv(image)
    b = conv(a)
    x = Keras.Add(name="add")([a, b])
    x = tf.keras.Sequential(
        [Keras.DepthwiseConv2D(2), Keras.ReLU(name="inner_relu"), Keras.Flatten()], name="encoder"
    )(x)
    inner_input = tf.keras.Input((4,))
    inner = tf.keras.Model(
        inner_input,
        tf.keras.Sequential([Keras.Dense(4, activation="tanh", name="deep")], name="inmost")(
            inner_input
        ),
        name="inner",
    )
    y = inner(inner(vector))
    y = 1.0 - Block(name="block")(y) / 2.0
    y = tf.nn.relu(y + 0.25)
    joined = Keras.Concatenate(name="join")([x, y, tf.reshape(y, (-1, 3))[:, 1:]])
    first = Keras.Dense(3, activation="sigmoid", name="first")(joined)
    second = Keras.Dense(2, activation=Keras.LeakyReLU(0.1), name="second")(joined)
    second = Keras.Dense(2, activation="elu", name="third")(second)
    return randomise(tf.keras.Model([image, vector], [first, second, joined]))


def test_a_model_with_branches_shared_and_nested_layers_and_several_inputs_and_outputs():
    model = everything()
    converted = from_keras(model)
    differences = converted.verify(examples(model, 3))
    assert list(differences) == model.output_names
    assert len(converted.layers["shared"].calls) == 2
    assert len(converted.neurons["shared"].calls) == 2
    assert len(converted.layers["inner/inmost/deep"].calls) == 2
    assert converted.layers["encoder/inner_relu"] is converted.neurons["encoder/inner_relu"]
    assert converted.neurons["inner/inmost/deep"].layer_func == nengo.Tanh(tau_ref=1)
    assert converted.neurons["second"].layer_func == nengo_dl.LeakyReLU(negative_slope=0.1)
    assert "third" not in converted.neurons  # nothing but an output follows
    assert "first" not in converted.neurons
    size = sum(weights.shape.num_elements() for weights in model.trainable_weights)
    planned = [each for each in NetworkGraph(converted.net).parameters if each.is_trained]
    assert sum(each.size for each in planned) == size
    for name in model.input_names:
        assert converted.inputs[name] is converted.inputs[model.get_layer(name).output]
    for name, tensor in zip(model.output_names, model.outputs, strict=True):
        assert converted.outputs[name] is converted.outputs[tensor]
    assert converted.layers[model.get_layer("shared")] is converted.layers["shared"]
    with pytest.raises(AttributeError, match="there are 2 inputs: image, vector"):
        _ = converted.input
    with pytest.raises(KeyError, match=r"none of the layers: .*shared"):
        _ = converted.layers["shred"]
    assert model.get_layer("shared") in converted.layers
    assert Keras.Dense(3) not in converted.layers
    with pytest.raises(ValueError, match=r"expected an array of shape \(batch, 6, 6, 2\)"):
        converted.present([np.ones((2, 6, 6, 1)), np.ones((2, 4))])
    with pytest.raises(ValueError, match="expected values for image, vector, got image"):
        converted.present({"image": np.ones((2, 6, 6, 2))})
    by_name = dict(zip(model.input_names, examples(model, 3), strict=True))
    assert list(converted.present(by_name, 5)) == list(converted.inputs.values())


@given(plan=model_plans)
def test_random_models(plan: ModelPlan) -> None:
    note(str(plan))
    model = plan.build()
    converted = from_keras(model)
    expected = np.abs(model.predict(examples(model, 2), verbose=0)).max()
    converted.verify(examples(model, 2), atol=1e-5 * max(1, expected))
    size = sum(weights.shape.num_elements() for weights in model.trainable_weights)
    parameters = NetworkGraph(converted.net).parameters
    assert sum(each.size for each in parameters if each.trainable) == size


ACTIVATIONS = {
    "relu": ("relu", nengo.RectifiedLinear()),
    "tf.nn.relu": (tf.nn.relu, nengo.RectifiedLinear()),
    "ReLU object": (Keras.ReLU(), nengo.RectifiedLinear()),
    "sigmoid": ("sigmoid", nengo.Sigmoid(tau_ref=1)),
    "tf.nn.sigmoid": (tf.nn.sigmoid, nengo.Sigmoid(tau_ref=1)),
    "tanh": ("tanh", nengo.Tanh(tau_ref=1)),
    "tf.math.tanh": (tf.math.tanh, nengo.Tanh(tau_ref=1)),
    "tf.nn.leaky_relu": (tf.nn.leaky_relu, nengo_dl.LeakyReLU(negative_slope=0.2)),
    "LeakyReLU object": (Keras.LeakyReLU(0.3), nengo_dl.LeakyReLU(negative_slope=0.3)),
    "ReLU object with a slope": (
        Keras.ReLU(negative_slope=0.5),
        nengo_dl.LeakyReLU(negative_slope=0.5),
    ),
}


def same_neurons(got, expected):
    slopes = [getattr(each, "negative_slope", 0) for each in (got, expected)]
    return got == expected and slopes[0] == pytest.approx(slopes[1])


def test_every_activation_that_neurons_stand_for():
    inputs = x = tf.keras.Input((4,))
    expected = {}
    for number, (activation, neurons) in enumerate(ACTIVATIONS.values()):
        x = Keras.Dense(4, activation=activation, name=f"dense{number}")(x)
        expected[f"dense{number}"] = neurons
    for number, activation in enumerate(["relu", tf.nn.relu, "tanh", "sigmoid"]):
        x = Keras.Activation(activation, name=f"activation{number}")(Keras.Dense(4)(x))
        name = activation if isinstance(activation, str) else "relu"
        expected[f"activation{number}"] = ACTIVATIONS[name][1]
    x = Keras.ReLU(name="layer_relu")(Keras.Dense(4)(x))
    x = Keras.LeakyReLU(0.4, name="layer_leaky")(Keras.Dense(4)(x))
    x = Keras.Lambda(tf.nn.relu, name="lambda_relu")(Keras.Dense(4)(x))
    expected |= {
        "layer_relu": nengo.RectifiedLinear(),
        "layer_leaky": nengo_dl.LeakyReLU(negative_slope=0.4),
        "lambda_relu": nengo.RectifiedLinear(),
    }
    x = tf.nn.leaky_relu(Keras.Dense(4)(x), alpha=0.15)
    x = tf.nn.leaky_relu(Keras.Dense(4)(x), 0.25)
    x = tf.math.tanh(tf.keras.activations.relu(Keras.Dense(4)(x)))
    x = Keras.Activation("linear")(x)
    model = randomise(tf.keras.Model(inputs, Keras.Dense(2)(x)))
    converted = from_keras(model)
    found = {name: layer.layer_func for name, layer in converted.neurons.items()}
    operations = [neurons for name, neurons in found.items() if name.startswith("tf.")]
    assert [getattr(each, "negative_slope", None) for each in operations] == [
        pytest.approx(0.15),
        pytest.approx(0.25),
        None,
        None,
    ]
    assert operations[2:] == [nengo.RectifiedLinear(), nengo.Tanh(tau_ref=1)]
    assert all(same_neurons(found[name], neurons) for name, neurons in expected.items())
    assert len(found) == len(expected) + 4
    converted.verify(examples(model))


@pytest.mark.parametrize("output", ["linear", "softmax", "sigmoid", "elu", "tanh"])
def test_the_activation_of_an_output_is_kept(output):
    model = mlp(output=output)
    neurons = nengo.SpikingRectifiedLinear()
    converted = from_keras(model, neurons, synapse=0.02, scale_firing_rates=250)
    assert list(converted.neurons) == ["hidden"]
    assert converted.layers["digit"].layer_func.activation is model.layers[-1].activation


def test_a_relu_at_an_output_is_neurons():
    model = mlp(output="relu")
    converted = from_keras(model, synapse=0.01)
    assert isinstance(converted.output.target, nengo.ensemble.Neurons)
    assert converted.output.synapse == nengo.Lowpass(0.01)


@pytest.mark.filterwarnings("ignore:from_keras.*single spikes:UserWarning")
def test_a_mapping():
    inputs = x = tf.keras.Input((4,))
    for activation in ["elu", "gelu", "tanh", "selu", "relu", tf.square]:
        name = activation if isinstance(activation, str) else "square"
        x = Keras.Dense(4, activation=activation, name=name)(x)
    x = Keras.PReLU(name="prelu")(x)
    model = randomise(tf.keras.Model(inputs, Keras.Dense(2, activation="softmax")(x)))
    mapping = {
        "elu": None,
        tf.nn.gelu: "relu",
        "tanh": nengo.LIF(),
        "selu": tf.keras.activations.elu,
        "relu": nengo.SpikingRectifiedLinear(),
        tf.square: None,
        Keras.PReLU: None,
    }
    converted = from_keras(model, mapping)
    assert {name: layer.layer_func for name, layer in converted.neurons.items()} == {
        "gelu": nengo.SpikingRectifiedLinear(),
        "tanh": nengo.LIF(),
        "relu": nengo.SpikingRectifiedLinear(),
    }
    kept = {name: converted.layers[name].layer_func.activation for name in ("elu", "selu")}
    assert kept == dict.fromkeys(kept, tf.keras.activations.elu)

    # with functions in the place of neurons it is the model with these functions
    mapping |= {"gelu": "relu", "tanh": None, "relu": None}
    del mapping[tf.nn.gelu]
    converted = from_keras(model, mapping)
    assert not converted.neurons
    with tf.keras.utils.custom_object_scope({"square": tf.square}):
        changed = tf.keras.models.clone_model(model)
    changed.set_weights(model.get_weights())
    changed.get_layer("gelu").activation = tf.nn.relu
    changed.get_layer("selu").activation = tf.nn.elu
    converted.model = tf.keras.Sequential([changed])
    converted.model.build((None, 4))
    converted.verify(examples(model))


def test_one_mapping_for_a_layer_that_is_hidden_and_an_output():
    dense = Keras.Dense(3, activation="tanh", name="twice")
    inputs = tf.keras.Input((3,))
    model = randomise(tf.keras.Model(inputs, dense(dense(inputs))))
    converted = from_keras(model)
    assert len(converted.neurons["twice"].calls) == 2
    converted.verify(examples(model))


def test_layers_that_derive_something_from_their_weights():
    normalise = Keras.Normalization(name="normalise")
    normalise.adapt(np.random.RandomState(0).normal(3, 2, (50, 4)))
    inputs = tf.keras.Input((4,))
    model = tf.keras.Model(inputs, Keras.Dense(2)(Keras.Rescaling(0.5)(normalise(inputs))))
    from_keras(model).verify(examples(model))


def test_integers_for_an_embedding():
    inputs = tf.keras.Input((3,), dtype="int32")
    x = Keras.Embedding(5, 4)(inputs)
    model = randomise(tf.keras.Model(inputs, Keras.GlobalAveragePooling1D()(x)))
    from_keras(model).verify(np.array([[0, 1, 4], [2, 3, 3]]))


def test_inner_models_that_run_as_in_inference():
    base = tf.keras.Sequential(
        [tf.keras.Input((4,)), Keras.BatchNormalization(name="norm"), Keras.Dropout(0.5)],
        name="base",
    )
    inputs = tf.keras.Input((4,))
    x = base(inputs, training=False)
    model = randomise(tf.keras.Model(inputs, Keras.Dense(2, name="digit")(x)))
    converted = from_keras(model)
    converted.verify(examples(model))
    with simulator(converted.net, minibatch_size=4) as sim:
        graph = NetworkGraph(sim)
        before = {each.name: graph.value(each) for each in graph.parameters}
        sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
        sim.fit(converted.present(examples(model)), np.ones((4, 1, 2)), epochs=2, verbose=0)
        after = {each.name: graph.value(each) for each in graph.parameters}
    assert not np.array_equal(before["digit.kernel"], after["digit.kernel"])
    assert not np.array_equal(before["base/norm.gamma"], after["base/norm.gamma"])
    for name in ("moving_mean", "moving_variance"):
        np.testing.assert_array_equal(before[f"base/norm.{name}"], after[f"base/norm.{name}"])


def test_float64():
    tf.keras.backend.set_floatx("float64")
    try:
        model = mlp("tanh")
    finally:
        tf.keras.backend.set_floatx("float32")
    converted = from_keras(model)
    values = examples(model).astype("float64")
    with simulator(converted.net, minibatch_size=4) as sim:
        got = sim.predict(converted.present(values), verbose=0)[converted.output]
    assert got.dtype == "float64"
    np.testing.assert_allclose(got[:, 0], model.predict(values, verbose=0), atol=1e-12)


# -----------------------------------------------------------------------------
# The model is left alone, and training works


def test_the_model_is_left_alone():
    model = cnn()
    model.get_layer("hidden").trainable = False
    values = examples(model)
    weights, config = model.get_weights(), model.get_config()
    prediction = model.predict(values, verbose=0)
    variables = [id(each) for each in model.weights]
    flags = [each.trainable for each in model.layers]
    nodes = [len(each.inbound_nodes) for each in model.layers]
    state = np.random.get_state()[1].copy()  # noqa: NPY002

    converted = from_keras(model)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    with simulator(converted.net, minibatch_size=4) as sim:
        trained = sum(each.shape.num_elements() for each in sim.keras_model.trainable_weights)
        assert trained == sum(each.shape.num_elements() for each in model.trainable_weights)
        graph = NetworkGraph(sim)
        before = {each.name: graph.value(each) for each in graph.parameters}
        sim.compile(optimizer=tf.optimizers.SGD(0.5), loss="mse")
        sim.fit(converted.present(values), np.ones((4, 1, 4)), epochs=3, verbose=0)
        after = {each.name: graph.value(each) for each in graph.parameters}
        moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {
        "conv1.kernel",
        "conv1.bias",
        "norm.gamma",
        "norm.beta",
        "norm.moving_mean",
        "norm.moving_variance",
        "digit.kernel",
        "digit.bias",
    }
    with simulator(converted.net) as sim:  # the next Simulator has what the last one trained
        graph = NetworkGraph(sim)
        for each in graph.parameters:
            if each.kind.startswith("Keras"):
                np.testing.assert_array_equal(graph.value(each), after[each.name])
    assert converted.differences(values)["digit"] > 1e-3
    with pytest.raises(ValueError, match=r"'digit' of the network differs .* by up to"):
        converted.verify(values)

    for kept, value in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(kept, value)
    assert model.get_config() == config
    assert [id(each) for each in model.weights] == variables
    assert [each.trainable for each in model.layers] == flags
    assert [len(each.inbound_nodes) for each in model.layers] == nodes
    np.testing.assert_array_equal(model.predict(values, verbose=0), prediction)
    # another network starts from the model's weights again
    from_keras(model).verify(values)


def test_layers_that_are_used_twice_train_as_one():
    dense = Keras.Dense(3, activation="relu", name="twice")
    inputs = tf.keras.Input((3,))
    model = randomise(tf.keras.Model(inputs, dense(dense(inputs))))
    values = np.random.RandomState(2).uniform(0, 1, (4, 3))
    targets = np.full((4, 3), 0.5)
    model_of_keras = tf.keras.models.clone_model(model)
    model_of_keras.set_weights(model.get_weights())
    model_of_keras.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
    model_of_keras.fit(values, targets, batch_size=4, epochs=3, verbose=0)
    converted = from_keras(model)
    with simulator(converted.net, minibatch_size=4) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
        sim.fit(converted.present(values), targets[:, None], epochs=3, verbose=0)
    copy = converted.layers["twice"].layer_func
    for got, expected in zip(copy.get_weights(), model_of_keras.get_weights(), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-6)
    assert not np.allclose(copy.get_weights()[0], model.get_weights()[0])


def test_regularizers_count_in_the_loss():
    inputs = tf.keras.Input((3,))
    dense = Keras.Dense(2, kernel_regularizer=tf.keras.regularizers.L2(0.5))
    model = tf.keras.Model(inputs, dense(inputs))
    converted = from_keras(model)
    with simulator(converted.net) as sim:
        sim.compile(loss="mse", optimizer="sgd")
        target = model.predict(np.ones((1, 3)), verbose=0)
        loss = sim.evaluate(converted.present(np.ones((1, 3))), target[:, None], verbose=0)["loss"]
    assert loss == pytest.approx(float(sum(model.losses)), abs=1e-6)
    assert loss > 0.01


def test_frozen_models_within_a_model():
    base = tf.keras.Sequential([tf.keras.Input((4,)), Keras.Dense(3, name="a")], name="base")
    inputs = tf.keras.Input((4,))
    model = tf.keras.Model(inputs, Keras.Dense(2, name="b")(base(inputs)))
    base.trainable = False
    base.layers[0].trainable = True  # Keras trains it neither
    assert len(model.trainable_weights) == 2
    parameters = NetworkGraph(from_keras(model).net).parameters
    assert [each.name for each in parameters if each.is_trained] == ["b.kernel", "b.bias"]


def test_frozen_layers_within_a_layer():
    block = Block(name="block")
    inputs = tf.keras.Input((4,))
    model = tf.keras.Model(inputs, block(inputs))
    block.dense.trainable = False
    assert len(model.trainable_weights) == 1
    parameters = NetworkGraph(from_keras(model).net).parameters
    assert [each.name for each in parameters if each.is_trained] == ["block.scale"]


# -----------------------------------------------------------------------------
# Firing rates and synapses


def test_scaling_leaves_rates_as_they_are():
    model = cnn()
    hidden = model.get_layer("hidden")
    converted = from_keras(model, scale_firing_rates={"conv1": 50, hidden: 0.5})
    converted.verify(examples(model))
    for name, scale in {"conv1": 50, "hidden": 0.5}.items():
        ensemble = converted.neurons[name].calls[0].ensemble
        assert ensemble.neuron_type == nengo.RectifiedLinear(amplitude=1 / scale)
        np.testing.assert_array_equal(ensemble.gain, np.full(ensemble.n_neurons, scale))
        np.testing.assert_array_equal(ensemble.bias, np.zeros(ensemble.n_neurons))


def test_scaling_keeps_the_amplitude_that_was_given():
    neurons = nengo.PoissonSpiking(nengo.RectifiedLinear(), amplitude=0.5)
    converted = from_keras(mlp(), neurons, scale_firing_rates=4)
    assert converted.neurons["hidden"].layer_func.amplitude == 0.125
    assert neurons.amplitude == 0.5
    leaky = from_keras(mlp(tf.nn.leaky_relu), scale_firing_rates=4).neurons["hidden"].layer_func
    assert (leaky.amplitude, leaky.negative_slope) == (0.25, pytest.approx(0.2))


def test_scaling_makes_spikes_more_and_smaller():
    model = mlp()
    model.get_layer("hidden").set_weights([np.eye(4, 3), np.zeros(3)])
    values = np.array([[0.3, 1.0, -2.0, 0.0]])
    for scale in (10, 100):
        neurons = nengo.SpikingRectifiedLinear(initial_state={"voltage": Deterministic})
        converted = from_keras(model, neurons, scale_firing_rates=scale)
        with converted.net:
            spikes = nengo.Probe(converted.neurons["hidden"].calls[0].output)
        with simulator(converted.net) as sim:
            got = sim.predict(converted.present(values, 1000), verbose=0)[spikes][0]
        # 1 s of 1 ms steps: each spike counts 1 / (scale * 1 ms)
        np.testing.assert_allclose(got.max(), 1 / (scale * 0.001), rtol=1e-5)
        count = (got > 0).sum(axis=0)
        np.testing.assert_allclose(count, np.array([0.3, 1.0, 0]) * scale, atol=1)
        np.testing.assert_allclose(got.mean(axis=0), [0.3, 1.0, 0], atol=1.01 / scale)


def test_spiking_output_comes_near_to_the_model():
    model = cnn(output="linear")
    converted = from_keras(
        model, nengo.SpikingRectifiedLinear(), scale_firing_rates=2000, synapse=0.01
    )
    values = examples(model)
    few, many = (converted.differences(values, n)["digit"] for n in (5, 100))
    assert many < 0.1 * few
    assert many < 0.1


def test_leaky_relu_spikes_where_the_others_do():
    converted = from_keras(mlp(tf.nn.leaky_relu), nengo.SpikingRectifiedLinear())
    neurons = converted.neurons["hidden"].layer_func
    assert isinstance(neurons, nengo_dl.SpikingLeakyReLU)
    assert neurons.negative_slope == pytest.approx(0.2)


def test_synapses_are_on_all_ways_from_neurons_and_on_no_others():
    model = everything()
    converted = from_keras(model, synapse=0.02)
    neurons = 0
    assert len(converted.net.all_connections) > 20
    for link in (*converted.net.all_connections, *converted.net.all_probes):
        source = link.pre_obj if isinstance(link, nengo.Connection) else link.target
        if isinstance(source, nengo.ensemble.Neurons):
            neurons += 1
            assert link.synapse == nengo.Lowpass(0.02), link
        else:
            assert link.synapse is None, link
    assert neurons > len(converted.neurons)
    alpha = from_keras(mlp(), synapse=nengo.Alpha(0.1))
    assert alpha.layers["digit"].calls[0].connection.synapse == nengo.Alpha(0.1)


# -----------------------------------------------------------------------------
# In another network


def test_in_another_network():
    model = mlp()
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.ones(8), label="image")
        half = CustomLayer(tf.keras.layers.Rescaling(0.5))(image[:4])
        converted = from_keras(model, inputs=half)
        other = from_keras(model, inputs={"image": image[4:]})
        after = nengo.Probe(
            CustomLayer(tf.keras.layers.Rescaling(2.0))(converted.layers["digit"].calls[0].output)
        )
    assert net.networks == [converted.net, other.net]
    with simulator(net) as sim:
        sim.run_steps(1)
        expected = model.predict(np.array([[0.5] * 4, [1.0] * 4]), verbose=0)
        np.testing.assert_allclose(sim.data[converted.output][0], expected[0], atol=1e-6)
        np.testing.assert_allclose(sim.data[other.output][0], expected[1], atol=1e-6)
        np.testing.assert_allclose(sim.data[after][0], 2 * expected[0], atol=1e-6)
    names = [item.name for item in NetworkGraph(net).objects]
    assert (converted.net.label, other.net.label) == ("sequential", "sequential_1")
    assert "sequential/hidden.neurons" in names
    with pytest.raises(ValueError, match="the input 'image' comes from"):
        converted.present(np.ones((1, 4)))


def test_a_call_that_fails_leaves_the_network_as_it_was(monkeypatch):
    monkeypatch.setattr(
        "nengo_layers_plus.conversion._from_keras.NetworkBuilder._neuron_layer",
        lambda *args: 1 / 0,
    )
    with nengo.Network() as net:
        with pytest.raises(ZeroDivisionError):
            from_keras(mlp())
        nengo.Node([0.0])
    assert len(net.all_objects) == 1
    assert not net.networks


def test_outputs_of_a_model_that_returns_a_dict_go_by_its_names():
    image = tf.keras.Input((4,), name="image")
    hidden = Keras.Dense(5, name="hidden")(image)
    model = tf.keras.Model(
        image, {"scores": Keras.Dense(2, name="last")(hidden), "code": Keras.Dense(3)(hidden)}
    )
    converted = from_keras(model)
    differences = converted.verify(examples(model, 3))
    assert list(differences) == list(converted.outputs) == ["code", "scores"]
    assert converted.outputs["scores"].size_in == 2
    assert converted.outputs["scores"].label == "scores.probe"
    assert converted.outputs["last"] is converted.outputs["scores"]
    assert converted.outputs[model.output["code"]] is converted.outputs["code"]
