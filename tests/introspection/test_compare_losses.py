"""The losses whose gradients `compare` compares."""

from __future__ import annotations

from typing import Any

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import compare
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._inputs import check_fits, check_loss

TARGETS = np.zeros((2, 3, 2))
DATA = np.ones((2, 3, 4))


def network(weight: float = 0.1, units: int = 2, probes: int = 2) -> nengo.Network:
    with nengo.Network(seed=0) as net:
        image = nengo.Node([0.5] * 4, label="image")
        end = nengo.Node(size_in=units, label="end")
        nengo.Connection(image, end, transform=np.full((units, 4), weight), synapse=None)
        for number, source in zip(range(probes), (end, image), strict=False):
            nengo.Probe(source, label=f"probe of {number}")
    return net


@pytest.fixture(scope="module")
def graph() -> NetworkGraph:
    return NetworkGraph(network())


@pytest.mark.parametrize(
    "targets",
    [TARGETS, {"probe of 0": TARGETS}, [TARGETS, np.zeros((2, 3, 4))]],
    ids=["array", "label", "list"],
)
def test_targets_are_found(graph: NetworkGraph, targets: Any) -> None:
    losses, found = check_loss(graph, "mse", targets)

    first = graph.network.all_probes[0]
    assert losses[first] is tf.keras.losses.mean_squared_error
    np.testing.assert_array_equal(found[first], TARGETS)
    assert len(found) == (2 if isinstance(targets, list) else 1)


@pytest.mark.parametrize(
    ("loss", "targets", "says"),
    [
        ("mse", None, "targets is missing"),
        (None, TARGETS, "loss is missing"),
        ("no such loss", TARGETS, "expected a loss of Keras.* got 'no such loss'"),
        (3, TARGETS, "expected a loss of Keras.* got 3"),
        ("mse", np.zeros((2, 3)), r"shape \(batch, time, size\).* got float64 of shape \(2, 3\)"),
        ("mse", np.full((2, 3, 2), "a"), "expected numbers"),
        ("mse", [TARGETS], "expected one array for each of the Probes"),
        ("mse", {"other": TARGETS}, "expected Probes of .*probe of 0.* got 'other'"),
        ({"probe of 1": "mse"}, {"probe of 0": TARGETS}, "expected a target for each loss"),
    ],
)
def test_what_does_not_fit_is_said(graph: NetworkGraph, loss: Any, targets: Any, says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        check_loss(graph, loss, targets)


def test_a_network_without_probes_has_no_targets() -> None:
    with pytest.raises(ValidationError, match=r"Probes \(none\)"):
        check_loss(NetworkGraph(network(probes=0)), "mse", TARGETS)


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        ("mse", (2, 3, 2)),
        (tf.keras.losses.MeanSquaredError(), (2, 3, 2)),
        ("sparse_categorical_crossentropy", (2, 3, 1)),
        (tf.keras.losses.SparseCategoricalCrossentropy(), (2, 3, 1)),
        (lambda targets, outputs: outputs, (2, 3, 5)),
    ],
)
def test_targets_have_the_shape_that_a_loss_wants(
    graph: NetworkGraph, loss: Any, shape: tuple[int, ...]
) -> None:
    probe = graph.network.all_probes[0]
    losses, targets = check_loss(graph, loss, np.zeros(shape))
    outputs = np.zeros((2, 3, 2))

    check_fits(graph, probe, losses[probe], targets[probe], outputs)
    one_step = [] if callable(loss) and shape[2] == 5 else [(2, 1, shape[2])]  # a function may
    for wrong in ((1, 3, shape[2]), *one_step):  # they would be broadcast
        with pytest.raises(ValidationError, match=r"expected targets of shape \(2, 3"):
            check_fits(graph, probe, losses[probe], np.zeros(wrong), outputs)


def test_a_keras_loss_does_not_broadcast_sizes(graph: NetworkGraph) -> None:
    with pytest.raises(ValidationError, match=r"expected targets of shape \(2, 3, 2\)"):
        compare(graph.network, network(), DATA, loss="mse", targets=np.zeros((2, 3, 1)))


def test_targets_say_how_many_items_there_are_without_data() -> None:
    comparison = compare(network(), network(0.2), n_steps=3, loss="mse", targets=TARGETS)

    (gradient,) = comparison.gradients
    assert gradient.cosine == pytest.approx(1)
    assert gradient.difference == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (network(units=3), "the Probe has an output of another shape in b"),
        (network(probes=0), "the Probe has no counterpart in b"),
    ],
    ids=["shape", "missing"],
)
def test_a_loss_that_one_of_them_lacks_is_left_out_and_said(other: nengo.Network, why: str) -> None:
    comparison = compare(network(probes=1), other, DATA, loss="mse", targets=TARGETS)

    assert comparison.gradients == ()
    assert any(why in each and "left out of both" in each for each in comparison.notes)


def test_gradients_of_all_parameters_that_one_network_alone_has() -> None:
    more = network()
    with more:
        for number in range(2):
            aside = nengo.Node(size_in=1, label=f"aside {number}")
            nengo.Connection(more.nodes[0], aside, transform=np.ones((1, 4)), synapse=None)

    comparison = compare(more, network(), DATA, loss="mse", targets=TARGETS)

    assert sorted((each.name, each.norm_b is None) for each in comparison.gradients) == [
        ("image->aside 0.weights", True),
        ("image->aside 1.weights", True),
        ("image->end.weights", False),
    ]


def test_a_loss_that_fails() -> None:
    def fails(targets: Any, outputs: Any) -> Any:
        raise RuntimeError("no such thing")

    comparison = compare(network(), network(), DATA, loss=fails, targets=TARGETS)

    assert comparison
    assert comparison.gradients == ()
    assert comparison.notes == (
        "the gradients of a can't be computed (RuntimeError: no such thing).",
    )
