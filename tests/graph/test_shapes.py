from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import nengo_dl
from nengo_layers_plus.graph import declare_shape, shape_of, shape_through


@pytest.mark.parametrize(
    ("transform", "shape", "expected"),
    [
        (None, (2, 3), (2, 3)),
        (None, None, None),
        (2.0, (2, 3), (2, 3)),
        (np.arange(6), (2, 3), (2, 3)),
        (np.ones((4, 6)), (2, 3), (4,)),
        ([[1.0] * 6], (2, 3), (1,)),
        (np.ones((4, 6)), None, (4,)),
        (nengo.Dense((4, 6), init=np.ones((4, 6))), (2, 3), (4,)),
        (nengo.Dense((6, 6), init=2.0), (2, 3), (2, 3)),
        (nengo.dists.Uniform(0, 1), (2, 3), (6,)),
        (nengo.dists.Uniform(0, 1), None, None),
        (nengo.Dense((6, 6), init=nengo.dists.Uniform(0, 1)), (2, 3), (6,)),
        (nengo.Sparse((4, 6), indices=[[0, 0]], init=[1.0]), (2, 3), (4,)),
        (nengo.Convolution(5, (4, 4, 2), kernel_size=(3, 3)), (4, 4, 2), (2, 2, 5)),
        (nengo.ConvolutionTranspose(5, (4, 4, 2), kernel_size=(3, 3)), (4, 4, 2), (6, 6, 5)),
        (nengo.transforms.NoTransform(6), (2, 3), (2, 3)),
    ],
)
def test_shape_through_a_transform(transform, shape, expected):
    assert shape_through(transform, shape) == expected


def test_shape_of_neurons_that_others_connect_to():
    with nengo.Network() as net:
        node = nengo_dl.TensorNode(lambda x: x, shape_in=(2, 3), pass_time=False)
        first = nengo.Ensemble(6, 1).neurons
        second = nengo.Ensemble(6, 1).neurons
        nengo.Connection(node, first)
        nengo.Connection(first, second)
        nengo.Connection(second, second)
        partial = nengo.Ensemble(6, 1).neurons
        nengo.Connection(node[:3], partial[:3])
    assert shape_of(second) == (6,)
    assert shape_of(second, net) == (2, 3)
    assert shape_of(partial, net) == (6,)


def test_shape_of_neurons_where_inputs_disagree_is_flat():
    with nengo.Network() as net:
        neurons = nengo.Ensemble(6, 1).neurons
        for shape in ((2, 3), (3, 2)):
            node = nengo_dl.TensorNode(lambda x: x, shape_in=shape, pass_time=False)
            nengo.Connection(node, neurons)
    assert shape_of(neurons, net) == (6,)


def test_shape_of_a_ring_of_neurons_ends():
    with nengo.Network() as net:
        first, second = nengo.Ensemble(6, 1).neurons, nengo.Ensemble(6, 1).neurons
        nengo.Connection(first, second)
        nengo.Connection(second, first)
    assert shape_of(first, net) == (6,)


def test_shapes_of_deep_and_of_dense_networks_are_found_in_no_time():
    # walked path by path, either would take longer than the world lasts
    with nengo.Network() as net:
        node = nengo_dl.TensorNode(lambda x: x, shape_in=(2, 3), pass_time=False)
        x = nengo.Ensemble(6, 1).neurons
        nengo.Connection(node, x)
        for _ in range(1500):
            y = nengo.Ensemble(6, 1).neurons
            nengo.Connection(x, y)
            nengo.Connection(x, y, transform=2)
            x = y
        others = [nengo.Ensemble(6, 1).neurons for _ in range(12)]
        for one in others:
            for other in others:
                nengo.Connection(one, other)
        nengo.Connection(x, others[0])
    assert shape_of(x, net) == (2, 3)
    assert shape_of(others[0], net) == (2, 3)


def test_declared_shape_must_fit():
    with nengo.Network():
        ensemble = nengo.Ensemble(6, 1)
    with pytest.raises(
        ValueError, match=r"6 neurons, .* can't have the shape \(2, 2\) of 4 values"
    ):
        declare_shape(ensemble, (2, 2))
