"""What numbers depend on besides the code: the device, hardware, versions, settings, the commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import nengo_layers_plus
from nengo_layers_plus._upstream import tf

_PACKAGES = ("tensorflow", "tf-keras", "nengo", "nengo-dl", "numpy")


class NoGpuError(RuntimeError):
    """A GPU was asked for, and TensorFlow sees none."""


def choose_device(wanted: str) -> str:
    """
    Have TensorFlow use one of `benchmarks.DEVICES`; return whether that is "cpu" or "gpu".

    It can be chosen before TensorFlow has computed anything. "auto" takes a GPU if there is one.
    """
    gpus = [] if wanted == "cpu" else tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not gpus:
        built = tf.sysconfig.get_build_info()
        cuda = f"CUDA {built['cuda_version']}" if built.get("is_cuda_build") else "no CUDA"
        raise NoGpuError(
            f"--device gpu: TensorFlow {tf.__version__}, which is built with {cuda}, sees no GPU. "
            'What to do: look at what nvidia-smi says, install ".[gpu]", and run '
            "`python -m nengo_layers_plus doctor`; or take --device cpu"
        )
    # Without memory growth a process takes all memory of a GPU: processes of a group could not
    # follow one another soon, and peaks would show nothing. It has to be the same on all GPUs.
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    if gpus:
        # It rounds products of float32 to ten bits, differently at each size: spikes of two members
        # would be other ones from the first steps on.
        tf.config.experimental.enable_tensor_float_32_execution(False)
    else:
        tf.config.set_visible_devices([], "GPU")
    return "gpu" if gpus else "cpu"


def describe() -> dict[str, str]:
    """Return names and values, as texts."""
    built = tf.sysconfig.get_build_info()  # without CUDA it has none of its versions
    threading, by_default = tf.config.threading, "TensorFlow's choice"
    memory, driver = _of_nvidia_smi("memory.total", "driver_version")
    return {
        "cpu_model": _cpu_model(),
        "cores": str(n_cores()),
        "threads_intra_op": str(threading.get_intra_op_parallelism_threads() or by_default),
        "threads_inter_op": str(threading.get_inter_op_parallelism_threads() or by_default),
        "gpus": ", ".join(_gpus()) or "none",
        "gpu_memory": memory,
        "gpu_driver": driver,
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
    """Say what of the ``machine_info`` of two runs differs, other than the commit, and how."""
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
    path = Path("/proc/cpuinfo")
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    model = re.search(r"^model name\s*: *(.*?) *$", text, re.M)
    return model[1] if model else platform.processor() or platform.machine()


def n_cores() -> int | None:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _gpus() -> list[str]:
    return [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.get_visible_devices("GPU")
    ]


def _of_nvidia_smi(*names: str) -> list[str]:
    """Return a text for each name that NVIDIA's driver knows, with one value a GPU."""
    if not _gpus():
        return ["none"] * len(names)
    command = ["nvidia-smi", f"--query-gpu={','.join(names)}", "--format=csv,noheader"]
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
    command, folder = ["git", "describe", "--always", "--dirty"], Path(__file__).parent
    try:
        return subprocess.check_output(
            command, cwd=folder, text=True, stderr=subprocess.DEVNULL
        ).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
