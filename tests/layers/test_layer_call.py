"""Inputs of a call with their shapes, and where the settings of its objects come from."""

from __future__ import annotations

import gc
import weakref

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run, simulator

from nengo_layers_plus import Block, CustomLayer, Sequential, TunedNeurons, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._layer_call import origin_of

Keras = tf.keras.layers


# shapes


@pytest.fixture
def conv():
    with nengo.Network():
        image = nengo.Node(np.ones(16))
        yield CustomLayer(Keras.Conv2D(3, 2))(image, shape_in=(4, 4, 1))


def shape_seen(source, **kwargs):
    layer = CustomLayer(Keras.Activation("relu"))
    layer(source, **kwargs)
    assert layer.calls[0].node.shape_in == layer.calls[0].shape_in
    return layer.calls[0].shape_in


def test_the_default_is_flat_as_in_stock(conv):
    assert shape_seen(conv) == (27,)


def test_auto_takes_over_the_shape(conv):
    assert shape_seen(conv, shape_in="auto") == (3, 3, 3)
    for layer in (CustomLayer(nengo.LIF()), nengo_dl.Layer(nengo.LIF())):
        assert shape_seen(layer(conv), shape_in="auto") == (3, 3, 3)
        assert shape_seen(layer(layer(conv)), shape_in="auto") == (3, 3, 3)
    assert shape_seen(conv[:], shape_in="auto") == (3, 3, 3)
    assert shape_seen(nengo.Node(np.ones(5)), shape_in="auto") == (5,)
    assert shape_seen(nengo.Ensemble(10, 2), shape_in="auto") == (2,)


def test_auto_behind_a_transform(conv):
    assert shape_seen(conv, shape_in="auto", transform=2) == (3, 3, 3)
    assert shape_seen(conv, shape_in="auto", transform=np.ones((4, 27))) == (4,)
    convolution = nengo.Convolution(5, (3, 3, 3), kernel_size=(2, 2))
    assert shape_seen(conv, shape_in="auto", transform=convolution) == (2, 2, 5)
    assert shape_seen(conv, shape_in="auto", transform=nengo_dl.dists.Glorot()) == (27,)


def test_neurons_keep_a_shape_that_they_were_given():
    with nengo.Network():
        neurons = CustomLayer(nengo.LIF())(nengo.Node(np.ones(12)), shape_in=(2, 2, 3))
        assert shape_seen(neurons, shape_in="auto") == (2, 2, 3)


def test_auto_where_the_shape_can_not_be_known(conv):
    message = r"can't be known: .* takes 9 values from an object of shape \(3, 3, 3\)"
    with pytest.raises(ValidationError, match=message):
        shape_seen(conv[:9], shape_in="auto")


def test_sizes_follow_from_transforms_without_shape_in(conv):
    assert shape_seen(conv, transform=np.ones((4, 27)).tolist()) == (4,)
    assert shape_seen(conv, transform=nengo.Convolution(5, (3, 3, 3), kernel_size=(2, 2))) == (20,)
    assert shape_seen(conv, transform=nengo.Sparse((2, 27), indices=[[0, 1]], init=[1.0])) == (2,)


@pytest.mark.parametrize("shape_in", [(9, 3), [9, 3], np.array([9, 3]), tf.TensorShape([9, 3])])
def test_shapes_may_be_any_sequence(conv, shape_in):
    assert shape_seen(conv, shape_in=shape_in) == (9, 3)
    assert shape_seen(conv, shape_in=27) == (27,)


@pytest.mark.parametrize(
    ("shape_in", "message"),
    [
        ((4, 4, 1), r"puts out 27 values of shape \(3, 3, 3\), but shape_in \(4, 4, 1\) takes 16"),
        ("flat", """expected a tuple of sizes, "auto" or None, got 'flat'"""),
        (2.5, "expected a tuple of sizes"),
        ((None, 3), "must be an int"),
    ],
)
def test_shapes_that_do_not_fit(conv, shape_in, message):
    with pytest.raises(ValidationError, match=message):
        shape_seen(conv, shape_in=shape_in)


