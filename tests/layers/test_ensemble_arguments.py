from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import simulator

from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf

N = 4


def call(given=None, called=None, config=None, shape_in=None):
    """Return the Ensemble of a layer, and what was built of it."""
    with nengo.Network(seed=0) as net:
        for name, value in (config or {}).items():
            setattr(net.config[nengo.Ensemble], name, value)
        image = nengo.Node(np.ones(N))
        layer = CustomLayer(nengo.RectifiedLinear(), ensemble_kwargs=given)
        ensemble = layer(image, shape_in=shape_in, **(called or {})).ensemble
    with nengo.Simulator(net, progress_bar=False) as sim:
        return ensemble, sim.data[ensemble]


def test_every_argument_of_an_ensemble_is_passed_on():
    given = {
        "radius": 2.0,
        "encoders": np.array([[1.0], [-1.0], [1.0], [1.0]]),
        "intercepts": nengo.dists.Uniform(-0.5, 0.5),
        "max_rates": nengo.dists.Choice([80.0]),
        "eval_points": nengo.dists.Uniform(0, 1),
        "n_eval_points": 20,
        "noise": nengo.processes.WhiteNoise(seed=0),
        "normalize_encoders": False,
        "label": "mine",
        "seed": 3,
    }
    ensemble, built = call(given)
    for name, value in given.items():
        np.testing.assert_array_equal(getattr(ensemble, name), value, err_msg=name)
    np.testing.assert_allclose(built.max_rates, 80)


def test_arguments_equal_those_of_a_plain_ensemble():
    with nengo.Network(seed=0) as net:
        nengo.Node(np.ones(N))
        plain = nengo.Ensemble(
            N, 1, neuron_type=nengo.RectifiedLinear(), gain=np.arange(1.0, 5), bias=np.arange(4.0)
        )
    with nengo.Simulator(net, progress_bar=False) as sim:
        expected = sim.data[plain]
    _, built = call({"gain": np.arange(1.0, 5), "bias": np.arange(4.0)})
    np.testing.assert_array_equal(built.gain, expected.gain)
    np.testing.assert_array_equal(built.bias, expected.bias)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0)])
def test_a_number_holds_for_all_neurons(value):
    _, built = call({"gain": value, "bias": 0})
    np.testing.assert_array_equal(built.gain, [2] * N)


def test_an_array_of_the_shape_of_the_population():
    gain = np.arange(1.0, 5).reshape(1, 2, 2)
    _, built = call({"gain": gain, "bias": np.zeros((1, 2, 2))}, shape_in=(1, 2, 2))
    np.testing.assert_array_equal(built.gain, gain.ravel())
    with pytest.raises(ValidationError, match=r"Ensemble.gain.*input of shape \(4,\)"):
        call({"gain": gain, "bias": 0})


def test_the_call_wins_over_the_hook():
    ensemble, built = call(
        {"radius": 2.0, "gain": 1, "bias": 1}, {"radius": 3.0, "bias": np.arange(4.0)}
    )
    assert ensemble.radius == 3
    np.testing.assert_array_equal(built.gain, np.ones(4))
    np.testing.assert_array_equal(built.bias, np.arange(4))


RATES = {"max_rates": nengo.dists.Choice([50]), "intercepts": nengo.dists.Choice([0])}
CURRENTS = {"gain": nengo.dists.Choice([3.0]), "bias": nengo.dists.Choice([2.0])}


