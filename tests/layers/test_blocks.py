"""Layers made of layers: shapes, settings, names, and what goes wrong."""

from __future__ import annotations

import copy
import pickle

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import fit, run, simulator

from nengo_layers_plus import Block, CustomLayer, Residual, Sequential, Trainable, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
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


def image(size=16):
    return nengo.Node(np.linspace(0, 1, size), label="image")


def convolutional(**kwargs):
    return Sequential(
        [
            Keras.Conv2D(2, 2, name="conv"),
            nengo.LIF(),
            Keras.Flatten(),
            CustomLayer(Keras.Dense(3), synapse=0.005, label="readout"),
        ],
        **kwargs,
    )


def called(stack, shape_in=(4, 4, 1), **kwargs):
    with nengo.Network(seed=0) as net:
        stack(image(), shape_in=shape_in, **kwargs)
    return net


# what it builds


def test_it_is_the_same_network_as_layer_by_layer():
    tf.keras.utils.set_random_seed(0)
    with called(convolutional(synapse=0.01)) as stacked:
        nengo.Probe(stacked.nodes[-1])
    tf.keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as by_hand:
        x = nengo_dl.Layer(Keras.Conv2D(2, 2))(image(), shape_in=(4, 4, 1))
        x = nengo_dl.Layer(nengo.LIF())(x, synapse=0.01)
        x = nengo_dl.Layer(Keras.Flatten())(x, shape_in=(3, 3, 2))
        nengo.Probe(nengo_dl.Layer(Keras.Dense(3))(x, synapse=0.005))
    outputs = []
    for network in (stacked, by_hand):
        tf.keras.utils.set_random_seed(1)
        outputs += run(network, n_steps=20)
    assert outputs[0].any()
    np.testing.assert_array_equal(*outputs)


def test_shapes_flow():
    stack = convolutional()
    called(stack)
    assert [layer.calls[0].shape_in for layer in stack] == [(4, 4, 1), (3, 3, 2), (3, 3, 2), (18,)]
    assert stack.calls[0].shape_out == (3,)


def test_a_dense_layer_acts_on_the_last_axis():
    stack = Sequential([Keras.Dense(5), nengo.LIF(), lambda x: 2 * x])
    called(stack, shape_in=(4, 2, 2))
    assert [layer.calls[0].shape_out for layer in stack] == [(4, 2, 5)] * 3


def test_the_shape_of_the_input_is_taken_over():
    first, second = Sequential([Keras.Conv2D(2, 2), nengo.LIF()]), Sequential([Keras.Dense(4)])
    with nengo.Network():
        second(first(image(), shape_in=(4, 4, 1)))
        assert second.calls[0].shape_in == (3, 3, 2)
        second(image(), shape_in=None)
        assert second.calls[1].shape_in == (16,)


def test_several_inputs_reach_the_first_layer():
    stack = Sequential([Keras.Concatenate(), nengo.LIF()])
    with nengo.Network() as net:
        a, b = image(2), image(3)
        output, connections = stack([a, b], synapse=[None, 0.1], return_conn=True)
    assert output.size_in == 5
    assert connections == net.connections[:2] == list(stack.calls[0].connection)
    assert [connection.synapse for connection in connections] == [None, nengo.Lowpass(0.1)]


def test_the_arguments_of_the_call_are_for_the_first_connection():
    stack = convolutional(synapse=0.3)
    with nengo.Network() as net:
        output, connection = stack(
            image(4), transform=np.ones((16, 4)), shape_in=(4, 4, 1), synapse=0.2, return_conn=True
        )
    assert connection is net.connections[0] is stack.calls[0].connection
    assert connection.synapse == nengo.Lowpass(0.2)
    assert connection.transform.init.shape == (16, 4)
    taus = [each.synapse and each.synapse.tau for each in net.connections]
    assert taus == [0.2, 0.3, None, 0.005]
    assert output is stack.calls[0].output is stack["readout"].calls[0].output


