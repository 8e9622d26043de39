"""Networks as a whole, simulated and trained: one group a network, use and size."""

from __future__ import annotations

import pytest

from benchmarks import cases


@pytest.mark.parametrize(**cases.of(cases.PREDICT))
def test_predict(compare_members, case):
    compare_members(case)


@pytest.mark.parametrize(**cases.of(cases.FIT))
def test_fit(compare_members, case):
    compare_members(case)