@pytest.mark.parametrize("transform", ["abc", [[1.0], [1.0, 2.0]], {}])
def test_a_transform_that_is_none(transform):
    with nengo.Network(), pytest.raises(ValidationError, match="transform: expected a number"):
        CustomLayer(nengo.LIF())(nengo.Node(np.ones(4)), transform=transform)


def test_a_network_is_no_input():
    with nengo.Network():
        array = nengo.networks.EnsembleArray(5, 2)
        with pytest.raises(ValidationError, match="give one of its objects, such as its output"):
            CustomLayer(nengo.LIF())(array)
        assert CustomLayer(nengo.LIF())(array.output).size_in == 2


@pytest.mark.parametrize("source", [np.ones(3), None, "a", 3])
def test_what_no_connection_can_come_from(source):
    with nengo.Network(), pytest.raises(ValidationError, match="input: expected a Node, Ensemble"):
        CustomLayer(nengo.LIF())(source)


# several inputs


def two_inputs():
    return nengo.Node([1.0, 2.0]), nengo.Node([10.0, 20.0])


def test_layers_functions_and_neurons_of_several_inputs():
    with nengo.Network() as net:
        a, b = two_inputs()
        nengo.Probe(CustomLayer(Keras.Add())([a, b]))
        nengo.Probe(CustomLayer(Keras.Concatenate())((b, a)))
        nengo.Probe(CustomLayer(lambda x, y: y - x)([a, b]))
        nengo.Probe(
            CustomLayer(nengo.RectifiedLinear(), ensemble_kwargs={"gain": 1, "bias": 5})([a, b])
        )
        nengo.Probe(CustomLayer(Keras.Dot(axes=1))([a, b]))
    added, joined, subtracted, summed, dotted = run(net, minibatch_size=2)
    np.testing.assert_array_equal(added, np.tile([11, 22], (2, 3, 1)))
    np.testing.assert_array_equal(joined, np.tile([10, 20, 1, 2], (2, 3, 1)))
    np.testing.assert_array_equal(subtracted, np.tile([9, 18], (2, 3, 1)))
    np.testing.assert_array_equal(summed, np.tile([16, 27], (2, 3, 1)))
    np.testing.assert_array_equal(dotted, np.full((2, 3, 1), 50))


def test_inputs_of_several_shapes():
    with nengo.Network() as net:
        image = nengo.Node(np.arange(4.0))
        scale = nengo.Node([2.0])
        layer = CustomLayer(lambda x, y: x * y[:, :, None])
        nengo.Probe(layer([image, scale], shape_in=[(2, 2), None]))
        nengo.Probe(CustomLayer(Keras.Add())([image, image], shape_in=(2, 2)))
    assert layer.calls[0].shape_in == ((2, 2), (1,))
    assert layer.calls[0].shape_out == (2, 2)
    scaled, added = run(net)
    np.testing.assert_array_equal(scaled, np.tile(2 * np.arange(4), (3, 1)))
    np.testing.assert_array_equal(added, scaled)


def test_a_residual_block_with_auto_shapes():
    tf.keras.utils.set_random_seed(0)
    block = Keras.Conv2D(1, 3, padding="same")
    with nengo.Network() as net:
        image = nengo.Node(np.linspace(0, 1, 16))
        conv = CustomLayer(block)(image, shape_in=(4, 4, 1))
        joined = CustomLayer(Keras.Add())([conv, image], shape_in=["auto", (4, 4, 1)])
        nengo.Probe(joined)
    with simulator(net) as sim:
        sim.run_steps(1)
        got = sim.data[net.probes[0]][0].reshape(4, 4, 1)
        inputs = np.linspace(0, 1, 16, dtype=np.float32).reshape(1, 4, 4, 1)
        np.testing.assert_allclose(got, (block(inputs).numpy() + inputs)[0], rtol=1e-6)


