"""What reports read of each test."""

from __future__ import annotations

import pytest

from benchmarks import cases
from benchmarks.measure import Measurement

ALWAYS = {
    "suite": str,
    "network": str,
    "use": str,
    "neurons": str,
    "member": str,
    "minibatch": int,
    "n_steps": int,
    "batches": int,
    "n_neurons": int,
    "device": str,
}


@pytest.fixture
def measured() -> Measurement:
    return Measurement(
        {"stock": [4.0, 6.0, 8.0], "layer": [4.0, 6.0, 8.0], "ours": [1.0, 2.0, 1.0]},
        {"layer": 1.0, "ours": 0.9},
    )


@pytest.mark.parametrize("case", [cases.PREDICT[0], cases.NEURONS[0], cases.SCALING[0]])
def test_it_says_what_was_measured(case):
    info = case.describe("ours", "cpu", 768)

    for name, kind in ALWAYS.items():
        assert isinstance(info[name], kind)
    assert info["n_neurons"] == 768
    assert ("axis" in info) == (case.suite == "scaling")


def test_targets_and_other_uses_are_named():
    case = cases.BY_NAME["conv-still-predict-10x50"]

    assert case.describe("ours", "gpu", 1)["target"] == 9
    assert "target" not in cases.PREDICT[0].describe("ours", "gpu", 1)
    assert case.describe("ours", "gpu", 1, use="build")["use"] == "build"


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