def test_two_calls_share_weights():
    stack = Sequential(
        [Keras.Dense(3), nengo.RectifiedLinear(), tf.keras.Sequential([Keras.Dense(2)])]
    )
    with nengo.Network(seed=0) as net:
        node = image(4)
        nengo.Probe(stack(node))
        nengo.Probe(stack(node))
    with simulator(net) as sim:
        sim.run_steps(2)
        kernels = [w for w in sim.keras_model.trainable_weights if "kernel" in w.name]
        assert [tuple(kernel.shape) for kernel in kernels] == [(4, 3), (3, 2)]
    assert len(stack.calls) == len(stack[0].calls) == 2


def test_what_stands_in_two_places_is_one_layer():
    neurons, dense = nengo.LIF(), Keras.Dense(4)
    stack = Sequential([dense, neurons, dense, neurons])
    assert stack[0] is stack[2]
    assert stack.names == ("dense", "lif", "dense_1", "lif_1")
    called(stack, shape_in=(4, 4))
    assert [len(layer.calls) for layer in stack] == [2, 2, 2, 2]


def test_stacks_nest():
    inner = Sequential([nengo.LIF(), Keras.Dense(2)], label="inner", ensemble_kwargs={"seed": 3})
    outer = Sequential([Keras.Dense(4), inner, nengo.LIF()], synapse=0.1, label="outer")
    net = called(outer, shape_in=(16,))
    assert [each.label for each in (*net.nodes[1:], *net.ensembles)] == [
        "outer/dense",
        "outer/inner/dense",
        "outer/inner/lif",
        "outer/lif",
    ]
    assert [each.seed for each in net.ensembles] == [3, None]
    assert [each.synapse is not None for each in net.connections] == [False, True, False, True]
    parts = outer.calls[0]
    assert parts.inner[1] is inner.calls[0]
    assert parts.leaves == (outer[0].calls[0], *inner.calls[0].inner, outer[2].calls[0])


def test_a_subnetwork_of_its_own():
    stack = convolutional(label="stack", subnetwork=True)
    net = called(stack)
    (subnetwork,) = net.networks
    assert subnetwork is stack.calls[0].network
    assert subnetwork.label == "stack"
    assert net.nodes == [stack.calls[0].input]
    assert [each.label for each in subnetwork.ensembles] == ["lif"]
    names = [item.name for item in NetworkGraph(net).objects]
    flat = [item.name for item in NetworkGraph(called(convolutional(label="stack"))).objects]
    assert names == flat == ["image", *(f"stack/{each}" for each in stack.names)]


def test_a_subclass_can_make_its_layers_from_what_it_is_called_on():
    class Narrowing(Sequential):
        def make_layer_func(self, context):
            return [Keras.Dense(context.shape_in[-1] // 2), nengo.LIF()]

    stack = Narrowing()
    with pytest.raises(ValidationError, match="made when it is first called"):
        len(stack)
    with nengo.Network():
        stack(image(8))
        stack(image(8))
    assert stack["dense"].layer_func.units == 4
    assert len(stack["dense"].calls) == 2


# settings


def test_settings_are_for_what_says_nothing_itself():
    stack = Sequential(
        [
            nengo.LIF(),
            CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 3, "bias": 0}, synapse=None),
            CustomLayer(nengo.LIF(), ensemble_kwargs={"seed": 7}, trainable={"bias": True}),
            Keras.Dense(2),
        ],
        ensemble_kwargs={"max_rates": 50, "intercepts": 0, "seed": 1},
        synapse=0.1,
        trainable=Trainable(bias=False),
    )
    net = called(stack, shape_in=(16,))
    first, second, third = net.ensembles
    assert first.max_rates.tolist() == third.max_rates.tolist() == [50] * 16
    assert second.gain.tolist() == [3] * 16
    assert second.max_rates == nengo.Ensemble.max_rates.default
    assert [each.seed for each in net.ensembles] == [1, 1, 7]
    assert [each.synapse for each in net.connections] == [
        nengo.Lowpass(0.1),
        None,
        nengo.Lowpass(0.1),
        None,
    ]
    biases = {p.name: p.trainable for p in NetworkGraph(net).parameters if p.kind == "bias"}
    assert biases == {"lif.bias": False, "lif_1.bias": False, "lif_2.bias": True}


