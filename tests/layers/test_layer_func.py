"""What a layer applies, what it refuses, and Keras layers that hold other layers."""

from __future__ import annotations

import functools
import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run, simulator

from nengo_layers_plus import CustomLayer, Sequential, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import what_trains
from nengo_layers_plus.layers._layer_func import _OF_ONE_INPUT

Keras = tf.keras.layers


@pytest.fixture
def image():
    with nengo.Network():
        yield nengo.Node(np.ones(4))


@pytest.mark.parametrize(
    ("layer_func", "message"),
    [
        (None, "there is nothing to apply; give .* or override make_layer_func"),
        (nengo.LIF, r"expected an instance, got the class LIF; write LIF\(...\)"),
        (Keras.Dense, r"expected an instance, got the class Dense; write Dense\(...\)"),
        (CustomLayer, "expected an instance, got the class CustomLayer"),
        (nengo_dl.Layer(nengo.LIF()), r"Layer\(LIF\(\)\) is a layer already; call that one"),
        ("relu", "expected a Keras layer or model, a function or a nengo neuron type, got 'relu'"),
        (nengo.Direct(), "nengo.Direct has no neurons"),
    ],
)
def test_what_can_not_be_applied(image, layer_func, message):
    with pytest.raises(ValidationError, match=f"layer_func: {message}"):
        CustomLayer(layer_func)(image)


def test_the_error_of_a_function_says_what_went_wrong(image):
    with pytest.raises(ValidationError, match=r"input of shape \(4,\);.*no attribute 'foo'"):
        CustomLayer(lambda x: x.foo)(image)
    with pytest.raises(ValidationError, match=r"input of shape \(2, 2\); total size of new array"):
        CustomLayer(Keras.Reshape((5,)))(image, shape_in=(2, 2))


# Keras 3


@pytest.fixture(scope="module")
def keras3():
    import keras

    assert keras.__version__.startswith("3.")
    return keras


def keras3_objects(keras):
    dense = keras.layers.Dense(3)

    class Holder:
        def __init__(self):
            self.dense = dense

        def __call__(self, x):
            return self.dense(x)

    return {
        "layer": (dense, "Dense is of Keras 3.*use tf.keras.layers.Dense"),
        "model": (keras.Sequential([dense]), "Sequential is of Keras 3.*use tf.keras.Sequential"),
        "subclass": (type("Mine", (keras.layers.Layer,), {})(), "Mine is of Keras 3.*tf.keras"),
        "initialiser": (
            Keras.Dense(3, name="out", kernel_initializer=keras.initializers.Ones()),
            "Ones in out.kernel_initializer is of Keras 3.*use tf.keras.initializers.Ones",
        ),
        "nested initialiser": (
            tf.keras.Sequential([Keras.Dense(3, bias_initializer=keras.initializers.Ones())]),
            "Ones in .*bias_initializer is of Keras 3",
        ),
        "closure": (lambda x: dense(x), "Dense in function <lambda> is of Keras 3"),
        "partial": (
            functools.partial(lambda layer, x: layer(x), dense),
            "arguments of the partial",
        ),
        "method": (dense.call, "Dense in the object of method call is of Keras 3"),
        "attribute": (Holder(), "Dense in Holder.dense is of Keras 3"),
        "list": (
            lambda x, layers=[dense]: layers[0](x),
            "Dense in function <lambda> is of Keras 3",
        ),
    }


@pytest.mark.parametrize(
    "kind",
    [
        "layer",
        "model",
        "subclass",
        "initialiser",
        "nested initialiser",
        "closure",
        "partial",
        "method",
        "attribute",
        "list",
    ],
)
def test_keras3_is_refused_with_its_equivalent(image, keras3, kind):
    layer_func, message = keras3_objects(keras3)[kind]
    with pytest.raises(ValidationError, match=message):
        CustomLayer(layer_func)(image)


def test_functions_of_keras3_hold_nothing_and_work(keras3):
    with nengo.Network() as net:
        image = nengo.Node(-np.ones(4))
        nengo.Probe(CustomLayer(keras3.activations.relu)(image))
    np.testing.assert_array_equal(run(net)[0], np.zeros((3, 4)))


# what nengo_dl would lose in silence


@pytest.mark.parametrize(
    "keras_layer",
    [
        Keras.Dense(3, activity_regularizer="l2", name="out"),
        tf.keras.Sequential(
            [Keras.Dense(3), Keras.Dense(3, activity_regularizer="l1", name="out")]
        ),
        Keras.ActivityRegularization(l2=0.1, name="out"),
    ],
)
def test_activity_regularizer(image, keras_layer):
    with pytest.raises(ValidationError, match="the activity_regularizer of 'out' would be lost"):
        CustomLayer(keras_layer)(image)


def test_kernel_regularizer_is_kept_by_nengo_dl_and_allowed(image):
    CustomLayer(Keras.Dense(3, kernel_regularizer="l2"))(image)


dense_in_globals = Keras.Dense(3, name="global_dense")


