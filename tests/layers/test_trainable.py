from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import fit, simulator

from nengo_layers_plus import Block, CustomLayer, Sequential, Trainable, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.neurons import TrainableLIF

Keras = tf.keras.layers


# the declaration


@pytest.mark.parametrize("value", [np.bool_(False), np.bool_(True)])
def test_truth_values_of_numpy(value):
    with nengo.Network() as net:
        image = nengo.Node(np.ones(3))
        neurons = CustomLayer(nengo.LIF(), trainable=value)(image)
    assert net.config[neurons].trainable is bool(value)
    net.config[neurons].trainable = np.logical_not(value)
    assert net.config[neurons].trainable is not bool(value)


def test_fields_and_repr():
    assert Trainable() == Trainable(None, None, None, None)
    assert repr(Trainable(bias=False, weights=True)) == "Trainable(bias=False, weights=True)"
    assert Trainable(bias=np.bool_(True)).bias is True
    assert Trainable(connection=[True, None]).connection == (True, None)
    assert Trainable.from_mapping({"bias": True}) == Trainable(bias=True)
    with pytest.raises(AttributeError):
        Trainable().bias = True


@pytest.mark.parametrize("value", ["yes", 1, 0.0, [True]])
def test_values_that_are_neither_true_nor_false(value):
    with pytest.raises(ValidationError, match=r"Trainable\.bias: expected True, False or None"):
        Trainable(bias=value)


def network(neurons=None, dense=None, config=None, depth=0, transform=None):
    """Two layers, each with what should train of it, somewhere in subnetworks."""
    with nengo.Network(seed=0) as net:
        if config is not None:
            nengo_dl.configure_settings(trainable=config)
        image = nengo.Node(np.ones(3), label="image")

        def build(depth):
            if depth:
                with nengo.Network(label="inner"):
                    build(depth - 1)
                return
            kwargs = {"gain": np.ones(3), "bias": np.ones(3)}
            x = CustomLayer(
                nengo.RectifiedLinear(), trainable=neurons, ensemble_kwargs=kwargs, label="neurons"
            )(image, transform=transform)
            x = CustomLayer(Keras.Dense(2, name="dense"), trainable=dense, label="dense")(x)
            nengo.Probe(x, label="probe")

        build(depth)
    return net


EYE = np.eye(3)


@pytest.mark.parametrize(
    ("arguments", "trains"),
    [
        ({}, {"bias", "kernel", "dense bias"}),
        ({"transform": EYE}, {"bias", "kernel", "dense bias"}),
        (
            {"transform": EYE, "neurons": {"connection": True}},
            {"connection", "bias", "kernel", "dense bias"},
        ),
        (
            {"transform": EYE, "neurons": Trainable(connection=True, bias=False)},
            {"connection", "kernel", "dense bias"},
        ),
        ({"neurons": False}, {"kernel", "dense bias"}),
        ({"dense": False}, {"bias"}),
        ({"dense": {"weights": False}, "neurons": True, "transform": EYE}, {"bias"}),
        # the network's configuration does not reach Keras weights
        ({"config": False, "transform": EYE}, {"kernel", "dense bias"}),
        ({"config": False, "neurons": True, "dense": False}, {"bias"}),
        ({"config": True, "transform": EYE}, {"bias", "kernel", "dense bias"}),
        ({"config": True, "neurons": False, "transform": EYE}, {"kernel", "dense bias"}),
        (
            {"config": True, "neurons": False, "transform": EYE, "depth": 2},
            {"kernel", "dense bias"},
        ),
        ({"config": False, "neurons": True, "dense": False, "depth": 1}, {"bias"}),
    ],
)
def test_what_is_frozen_stays_and_what_is_not_moves(arguments, trains):
    prefix = "inner/" * arguments.get("depth", 0)
    names = {
        "connection": f"image->{prefix}neurons.weights",
        "bias": f"{prefix}neurons.bias",
        "kernel": f"{prefix}dense.kernel",
        "dense bias": f"{prefix}dense.bias",
    }
    found = fit(network(**arguments))
    for part, name in names.items():
        if name in found:
            assert found[name] == (part in trains, part in trains), name
        else:
            assert part == "connection"
            assert part not in trains


def test_a_later_setting_for_the_class_does_not_undo_that_of_a_layer():
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.ones(3))
        stock, connection = nengo_dl.Layer(tf.nn.relu)(image, transform=EYE, return_conn=True)
        ours, our_connection = CustomLayer(tf.nn.relu)(image, transform=EYE, return_conn=True)
        neurons = CustomLayer(nengo.RectifiedLinear(), trainable=False)(image)
        for output in (stock, ours, neurons):
            nengo.Probe(output)
        nengo_dl.configure_settings(trainable=True)
    trainable = {each.obj: each.trainable for each in NetworkGraph(net).parameters}
    assert trainable[connection]  # nengo_dl forgets what its layer set
    assert not trainable[our_connection]
    assert not trainable[neurons.ensemble]


