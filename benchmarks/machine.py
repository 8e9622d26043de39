"""What numbers depend on besides the code: versions, devices and the commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

from nengo_layers_plus._upstream import tf


def describe() -> dict[str, str]:
    """Return names and values, as texts."""
    versions = {
        name: importlib.metadata.version(name)
        for name in ("tensorflow", "tf-keras", "nengo", "nengo-dl", "numpy")
    }
    return {
        "python": platform.python_version(),
        **versions,
        "cores": str(len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else "?",
        "gpus": ", ".join(_gpus()) or "none",
        "commit": _commit(),
    }


def _gpus() -> list[str]:
    return [
        tf.config.experimental.get_device_details(each).get("device_name", each.name)
        for each in tf.config.list_physical_devices("GPU")
    ]


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
