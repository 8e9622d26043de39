"""The report says what is in the files, and nothing else; each file here is made by the test."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report import pictures, words
from benchmarks.report.__main__ import ROOT, main
from benchmarks.report.keep import NotKept, keep
from benchmarks.report.page import Report, make_report
from benchmarks.report.pictures import PowerLaw, fit_power_law
from benchmarks.report.runs import ResultFileError, Run, read_run

XEON = "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
H100 = "NVIDIA H100 80GB HBM3"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
HOME = "/".join(["", "home", "ada"])


def benchmark(
    suite: str,
    label: str,
    member: str,
    seconds: float | None,
    *,
    use: str = "predict",
    minibatch: int = 10,
    n_steps: int = 10,
    device: str = "cpu",
    **info: Any,
) -> dict[str, Any]:
    """Return a benchmark as it stands in a file."""
    size = f"{minibatch}x{n_steps}"
    return {
        "group": f"{suite}: {label} {use} {size}",
        "name": f"test_{use}[{label}-{size}-{member}]",
        "fullname": f"benchmarks/test_bench_{suite}.py::test_{use}[{label}-{size}-{member}]",
        "extra_info": {
            "suite": suite,
            "network": label,
            "use": use,
            "member": member,
            "minibatch": minibatch,
            "n_steps": n_steps,
            "device": device,
            **info,
        },
        "stats": {} if seconds is None else {"median": seconds, "rounds": 5, "data": [seconds] * 5},
    }


def content(
    benchmarks: list[dict[str, Any]], *, gpus: str = "none", dirty: bool = False, **machine: Any
) -> dict[str, Any]:
    """Return what a file has."""
    return {
        "machine_info": {
            "node": "analytical-engine",
            "cpu": {"brand_raw": XEON, "flags": ["avx512"]},
            "cpu_model": XEON,
            "cores": "2",
            "gpus": gpus,
            "python": "3.11.7",
            "tensorflow": "2.21.0",
            **machine,
        },
        "commit_info": {"id": COMMIT, "dirty": dirty, "branch": "main"},
        "benchmarks": benchmarks,
        "datetime": "2026-11-26T02:00:00+00:00",
        "version": "5.3.1",
    }


def pipeline() -> list[dict[str, Any]]:
    """Return a network at three minibatches, where ours is 12.34 times as fast at 10 samples."""
    made = []
    for minibatch, ratio in ((1, 9.0), (10, 12.34), (100, 15.0)):
        for member, times in (("stock", 1.0), ("layer", 1.01), ("ours", ratio), ("keras", 20.0)):
            info = {} if member == "stock" else {"agreement": 0.9996}
            made.append(
                benchmark(
                    *("pipeline", "conv", member, 0.8 / times),
                    minibatch=minibatch,
                    ratio_to_stock=times,
                    ratio_least=0.9 * times,
                    ratio_most=1.1 * times,
                    samples_steps_per_second=minibatch * 10 * times / 0.8,
                    **info,
                )
            )
    return made


def scaling(axis: str = "steps") -> list[dict[str, Any]]:
    """Return times that grow like n ** 1.5 and memory that grows like n."""
    return [
        benchmark(
            *("scaling", "dense", member, factor * 1e-4 * size**1.5),
            n_steps=size,
            axis=axis,
            n_neurons=size,
            peak_memory=int(factor * size * 1024**2),
        )
        for member, factor in (("stock", 8.0), ("ours", 1.0))
        for size in (4, 16, 64, 256)
    ]


def peers() -> list[dict[str, Any]]:
    """Return two libraries beside ours."""
    return [
        benchmark("peers", "dense", "ours", 0.010, use="forward"),
        benchmark("peers", "dense", "norse", 0.025, use="forward", ratio_to_ours=2.5),
        benchmark("peers", "dense", "snntorch", 0.008, use="forward", ratio_to_ours=0.8),
    ]


def profile() -> list[dict[str, Any]]:
    """Return a call of ours of which neurons take a half, and one of plain tf.keras."""
    shares = {"layers": 4, "neurons": 10, "data": 3, "other": 2, "calls": 1}
    ours = {f"part_{name}": share / 2048 for name, share in shares.items()}
    # as in a file from before data was a part of its own
    keras = {"part_layers": 0.003, "part_neurons": 0.0, "part_other": 0.001, "part_calls": 0.0}
    return [
        benchmark("profile", "dense", "ours", 0.008, **ours),
        benchmark("profile", "dense", "keras", 0.0035, **keras),
        benchmark("profile", "dense", "stock", 0.08),  # of which there is no profile
    ]


def write(folder: Path, name: str, found: Any) -> Path:
    """Write a file; return it."""
    path = folder / name
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def run_of(folder: Path, *args: Any, **kwargs: Any) -> Run:
    return read_run(write(folder, "run.json", content(*args, **kwargs)))


def cells(page: str, start: str) -> list[str]:
    """Return the cells of the first row of a table that starts so."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def table_with(page: str, heading: str) -> str:
    """Return the table whose head has this word."""
    return next(block for block in page.split("\n\n") if heading in block.splitlines()[0])


