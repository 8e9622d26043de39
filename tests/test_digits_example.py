"""The example ``docs/examples/digits_row_by_row.py``, with a few digits."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "docs" / "examples" / "digits_row_by_row.py"
N_TRAIN, N_TEST = 200, 30
WAYS = ["through spikes", "the same, neurons fixed", "through the rate curve"]


@pytest.fixture(scope="module")
def example():
    """Return the script as a module."""
    spec = importlib.util.spec_from_file_location("digits_row_by_row", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def digits(example):
    return example.split_digits(N_TRAIN, N_TEST)


@pytest.fixture(scope="module")
def outcomes(example, digits):
    return example.compare(digits, epochs=2, seed=0)


def test_rows_follow_each_other(example, digits):
    n_steps = 8 * example.STEPS_PER_ROW
    assert digits.train_rows.shape == (N_TRAIN, n_steps, 8)
    assert digits.test_rows.shape == (N_TEST, n_steps, 8)
    rows = digits.test_rows.reshape(N_TEST, 8, example.STEPS_PER_ROW, 8)
    assert np.array_equal(rows, np.repeat(rows[:, :, :1], example.STEPS_PER_ROW, axis=2))
    assert digits.train_rows.min() == 0
    assert digits.train_rows.max() == 1


def test_split_is_always_the_same(example, digits):
    again = example.split_digits(N_TRAIN, N_TEST)
    assert np.array_equal(again.test_rows, digits.test_rows)
    assert np.array_equal(again.train_labels, digits.train_labels)


def test_loss_goes_down(outcomes):
    assert list(outcomes) == WAYS
    for outcome in outcomes.values():
        assert len(outcome.losses) == 2
        assert outcome.losses[1] < outcome.losses[0]


def test_outcomes_are_of_the_test_images(example, digits, outcomes):
    n_steps = digits.test_rows.shape[1]
    for outcome in outcomes.values():
        assert 0 <= outcome.accuracy <= 1
        assert outcome.accuracy * N_TEST == pytest.approx(round(outcome.accuracy * N_TEST))
        assert outcome.rate > 0
        assert outcome.first["evidence"].shape == (n_steps, 10)
        for name in ("spikes", "voltage", "adaptation"):
            assert outcome.first[name].shape == (n_steps, example.N_NEURONS)
        assert np.isin(outcome.first["spikes"], (0, 1)).all()


def test_parameters_of_each_neuron_train_unless_fixed(example, outcomes):
    through_spikes, fixed, _ = outcomes.values()
    for name in ("tau_rc", "tau_n", "inc_n"):
        before, after = through_spikes.before[name], through_spikes.after[name]
        assert before.shape == after.shape == (example.N_NEURONS,)
        assert (after > 0).all()
        assert not np.allclose(before, after, rtol=1e-4)
    for name, values in fixed.after.items():
        if name != "tau":  # that of the read-out
            assert np.array_equal(values, fixed.before[name])


def test_report_names_each_way_and_each_parameter(example, outcomes):
    text = example.report(outcomes)
    for words in (*WAYS, *example.LABELS.values()):
        assert words in text
    assert max(map(len, text.splitlines())) <= 100


def test_pictures_are_written(example, digits, outcomes, tmp_path):
    outcome = outcomes["through spikes"]
    example.draw_activity(outcome, digits, tmp_path / "new" / "activity.png")
    example.draw_parameters(outcome, tmp_path / "new" / "parameters.png")
    for path in (tmp_path / "new").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")
    assert len(list((tmp_path / "new").iterdir())) == 2
