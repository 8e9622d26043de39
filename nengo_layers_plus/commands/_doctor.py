"""``doctor``: can nengo_layers_plus work in this environment, and if not, what to do."""

from __future__ import annotations

import argparse
import importlib
import platform
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from nengo_layers_plus import _upstream
from nengo_layers_plus._upstream import PYTHON_TESTED, REQUIREMENTS, UpstreamError, write_range

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(frozen=True)
class Row:
    """One part of the environment.

    Parameters
    ----------
    name : str
        What was looked at.
    found : str
        What was found.
    tested : str
        What is tested.
    ok : bool or None
        Whether nengo_layers_plus can work with it; None: not known.
    detail : str
        What is wrong, in full.
    remedy : str
        What to do. Advice, where nothing is wrong.
    """

    name: str
    found: str
    tested: str
    ok: bool | None = True
    detail: str = ""
    remedy: str = ""

    def failed(self, problem: UpstreamError) -> Row:
        """Return this row with what is wrong."""
        detail = f"expected {problem.expected}, found {problem.found}"
        return replace(self, ok=False, detail=detail, remedy=problem.remedy)


def examine() -> list[Row]:
    """Look at every part of the environment."""
    versions = _upstream.find_versions()
    failure = _upstream.import_failure()
    problems: dict[str, UpstreamError] = {}
    for problem in (*_upstream.check_versions(versions), failure):
        if problem is not None:
            problems.setdefault(problem.part, problem)

    rows = [Row("Python", platform.python_version(), write_range(PYTHON_TESTED))]
    for required in REQUIREMENTS:
        version = versions[required.name] or "not installed"
        rows.append(Row(required.name, str(version), write_range(required.tested)))
    rows = [row.failed(problems.pop(row.name)) if row.name in problems else row for row in rows]

    # What is left is about no package: a setting, or which Keras tf.keras turned out to be.
    rows.append(_keras_in_use(problems, works=failure is None))
    keras3 = _upstream.find_version("keras") or "not installed"
    rows.append(Row("Keras 3", str(keras3), "any: left as it is"))
    tensorflow = _tensorflow(installed=versions["tensorflow"] is not None)
    rows.extend([_gpus(tensorflow), _xla(tensorflow)])
    rows.extend(Row(part, "-", "-").failed(problem) for part, problem in problems.items())
    return rows


def _keras_in_use(problems: dict[str, UpstreamError], works: bool) -> Row:
    row = Row("tf.keras", "tf-keras", "tf-keras")
    if works:
        return row
    for part in list(problems):
        if part.startswith("tf.") or part == _upstream.LEGACY_KERAS:
            return replace(row, found="Keras 3").failed(problems.pop(part))
    return replace(row, found="depends on the others", ok=None)


def _tensorflow(installed: bool) -> ModuleType | None:
    if not installed:
        return None
    try:
        return importlib.import_module("tensorflow")
    except Exception:
        # `import_failure` met the same error, and its row shows it.
        return None


def _gpus(tensorflow: Any) -> Row:
    row = Row("GPUs", "none, the CPU is used", "any")
    if tensorflow is None:
        return replace(row, found="not known", ok=None)
    devices = tensorflow.config.list_physical_devices("GPU")
    if devices:
        details = map(tensorflow.config.experimental.get_device_details, devices)
        names = Counter(detail.get("device_name", "unnamed") for detail in details)
        return replace(row, found=", ".join(f"{count} x {name}" for name, count in names.items()))
    if shutil.which("nvidia-smi"):
        return replace(
            row,
            detail="this machine has an NVIDIA driver, and TensorFlow sees no GPU",
            remedy='to use the GPU, pip install "nengo-layers-plus[gpu]"',
        )
    return row


def _xla(tensorflow: Any) -> Row:
    row = Row("XLA", "works", "works")
    if tensorflow is None:
        return replace(row, found="not known", ok=None)
    try:
        tensorflow.function(lambda x: 2.0 * x, jit_compile=True)(tensorflow.ones(2))
    except Exception as error:
        return replace(
            row,
            found="fails",
            ok=False,
            detail=f"{type(error).__name__}: {error}",
            remedy="install TensorFlow from the package index: its builds contain XLA",
        )
    return row


def show(rows: Sequence[Row], console: Console) -> None:
    """Print the rows as a table, and below it what to do.

    Parameters
    ----------
    rows : sequence of Row
        What was found.
    console : rich.console.Console
        Where to print.
    """
    from rich.table import Table
    from rich.text import Text

    marks = {True: Text("ok", "green"), False: Text("problem", "bold red"), None: Text("-")}
    table = Table("", "found", "tested", "")
    for row in rows:
        table.add_row(row.name, Text(row.found), Text(row.tested), marks[row.ok])
    console.print(table)
    for row in rows:
        # Soft-wrapped, so that a command can be copied.
        if row.detail:
            console.print(Text(f"\n{row.name}: {row.detail}"), soft_wrap=True)
        if row.remedy:
            console.print(Text(f"  What to do: {row.remedy}"), soft_wrap=True)
    broken = [row.name for row in rows if row.ok is False]
    if broken:
        console.print(Text(f"\nnengo_layers_plus can't work here yet: {', '.join(broken)}", "bold"))
    else:
        console.print(Text("nengo_layers_plus works here.", "bold green"))


def add_parser(subparsers: Any) -> None:
    """Add this command's parser."""
    summary = "say whether nengo_layers_plus can work here, and if not, what to do"
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "doctor", help=summary, description=f"{summary.capitalize()}. Exit status: 0 or 1."
    )
    parser.set_defaults(run=run)


def run(_arguments: argparse.Namespace) -> int:
    """Run the command."""
    from rich.console import Console

    rows = examine()
    show(rows, Console())
    return 1 if any(row.ok is False for row in rows) else 0