def test_one_connection_synapse_and_transform_for_each_input():
    layer = CustomLayer(Keras.Add())
    with nengo.Network() as net:
        a, b = two_inputs()
        output, connections = layer(
            [a, b], synapse=[None, 0.1], transform=[None, 3.0], return_conn=True
        )
        nengo.Probe(output)
    assert isinstance(connections, list)
    assert layer.calls[0].input == (a, b)
    assert layer.calls[0].connection == tuple(connections)
    assert [each.synapse for each in connections] == [None, nengo.Lowpass(0.1)]
    first, *_, last = run(net, 2000)[0]
    np.testing.assert_array_equal(first, [1, 2])
    np.testing.assert_allclose(last, [31, 62], rtol=1e-5)


def test_one_synapse_and_transform_for_all_inputs():
    layer = CustomLayer(nengo.LIF(), synapse=0.2)
    with nengo.Network():
        a, b = two_inputs()
        layer([a, b], transform=np.ones((3, 2)))
    assert [each.synapse for each in layer.calls[0].connection] == [nengo.Lowpass(0.2)] * 2
    assert layer.calls[0].ensemble.n_neurons == 3


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"synapse": [None] * 3}, "synapse: expected one value for all inputs or a list of 2"),
        ({"transform": [1.0]}, "transform: expected one value for all inputs or a list of 2"),
        ({"shape_in": [(2,), (1, 2), None]}, "shape_in: expected one value for all inputs or"),
    ],
)
def test_lists_of_another_length(kwargs, message):
    with nengo.Network(), pytest.raises(ValidationError, match=message):
        CustomLayer(Keras.Add())(list(two_inputs()), **kwargs)


def test_a_transform_of_another_shape():
    message = (
        r"connection: from <Node 'a'> \(4 values\) to .* \(3 values\): .*\(3, 5\) does not match"
    )
    with nengo.Network(), pytest.raises(ValidationError, match=message):
        CustomLayer(nengo.LIF())(nengo.Node(np.ones(4), label="a"), transform=np.ones((3, 5)))


def test_inputs_that_do_not_go_together():
    with nengo.Network():
        a, b = nengo.Node(np.ones(3)), nengo.Node(np.ones(4))
        with pytest.raises(ValidationError, match=r"must have one size, got \(3,\) and \(4,\)"):
            CustomLayer(nengo.LIF())([a, b])
        with pytest.raises(
            ValidationError, match=r"shape \(\(3,\), \(4,\)\);.*incompatible shapes"
        ):
            CustomLayer(Keras.Add())([a, b])
        with pytest.raises(ValidationError, match="at least one input"):
            CustomLayer(Keras.Add())([])


def test_a_list_of_one_is_a_list():
    with nengo.Network() as net:
        a, _ = two_inputs()
        nengo.Probe(CustomLayer(Keras.Concatenate())([a]))
        _, connections = CustomLayer(nengo.LIF())([a], return_conn=True)
    assert len(connections) == 1
    np.testing.assert_array_equal(run(net)[0][0], [1, 2])


class Hooked(CustomLayer):
    """Overrides all that can be overridden."""

    def make_layer_func(self, context):
        return nengo.LIF()

    def make_ensemble_kwargs(self, context):
        return {"gain": 2.0, "bias": 1.0}

    def make_synapse(self, context):
        return 0.01

    def make_trainable(self, context):
        return {"bias": False}


def called(layer, size=3, **arguments):
    """Return what was noted of the object that a call makes, and of its connection."""
    with nengo.Network():
        output = layer(nengo.Node(np.zeros(size)), **arguments)
    made = output.ensemble if isinstance(output, nengo.ensemble.Neurons) else output
    connection = layer.calls[-1].leaves[0].connections[0]
    return origin_of(made), origin_of(connection)


