"""The file that the guide shows, in another folder, is measured as it stands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

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


def run_benchmarks(*files: Path, kept: Path) -> subprocess.CompletedProcess[str]:
    """Run files of a user, and keep what they measure."""
    return subprocess.run(
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


def test_what_has_the_same_name_is_measured_by_itself(tmp_path: Path) -> None:
    """Files, parameters and cases may share the name of a group."""
    files = []
    for folder, sizes in (("one", (3, 4)), ("other", (5,))):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / f"test_bench_mine_{folder}.py")
        files[-1].write_text(OTHERS.replace("SIZES", str(sizes)), encoding="utf-8")
    kept = tmp_path / "kept.json"

    done = run_benchmarks(*files, kept=kept)

    measured = json.loads(kept.read_text("utf-8"))["benchmarks"]
    ours = [each["extra_info"] for each in measured if each["extra_info"]["member"] == "ours"]
    for label in ("sized", "same-name"):
        found = [each["n_neurons"] for each in ours if each["label"] == label]
        assert found == [3, 4, 5], done.stdout
    assert "case 'two-predict-2x3' has the members stock, layer" in done.stdout
    assert "parametrize it with" in done.stdout
    assert "memory=True needs a case that benchmarks.cases lists" in done.stdout


def test_a_network_of_a_user_is_compared(tmp_path: Path) -> None:
    (example,) = [
        each
        for each in re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.S | re.M)
        if "compare_members" in each
    ]
    own, kept = tmp_path / "test_bench_mine.py", tmp_path / "kept.json"
    own.write_text(example, encoding="utf-8")

    done = run_benchmarks(own, kept=kept)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "device: CPU (as asked for)" in done.stdout
    measured = json.loads(kept.read_text("utf-8"))["benchmarks"]
    assert [each["name"] for each in measured] == [
        f"test_mine[{member}]" for member in ("stock", "layer", "ours")
    ]
    assert {each["group"] for each in measured} == {"own: mine predict 32x20"}
    for each in measured:
        info = each["extra_info"]
        assert info["member"] in each["name"]
        assert info["n_neurons"] == 600
        assert info["samples_steps"] == 32 * 20
        assert info["samples_steps_per_second"] > 0
        assert info["ratio_least"] <= info["ratio_to_stock"] <= info["ratio_most"]
    assert [each["extra_info"].get("agreement") for each in measured][:2] == [None, 1]
