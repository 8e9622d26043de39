"""Types of neurons: "stock" is how nengo_dl alone runs them, which for many is in Python."""

from __future__ import annotations

import pytest

from benchmarks import cases


@pytest.mark.parametrize(**cases.of(cases.NEURONS))
def test_predict(compare_members, case):
    compare_members(case)


@pytest.mark.parametrize(**cases.of(cases.NEURONS_FIT))
def test_fit(compare_members, case):
    compare_members(case)