def picture(report: Report, ending: str) -> Any:
    return next(each for each in report.pictures if each.name.endswith(ending))


def test_exponents_are_those_of_the_power_law() -> None:
    sizes = [1, 10, 100, 1000]

    law = fit_power_law(sizes, [3e-4 * size**1.5 for size in sizes])

    assert law is not None
    assert law.exponent == pytest.approx(1.5, abs=1e-6)
    assert law.error == pytest.approx(0, abs=1e-6)
    assert law.last == pytest.approx(1.5, abs=1e-6)
    assert law(50) == pytest.approx(3e-4 * 50**1.5, rel=1e-5)


def test_the_error_of_an_exponent_is_that_of_least_squares() -> None:
    # y is 0, 1, 1, 2 at x of 0 to 3, in powers of ten: a slope of 0.6, residuals of -0.1, 0.3,
    # -0.3 and 0.1, and so a standard error of sqrt(0.2 / 2 / 5).
    law = fit_power_law([1, 10, 100, 1000], [1, 10, 10, 100])

    assert law == PowerLaw(0.6, round(0.02**0.5, 6), 0.1, 1.0)


def test_two_sizes_have_no_exponent() -> None:
    assert fit_power_law([1, 10], [1, 10]) is None
    assert fit_power_law([1, 10, 100], [1, 10, 0]) is None


@pytest.mark.parametrize(
    ("gpus", "device", "cpu", "expected"),
    [
        ("none", "cpu", XEON, "cpu-xeon-8481c-2-cores"),
        (H100, "gpu", XEON, "gpu-h100"),
        (H100, "cpu", XEON, "cpu-xeon-8481c-2-cores"),
        (f"{H100}, {H100}", "gpu", XEON, "gpu-h100-2-gpus"),
        ("Tesla V100-SXM2-16GB", "gpu", XEON, "gpu-tesla-v100-sxm2"),
        ("NVIDIA GeForce RTX 3090", "gpu", XEON, "gpu-geforce-rtx-3090"),
        ("none", "cpu", "AMD EPYC 7B13", "cpu-epyc-7b13-2-cores"),
        ("none", "cpu", "AMD Ryzen 9 5900X 12-Core Processor", "cpu-ryzen-9-5900x-2-cores"),
        ("none", "cpu", "Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", "cpu-core-i7-9750h-2-cores"),
        ("none", "cpu", "Apple M2 Pro", "cpu-apple-m2-pro-2-cores"),
        ("none", "cpu", "", "cpu-xeon-8481c-2-cores"),  # as pytest-benchmark says
        ("none", "cpu", "Intel(R) Xeon(R) Processor @ 2.50GHz", "cpu-xeon-2-cores"),
    ],
)
def test_runs_are_named_by_their_hardware(tmp_path, gpus, device, cpu, expected) -> None:
    one = [benchmark("pipeline", "conv", "ours", 0.1, device=device)]

    assert run_of(tmp_path, one, gpus=gpus, cpu_model=cpu).hardware == expected