def test_the_setting_of_a_layer_can_be_changed_and_deleted():
    with nengo.Network() as net:
        image = nengo.Node(np.ones(3))
        _, connection = CustomLayer(tf.nn.relu)(image, transform=EYE, return_conn=True)
    assert net.config[connection].trainable is False
    net.config[connection].trainable = True
    assert net.config[connection].trainable is True
    del net.config[connection].trainable
    assert net.config[connection].trainable is None
    net.config[nengo.Connection].trainable = True
    assert net.config[connection].trainable is True
    with pytest.raises(ValidationError, match="expected True, False or None, got 'no'"):
        net.config[connection].trainable = "no"


def test_users_may_set_trainable_for_objects_after_a_layer_as_in_stock():
    with nengo.Network() as net:
        neurons = CustomLayer(nengo.LIF())(nengo.Node(np.ones(3)))
    net.config[neurons.ensemble].trainable = False
    net.config[nengo.Ensemble].trainable = False
    assert net.config[nengo.Connection].trainable is None


def test_trainable_survives_pickling():
    import pickle

    with nengo.Network() as net:
        CustomLayer(nengo.LIF())(nengo.Node(np.ones(3)), transform=EYE)
    copy = pickle.loads(pickle.dumps(net))
    (settings,) = [
        value for key, value in copy.config.params.items() if isinstance(key, nengo.Connection)
    ]
    assert settings.trainable is False


def test_connections_of_several_inputs():
    with nengo.Network(seed=0) as net:
        a, b = nengo.Node(np.ones(3), label="a"), nengo.Node(np.ones(3), label="b")
        layer = CustomLayer(Keras.Add(), trainable={"connection": [True, False]}, label="add")
        nengo.Probe(layer([a, b], transform=EYE))
    found = fit(net)
    assert found["a->add.weights"] == (True, True)
    assert found["b->add.weights"] == (False, False)


def test_decoders_of_an_ensemble_can_train():
    with nengo.Network(seed=0) as net:
        ensemble = nengo.Ensemble(10, 1, neuron_type=nengo.RectifiedLinear(), label="a")
        nengo.Connection(nengo.Node([1.0]), ensemble, synapse=None)
        layer = CustomLayer(tf.identity, trainable={"connection": True}, label="b")
        nengo.Probe(layer(ensemble))
    assert fit(net)["a->b.weights"] == (True, True)


@pytest.mark.parametrize(
    ("layer_func", "trainable", "message"),
    [
        (nengo.LIF(), "no", "expected a Trainable, a dict of its fields, True, False or None"),
        (nengo.LIF(), {"biases": True}, "expected settings of connection, bias.*got 'biases'"),
        (nengo.LIF(), {"weights": True}, "no part 'weights'; it has connection and bias"),
        (nengo.LIF(), {"neuron_parameters": True}, "no part 'neuron_parameters'"),
        (nengo.LIF(), {"connection": True}, "no weights that could train.*give one with the call"),
        (nengo.LIF(), {"connection": [True, False]}, "each of 1 connections, got 2"),
        (
            tf.nn.relu,
            {"bias": False},
            "a layer made of a function has no part 'bias'; it has connection",
        ),
        (tf.nn.relu, True, "a function has no parameters of its own"),
    ],
)
def test_parts_that_do_not_exist(layer_func, trainable, message):
    with nengo.Network() as net:
        image = nengo.Node(np.ones(3))
        with pytest.raises(ValidationError, match=f"trainable: .*{message}"):
            CustomLayer(layer_func, trainable=trainable)(image)
    assert net.all_objects == [image]


def test_a_keras_layer_has_weights_and_no_bias_of_its_own():
    message = "no part 'bias'; it has connection and weights"
    with nengo.Network(), pytest.raises(ValidationError, match=message):
        CustomLayer(Keras.Dense(3), trainable={"bias": False})(nengo.Node(np.ones(3)))


def test_nothing_of_a_function_may_be_frozen():
    with nengo.Network():
        CustomLayer(tf.nn.relu, trainable=False)(nengo.Node(np.ones(3)))


def test_a_shared_keras_layer_trains_everywhere_or_nowhere():
    dense = Keras.Dense(3, name="shared")
    with nengo.Network():
        image = nengo.Node(np.ones(3))
        CustomLayer(dense, trainable=False)(image)
        CustomLayer(dense, trainable=False)(image)
        CustomLayer(dense)(image)
        message = r"weights=True for the Keras layer 'shared', but CustomLayer\(shared\) asked for"
        with pytest.raises(ValidationError, match=message):
            CustomLayer(dense, trainable=True)(image)
        with pytest.raises(ValidationError, match="weights=True for the Keras layer 'shared'"):
            CustomLayer(tf.keras.Sequential([dense]), trainable=True)(image)
    assert not dense.trainable


def test_two_calls_of_one_layer_that_ask_differently():
    class Changing(CustomLayer):
        def make_trainable(self, context):
            return {"weights": not self.calls}

    layer = Changing(Keras.Dense(3))
    with nengo.Network():
        image = nengo.Node(np.ones(3))
        layer(image)
        with pytest.raises(ValidationError, match="weights=False"):
            layer(image)
    assert len(layer.calls) == 1


