"""What only a process of its own shows: the time to start, and peak memory."""

from __future__ import annotations

import multiprocessing
import os
import re
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measure import Measurement

if TYPE_CHECKING:
    from benchmarks.case import Case

START_USES = ("build", "first-predict", "changing-steps", "first-fit")  # in this order
START_TARGET = 1 / 1.5  # times as fast as `nengo_dl.Simulator`, with the convolutional network
FIT_STEPS = 5
LENGTHS = (11, 23, 35, 47, 30, 20, 15, 41)  # steps of calls, to see what changing them costs
LONG_SECONDS = 10.0  # what takes longer is not called again to be timed without its compilation
_CLEAR_REFS = Path("/proc/self/clear_refs")


def measure_start(case: Case, rounds: int = 3, device: str = "auto") -> dict[str, Measurement]:
    """Measure the start in a process of its own for each member and round, by `START_USES`."""
    seconds: dict[str, dict[str, list[float]]] = {
        use: {member: [] for member in case.members} for use in START_USES
    }
    for _ in range(rounds):
        for member in case.members:
            for use, value in _run_fresh(_start, case, member, device).items():
                seconds[use][member].append(value)
    return {use: Measurement(turns) for use, turns in seconds.items()}


def measure_memory(
    case: Case, members: Iterable[str] | None = None, device: str = "auto"
) -> dict[str, dict[str, float]]:
    """Measure, by member, the "peak" of memory beyond the simulator (bytes), and "seconds"."""
    return {member: _run_fresh(_memory, case, member, device) for member in members or case.members}


def memory_is_known(device: str) -> bool:
    """Say whether the peak of memory can be measured: on a GPU, and on Linux."""
    return device == "gpu" or _CLEAR_REFS.exists()


def _run_fresh(
    measure: Callable[..., dict[str, float]], case: Case, member: str, device: str
) -> dict[str, float]:
    """Measure one member in a process of its own, which finds the case by its key."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=context) as process:
        return process.submit(_in_process, measure, case.key, member, device).result()


def _in_process(
    measure: Callable[..., dict[str, float]], key: str, member: str, device: str
) -> dict[str, float]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.simplefilter("ignore")

    from benchmarks import cases, machine
    from nengo_layers_plus._upstream import tf

    tf.get_logger().setLevel("ERROR")
    return measure(cases.BY_KEY[key], member, machine.choose_device(device))


def _start(case: Case, member: str, _: str) -> dict[str, float]:
    from benchmarks.members import bind, open_simulator

    built = case.build_for(member)
    start = time.perf_counter()
    with open_simulator(case, member, built) as sim:
        build = time.perf_counter() - start
        runs = [bind(replace(case, n_steps=n), built, sim) for n in (case.n_steps, *LENGTHS)]
        first, *others = map(_seconds, runs)
        fit = _seconds(bind(replace(case, n_steps=FIT_STEPS, use="fit"), built, sim))
    return dict(zip(START_USES, (build, first, sum(others), fit), strict=True))


def _memory(case: Case, member: str, device: str) -> dict[str, float]:
    from benchmarks.members import bind, open_simulator

    built = case.build_for(member)
    with open_simulator(case, member, built) as sim:
        run = bind(case, built, sim)
        peak = _peak_of_gpu() if device == "gpu" else _peak_of_process()
        seconds = _seconds(run)  # traced, and compiled
        if seconds < LONG_SECONDS:
            seconds = statistics.median(_seconds(run) for _ in range(3))
        return {"peak": peak(), "seconds": seconds}


def _seconds(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _peak_of_process() -> Callable[[], int]:
    """Return a function for the peak of memory (bytes) since now, beyond what is in use now."""

    def status(name: str) -> int:
        (kilobytes,) = re.findall(rf"^{name}:\s*(\d+)", Path("/proc/self/status").read_text(), re.M)
        return int(kilobytes) * 1024

    _CLEAR_REFS.write_text("5")  # has the peak start anew
    before = status("VmRSS")
    return lambda: status("VmHWM") - before


def _peak_of_gpu(gpu: str = "GPU:0") -> Callable[[], int]:
    """Return the same for the memory that TensorFlow takes on a GPU."""
    from nengo_layers_plus._upstream import tf

    memory = tf.config.experimental
    memory.reset_memory_stats(gpu)
    before = memory.get_memory_info(gpu)["current"]
    return lambda: memory.get_memory_info(gpu)["peak"] - before
