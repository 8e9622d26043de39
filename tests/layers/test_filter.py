"""`Filter` is a synapse and nothing else."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run

from nengo_layers_plus import CustomLayer, Filter, Sequential
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


def test_it_keeps_the_shape_of_its_input_by_default():
    with nengo.Network() as net:
        image = nengo.Node(np.zeros(9))
        conv = CustomLayer(tf.keras.layers.Conv2D(2, 2))(image, shape_in=(3, 3, 1))
        layer = Filter(0.01)
        assert layer(conv).shape_out == (2, 2, 2)
        assert layer(CustomLayer(nengo.LIF())(conv)).shape_out == (2, 2, 2)
        assert layer(conv, shape_in=None).shape_out == (8,)
        assert layer(image[2:5]).shape_out == (3,)
        assert layer(conv[3]).shape_out == (1,)
        assert layer(conv, transform=np.ones((3, 8))).shape_out == (3,)
        assert layer(conv, transform=nengo.Dense((3, 8), init=np.ones((3, 8)))).shape_out == (3,)
        n_nodes = len(net.nodes)
        with pytest.raises(
            ValidationError, match=r"the shape can't be known.*give the shape itself"
        ):
            layer(conv[:4])
        with pytest.raises(ValidationError, match="takes one input, got 2; call it on each"):
            layer([conv, conv])
    assert len(net.nodes) == n_nodes


def test_random_dense_transforms():
    with nengo.Network():
        conv = CustomLayer(tf.keras.layers.Conv2D(2, 2))(
            nengo.Node(np.zeros(9)), shape_in=(3, 3, 1)
        )
        transform = nengo.Dense((3, 8), init=nengo.dists.Uniform(-1, 1))
        assert Filter(0.01)(conv, transform=transform).shape_out == (3,)
