"""Where the time goes, from networks that launches limit to those that arithmetic does.

The seconds are those without the profiler; under it, more calls are made then.
"""

from __future__ import annotations

import pytest

from benchmarks import cases
from benchmarks.groups import Group
from benchmarks.measure import measure
from benchmarks.members import open_members
from benchmarks.parts import measure_parts
from benchmarks.plugin import QUICK_ROUNDS


@pytest.mark.parametrize(**cases.of(cases.PROFILE))
def test_predict(report_parts, case, member):
    report_parts(case, member)


@pytest.fixture
def report_parts(report_group, cache, quick, device_kind):
    """Return the function that profiles a case once, and reports a member of it."""

    def make(case):
        with open_members(case) as members:
            members.settle()
            measured = measure(members, QUICK_ROUNDS if quick else None, case.same)
            parts = {
                name: measure_parts(run, measured.median(name), device_kind)
                for name, run in members.items()
            }
            return Group(case, measured, members.n_neurons, members.execution, parts=parts)

    def report(case, member):
        report_group(cache.get(("profile", case.name), lambda: make(case)), member)

    return report
