"""What a Simulator leaves behind when nothing uses it any more."""

from __future__ import annotations

import gc
import weakref

import nengo
import numpy as np
import pytest
from tensorflow.python.framework.ops import gradient_registry

from nengo_layers_plus import CustomLayer, Simulator
from nengo_layers_plus._upstream import tf

DATA, TARGETS = np.ones((2, 10, 3)), np.ones((2, 10, 4))


def build():
    with nengo.Network(seed=0) as net:
        x = CustomLayer(tf.keras.layers.Dense(4))(nengo.Node(np.zeros(3)))
        nengo.Probe(CustomLayer(nengo.LIF(amplitude=0.01))(x))
    return net


def open_simulator():
    sim = Simulator(build(), minibatch_size=2, progress_bar=False)
    sim.compile(tf.optimizers.SGD(0.1), loss="mse")
    return sim


def custom_gradients():
    return {name for name in gradient_registry.list() if name.startswith("CustomGradient-")}


USES = {
    "predict": lambda sim: sim.predict(DATA, verbose=0),
    "run_steps": lambda sim: sim.run_steps(10, data={next(iter(sim.node_inputs)): DATA}),
    "fit": lambda sim: sim.fit(DATA, TARGETS, verbose=0),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_nothing_is_left_of_a_simulator_and_its_graphs(use):
    before = custom_gradients()
    with open_simulator() as sim:
        use(sim)
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