@pytest.mark.parametrize(
    ("levels", "wins"),
    [
        ({"given": CURRENTS, "config": RATES}, "currents"),
        ({"called": CURRENTS, "config": RATES}, "currents"),
        ({"called": CURRENTS, "given": RATES}, "currents"),
        ({"given": RATES, "config": CURRENTS}, "rates"),
        ({"called": RATES, "given": CURRENTS}, "rates"),
        (
            {"called": {"max_rates": RATES["max_rates"]}, "given": CURRENTS, "config": RATES},
            "rates",
        ),
        ({"called": {"gain": 3.0}, "given": {"bias": 2.0}, "config": RATES}, "currents"),
        ({"called": {"gain": 3.0}, "config": CURRENTS}, "currents"),
        ({"called": {"gain": None, "bias": None}, "given": CURRENTS, "config": RATES}, "rates"),
        (
            {"called": dict.fromkeys(CURRENTS, nengo.Default), "given": RATES, "config": CURRENTS},
            "currents",
        ),
        ({"config": RATES}, "rates"),
        ({"config": CURRENTS}, "currents"),
    ],
)
def test_the_nearest_kind_of_response_curve_wins_without_noise(levels, wins):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, built = call(**levels)
    if wins == "currents":
        np.testing.assert_allclose(built.gain, 3)
        np.testing.assert_allclose(built.bias, 2)
    else:
        np.testing.assert_allclose(built.max_rates, 50)
        np.testing.assert_allclose(built.intercepts, 0, atol=1e-6)


@pytest.mark.parametrize("level", ["given", "called"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gain": 1, "max_rates": 100}, "gain can't be given together with max_rates"),
        ({"gain": 1, "bias": 1, "intercepts": 0}, "gain and bias can't be given together"),
        ({"gain": 1}, "gain was given without bias"),
        ({"bias": 1}, "bias was given without gain"),
        ({"gian": 1}, "did you mean 'gain'"),
        ({"maxrates": 1}, "did you mean 'max_rates'"),
        ({"xyz": 1}, "no argument 'xyz'; it takes radius, encoders"),
        ({"n_neurons": 3}, "'n_neurons' is the layer's own"),
        ({"dimensions": 3}, "'dimensions' is the layer's own"),
        ({"neuron_type": nengo.LIF()}, "'neuron_type' is the layer's own"),
        ({"gain": np.ones(3), "bias": 0}, r"Ensemble.gain: shape\[0\] should be 4"),
    ],
)
def test_arguments_that_do_not_go(level, arguments, message):
    with pytest.raises(ValidationError, match=message) as raised:
        call(**{level: arguments})
    assert str(raised.value).startswith("CustomLayer(RectifiedLinear()), ")


@pytest.mark.parametrize("value", ["x", np.nan])
def test_a_value_that_can_not_be_used_is_refused_where_another_one_wins(value):
    with pytest.raises(ValidationError, match="ensemble_kwargs: gain: expected a number"):
        call(given={"gain": value, "bias": 0}, called={"gain": 1})


def test_an_unknown_argument_of_the_call_is_a_type_error_as_in_stock():
    with pytest.raises(TypeError, match="no argument 'gian'"):
        call(called={"gian": 1})


def test_arguments_of_the_layer_are_not_taken_by_its_call():
    for name, value in (("trainable", True), ("ensemble_kwargs", {})):
        with pytest.raises(TypeError, match=rf"write CustomLayer\(..., {name}=...\)\(input\)"):
            call(called={name: value})


@pytest.mark.parametrize("layer_func", [tf.nn.relu, tf.keras.layers.Dense(3)])
def test_a_layer_without_an_ensemble_refuses_its_arguments(layer_func):
    with nengo.Network():
        image = nengo.Node(np.ones(N))
        with pytest.raises(ValidationError, match="gain, bias can't be used"):
            CustomLayer(layer_func, ensemble_kwargs={"gain": 1, "bias": 0})(image)
        with pytest.raises(TypeError, match="has no argument 'gain'"):
            CustomLayer(layer_func)(image, gain=1)
        with pytest.raises(TypeError, match="did you mean 'label'"):
            CustomLayer(layer_func)(image, lable="a")
        CustomLayer(layer_func, ensemble_kwargs={})(image)


def test_arguments_hold_in_nengo_dl():
    with nengo.Network(seed=0) as net:
        image = nengo.Node(np.ones(N))
        layer = CustomLayer(nengo.RectifiedLinear(), ensemble_kwargs={"gain": 2, "bias": 0.5})
        probe = nengo.Probe(layer(image))
    with simulator(net) as sim:
        sim.run_steps(1)
        np.testing.assert_allclose(sim.data[probe], 2.5)
