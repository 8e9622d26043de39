"""A network as a graph, and its parts that are alike."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import simulator

from nengo_layers_plus import CustomLayer, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph, alike_parts, listed, range_of_names


def names(items):
    return [item.name for item in items]


def test_objects_come_in_the_order_data_flows_whatever_the_order_they_were_made_in():
    with nengo.Network() as net:
        probe_later = nengo.Node(size_in=1, label="d")
        c = nengo.Ensemble(5, 1, label="c")
        b = nengo.Node(size_in=1, label="b")
        a = nengo.Node([1.0], label="a")
        nengo.Connection(c, probe_later)
        nengo.Connection(b, c)
        nengo.Connection(a, b)
        nengo.Probe(probe_later, label="p")
    graph = NetworkGraph(net)
    assert names(graph.objects) == ["a", "b", "c", "d", "p"]
    assert [(edge.source.name, edge.target.name) for edge in graph.edges] == [
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("d", "p"),
    ]
    assert graph.edges[-1].connection is None
    assert not any(item.cycle for item in graph.objects)


def test_cycles_stay_together():
    with nengo.Network() as net:
        last = nengo.Node(size_in=1, label="last")
        x = nengo.Ensemble(5, 1, label="x")
        y = nengo.Ensemble(5, 1, label="y")
        first = nengo.Node([0.0], label="first")
        nengo.Connection(x, y)
        nengo.Connection(y, x)
        nengo.Connection(y, last)
        nengo.Connection(first, y)
    graph = NetworkGraph(net)
    assert names(graph.objects) == ["first", "x", "y", "last"]
    assert {item.name for item in graph.objects if item.cycle} == {"x", "y"}
    assert names(edge.source for edge in graph.predecessors(graph[y])) == ["first", "x"]
    assert names(edge.target for edge in graph.successors(graph[y])) == ["x", "last"]


def test_self_loops_are_cycles():
    with nengo.Network() as net:
        x = nengo.Ensemble(5, 1)
        nengo.Connection(x.neurons[:2], x.neurons[3:])
    assert NetworkGraph(net)[x].cycle


def test_names_are_unique_and_tell_the_place():
    with nengo.Network(label="top") as net:
        nengo.Node([0.0])
        nengo.Node([0.0])
        nengo.Node([0.0], label="a")
        nengo.Node([0.0], label="a")
        with nengo.Network(label="inner"):
            inside = nengo.Ensemble(5, 1)
            with nengo.Network(label="deep"):
                deep = nengo.Ensemble(5, 1, label="a")
    graph = NetworkGraph(net)
    assert sorted(names(graph.objects)) == [
        "a",
        "a_1",
        "inner/deep/a",
        "inner/ensemble_0",
        "node_0",
        "node_1",
    ]
    assert graph.path(deep) == (net, net.networks[0], net.networks[0].networks[0])
    assert graph[inside.neurons].name == graph[inside[0]].name == "inner/ensemble_0"


def test_shapes_of_objects_and_edges():
    with nengo.Network() as net:
        image = nengo.Node(np.ones(16))
        conv = CustomLayer(tf.keras.layers.Conv2D(3, 2))(image, shape_in=(4, 4, 1))
        neurons = nengo_dl.Layer(nengo.LIF())(conv)
        dense = nengo_dl.Layer(tf.keras.layers.Dense(2))(neurons)
        nengo.Probe(dense)
    shapes = [(item.shape_in, item.shape_out) for item in NetworkGraph(net).objects]
    assert shapes == [
        ((0,), (16,)),
        ((4, 4, 1), (3, 3, 3)),
        ((3, 3, 3), (3, 3, 3)),
        ((27,), (2,)),
        ((2,), (2,)),
    ]
    assert [edge.shape for edge in NetworkGraph(net).edges] == [(16,), (3, 3, 3), (3, 3, 3), (2,)]


def test_kinds():
    with nengo.Network() as net:
        nengo.Node([0.0])
        nengo_dl.TensorNode(lambda t: tf.reshape(t, (1, 1)))
        x = nengo.Ensemble(5, 1)
        nengo.Probe(x)
    assert sorted(item.kind for item in NetworkGraph(net).objects) == [
        "ensemble",
        "node",
        "probe",
        "tensor node",
    ]


def test_learning_rules_and_probes_on_connections():
    with nengo.Network() as net:
        x = nengo.Ensemble(5, 1, label="x")
        y = nengo.Ensemble(5, 1, label="y")
        error = nengo.Node([0.0], label="error")
        learned = nengo.Connection(x, y, learning_rule_type=nengo.PES())
        nengo.Connection(error, learned.learning_rule)
        nengo.Probe(learned, "weights", label="p")
        nengo.Probe(learned.learning_rule, "error", label="q")
        nengo.Probe(y.neurons[:2], label="r")
    edges = {(edge.source.name, edge.target.name) for edge in NetworkGraph(net).edges}
    assert edges == {("x", "y"), ("error", "y"), ("x", "p"), ("x", "q"), ("y", "r")}


def test_settings_through_all_levels():
    with nengo.Network(label="top") as net:
        nengo_dl.configure_settings(trainable=False, keep_history=False)
        with nengo.Network(label="inner") as inner:
            nengo_dl.configure_settings(trainable=None)
            x = nengo.Ensemble(5, 1)
            with nengo.Network(label="deep") as deep:
                nengo_dl.configure_settings(trainable=True)
                y = nengo.Ensemble(5, 1)
        inner.config[x.neurons].trainable = True
        probe = nengo.Probe(x)
    graph = NetworkGraph(net)
    before = len(net.config.params)

    def found(obj, name="trainable"):
        setting = graph.settings(obj)[name]
        return setting.value, setting.network, setting.own

    assert found(x) == (False, net, False)
    assert found(x.neurons) == (True, inner, True)
    assert found(y) == (True, deep, False)
    assert found(probe, "keep_history") == (False, net, False)
    net.config[probe].keep_history = True
    assert found(probe, "keep_history") == (True, net, True)
    assert len(net.config.params) == before + 1, "looking a setting up leaves nothing behind"


def test_settings_of_users_and_those_of_the_top_level():
    with nengo.Network() as net:
        nengo_dl.configure_settings(keep_history=True)
        with nengo.Network() as inner:
            x = nengo.Ensemble(5, 1)
            probe = nengo.Probe(x)
    for network, value in ((net, "a"), (inner, "b")):
        network.config[nengo.Ensemble].set_param("region", nengo.params.Parameter("region", value))
    inner.config[nengo.Probe].set_param(
        "keep_history", nengo.params.BoolParam("keep_history", False)
    )
    graph = NetworkGraph(net)
    assert graph.settings(x)["region"].value == "b"
    assert graph.settings(x)["region"].network is inner
    assert graph.settings(probe)["keep_history"].value is True


def test_settings_of_the_simulation_and_defaults():
    with nengo.Network() as net:
        nengo_dl.configure_settings(dtype="float64", stateful=False)
        net.config[nengo.Connection].synapse = 0.1
        with nengo.Network() as inner:
            inner.config[nengo.Ensemble].radius = 3.0
    graph = NetworkGraph(net)
    assert graph.simulator_settings == {"dtype": "float64", "stateful": False}
    synapse = graph.default(nengo.Connection, "synapse", inner)
    assert (synapse.value, synapse.network) == (nengo.Lowpass(0.1), net)
    radius = graph.default(nengo.Ensemble, "radius", inner)
    assert (radius.value, radius.network) == (3.0, inner)
    radius = graph.default(nengo.Ensemble, "radius", net)
    assert (radius.value, radius.network) == (1.0, None)
    assert NetworkGraph(nengo.Network()).simulator_settings == {}


def test_of_a_simulator():
    with nengo.Network() as net:
        a = nengo.Node([0.0])
    with simulator(net) as sim:
        graph = NetworkGraph(sim)
    assert graph.network is net
    assert graph.simulator is sim
    assert graph[a].obj is a


@pytest.mark.parametrize("network", [None, "net", nengo.Ensemble])
def test_of_something_else(network):
    with pytest.raises(ValidationError, match=r"expected a nengo\.Network or a"):
        NetworkGraph(network)


def test_objects_of_other_networks():
    with nengo.Network():
        other = nengo.Node([0.0])
    with nengo.Network() as net:
        nengo.Node([0.0])
    with pytest.raises(KeyError, match="is not an object of"):
        NetworkGraph(net)[other]
    with pytest.raises(KeyError, match="is not in"):
        NetworkGraph(net).path(other)


def test_an_empty_network():
    graph = NetworkGraph(nengo.Network())
    assert graph.objects == graph.edges == ()
    assert graph.parameters == ()
    assert "0 objects, 0 edges" in repr(graph)


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
