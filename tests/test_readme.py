"""What the README says is so: its examples run, its commands exist, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def python(*arguments: str, cwd: Path = ROOT) -> str:
    """Run Python as a user would, on this checkout, and return what it printed."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_example_has_ten_lines_and_runs_as_it_stands(tmp_path: Path) -> None:
    example = blocks("python")[0]
    script = tmp_path / "example.py"
    script.write_text(example, encoding="utf-8")

    printed = python(str(script), cwd=tmp_path)

    assert len([line for line in example.splitlines() if line]) == 10
    # what it prints stands in its last line, as a comment
    assert printed.splitlines()[-1] == example.splitlines()[-1].partition("# ")[2]


@pytest.mark.parametrize("checked", ["check_neuron", "check_layer"])
def test_subclasses_run_and_keep_their_contracts(checked: str) -> None:
    (example,) = [each for each in blocks("python")[1:] if f"{checked}(" in each]

    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})


def test_its_commands_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    wanted = re.findall(r"(?:^|`)make ([a-z-]+)", README, flags=re.MULTILINE)
    assert {"demo", "test"} <= set(wanted) <= set(targets)

    wanted = re.findall(r"python -m nengo_layers_plus ([a-z]+)", README)
    offered = python("-m", "nengo_layers_plus", "--help")
    assert wanted
    assert [each for each in wanted if not re.search(rf"^ +{each} ", offered, re.MULTILINE)] == []


def test_ci_runs_its_commands_for_later_pythons() -> None:
    ci = {
        tuple(word for word in shlex.split(line) if word != "--quiet")[1:]
        for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
        if "/bin/pip" in line
    }
    commands = [tuple(shlex.split(line)[1:]) for line in blocks("sh")[1].splitlines()]

    assert len(commands) == 2
    assert set(commands) <= ci


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README))))
def test_its_links_lead_to_files(target: str) -> None:
    assert (ROOT / target).is_file()
