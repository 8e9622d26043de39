"""Members are compared first, then timed in turns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks import measure as module
from benchmarks.measure import Measurement, measure


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each timing be one call, however short."""
    monkeypatch.setattr(module, "LEAST_SECONDS", 1e-12)


def make_members(calls: list[str], **values: float) -> dict[str, Callable[[], np.ndarray]]:
    """Return members that put out a value and note their calls."""

    def member(name: str) -> Callable[[], np.ndarray]:
        def run() -> np.ndarray:
            calls.append(name)
            return np.full((2, 3, 1), values[name])

        return run

    return {name: member(name) for name in values}


def test_members_take_turns_and_who_is_first_changes():
    calls: list[str] = []

    measured = measure(make_members(calls, stock=1, layer=1, ours=1), rounds=3)

    assert calls[6:] == [
        *("stock", "layer", "ours"),
        *("layer", "ours", "stock"),
        *("ours", "stock", "layer"),
    ]
    assert {name: len(each) for name, each in measured.seconds.items()} == {
        "stock": 3,
        "layer": 3,
        "ours": 3,
    }


@pytest.mark.parametrize("wrong", ["layer", "ours"])
def test_each_member_is_compared_with_stock_before_any_is_timed(wrong):
    calls: list[str] = []
    values = {"stock": 1, "layer": 1, "ours": 1} | {wrong: 2}

    with pytest.raises(AssertionError, match=f"outputs of {wrong}"):
        measure(make_members(calls, **values))

    assert calls == ["stock", "layer", "ours"]


def test_plain_keras_has_no_spikes_and_is_not_compared():
    measured = measure(make_members([], stock=1, layer=1, ours=1, keras=5), rounds=1)

    assert measured.agreement == {"layer": 1, "ours": 1}
    assert set(measured.seconds) == {"stock", "layer", "ours", "keras"}


def test_what_need_not_be_the_same_is_not_compared():
    assert measure(make_members([], stock=1, ours=2), rounds=1, same=False).agreement == {}


def make_times(monkeypatch: pytest.MonkeyPatch, rounds: list[float]) -> None:
    """Have calls take as long as is given: once to see how long, and then in rounds."""
    left = [rounds[0], *rounds]
    monkeypatch.setattr(module, "_time", lambda run, repeats=1: left.pop(0))


def test_what_takes_long_has_fewer_rounds(monkeypatch):
    make_times(monkeypatch, [1] * 20)
    assert len(measure(make_members([], ours=1)).seconds["ours"]) == module.ROUNDS

    make_times(monkeypatch, [module.MANY_SECONDS] * 20)
    assert len(measure(make_members([], ours=1)).seconds["ours"]) == module.LEAST_ROUNDS


def test_what_a_busy_machine_disturbs_has_more_rounds(monkeypatch):
    make_times(monkeypatch, [1, 1, 2, 1, 2, 1, 1, 1, 1])

    measured = measure(make_members([], ours=1))

    # then three quarters of the rounds took about the same
    assert measured.seconds["ours"] == [1, 1, 2, 1, 2, 1, 1, 1]


def test_noise_without_an_end_and_long_rounds_have_one(monkeypatch):
    make_times(monkeypatch, [1, 2] * 10)
    assert len(measure(make_members([], ours=1)).seconds["ours"]) == module.MOST_ROUNDS

    make_times(monkeypatch, [3, 6] * 10)
    assert len(measure(make_members([], ours=1)).seconds["ours"]) == module.MOST_SECONDS // 3

    make_times(monkeypatch, [10, 20] * 10)
    assert len(measure(make_members([], ours=1)).seconds["ours"]) == module.LEAST_ROUNDS


def test_rounds_that_are_asked_for_are_kept_to(monkeypatch):
    make_times(monkeypatch, [1, 2] * 10)

    assert len(measure(make_members([], ours=1), rounds=2).seconds["ours"]) == 2


def test_ratios_are_within_a_round():
    measured = Measurement({"stock": [10.0, 40.0, 9.0], "ours": [1.0, 2.0, 3.0]})

    assert measured.ratios() == [10, 20, 3]
    assert measured.ratio() == 10
    assert measured.median("stock") == 10
    assert measured.ratio("ours", "stock") == pytest.approx(0.1)


@pytest.fixture
def measured() -> Measurement:
    return Measurement(
        {"stock": [4.0, 6.0, 8.0], "layer": [4.0, 6.0, 8.0], "ours": [1.0, 2.0, 1.0]},
        {"layer": 1.0, "ours": 0.9},
    )


def test_ratios_are_those_of_rounds(measured):
    assert measured.figures("ours", samples_steps=100) == {
        "samples_steps": 100,
        "samples_steps_per_second": 100.0,
        "ratio_to_stock": 4.0,
        "ratio_least": 3.0,
        "ratio_most": 8.0,
        "agreement": 0.9,
    }
    assert measured.figures("stock", 100)["ratio_to_stock"] == 1


def test_ours_is_compared_with_plain_keras_within_rounds(measured):
    seconds = {**measured.seconds, "keras": [0.5, 0.5, 2.0]}
    with_keras = Measurement(seconds)

    assert with_keras.figures("ours")["times_of_keras"] == 2.0
    assert "times_of_keras" not in with_keras.figures("stock")


def test_without_stock_there_are_no_ratios():
    alone = Measurement({"ours": [2.0]}).figures("ours", 10)

    assert alone == {"samples_steps": 10, "samples_steps_per_second": 5.0}