@pytest.mark.parametrize(
    ("trainable", "moving"),
    [
        (None, {"dense.kernel", "dense.bias", "lif.bias"}),
        (False, set()),
        (True, {"dense.kernel", "dense.bias", "lif.bias"}),
        ({"weights": False}, {"lif.bias"}),
        ({"bias": False}, {"dense.kernel", "dense.bias"}),
    ],
)
def test_what_trains(trainable, moving):
    stack = Sequential([Keras.Dense(3), tf.nn.tanh, nengo.RectifiedLinear()], trainable=trainable)
    with nengo.Network(seed=0) as net:
        nengo.Probe(stack(image(4)))
    # the label of the neurons is made of their class
    trained = {name.replace("rectified_linear", "lif"): moved for name, moved in fit(net).items()}
    assert {name for name, (_, moved) in trained.items() if moved} == moving


@pytest.mark.parametrize(
    ("layers", "settings", "message"),
    [
        ([Keras.Dense(2)], {"ensemble_kwargs": {"gain": 1}}, "no layer of neurons"),
        ([Keras.Dense(2)], {"synapse": 0.1}, "no layer of neurons"),
        ([Keras.Dense(2)], {"trainable": {"bias": False}}, "has a part 'bias'"),
        ([nengo.LIF()], {"trainable": {"weights": False}}, "has a part 'weights'"),
        ([nengo.LIF()], {"trainable": {"neuron_parameters": True}}, "'neuron_parameters'"),
        ([nengo.LIF()], {"trainable": {"connection": [True]}}, "one setting"),
        ([nengo.LIF()], {"ensemble_kwargs": {"gian": 1}}, "did you mean 'gain'"),
        (
            [nengo.LIF()],
            {"ensemble_kwargs": {"gain": 1, "max_rates": 1}},
            "can't be given together",
        ),
        ([nengo.LIF()], {"ensemble_kwargs": {"gain": 1}}, "element 0 of 1, 'lif'.*without bias"),
        ([nengo.LIF()], {"synapse": "fast"}, "synapse: expected None"),
        ([nengo.LIF()], {"trainable": "bias"}, "trainable: expected a Trainable"),
    ],
)
def test_a_setting_that_nothing_can_take_is_an_error(layers, settings, message):
    stack = Sequential(layers, **settings)
    with nengo.Network() as net:
        node = image(4)
        with pytest.raises(ValidationError, match=message):
            stack(node)
    assert net.all_objects == [node]
    assert stack.calls == stack[0].calls == []


# its layers


def test_layers_by_number_and_name():
    stack = convolutional()
    assert len(stack) == 4
    assert stack.names == ("conv", "lif", "flatten", "readout")
    assert stack[0] is stack["conv"] is stack.layers[0]
    assert stack[-1] is stack["readout"]
    assert list(stack) == [stack[name] for name in stack.names]
    with pytest.raises(KeyError, match="no layer 'pool', only conv, lif, flatten, readout"):
        stack["pool"]
    with pytest.raises(IndexError):
        stack[4]


