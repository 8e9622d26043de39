"""Reports of networks of many parts: semantic pointers, and an array of ensembles."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import matplotlib as mpl
import nengo
import nengo_spa as spa
import numpy as np
import pytest
from matplotlib import pyplot
from sourced_networks import described, round_trip

from nengo_layers_plus import Simulator, compare, plot, summary, to_source
from nengo_layers_plus.graph import NetworkGraph

mpl.use("agg")


def semantic_pointers() -> nengo.Network:
    """Build a memory of a bound pair, and a product of what it is like."""
    words = spa.Vocabulary(8, pointer_gen=np.random.RandomState(3))
    words.populate("RED; ROUND")
    with spa.Network(seed=0) as net:
        net.config[spa.State].subdimensions = 4
        net.config[spa.State].neurons_per_dimension = 3
        net.config[spa.Bind].neurons_per_dimension = 3
        pair = spa.Bind(words, label="pair")
        memory = spa.State(words, feedback=0.9, label="memory")
        product = spa.Product(5, label="product")
        spa.Transcode("RED", output_vocab=words, label="colour") >> pair.input_left
        spa.sym.ROUND >> pair.input_right
        pair >> memory
        nengo.Connection(memory.output[0], product.input_a)
        nengo.Connection(memory.output[1], product.input_b)
        nengo.Probe(product.output)
    return net


def array() -> nengo.Network:
    """Build an array of ensembles."""
    with nengo.Network(seed=0) as net:
        many = nengo.networks.EnsembleArray(5, 40, label="many")
        nengo.Connection(nengo.Node(np.ones(40), label="source"), many.input)
        nengo.Probe(many.output)
    return net


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module", params=[semantic_pointers, array], ids=lambda make: make.__name__)
def many(request: pytest.FixtureRequest) -> SimpleNamespace:
    """Return a network, the same once more, and the names of its parts."""
    build: Callable[[], nengo.Network] = request.param
    net = build()
    graph = NetworkGraph(net)
    parts = (*(each.obj for each in graph.objects), *net.all_connections)
    names = {graph.name_of(each) for each in parts}
    return SimpleNamespace(net=net, other=build(), graph=graph, names=names)


def check_lines(text: str, most: int) -> None:
    lines = text.splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < most
    assert not re.search("0x[0-9a-f]{6}", text)


def test_summary(many: SimpleNamespace) -> None:
    table = summary(many.net)
    check_lines(str(table), 70)
    assert " x LIF()" in str(table)
    assert sum("LIF" in row.what for row in table) == len(many.net.all_ensembles)
    assert {row.name for row in table} < many.names
    assert table.n_neurons == many.net.n_neurons


def test_compare(many: SimpleNamespace) -> None:
    assert compare(many.net, many.other)
    changed = many.other.all_ensembles[-1]
    radius = changed.radius
    changed.radius = 3.0
    comparison = compare(many.net, many.other)
    changed.radius = radius
    check_lines(str(comparison), 25)
    name = many.graph.name_of(many.net.all_ensembles[-1])
    (difference,) = comparison.differences
    assert difference.places == ((name, name),)
    assert "radius" in difference.what


def test_to_source(many: SimpleNamespace) -> None:
    source, built = round_trip(many.net)
    assert len(source.code.splitlines()) < 230
    assert "for index in range(" in source.code
    assert source.code.count("Connector<Node> is written as nengo.Node") == isinstance(
        many.net, spa.Network
    )
    assert described(built) == described(many.net)
    assert compare(many.net, built)


def test_picture(many: SimpleNamespace) -> None:
    ax = plot.network(many.net)
    assert max(ax.figure.get_size_inches()) < 20
    shown = [each.get_text() for each in ax.texts]
    assert sum(" x LIF, " in text for text in shown) >= 1
    assert sum(text.startswith("LIF, ") or " x LIF, " in text for text in shown) <= 8


def test_execution_and_values_of_a_simulator(many: SimpleNamespace) -> None:
    with Simulator(many.net, progress_bar=False) as sim:
        check_lines(str(sim.execution), 100)
        check_lines(str(sim.training_execution), 100)
        assert {name for row in sim.execution for name in row.names} <= many.names
        assert to_source(sim).code == to_source(many.net).code
        assert compare(sim, many.net)
