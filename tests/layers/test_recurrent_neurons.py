"""`RecurrentNeurons` come back to themselves through weights that train."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import fit, run

from nengo_layers_plus import RecurrentNeurons, Sequential, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.testing import check_layer

LINEAR = {"ensemble_kwargs": {"gain": 1, "bias": 0}}


def network(**kwargs):
    layer = RecurrentNeurons(nengo.RectifiedLinear(), **{**LINEAR, **kwargs})
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(nengo.Node([1.0, 2.0])))
    return net, layer


def test_it_keeps_the_contract():
    check_layer(RecurrentNeurons(nengo.LIF()), (4,))


def test_outputs_come_back_one_step_later():
    weights = np.array([[0.0, 0.5], [0.0, 0.0]])  # from the second neuron to the first
    net, layer = network(recurrent_transform=weights, recurrent_synapse=0)
    np.testing.assert_allclose(run(net, 3)[0], [[1, 2], [2, 2], [2, 2]])
    connection = layer.calls[0].added["recurrent"]
    assert connection.pre == connection.post == layer.calls[0].output


def test_outputs_come_back_through_the_synapse():
    net, _ = network(recurrent_transform=1.0, recurrent_synapse=nengo.Lowpass(0.01))
    first, second = run(net, 2)[0][:, 0]
    assert first < second < 2


@pytest.mark.parametrize(
    ("trainable", "moving"),
    [
        (None, {"weights", "bias"}),
        (False, set()),
        ({"weights": False}, {"bias"}),
        ({"bias": False, "weights": True}, {"weights"}),
    ],
)
def test_what_trains(trainable, moving):
    net, _ = network(trainable=trainable)
    with net:
        nengo_dl.configure_settings(trainable=None)  # does not forget what the layer said
    results = fit(net, n_steps=3)
    assert {name.rpartition(".")[2] for name, (_, moved) in results.items() if moved} == moving


def test_a_stack_freezes_the_recurrent_weights():
    stack = Sequential(
        [tf.keras.layers.Dense(2), RecurrentNeurons(nengo.RectifiedLinear(), **LINEAR)],
        trainable=False,
    )
    with nengo.Network(seed=0) as net:
        nengo.Probe(stack(nengo.Node([1.0, 2.0])))
    assert not any(moved for _, moved in fit(net, n_steps=3).values())


def test_a_spike_can_not_come_back_at_once():
    with pytest.raises(ValidationError, match=r"recurrent_synapse: .*give 0 for a delay"):
        RecurrentNeurons(nengo.LIF(), recurrent_synapse=None)


def test_the_weights_are_drawn_as_those_of_keras():
    _, layer = network(trainable={"weights": True})
    assert isinstance(layer.calls[0].added["recurrent"].transform.init, nengo_dl.dists.Glorot)