@pytest.mark.parametrize(
    ("brand", "numbers", "expected"),
    [
        (
            "Intel(R) Xeon(R) Processor",
            {"family": 6, "model": 207, "stepping": 2},
            "cpu-xeon-family-6-model-207-stepping-2-2-cores",
        ),
        (
            "Intel(R) Xeon(R) Processor @ 2.50GHz",
            {"family": 6, "model": 85, "stepping": 7},
            "cpu-xeon-family-6-model-85-stepping-7-2-cores",
        ),
        ("AMD EPYC-Rome Processor", {"model": 49}, "cpu-epyc-rome-model-49-2-cores"),
        (
            "Common KVM processor",
            {"stepping": 0, "model": None},
            "cpu-common-kvm-stepping-0-2-cores",
        ),
        (XEON, {"family": 6, "model": 143, "stepping": 8}, "cpu-xeon-8481c-2-cores"),
    ],
)
def test_a_cpu_without_a_number_in_its_name_is_named_by_those_of_its_model(
    tmp_path, brand, numbers, expected
) -> None:
    found = content(pipeline(), cpu_model=brand, cpu={"brand_raw": brand, **numbers})
    path = write(tmp_path, "run.json", found)

    kept = keep(path, tmp_path / "results")

    assert kept.stem == expected
    assert read_run(kept).hardware == expected  # what it needs was kept


def test_hardware_that_is_not_known_has_a_name(tmp_path) -> None:
    found = content(pipeline())
    found["machine_info"] = {}

    assert read_run(write(tmp_path, "run.json", found)).hardware == "cpu-unknown"


def test_the_tables_have_the_numbers_of_the_file(tmp_path) -> None:
    page = make_report([run_of(tmp_path, pipeline())]).page

    times = table_with(page, "| stock | layer | ours | keras |")
    ratios = table_with(page, "least to most")
    assert cells(times, "conv predict 10x10")[1:] == ["800 ms", "792 ms", "64.8 ms", "40.0 ms"]
    assert cells(ratios, "conv predict 10x10")[1:] == [
        *("12.3", "11.1 to 13.6", "1.62", "1.01 (0.909 to 1.11)", "99.9 %", "1.54 k"),
    ]
    # what nobody has is no column, and not spoken of
    assert ratios.splitlines()[0] == (
        "|  | stock / ours | least to most | ours / keras | stock / layer | agreement "
        "| ours: samples × steps / s |"
    )
    assert "missed" not in page
    assert "an epoch" not in page
    assert f"| `run.json` | 2026-11-26 | {COMMIT[:9]} | pipeline |" in page
    assert f"| `cpu_model` | {XEON} |" in page
    assert "| `tensorflow` | 2.21.0 |" in page
    assert "analytical-engine" not in page


def test_bars_have_the_ratios_of_the_file(tmp_path) -> None:
    report = make_report([run_of(tmp_path, pipeline())])

    (ax,) = picture(report, "predict-speed-up").figure().axes

    assert [bar.get_x() + bar.get_width() for bar in ax.patches] == pytest.approx([9, 12.34, 15])
    marks = {line.get_marker(): line.get_xdata()[0] for line in ax.lines if len(line.get_xdata())}
    assert marks["D"] == 20
    assert marks["^"] == 1.01
    (whiskers,) = ax.collections
    assert [tuple(ends[:, 0]) for ends in whiskers.get_segments()] == [
        pytest.approx((0.9 * ratio, 1.1 * ratio)) for ratio in (9, 12.34, 15)
    ]
    assert [each.get_text() for each in ax.get_yticklabels()][1] == "conv predict 10x10"
    assert ax.get_xscale() == "log"
    assert "9.00 to 15.0 times as fast as stock in 3 cases, with a median of 12.3" in report.page


def test_targets_that_are_missed_are_marked_and_counted(tmp_path) -> None:
    made = [
        benchmark("pipeline", "conv", "ours", 0.1, minibatch=size, ratio_to_stock=ratio, **target)
        for size, ratio, target in (
            *((1, 4.0, {"target": 5}), (2, 5.0, {"target": 5.0}), (3, 6.0, {"target": 5.5})),
            (4, 1.0, {}),
        )
    ]

    page = make_report([run_of(tmp_path, made)]).page

    ratios = table_with(page, "| target |")
    assert [cells(ratios, f"conv predict {size}x10")[2] for size in (1, 2, 3, 4)] == [
        *("5.00 (missed)", "5.00", "5.50", "–"),
    ]
    assert (
        "1 of 3 targets is missed: a target is what the project wants to hold, and no test fails "
        "by it.\n" in page
    )


