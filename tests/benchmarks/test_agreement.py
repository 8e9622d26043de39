"""Which numbers count as the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.agreement import assert_same


@pytest.fixture
def spikes() -> np.ndarray:
    """Return outputs of 4 samples, 100 steps and 3 neurons."""
    return np.random.RandomState(0).randint(0, 2, (4, 100, 3)) * 10.0


def test_same_numbers_agree_for_all_steps(spikes):
    assert assert_same(spikes, spikes.copy()) == 1


def test_rounding_is_no_difference(spikes):
    assert assert_same(spikes, spikes * (1 + 1e-6)) == 1


def test_agreement_ends_where_a_sample_differs_first(spikes):
    ours = spikes.copy()
    ours[0, 80, 1] += 10  # and the steps behind it are the same again

    assert assert_same(spikes, ours) == pytest.approx((0.8 + 3) / 4)


def test_samples_that_differ_early_are_an_error(spikes):
    ours = spikes.copy()
    ours[:, 10, 0] += 10

    with pytest.raises(AssertionError, match=r"outputs of layer .* only for 10%"):
        assert_same(spikes, ours, "layer")


def test_long_runs_need_not_agree_for_a_share_of_their_steps():
    stock = np.random.RandomState(0).randint(0, 2, (2, 4000, 3)) * 10.0
    ours = stock.copy()
    ours[:, 600] += 10

    assert assert_same(stock, ours) == 600 / 4000
    ours[:, 400] += 10
    with pytest.raises(AssertionError, match=r"only for 10% .* 12% are needed"):
        assert_same(stock, ours)


def test_other_means_are_an_error(spikes):
    ours = spikes.copy()
    ours[:, 60:] += 10  # that late the steps may differ, but not all one way

    with pytest.raises(AssertionError, match="means over time of ours"):
        assert_same(spikes, ours)


def test_means_of_few_steps_may_differ_by_what_other_spikes_make():
    stock = np.random.RandomState(0).uniform(0, 20, (10, 16, 3))
    ours = stock.copy()
    ours[:4, 12:] = stock[4:8, 12:]  # other ones in a tenth of the steps

    assert assert_same(stock, ours) == pytest.approx(0.9)
    ours[:4, 12:] += 30  # all one way
    with pytest.raises(AssertionError, match=r"% are allowed where they agree for 90%"):
        assert_same(stock, ours)


def test_other_shapes_are_an_error(spikes):
    with pytest.raises(AssertionError, match=r"shape .*100.* ours .*99"):
        assert_same(spikes, spikes[:, 1:])


def test_nothing_can_be_compared_with_silence(spikes):
    with pytest.raises(AssertionError, match="puts out nothing"):
        assert_same(spikes * 0, spikes * 0)


def test_losses_are_compared_as_a_whole():
    assert assert_same(np.array([2.0, 1.0]), np.array([2.01, 1.01])) is None
    with pytest.raises(AssertionError, match="losses of ours"):
        assert_same(np.array([2.0, 1.0]), np.array([2.0, 1.1]))
