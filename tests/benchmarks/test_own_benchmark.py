"""The file that the guide shows, in another folder, is measured as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guides" / "benchmarking.md"


OTHERS = """
import nengo
import numpy as np
import pytest
from benchmarks import cases, networks
from benchmarks.case import Case
from benchmarks.networks import BenchmarkNetwork, apply


MEMBERS = ("stock", "ours")


def population(size):
    def build(layer, neurons):
        with nengo.Network(seed=0) as net:
            source = nengo.Node(np.zeros(size))
            output = apply(layer(neurons), source, gain=8)
            return BenchmarkNetwork(net, source, nengo.Probe(output))

    return build


@pytest.mark.parametrize("size", SIZES)
def test_size(compare_members, size):
    compare_members(Case("sized", population(size), minibatch=2, n_steps=3))


@pytest.mark.parametrize(**cases.of(
    [
        Case("same-name", population(size), minibatch=2, n_steps=3, members=MEMBERS, quick=True)
        for size in SIZES
    ]
))
def test_name(compare_members, case):
    compare_members(case)


def test_two(compare_members):
    compare_members(
        Case("two", population(5), minibatch=2, n_steps=3, members=("stock", "layer"))
    )


def test_memory(compare_members):
    compare_members(Case("mine", population(5)), memory=True)
"""


@dataclass(frozen=True)
class Measured:
    """What a run printed, and what it measured of the guide's file and of others."""

    printed: str
    of_guide: list[dict[str, Any]]
    of_others: list[dict[str, Any]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Run files of a user, all at once, as the start takes most of the time."""
    folder = tmp_path_factory.mktemp("user")
    files = {"one": OTHERS.replace("SIZES", "(3, 4)"), "other": OTHERS.replace("SIZES", "(5,)")}
    (files["guide"],) = [
        each
        for each in re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.S | re.M)
        if "compare_members" in each
    ]
    paths = []
    for name, text in files.items():
        (folder / name).mkdir()
        paths.append(folder / name / f"test_bench_mine_{name}.py")
        paths[-1].write_text(text, encoding="utf-8")
    kept = folder / "kept.json"
    printed = run_benchmarks(*paths, kept=kept)
    kinds: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for each in json.loads(kept.read_text("utf-8"))["benchmarks"]:
        kinds[each["name"].startswith("test_mine")].append(each)
    return Measured(printed, of_guide=kinds[True], of_others=kinds[False])


def run_benchmarks(*files: Path, kept: Path) -> str:
    """Run files of a user, and keep what they measure; return what is printed."""
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "benchmarks",
                *map(str, files),
                "-k",
                "test_bench_mine",
            ),
            *("--quick", "--device", "cpu", "-p", "no:cacheprovider", f"--benchmark-json={kept}"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        # a worker of xdist, in whose environment this test may run, takes part in no benchmark
        env={name: each for name, each in os.environ.items() if "XDIST" not in name},
    )
    return done.stdout + done.stderr


def test_what_has_the_same_name_is_measured_by_itself(measured: Measured) -> None:
    """Files, parameters and cases may share the name of a group."""
    ours = [
        each["extra_info"] for each in measured.of_others if each["extra_info"]["member"] == "ours"
    ]
    for label in ("sized", "same-name"):
        sizes = [each["n_neurons"] for each in ours if each["label"] == label]
        assert sizes == [3, 4, 5], measured.printed
    assert "case 'two-predict-2x3' has the members stock, layer" in measured.printed
    assert "parametrize it with" in measured.printed
    assert "memory=True needs a case that benchmarks.cases lists" in measured.printed


def test_a_network_of_a_user_is_compared(measured: Measured) -> None:
    of_guide = measured.of_guide
    assert not re.search(r"(FAILED|ERROR) .*\btest_mine", measured.printed)
    assert "device: CPU (as asked for)" in measured.printed
    assert [each["name"] for each in of_guide] == [
        f"test_mine[{member}]" for member in ("stock", "layer", "ours")
    ]
    assert {each["group"] for each in of_guide} == {"own: mine predict 32x20"}
    for each in of_guide:
        info = each["extra_info"]
        assert info["member"] in each["name"]
        assert info["n_neurons"] == 600
        assert info["samples_steps"] == 32 * 20
        assert info["samples_steps_per_second"] > 0
        assert info["ratio_least"] <= info["ratio_to_stock"] <= info["ratio_most"]
    assert [each["extra_info"].get("agreement") for each in of_guide][:2] == [None, 1]