@pytest.mark.parametrize(
    ("times", "expected"), [({"times_of_keras": 0.75}, "0.750"), ({}, "0.800")]
)
def test_ours_is_beside_keras_by_rounds_or_else_by_medians(tmp_path, times, expected) -> None:
    made = [
        benchmark("pipeline", "conv", "ours", 0.08, ratio_to_stock=2.0, **times),
        benchmark("pipeline", "conv", "keras", 0.1, ratio_to_stock=1.6),
        benchmark("pipeline", "lone", "ours", 0.08, ratio_to_stock=2.0),
    ]

    page = make_report([run_of(tmp_path, made)]).page

    ratios = table_with(page, "| ours / keras |")
    assert cells(ratios, "conv predict 10x10")[2] == expected
    assert cells(ratios, "lone predict 10x10")[2] == "–"
    assert "Ours / keras is how many times as long as plain tf.keras ours takes." in page


def test_an_epoch_of_training_has_its_minibatches_beside_it(tmp_path) -> None:
    made = [
        benchmark("pipeline", "conv", "ours", 0.1, use=use, ratio_to_stock=2.0, batches=20)
        for use in ("predict", "fit", "first-fit")
    ]

    page = make_report([run_of(tmp_path, made)]).page

    ratios = table_with(page, "| minibatches |")
    found = [cells(ratios, f"conv {use} 10x10")[2] for use in ("predict", "fit", "first-fit")]
    assert found == ["–", "20", "–"]
    assert "A call of `fit` takes some time of its own" in page


@pytest.mark.parametrize(
    ("suite", "said"),
    [
        ("pipeline", "under `nengo_dl.Simulator`; it should be at stock."),
        ("neurons", "what lies between it and the bar is the Simulator's."),
    ],
)
def test_what_the_triangle_means_depends_on_the_suite(tmp_path, suite, said) -> None:
    made = [
        benchmark(suite, "lif", member, 0.1, ratio_to_stock=2.0) for member in ("layer", "ours")
    ]

    page = make_report([run_of(tmp_path, made)]).page

    (line,) = [line for line in page.splitlines() if "The triangle is" in line]
    assert line.endswith(said)


def test_how_noisy_a_machine_was_is_counted(tmp_path) -> None:
    made = pipeline()[:5]
    for each, most, rounds in zip(made, (1.4, 1.6, 3.0, 9.0, 1.0), (5, 5, 2, 1, 3), strict=True):
        each["stats"] |= {"min": 0.1, "max": 0.1 * most, "rounds": rounds}

    page = make_report([run_of(tmp_path, made)]).page

    # one was timed once, which says nothing of noise
    assert (
        "In 2 of 4 results that have several rounds, the slowest round took more than 1.5 times as "
        "long as the fastest." in page
    )
    assert "several rounds" not in make_report([run_of(tmp_path, pipeline())]).page


def test_throughput_is_a_line_a_member_on_logarithmic_axes(tmp_path) -> None:
    report = make_report([run_of(tmp_path, pipeline())])

    (ax,) = picture(report, "throughput-minibatch").figure().axes

    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_title() == "conv predict,\n10 steps"
    stock, _, ours, _ = ax.lines
    assert list(stock.get_xdata()) == [1, 10, 100]
    assert list(ours.get_ydata()) == pytest.approx([112.5, 1542.5, 18750])
    # steps do not vary here
    assert not [each for each in report.pictures if "throughput-steps" in each.name]


def test_scaling_has_fitted_exponents_of_stock_and_ours(tmp_path) -> None:
    report = make_report([run_of(tmp_path, scaling())])

    exponents = table_with(report.page, "| exponent |")
    assert exponents.splitlines()[2:] == [
        "| time of dense predict | stock | 4 to 256 steps | 1.50 ± <0.01 | 1.50 |",
        "| memory of dense predict | stock | 4 to 256 steps | 1.00 ± <0.01 | 1.00 |",
        "| time of dense predict | ours | 4 to 256 steps | 1.50 ± <0.01 | 1.50 |",
        "| memory of dense predict | ours | 4 to 256 steps | 1.00 ± <0.01 | 1.00 |",
    ]
    time, memory = picture(report, "scaling-steps").figure().axes
    assert [each.get_text() for each in time.get_legend().get_texts()] == [
        "stock: exponent 1.50 ± <0.01",
        "ours: exponent 1.50 ± <0.01",
    ]
    assert list(memory.lines[0].get_ydata()) == [8 * 4, 8 * 16, 8 * 64, 8 * 256]
    assert "| dense predict 10x256 | 2.00 GiB | 256 MiB |" in report.page


