"""The picture of a network says what is in it, and can be read."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import nengo
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from matplotlib import pyplot
from matplotlib.axes import Axes
from nengo.exceptions import SimulatorClosed, ValidationError
from networks import NetworkPlan, network_plans

from nengo_layers_plus import CustomLayer, nengo_dl, plot
from nengo_layers_plus.graph import NetworkGraph


def texts(ax: Axes) -> list[str]:
    return [each.get_text() for each in ax.texts]


def patches(ax: Axes, prefix: str) -> dict[str, Any]:
    return {
        each.get_gid().removeprefix(prefix): each
        for each in ax.patches
        if each.get_gid().startswith(prefix)
    }


def overlapping(ax: Axes) -> list[tuple[str, str]]:
    """Return which texts overlap, as they are drawn."""
    ax.figure.draw_without_rendering()
    boxes = [(each.get_text(), each.get_window_extent()) for each in ax.texts]
    return [
        (one, other)
        for (one, a), (other, b) in combinations(boxes, 2)
        if min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5
    ]


def everything() -> nengo.Network:
    """Make a network with branches, frames, a skip, loops, a learning rule and many labels."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(np.zeros(16), label="image")
        first = CustomLayer(tf.keras.layers.Dense(8), label="first")(image)
        with nengo.Network(label="branch"):
            spikes = CustomLayer(nengo.LIF(), label="spikes", synapse=0.01)(first)
            with nengo.Network(label="inner with a long name"):
                inner = CustomLayer(tf.nn.relu, label="inner")(spikes)
            nengo.Connection(spikes, spikes, synapse=0.1, transform=0.1)
        with nengo.Network():
            other = CustomLayer(nengo.SpikingRectifiedLinear(), label="a_long_name_" * 5)(first)
        add = nengo.Node(size_in=8, label="$add$")
        for each in (inner, other, first):
            nengo.Connection(each, add, synapse=None)
        memory = nengo.Ensemble(20, 2, label="memory")
        nengo.Connection(add[:2], memory)
        nengo.Connection(add[2:4], memory, synapse=None)
        learned = nengo.Connection(memory, add[:2], learning_rule_type=nengo.PES())
        nengo.Connection(nengo.Node(size_in=2), learned.learning_rule)
        nengo.Probe(memory.neurons, "voltage", label="voltage")
        nengo.Probe(inner, synapse=0.03)
    return net


def test_boxes_and_arrows_say_what_they_are() -> None:
    with nengo.Network() as net:
        image = nengo.Node(lambda t: np.zeros(12), size_out=12, label="image")
        dense = CustomLayer(tf.keras.layers.Conv2D(2, 1), label="conv")(image, shape_in=(2, 2, 3))
        spikes = CustomLayer(nengo.LIF(), label="spikes", trainable=False, synapse=0.005)(dense)
        nengo.Probe(spikes, label="out", synapse=0.1)

    ax = plot.network(net)

    assert texts(ax) == [
        *("(12,)", "(2, 2, 2)", "Lowpass(0.005 s)", "(2, 2, 2)", "Lowpass(0.1 s)"),
        *("image", "function <lambda>", "conv", "Conv2D", "trains: kernel, bias"),
        *("spikes", "LIF, 8 neurons", "out", "probe"),
        *("node", "tensor node", "ensemble", "probe", "trains"),
    ]
    assert list(patches(ax, "arrow ")) == ["image->conv", "conv->spikes", "spikes->out"]
    boxes = patches(ax, "box ")
    places = [boxes[name].get_window_extent().x0 for name in ("image", "conv", "spikes", "out")]
    assert places == sorted(places)
    # those of which something trains have a thick edge
    widths = {name: box.get_linewidth() for name, box in boxes.items()}
    assert widths["conv"] > 2 * widths["spikes"] == 2 * widths["image"]
    # kinds differ in colour and form
    assert len({box.get_facecolor() for box in boxes.values()}) == 4
    forms = {name: (type(box), len(box.get_path().vertices)) for name, box in boxes.items()}
    assert len(set(forms.values())) >= 3


def test_all_that_is_in_a_network_is_there() -> None:
    net = everything()

    ax = plot.network(net)

    graph = NetworkGraph(net)
    assert list(patches(ax, "box ")) == [item.name for item in graph.objects]
    ends = {f"{edge.source.name}->{edge.target.name}" for edge in graph.edges}
    assert set(patches(ax, "arrow ")) - {"legend"} == ends
    assert set(patches(ax, "frame ")) == {"branch", "inner with a long name", ""}
    shown = texts(ax)
    for words in ("to the learning rule", "learns by PES", "voltage", "2 connections", "$add$"):
        assert words in shown
    # of two networks one has no label, and names within a frame leave out that of the frame
    assert "spikes" in shown
    assert "branch/spikes" not in shown
    assert "a_long_name_" * 5 in "".join(shown)  # over several lines
    back = {
        name
        for name, arrow in patches(ax, "arrow ").items()
        if arrow.get_linestyle() != "-" and arrow.get_linestyle() != "solid"
    }
    assert {"branch/spikes->branch/spikes", "legend"} <= back
    assert "image->first" not in back
    assert overlapping(ax) == []


def test_parameters_that_get_no_gradient_are_marked() -> None:
    with nengo.Network() as net:
        image = nengo.Node(np.zeros(3), label="image")
        seen = CustomLayer(tf.keras.layers.Dense(2), label="seen")(image)
        CustomLayer(tf.keras.layers.Dense(2), label="unseen")(image)

    without_probe = texts(plot.network(net))
    with net:
        nengo.Probe(seen)
    with_probe = texts(plot.network(net))

    assert not [each for each in without_probe if "gradient" in each or "trains" in each]
    assert with_probe.count("trains: kernel, bias") == 1
    assert with_probe.count("no gradient: kernel, bias") == 1