def test_slices_share_layers_and_settings():
    stack = convolutional(ensemble_kwargs={"gain": 2, "bias": 1}, synapse=0.1)
    features = stack[:"flatten"]
    assert features.names == ("conv", "lif")
    assert stack["lif":].names == ("lif", "flatten", "readout")
    assert stack["lif":"readout"].names == stack[1:3].names == ("lif", "flatten")
    assert stack[::2].names == ("conv", "flatten")
    assert features[0] is stack[0]
    net = called(features)
    assert net.ensembles[0].gain.tolist() == [2] * 18
    assert net.connections[1].synapse == nengo.Lowpass(0.1)
    assert stack.calls == []
    assert len(stack["conv"].calls) == 1
    with pytest.raises(IndexError, match="no layers"):
        stack[4:]
    with pytest.raises(KeyError):
        stack[:"pool"]


def test_names_do_not_depend_on_what_was_made_before():
    class MyLIF(nengo.LIF):
        pass

    for _ in range(2):
        stack = Sequential(
            [
                Keras.Conv2DTranspose(1, 1),
                Keras.MaxPool2D(),
                Keras.MaxPool2D(1),
                MyLIF(),
                tf.nn.relu,
                lambda x: x,
                tf.keras.Sequential([Keras.Flatten()]),
                Sequential([nengo.LIFRate()]),
                Residual([nengo.LIF()]),
                nengo_dl.Layer(Keras.Dense(2, name="out")),
            ]
        )
        assert stack.names == (
            "conv2d_transpose",
            "max_pooling2d",
            "max_pooling2d_1",
            "my_lif",
            "relu",
            "function",
            "sequential",
            "sequential_1",
            "residual",
            "out",
        )


def test_a_stack_can_be_copied():
    stack = convolutional()
    called(stack)
    for made in (copy.copy(stack), copy.deepcopy(stack), pickle.loads(pickle.dumps(stack))):
        assert made.calls == []
        assert made.names == stack.names
        called(made)
        assert made.calls[0].shape_out == (3,)
    assert len(stack.calls) == 1


def test_repr():
    assert repr(convolutional(synapse=0.1, label="x")) == (
        "<Sequential([conv: Conv2D, lif: LIF(), flatten: Flatten, readout: Dense], synapse=0.1, "
        "label='x')>"
    )
    assert str(convolutional()) == "Sequential(conv, lif, flatten, readout)"


# what goes wrong


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        (None, "no layers to apply"),
        (nengo.LIF(), "expected a list of layers, got LIF"),
        ("dense", "expected a list of layers, got 'dense'"),
        ([nengo.LIF(), "dense"], "element 1: .*got 'dense'"),
        ([nengo.LIF], "element 0: .*write LIF"),
        ([Keras.Dense(2, activity_regularizer="l2")], "element 0: .*activity_regularizer"),
    ],
)
def test_what_can_not_be_stacked(layers, message):
    def build():
        stack = Sequential(layers)
        with nengo.Network():
            stack(image())

    with pytest.raises(ValidationError, match=message):
        build()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (
            Keras.Conv2D(2, 2),
            (16,),
            r"'conv2d', got the shape \(16,\): .* expected min_ndim=4, found ndim=2",
        ),
        (Keras.LSTM(2), (4, 2, 2), "expected ndim=3"),
        (Keras.Reshape((5,)), (16,), "'reshape', got the shape .16,.: .*total size"),
        (
            tf.keras.Sequential([Keras.Input((2, 8)), Keras.Flatten()]),
            (4, 4),
            r"expected shape=\(None, 2, 8\), found shape=\(None, 4, 4\)",
        ),
        (
            CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": np.ones(3), "bias": 0}),
            (16,),
            "'lif', got the shape .16,.",
        ),
    ],
)
def test_an_element_that_does_not_fit_is_named(layer, shape, message):
    stack = Sequential([nengo.RectifiedLinear(), layer])
    with nengo.Network() as net:
        node = image()
        with pytest.raises(ValidationError, match=f"element 1 of 2, .*{message}"):
            stack(node, shape_in=shape)
    assert net.all_objects == [node]
    assert stack[0].calls == stack[1].calls == []


