"""The order of objects, and with it their names, against the order in which they were made."""

from __future__ import annotations

import itertools

import nengo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.graph._canonical_order import canonical_ranks

Keras = tf.keras.layers


def ranked(n_nodes, edges, order, labels=None):
    """Rank the nodes of a graph whose nodes are given in some order; return it by node."""
    labels = labels or [0] * n_nodes
    return canonical_ranks({node: labels[node] for node in order}, edges)


@st.composite
def graphs(draw):
    n_nodes = draw(st.integers(1, 7))
    # small and without cycles: the colours of such a graph tell apart all that can be told apart
    pairs = list(itertools.combinations(range(n_nodes), 2))
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=12, unique=True)) if pairs else []
    edges = [(*pair, draw(st.integers(0, 1))) for pair in chosen]
    labels = draw(st.lists(st.integers(0, 2), min_size=n_nodes, max_size=n_nodes))
    return n_nodes, edges, labels, draw(st.permutations(range(n_nodes)))


@given(graphs())
def test_ranks_are_those_of_the_graph_whatever_the_order_of_its_nodes(graph):
    n_nodes, edges, labels, order = graph
    first = ranked(n_nodes, edges, range(n_nodes), labels)
    second = ranked(n_nodes, edges[::-1], order, labels)
    assert sorted(first.values()) == sorted(second.values()) == list(range(n_nodes))

    def seen(ranks):
        return (
            sorted((ranks[source], ranks[target], label) for source, target, label in edges),
            [labels[node] for node in sorted(ranks, key=ranks.__getitem__)],
        )

    assert seen(first) == seen(second)
    assert seen(first)[1] == sorted(labels), "smaller labels come first"


def test_what_the_graph_can_not_tell_apart_goes_by_what_was_made_first():
    # two chains of two; the ends of one come before those of the other
    edges = [(0, 2, "a"), (1, 3, "a")]
    for order in itertools.permutations(range(4)):
        ranks = ranked(4, edges, order)
        assert (ranks[0] < ranks[1]) == (ranks[2] < ranks[3])


def test_equal_objects_far_from_what_tells_them_apart():
    edges = [(index, index + 1, "") for index in range(9)]
    expected = ranked(10, edges, range(10))
    assert ranked(10, edges, range(9, -1, -1)) == expected
    ring = [*edges, (9, 0, "")]
    ranks = ranked(10, ring, range(10))
    assert len(set(ranks.values())) == 10


@pytest.mark.parametrize("ring", [False, True])
@pytest.mark.timeout(120)  # it would take hours if it were done pair by pair
def test_a_long_chain_is_ordered(ring):
    with nengo.Network() as net:
        first = x = nengo.Node(size_in=1)
        for _ in range(1999):
            y = nengo.Node(size_in=1)
            nengo.Connection(x, y, synapse=None)
            x = y
        if ring:
            nengo.Connection(x, first)
    objects = NetworkGraph(net).objects
    assert len(objects) == 2000
    if not ring:
        assert [item.obj for item in objects] == net.nodes


def branches(order):
    """Make a network of parallel branches without labels, which are written in some order."""
    writing = {
        "small": lambda x: CustomLayer(Keras.Dense(2))(x),
        "large": lambda x: CustomLayer(Keras.Dense(3))(x),
        "wide": lambda x: CustomLayer(Keras.Conv1D(2, 3, padding="same"))(x, shape_in=(4, 1)),
        "wider": lambda x: CustomLayer(Keras.Conv1D(2, 4, padding="same"))(x, shape_in=(4, 1)),
        "rate": lambda x: CustomLayer(nengo.LIFRate())(x),
        "spiking": lambda x: CustomLayer(nengo.LIF())(x),
        "part": lambda x: CustomLayer(nengo.LIF())(x[:2]),
        "other part": lambda x: CustomLayer(nengo.LIF())(x[2:]),
        "slow": lambda x: CustomLayer(nengo.LIF(), synapse=0.1)(x),
        "scaled": lambda x: CustomLayer(nengo.LIF())(x, transform=np.ones((4, 4))),
        "deep": lambda x: CustomLayer(Keras.Dense(1))(CustomLayer(nengo.LIF())(x)),
        "deeper": lambda x: CustomLayer(Keras.Dense(2))(CustomLayer(nengo.LIF())(x)),
    }
    with nengo.Network() as net:
        image = nengo.Node(np.ones(4))
        made = {name: writing[name](image) for name in sorted(writing, key=lambda _: next(order))}
        for output in made.values():
            nengo.Probe(output)
    graph = NetworkGraph(net)
    return {name: graph[output].name for name, output in made.items()}, [
        (each.name, each.shape) for each in graph.parameters
    ]