def test_a_shared_layer_trains_wherever_it_is() -> None:
    layer = CustomLayer(tf.keras.layers.Dense(2), label="dense")
    with nengo.Network() as net:
        for label in ("left", "right"):
            nengo.Probe(layer(nengo.Node(np.zeros(3), label=label)))

    ax = plot.network(net)

    assert "trains: kernel, bias" in texts(ax)
    assert "trains: kernel, bias (those of dense)" in " ".join(texts(ax))
    boxes = patches(ax, "box ")
    assert boxes["dense"].get_linewidth() == boxes["dense_1"].get_linewidth() > 2


def test_names_stand_as_they_are() -> None:
    names = ["$x_1^2$", "two\nlines", "", " ", "Ω", "x" * 60, r"\alpha", "<b>%s</b>"]
    with nengo.Network(label="$net") as net:
        for name in names:
            nengo.Node([0.0], label=name)

    with pyplot.rc_context({"text.usetex": True, "font.size": 30}):
        ax = plot.network(net)
        assert overlapping(ax) == []

    shown = "".join(texts(ax))
    for name in names:  # what breaks a line is shown as it is written in code
        plain = name.replace("\n", r"\n")
        assert "".join(plain.split()) in "".join(shown.split())


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_arrows_and_labels_can_be_told_from_the_background(style: str) -> None:
    with pyplot.style.context(style):
        ax = plot.network(everything())

        arrow = patches(ax, "arrow ")["image->first"]
        light = sum(arrow.get_edgecolor()[:3]) > 1.5
        assert light == (style == "dark_background")
        (shape,) = (each for each in ax.texts if each.get_text() == "(16,)")
        assert shape.get_color() == ("white" if light else "black")
        (name,) = (each for each in ax.texts if each.get_text() == "image")  # in a light box
        assert name.get_color() not in ("white", "w")


@given(network_plans())
def test_texts_of_random_networks_do_not_overlap(plan: NetworkPlan) -> None:
    ax = plot.network(plan.build("call"))

    assert overlapping(ax) == []
    pyplot.close("all")


def test_a_deep_network_goes_on_in_rows() -> None:
    with nengo.Network() as net:
        x = nengo.Node([0.0], label="start")
        for index in range(30):
            node = nengo.Node(size_in=1, label=f"layer_{index}")
            nengo.Connection(x, node, synapse=None)
            x = node

    ax = plot.network(net)

    width, height = ax.figure.get_size_inches()
    assert 5 < width < 16
    assert 0.4 < width / height < 3
    rows = {round(box.get_window_extent().y0) for box in patches(ax, "box ").values()}
    assert 3 < len(rows) < 15
    assert overlapping(ax) == []
    smallest = min(each.get_fontsize() for each in ax.texts)
    assert smallest == pytest.approx(7.5, rel=0.1)


def test_all_fits_into_axes_that_are_given() -> None:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(8, 3), layout="constrained")

    assert plot.network(everything(), ax=left) is left

    assert overlapping(left) == []
    frame = left.get_window_extent()
    for box in patches(left, "box ").values():
        extent = box.get_window_extent()
        assert frame.x0 <= extent.x0 < extent.x1 <= frame.x1
        assert frame.y0 <= extent.y0 < extent.y1 <= frame.y1
    # text follows the size of the axes
    before = left.texts[0].get_fontsize()
    figure.set_size_inches(16, 6)
    figure.draw_without_rendering()
    assert left.texts[0].get_fontsize() == pytest.approx(2 * before, rel=0.15)
    assert not right.texts
    assert pyplot.get_fignums() == [figure.number]


def test_one_object_is_a_picture() -> None:
    with nengo.Network() as net:
        nengo.Node([0.0, 1.0])

    assert texts(plot.network(net)) == ["node_0", "values", "node"]


def test_what_can_not_be_drawn_is_an_error() -> None:
    with pytest.raises(ValidationError, match=r"expected a nengo.Network or a nengo_dl.Simulator"):
        plot.network("net")
    with pytest.raises(ValidationError, match=r"with nodes, ensembles or probes, got .* without"):
        plot.network(nengo.Network())
    with pytest.raises(ValidationError, match="expected matplotlib Axes to draw in, or None"):
        plot.network(everything(), ax="left")


def test_a_simulator_is_drawn_until_it_is_closed() -> None:
    with nengo.Network(seed=0) as net:
        layer = CustomLayer(tf.keras.layers.Dense(1), label="dense")(nengo.Node([0.0]))
        nengo.Probe(layer)
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        assert "trains: kernel, bias" in texts(plot.network(sim))
    with pytest.raises(SimulatorClosed, match="draw it before it is closed, inside its"):
        plot.network(sim)


def test_parts_that_are_alike_share_a_box() -> None:
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(5, 136, label="many")
        nengo.Connection(nengo.Node(np.ones(136), label="source"), array.input)
        nengo.Probe(array.output)
    ax = plot.network(net)
    assert max(ax.figure.get_size_inches()) < 12
    assert len(patches(ax, "box ")) == 5
    shown = texts(ax)
    assert "many_0 .. many_135" in shown
    assert "136 x LIF, 5 neurons" in shown
    assert shown.count("136 connections") == 2
    assert len(patches(plot.network(net, expand=True), "box ")) == 140
