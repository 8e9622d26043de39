"""The parts of a call's time are what its profile says, and sum up to what it took."""

from __future__ import annotations

import time
from dataclasses import astuple
from typing import Any

import numpy as np
import pytest

from benchmarks.parts import Parts, measure_parts, parts_of, seconds_of_data
from nengo_layers_plus._upstream import tf

pytest.importorskip("tensorflow.tsl.profiler.protobuf.xplane_pb2")

CONV = "keras_model/TensorGraph/while/body/_1/SimTensorNode_1/BiasAdd:_FusedConv2D"
RUN = "KernelAndDeviceFunc::Run"
XLA = "CpuExecutable::ExecuteAsyncOnStream"


def plane(name: str, **lines: list[tuple[Any, ...]]) -> Any:
    """Return a plane of lines of events: a name, start and end in seconds, and stats."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    made = xplane_pb2.XPlane(name=name)

    def number(metadata: Any, text: str) -> int:
        known = {each.name: key for key, each in metadata.items()}
        key = known.get(text, len(metadata) + 1)
        metadata[key].name = text
        return key

    for line_name, events in lines.items():
        line = made.lines.add(name=line_name.replace("_", " "), timestamp_ns=10**9)
        for event, start, end, *stats in events:
            added = line.events.add(
                metadata_id=number(made.event_metadata, event),
                offset_ps=round(start * 1e12),
                duration_ps=round((end - start) * 1e12),
            )
            for key, text in stats:
                stat = added.stats.add(metadata_id=number(made.stat_metadata, key))
                stat.ref_value = number(made.stat_metadata, text)
    return made


def parts(*planes: Any, wall: float = 10, **kwargs: Any) -> tuple[float, ...]:
    found = parts_of(planes, wall, **kwargs)
    assert found is not None
    assert found.seconds == pytest.approx(wall / kwargs.get("n_calls", 1))
    return astuple(found)


def test_what_is_no_operation_is_other_while_tensorflow_runs_and_else_the_call():
    host = plane("/host:CPU", python=[("run", 0, 9), (RUN, 1, 8)], pool=[(CONV, 2, 4), (XLA, 5, 6)])

    assert parts(host) == pytest.approx((2, 1, 0, 4, 3))
    assert parts(host, n_calls=2) == pytest.approx((1, 0.5, 0, 2, 1.5))


def test_of_events_within_each_other_the_innermost_counts_once():
    pool = [
        ("while:While", 0, 10),  # which only waits
        (XLA, 1, 5),
        ("ThunkExecutor::Execute", 2, 5),
        ("select_fusion", 2, 3),
        ("keras_model/a:AddV2", 6, 9),
        (CONV, 7, 8),
    ]

    host = plane("/host:CPU", python=[(RUN, 0, 10), (RUN, 2, 4)], pool=pool)

    assert parts(host) == pytest.approx((1, 4, 0, 5, 0))


def test_threads_that_work_at_once_share_the_time():
    host = plane(
        "/host:CPU",
        python=[(RUN, 0, 10)],
        one=[(CONV, 0, 8)],
        other=[(CONV, 0, 2), (XLA, 2, 6)],
    )

    assert parts(host) == pytest.approx((6, 2, 0, 2, 0))


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("sequential/conv2d_9/BiasAdd:_MklNativeFusedConv2D", 0),
        ("sequential_1/dense/MatMul:MatMul", 0),
        ("keras_model/TensorGraph/while/iteration_0/SimTensorNodeBuilder_2/x:MatMul", 0),
        ("keras_model/TensorGraph/DotSet/MatMul:_MklMatMul", 0),
        ("keras_model/TensorGraph/CopyBuilder_2/add:_MklNativeFusedMatMul", 0),
        ("keras_model/TensorGraph/while/iteration_0/SimNeuronsBuilder_1/Expm1:Expm1", 1),
        ("keras_model/TensorGraph/SimNeurons/add:AddV2", 1),
        ("keras_model/TensorGraph/loop/while/add:AddV2", 1),
        ("keras_model/TensorGraph/while/iteration_0/CopyBuilder_2/x:TensorScatterAdd", 3),
    ],
)
def test_operations_belong_to_parts_by_their_names(name, part):
    found = parts(plane("/host:CPU", pool=[(name, 0, 5)]))

    assert found[part] == pytest.approx(5)


def test_on_a_gpu_kernels_count_and_the_rest_is_waiting():
    host = plane("/host:CPU", python=[(RUN, 0, 9)], pool=[(CONV, 0, 9)])
    gpu = plane(
        "/device:GPU:0",
        **{
            "Stream_#1(Kernel)": [
                ("implicit_gemm", 0, 2, ("tf_op", CONV)),
                ("loop_fusion", 2, 5, ("tf_op", "call:XlaRun"), ("hlo_module", "cluster")),
            ],
            "Stream_#2(MemcpyD2H)": [("MemcpyD2H", 5, 6), ("MemcpyD2D", 6, 6.5)],
            "XLA_Ops": [("loop_fusion", 0, 9)],  # the same once more
        },
    )

    assert parts(host, gpu, device="gpu") == pytest.approx((2, 3, 1, 0.5, 3.5))


def test_a_profile_without_events_of_the_device_tells_nothing():
    host = plane("/host:CPU", python=[(RUN, 0, 9)])

    assert parts_of([], 1.0) is None
    assert parts_of([host, plane("/device:GPU:0")], 10, device="gpu") is None
    assert parts_of([host], 10, device="gpu") is None


def test_parts_sum_up_to_what_a_call_took_with_the_profiler():
    @tf.function
    def function(x: Any) -> Any:
        with tf.name_scope("SimTensorNode"):
            return tf.matmul(x, x)

    x = tf.constant(np.eye(600, dtype=np.float32))
    calls = []

    def run() -> Any:
        start = time.perf_counter()
        time.sleep(0.01)
        result = function(x).numpy()
        calls.append(time.perf_counter() - start)
        return result

    run()
    found = measure_parts(run, 0.1)

    assert found is not None
    profiled = calls[1 : len(calls) // 2 + 1]  # the others were to find what data took
    assert np.mean(profiled) <= found.seconds == pytest.approx(np.mean(profiled), rel=0.2)
    assert found.calls >= 0.01  # it slept
    assert found.layers > 0
    assert found.neurons == 0
    assert list(found.info) == [
        *("part_layers", "part_neurons", "part_data", "part_other", "part_calls")
    ]


def test_no_part_is_negative_where_work_goes_on_behind_the_calls():
    host = plane("/host:CPU", pool=[(CONV, 0, 12)])

    assert parts_of([host], 10) == Parts(pytest.approx(10), 0, 0, 0, pytest.approx(0))


def test_copies_of_data_are_told_from_the_rest_of_a_call():
    numbers = np.ones(5_000_000, np.float32)
    function = tf.function(lambda x: x[:1])
    copying = []

    def run() -> Any:
        time.sleep(0.01)  # which is no copy
        start = time.perf_counter()
        copy = numbers.copy()
        copying.append(time.perf_counter() - start)
        return function(tf.constant(copy[:10])).numpy()

    run()
    copying.clear()

    assert seconds_of_data(run, 3) == pytest.approx(np.mean(copying), rel=0.2)


def test_what_is_copied_is_no_longer_part_of_the_call():
    numbers = np.ones(5_000_000, np.float32)
    function = tf.function(lambda x: x[:1])

    def run() -> Any:
        time.sleep(0.05)
        return function(tf.constant(numbers)).numpy()

    run()
    found = measure_parts(run, 0.06)

    assert found is not None
    assert found.data > 0.0002  # 20 MB
    assert 0.01 < found.calls < found.seconds - found.data
