"""`ChannelNeurons` are alike within a channel."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run

from nengo_layers_plus import ChannelNeurons, Sequential, Surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF
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


@pytest.mark.parametrize("wrap", [lambda neurons: neurons, Surrogate])
def test_parameters_of_the_type_of_neurons_by_channel(wrap):
    layer = ChannelNeurons(wrap(TrainableLIF()), gain=1, bias=[1, 2], tau_rc=[0.01, 0.03])
    with nengo.Network():
        ensemble = layer(nengo.Node([0.0] * 4), shape_in=(2, 2)).ensemble
    neurons = getattr(ensemble.neuron_type, "neuron_type", ensemble.neuron_type)
    assert neurons.tau_rc.tolist() == [0.01, 0.03, 0.01, 0.03]
    assert ensemble.bias.tolist() == [1, 2, 1, 2]
    assert layer.neuron_parameters == {"tau_rc": [0.01, 0.03]}


def test_parameters_that_do_not_fit():
    layer = ChannelNeurons(TrainableLIF(), tau_rc=[0.01, 0.02, 0.03])
    with nengo.Network(), pytest.raises(ValidationError, match=r"tau_rc: .*each of the 2 channels"):
        layer(nengo.Node([0.0] * 4), shape_in=(2, 2))
    with pytest.raises(TypeError, match="ChannelNeurons has no argument 'taurc'; did you mean 'ta"):
        ChannelNeurons(TrainableLIF(), taurc=[0.01, 0.02])


def test_parameters_of_types_of_nengo():
    """They have one value for all neurons."""
    with pytest.raises(
        TypeError, match=r"LIF has one tau_rc for all of its .*TrainableLIF\(\), tau_rc"
    ):
        ChannelNeurons(nengo.LIF(), tau_rc=[0.01, 0.02])
    with pytest.raises(
        TypeError, match=r"LIF has one amplitude .*write a nengo_layers_plus\.NeuronM"
    ):
        ChannelNeurons(nengo.LIF(), amplitude=[1, 2])
    with pytest.raises(TypeError, match="no argument 'taurc'; did you mean 'tau_rc'"):
        ChannelNeurons(nengo.LIF(), taurc=0.02)
    for value in (0.05, [0.05, 0.05]):
        layer = ChannelNeurons(nengo.LIF(tau_ref=0.004), tau_rc=value, max_rates=100, intercepts=0)
        with nengo.Network():
            ensemble = layer(nengo.Node([0.0] * 4), shape_in=(2, 2)).ensemble
        assert ensemble.neuron_type == nengo.LIF(tau_rc=0.05, tau_ref=0.004)
