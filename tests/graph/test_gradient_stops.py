"""Neurons that stop gradients."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from python_neurons import InPython
from simulation import simulator

from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph, gradient_stops

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* does not have a native TensorFlow"),  # of nengo_dl
    pytest.mark.filterwarnings("ignore::nengo_layers_plus.neurons.StoppedGradientWarning"),
]


def stops_in(neurons, beside=False, trainable=True, probed="after"):
    """Find the stops of a network with neurons between two Keras layers, or beside a way."""
    with nengo.Network(seed=0) as net:
        before = CustomLayer(tf.keras.layers.Dense(3), label="before", trainable=trainable)(
            nengo.Node(np.ones(2))
        )
        middle = CustomLayer(neurons, label="middle", trainable=trainable)(before)
        after = CustomLayer(tf.keras.layers.Dense(2), label="after")
        joined = CustomLayer(tf.keras.layers.Add())([middle, before]) if beside else middle
        ends = {"after": after(joined), "before": before}
        probes = {name: nengo.Probe(each) for name, each in ends.items()}
    with simulator(net) as sim:
        return gradient_stops(NetworkGraph(sim), [probes[probed]])


def names(parameters):
    return [each.name for each in parameters]


def test_what_is_before_neurons_in_python_is_lost():
    (stop,) = stops_in(InPython())
    assert stop.item.name == "middle"
    assert names(stop.lost) == ["before.kernel", "before.bias", "middle.bias"]
    assert stop.partly_lost == ()


def test_what_has_another_way_is_lost_in_part():
    (stop,) = stops_in(InPython(), beside=True)
    assert names(stop.lost) == ["middle.bias"]
    assert names(stop.partly_lost) == ["before.kernel", "before.bias"]


def test_a_probe_before_them_needs_no_gradient_from_behind():
    assert stops_in(InPython(), probed="before") == ()


def test_nothing_is_lost_where_nothing_trains():
    assert stops_in(InPython(), trainable=False) == ()


@pytest.mark.parametrize("neurons", [nengo.LIF(), nengo.AdaptiveLIF(), nengo.LIFRate()])
def test_others_stop_nothing(neurons):
    assert stops_in(neurons) == ()


def test_a_network_alone_does_not_tell():
    with pytest.raises(ValueError, match="expected a graph of a Simulator"):
        gradient_stops(NetworkGraph(nengo.Network()))
