"""The processes of the libraries, from the side of the benchmarks."""

from __future__ import annotations

import os
import pickle
import subprocess
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MODULES = {"ours": "ours_peer", "keras-spiking": "keras_spiking_peer"}
"""Where workers are; the others are in `torch_peers`."""


class PeerError(RuntimeError):
    """A library could not do what it was told, or does not start."""


class PeerProcess:
    """
    A library in a process of its own, which does one thing at a time and waits in between.

    Parameters
    ----------
    name : str
        Of the library.
    python : Path
        The Python of its environment.
    device : {"cpu", "gpu"}
        Where it computes.
    threads : int
        How many threads it may use.
    equation : str
        Of its neurons: one of `benchmarks.peers.definitions`.
    """

    def __init__(self, name: str, python: Path, device: str, threads: int, equation: str) -> None:
        self.name = name
        self._log = tempfile.NamedTemporaryFile(prefix=f"{name}-")  # noqa: SIM115 - until `stop`
        module = f"benchmarks.peers.{MODULES.get(name, 'torch_peers')}"
        options = ["--device", device, "--threads", str(threads), "--equation", equation]
        self._process = subprocess.Popen(
            [python, "-m", module, name, *options],
            cwd=ROOT,
            env=_environment(device, threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self.versions: dict[str, str] = self._answer()

    def ask(self, command: str, **given: Any) -> Any:
        """Have it do one of the commands of `benchmarks.peers.worker`; return the answer."""
        assert self._process.stdin is not None
        try:
            pickle.dump((command, given), self._process.stdin)
            self._process.stdin.flush()
        except OSError as error:
            raise PeerError(f"{self.name} has ended:\n{self._last_words()}") from error
        return self._answer()

    def time(self, repeats: int = 1) -> float:
        """Have it do once more what it did last; return the seconds of one time."""
        return self.ask("time", repeats=repeats)

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        try:
            result, error = pickle.load(self._process.stdout)
        except EOFError:
            raise PeerError(f"{self.name} has ended:\n{self._last_words()}") from None
        if error:
            raise PeerError(f"{self.name}: {error}\n{self._last_words()}")
        return result

    def _last_words(self) -> str:
        log = Path(self._log.name).read_text(errors="replace")
        return "\n".join(log.splitlines()[-15:])


def _environment(device: str, threads: int) -> dict[str, str]:
    """Return environment variables that give all libraries the same device and threads."""
    # Settings for the Python of the benchmarks would lead the others astray.
    left_out = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TF_USE_LEGACY_KERAS")
    return {
        **{name: value for name, value in os.environ.items() if name not in left_out},
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # one GPU for several processes
        "PYTHONWARNINGS": "ignore",
        **({"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}),
    }