def test_a_layer_hidden_in_a_function_warns(image):
    dense = Keras.Dense(3, name="hidden_dense")
    variable = tf.Variable(2.0, name="gain")
    for function, name in (
        (lambda x: dense(x), "hidden_dense"),
        (lambda x: dense_in_globals(x), "global_dense"),
        (lambda x: variable * x, "gain:0"),
    ):
        with pytest.warns(UserWarning, match=rf"'{name}' in function .* will not train") as caught:
            CustomLayer(function)(image)
        assert caught[0].filename == __file__


def hide_in_many_ways():
    class Holder:
        def __init__(self):
            self.layers = [Keras.Dense(3, name="deep")]

        def __call__(self, x):
            return self.layers[0](x)

        def forward(self, x):
            return self(x)

    dense = Keras.Dense(3, name="deep")
    by_name = {"a": dense}

    return {
        "dict": lambda x: by_name["a"](x),
        "object": Holder(),
        "method": Holder().forward,
        "partial": functools.partial(lambda layers, x: layers[0](x), [dense]),
        "tf.function": tf.function(lambda x: dense(x)),
    }


@pytest.mark.parametrize("way", ["dict", "object", "method", "partial", "tf.function"])
def test_a_layer_that_something_holds_warns_too(image, way):
    with pytest.warns(UserWarning, match="'deep' in .* will not train"):
        CustomLayer(hide_in_many_ways()[way])(image)


def test_a_layer_of_several_arguments(image):
    attention = Keras.MultiHeadAttention(2, 2, name="attention")
    with pytest.raises(ValidationError, match="of 'attention' takes query, value one by one"):
        CustomLayer(attention)([image, image], shape_in=(2, 2))


def test_a_model_of_another_number_of_inputs(image):
    inputs = [tf.keras.Input((4,)), tf.keras.Input((4,))]
    model = tf.keras.Model(inputs, Keras.Add()(inputs), name="two")
    for called_on in (image, [image], [image] * 3):
        with pytest.raises(ValidationError, match="'two' has 2 inputs, got"):
            CustomLayer(model)(called_on)
    CustomLayer(model)([image, image])


def test_a_layer_that_should_not_train_may_hide(image):
    dense = Keras.Dense(3)
    dense.trainable = False
    frozen = tf.Variable(2.0, trainable=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        CustomLayer(lambda x: dense(x) * frozen)(image)
        CustomLayer(Keras.Lambda(lambda x: 2 * x))(image)


def test_a_layer_without_weights_may_hide(image):
    flatten = Keras.Flatten()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        CustomLayer(lambda x: flatten(x))(image, shape_in=(2, 2))


@pytest.mark.parametrize(
    ("layer_func", "hint"),
    [
        ("relu", "; write tf.keras.activations.relu$"),
        ("get", "got 'get'$"),
        ("LIF", "got 'LIF'$"),
        (3, "got 3$"),
        (np.ones(2), r"1\.\]\)$"),
        (tf.keras.Input((4,)), "; leave it out, and give shape_in with the call$"),
    ],
)
def test_hints_for_what_may_have_been_meant(image, layer_func, hint):
    with pytest.raises(ValidationError, match=hint):
        CustomLayer(layer_func)(image)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Keras.Dense(3),
        lambda: Keras.Activation("relu"),
        lambda: Keras.Reshape((2, 2)),
        lambda: tf.keras.Sequential([tf.keras.Input((4,)), Keras.Dense(2)]),
    ],
)
def test_several_inputs_of_a_layer_of_one(image, make):
    with pytest.raises(ValidationError, match="takes one input, got 2; join them with"):
        CustomLayer(make())([image, image])
    with pytest.raises(ValidationError, match="takes one input, got a list of one; give it with"):
        CustomLayer(make())([image])


def test_several_inputs_at_the_start_of_a_stack(image):
    stack = Sequential([Keras.Dense(3, name="first"), nengo.LIF()])
    with pytest.raises(ValidationError, match="'first' takes one input, got 2; join them with"):
        stack([image, image])


def test_layers_that_may_take_several_inputs_are_not_refused(image):
    class Difference(Keras.Layer):
        def call(self, inputs):
            return inputs[0] - inputs[1]

    for layer in (
        Keras.Add(),
        Keras.Concatenate(),
        Keras.Dot(1),
        Keras.Average(),
        Keras.Lambda(lambda inputs: inputs[0] * inputs[1]),
        Difference(),
    ):
        assert CustomLayer(layer)([image, image]).size_in == 8


def test_the_built_in_layers_of_one_input_exist():
    assert all(hasattr(Keras, name) for name in _OF_ONE_INPUT)


class Block(Keras.Layer):
    """Builds what it holds when it is called, as layers of Keras users do."""

    def __init__(self):
        super().__init__()
        self.dense = Keras.Dense(3)

    def call(self, inputs):
        return self.dense(inputs)

    def compute_output_shape(self, input_shape):
        return tf.TensorShape((input_shape[0], 3))


def functional():
    inputs = tf.keras.Input((4,))
    return tf.keras.Model(inputs, Keras.Dense(3)(Keras.Dense(5)(inputs)))


