"""The environments of the libraries, in ``.venv-peers``.

``python -m benchmarks.peers.environments`` makes them. What can't be installed is reported, and
left out of the benchmarks; the others are installed all the same.

The libraries on torch share one environment, since one release of torch and of NumPy suits them
all. Without an NVIDIA GPU torch comes from its index of wheels for CPUs, if that can be reached, as
those for GPUs need several GB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".venv-peers"
REQUIREMENTS = Path(__file__).parent / "requirements"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
LEAST_FREE = 12  # GB for a new environment; torch or TensorFlow with CUDA takes about half of it


@dataclass(frozen=True)
class Library:
    """A library that ours is measured beside."""

    name: str
    environment: str  # the folder that has it

    @property
    def given_python(self) -> str:
        """A Python that has it already, from a variable such as ``PEERS_PYTHON_TORCH``."""
        return os.environ.get(f"PEERS_PYTHON_{self.environment.upper().replace('-', '_')}", "")

    @property
    def python(self) -> Path:
        """The Python that runs it."""
        scripts = "Scripts" if os.name == "nt" else "bin"
        return Path(self.given_python or FOLDER / self.environment / scripts / "python")


LIBRARIES = {name: Library(name, "torch") for name in ("snntorch", "spikingjelly", "norse")}
LIBRARIES["keras-spiking"] = Library("keras-spiking", "keras-spiking")


def main() -> None:
    """Install all of them; say which can't be."""
    FOLDER.mkdir(exist_ok=True)
    for name, library in LIBRARIES.items():
        if library.given_python:
            print(f"{name}: taken from {library.given_python}, as it is")
            continue
        print(f"{name}: installing in {library.python.parents[1]}", flush=True)
        why_not = _install(library)
        print(f"{name}: {f'NOT INSTALLED: {why_not}' if why_not else 'installed'}")


def _install(library: Library) -> str:
    """Install a library, in an environment that is made if there is none; return why not."""
    if not library.python.exists():
        free = shutil.disk_usage(FOLDER).free / 1024**3
        if free < LEAST_FREE:
            return f"{free:.1f} GB of disk are free; {LEAST_FREE} are needed"
        # pip need not be in it: ours installs into it.
        environment = str(FOLDER / library.environment)
        if why_not := _run(sys.executable, "-m", "venv", "--without-pip", environment):
            return why_not
    requirements = REQUIREMENTS / f"{library.name}.txt"
    options = []
    if shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia").exists():
        for_gpu = requirements.with_stem(f"{library.name}-gpu")
        requirements = for_gpu if for_gpu.exists() else requirements
    elif library.environment == "torch":  # pip skips an index that it can't reach
        options = ["--retries", "1", "--extra-index-url", CPU_INDEX]
    pip = [sys.executable, "-m", "pip", "--python", str(library.python)]
    return _run(*pip, "--disable-pip-version-check", "install", "-r", str(requirements), *options)


def _run(*command: str) -> str:
    """Run a command; return the last line of its errors if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    lines = errors or (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"{command[0]} ended with the status {done.returncode}"


if __name__ == "__main__":
    main()
