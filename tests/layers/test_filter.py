"""`Filter` is a synapse and nothing else."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import run

from nengo_layers_plus import Filter, Sequential
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.testing import check_layer


def test_it_keeps_the_contract():
    check_layer(Filter(0.005, label="slow"), (2, 3))


@pytest.mark.parametrize("synapse", [0.005, nengo.Alpha(0.01), None])
def test_it_filters_as_the_synapse_does(synapse):
    with nengo.Network() as net:
        node = nengo.Node([1.0, -2.0])
        nengo.Probe(Filter(synapse)(node))
        nengo.Probe(node, synapse=synapse)
    filtered, expected = run(net, 20)
    np.testing.assert_allclose(filtered, expected, atol=1e-6)


def test_it_keeps_the_shape_within_a_stack():
    stack = Sequential([tf.keras.layers.Conv2D(2, 2), nengo.LIF(), Filter(0.01)])
    with nengo.Network():
        stack(nengo.Node(np.zeros(9)), shape_in=(3, 3, 1))
    assert stack.calls[0].shape_out == (2, 2, 2)
    assert stack["filter"].calls[0].connection.synapse == nengo.Lowpass(0.01)