def test_another_network_may_train_what_this_one_froze():
    dense = Keras.Dense(3)
    for trains in (True, False, True):
        with nengo.Network():
            CustomLayer(dense, trainable=trains)(nengo.Node(np.ones(3)))
        assert dense.trainable is trains


def test_what_was_set_within_a_model_is_put_back_by_a_call_that_fails():
    class Failing(CustomLayer):
        def on_built(self, parts):
            raise RuntimeError("no")

    model = tf.keras.Sequential([Keras.Dense(3), Keras.Dense(2)])
    model.layers[1].trainable = False
    with nengo.Network(), pytest.raises(RuntimeError):
        Failing(model, trainable=True)(nengo.Node(np.ones(3)))
    assert [each.trainable for each in (model, *model.layers)] == [True, True, False]


def test_weights_left_alone_follow_the_keras_layer():
    dense = Keras.Dense(2)
    dense.trainable = False
    with nengo.Network() as net:
        nengo.Probe(CustomLayer(dense)(nengo.Node(np.ones(3))))
    with simulator(net) as sim:
        assert sim.keras_model.trainable_weights == []


# -----------------------------------------------------------------------------
# What a layer adds in a hook


class Adding(CustomLayer):
    """Adds a connection, an Ensemble, a Keras layer and a layer of its own kind."""

    def on_built(self, parts):
        nengo.Connection(parts.output, parts.output, transform=-0.01, synapse=0.02)
        with nengo.Network():
            ensemble = nengo.Ensemble(3, 1, neuron_type=TrainableLIF())
        nengo.Connection(parts.output[:3], ensemble.neurons, transform=np.ones((3, 3)))
        node = nengo_dl.TensorNode(Keras.Dense(2), shape_in=(3,), pass_time=False)
        nengo.Connection(ensemble.neurons, node, synapse=None)
        nengo.Probe(CustomLayer(nengo.RectifiedLinear())(node))


class AddingBlock(Block):
    def make_output(self, context):
        neurons = CustomLayer(nengo.RectifiedLinear())(
            context.input, **context.connection_arguments
        )
        nengo.Connection(neurons, neurons, transform=-0.01, synapse=0.02)
        nengo.Probe(neurons)
        return neurons


def trained_kinds(layer):
    with nengo.Network(seed=0) as net:
        layer(nengo.Node(np.ones(3)))
    parameters = [each for each in NetworkGraph(net).parameters if each.kind != "encoders"]
    return net, {(each.kind, each.trainable) for each in parameters}


@pytest.mark.parametrize(
    "layer",
    [
        lambda trainable: Adding(nengo.RectifiedLinear(), trainable=trainable),
        lambda trainable: Sequential([Adding(nengo.RectifiedLinear())], trainable=trainable),
        lambda trainable: Adding(Keras.Dense(3), trainable=trainable),
        lambda trainable: AddingBlock(trainable=trainable),
    ],
)
def test_what_a_layer_adds_goes_by_its_own_setting(layer):
    for trainable in (None, True):
        _, kinds = trained_kinds(layer(trainable))
        assert ("connection weights", True) in kinds
        # connections into layers never train
        assert {kind for kind, trains in kinds if not trains} <= {"connection weights"}
    net, kinds = trained_kinds(layer(False))
    assert {trains for _, trains in kinds} == {False}
    inhibition = next(each for each in net.all_connections if each.pre_obj is each.post_obj)
    (row,) = [
        each
        for each in NetworkGraph(net).parameters
        if each.obj is inhibition and each.kind == "connection weights"
    ]
    assert row.why == "trainable is False for the object itself"


def test_parts_of_it_and_what_says_something_itself():
    class Said(CustomLayer):
        def on_built(self, parts):
            self.inhibition = nengo.Connection(
                parts.output, parts.output, transform=-0.01, synapse=0.02
            )
            nengo.Network.context[-1].config[self.inhibition].trainable = True
            self.dense = CustomLayer(Keras.Dense(2), trainable=True)
            nengo.Probe(self.dense(parts.output))

    layer = Said(nengo.RectifiedLinear(), trainable=False)
    net, kinds = trained_kinds(layer)
    assert ("bias", False) in kinds
    assert ("Keras weights", True) in kinds
    assert ("Keras weights", False) not in kinds
    assert net.config[layer.inhibition].trainable is True

    _, kinds = trained_kinds(Adding(nengo.RectifiedLinear(), trainable={"bias": False}))
    assert ("bias", True) not in kinds
    assert {("connection weights", True), ("Keras weights", True)} <= kinds


def test_a_frozen_inhibition_stays_in_training():
    layer = Adding(nengo.RectifiedLinear(), trainable=False)
    with nengo.Network(seed=0) as net:
        probe = nengo.Probe(CustomLayer(Keras.Dense(1))(layer(nengo.Node(np.ones(3)))))
    with nengo_dl.Simulator(net, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.1), loss={probe: "mse"})
        weights = net.connections[1]
        assert weights.pre_obj is weights.post_obj
        sim.fit(n_steps=3, y={probe: np.ones((1, 3, 1))}, epochs=2, verbose=0)
        np.testing.assert_array_equal(sim.data[weights].weights, np.float32(-0.01))