def test_peers_are_beside_ours(tmp_path) -> None:
    report = make_report([run_of(tmp_path, peers())])

    (ax,) = picture(report, "peers").figure().axes
    ends = [bar.get_x() + bar.get_width() for bar in ax.patches]
    assert ends == pytest.approx([2.5, 0.8])
    assert "| dense forward 10x10 | norse | 2.50 |" in report.page
    assert "| dense forward 10x10 | 10.0 ms | 25.0 ms | 8.00 ms |" in report.page
    assert "norse takes 2.50 times as long as ours" in report.page


def test_peers_that_are_faster_are_named_with_where_they_are(tmp_path) -> None:
    made = [*peers(), benchmark("peers", "conv", "snntorch", 0.1, ratio_to_ours=1.5)]
    made.append(benchmark("peers", "conv", "norse", 0.1, ratio_to_ours=0.5))
    made.append(benchmark("peers", "deep", "norse", 0.1, ratio_to_ours=0.6))
    # ours is no library beside ours
    made.append(benchmark("peers", "deep", "ours", 0.1, ratio_to_ours=1.0))

    page = make_report([run_of(tmp_path, made)]).page

    assert "In 2 of 5 rows of the next table the library is slower than ours." in page
    assert (
        "Faster than ours: norse in `conv predict 10x10` and `deep predict 10x10`; snntorch in "
        "`dense forward 10x10`." in page
    )
    slower = make_report([run_of(tmp_path, peers()[:2])]).page
    assert "In 1 of 1 rows of the next table the library is slower than ours.\n" in slower


def test_peers_say_their_versions_and_how_they_run(tmp_path) -> None:
    made = peers()
    versions = (
        {"nengo-layers-plus": "0.1.0", "tensorflow": "2.21.0"},
        {"norse": "1.1.0", "torch": "2.13.0+cpu", "gpu": "none"},
        {"snntorch": "1.0.0", "torch": "2.13.0+cpu", "gpu": "none"},
    )
    for each, of_it in zip(made, versions, strict=True):
        each["extra_info"] |= {"versions": of_it, "threads": 2}

    page = make_report([run_of(tmp_path, made)]).page

    assert table_with(page, "| versions |").splitlines()[2:] == [
        "| ours | nengo-layers-plus 0.1.0, tensorflow 2.21.0 |",
        "| norse | norse 1.1.0, torch 2.13.0+cpu |",
        "| snntorch | snntorch 1.0.0, torch 2.13.0+cpu |",
    ]
    assert (
        "Each has 2 threads. What is on torch (norse, snntorch) runs eagerly, without "
        "`torch.compile`. XLA compiles the loops of ours over time." in page
    )
    bare = make_report([run_of(tmp_path, peers())]).page
    assert "torch" not in bare.replace("snntorch", "")
    assert "XLA" not in bare


def test_peers_on_tensorflow_are_told_from_those_on_torch(tmp_path) -> None:
    made = [benchmark("peers", "dense", "keras-spiking", 0.1, ratio_to_ours=2.0)]
    made[0]["extra_info"]["versions"] = {"keras-spiking": "0.3.0", "tensorflow": "2.21.0"}

    page = make_report([run_of(tmp_path, made)]).page

    assert "What is on tensorflow (keras-spiking) runs as functions of TensorFlow" in page
    assert "torch.compile" not in page


