"""What only a process of its own shows: the time to start, and peak memory.

``python -m benchmarks.fresh CASE MEMBER start|memory`` measures one member and prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import device
from benchmarks.measure import Measurement

if TYPE_CHECKING:
    from benchmarks.case import Case

START_USES = ("build", "first-predict", "changing-steps", "first-fit")
"""What is timed of the start, in this order."""

START_TARGET = 1 / 1.5
"""How many times as fast as `nengo_dl.Simulator` each shall be, with the convolutional network."""

FIT_STEPS = 5
LENGTHS = (11, 23, 35, 47, 30, 20, 15, 41)
"""Steps of one call after another, to see what changing them costs."""

LONG_SECONDS = 10.0
"""What takes longer is not called again to be timed without its compilation."""


def measure_start(case: Case, rounds: int = 3, device: str = "auto") -> dict[str, Measurement]:
    """
    Measure how long it takes to build a network and to call it first, members in turns.

    Parameters
    ----------
    case : Case
        What is called, one of `benchmarks.cases.START`.
    rounds : int
        Each starts one process a member.
    device : {"auto", "cpu", "gpu"}
        Where it runs.

    Returns
    -------
    measured : dict of Measurement
        By `START_USES`.
    """
    seconds: dict[str, dict[str, list[float]]] = {
        use: {member: [] for member in case.members} for use in START_USES
    }
    for _ in range(rounds):
        for member in case.members:
            for use, value in run_fresh(case, member, "start", device).items():
                seconds[use][member].append(value)
    return {use: Measurement(each) for use, each in seconds.items()}


def measure_memory(
    case: Case, members: Iterable[str] | None = None, device: str = "auto"
) -> dict[str, dict[str, float]]:
    """
    Measure the peak of memory that a case needs beyond its simulator.

    Parameters
    ----------
    case : Case
        What is called, one of `benchmarks.cases.MEMORY` or `SCALING`.
    members : iterable of str
        Who is measured; by default all.
    device : {"auto", "cpu", "gpu"}
        Where it runs. The memory is that of the device.

    Returns
    -------
    measured : dict of dict
        "peak" in bytes and "seconds" of a call, by member.
    """
    return {member: run_fresh(case, member, "memory", device) for member in members or case.members}


def run_fresh(case: Case, member: str, what: str, device: str = "auto") -> dict[str, float]:
    """
    Measure one member in a process of its own.

    Parameters
    ----------
    case : Case
        What is called; the other process finds it in the catalogue.
    member : {"stock", "layer", "ours"}
        Who is measured.
    what : {"start", "memory"}
        What to measure.
    device : {"auto", "cpu", "gpu"}
        Where it runs.

    Returns
    -------
    values : dict of float
        Seconds, by `START_USES`; or "peak" in bytes and "seconds".
    """
    from benchmarks.cases import key_of

    command = [sys.executable, "-m", "benchmarks.fresh", key_of(case), member, what]
    done = subprocess.run(
        [*command, "--device", device],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def memory_is_known(device: str) -> bool:
    """Say whether the peak of memory can be measured: on a GPU, and on Linux."""
    return device == "gpu" or _CLEAR_REFS.exists()


def main() -> None:
    """Measure in this process."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fresh", description=__doc__)
    parser.add_argument("case", help="suite/name, as in benchmarks/cases.py")
    parser.add_argument("member", choices=["stock", "layer", "ours"])
    parser.add_argument("what", choices=["start", "memory"])
    parser.add_argument("--device", choices=device.CHOICES, default="auto", help="where it runs")
    options = parser.parse_args()

    from benchmarks.cases import find

    chosen, case = device.choose(options.device), find(options.case)
    if options.what == "start":
        values = _start(case, options.member)
    else:
        values = _memory(case, options.member, chosen)
    print(json.dumps(values))


def _start(case: Case, member: str) -> dict[str, float]:
    from benchmarks.members import bind, open_simulator

    built = case.build_for(member)
    start = time.perf_counter()
    with open_simulator(case, member, built) as sim:
        seconds = [time.perf_counter() - start]
        runs = [
            bind(replace(case, n_steps=n_steps), built, sim) for n_steps in (case.n_steps, *LENGTHS)
        ]
        first, *others = [_seconds(run) for run in runs]
        seconds += [first, sum(others)]
        seconds.append(_seconds(bind(replace(case, n_steps=FIT_STEPS, use="fit"), built, sim)))
    return dict(zip(START_USES, seconds, strict=True))


def _memory(case: Case, member: str, device: str) -> dict[str, float]:
    from benchmarks.members import bind, open_simulator

    built = case.build_for(member)
    with open_simulator(case, member, built) as sim:
        run = bind(case, built, sim)
        peak = _GpuPeak() if device == "gpu" else _HostPeak()
        seconds = _seconds(run)  # traced, and compiled
        if seconds < LONG_SECONDS:
            seconds = statistics.median(_seconds(run) for _ in range(3))
        return {"peak": peak.so_far(), "seconds": seconds}


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


_CLEAR_REFS = Path("/proc/self/clear_refs")


class _HostPeak:
    """The largest memory of this process, beyond what is in use now."""

    def __init__(self) -> None:
        _CLEAR_REFS.write_text("5")  # has the peak start anew
        self._before = self._status("VmRSS")

    def so_far(self) -> int:
        """Return it in bytes."""
        return self._status("VmHWM") - self._before

    @staticmethod
    def _status(name: str) -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"/proc/self/status has no {name}")


class _GpuPeak:
    """The largest memory of TensorFlow on the GPU, beyond what is in use now."""

    DEVICE = "GPU:0"

    def __init__(self) -> None:
        from nengo_layers_plus._upstream import tf

        self._memory = tf.config.experimental
        self._memory.reset_memory_stats(self.DEVICE)
        self._before = self._memory.get_memory_info(self.DEVICE)["current"]

    def so_far(self) -> int:
        """Return it in bytes."""
        return self._memory.get_memory_info(self.DEVICE)["peak"] - self._before


if __name__ == "__main__":
    main()
