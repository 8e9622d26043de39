"""`Block` lets users write layers made of layers."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import Block, CustomLayer, Sequential
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.testing import check_layer

Keras = tf.keras.layers


class SideBySide(Block):
    """Several layers on one input, whose outputs are joined."""

    def __init__(self, *branches, **kwargs):
        super().__init__(list(branches), **kwargs)
        self.branches = [CustomLayer(branch) for branch in branches]
        self.join = CustomLayer(Keras.Concatenate(), label="join")

    def make_output(self, context):
        outputs = [each(context.input, **context.connection_arguments) for each in self.branches]
        return self.join(outputs, shape_in="auto")


def test_it_keeps_the_contract():
    check_layer(SideBySide(nengo.LIF(), Keras.Dense(2), label="both"), (3,))


def test_the_connections_from_its_input_are_its_own():
    block = SideBySide(nengo.LIF(), Keras.Dense(2))
    with nengo.Network() as net:
        output, connections = block(nengo.Node([0.0] * 4), synapse=0.1, return_conn=True)
    assert connections == net.connections[:2] == list(block.calls[0].connection)
    assert [each.synapse for each in net.connections] == [nengo.Lowpass(0.1)] * 2 + [None] * 2
    parts = block.calls[0]
    assert (parts.output, parts.node, parts.ensemble) == (output, block.join.calls[0].node, None)
    assert [leaf.shape_out for leaf in parts.leaves] == [(4,), (2,), (6,)]


def test_labels_have_a_prefix_and_the_call_can_give_it():
    block = SideBySide(nengo.LIF(), label="both")
    with nengo.Network() as net:
        node = nengo.Node([0.0])
        block(node)
        block(node, label="again")
    assert [each.label for each in net.nodes[1:]] == ["both/join", "again/join"]


def test_the_output_may_be_a_plain_object():
    class Plain(Block):
        def make_output(self, context):
            ensemble = nengo.Ensemble(5, context.size_in)
            nengo.Connection(context.input, ensemble)
            return ensemble

    with nengo.Network():
        assert Plain()(nengo.Node([0.0, 1.0])).size_out == 2


def test_what_is_no_output_is_an_error_and_all_is_taken_back():
    class Wrong(SideBySide):
        def make_output(self, context):
            super().make_output(context)
            return "join"

    block = Wrong(nengo.LIF(), subnetwork=True)
    with nengo.Network() as net:
        node = nengo.Node([0.0])
        with pytest.raises(ValidationError, match=r"make_output: expected the object.*'join'"):
            block(node)
        with pytest.raises(ValidationError, match="a subclass that overrides make_output"):
            Block()(node)
    assert net.all_objects == [node]
    assert net.networks == []
    assert block.branches[0].calls == []


def test_layers_that_a_hook_calls_take_over_nothing():
    class Probed(CustomLayer):
        def on_built(self, parts):
            CustomLayer(nengo.RectifiedLinear())(parts.output)

    with nengo.Network() as net:
        Sequential([Probed(nengo.LIF())], synapse=0.1, ensemble_kwargs={"seed": 1}, label="x")(
            nengo.Node([0.0])
        )
    assert [each.seed for each in net.ensembles] == [1, None]
    assert [each.label for each in net.ensembles] == ["x/probed", None]
    assert [each.synapse for each in net.connections] == [nengo.Lowpass(0.1), None]


def test_an_error_in_a_hook_takes_back_what_the_hook_called():
    inner = CustomLayer(nengo.LIF())

    class Failing(CustomLayer):
        def on_built(self, parts):
            inner(parts.output)
            raise KeyError("wrong")

    with nengo.Network() as net:
        with pytest.raises(KeyError, match="wrong"):
            Failing(nengo.LIF())(nengo.Node([0.0]))
        assert inner.calls == []
        assert net.ensembles == []


def test_a_warning_points_at_the_line_of_the_user():
    dense = Keras.Dense(2)
    block = SideBySide(lambda x: dense(x), subnetwork=True)
    with nengo.Network(), pytest.warns(UserWarning, match="will not train") as caught:
        Sequential([block])(nengo.Node(np.zeros(3)))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("base", [CustomLayer, Block, Sequential])
def test_a_constructor_that_forgot_that_of_its_base(base):
    class Forgetful(base):
        def __init__(self):
            self.dense = CustomLayer(Keras.Dense(2))

    with nengo.Network() as net:
        node = nengo.Node([0.0])
        for use in (lambda layer: layer(node), Sequential, repr, str, lambda layer: layer.name):
            with pytest.raises(
                ValidationError, match=r"Forgetful.__init__: it must call super\(\).__init__"
            ) as caught:
                use([Forgetful()] if use is Sequential else Forgetful())
        assert not hasattr(Forgetful(), "calls")
    assert net.all_objects == [node]
    assert isinstance(caught.value, AttributeError)
    with pytest.raises(AttributeError, match="'CustomLayer' object has no attribute 'foo'"):
        CustomLayer(nengo.LIF()).foo  # noqa: B018


@pytest.mark.parametrize("trainable", [True, False])
def test_a_bool_for_what_has_no_parameters(trainable):
    class Plain(Block):
        def make_output(self, context):
            ensemble = nengo.Ensemble(5, context.size_in)
            nengo.Connection(context.input, ensemble)
            return ensemble

    with nengo.Network() as net:
        node = nengo.Node([0.0])
        for block in (
            Plain(trainable=trainable),
            Sequential([tf.nn.relu, [tf.nn.relu]], trainable=trainable),
        ):
            with pytest.raises(
                ValidationError, match=f"trainable: no layer in it has.*that {trainable} could"
            ):
                block(node)
        assert net.all_objects == [node]
        for layer in (nengo.LIF(), Keras.Dense(2), [nengo.LIF()]):
            Sequential([tf.nn.relu, layer], trainable=trainable)(node)
