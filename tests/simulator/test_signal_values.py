"""The values of all signals, filled in as operators would set and increase them."""

from __future__ import annotations

import numpy as np
import pytest
from nengo.builder.signal import Signal

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._series import Series
from nengo_layers_plus.simulator._signal_values import SignalValues

BATCH, STEPS = 2, 3


def signal(size=4, minibatched=True):
    made = Signal(np.zeros(size), name="x")
    made.minibatched = minibatched  # as nengo_dl does
    return made


def random(*shape, seed=0):
    return np.random.RandomState(seed).uniform(-1, 1, (BATCH, STEPS, *shape))


def series(values):
    return Series(tf.constant(values), batched=True, varies=True)


def values_with(initial=None, steps=STEPS):
    return SignalValues(
        {each: tf.constant(value) for each, value in (initial or {}).items()},
        BATCH,
        steps,
        tf.float64,
    )


def test_set_then_increase():
    x, values = signal(), values_with()
    first, second = random(4), random(4, seed=1)
    values.set(x, series(first))
    values.increase(x, series(second))
    np.testing.assert_array_equal(values.read(x).tensor, first + second)
    assert len(values.terms(x)) == 1  # they are added once
    values.set(x, series(second))
    np.testing.assert_array_equal(values.read(x).tensor, second)


def test_parts():
    x, values = signal(), values_with()
    whole, part, twice = random(4), random(2, seed=1), random(3, seed=2)
    values.set(x, series(whole))
    values.set(x[1:3], series(part))
    values.increase(x, series(twice), [0, 0, 3])
    expected = whole.copy()
    expected[:, :, 1:3] = part
    expected[:, :, 0] += twice[:, :, 0] + twice[:, :, 1]
    expected[:, :, 3] += twice[:, :, 2]
    np.testing.assert_allclose(values.read(x).tensor, expected, rtol=1e-15)
    np.testing.assert_allclose(values.read(x[::-1]).tensor, expected[:, :, ::-1], rtol=1e-15)
    np.testing.assert_allclose(
        values.read(x[1:], [2, 0]).tensor, expected[:, :, [3, 1]], rtol=1e-15
    )


def test_a_part_that_is_set_leaves_the_rest_as_it_was():
    x = signal()
    start = np.arange(8.0).reshape(BATCH, 4)
    values, part = values_with({x: start}), random(2)
    values.set(x, series(part), slice(0, 4, 2))
    expected = np.repeat(start[:, None], STEPS, axis=1)
    expected[:, :, ::2] = part
    np.testing.assert_array_equal(values.read(x).tensor, expected)


def test_reset_is_zero_and_does_not_vary():
    x, values = signal(), values_with()
    values.reset(x)
    assert values.terms(x) == []
    zero = values.read(x)
    assert not zero.varies
    assert not zero.batched
    np.testing.assert_array_equal(zero.tensor, np.zeros((1, 1, 4)))


def test_what_nobody_writes_is_what_it_starts_from():
    weights, state = signal(minibatched=False), signal()
    values = values_with({weights: np.arange(4.0), state: np.arange(8.0).reshape(2, 4)})
    assert values.has_initial(weights)
    constant = values.read(weights)
    assert not constant.varies
    assert not constant.batched
    np.testing.assert_array_equal(constant.tensor, np.arange(4.0)[None, None])
    own = values.read(state)
    assert own.batched
    assert not own.varies
    np.testing.assert_array_equal(values.final(state), np.arange(8.0).reshape(2, 4))
    other = signal()
    assert not values.has_initial(other)
    np.testing.assert_array_equal(values.initial(other), np.zeros((BATCH, 4)))


def test_readers_see_the_step_before_and_probes_this_one():
    x, values = signal(), values_with()
    before, after = random(4), random(4, seed=1)
    values.update(x, series(before), series(after), tf.constant(after[:, -1]))
    np.testing.assert_array_equal(values.read(x).tensor, before)
    np.testing.assert_array_equal(values.observe(x).tensor, after)
    np.testing.assert_array_equal(values.observe(x[1:3]).tensor, after[:, :, 1:3])
    np.testing.assert_array_equal(values.final(x), after[:, -1])


@pytest.mark.parametrize("steps", [0, 3])
@pytest.mark.parametrize("static", [True, False])
def test_final_values(steps, static):
    """After no step, a signal is what it was."""
    x, start = signal(), np.ones((BATCH, 4))
    data = random(4)[:, :steps]

    def last(data, steps):
        values = SignalValues({x: tf.constant(start)}, BATCH, steps, tf.float64)
        values.set(x, Series(data, batched=True, varies=True))
        return values.final(x)

    expected = start if steps == 0 else data[:, -1]
    if static:
        found = last(tf.constant(data), steps)
    else:
        found = tf.function(
            last,
            input_signature=[
                tf.TensorSpec([BATCH, None, 4], tf.float64),
                tf.TensorSpec([], tf.int32),
            ],
        )(data, steps)
    np.testing.assert_array_equal(found, expected)


def test_the_last_of_a_value_that_is_shared():
    """It has an entry for each item of the minibatch, unless the signal is shared, too."""
    own, shared = signal(), signal(minibatched=False)
    values = values_with()
    for each in (own, shared):
        values.set(each, Series.constant(tf.constant(np.arange(4.0))))
    np.testing.assert_array_equal(values.final(own), [[0, 1, 2, 3]] * BATCH)
    np.testing.assert_array_equal(values.final(shared), [0, 1, 2, 3])


def test_a_fork_does_not_change_what_it_comes_from():
    x, y, values = signal(), signal(), values_with()
    first, second = random(4), random(4, seed=1)
    values.set(x, series(first))
    fork = values.fork()
    fork.increase(x, series(second))
    fork.set(y, series(second))
    np.testing.assert_array_equal(fork.read(x).tensor, first + second)
    np.testing.assert_array_equal(values.read(x).tensor, first)
    assert values.terms(y) == []
    values.give(y, fork.terms(y))
    np.testing.assert_array_equal(values.read(y).tensor, second)