def test_parts_of_the_time_are_shares_beside_what_a_call_takes(tmp_path) -> None:
    report = make_report([run_of(tmp_path, profile())])

    (ax,) = picture(report, "profile").figure().axes
    ours, keras = zip(*ax.containers, strict=True)
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ours]
    assert ends == [
        pytest.approx(each) for each in ((0, 0.2), (0.2, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1))
    ]
    assert keras[0].get_width() == pytest.approx(0.75)
    (legend,) = ax.figure.legends
    assert [each.get_text() for each in legend.get_texts()] == [
        *("layers", "neurons", "data", "other operations", "calls"),
    ]
    assert len({each.get_facecolor() for each in legend.get_patches()}) == 5
    assert [each.get_text() for each in ax.get_yticklabels()] == ["ours", "keras"]
    assert {"50%", "8.00 ms", "dense predict 10x10"} <= {each.get_text() for each in ax.texts}
    rows = table_with(report.page, "| other operations |").splitlines()[2:]
    assert [row.removeprefix("| dense predict 10x10 | ") for row in rows] == [
        "ours | memory traffic (65 %) | 8.00 ms | 1.95 ms | 4.88 ms | 1.46 ms | 977 µs | 488 µs "
        "| 9.77 ms |",
        "keras | arithmetic (75 %) | 3.50 ms | 3.00 ms | 0 ns | – | 1.00 ms | 0 ns | 4.00 ms |",
    ]
    assert "The largest part of ours is neurons with 50.0 % in dense predict 10x10." in report.page


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((4, 3, 0, 3, 0), "arithmetic (40 %)"),
        ((4, 3, 2, 1, 0), "memory traffic (50 %)"),
        ((3, 0, 3, 2, 2), "launches (40 %)"),
        ((0, 1, 0, 0, 5), "launches (83 %)"),
    ],
)
def test_a_call_is_limited_by_the_largest_of_three_groups_of_parts(
    tmp_path, parts, expected
) -> None:
    names = ("layers", "neurons", "data", "other", "calls")
    info = {f"part_{name}": each / 1000 for name, each in zip(names, parts, strict=True)}

    page = make_report([run_of(tmp_path, [benchmark("profile", "a", "ours", 0.01, **info)])]).page

    assert cells(table_with(page, "| limited by |"), "a predict 10x10")[2] == expected


def test_without_parts_the_times_are_shown(tmp_path) -> None:
    report = make_report([run_of(tmp_path, profile()[-1:])])

    assert report.pictures == ()
    assert "The profiler told no parts in this run." in report.page
    assert "| dense predict 10x10 | 80.0 ms |" in report.page


def test_what_a_run_lacks_is_said(tmp_path) -> None:
    page = make_report([run_of(tmp_path, pipeline())]).page

    assert "### Speed" in page
    assert "### Peers" not in page
    assert (
        "There is no data of this machine on types of neurons, the start, memory, scaling, "
        "where the time goes, introspection and peers." in page
    )


def test_what_lacks_its_keys_is_a_gap_or_named(tmp_path) -> None:
    rest = ("minibatch", "n_steps", "use", "network", "device")
    bare = [benchmark("pipeline", "bare", member, None) for member in ("stock", "ours")]
    bare.append(benchmark("scaling", "bare", "ours", 0.1))
    bare += [benchmark("memory", "bare", "ours", 0.1), benchmark("peers", "bare", "norse", 0.1)]
    bare += [benchmark("start", "bare", "ours", None), benchmark("novel", "bare", "ours", 2.0)]
    bare[1]["extra_info"] |= {"ratio_to_stock": 0, "samples_steps_per_second": float("nan")}
    bare[3]["extra_info"] |= {"peak_memory": 0, "target": "high"}
    for each in bare:
        for key in rest:
            del each["extra_info"][key]
    foreign = {"name": "test_foreign", "group": None, "stats": None}
    half = benchmark("pipeline", "half", "stock", 0.5)

    report = make_report([run_of(tmp_path, [*bare, foreign, half])])
    page = report.page
    for each in report.pictures:
        each.svg()

    assert "in their `extra_info`, and so not shown: `test_foreign`." in page
    assert "| half predict 10x10 | 500 ms |\n" in page
    assert "There are too few sizes to fit exponents to." in page
    assert "Peak memory was not measured in this run." in page  # of scaling
    assert "| bare predict 10x10 | 0 MiB |" in page
    assert "There are no times in this run." in page
    assert "### Suite `novel`" in page
    assert "nan" not in page.lower().split()


def test_machines_have_a_section_each_and_are_compared(tmp_path) -> None:
    on_gpu = copy.deepcopy(pipeline())
    for each in on_gpu:
        each["extra_info"]["device"] = "gpu"
        each["extra_info"]["samples_steps_per_second"] *= 1000
    files = [
        write(tmp_path, "gpu.json", content(on_gpu, gpus=H100)),
        write(tmp_path, "cpu.json", content(pipeline())),
        write(tmp_path, "peers.json", content(peers())),
    ]

    report = make_report(map(read_run, files))

    headings = re.findall("^## (.*)", report.page, re.MULTILINE)
    assert headings == ["`cpu-xeon-8481c-2-cores`", "`gpu-h100`", "Over machines"]
    assert "| conv predict 10x10 | 1.54 k (12.3×) | 1.54 M (12.3×) |" in report.page
    # two files of the same hardware share its section
    assert "| `peers.json` | 2026-11-26 | 012345678 | peers |" in report.page
    assert len({each.name for each in report.pictures}) == len(report.pictures)


