"""Time and peak memory against what grows: neurons, steps, or samples at once."""

from __future__ import annotations

import pytest

from benchmarks import cases


@pytest.mark.parametrize(**cases.of(case for case in cases.SCALING if case.axis == "neurons"))
def test_neurons(compare_members, case):
    compare_members(case, memory=True)


@pytest.mark.parametrize(**cases.of(case for case in cases.SCALING if case.axis == "steps"))
def test_steps(compare_members, case):
    compare_members(case, memory=True)


@pytest.mark.parametrize(**cases.of(case for case in cases.SCALING if case.axis == "minibatch"))
def test_minibatch(compare_members, case):
    compare_members(case, memory=True)
