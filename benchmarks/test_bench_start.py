"""How long it takes until a network has been built, simulated and trained for the first time.

Each round is a process of its own for each member.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import cases, fresh
from benchmarks.groups import Group


@pytest.mark.parametrize(**cases.of(cases.START))
@pytest.mark.parametrize("use", fresh.START_USES)
def test_start(report_group, cache, quick, device_kind, case, member, use):
    started = cache.get(
        ("start", case.name),
        lambda: fresh.measure_start(case, 1 if quick else 3, device_kind),
    )
    if case.network == "conv":
        case = replace(case, target=fresh.START_TARGET)
    n_neurons = case.build_for("ours").n_neurons
    report_group(Group(case, started[use], n_neurons), member, use=use, samples_steps=0)
