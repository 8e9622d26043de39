"""What `CustomLayer` and `Block` have in common."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import Block, CustomLayer, Sequential, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers import BaseLayer


def test_blocks_and_custom_layers_are_its_children():
    assert issubclass(BaseLayer, nengo_dl.Layer)
    assert isinstance(CustomLayer(nengo.LIF()), BaseLayer)
    assert isinstance(Sequential([nengo.LIF()]), BaseLayer)
    assert not issubclass(Block, CustomLayer)
    with pytest.raises(TypeError, match="abstract"):
        BaseLayer(nengo.LIF())


def test_a_subclass_may_set_the_default_shape():
    class Shaped(CustomLayer):
        shape_in_default = (2, 2)

    layer = Shaped(tf.keras.layers.Flatten())
    with nengo.Network():
        node = nengo.Node(np.ones(4))
        for arguments, shape in (({}, (2, 2)), ({"shape_in": None}, (4,)), ({"shape_in": 4}, (4,))):
            layer(node, **arguments)
            assert layer.calls[-1].shape_in == shape


def test_an_error_names_the_innermost_layer_once():
    class Calling(Block):
        def make_output(self, context):
            return CustomLayer(nengo.LIF(), label="inner")(context.input, gian=1)

    with nengo.Network():
        node = nengo.Node([0.0])
        with pytest.raises(ValidationError) as raised:
            Calling(label="outer")(node)
        assert str(raised.value).startswith("CustomLayer(LIF()) 'inner', call: nengo.Ensemble has")
        with pytest.raises(ValidationError, match=r"^Sequential\(lif\) 'outer', synapse: expected"):
            Sequential([nengo.LIF()], label="outer", synapse="fast")(node)


@pytest.mark.parametrize("layer", [Sequential([nengo.LIF()]), CustomLayer(tf.nn.relu)])
def test_settings_of_a_layer_are_no_arguments_of_its_call(layer):
    with nengo.Network(), pytest.raises(TypeError, match=r"\(\.\.\., trainable=\.\.\.\)\(input\)"):
        layer(nengo.Node([0.0]), trainable=False)
