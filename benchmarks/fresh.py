"""What only a process of its own shows: the time to start, and peak memory.

``python -m benchmarks.fresh stock|ours start|memory|spikes`` measures and prints values as JSON.
The first two are of the convolutional network with 10 samples at once; the last is of a step of
training through spikes and time: three layers of 256 neurons, 50 steps, 100 samples.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.measure import Measurement

ROW = "conv-predict-10x50"
SPIKES_ROW = "spikes-fit-100x50"
FIT_STEPS = 5
LENGTHS = (11, 23, 35, 47, 30, 20, 15, 41)
"""Steps of one call after another."""

START_TARGETS = {
    "start-build": 1 / 1.5,
    "start-first-predict": 1 / 1.5,
    "start-changing-steps": 1 / 1.5,
    "start-first-fit": 1 / 1.5,
}
"""How many times as fast as `nengo_dl.Simulator` each shall be."""

MEMORY_STEPS = 10_000
MEMORY_TARGET = 2 * 1024**3  # bytes beyond what the probes keep


def measure_start(rounds: int = 3) -> dict[str, Measurement]:
    """
    Measure how long it takes to build a network and to call it first, in turns with nengo_dl.

    Parameters
    ----------
    rounds : int
        Each starts two processes.

    Returns
    -------
    measured : dict of Measurement
        By the names in `START_TARGETS`.
    """
    seconds = {name: {"stock": [], "ours": []} for name in START_TARGETS}
    for _ in range(rounds):
        for which in ("stock", "ours"):
            for name, value in run_fresh(which, "start").items():
                seconds[name][which].append(value)
    return {name: Measurement(each) for name, each in seconds.items()}


def run_fresh(which: str, what: str, n_steps: int = MEMORY_STEPS) -> dict[str, float]:
    """
    Measure one simulator in a process of its own.

    Parameters
    ----------
    which : {"stock", "ours"}
        `nengo_dl.Simulator`, or `nengo_layers_plus.Simulator`.
    what : {"start", "memory", "spikes"}
        What to measure.
    n_steps : int
        Time steps, for memory.

    Returns
    -------
    values : dict of float
        Seconds, by the names in `START_TARGETS`; or "peak" and "probes" in bytes, and "seconds";
        or "peak" in bytes, and "seconds" of a step of training.
    """
    command = [sys.executable, "-m", "benchmarks.fresh", which, what, "--steps", str(n_steps)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure in this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fresh", description=__doc__)
    parser.add_argument("which", choices=["stock", "ours"])
    parser.add_argument("what", choices=["start", "memory", "spikes"])
    parser.add_argument("--steps", type=int, default=MEMORY_STEPS, help="for memory")
    options = parser.parse_args()
    if options.what == "start":
        values = _start(options.which)
    elif options.what == "memory":
        values = _memory(options.which, options)
    else:
        values = _spikes(options.which)
    print(json.dumps(values))


def _start(which: str) -> dict[str, float]:
    from benchmarks.rows import ROWS, bind, open_simulator

    row = ROWS[ROW]
    built = row.build()
    calls = [bind(replace(row, n_steps=n_steps), built) for n_steps in (row.n_steps, *LENGTHS)]
    fit = bind(replace(row, n_steps=FIT_STEPS, use="fit"), built)
    seconds = {}
    start = time.perf_counter()
    with open_simulator(_class(which), built, row.minibatch) as sim:
        seconds["start-build"] = time.perf_counter() - start
        first, *others = [_seconds(call(sim)) for call in calls]
        seconds["start-first-predict"] = first
        seconds["start-changing-steps"] = sum(others)
        seconds["start-first-fit"] = _seconds(fit(sim))
    return seconds


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _memory(which: str, options: argparse.Namespace) -> dict[str, float]:
    from benchmarks.rows import ROWS, open_simulator

    row = ROWS[ROW]
    built = row.build()
    with open_simulator(_class(which), built, row.minibatch) as sim:
        before = _restart_peak()
        start = time.perf_counter()
        output = sim.predict(n_steps=options.steps, verbose=0)[built.probe]
        seconds = time.perf_counter() - start
        peak = _status("VmHWM") - before
    return {"peak": peak, "probes": output.nbytes, "seconds": seconds}


def _spikes(which: str) -> dict[str, float]:
    from benchmarks.rows import ROWS, bind, open_simulator

    row = ROWS[SPIKES_ROW]
    built = row.build()
    with open_simulator(_class(which), built, row.minibatch) as sim:
        before = _restart_peak()
        train = bind(row, built)(sim)
        train()  # traced, and compiled
        seconds = min(_seconds(train) for _ in range(3)) / row.batches
        peak = _status("VmHWM") - before
    return {"peak": peak, "seconds": seconds}


def _restart_peak() -> int:
    """Have the peak of memory start anew; return what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _class(which: str) -> type:
    from nengo_layers_plus import Simulator, nengo_dl

    return {"stock": nengo_dl.Simulator, "ours": Simulator}[which]


def _status(name: str) -> int:
    """Return a value of this process in bytes; Linux alone has it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {name}")


if __name__ == "__main__":
    main()
