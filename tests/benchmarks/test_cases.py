"""Names stay, since stored runs are compared by them."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from benchmarks import cases

SUITES = {
    "predict": cases.PREDICT,
    "fit": cases.FIT,
    "neurons": cases.NEURONS,
    "start": cases.START,
    "memory": cases.MEMORY,
    "scaling": cases.SCALING,
    "profile": cases.PROFILE,
}

WITH_TARGETS = {
    "adaptive-lif-predict-256x50",
    "adaptive-lif-predict-32x50",
    "conv-adaptive-predict-10x20",
    "conv-builder-predict-10x50",
    "conv-fit-200x1",
    "conv-lowpass-fit-20x10",
    "conv-still-predict-10x50",
    "conv-still-predict-1x50",
    "conv-still-predict-200x30",
    "dense-fit-1000x1",
    "dense-still-predict-1000x20",
    "dense-still-predict-100x100",
    "izhikevich-predict-256x50",
    "izhikevich-predict-32x50",
    "own-lif-beside-lif-256x50",
    "own-lif-beside-lif-32x50",
    "own-lif-predict-256x50",
    "own-lif-predict-32x50",
    "own-refractory-lif-beside-lif-256x50",
    "own-refractory-lif-beside-lif-32x50",
    "recurrent-predict-1x1000",
    "spikes-fit-100x50",
}


def test_what_has_a_target_keeps_its_name():
    assert {name for name, case in cases.BY_NAME.items() if case.target} == WITH_TARGETS


@pytest.mark.parametrize("suite", SUITES)
def test_ids_of_tests_are_plain_and_differ(suite):
    ids = cases.of(SUITES[suite])["ids"]

    assert all(re.fullmatch(r"[a-z0-9-]+", each) for each in ids)
    assert "0x7f" not in "".join(ids)
    if suite != "memory" and suite != "scaling":  # there a test is of one use, or of one axis
        assert not [each for each, count in Counter(ids).items() if count > 1]


def test_some_ids_as_stored_runs_have_them():
    assert {"dense-10x100-ours", "conv-10x10-keras", "residual-10x10-layer"} <= set(
        cases.of(cases.PREDICT)["ids"]
    )
    assert {"dense-100x1-stock", "conv-10x10-ours"} <= set(cases.of(cases.FIT)["ids"])


@pytest.mark.parametrize("suite", SUITES)
def test_groups_say_what_they_are_of(suite):
    for case in SUITES[suite]:
        assert case.group.startswith(f"{case.suite}: ")
        assert case.group.endswith(f" {case.use} {case.minibatch}x{case.n_steps}")


def test_what_stands_still_is_told_by_its_name():
    for case in cases.BY_NAME.values():
        assert case.still == case.label.endswith("-still")


def test_members_are_compared_with_stock():
    for case in (*cases.BY_NAME.values(), *cases.START, *cases.SCALING):
        assert case.members[0] == "stock"
        assert "ours" in case.members
        assert ("keras" in case.members) <= (case.plain is not None)


def test_the_quick_run_has_predict_fit_start_and_memory():
    quick = {suite: [case.name for case in each if case.quick] for suite, each in SUITES.items()}

    assert all(quick[suite] for suite in ("predict", "fit", "neurons", "start", "memory"))
    assert not quick["scaling"]
    assert len(quick["profile"]) == 2


def test_another_process_finds_the_same_case():
    for case in (*cases.START, *cases.MEMORY, *cases.SCALING):
        assert cases.BY_KEY[case.key] is case


def test_what_grows_grows_by_factors():
    for axis, value in (("steps", "n_steps"), ("minibatch", "minibatch")):
        sizes = [getattr(case, value) for case in cases.SCALING if case.axis == axis]
        assert {b // a for a, b in pairwise(sizes)} == {4}
