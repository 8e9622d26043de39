"""What objects of a network put out, whether they are probed or not."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import copy_layer, tf
from nengo_layers_plus.introspection._network_copy import NetworkCopy
from nengo_layers_plus.introspection._recording import Recorder, record

X = np.random.RandomState(0).uniform(size=(2, 4, 3))


def build(dtype: str = "float32", keep_history: bool = True) -> nengo.Network:
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype=dtype, keep_history=keep_history)
        net.x = nengo.Node(np.zeros(3), label="x")
        dense = tf.keras.layers.Dense(4, dtype=dtype)
        net.dense = CustomLayer(dense, label="dense")(net.x)
        net.lif = CustomLayer(nengo.LIF(), label="lif", ensemble_kwargs={"gain": 30, "bias": 9})(
            net.dense
        ).ensemble
        net.probe = nengo.Probe(net.dense)
    return net


def test_all_can_be_recorded() -> None:
    net = build()
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        recorded = record(sim, [net.x, net.dense, net.lif], X)
        expected = sim.predict({net.x: X}, verbose=0)[net.probe]

    np.testing.assert_allclose(recorded[net.x], X, rtol=1e-6)
    np.testing.assert_array_equal(recorded[net.dense], expected)
    np.testing.assert_array_equal(recorded[net.probe], expected)
    assert recorded[net.lif].shape == (2, 4, 4)
    assert np.any(recorded[net.lif])


def test_the_parameters_of_a_simulator_are_taken_over() -> None:
    net = build()
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        net.dense.tensor_func.kernel.assign(np.full((3, 4), 0.5))
        recorded = record(sim, [net.dense], X)

    np.testing.assert_allclose(
        recorded[net.dense], np.repeat(X.sum(axis=2, keepdims=True) / 2, 4, axis=2), rtol=1e-5
    )


def test_double_precision_and_probes_that_keep_the_last_step() -> None:
    net = build(dtype="float64", keep_history=False)

    recorded = record(net, [net.lif, net.dense], X)

    assert recorded[net.lif].shape == (2, 4, 4)
    assert recorded[net.dense].dtype == np.float64
    np.testing.assert_array_equal(recorded[net.probe], recorded[net.dense][:, -1:])


def test_the_network_does_not_notice() -> None:
    net = build()

    record(net, [net.lif], n_steps=2)

    assert len(net.probes) == 1
    assert not net.dense.tensor_func.built


def test_each_run_begins_from_the_initial_state() -> None:
    with nengo.Network(seed=0) as net:
        x = nengo.Node([1.0], label="x")
        memory = nengo.Ensemble(10, 1, label="memory")
        nengo.Connection(x, memory)
        out = nengo.Node(size_in=1, label="out")
        learning = nengo.Connection(memory, out, learning_rule_type=nengo.PES(1e-2))
        nengo.Connection(out, learning.learning_rule)
    values = {x: np.random.RandomState(0).uniform(size=(2, 20, 1))}

    with Recorder(net, [out], minibatch_size=2) as recorder:
        before = recorder.parameters
        first = recorder.run(values, 20)[out]
        again = recorder.run(values, 20)[out]
        after = recorder.parameters

    np.testing.assert_array_equal(first, again)
    assert before.keys() == after.keys()
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)


def test_neither_data_nor_steps() -> None:
    net = build()
    with pytest.raises(ValidationError, match="expected data or n_steps, got neither"):
        record(net, [net.lif])


class Uncopied:
    def __deepcopy__(self, memo: Any) -> Any:
        raise TypeError("not to be copied")

    def __call__(self, t: float) -> float:
        return t


def test_what_cannot_be_copied_is_shared() -> None:
    function = Uncopied()
    with nengo.Network() as net:
        node = nengo.Node(function, size_out=1)

    assert NetworkCopy(net)[node].output is function


def test_what_was_made_on_the_way_is_taken_for_no_copy_of_something_else() -> None:
    copies: dict[int, Any] = {}

    copy_layer(tf.keras.layers.Dense(2), copies)

    # dicts that get the place in memory of one that is gone
    assert not any(id(each) in copies for each in [{} for _ in range(1000)])


def test_a_copy_keeps_what_layers_set() -> None:
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=None)
        x = nengo.Node([0.0] * 2)
        with nengo.Network(label="inner"):
            neurons = CustomLayer(nengo.LIF(), trainable={"bias": False})(x)
        keras = CustomLayer(tf.keras.Sequential([tf.keras.layers.Dense(2)]))(neurons)

    copied = NetworkCopy(net)

    assert copied[neurons].ensemble is not neurons.ensemble
    assert copied[keras].tensor_func is not keras.tensor_func
    assert copied.original(copied[keras]) is keras
    assert [each.label for each in copied.network.all_networks] == ["inner"]
    (connection,) = net.networks[0].connections
    assert copied[connection].post_obj == copied[neurons.ensemble].neurons
