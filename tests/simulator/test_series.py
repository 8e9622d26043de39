"""Values over a whole sequence, in which axes of equal values have length 1."""

from __future__ import annotations

import numpy as np
import pytest

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._series import Series, like, repeat, total

VALUES = np.arange(24.0).reshape(2, 3, 4)


def varying(values=VALUES, **flags):
    return Series(tf.constant(values), **{"batched": True, "varies": True, **flags})


def test_constants():
    shared = Series.constant(tf.constant([1.0, 2]))
    assert shared.tensor.shape == (1, 1, 2)
    assert (shared.batched, shared.varies) == (False, False)
    own = Series.constant(tf.constant([[1.0, 2], [3, 4]]), batched=True)
    assert own.tensor.shape == (2, 1, 2)
    assert (own.batched, own.varies) == (True, False)
    np.testing.assert_array_equal(own.tensor[:, 0], [[1, 2], [3, 4]])


def test_over_time():
    constant = Series.constant(tf.constant([[1.0, 2], [3, 4]]), batched=True)
    for steps in (5, tf.constant(5)):
        np.testing.assert_array_equal(
            constant.over_time(steps), np.repeat([[[1, 2]], [[3, 4]]], 5, axis=1)
        )
    series = varying()
    assert series.over_time(3) is series.tensor


def test_over_time_where_only_the_values_show_whether_they_vary():
    still = varying(VALUES[:, :1], may_be_constant=True)
    np.testing.assert_array_equal(still.over_time(3), np.repeat(VALUES[:, :1], 3, axis=1))
    np.testing.assert_array_equal(varying(may_be_constant=True).over_time(3), VALUES)


def test_for_batch():
    series = Series(tf.constant(VALUES[:1]), batched=False, varies=True)
    whole = series.for_batch(3)
    assert whole.batched
    assert whole.varies
    np.testing.assert_array_equal(whole.tensor, np.repeat(VALUES[:1], 3, axis=0))
    assert whole.for_batch(3) is whole


def test_map_keeps_what_is_known():
    series = varying(may_be_constant=True).map(lambda tensor: 2 * tensor)
    np.testing.assert_array_equal(series.tensor, 2 * VALUES)
    assert (series.batched, series.varies, series.may_be_constant) == (True, True, True)


def test_total():
    shared = Series.constant(tf.constant([1.0, 2, 3, 4], tf.float64))
    whole = total([shared, varying(), shared])
    np.testing.assert_array_equal(whole.tensor, VALUES + 2 * np.arange(1, 5))
    assert whole.batched
    assert whole.varies
    assert not whole.may_be_constant
    alone = total([shared])
    np.testing.assert_array_equal(alone.tensor, shared.tensor)
    assert not alone.batched
    assert not alone.varies


def test_total_keeps_the_order():
    """Sums of floats depend on it: they are those of a step-by-step simulation."""
    terms = [np.float32(each) for each in (1e8, 1, -1e8)]
    series = [Series.constant(tf.constant([each])) for each in terms]
    assert total(series).tensor.numpy().item() == (terms[0] + terms[1]) + terms[2] == 0
    assert total([series[0], series[2], series[1]]).tensor.numpy().item() == 1


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("second", [True, False])
def test_what_may_be_constant(first, second):
    """A result may be still only if all that varies may."""
    one, other = varying(may_be_constant=first), varying(may_be_constant=second)
    assert like(one.tensor, one, other).may_be_constant == (first and second)
    constant = Series.constant(tf.constant(1.0))
    assert like(one.tensor, one, constant).may_be_constant == first
    assert not like(constant.tensor, constant, constant).varies


def test_repeat():
    tensor = tf.constant(VALUES[:, :1])
    assert repeat(tensor, 1, axis=1) is tensor
    assert repeat(tensor, 0, axis=1).shape == (2, 0, 4)
    traced = tf.function(
        lambda each, times: repeat(each, times, axis=1),
        input_signature=[tf.TensorSpec([None, 1, 4], tf.float64), tf.TensorSpec([], tf.int32)],
    )
    np.testing.assert_array_equal(traced(tensor, 3), np.repeat(VALUES[:, :1], 3, axis=1))
