"""`check_layer` passes what keeps the contract, and names the promise that is broken."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.testing import BrokenPromiseError, check_layer

Keras = tf.keras.layers


class Steady(CustomLayer):
    """Neurons that all have the same response curve."""

    def make_layer_func(self, context):
        return nengo.RectifiedLinear()

    def make_ensemble_kwargs(self, context):
        return {"gain": np.ones(context.size_in), "bias": np.ones(context.size_in)}

    def make_synapse(self, context):
        return 0.005

    def make_trainable(self, context):
        return {"bias": False}


class Drawn(CustomLayer):
    """Neurons whose time constants are drawn, others at each call."""

    def make_ensemble_kwargs(self, context):
        rng = np.random.RandomState(len(self.calls))
        return {"tau_rc": rng.uniform(0.01, 0.03, context.size_in), "gain": 5, "bias": 1}


class Recurrent(Steady):
    def on_built(self, parts):
        nengo.Connection(parts.output, parts.output, transform=0.1, synapse=0.01)


@pytest.mark.parametrize(
    ("layer", "shape", "kwargs"),
    [
        (lambda: CustomLayer(Keras.Dense(3)), (4,), {}),
        (lambda: CustomLayer(Keras.Conv2D(3, 2), trainable=False), (4, 4, 1), {}),
        (lambda: CustomLayer(Keras.BatchNormalization()), (4,), {}),
        (lambda: CustomLayer(nengo.LIF()), (4,), {}),
        (Steady, (2, 2, 1), {}),
        (Recurrent, (3,), {}),
        (lambda: Drawn(TrainableLIF()), (3,), {}),
        (lambda: CustomLayer(Keras.Concatenate(), synapse=[None, 0.1]), [(2,), (3,)], {}),
        (
            lambda: CustomLayer(nengo.RectifiedLinear(), trainable={"connection": True}),
            (4,),
            {"transform": np.eye(4), "gain": 1, "bias": 1},
        ),
        (lambda: CustomLayer(tf.keras.Sequential([Keras.Dense(3), Keras.Dense(2)])), (4,), {}),
        (lambda: CustomLayer(nengo.PoissonSpiking(nengo.LIFRate())), (4,), {}),
        (lambda: CustomLayer(Keras.Lambda(lambda x, k: x * k, arguments={"k": 3.0})), (4,), {}),
    ],
)
def test_layers_that_keep_the_contract(layer, shape, kwargs):
    layer = layer()
    check_layer(layer, shape, **kwargs)
    assert layer.calls == []


class OtherSamples(CustomLayer):
    def make_layer_func(self, context):
        return lambda x: x - tf.reduce_mean(x, axis=0, keepdims=True)


class Infinite(CustomLayer):
    def make_layer_func(self, context):
        return lambda x: x / 0.0


class NotOnce(CustomLayer):
    def __call__(self, *args, **kwargs):
        self.make_synapse(None)
        return super().__call__(*args, **kwargs)


class Forgetful(CustomLayer):
    def on_built(self, parts):
        self.calls.clear()


class Unshared(CustomLayer):
    """Applies another layer at each call."""

    def make_layer_func(self, context):
        return Keras.Dense(2)

    def __call__(self, *args, **kwargs):
        self._made = None
        return super().__call__(*args, **kwargs)


class NotWhatStockMakes(CustomLayer):
    def __call__(self, *args, **kwargs):
        return super().__call__(*args, **{**kwargs, "transform": 2.0})


class Liar(CustomLayer):
    """Says that its biases are frozen, and trains them."""

    def make_trainable(self, context):
        return {"bias": False}

    def on_built(self, parts):
        network = nengo.Network.context[-1]
        network.config[parts.ensemble.neurons].trainable = True


class Dead(CustomLayer):
    """Has weights through which no gradient comes."""

    def make_layer_func(self, context):
        class Stopped(Keras.Dense):
            def call(self, inputs):
                return tf.stop_gradient(super().call(inputs))

        return Stopped(2)


class Escaping(CustomLayer):
    """Moves weights that it says are frozen."""

    def make_layer_func(self, context):
        class Assigning(Keras.Layer):
            def build(self, input_shape):
                self.scale = self.add_weight(shape=(), name="scale", initializer="ones")

            def call(self, inputs, training=None):
                if training:
                    self.scale.assign_add(0.5)
                return inputs * self.scale

        return Assigning()

    def make_trainable(self, context):
        return {"weights": False}


@pytest.mark.parametrize(
    ("layer", "promise"),
    [
        (OtherSamples, "a sample's output does not depend on the others in the minibatch"),
        (Infinite, "its output is finite"),
        (lambda: NotOnce(tf.nn.relu), "every hook runs once a call: make_synapse ran 2 times"),
        (lambda: Forgetful(tf.nn.relu), "`calls` keeps what each call made"),
        (Unshared, "several calls share what the layer applies"),
        (lambda: NotWhatStockMakes(tf.nn.relu), "changes nothing equals nengo_dl.Layer"),
        (lambda: Liar(nengo.LIF()), "it trains what it says: ensemble_0.bias trains is True"),
        (Dead, "what trains moves: .*kernel has not moved in fit"),
        (Escaping, "what is frozen stays: .*scale moved in fit"),
    ],
)
def test_broken_promises_are_named(layer, promise):
    layer = layer()
    with pytest.raises(BrokenPromiseError, match=promise) as raised:
        check_layer(layer, (4,))
    assert raised.value.layer is layer
    assert str(raised.value).startswith(f"{layer} breaks the promise that {raised.value.promise}")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"input_shape": 4}, "expected input_shape to be a tuple of sizes"),
        ({"input_shape": [2, 2, 1]}, "expected input_shape to be a tuple of sizes"),
        ({"input_shape": (4,), "return_conn": True}, "return_conn"),
    ],
)
def test_arguments_that_it_does_not_take(arguments, error):
    with pytest.raises(TypeError, match=error):
        check_layer(CustomLayer(nengo.LIF()), **arguments)


def test_it_makes_its_own_networks():
    with nengo.Network(), pytest.raises(RuntimeError, match="outside of any network"):
        check_layer(CustomLayer(nengo.LIF()), (4,))


def test_only_custom_layers_are_checked():
    with pytest.raises(TypeError, match="expected a CustomLayer"):
        check_layer(nengo_dl.Layer(nengo.LIF()), (4,))
