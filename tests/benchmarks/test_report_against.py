"""Ours in a run beside what it was in another one; each file here is made by the test."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmarks.report.__main__ import main
from benchmarks.report.against import compare
from benchmarks.report.runs import read_run


def benchmark(label: str, member: str, seconds: float, **info: Any) -> dict[str, Any]:
    """Return a benchmark as it stands in a file."""
    suite = info.pop("suite", "pipeline")
    return {
        "group": f"{suite}: {label} predict 10x10",
        "name": f"test_predict[{label}-{member}]",
        "extra_info": {"suite": suite, "member": member, "use": "predict", **info},
        "stats": {"median": seconds, "rounds": 5},
    }


def write(folder: Path, name: str, benchmarks: list[dict[str, Any]], cpu: str = "EPYC 7B13") -> str:
    """Write a file; return its path."""
    machine_info = {"cpu_model": cpu, "cores": "2"}
    path = folder / name
    path.write_text(json.dumps({"machine_info": machine_info, "benchmarks": benchmarks}))
    return str(path)


@pytest.fixture
def kept(tmp_path) -> str:
    return write(
        tmp_path,
        "kept.json",
        [
            benchmark("better", "ours", 0.1, ratio_to_stock=10.0),
            benchmark("worse", "ours", 0.1, ratio_to_stock=10.0),
            benchmark("worse", "keras", 0.05),
            benchmark("a [case]", "ours", 0.1, suite="neurons", ratio_to_stock=8.0),
            benchmark("bare", "ours", 0.1, times_of_keras=2.0),
            benchmark("old", "ours", 0.1, ratio_to_stock=3.0),
            benchmark("old", "stock", 0.1, ratio_to_stock=1.0),
            benchmark("look", "ours", 0.1),  # without a ratio there is nothing to compare
        ],
    )


@pytest.fixture
def now() -> list[dict[str, Any]]:
    return [
        benchmark("bare", "ours", 0.1, times_of_keras=1.5),
        benchmark("better", "ours", 0.1, ratio_to_stock=12.0),
        benchmark("a [case]", "ours", 0.1, suite="neurons", ratio_to_stock=6.0),
        benchmark("worse", "ours", 0.1, ratio_to_stock=5.0, times_of_keras=4.0),
        benchmark("worse", "keras", 0.02),
        benchmark("look", "ours", 0.2),
        benchmark("new", "ours", 0.1, ratio_to_stock=2.0),
        benchmark("newer", "ours", 0.1, ratio_to_stock=2.0),
    ]


def rows(text: str) -> list[list[str]]:
    """Return the cells of the table that was printed."""
    lines = [line for line in text.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def test_changes_are_sorted_from_the_worst(tmp_path, kept, now) -> None:
    compared = compare(
        read_run(Path(write(tmp_path, "run.json", now))),
        read_run(Path(kept)),
    )

    both = compared[compared["run"] == "both"]
    columns = ["then", "now", "keras_then", "keras_now", "factor"]
    nan = math.nan
    assert both[columns].to_dict("index") == {
        case: pytest.approx(dict(zip(columns, numbers, strict=True)), nan_ok=True)
        for case, numbers in (
            ("worse predict 10x10", (10.0, 5.0, 2.0, 4.0, 0.5)),
            ("neurons: a [case] predict 10x10", (8.0, 6.0, nan, nan, 0.75)),
            ("better predict 10x10", (10.0, 12.0, nan, nan, 1.2)),
            ("bare predict 10x10", (nan, nan, 2.0, 1.5, nan)),
        )
    }
    assert both["factor"].dropna().is_monotonic_increasing
    assert both["factor"].isna().iloc[-1]
    assert list(compared.index[compared["run"] == "then"]) == ["old predict 10x10"]
    assert set(compared.index[compared["run"] == "now"]) == {
        "new predict 10x10",
        "newer predict 10x10",
    }


def test_the_command_prints_what_changed(tmp_path, capsys, kept, now) -> None:
    assert main([write(tmp_path, "run.json", now), "--against", kept]) == 0

    printed = capsys.readouterr().out
    assert rows(printed) == [
        ["worse predict 10x10", "10.0", "5.00", "0.500", "2.00", "4.00"],
        ["neurons: a [case] predict 10x10", "8.00", "6.00", "0.750", "–", "–"],
        ["better predict 10x10", "10.0", "12.0", "1.20", "–", "–"],
        ["bare predict 10x10", "–", "–", "–", "2.00", "1.50"],
    ]
    assert "1 case in kept.json alone, 2 cases in run.json alone." in printed
    assert "then: kept.json, now: run.json" in printed
    assert "Machines differ" not in printed
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".json"] == []


def test_machines_that_differ_are_named(tmp_path, capsys, kept, now) -> None:
    assert main([write(tmp_path, "run.json", now, "Apple M2"), "--against", kept]) == 0

    said = "Machines differ: cpu-epyc-7b13-2-cores then, cpu-apple-m2-2-cores now."
    assert said in capsys.readouterr().out


def test_runs_without_a_common_case_are_no_error(tmp_path, capsys, kept) -> None:
    path = write(tmp_path, "run.json", [benchmark("new", "ours", math.nan, ratio_to_stock=1.0)])

    assert main([path, "--against", kept]) == 0
    printed = capsys.readouterr().out
    assert "There is no case that both have." in printed
    assert "5 cases in kept.json alone, 1 case in run.json alone." in printed


def test_what_can_not_be_read_is_an_error(tmp_path, capsys, kept) -> None:
    missing = str(tmp_path / "none.json")

    assert main([kept, "--against", missing]) == 2
    assert main([missing, "--against", kept]) == 2
    printed = capsys.readouterr()
    assert printed.err.count(f"{missing}: expected a JSON file of pytest-benchmark") == 2
    assert printed.out == ""