def test_of_what_was_measured_twice_the_latest_counts(tmp_path) -> None:
    late = content([benchmark("pipeline", "conv", "stock", 2.0)])
    early = content([benchmark("pipeline", "conv", "stock", 1.0)])
    early["datetime"] = "2025-01-01T00:00:00+00:00"
    files = [write(tmp_path, "a.json", late), write(tmp_path, "b.json", early)]

    page = make_report(map(read_run, files)).page

    assert "| conv predict 10x10 | 2.00 s |" in page


def test_the_same_files_give_the_same_bytes(tmp_path) -> None:
    runs = [run_of(tmp_path, [*pipeline(), *scaling(), *peers()])]
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        make_report(runs).write(tmp_path / name)

    one, other = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in files}
        for name in ("one", "other")
        for files in [[each for each in (tmp_path / name).rglob("*") if each.is_file()]]
    )
    assert len(one) == 5
    assert one == other


def test_the_check_notices_what_is_not_up_to_date(tmp_path, capsys) -> None:
    results, docs = tmp_path / "results", tmp_path / "docs"
    results.mkdir()
    docs.mkdir()
    write(results, "a.json", content(peers()))
    arguments = ["--results", str(results), "--docs", str(docs)]
    assert main([*arguments, "--check"]) == 1
    assert main(arguments) == 0
    assert main([*arguments, "--check"]) == 0

    page = docs / "benchmarks.md"
    written = page.read_text(encoding="utf-8")
    page.write_text(written.replace("2.50", "2.60"), encoding="utf-8")
    assert main([*arguments, "--check"]) == 1
    assert "benchmarks.md is not what the results say" in capsys.readouterr().err
    page.write_text(written, encoding="utf-8")

    drawn = sorted((docs / "_static" / "benchmarks").iterdir())[0]
    svg = drawn.read_bytes()
    drawn.write_bytes(svg.replace(b"#cc79a7", b"#ff0000"))
    assert main([*arguments, "--check"]) == 1
    assert f"{drawn.name} is not what the results say" in capsys.readouterr().err

    # another version of matplotlib writes other bytes of the same numbers
    drawn.write_bytes(re.sub(rb"Matplotlib [\d.]+", b"Matplotlib 3.0", svg) + b"<!-- -->")
    assert main([*arguments, "--check"]) == 0
    drawn.unlink()
    (drawn.parent / "old.svg").touch()
    assert main([*arguments, "--check"]) == 1
    errors = capsys.readouterr().err
    assert f"{drawn.name} is missing" in errors
    assert "old.svg is on no page" in errors

    assert main(arguments) == 0  # which removes it
    assert main([*arguments, "--check"]) == 0


def test_without_results_the_page_says_so(tmp_path) -> None:
    report = make_report([])
    report.write(tmp_path)

    assert "No results are kept yet." in report.page
    assert [path.name for path in tmp_path.iterdir()] == ["benchmarks.md"]
    assert report.differences(tmp_path) == []


def test_the_page_of_this_repository_is_up_to_date() -> None:
    assert main(["--check"]) == 0, "make bench-report"


def test_kept_runs_are_named_by_the_hardware_the_file_says() -> None:
    for path in (ROOT / "benchmarks" / "results").glob("*.json"):
        assert path.stem.startswith(read_run(path).hardware)


def test_a_kept_run_does_not_say_whose_it_was(tmp_path) -> None:
    found = content(pipeline(), tool=f"{HOME}/bin/python", user="ada")
    kept = keep(write(tmp_path, "run.json", found), tmp_path / "results")

    assert kept.name == "cpu-xeon-8481c-2-cores.json"
    text = kept.read_text(encoding="utf-8")
    for word in ("analytical-engine", "ada", "avx512"):
        assert word not in text
    assert '"tool": "~/bin/python"' in text
    assert json.loads(text)["benchmarks"] == found["benchmarks"]
    assert make_report([read_run(kept)]).page.replace(kept.name, "") == make_report(
        [run_of(tmp_path, pipeline(), tool="~/bin/python")]
    ).page.replace("run.json", "")


