"""Parameters with bounds are smooth functions of numbers that have none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nengo.exceptions import ValidationError

from nengo_layers_plus import NeuronParameter
from nengo_layers_plus._declared import NumPyNamespace, TensorFlowNamespace, reparametrise
from nengo_layers_plus._upstream import tf

XP = NumPyNamespace()
DECLARED = {
    "free": NeuronParameter(-65.0),
    "free around 0": NeuronParameter(0.0),
    "positive": NeuronParameter(0.02, positive=True),
    "bounded": NeuronParameter(0.5, bounds=(-1, 2)),
}
INITIAL = {
    "free": [-65.0, 3.0],
    "free around 0": [0.0, 0.1],
    "positive": [0.02, 1.7],
    "bounded": [0.5, -0.99],
}
names = pytest.mark.parametrize("name", DECLARED)


@names
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_initial_values_to_the_last_bit(name, dtype):
    made = reparametrise(INITIAL[name], DECLARED[name])
    expected = np.array(INITIAL[name], dtype)
    zero = np.zeros(2, dtype)
    np.testing.assert_array_equal(made.value(NumPyNamespace(dtype), zero), expected)
    found = made.value(TensorFlowNamespace(dtype), tf.constant(zero))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@names
def test_there_and_back(name):
    made = reparametrise(INITIAL[name], DECLARED[name])
    free = np.array([0.3, -0.7])
    np.testing.assert_allclose(made.free(made.value(XP, free)), free, rtol=1e-9)
    np.testing.assert_array_equal(made.free(made.initial), [0, 0])


@names
@given(free=st.floats(-30, 30))
def test_values_stay_inside(name, free):
    made = reparametrise(INITIAL[name], DECLARED[name])
    values = made.value(XP, np.full(2, free))
    assert np.isfinite(values).all()
    if name == "positive":
        assert np.all(values > 0)
    if name == "bounded":
        # beyond what an optimiser can reach the values are at the bounds, but for rounding
        assert np.all((values > -1 - 1e-9) & (values < 2 + 1e-9))
    DECLARED["free"].check("value", values)


@names
def test_they_rise(name):
    made = reparametrise(INITIAL[name][:1], DECLARED[name])
    values = np.array([made.value(XP, np.array([free]))[0] for free in np.linspace(-5, 5, 50)])
    assert np.all(np.diff(values) > 0)


def test_equal_steps_of_a_positive_one_are_equal_factors():
    made = reparametrise([0.02], DECLARED["positive"])
    np.testing.assert_allclose(made.value(XP, np.log([3.0])), [0.06])


def test_zero_stays_zero():
    declared = NeuronParameter(0.0, positive=True, allows_zero=True)
    made = reparametrise([0.0, 0.1], declared)
    np.testing.assert_allclose(made.value(XP, np.ones(2)), [0, 0.1 * np.e])
    np.testing.assert_allclose(made.free([0.0, 0.2]), [0, np.log(2)])
    for value in ([0.1, 0.1], [0.0, 0.0]):
        with pytest.raises(ValidationError, match="values above 0 where the population was made"):
            made.free(value)


@names
def test_values_of_another_shape(name):
    made = reparametrise(INITIAL[name], DECLARED[name])
    value = DECLARED[name].default + 0.1
    np.testing.assert_allclose(made.value(XP, made.free(value)), [value, value])


@names
def test_joined(name):
    parts = [reparametrise([each], DECLARED[name]) for each in INITIAL[name]]
    joined = parts[0].joined(parts)
    assert type(joined) is type(parts[0])
    free = np.array([0.2, -0.4])
    np.testing.assert_array_equal(
        joined.value(XP, free),
        np.concatenate([each.value(XP, free[i : i + 1]) for i, each in enumerate(parts)]),
    )


@names
def test_gradient(name):
    made = reparametrise(INITIAL[name], DECLARED[name])
    free, step = tf.constant([0.1, -0.2], tf.float64), 1e-6
    xp = TensorFlowNamespace("float64")
    with tf.GradientTape() as tape:
        tape.watch(free)
        value = made.value(xp, free)
    expected = (
        (made.value(XP, free.numpy() + step) - made.value(XP, free.numpy() - step)) / 2 / step
    )
    np.testing.assert_allclose(tape.gradient(value, free), expected, rtol=1e-6)
