"""What layers note of where the settings of their objects come from."""

from __future__ import annotations

import gc
import weakref

import nengo
import numpy as np
import pytest

from nengo_layers_plus import Block, CustomLayer, Sequential, TunedNeurons, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.layers._layer_call import origin_of


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
