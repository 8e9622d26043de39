"""Where the time of a call goes, as TensorFlow's profiler sees it.

The profiler notes when each operation ran, and on which thread of the CPU or stream of the GPU. How
long NumPy copies what goes in and comes out, that of Python says.
"""

from __future__ import annotations

import cProfile
import math
import pstats
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nengo_layers_plus._upstream import tf

LEAST_CALLS, MOST_CALLS = 3, 50
ENOUGH_SECONDS = 0.3  # with so many seconds of calls, or `LEAST_CALLS`, a profile is long enough
_PICOSECONDS = 1e12

_OPERATION = re.compile(r"[\w./-]+:(\w+)")
# types of operations that wait for others, which have events of their own
_WAITING = re.compile(r"(Stateful|Stateless)?(PartitionedCall|While|If|Case)")
_LAYERS = re.compile(
    r"(^|/)(sequential|(SimTensorNode|DotInc|DotSet|SparseDotInc|ConvInc|ConvSet)(Builder)?)(_\d+)?/"
)
# TensorFlow fuses these with what follows, and then gives them its name
_PRODUCTS = re.compile(r":\w*(MatMul|Conv[23]D|Conv2d)")
_COPIES = re.compile(r"Memcpy(H2D|D2H)")
_OF_DATA = re.compile(r"\bnumpy\b| convert_to_eager_tensor$")  # file and name of a function
_NEURONS = re.compile(r"(^|/)(SimNeurons(Builder)?|loop)(_\d+)?/")
_COMPILED = ("CpuExecutable::ExecuteAsyncOnStream", "ThunkExecutor::Execute")
# a function or an operation is run, until all that it consists of is done
_RUNNING = "KernelAndDeviceFunc::Run"

Span = tuple[int, int, str]  # start and end in picoseconds, and the part


@dataclass(frozen=True)
class Parts:
    """Seconds of a call by part."""

    layers: float  # operations of Keras layers, other products and convolutions
    neurons: float  # steps of neurons and synapses, compiled by XLA or not
    data: float  # copies and conversions of what goes in and out, also to a GPU and from it
    other: float  # what else TensorFlow does while it runs a function, with launching operations
    calls: float  # Python, launching of functions; on a GPU all the time in which it waits

    @property
    def seconds(self) -> float:
        """All of them: what a call took."""
        return sum(asdict(self).values())

    @property
    def info(self) -> dict[str, float]:
        """What reports read."""
        return {f"part_{name}": seconds for name, seconds in asdict(self).items()}


def measure_parts(run: Callable[[], Any], seconds: float, device: str = "cpu") -> Parts | None:
    """
    Return the parts of a call, of a function that is warm and returns when all is done.

    The seconds are those of a call without the profiler. None if the profile has nothing of the
    device, as where a driver forbids it.
    """
    n_calls = max(LEAST_CALLS, min(MOST_CALLS, math.ceil(ENOUGH_SECONDS / seconds)))
    # of Python there would be an event a function, which slows it
    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3, python_tracer_level=0)
    with tempfile.TemporaryDirectory() as folder:
        tf.profiler.experimental.start(folder, options)
        try:
            start = time.perf_counter()
            for _ in range(n_calls):
                run()
            wall = time.perf_counter() - start
        finally:
            tf.profiler.experimental.stop()
        parts = parts_of(_read_planes(Path(folder)), wall, n_calls, device)
    if parts is None or device == "gpu":
        return parts
    data = min(parts.calls, seconds_of_data(run, n_calls))
    return replace(parts, data=data, calls=parts.calls - data)


def seconds_of_data(run: Callable[[], Any], n_calls: int = LEAST_CALLS) -> float:
    """
    Return how long a call of a warm function takes to copy and convert data on the CPU.

    TensorFlow's profiler does not see that. Python's slows Python, and not the functions of NumPy
    and TensorFlow.
    """
    profile = cProfile.Profile()
    profile.enable()
    try:
        for _ in range(n_calls):
            run()
    finally:
        profile.disable()
    functions = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own = (
        seconds
        for (file, _, name), (_, _, seconds, _, _) in functions.items()
        if _OF_DATA.search(f"{file} {name}")
    )
    return sum(own) / n_calls


def _read_planes(folder: Path) -> Iterator[Any]:
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    for path in sorted(folder.rglob("*.xplane.pb")):
        yield from xplane_pb2.XSpace.FromString(path.read_bytes()).planes


