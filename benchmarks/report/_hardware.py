"""Names a run by the hardware that it ran on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.report._run import Run

# What many names have, and what says nothing of which model it is.
_NOISE = re.compile(
    r"\((?:r|tm|c)\)|@.*|\bwith .*|\b\d+-core\b|(?<![\w.])\d+ ?gb\b|\bhbm\d\w*|\bnvidia\b"
    r"|\bintel\b|\bamd\b|\bcpu\b|\bgpu\b|\bprocessor\b|\bplatinum\b|\bgold\b|\bsilver\b|\bbronze\b"
)
_NONE = {"", "none", "unknown", "?"}

_NUMBERS = ("family", "model", "stepping")
"""What tells CPUs apart whose names do not: the keys that pytest-benchmark has for it."""


def hardware_name(run: Run) -> str:
    """
    Return the name of the hardware of a run, such as ``cpu-xeon-8481c-2-cores`` or ``gpu-h100``.

    It is that of the GPU if any benchmark ran on one, else that of the CPU. Where a CPU has a name
    without a number, as on virtual machines, its family, model and stepping follow.

    Parameters
    ----------
    run : Run
        The run.
    """
    facts = {_key(key): value for key, value in run.facts.items()}
    if run.on_gpu:
        gpus = _first(facts, ("gpu", "gpus", "gpu_model", "gpu_name"))
        models = [each.strip() for each in gpus.split(",") if each.strip()]
        model = _slug(models[0]) if models else ""
        several = [f"{len(models)}-gpus"] if len(models) > 1 else []
        return "-".join(["gpu", model or "unknown", *several])
    model = _first(facts, ("cpu_model", "cpu", "cpu_name"))
    cpu = run.machine_info.get("cpu")
    if not model:
        model = str(cpu.get("brand_raw") or "") if isinstance(cpu, dict) else str(cpu or "")
    name = _slug(model) or "unknown"
    numbers = _numbers(cpu) if isinstance(cpu, dict) and not re.search(r"\d", name) else []
    cores = re.match(r"\d+", _first(facts, ("cores", "cpu_cores", "cpu_count")))
    counted = [f"{cores[0]}-core{'s' if cores[0] != '1' else ''}"] if cores else []
    return "-".join(["cpu", name, *numbers, *counted])


def _key(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def _first(facts: dict[str, str], names: Iterable[str]) -> str:
    """Return the first of these facts that says something."""
    values = (facts.get(name, "") for name in names)
    return next((each for each in values if each.lower() not in _NONE), "")


def _numbers(cpu: Mapping[str, Any]) -> list[str]:
    return [f"{key}-{_slug(str(cpu[key]))}" for key in _NUMBERS if cpu.get(key) not in (None, "")]


def _slug(model: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _NOISE.sub(" ", model.lower())).strip("-")
