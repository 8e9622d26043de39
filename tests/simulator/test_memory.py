"""What a Simulator leaves behind when nothing uses it any more."""

from __future__ import annotations

import gc
import weakref
from typing import ClassVar

import nengo
import numpy as np
import pytest
from tensorflow.python.framework.func_graph import FuncGraph
from tensorflow.python.framework.ops import gradient_registry

from nengo_layers_plus import (
    ChannelNeurons,
    CustomLayer,
    NeuronModel,
    NeuronParameter,
    RecurrentNeurons,
    Simulator,
    Surrogate,
    compare,
    from_keras,
    nengo_dl,
    summary,
    surrogate,
    to_source,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.synapses import TrainableAlpha, TrainableLowpass

DATA, TARGETS = np.ones((2, 10, 3)), np.ones((2, 10, 4))


def build():
    with nengo.Network(seed=0) as net:
        x = CustomLayer(tf.keras.layers.Dense(4))(nengo.Node(np.zeros(3)))
        nengo.Probe(CustomLayer(nengo.LIF(amplitude=0.01))(x))
    return net


def open_simulator(cls=Simulator):
    sim = cls(build(), minibatch_size=2, progress_bar=False)
    sim.compile(tf.optimizers.SGD(0.1), loss="mse")
    return sim


def custom_gradients():
    return {name for name in gradient_registry.list() if name.startswith("CustomGradient-")}


USES = {
    "predict": lambda sim: sim.predict(DATA, verbose=0),
    "run_steps": lambda sim: sim.run_steps(10, data={next(iter(sim.node_inputs)): DATA}),
    "fit": lambda sim: sim.fit(DATA, TARGETS, verbose=0),
}


@pytest.mark.parametrize(
    ("cls", "use"),
    [*((Simulator, name) for name in USES), (nengo_dl.Simulator, "fit")],
    ids=[*USES, "fit in nengo_dl"],
)
def test_nothing_is_left_of_a_simulator_and_its_graphs(cls, use):
    before = custom_gradients()
    with open_simulator(cls) as sim:
        USES[use](sim)
        model = weakref.ref(sim.keras_model)
        made = custom_gradients() - before
        assert made
    del sim
    gc.collect()
    assert model() is None
    assert not made & custom_gradients()


def test_a_model_that_is_kept_can_still_be_trained():
    with open_simulator() as sim:
        sim.fit(DATA, TARGETS, verbose=0)
        model = sim.keras_model
    gc.collect()
    data = [tf.constant(DATA, "float32"), tf.fill([2, 1], 10)]
    with tf.GradientTape() as tape:
        outputs, *_ = tf.function(model)(data)
        loss = tf.reduce_sum(outputs)
    assert all(each is not None for each in tape.gradient(loss, model.trainable_variables))


def test_a_simulator_that_ends_takes_nothing_from_one_that_called_it():
    outer, inner = open_simulator(), open_simulator()

    def use_inner(*_):
        inner.predict(DATA, verbose=0)

    outer.fit(
        DATA,
        TARGETS,
        callbacks=[tf.keras.callbacks.LambdaCallback(on_train_batch_end=use_inner)],
        verbose=0,
    )
    of_inner = set(inner.tensor_graph._custom_gradients)
    assert of_inner
    assert not of_inner.intersection(outer.tensor_graph._custom_gradients)
    del of_inner
    before = custom_gradients()
    inner.close()
    gc.collect()
    lost = before - custom_gradients()
    assert lost
    outer.fit(DATA, TARGETS, verbose=0)
    outer.close()


# -----------------------------------------------------------------------------
# Kinds of layers, and functions that open Simulators of their own


class Leaky(NeuronModel):
    """Neurons that leak, and learn how fast."""

    state: ClassVar = {"voltage": nengo.dists.Choice([0])}
    parameters: ClassVar = {"tau": NeuronParameter(0.02, positive=True, trainable=True)}
    spiking = True

    def dynamics(self, xp, dt, current, voltage, tau):
        voltage = voltage + (current - voltage) * dt / tau
        spikes = xp.spike(voltage - 1)
        return spikes / dt, {"voltage": voltage * (1 - xp.reset(spikes))}


class Squared(tf.keras.layers.Layer):
    """A layer with a gradient of its own."""

    def call(self, inputs):
        @tf.custom_gradient
        def square(x):
            return x**2, lambda upstream: upstream

        return square(inputs)


def spiking():
    return CustomLayer(Surrogate(nengo.LIF(), surrogate.arctan(2.0)), label="spiking")


LAYERS = {
    "Keras": lambda: CustomLayer(tf.keras.layers.Dense(4)),
    "own gradient": lambda: CustomLayer(Squared()),
    "neurons": lambda: CustomLayer(nengo.LIF()),
    "Surrogate": spiking,
    "NeuronModel": lambda: CustomLayer(Leaky()),
    "ChannelNeurons": lambda: ChannelNeurons(Surrogate(nengo.LIF(), surrogate.arctan(2.0))),
    "RecurrentNeurons": lambda: RecurrentNeurons(Surrogate(nengo.LIF(), surrogate.arctan(2.0))),
    "TrainableLowpass": lambda: CustomLayer(nengo.LIF(), synapse=TrainableLowpass(0.1)),
    "TrainableAlpha": lambda: CustomLayer(nengo.LIF(), synapse=TrainableAlpha(0.1)),
}


def build_with(layer):
    with nengo.Network(seed=0) as net:
        net.probe = nengo.Probe(layer(nengo.Node(np.ones((3,)))))
    return net


@pytest.mark.parametrize("cls", [Simulator, nengo_dl.Simulator], ids=["ours", "nengo_dl"])
@pytest.mark.parametrize("make_layer", LAYERS.values(), ids=LAYERS)
def test_nothing_is_left_of_the_building(make_layer, cls):
    before = custom_gradients()
    net = build_with(make_layer())
    with cls(net, progress_bar=False) as sim:
        assert sim.keras_model.outputs
    del sim, net
    gc.collect()
    assert custom_gradients() <= before


def check_gradients():
    with Simulator(build_with(spiking()), progress_bar=False) as sim:
        sim.check_gradients(atol=1e9)


def describe():
    with Simulator(build_with(spiking()), progress_bar=False) as sim:
        assert "layerwise" in str(sim.training_execution)


def convert():
    image = tf.keras.Input((3,))
    model = tf.keras.Model(image, tf.keras.layers.Dense(4, activation="relu")(image))
    from_keras(model, neuron=nengo.RectifiedLinear()).differences(np.ones((2, 3)))


FUNCTIONS = {
    "summary": lambda: summary(build_with(spiking()), n_steps=3),
    "to_source": lambda: to_source(build_with(spiking())),
    "compare": lambda: compare(
        build_with(spiking()), build_with(spiking()), data=np.ones((1, 3, 3))
    ),
    "check_gradients": check_gradients,
    "execution": describe,
    "from_keras": convert,
}


def graphs():
    return sum(type(each) is FuncGraph for each in gc.get_objects())


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)
def test_nothing_is_left_of_simulators_within(function):
    found = []
    for _ in range(2):
        function()
        tf.keras.backend.clear_session()
        gc.collect()
        found.append((len(custom_gradients()), graphs()))
    assert found[1] == found[0]