MODELS = {
    "functional": functional,
    "sequential": lambda: tf.keras.Sequential(
        [tf.keras.Input((4,)), Keras.Dense(5), Keras.Dense(3)]
    ),
    "sequential without input": lambda: tf.keras.Sequential([Keras.Dense(5), Keras.Dense(3)]),
    "layer in a layer": Block,
    "recurrent": lambda: tf.keras.Sequential([Keras.Reshape((2, 2)), Keras.LSTM(3)]),
}


def network(model, layer=CustomLayer):
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(model)(nengo.Node(np.ones(4))))
    return net


def output(net):
    with simulator(net) as sim:
        sim.run_steps(1)
        return sim.data[net.probes[0]][0]


@pytest.mark.parametrize("name", MODELS)
def test_weights_that_were_loaded_are_used(name):
    model = MODELS[name]()
    model(np.ones((1, 4), np.float32))
    rng = np.random.RandomState(0)
    weights = [rng.uniform(-1, 1, weight.shape) for weight in model.get_weights()]
    model.set_weights(weights)
    expected = model(np.ones((1, 4), np.float32)).numpy()[0]
    np.testing.assert_allclose(output(network(model)), expected, rtol=1e-5)
    for kept, weight in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(kept, weight, rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_weights_that_were_trained_are_found_by_the_next_simulator(name):
    net = network(MODELS[name]())
    outputs = []
    for _ in range(2):
        with simulator(net) as sim:
            sim.run_steps(1)
            sim.compile(optimizer=tf.optimizers.SGD(0.1), loss="mse")
            sim.fit(n_steps=1, y=np.ones((1, 1, 3)), verbose=0)
            sim.run_steps(1)  # again, for which nothing is compiled
            outputs.append(sim.data[net.probes[0]])
    for before, after in outputs:
        assert not np.allclose(before, after)
    next_befores = [outputs[1][0], output(net)]
    for (_, after), next_before in zip(outputs, next_befores, strict=True):
        np.testing.assert_array_equal(after, next_before)


@pytest.mark.filterwarnings("ignore:The initializer GlorotUniform is unseeded")
def test_stock_loses_them():
    # when this fails, nengo_dl has mended it, and the docs that speak of it are out of date
    model = functional()
    model.set_weights([np.ones_like(weight) for weight in model.get_weights()])
    expected = model(np.ones((1, 4), np.float32)).numpy()[0]
    assert not np.allclose(output(network(model, nengo_dl.Layer)), expected)


def test_a_model_of_several_inputs_keeps_its_weights():
    inputs = [tf.keras.Input((2,)), tf.keras.Input((3,))]
    model = tf.keras.Model(inputs, Keras.Dense(2)(Keras.Concatenate()(inputs)))
    model.set_weights([np.arange(10.0).reshape(5, 2), np.array([0.5, 0.25])])
    with nengo.Network() as net:
        layer = CustomLayer(model)
        nodes = [nengo.Node([1.0, 0.0]), nengo.Node([0.0, 0.0, 1.0])]
        nengo.Probe(layer(nodes))
        nengo.Probe(layer(nodes))
    for _ in range(2):
        with simulator(net) as sim:
            sim.run_steps(1)
            for probe in net.probes:
                np.testing.assert_allclose(sim.data[probe][0], [8.5, 10.25])
            assert len(sim.keras_model.trainable_weights) == 2


def test_the_training_argument_reaches_the_layer():
    class Doubling(Keras.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Keras.Activation("linear")

        def call(self, inputs, training=None):
            return 2 * inputs if training else inputs

    with nengo.Network() as net:
        probe = nengo.Probe(CustomLayer(Doubling())(nengo.Node(np.ones(2))))
    with simulator(net) as sim:
        sim.compile(loss={probe: "mse"}, optimizer="sgd")
        history = sim.fit(n_steps=1, y=np.zeros((1, 1, 2)), verbose=0).history
        assert history["loss"] == [4.0]
        np.testing.assert_array_equal(sim.predict(n_steps=1, verbose=0)[probe], [[[1, 1]]])


def test_the_layer_itself_can_be_found():
    model = tf.keras.Sequential([Keras.Dense(5)])
    net = network(model)
    assert net.nodes[-1].tensor_func.layer is model
    assert net.nodes[-1].tensor_func.name == model.name


def test_a_layer_that_was_adapted_to_data_stays_so():
    data = np.random.RandomState(0).normal(3, 2, (50, 4)).astype(np.float32)
    layer = Keras.Normalization()
    layer.adapt(data)
    expected = (data[0] - data.mean(axis=0)) / data.std(axis=0)
    net = network(layer)
    net.nodes[0].output = data[0]
    np.testing.assert_allclose(output(net), expected, rtol=1e-3)
    np.testing.assert_allclose(output(net), expected, rtol=1e-3)
    assert not what_trains(net).trained


def test_plain_layers_are_left_to_nengo_dl():
    dense = Keras.Dense(3)
    assert network(dense).nodes[1].tensor_func is dense