def parts_of(
    planes: Iterable[Any], wall: float, n_calls: int = 1, device: str = "cpu"
) -> Parts | None:
    """
    Add up the events of a profile of calls that took so many seconds together; None without events.

    Of events within each other on a thread, the innermost counts that belongs to a part. An instant
    at which several threads or streams work is divided among them, so that the parts sum up to the
    time of a call, however many cores there are. The plane of the CPU has a line a thread, that of
    a GPU a line a stream; events of the CPU say nothing of how long a GPU works.
    """
    spans_of, prefix = (_kernels, "/device:GPU:") if device == "gpu" else (_operations, "/host:CPU")
    spans = [span for plane in planes if plane.name.startswith(prefix) for span in spans_of(plane)]
    if not spans:
        return None
    shares = _divide(spans)
    busy = sum(shares.values()) / _PICOSECONDS
    # What goes on behind the calls, as the end of a copy, may make the sum a bit larger.
    factor = min(1.0, wall / busy) / _PICOSECONDS / n_calls
    seconds = {name: shares[name] * factor for name in ("layers", "neurons", "data", "other")}
    return Parts(**seconds, calls=max(0.0, wall / n_calls - sum(seconds.values())))


def _operations(plane: Any) -> Iterator[Span]:
    """Yield the spans of work on threads of the CPU, and those in which TensorFlow runs."""
    kinds = {key: _part_of(metadata.name) for key, metadata in plane.event_metadata.items()}
    for line in plane.lines:
        spans = list(_spans(line, lambda event: kinds.get(event.metadata_id, "")))
        yield from _innermost(span for span in spans if span[2] != _RUNNING)
        yield from (span for span in spans if span[2] == _RUNNING)


def _part_of(name: str) -> str:
    """Return the part of an event by its name; an empty text for none."""
    if name in _COMPILED:
        return "neurons"
    if name == _RUNNING:
        return _RUNNING
    operation = _OPERATION.fullmatch(name)
    if operation is None or _WAITING.fullmatch(operation[1]):
        return ""
    return _part_of_operation(name)


def _part_of_operation(name: str) -> str:
    if _NEURONS.search(name):
        return "neurons"
    return "layers" if _LAYERS.search(name) or _PRODUCTS.search(name) else "other"


def _kernels(plane: Any) -> Iterator[Span]:
    """Yield the spans of kernels and copies on a GPU."""
    names = {key: metadata.name for key, metadata in plane.stat_metadata.items()}
    copies = {
        key for key, metadata in plane.event_metadata.items() if _COPIES.search(metadata.name)
    }

    def part(event: Any) -> str:
        if event.metadata_id in copies:
            return "data"
        # Each says which operation launched it, and which module if XLA compiled it.
        stats = {names.get(stat.metadata_id): stat for stat in event.stats}
        if "hlo_module" in stats:
            return "neurons"
        operation = stats.get("tf_op")
        if operation is None:
            return "other"
        text = operation.str_value or names.get(operation.ref_value, "")
        return _part_of_operation(text)

    for line in plane.lines:
        if line.name.startswith("Stream "):
            yield from _innermost(_spans(line, part))


def _spans(line: Any, part: Callable[[Any], str]) -> Iterator[Span]:
    for event in line.events:
        name = part(event)
        if name and event.duration_ps > 0:
            start = line.timestamp_ns * 1000 + event.offset_ps
            yield start, start + event.duration_ps, name


def _innermost(spans: Iterable[Span]) -> Iterator[Span]:
    """Divide spans of a thread, which lie within each other, into spans that don't."""
    around: list[tuple[int, str]] = []  # ends and parts of those that are open
    now = 0

    def close(until: float) -> Iterator[Span]:
        nonlocal now
        while around and around[-1][0] <= until:
            end, part = around.pop()
            if end > now:
                yield now, end, part
                now = end

    for start, end, part in sorted(spans, key=lambda span: (span[0], -span[1])):
        yield from close(start)
        if around and start > now:
            yield now, start, around[-1][1]
        now = max(now, start)
        around.append((end, part))
    yield from close(math.inf)


def _divide(spans: Iterable[Span]) -> Counter[str]:
    """Divide each instant among the parts at work, or give it to "other" if TensorFlow runs."""
    changes = sorted(
        change for start, end, part in spans for change in ((start, 1, part), (end, -1, part))
    )
    shares: Counter[str] = Counter()
    active: Counter[str] = Counter()
    before = 0
    for instant, step, part in changes:
        working = {name: n for name, n in active.items() if n and name != _RUNNING}
        if active[_RUNNING] and not working:
            working = {"other": 1}
        for name, n in working.items():
            shares[name] += (instant - before) * n / sum(working.values())
        before = instant
        active[part] += step
    return shares