def test_a_built_layer_keeps_to_its_sizes():
    dense = Keras.Dense(2)
    dense.build((None, 4))
    with nengo.Network(), pytest.raises(ValidationError, match=r"axis -1 .* to have value 4"):
        Sequential([dense])(image())


def test_a_failing_call_takes_back_what_its_layers_asked_for():
    dense = Keras.Dense(4)
    frozen = CustomLayer(dense, trainable=False)
    stack = Sequential([frozen, Keras.Conv2D(1, 2)])
    with nengo.Network():
        node = image()
        with pytest.raises(ValidationError):
            stack(node)
        assert dense.trainable
        CustomLayer(dense, trainable=True)(node)  # nothing in this network says otherwise


def test_arguments_of_the_ensemble_are_not_for_the_call():
    with nengo.Network(), pytest.raises(TypeError, match="ensemble_kwargs="):
        convolutional()(image(), shape_in=(4, 4, 1), gain=1)


def test_deep_stacks_build():
    stack = Sequential([nengo.RectifiedLinear() for _ in range(300)])
    net = called(stack, shape_in=(16,))
    assert len(net.ensembles) == 300


# what may stand in it


def test_a_list_in_it_is_a_stack():
    stack = Sequential([Keras.Dense(3), [nengo.LIF(), Keras.Dense(2)], (nengo.LIF(),)])
    assert stack.names == ("dense", "sequential", "sequential_1")
    assert stack[1].names == ("lif", "dense")
    called(stack)
    assert stack.calls[0].shape_out == (4, 4, 2)
    with pytest.raises(ValidationError, match=r"element 0: .*element 1: .*got 3"):
        Sequential([[nengo.LIF(), 3]])


def test_a_stock_layer_in_it_is_what_it_applies():
    dense = Keras.Dense(3)
    stack = Sequential([nengo_dl.Layer(dense), nengo_dl.Layer(nengo.LIF())])
    assert stack.names == ("dense", "lif")
    assert stack[0].layer_func is dense
    block = Residual([nengo.LIF()], shortcut=nengo_dl.Layer(tf.nn.relu))
    assert block.shortcut.layer_func is tf.nn.relu


@pytest.mark.parametrize(
    "make",
    [
        lambda layer: Sequential([nengo.LIF(), layer]),
        lambda layer: Sequential([nengo.LIF(), [layer]]),
        lambda layer: Residual([nengo.LIF()], shortcut=layer),
    ],
)
def test_a_call_of_its_own_is_not_dropped(make):
    class Twice(nengo_dl.Layer):
        def __call__(self, *args, **kwargs):
            return super().__call__(super().__call__(*args, **kwargs))

    with pytest.raises(
        ValidationError, match=r"the class Twice has a call of its own.*subclass Cus"
    ):
        make(Twice(nengo.LIF()))


def test_a_number_beyond_the_last():
    stack = convolutional()
    for number in (4, -5):
        with pytest.raises(IndexError, match=rf"Sequential\(.*\) has no layer {number}, only 4"):
            stack[number]


def test_layers_that_are_replaced_are_so_at_once():
    stack = convolutional()
    called(stack)
    stack.layer_func = [Keras.Flatten(), nengo.LIF()]
    assert (len(stack), stack.names) == (2, ("flatten", "lif"))
    assert str(stack) == "Sequential(flatten, lif)"
    assert stack[:1].names == ("flatten",)
    flatten = stack["flatten"]
    called(stack)
    assert len(flatten.calls) == 1
    assert stack.calls[-1].shape_out == (16,)
    stack.layer_func = [3]
    with pytest.raises(ValidationError, match=r"element 0: .*got 3"):
        len(stack)
    stack.layer_func = [nengo.LIF()]
    assert stack.names == ("lif",)
    assert isinstance(stack.layer_func, tuple)  # so that nothing is appended in silence
    copied = pickle.loads(pickle.dumps(Sequential([nengo.LIF()])))
    assert copied.names == ("lif",)
