"""`ChannelNeurons` are alike within a channel."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run

from nengo_layers_plus import ChannelNeurons, Sequential
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.testing import check_layer


def test_it_keeps_the_contract():
    check_layer(ChannelNeurons(nengo.LIF(), gain=[1, 2], bias=1), (2, 2, 2))


def test_parameters_go_by_the_channel_of_the_convolution_before():
    stack = Sequential(
        [
            tf.keras.layers.Conv2D(3, 2, kernel_initializer="ones"),
            ChannelNeurons(nengo.RectifiedLinear(), gain=[1, 10, 100], bias=[0, 0, 1]),
        ]
    )
    with nengo.Network() as net:
        nengo.Probe(stack(nengo.Node(np.ones(9)), shape_in=(3, 3, 1)))
    np.testing.assert_allclose(run(net, 1)[0].reshape(4, 3), [[4, 40, 401]] * 4, rtol=1e-5)


def test_tuning_curves_by_channel():
    layer = ChannelNeurons(nengo.LIF(), max_rates=[100, 200], intercepts=0, trainable=False)
    with nengo.Network():
        ensemble = layer(nengo.Node([0.0] * 4), shape_in=(2, 2)).ensemble
    assert ensemble.max_rates.tolist() == [100, 200, 100, 200]
    assert ensemble.intercepts.tolist() == [0] * 4


@pytest.mark.parametrize(
    "gain", [[1, 2, 3], np.ones((2, 2)), "high", nengo.dists.Uniform(0, 1), [[1], [2]]]
)
def test_what_does_not_fit_the_channels(gain):
    layer = ChannelNeurons(nengo.LIF(), gain=gain, bias=0)
    with nengo.Network():
        node = nengo.Node([0.0] * 8)
        with pytest.raises(ValidationError, match=r"gain: .*each of the 2 channels of \(4, 2\)"):
            layer(node, shape_in=(4, 2))
