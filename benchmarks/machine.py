"""What numbers depend on besides the code: hardware, versions, settings and the commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nengo_layers_plus
from nengo_layers_plus._upstream import tf

_PACKAGES = ("tensorflow", "tf-keras", "nengo", "nengo-dl", "numpy")


def describe() -> dict[str, str]:
    """Return names and values, as texts."""
    built = tf.sysconfig.get_build_info()  # without CUDA it has none of its versions
    memory, driver = _of_nvidia_smi("memory.total,driver_version")
    return {
        "cpu_model": _cpu_model(),
        "cores": str(_n_cores()),
        "threads_intra_op": _threads(tf.config.threading.get_intra_op_parallelism_threads()),
        "threads_inter_op": _threads(tf.config.threading.get_inter_op_parallelism_threads()),
        "gpus": ", ".join(_gpus()) or "none",
        "gpu_memory": memory or "none",
        "gpu_driver": driver or "none",
        "cuda": built.get("cuda_version", "none"),
        "cudnn": built.get("cudnn_version", "none"),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "nengo_layers_plus": nengo_layers_plus.__version__,
        "xla": _xla(),
        "tensor_float_32": _tensor_float_32(),
        "commit": _commit(),
    }


def summarise(info: dict[str, str]) -> str:
    """Write the most important of `describe` in one line."""
    names = ("cpu_model", "cores", "gpus", "python", *_PACKAGES, "commit")
    return ", ".join(f"{name} {info[name]}" for name in names)


def differences(info: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """
    Say what of two runs differs, other than the commit.

    Parameters
    ----------
    info, other : dict
        What pytest-benchmark keeps as ``machine_info``, with what `describe` adds.

    Returns
    -------
    texts : list of str
        What differs, and from which value to which.
    """
    described = describe()
    facts, others = _flat(info, described), _flat(other, described)
    names = (name for name in facts | others if name not in ("commit", "gpu_driver"))
    return [
        f"{name}: {others.get(name, 'not known')} -> {facts.get(name, 'not known')}"
        for name in names
        if facts.get(name) != others.get(name)
    ]


def _flat(info: Mapping[str, Any], described: Iterable[str]) -> dict[str, str]:
    """Return what has these names, and which model of its brand the processor is."""
    cpu = info.get("cpu") if isinstance(info.get("cpu"), Mapping) else {}
    facts = {name: str(info[name]) for name in described if name in info}
    return facts | {f"cpu {name}": str(cpu[name]) for name in ("model", "stepping") if name in cpu}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _n_cores() -> int | None:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()


def _threads(setting: int) -> str:
    return str(setting) if setting else "TensorFlow's choice"


def _gpus() -> list[str]:
    return [
        tf.config.experimental.get_device_details(each).get("device_name", each.name)
        for each in tf.config.get_visible_devices("GPU")
    ]


def _of_nvidia_smi(query: str) -> list[str]:
    """Return what NVIDIA's driver says: a text for each name, with one value a GPU."""
    names = query.split(",")
    if not _gpus():
        return [""] * len(names)
    command = ["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ["unknown"] * len(names)
    rows = [line.split(", ") for line in done.stdout.splitlines()]
    return [", ".join(column) for column in zip(*rows, strict=True)]


def _xla() -> str:
    """Say whether TensorFlow compiles all it can; our Simulator compiles its loops in any case."""
    flags = os.environ.get("TF_XLA_FLAGS", "")
    return f"auto-clustering {tf.config.optimizer.get_jit() or 'off'}{flags and f', {flags}'}"


def _tensor_float_32() -> str:
    """Say whether a GPU may round products of float32 to ten bits."""
    if not _gpus():
        return "none"
    return "on" if tf.config.experimental.tensor_float_32_execution_enabled() else "off"


def _commit() -> str:
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
