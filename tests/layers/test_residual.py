"""`Residual` adds its input to its output."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import fit, run

from nengo_layers_plus import Residual, Sequential
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.testing import check_layer

Keras = tf.keras.layers


@pytest.mark.parametrize("kwargs", [{}, {"subnetwork": True, "label": "block"}])
def test_it_keeps_the_contract(kwargs):
    check_layer(Residual([Keras.Dense(4), nengo.LIF()], **kwargs), (4,))


def test_the_input_is_added():
    with nengo.Network() as net:
        nengo.Probe(Residual([lambda x: 10 * x])(nengo.Node([1.0, 2.0])))
    np.testing.assert_allclose(run(net, 1)[0], [[11, 22]])


def test_a_shortcut_of_its_own():
    block = Residual([lambda x: 10 * x], shortcut=[lambda x: x**2, lambda x: -x])
    with nengo.Network() as net:
        nengo.Probe(block(nengo.Node([1.0, 2.0])))
    np.testing.assert_allclose(run(net, 1)[0], [[9, 16]])
    assert [leaf.output.label for leaf in block.calls[0].leaves] == [
        "function",
        "shortcut/function",
        "shortcut/function_1",
        "add",
    ]


def test_the_arguments_of_the_call_are_for_both_ways():
    block = Residual([nengo.LIF()])
    with nengo.Network() as net:
        block(nengo.Node([1.0, 2.0]), transform=3.0, synapse=0.1)
        x = block(nengo.Node([1.0, 2.0]))
    body, _, around = net.connections[:3]
    assert body.synapse == around.synapse == nengo.Lowpass(0.1)
    assert body.transform.init == around.transform.init == 3.0
    assert block.calls[0].connection == (body, around)
    assert [each.synapse for each in net.connections[3:]] == [None] * 3
    assert x.shape_out == (2,)


def test_all_of_it_trains():
    block = Residual([Keras.Dense(4), nengo.RectifiedLinear()], shortcut=Keras.Dense(4))
    with nengo.Network(seed=0) as net:
        nengo.Probe(block(nengo.Node([0.5] * 4)))
    assert {name for name, (_, moved) in fit(net).items() if moved} == {
        "dense.kernel",
        "dense.bias",
        "rectified_linear.bias",
        "shortcut.kernel",
        "shortcut.bias",
    }


def test_deep_residual_networks():
    stack = Sequential(
        [
            Keras.Conv2D(4, 3, padding="same"),
            *[Residual([Keras.Conv2D(4, 3, padding="same"), nengo.LIF()]) for _ in range(3)],
            Residual(
                [Keras.Conv2D(8, 3, strides=2), nengo.LIF()], shortcut=Keras.Conv2D(8, 3, strides=2)
            ),
            Keras.Flatten(),
        ]
    )
    with nengo.Network() as net:
        stack(nengo.Node(np.zeros(25)), shape_in=(5, 5, 1))
    assert [parts.shape_out for parts in stack.calls[0].inner][-2:] == [(2, 2, 8), (32,)]
    assert len({each.label for each in (*net.nodes, *net.ensembles)}) == len(
        (*net.nodes, *net.ensembles)
    )


def test_shapes_that_can_not_be_added():
    with nengo.Network() as net:
        node = nengo.Node(np.zeros(4))
        # Keras itself would broadcast a single value
        with pytest.raises(ValidationError, match=r"put out the shape \(1,\), the shortcut \(4,\)"):
            Residual([Keras.Dense(1)])(node)
        with pytest.raises(ValidationError, match=r"shape \(3,\), the shortcut \(2,\)"):
            Residual([Keras.Dense(3)], shortcut=Keras.Dense(2))(node)
        with pytest.raises(ValidationError, match="expected one input"):
            Residual([Keras.Add()])([node, node])
    assert net.all_objects == [node]
