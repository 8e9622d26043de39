"""What can't be converted is an error that names the layer, and nothing is built."""

from __future__ import annotations

import pickle
import warnings

import nengo
import numpy as np
import pytest

from nengo_layers_plus import ConversionError, from_keras, nengo_dl
from nengo_layers_plus._upstream import tf

Keras = tf.keras.layers


def dense_model(*layers, shape=(4,), **kwargs):
    return tf.keras.Sequential([tf.keras.Input(shape, **kwargs), *layers])


def relu_model():
    return dense_model(Keras.Dense(3, activation="relu", name="hidden"), Keras.Dense(2))


def functional(make, shape=(4,)):
    inputs = tf.keras.Input(shape)
    return tf.keras.Model(inputs, make(inputs))


class Squares(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = Keras.Dense(3)

    def call(self, inputs):
        return self.dense(inputs) ** 2


class Overridden(tf.keras.Sequential):
    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training, mask)


VARIABLE = tf.Variable(2.0, name="hidden_variable")


class NoConfig(Keras.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class WrongConfig(NoConfig):
    def __init__(self, factor=1.0, **kwargs):
        Keras.Layer.__init__(self, **kwargs)
        self.factor = factor

    def get_config(self):
        return Keras.Layer.get_config(self)


class Late(Keras.Layer):
    """Has an activation that it does not apply last."""

    def __init__(self, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.activation = tf.keras.activations.get(activation)

    def call(self, inputs):
        return self.activation(inputs) - 1.0

    def get_config(self):
        config = {"activation": tf.keras.activations.serialize(self.activation)}
        return {**super().get_config(), **config}


class Holds(Keras.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Keras.Dense(3, activation="relu", name="inner")

    def call(self, inputs):
        return self.inner(inputs)


class TwoOutputs(Keras.Layer):
    def call(self, inputs):
        return inputs, 2 * inputs


class AddsLoss(Keras.Layer):
    def call(self, inputs):
        self.add_loss(tf.reduce_sum(inputs))
        return inputs


class MixesBatch(Keras.Layer):
    def call(self, inputs):
        return inputs - tf.reduce_mean(inputs, axis=0, keepdims=True)


class TwoArguments(Keras.Layer):
    def call(self, inputs, other):
        return inputs + other


def with_added_loss():
    inputs = tf.keras.Input((4,))
    x = Keras.Dense(2)(inputs)
    model = tf.keras.Model(inputs, x)
    model.add_loss(tf.reduce_mean(x))
    return model


def shared_in_two_modes():
    norm = Keras.BatchNormalization(name="norm")
    return functional(lambda x: norm(norm(x, training=False)))


MODELS = {
    "a layer": (lambda: Keras.Dense(3), "expected a tf.keras.Model, .*tf.keras.Sequential"),
    "nothing": (lambda: None, "expected a tf.keras.Model, got None"),
    "not built": (lambda: tf.keras.Sequential([Keras.Dense(3)]), "the model is not built"),
    "not built within": (
        lambda: dense_model(Squares()),
        "layer 'squares.*: Squares is a subclass with a call of its own",
    ),
    "subclass": (Squares, "Squares is a subclass .* functional model"),
    "overridden": (
        lambda: Overridden([tf.keras.Input((4,)), Keras.Dense(2)]),
        "is not built|Overridden is a subclass",
    ),
    "elu": (
        lambda: dense_model(Keras.Dense(3, activation="elu", name="odd"), Keras.Dense(2)),
        r"layer 'odd': no neurons stand for its activation elu; write .*neuron=\{'elu': \.\.\.\}",
    ),
    "softmax layer": (
        lambda: dense_model(Keras.Softmax(name="odd"), Keras.Dense(2)),
        "layer 'odd': no neurons stand for its activation softmax",
    ),
    "lambda": (
        lambda: dense_model(Keras.Dense(3, activation=lambda x: x**2), Keras.Dense(2)),
        "no neurons stand for its activation <lambda>",
    ),
    "relu6": (
        lambda: dense_model(Keras.ReLU(6.0, name="odd"), Keras.Dense(2)),
        "layer 'odd': no neurons stand for its activation relu6; .*'relu6'",
    ),
    "threshold": (
        lambda: dense_model(Keras.ReLU(threshold=1.0), Keras.Dense(2)),
        r"ReLU\(max_value=None, negative_slope=0, threshold=1\); .*\{tf.keras.layers.ReLU:",
    ),
    "PReLU object": (
        lambda: dense_model(Keras.Dense(3, activation=Keras.PReLU()), Keras.Dense(2)),
        r"no neurons stand for its activation PReLU; .*\{tf.keras.layers.PReLU:",
    ),
    "elu operation": (
        lambda: functional(lambda x: tf.nn.elu(x) * 2.0),
        "layer 'tf.nn.elu.*: no neurons stand for its activation elu",
    ),
    "other operation": (
        lambda: functional(lambda x: tf.exp(x) + 1.0),
        r"layer 'tf.math.exp.*: the operation math.exp .*neuron=\{tf.math.exp: None\}",
    ),
    "relu within": (
        lambda: dense_model(Holds(name="block")),
        "layer 'block': 'inner', within it, has the activation relu",
    ),
    "LSTM": (
        lambda: dense_model(Keras.LSTM(3, name="odd"), shape=(5, 2)),
        "layer 'odd': it goes through the steps of its input",
    ),
    "Bidirectional": (
        lambda: dense_model(Keras.Bidirectional(Keras.GRU(3)), shape=(5, 2)),
        "it goes through the steps",
    ),
    "TimeDistributed": (
        lambda: dense_model(Keras.TimeDistributed(Keras.Dense(3, "relu", name="d"))),
        None,
    ),
    "Masking": (
        lambda: dense_model(Keras.Masking(name="odd"), shape=(5, 2)),
        "layer 'odd': it makes or hands on a mask",
    ),
    "mask_zero": (
        lambda: dense_model(Keras.Embedding(5, 2, mask_zero=True), Keras.Dense(2)),
        "it makes or hands on a mask",
    ),
    "several outputs": (
        lambda: functional(lambda x: TwoOutputs(name="odd")(x)[0]),
        "layer 'odd': it returns 2 tensors",
    ),
    "attention": (
        lambda: functional(lambda x: Keras.MultiHeadAttention(1, 2, name="odd")(x, x), (5, 2)),
        "layer 'odd': MultiHeadAttention is called on 2 arguments",
    ),
    "two arguments": (
        lambda: functional(lambda x: TwoArguments(name="odd")(x, other=x)),
        r"layer 'odd': TwoArguments is called on 1 arguments and other=\.\.\.",
    ),
    "no get_config": (
        lambda: dense_model(NoConfig(VARIABLE)),
        "layer 'no_config.*: NoConfig can't be copied .*write a get_config",
    ),
    "wrong get_config": (
        lambda: dense_model(WrongConfig(2.0)),
        "layer 'wrong_config.*: a copy of WrongConfig, .* does not do what the layer does",
    ),
    "activation not last": (
        lambda: dense_model(Late("relu", name="odd"), Keras.Dense(2)),
        "layer 'odd': a copy of Late, .*, with its activation applied last, does not do",
    ),
    "mixes the batch": (
        lambda: dense_model(MixesBatch(name="odd")),
        "layer 'odd': what it returns for one example depends on the others",
    ),
    "reshapes the batch": (
        lambda: functional(lambda x: tf.reshape(x, (-1, 2))),
        "'tf.reshape.*: .*(depends on the others|number of them)",
    ),
    "no dimension": (lambda: functional(lambda x: x[:, 0]), "keep one, as in x"),
    "adds a loss": (
        lambda: dense_model(AddsLoss(name="odd")),
        "layer 'odd': a copy of AddsLoss can't be run within a network .*loss",
    ),
    "added loss": (with_added_loss, "what model.add_loss or model.add_metric added"),
    "activity_regularizer": (
        lambda: dense_model(Keras.Dense(2, activity_regularizer="l2", name="odd")),
        "layer 'odd': the activity_regularizer of 'odd' would be lost",
    ),
    "Lambda with a variable": (
        lambda: dense_model(Keras.Lambda(lambda x: x * VARIABLE, name="odd")),
        "layer 'odd': it uses the variable 'hidden_variable:0'",
    ),
    "operation with a variable": (
        lambda: functional(lambda x: x * VARIABLE),
        "it uses the variable 'hidden_variable:0'",
    ),
    "training": (
        lambda: functional(lambda x: Keras.Dropout(0.5, name="odd")(x, training=True)),
        "layer 'odd': it is called with training=True",
    ),
    "output of nothing": (
        lambda: tf.keras.Model(
            tf.keras.Input((2,), name="image"), tf.keras.Input((2,), name="other")
        ),
        "layer 'other': the output 'other' of the model depends on none of its inputs, image; give",
    ),
    "one output of nothing": (
        lambda: tf.keras.Model(
            i := tf.keras.Input((2,)), [Keras.Dense(1)(i), tf.keras.Input((2,), name="other")]
        ),
        "layer 'other': the output 'other' of the model depends on none of its inputs, input_",
    ),
    "two modes": (shared_in_two_modes, "layer 'norm': it is called with different values"),
    "unknown size": (
        lambda: dense_model(Keras.Dense(2), shape=(None, 2), name="image"),
        r"layer 'image': its shape is \(None, None, 2\)",
    ),
    "strings": (
        lambda: dense_model(Keras.StringLookup(vocabulary=["a"]), shape=(1,), dtype="string"),
        "it takes string, while a network carries numbers",
    ),
    "mixed precision": (
        lambda: dense_model(Keras.Dense(2, dtype="mixed_float16", name="odd")),
        "layer 'odd': it computes in float16 with weights of type float32",
    ),
    "two types": (
        lambda: dense_model(Keras.Dense(2, name="odd"), Keras.Dense(2, dtype="float64", name="b")),
        "layer 'b': it computes in float64, and 'odd' in float32",
    ),
    "integers": (
        lambda: dense_model(Keras.Lambda(lambda x: tf.argmax(x, -1)[:, None], name="odd")),
        "layer 'odd': it returns int64",
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_models(name, monkeypatch):
    builder = "nengo_layers_plus.conversion._from_keras.NetworkBuilder.build"
    monkeypatch.setattr(builder, None)  # nothing is built
    make, message = MODELS[name]
    if name == "TimeDistributed":
        inner = Keras.TimeDistributed(Keras.Dense(3, activation="relu", name="d"), name="odd")
        make = lambda: dense_model(inner, shape=(5, 2))  # noqa: E731
        message = "layer 'odd': 'd', within it, has the activation relu"
    model = make()
    with pytest.raises(ConversionError, match=message) as caught:
        from_keras(model)
    assert str(caught.value).startswith("from_keras: ")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_keras_3():
    import keras  # of Keras 3

    with pytest.raises(ConversionError, match=r"is of Keras 3, .* with tf.keras.Sequential"):
        from_keras(keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]))


def test_what_is_kept_by_its_class_is_no_error():
    model = dense_model(Holds(), Keras.Reshape((3, 1)), Keras.LSTM(4), Late("relu"), shape=(4,))
    converted = from_keras(model, {Holds: None, Keras.LSTM: None, Late: None})
    assert not converted.neurons
    converted.verify(np.random.RandomState(0).uniform(-1, 1, (3, 4)))


class PlainRelu(Keras.Layer):
    def call(self, inputs):
        return tf.nn.relu(inputs)


def test_what_a_layer_computes_in_tensorflow_is_not_looked_into():
    model = dense_model(PlainRelu(), Keras.Lambda(lambda x: tf.exp(x)), Keras.Lambda(tf.nn.relu))
    converted = from_keras(model)
    assert list(converted.neurons) == ["lambda_1"]
    converted.verify(np.random.RandomState(0).uniform(-1, 1, (3, 4)))


def test_operations_that_are_kept():
    model = functional(lambda x: tf.exp(tf.nn.softmax(x, axis=-1)) + 1.0)
    converted = from_keras(model, {tf.exp: None, "softmax": None})
    converted.verify(np.random.RandomState(0).uniform(-1, 1, (3, 4)))
    relu = functional(lambda x: tf.nn.elu(x) + 1.0)
    assert len(from_keras(relu, {tf.nn.elu: "relu"}).neurons) == 1


NEURONS = {
    "a class": (nengo.LIF, r"expected an instance for 'relu', got the class LIF; write LIF\("),
    "Direct": (nengo.Direct(), "nengo.Direct, given for 'relu', has no neurons"),
    "a number": (3, "expected a nengo neuron type, such as .* mapping .*, got 3; write {'relu': "),
    "a name alone": (
        "relu",
        r"expected a nengo neuron type, such as nengo.SpikingRectifiedLinear\(\), or a mapping "
        r"from activations to neuron types, got 'relu'; write \{'relu': nengo.Spiking",
    ),
    "another name alone": ("tanh", r"got 'tanh'; write \{'tanh': nengo.SpikingRectifiedLinear"),
    "a function alone": (tf.nn.relu, r"mapping .* got <function relu.*; write \{relu: nengo"),
    "an unknown name alone": ("rleu", r"got 'rleu'; write \{'relu': nengo"),
    "an unknown name": ({"rleu": None}, "'rleu' names no activation; expected .*relu6"),
    "an unknown value": ({"elu": "relo"}, "expected a nengo neuron type.* for 'elu', got 'relo'"),
    "one thing twice": ({"relu": None, tf.nn.relu: nengo.LIF()}, "'relu' and .* are the same"),
    "linear": ({"linear": nengo.LIF()}, "no neurons can stand for 'linear'"),
    "a circle": ({"relu": "elu", "elu": "relu"}, "relu leads to itself, by relu and elu"),
    "a class of others": ({nengo.LIF: None}, "names no activation"),
}


@pytest.mark.parametrize("name", NEURONS)
def test_neurons(name):
    neuron, message = NEURONS[name]
    with pytest.raises(ConversionError, match=message):
        from_keras(relu_model(), neuron)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_rates_among_spikes_are_asked_for(activation):
    model = dense_model(Keras.Dense(3, activation=activation, name="odd"), Keras.Dense(2))
    with pytest.raises(
        ConversionError, match=f"layer 'odd': nengo has no spiking neurons for {activation}"
    ):
        from_keras(model, nengo.SpikingRectifiedLinear())
    neurons = nengo.Tanh(tau_ref=1)
    mapping = {"relu": nengo.SpikingRectifiedLinear(), activation: neurons}
    with pytest.warns(UserWarning, match="no layer of the model has the activation 'relu'"):
        converted = from_keras(model, mapping)
    assert converted.neurons["odd"].layer_func is neurons


def test_keys_that_have_no_effect_are_told():
    with pytest.warns(UserWarning, match="the activation 'elu' or tf.keras.layers.PReLU") as caught:
        from_keras(relu_model(), {"elu": None, Keras.PReLU: None})
    assert caught[0].filename == __file__


SCALES = {
    "zero": (0, "expected a number above 0, got 0"),
    "negative": ({"hidden": -1.0}, "expected a number above 0, got -1.0"),
    "infinite": (np.inf, "expected a number above 0, got inf"),
    "a bool": (True, "expected a number above 0, got True"),
    "text": ("10", "expected a number above 0, got '10'"),
    "unknown": ({"hiden": 2}, "'hiden' is no layer of the model with neurons; .*: hidden"),
    "no neurons": ({"last": 2}, "'last' is no layer of the model with neurons"),
    "another": ({Keras.Dense(3, name="other"): 2}, "'other' is no layer of the model"),
}


@pytest.mark.parametrize("name", SCALES)
def test_scales(name):
    scale, message = SCALES[name]
    with pytest.raises(ConversionError, match=message):
        from_keras(relu_model(), scale_firing_rates=scale)


def test_a_scale_that_is_given_twice():
    model = relu_model()
    scales = {"hidden": 2, model.get_layer("hidden"): 2}
    with pytest.raises(ConversionError, match="'hidden' is given twice"):
        from_keras(model, scale_firing_rates=scales)


def test_neurons_without_an_amplitude_are_not_scaled():
    model = dense_model(
        Keras.Dense(3, activation="relu", name="a"),
        Keras.Dense(3, activation="tanh", name="b"),
        Keras.Dense(2),
    )
    with pytest.raises(ConversionError, match=r"layer 'b': .*Tanh\(tau_ref=1\) has no amplitude"):
        from_keras(model, scale_firing_rates=2)
    assert from_keras(model, scale_firing_rates={"a": 2}).neurons["a"].layer_func.amplitude == 0.5


def test_skewed_neurons_are_told_once():
    model = dense_model(
        Keras.Dense(3, activation="relu", name="a"),
        Keras.Dense(3, activation="relu", name="b"),
        Keras.Dense(2),
    )
    with pytest.warns(UserWarning, match="rates of LIF are not .* output of a, b") as caught:
        from_keras(model, nengo.LIF(), scale_firing_rates=20, synapse=0.02)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "from_keras: .* would see single spikes")
        for neuron in (
            nengo.SpikingRectifiedLinear(),
            nengo.PoissonSpiking(nengo.RectifiedLinear()),
        ):
            from_keras(model, neuron, scale_firing_rates=10, synapse=0.01)
        from_keras(model, nengo.LIF(), scale_firing_rates=1, synapse=0.01)


@pytest.mark.parametrize("synapse", [True, "0.1", -0.1, nengo.Default])
def test_synapses(synapse):
    with pytest.raises(ConversionError, match="synapse: expected None, a time constant"):
        from_keras(relu_model(), synapse=synapse)


def test_inputs():
    model = relu_model()
    name = model.input_names[0]
    with pytest.raises(ConversionError, match="call from_keras inside `with network:`"):
        from_keras(model, inputs=[None])
    with nengo.Network() as net:
        node = nengo.Node(np.zeros(3))
        for inputs, message in [
            (node, "puts out 3 values, while the input input_1.* of shape .4,. takes 4"),
            ([node, node], "expected 1 objects, for input_.*, got 2"),
            ({"other": node}, "the model has no input 'other'; it has input_1"),
            ({name: node, model.inputs[0].node.layer: node}, "inputs: input_1.* is given twice"),
            (net, "expected a Node, Ensemble, Neurons or TensorNode for input_1.*, got"),
        ]:
            with pytest.raises(ConversionError, match=message):
                from_keras(model, inputs=inputs)
    assert net.all_objects == [node]


def test_float64_in_a_network_of_float32():
    model = dense_model(Keras.Dense(2, dtype="float64"), dtype="float64")
    net = nengo.Network()
    with net, pytest.raises(ConversionError, match=r"configure_settings\(dtype='float64'\)"):
        from_keras(model)
    assert not net.networks
    with net:
        nengo_dl.configure_settings(dtype="float64")
        converted = from_keras(model)
    with nengo_dl.Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        got = sim.predict(converted.present(np.ones((2, 4))), verbose=0)[converted.output]
    np.testing.assert_allclose(got[:, 0], model.predict(np.ones((2, 4)), verbose=0), atol=1e-12)
