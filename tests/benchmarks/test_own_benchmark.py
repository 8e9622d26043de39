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


def test_a_network_of_a_user_is_compared(tmp_path: Path) -> None:
    (example,) = [
        each
        for each in re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text("utf-8"), re.S | re.M)
        if "compare_members" in each
    ]
    own, kept = tmp_path / "test_bench_mine.py", tmp_path / "kept.json"
    own.write_text(example, encoding="utf-8")

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "benchmarks", str(own), "-k", own.stem),
            *("--quick", "--device", "cpu", "-p", "no:cacheprovider", f"--benchmark-json={kept}"),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        # a worker of xdist, in whose environment this test may run, takes part in no benchmark
        env={name: each for name, each in os.environ.items() if "XDIST" not in name},
    )

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
