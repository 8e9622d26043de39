"""The question that started the project: two networks that should be the same, and are not.

The guide ``docs/guides/two_networks.md`` tells the story; here are its numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import nengo
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from nengo_layers_plus import CustomLayer, assert_same, compare, nengo_dl
from nengo_layers_plus.graph import NetworkGraph

N_IMAGES = 8
ALL_PLACES = 26 * 26  # where a convolution of size 3 fits into an image of 28 x 28
FLAT = (ALL_PLACES * 32,)
UNFLATTENED = (26, 26, 32)


@cache
def handwritten() -> tuple[np.ndarray, np.ndarray]:
    """Real digits of 8 x 8 pixels, drawn three times as large, with a margin: 28 x 28."""
    digits = load_digits()
    images = np.kron(digits.images[:N_IMAGES] / 16, np.ones((3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2)))
    return images.reshape(N_IMAGES, 1, 28 * 28), digits.target[:N_IMAGES].reshape(N_IMAGES, 1, 1)


def with_layers(layer_class: type[nengo_dl.Layer]) -> nengo.Network:
    tf.keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.zeros(28 * 28))
        conv = layer_class(tf.keras.layers.Conv2D(32, 3))(image, shape_in=(28, 28, 1), synapse=None)
        dense = layer_class(tf.keras.layers.Dense(10))(conv, synapse=None)
        nengo.Probe(dense)
    return net


def by_hand(
    synapse: float | None = 0.01,
    dense_shape: tuple[int, ...] = UNFLATTENED,
    trainable: bool | None = None,
) -> nengo.Network:
    tf.keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=trainable)
        image = nengo.Node(np.zeros(28 * 28))
        conv = nengo_dl.TensorNode(
            tf.keras.layers.Conv2D(32, 3), shape_in=(28, 28, 1), pass_time=False
        )
        dense = nengo_dl.TensorNode(
            tf.keras.layers.Dense(10), shape_in=dense_shape, pass_time=False
        )
        nengo.Connection(image, conv, synapse=synapse)
        nengo.Connection(conv, dense, synapse=synapse)
        nengo.Probe(dense)
    return net


def with_neurons(
    layer_class: type[nengo_dl.Layer], neuron_type: Any, **layer_kwargs: Any
) -> nengo.Network:
    tf.keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.zeros(28 * 28))
        conv = layer_class(tf.keras.layers.Conv2D(32, 3))(image, shape_in=(28, 28, 1))
        neurons = layer_class(neuron_type, **layer_kwargs)(conv)
        nengo.Probe(layer_class(tf.keras.layers.Dense(10))(neurons))
    return net


@dataclass(frozen=True)
class Run:
    """What came out of a network, before any training."""

    output: np.ndarray
    loss: float
    trainable_shapes: list[tuple[int, ...]]


def simulate(net: nengo.Network, n_steps: int = 1) -> Run:
    images, labels = handwritten()
    images, labels = (np.tile(values, (1, n_steps, 1)) for values in (images, labels))
    with (
        warnings.catch_warnings(),
        nengo_dl.Simulator(net, minibatch_size=N_IMAGES, progress_bar=False) as sim,
    ):
        warnings.filterwarnings("ignore", "Running for one timestep")
        sim.compile(loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True))
        return Run(
            output=sim.predict(images, verbose=0)[net.probes[0]],
            loss=sim.evaluate(images, labels, verbose=0)["loss"],
            trainable_shapes=[tuple(each.shape) for each in sim.keras_model.trainable_weights],
        )


@pytest.fixture(scope="module")
def stock() -> Run:
    return simulate(with_layers(nengo_dl.Layer))


@pytest.fixture(scope="module")
def hand_made() -> Run:
    return simulate(by_hand())


def test_the_losses_differ_dramatically_before_any_training(stock: Run, hand_made: Run) -> None:
    # ten classes that the network can't tell apart yet, against 6,760
    assert stock.loss == pytest.approx(np.log(10), rel=0.05)
    assert hand_made.loss == pytest.approx(np.log(6760), rel=1e-6)


def test_the_first_filtered_step_is_zero(stock: Run, hand_made: Run) -> None:
    assert np.any(stock.output)
    assert not np.any(hand_made.output)


def test_each_filtered_connection_costs_one_step() -> None:
    output = simulate(by_hand(), n_steps=4).output

    assert [bool(np.any(output[:, step])) for step in range(4)] == [False, False, True, True]


def test_nengo_dl_asks_whether_no_synapse_was_meant() -> None:
    images, _ = handwritten()
    with (
        nengo_dl.Simulator(by_hand(), minibatch_size=N_IMAGES, progress_bar=False) as sim,
        pytest.warns(UserWarning, match="did you mean to set synapse=None"),
    ):
        sim.predict(images, verbose=0)


def test_dense_sees_32_inputs_and_has_6760_outputs(stock: Run, hand_made: Run) -> None:
    assert stock.output.shape == (N_IMAGES, 1, 10)
    assert stock.trainable_shapes == [(3, 3, 1, 32), (32,), (21632, 10), (10,)]
    assert hand_made.output.shape == (N_IMAGES, 1, 6760)
    assert hand_made.trainable_shapes == [(3, 3, 1, 32), (32,), (32, 10), (10,)]


def test_behind_filters_nothing_but_the_last_bias_learns() -> None:
    images, labels = handwritten()
    net = by_hand(0.01, FLAT)
    with nengo_dl.Simulator(net, minibatch_size=N_IMAGES, progress_bar=False) as sim:
        weights = sim.keras_model.trainable_weights
        before = tf.keras.backend.batch_get_value(weights)
        sim.compile(
            optimizer=tf.optimizers.SGD(0.1),
            loss=tf.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        with pytest.warns(UserWarning, match="Running for one timestep"):
            sim.fit(images, labels, verbose=0)
        after = tf.keras.backend.batch_get_value(weights)
        moved = [
            tuple(old.shape)
            for old, new in zip(before, after, strict=True)
            if not np.array_equal(old, new)
        ]

    assert len(weights) == 4
    assert moved == [(10,)]


@pytest.mark.parametrize("trainable", [None, True])
@pytest.mark.parametrize("synapse", [None, 0.01])
def test_the_connections_have_no_weights_that_could_train(
    trainable: bool | None, synapse: float | None
) -> None:
    net = by_hand(synapse, trainable=trainable)

    assert [connection.has_weights for connection in net.connections] == [False, False]
    assert {each.kind for each in NetworkGraph(net).parameters} == {"Keras weights"}


@pytest.mark.parametrize(
    ("net", "loss", "sees"),
    [
        pytest.param(lambda: by_hand(0.01, FLAT), np.log(10), False, id="shape alone"),
        pytest.param(lambda: by_hand(None, UNFLATTENED), np.log(6760), True, id="synapse alone"),
    ],
)
def test_repairing_one_cause_is_not_enough(
    net: Callable[[], nengo.Network], loss: float, sees: bool, stock: Run
) -> None:
    run = simulate(net())

    assert bool(np.any(run.output)) is sees
    assert run.loss != stock.loss
    assert run.loss == pytest.approx(loss, rel=0.01)


@pytest.mark.parametrize(
    "net",
    [
        pytest.param(lambda: by_hand(None, FLAT), id="by hand, both causes repaired"),
        pytest.param(lambda: with_layers(CustomLayer), id="CustomLayer"),
    ],
)
def test_the_same_to_the_last_bit(net: Callable[[], nengo.Network], stock: Run) -> None:
    run = simulate(net())

    assert np.array_equal(run.output, stock.output)
    assert run.loss == stock.loss
    assert run.trainable_shapes == stock.trainable_shapes


def test_compare_names_the_two_causes_and_what_to_change() -> None:
    shape, synapse = compare(with_layers(nengo_dl.Layer), by_hand())

    assert (shape.what, shape.where) == ("shape in", "tensor_node_1")
    assert "it sees 21632 values and has 10 outputs in a" in shape.meaning
    assert "6760 in all in b" in shape.meaning
    assert shape.remedy.endswith("shape_in=(21632,)")
    assert (synapse.what, synapse.where) == (
        "synapse",
        "node_0->tensor_node_0, tensor_node_0->tensor_node_1",
    )
    assert synapse.remedy == "in b, give it synapse=None"


def test_compare_measures_them() -> None:
    images, labels = handwritten()
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)

    comparison = compare(with_layers(nengo_dl.Layer), by_hand(), images, loss=loss, targets=labels)

    assert comparison.distance == np.inf
    assert [each.effect for each in comparison] == [None, 1.0]
    assert comparison.remaining == 0
    assert comparison.first_divergence is not None
    assert comparison.first_divergence.name == "tensor_node_0"
    # nothing but the last bias learns
    assert [bool(each.norm_b) for each in comparison.gradients] == [False, False, False, True]


@pytest.mark.parametrize(
    "net",
    [
        pytest.param(lambda: by_hand(None, FLAT), id="by hand, both causes repaired"),
        pytest.param(lambda: with_layers(CustomLayer), id="CustomLayer"),
    ],
)
def test_compare_finds_nothing_after_the_change(net: Callable[[], nengo.Network]) -> None:
    images, _ = handwritten()

    assert_same(with_layers(nengo_dl.Layer), net(), images)


def test_one_parameter_is_changed_without_building_by_hand() -> None:
    expected = simulate(with_neurons(nengo_dl.Layer, nengo.LIF()), n_steps=6)
    unchanged = simulate(with_neurons(CustomLayer, nengo.LIF()), n_steps=6)
    assert np.any(expected.output)
    assert np.array_equal(unchanged.output, expected.output)
    assert unchanged.loss == expected.loss

    net = with_neurons(
        CustomLayer,
        nengo.LIF(tau_rc=0.05),
        ensemble_kwargs={"gain": 10, "bias": 2},
        synapse=0.01,
    )
    (ensemble,) = net.ensembles
    assert np.array_equal(ensemble.gain, np.full(FLAT, 10))
    assert np.array_equal(ensemble.bias, np.full(FLAT, 2))
    assert ensemble.neuron_type.tau_rc == 0.05
    assert [connection.synapse for connection in net.connections] == [
        None,
        nengo.Lowpass(0.01),
        None,
    ]
    assert not np.array_equal(simulate(net, n_steps=6).output, expected.output)
