"""Keras layers compute in the dtype of the network, or say what to do."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError

from nengo_layers_plus import CustomLayer, Sequential, Simulator, compare, nengo_dl, to_source
from nengo_layers_plus._upstream import tf

layers = tf.keras.layers
INPUT = np.linspace(-1, 1, 6)


class Nested(layers.Layer):
    """Holds a layer, and makes its weights with its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(2)

    def build(self, input_shape):
        self.inner.build(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        return self.inner.call(inputs)

    def compute_output_shape(self, input_shape):
        return tf.TensorShape((input_shape[0], 2))


def built_dense():
    # a Simulator calls its initialiser once more
    layer = layers.Dense(2, kernel_initializer="zeros")
    layer.build((None, 6))
    layer.set_weights([np.random.RandomState(0).normal(size=(6, 2)), np.array([0.1, 0.2])])
    return layer


LAYERS = {
    "Dense": (lambda: layers.Dense(2), (6,)),
    "Dense that is built": (built_dense, (6,)),
    "Conv1D": (lambda: layers.Conv1D(2, 3), (6, 1)),
    "BatchNormalization": (layers.BatchNormalization, (6,)),
    "LSTM": (lambda: layers.LSTM(2), (3, 2)),
    "Rescaling": (lambda: layers.Rescaling(1 / 3), (6,)),
    "Sequential": (lambda: tf.keras.Sequential([layers.Dense(3), layers.Dense(2)]), (6,)),
    "Nested": (Nested, (6,)),
}


def network(layer_func, shape_in=(6,), dtype="float64", layer=CustomLayer):
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype=dtype)
        output = layer(layer_func)(nengo.Node(INPUT), shape_in=shape_in)
        nengo.Probe(output)
    return net


def output_of(net, cls=Simulator):
    with cls(net, progress_bar=False) as sim:
        return sim.predict(n_steps=2, verbose=0)[net.probes[0]][0, -1]


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("cls", [Simulator, nengo_dl.Simulator])
def test_a_layer_follows_the_dtype_of_the_network(name, cls):
    make, shape = LAYERS[name]
    layer = make()
    found = output_of(network(layer, shape), cls)
    assert {weight.dtype for weight in layer.weights} <= {tf.float64}
    right = layer(INPUT.reshape(1, *shape)).numpy().reshape(-1)
    assert found.dtype == right.dtype == np.float64
    np.testing.assert_allclose(found, right, rtol=1e-12)


def test_weights_of_a_layer_that_is_built_are_kept():
    layer = built_dense()
    kernel = layer.get_weights()[0]
    output_of(network(layer))
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)


def test_a_layer_may_be_in_networks_of_different_dtypes():
    layer = built_dense()
    outputs = [
        output_of(network(layer, dtype=dtype)) for dtype in ("float64", "float32", "float64")
    ]
    assert [each.dtype for each in outputs] == [np.float64, np.float32, np.float64]
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "dtype", "message"),
    [
        (lambda: layers.Dense(2, dtype="float16", name="mine"), "float64", "'mine' .* float16"),
        (lambda: layers.Dense(2, dtype="float64", name="mine"), "float32", "'mine' .* float64"),
        (
            lambda: layers.Dense(2, dtype="mixed_float16", name="mine"),
            "float64",
            "'mine' .* float16",
        ),
        (
            lambda: tf.keras.Sequential([tf.keras.Input((6,)), layers.Dense(2)], name="mine"),
            "float64",
            "'mine' computes in float32, and the network is simulated in float64. What to do: make "
            r".*with dtype='float64', or behind tf.keras.backend.set_floatx\('float64'\)",
        ),
        (lambda: layers.Lambda(lambda x: x * tf.constant(2.0)), "float64", "in float64, in which"),
        (lambda: lambda x: x * tf.constant(2.0), "float64", r"tf\.constant\(2, x\.dtype\)"),
    ],
)
@pytest.mark.parametrize(
    "run",
    [
        lambda net: Simulator(net, progress_bar=False),
        lambda net: Simulator(net, progress_bar=False, execution="stepwise"),
    ],
)
def test_what_can_not_follow_is_named_with_what_to_do(make, dtype, message, run):
    net = network(make(), dtype=dtype, layer=lambda func: CustomLayer(func, label="the layer"))
    with pytest.raises(BuildError, match=f"(?s)<TensorNode 'the layer'>: .*{message}"):
        run(net)


def test_a_model_that_would_round_its_input_is_refused():
    model = tf.keras.Sequential([tf.keras.Input((6,)), layers.Dense(2, dtype="float64")])
    with pytest.raises(BuildError, match=r"'sequential\w*' rounds its input to float32"):
        Simulator(network(model), progress_bar=False)


def test_nengo_dl_itself_names_it():
    net = network(lambda x: x * tf.constant(2.0), layer=nengo_dl.Layer)
    with pytest.raises(BuildError, match=r"TensorNode .*tf\.constant\(2, x\.dtype\)"):
        nengo_dl.Simulator(net, progress_bar=False)


def test_other_errors_stay_what_they_are():
    def fails(x):
        if not tf.executing_eagerly():
            raise KeyError("mine")
        return x

    with pytest.raises(KeyError, match="mine"):
        Simulator(network(fails, dtype="float32"), progress_bar=False)


def test_reports_source_and_files_know_of_it(tmp_path):
    def build():
        initializers = [tf.keras.initializers.GlorotUniform(seed) for seed in (1, 2)]
        first = layers.Dense(3, kernel_initializer=initializers[0], name="first")
        second = tf.keras.Sequential([layers.Dense(2, kernel_initializer=initializers[1])])
        return network(Sequential([first, second]), layer=lambda func: func)

    net = build()
    with Simulator(net, progress_bar=False) as sim:
        expected = sim.predict(n_steps=2, verbose=0)[net.probes[0]][0, -1]
        assert len(compare(net, build())) == 0
        source = to_source(sim)  # where the block of a Simulator has set Keras' dtype
        sim.save_parameters(tmp_path / "file")
    np.testing.assert_array_equal(output_of(source.build()), expected)
    with Simulator(build(), seed=3, progress_bar=False) as other:
        other.load_parameters(tmp_path / "file")
        loaded = other.predict(n_steps=2, verbose=0)[other.model.probes[0]][0, -1]
    np.testing.assert_array_equal(loaded, expected)
