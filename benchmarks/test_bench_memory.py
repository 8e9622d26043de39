"""The peak of memory, of a process of its own for each member, beyond its built simulator."""

from __future__ import annotations

import pytest

from benchmarks import cases, fresh
from benchmarks.groups import Group
from benchmarks.measure import Measurement


@pytest.mark.parametrize(**cases.of(case for case in cases.MEMORY if case.use == "predict"))
def test_predict(report_memory, case, member):
    report_memory(case, member)


@pytest.mark.parametrize(**cases.of(case for case in cases.MEMORY if case.use == "fit"))
def test_fit(report_memory, case, member):
    report_memory(case, member)


@pytest.fixture
def report_memory(report_group, cache, device_kind):
    """Return the function that measures a case once, and reports a member of it."""
    if not fresh.memory_is_known(device_kind):
        pytest.skip("the peak of a process is known on Linux, and on a GPU")

    def make(case):
        measured = fresh.measure_memory(case, device=device_kind)
        seconds = {member: [figures["seconds"]] for member, figures in measured.items()}
        peaks = {member: figures["peak"] for member, figures in measured.items()}
        return Group(case, Measurement(seconds), case.build_for("ours").n_neurons, peaks=peaks)

    def report(case, member):
        report_group(cache.get(("memory", case.name), lambda: make(case)), member)

    return report