def test_only_runs_of_a_commit_are_kept(tmp_path) -> None:
    dirty = write(tmp_path, "run.json", content(pipeline(), dirty=True))
    unknown = content(pipeline())
    unknown["commit_info"] = {"id": "unknown"}

    with pytest.raises(NotKept, match=r"expected a run of a commit, got one with changes"):
        keep(dirty, tmp_path / "results")
    with pytest.raises(NotKept, match=r"whose commit is not known; .* or give --force"):
        keep(write(tmp_path, "unknown.json", unknown), tmp_path / "results")
    assert not (tmp_path / "results").exists()

    kept = keep(dirty, tmp_path / "results", force=True)
    assert "012345678, with changes" in make_report([read_run(kept)]).page


def test_a_run_of_fewer_suites_does_not_replace_one_of_more(tmp_path) -> None:
    results = tmp_path / "results"
    keep(write(tmp_path, "full.json", content([*pipeline(), *scaling()])), results)
    part = write(tmp_path, "part.json", content(pipeline()))

    with pytest.raises(NotKept, match=r"has suites that .* lacks \(scaling\)"):
        keep(part, results)
    assert keep(part, results, part="Again").name == "cpu-xeon-8481c-2-cores-again.json"
    assert keep(part, results, part="../x/").name == "cpu-xeon-8481c-2-cores-x.json"
    with pytest.raises(NotKept, match=r"a part with letters or digits, got '\.\.'"):
        keep(part, results, part="..", force=True)  # else it would replace the other
    of_peers = write(tmp_path, "peers.json", content(peers()))
    assert keep(of_peers, results).name == "cpu-xeon-8481c-2-cores-peers.json"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", r"got a file that is no JSON"),
        ("[]", r"got a list in place of an object"),
        ("{}", r"got one without the object 'machine_info'"),
        ('{"machine_info": {}}', r"got one without the list 'benchmarks'"),
        ('{"machine_info": {}, "benchmarks": [1]}', r"benchmarks\[0\] has no name"),
    ],
)
def test_a_file_of_another_kind_is_an_error(tmp_path, capsys, text, message) -> None:
    path = tmp_path / "run.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ResultFileError, match=message):
        read_run(path)
    assert main([str(path), "--docs", str(tmp_path)]) == 2
    assert str(path) in capsys.readouterr().err
    assert not (tmp_path / "benchmarks.md").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--part", "foo"], "--part is for --keep, which is not given"),
        (["--force"], "--force is for --keep, which is not given"),
        (["--keep", "run.json", "--check"], "argument --check: not allowed with argument --keep"),
        (
            ["--check", "run.json", "--against", "a.json"],
            "argument --against: not allowed with argument --check",
        ),
        (["--keep", "run.json", "other.json"], "give it once more for other.json"),
        (["--against", "a.json"], "--against compares with one FILE, got none"),
        (["run.json", "b.json", "--against", "a.json"], "--against compares with one FILE, got 2"),
    ],
)
def test_options_that_would_be_ignored_are_errors(capsys, arguments, message) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_a_missing_file_is_an_error(tmp_path) -> None:
    with pytest.raises(ResultFileError, match="got none that can be read"):
        read_run(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.seconds(1.234), "1.23 s"),
        (words.seconds(0.99999), "1.00 s"),
        (words.seconds(0.0123), "12.3 ms"),
        (words.seconds(4.56e-6), "4.56 µs"),
        (words.seconds(123456), "123000 s"),
        (words.ratio(0.0512), "0.0512"),
        (words.ratio(9.996), "10.0"),
        (words.count(1234567), "1.23 M"),
        (words.count(999.9), "1.00 k"),
        (words.memory(1536 * 1024**2), "1.50 GiB"),
        (words.share(0.99999), "99.9 %"),
        (words.share(1.0), "100 %"),
        (words.seconds(float("nan")), "–"),
    ],
)
def test_numbers_are_written_with_three_digits_and_a_unit(text, expected) -> None:
    assert text == expected


def test_colours_are_those_of_the_package() -> None:
    # Alone, without the package around it, which imports TensorFlow.
    path = ROOT / "nengo_layers_plus" / "plot" / "_axes.py"
    spec = importlib.util.spec_from_file_location("axes_alone", path)
    axes = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(axes)

    names = ("BLUE", "VERMILLION", "GREEN", "PURPLE", "ORANGE", "SKY", "INK", "GREY")
    assert [getattr(pictures, name) for name in names] == [getattr(axes, name) for name in names]
