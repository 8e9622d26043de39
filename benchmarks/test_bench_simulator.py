"""The Simulator beside `nengo_dl.Simulator` and plain tf.keras: one group a row.

What pytest-benchmark shows is the time of ours; how many times as fast that is stands in its extra
information, and in the table at the end.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from benchmarks import fresh
from benchmarks.measure import Measurement, measure
from benchmarks.rows import ROWS, open_members
from benchmarks.table import add_measurement, summarise

pytestmark = [
    pytest.mark.timeout(0),
    pytest.mark.filterwarnings("ignore:.*falling back to Python implementation"),
    # Adam warns so of gradients that nengo_dl turns into sparse ones.
    pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices"),
]


class Recorded:
    """A clock that is moved on by what was timed before, in another process."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time in seconds, as timers of pytest-benchmark do."""
        return self.now

    def record(self, benchmark, seconds: Iterable[float]) -> None:
        """Give the seconds to pytest-benchmark, each as a round of what is measured."""
        left = list(seconds)

        def advance() -> None:
            self.now += left.pop(0)

        benchmark.pedantic(advance, rounds=len(left))


RECORDED = Recorded()


@pytest.mark.parametrize("name", ROWS)
def test_row(benchmark, table, quick, name):
    row = ROWS[name].small() if quick else ROWS[name]
    benchmark.group = name
    with open_members(row) as members:
        measured = measure(members, rounds=2 if quick else 5, same=row.same)
        benchmark.pedantic(members["ours"], rounds=2 if quick else 5)
    benchmark.extra_info |= summarise(measured, row.target, row.samples_steps)
    benchmark.extra_info |= {"minibatch": row.minibatch, "n_steps": row.n_steps}
    add_measurement(table, name, measured, row.target, row.samples_steps)


@pytest.fixture(scope="module")
def started(quick) -> dict[str, Measurement]:
    """Return what was measured of the start; each round is two processes."""
    return fresh.measure_start(rounds=1 if quick else 3)


@pytest.mark.benchmark(timer=RECORDED)
@pytest.mark.parametrize("name", fresh.START_TARGETS)
def test_start(benchmark, table, started, name):
    benchmark.group = name
    measured = started[name]
    RECORDED.record(benchmark, measured.seconds["ours"])
    benchmark.extra_info |= summarise(measured, fresh.START_TARGETS[name])
    add_measurement(table, name, measured, fresh.START_TARGETS[name])


@pytest.mark.benchmark(timer=RECORDED)
def test_training_through_spikes_in_memory(benchmark, table, quick):
    if quick:
        pytest.skip("it starts two processes")
    benchmark.group = "memory-spikes-fit"
    stock, ours = (fresh.run_fresh(which, "spikes") for which in ("stock", "ours"))
    RECORDED.record(benchmark, [ours["seconds"]])
    benchmark.extra_info |= {"stock": stock, "ours": ours}
    gib = " and ".join(f"{each['peak'] / 1024**3:.2f}" for each in (stock, ours))
    seconds = [f"{each['seconds']:.3f}" for each in (stock, ours)]
    table.add_row(benchmark.group, *seconds, f"{gib} GiB")


@pytest.mark.benchmark(timer=RECORDED)
def test_peak_memory(benchmark, table, quick):
    if quick:
        pytest.skip("10,000 steps take long")
    benchmark.group = "memory-conv-10x10000"
    values = fresh.run_fresh("ours", "memory")
    RECORDED.record(benchmark, [values["seconds"]])
    beyond = values["peak"] - values["probes"]
    benchmark.extra_info |= values | {
        "beyond_probes": beyond,
        "beyond_probes_target": fresh.MEMORY_TARGET,
    }
    gib = f"{beyond / 1024**3:.2f} GiB, at most {fresh.MEMORY_TARGET / 1024**3:g}"
    table.add_row(benchmark.group, "", f"{values['seconds']:.3f}", gib)
