"""Views of signals find, take and put the values that NumPy would."""

from __future__ import annotations

import numpy as np
import pytest
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import tf
from nengo_layers_plus._upstream._simulation import places_of, shape_of
from nengo_layers_plus.simulator._series import Series
from nengo_layers_plus.simulator._views import mask_of, put, take, type_of

BASE = np.arange(12.0).reshape(4, 3)
VIEWS = {
    "rows": lambda each: each[1:3],
    "one row": lambda each: each[2],
    "every second": lambda each: each[::2],
    "backwards": lambda each: each[::-1],
    "columns": lambda each: each[:, 1:],
    "columns backwards": lambda each: each[:, ::-1],
    "a view of a view": lambda each: each[:3][::2, 1:],
    "another shape": lambda each: each.reshape((3, 4)),
    "part of another shape": lambda each: each.reshape((12,))[3:10:2],
}


def series_of(*shape):
    """Make a series for a minibatch of two and three steps."""
    values = np.random.RandomState(0).uniform(-1, 1, (2, 3, *shape))
    return values, Series(tf.constant(values), batched=True, varies=True)


@pytest.mark.parametrize("name", VIEWS)
def test_places_are_those_of_the_values(name):
    view = VIEWS[name](Signal(BASE, name="base"))

    places = places_of(view)

    # each value of the base is its place
    np.testing.assert_array_equal(places, view.initial_value)
    assert places.shape == shape_of(view)


def test_places_of_a_part():
    base = Signal(np.arange(6.0), name="base")
    assert places_of(base).tolist() == [0, 1, 2, 3, 4, 5]
    assert places_of(base, Ellipsis).tolist() == [0, 1, 2, 3, 4, 5]
    assert places_of(base[::-1], slice(0, 4, 2)).tolist() == [5, 3]
    assert places_of(base[2:], [0, 0, 3]).tolist() == [2, 2, 5]


def test_a_number_is_an_array_of_one():
    number = Signal(2.0, name="number")
    assert shape_of(number) == (1,)
    assert places_of(number).tolist() == [0]
    assert shape_of(Signal(BASE, name="base")) == (4, 3)


def test_types():
    for value, expected in (
        (np.zeros(1), tf.float32),
        (np.zeros(1, np.float32), tf.float32),
        (np.zeros(1, np.int64), tf.int32),
        (np.zeros(1, bool), tf.bool),
    ):
        assert type_of(Signal(value, name="x"), "float32") == expected
    assert type_of(Signal(np.zeros(1), name="x"), tf.float64) == tf.float64


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_taken_and_put(name):
    view = VIEWS[name](Signal(BASE, name="base"))
    places = places_of(view)
    values, series = series_of(4, 3)

    part = take(series, places)

    expected = values.reshape(2, 3, 12)[:, :, places]
    np.testing.assert_array_equal(part.tensor, expected)
    assert part.batched
    assert part.varies

    back = put(part, places, (4, 3))

    whole = np.zeros((2, 3, 12))
    whole[:, :, places.ravel()] = expected.reshape(2, 3, -1)
    np.testing.assert_array_equal(back.tensor, whole.reshape(2, 3, 4, 3))


@pytest.mark.parametrize("part", [[0, 0, 2], [3, 1, 3, 3], [2], [4, 3, 1], slice(1, 4)])
def test_values_at_one_place_add_up(part):
    base = Signal(np.arange(5.0), name="base")
    places = places_of(base, part)
    values, series = series_of(len(places))

    whole = put(series, places, (5,)).tensor

    expected = np.zeros((2, 3, 5))
    for index, place in enumerate(places):
        expected[:, :, place] += values[:, :, index]
    np.testing.assert_allclose(whole, expected)


def test_nothing_is_computed_for_the_whole():
    _, series = series_of(4, 3)
    assert take(series, places_of(Signal(BASE, name="base"))) is series


@pytest.mark.parametrize(("batch", "time"), [(None, 3), (2, None), (None, None)])
def test_unknown_batch_and_time(batch, time):
    """Take and put work in graphs, where only some lengths are known."""
    places = places_of(Signal(BASE, name="base")[1:, :2])
    values, _ = series_of(4, 3)

    @tf.function(input_signature=[tf.TensorSpec([batch, time, 4, 3], tf.float64)])
    def there_and_back(tensor):
        part = take(Series(tensor, batched=True, varies=True), places)
        return part.tensor, put(part, places, (4, 3)).tensor

    part, back = there_and_back(values)
    np.testing.assert_array_equal(part, values[:, :, 1:, :2])
    expected = np.zeros_like(values)
    expected[:, :, 1:, :2] = values[:, :, 1:, :2]
    np.testing.assert_array_equal(back, expected)


def test_mask():
    mask = mask_of(places_of(Signal(BASE, name="base")[::3, :2]), (4, 3))
    expected = np.zeros((4, 3), bool)
    expected[::3, :2] = True
    np.testing.assert_array_equal(mask, expected)