@given(st.permutations(range(12)))
def test_names_do_not_depend_on_the_order_in_which_branches_were_written(order):
    expected = branches(iter(range(12)))
    assert branches(iter(order)) == expected
    assert len({name for name, _ in expected[1]}) == len(expected[1])


def test_equal_branches_are_named_consistently():
    for order in ([0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [1, 0, 3, 2]):
        with nengo.Network() as net:
            image = nengo.Node(np.ones(2))
            first = {}
            for branch in (order[0], order[1]):
                first[branch] = nengo_dl.Layer(nengo.LIF())(image)
            second = {}
            for branch in (order[2] - 2, order[3] - 2):
                second[branch] = nengo_dl.Layer(nengo.LIFRate())(first[branch])
        graph = NetworkGraph(net)
        numbers = [
            (graph[first[branch]].name[-1], graph[second[branch]].name[-1]) for branch in (0, 1)
        ]
        assert sorted(numbers) in ([("0", "1"), ("2", "3")], [("0", "2"), ("1", "3")])


def test_names_of_keras_layers_are_numbered_within_their_model():
    def names():
        model = tf.keras.Sequential(
            [
                Keras.Dense(3),
                Keras.Dense(3, name="mine"),
                Keras.Dense(2),
                Keras.LayerNormalization(),
            ]
        )
        with nengo.Network() as net:
            nengo.Probe(CustomLayer(model, label="model")(nengo.Node(np.ones(4))))
        return [each.name for each in NetworkGraph(net).parameters]

    first = names()
    assert first == names()
    assert first == [
        "model.dense.kernel",
        "model.dense.bias",
        "model.mine.kernel",
        "model.mine.bias",
        "model.dense_1.kernel",
        "model.dense_1.bias",
        "model.layer_normalization.gamma",
        "model.layer_normalization.beta",
    ]


def test_a_given_name_that_an_automatic_one_would_take():
    model = tf.keras.Sequential([Keras.Dense(3), Keras.PReLU(name="dense")])
    with nengo.Network() as net:
        nengo.Probe(CustomLayer(model, label="model")(nengo.Node(np.ones(4))))
    assert [each.name for each in NetworkGraph(net).parameters] == [
        "model.dense_1.kernel",
        "model.dense_1.bias",
        "model.dense.alpha",
    ]


def test_two_connections_between_the_same_objects_have_names_of_their_own():
    def names(order):
        transforms = [np.ones((2, 2)), np.ones((1, 2))]
        with nengo.Network() as net:
            a = nengo.Node(np.ones(2), label="a")
            b = nengo.Node(size_in=2, label="b")
            for index in order:
                nengo.Connection(a, b[: 2 - index], transform=transforms[index], synapse=None)
            nengo.Probe(b)
        return {each.name: each.shape for each in NetworkGraph(net).parameters}

    assert names([0, 1]) == names([1, 0])
    assert sorted(names([0, 1])) == ["a->b.weights", "a->b.weights_1"]


def test_names_of_parameters_are_unique_even_where_labels_contain_dots():
    with nengo.Network() as net:
        image = nengo.Node(np.ones(2), label="image")
        model = tf.keras.Sequential([Keras.Dense(2, name="b")])
        nengo.Probe(CustomLayer(model, label="a")(image))
        nengo.Probe(CustomLayer(Keras.Dense(2), label="a.b")(image))
    names = [each.name for each in NetworkGraph(net).parameters]
    assert sorted(names) == ["a.b.bias", "a.b.bias_1", "a.b.kernel", "a.b.kernel_1"]


def test_shapes_of_single_numbers_and_sparse_transforms():
    with nengo.Network() as net:
        image = nengo.Node(np.ones(4), label="image")
        target = nengo.Node(size_in=4, label="b")
        nengo.Connection(image, target, transform=2.0, synapse=None)
        sparse = nengo.Sparse((4, 4), indices=[[0, 1], [2, 2], [3, 0]], init=[1.0, 2.0, 3.0])
        nengo.Connection(image, target, transform=sparse, synapse=None)
        nengo.Probe(target)
    assert sorted(each.shape for each in NetworkGraph(net).parameters) == [(), (3,)]
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        graph = NetworkGraph(sim)
        values = {each.shape: graph.value(each) for each in graph.parameters}
        assert values[()].shape == ()
        np.testing.assert_array_equal(values[(3,)], [1, 2, 3])
        trained = sum(weight.shape.num_elements() for weight in sim.keras_model.trainable_weights)
        assert trained == sum(each.size for each in graph.parameters) == 4
