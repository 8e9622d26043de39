"""A case says what is wrong with it before anything is built or timed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks import cases, networks
from benchmarks.case import Case, PlainLayers
from benchmarks.members import make_images

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

CASE = Case("mine", networks.one_dense, minibatch=3, n_steps=4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"use": "train"}, "case 'mine': expected a use of predict, fit, got 'train'"),
        ({"members": ("stok", "ours")}, "'mine': expected members of .*, got 'stok'"),
        ({"members": ()}, "'mine': expected members of stock, layer, ours, keras, got none"),
        ({"members": ("stock", "keras")}, 'has the member "keras"; give plain=PlainLayers'),
        ({"minibatch": 0}, "'mine': expected minibatch >= 1, got 0"),
        ({"n_steps": -1}, "'mine': expected n_steps >= 1, got -1"),
        ({"batches": 0}, "'mine': expected batches >= 1, got 0"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CASE, **wrong)


def test_plain_layers_are_needed_for_keras_alone() -> None:
    plain = PlainLayers(networks.one_dense_layers, networks.VECTOR_SHAPE)

    assert replace(CASE, members=("stock", "keras"), plain=plain).plain is plain


def test_a_function_that_builds_nothing_is_named() -> None:
    def forgetful(layer: Any, neurons: Any) -> None:
        pass

    with pytest.raises(TypeError, match=r"expected forgetful to return a BenchmarkNetwork.*None"):
        replace(CASE, build=forgetful).build_for("ours")


@pytest.mark.parametrize("still", [False, True])
def test_images_stand_still_if_they_shall(still: bool) -> None:
    images = make_images(replace(CASE, still=still), 50)

    assert images.shape == (3, 4, 50)
    assert images.dtype == np.float32
    assert (images == images[:, :1]).all() == still
    assert len(np.unique(images[:, 0])) == 3 * 50
    assert 0 <= images.min() < 0.1 < 0.9 < images.max() <= 1


def test_groups_are_named_by_what_is_timed() -> None:
    assert CASE.group == "own: mine predict 3x4"
    assert CASE.group_of("build") == "own: mine build 3x4"


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
