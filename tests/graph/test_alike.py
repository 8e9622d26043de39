"""Which parts of a network are alike."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus.graph import NetworkGraph, alike_parts, listed, range_of_names


def array(n_ensembles: int, label: str = "many") -> nengo.Network:
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.ones(n_ensembles), label="source")
        net.array = nengo.networks.EnsembleArray(5, n_ensembles, label=label)
        nengo.Connection(source, net.array.input)
        nengo.Probe(net.array.output, label="probe")
    return net


def sizes(net: nengo.Network) -> dict[str, int]:
    return {group[0].name: len(group) for group in alike_parts(NetworkGraph(net))}


def test_an_array_is_one_part_and_its_members_are_in_the_order_of_their_numbers() -> None:
    groups = alike_parts(NetworkGraph(array(12)))
    assert [len(group) for group in groups] == [1, 1, 12, 1, 1]
    assert [item.name for item in groups[2]] == [f"many/many_{number}" for number in range(12)]


def test_what_tells_members_apart() -> None:
    net = array(6)
    assert sizes(net)["many/many_0"] == 6
    net.array.ensembles[2].seed = 5  # which numbers are drawn does not
    assert sizes(net)["many/many_0"] == 6
    net.array.ensembles[2].neuron_type = nengo.LIFRate()
    assert sizes(net)["many/many_0"] == 5
    with net:
        nengo.Probe(net.array.ensembles[3])
    assert sizes(net)["many/many_0"] == 4
    net.array.ensembles[5].label = "last"
    assert sizes(net)["many/many_0"] == 3


def test_what_else_is_shown_tells_them_apart() -> None:
    graph = NetworkGraph(array(6))
    groups = alike_parts(graph, lambda item: item.name.endswith(("0", "1", "2")))
    assert [len(group) for group in groups] == [1, 1, 3, 3, 1, 1]


def test_arrays_behind_each_other_and_networks_beside_each_other() -> None:
    with nengo.Network(seed=0) as net:
        first = [nengo.Ensemble(5, 1, label=f"first {number}") for number in range(4)]
        second = [nengo.Ensemble(5, 1, label=f"second {number}") for number in range(4)]
        for pre, post in zip(first, second, strict=True):
            nengo.Connection(pre, post)
        for _ in range(2):
            nengo.networks.EnsembleArray(5, 3, label="same")
    found = sizes(net)
    assert (found["first 0"], found["second 0"]) == (4, 4)
    assert (found["same/same_0"], found["same_1/same_0"]) == (3, 3)


def test_few_or_unconnected_are_not_folded() -> None:
    assert set(sizes(array(2)).values()) == {1}
    with nengo.Network() as net:
        for number in range(5):
            nengo.Node([0.0], label=f"node {number}")
    assert set(sizes(net).values()) == {1}


def test_networks_of_one_label_have_names_of_their_own() -> None:
    with nengo.Network(seed=0) as net:
        for number in range(2):
            with nengo.Network(label="part"):
                cells = nengo.Ensemble(5 + number, 1, label="cells")
                nengo.Connection(nengo.Node([0.0], label="input"), cells)
    graph = NetworkGraph(net)
    for network, name in zip(net.networks, ("part", "part_1"), strict=True):
        assert graph.network_name(network) == name
        assert graph.name_of(network.ensembles[0]) == f"{name}/cells"
        assert graph.name_of(network.ensembles[0].neurons) == f"{name}/cells"
        assert graph.name_of(network.connections[0]) == f"{name}/input->{name}/cells"


def test_names_of_what_is_in_no_graph() -> None:
    with nengo.Network(label="other") as other:
        node = nengo.Node([0.0], label="no\x1bone")
    with nengo.Network() as net:
        ensemble = nengo.Ensemble(5, 1, label="cells")
        out = nengo.Node(size_in=1, label="out")
        learned = nengo.Connection(ensemble, out, learning_rule_type=nengo.PES())
        nengo.Connection(out, learned.learning_rule)
    graph = NetworkGraph(net)
    assert graph.name_of(learned.learning_rule) == "cells->out"
    assert r"no\x1bone" in graph.name_of(node)
    assert "\x1b" not in graph.name_of(node)
    assert other.nodes == [node]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a"], "a"),
        ([f"a{n}" for n in range(132)], "a0 .. a131"),
        ([f"a{n}_1.bias" for n in (3, 1, 2, 10)], "a[1 .. 3, 10]_1.bias"),
        ([f"a{2 * n}" for n in range(9)], "a0, a2, a4 and 6 more ranges"),
        ([f"a{n}->b{n}" for n in range(11)], "a0->b0 .. a10->b10"),
        (["b", "a"], "a .. b"),
    ],
)
def test_ranges(names: list[str], text: str) -> None:
    assert range_of_names(names) == text


def test_lists_of_names() -> None:
    assert listed(["x", *(f"a{n}" for n in range(20)), "y"]) == "x, a0 .. a19, y"
    assert listed("abcde", most=3) == "a, b, c and 2 more"