def test_nothing_given() -> None:
    origin, connection = called(CustomLayer(nengo.LIF()))
    assert origin.layer == "CustomLayer(LIF())"
    assert origin.set_by == {}
    assert connection.set_by == dict.fromkeys(
        ("synapse", "transform", "trainable"), "the layer's default"
    )


def test_arguments_of_the_layer() -> None:
    origin, connection = called(
        CustomLayer(
            nengo.LIF(),
            ensemble_kwargs={"max_rates": 100, "intercepts": 0},
            synapse=0.01,
            trainable=False,
        )
    )
    assert origin.set_by["max_rates"] == "ensemble_kwargs of the layer"
    assert origin.set_by["intercepts"] == "ensemble_kwargs of the layer"
    assert origin.set_by["trainable.bias"] == "trainable of the layer"
    assert "trainable.connection" not in origin.set_by
    assert connection.set_by["synapse"] == "synapse of the layer"


def test_hooks() -> None:
    origin, connection = called(Hooked())
    assert origin.set_by == {
        "gain": "make_ensemble_kwargs of Hooked",
        "bias": "make_ensemble_kwargs of Hooked",
        "layer_func": "make_layer_func of Hooked",
        "trainable.bias": "make_trainable of Hooked",
    }
    assert connection.set_by["synapse"] == "make_synapse of Hooked"


def test_the_call_wins() -> None:
    origin, connection = called(Hooked(), bias=3, seed=1, synapse=None, transform=2.0)
    assert origin.set_by["gain"] == "make_ensemble_kwargs of Hooked"
    assert origin.set_by["bias"] == origin.set_by["seed"] == "the call"
    assert connection.set_by["synapse"] == connection.set_by["transform"] == "the call"


def test_a_curve_that_lost_is_not_noted() -> None:
    origin, _ = called(TunedNeurons(nengo.LIF(), max_rates=100), gain=1, bias=1)
    assert origin.set_by == {"gain": "the call", "bias": "the call"}
    origin, _ = called(
        CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 1}), max_rates=9
    )
    assert origin.set_by == {"max_rates": "the call"}


def test_a_block_around() -> None:
    inner = CustomLayer(nengo.LIF(), ensemble_kwargs={"intercepts": 0})
    stack = Sequential(
        [inner],
        ensemble_kwargs={"max_rates": 100, "intercepts": 0.5},
        synapse=0.02,
        trainable={"bias": False, "connection": False},
    )
    assert isinstance(stack, Block)
    origin, connection = called(stack)
    assert origin.layer == "CustomLayer(LIF())"
    assert origin.set_by == {
        "max_rates": "ensemble_kwargs of the block",
        "intercepts": "ensemble_kwargs of the layer",
        "trainable.bias": "trainable of the block",
        "trainable.connection": "trainable of the block",
    }
    assert connection.set_by["synapse"] == "synapse of the block"
    assert connection.set_by["trainable"] == "trainable of the block"


def test_a_block_says_nothing_of_the_synapse_before_a_keras_layer() -> None:
    stack = Sequential([tf.keras.layers.Dense(2), nengo.LIF()], synapse=0.02)
    _, connection = called(stack)
    assert connection.set_by["synapse"] == "the layer's default"


def test_none_made_it() -> None:
    with nengo.Network() as net:
        nengo_dl.Layer(nengo.LIF())(nengo.Node([0.0]))
    assert origin_of(net.ensembles[0]) is origin_of(net.connections[0]) is None


def test_keeps_nothing_alive() -> None:
    layer = CustomLayer(nengo.LIF())
    with nengo.Network():
        layer(nengo.Node([0.0]))
    kept = weakref.ref(layer.calls[0].ensemble)
    assert origin_of(kept()) is not None
    layer.calls.clear()
    gc.collect()
    assert kept() is None


def test_a_failed_call_notes_nothing() -> None:
    with nengo.Network() as net, pytest.raises(nengo.exceptions.ValidationError):
        CustomLayer(nengo.LIF(), trainable={"connection": True})(nengo.Node([0.0]))
    assert not net.ensembles
