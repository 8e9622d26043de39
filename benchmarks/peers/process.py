"""The processes of the libraries, from the side of the benchmarks."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import stored_layers
from benchmarks.peers.stored_layers import StoredLayer

ROOT = Path(__file__).parents[2]


class PeerError(RuntimeError):
    """A library could not do what it was told."""


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
        Of its neurons: one of `benchmarks.peers.equations`.

    Raises
    ------
    PeerError
        If the library does not start.
    """

    def __init__(self, name: str, python: Path, device: str, threads: int, equation: str) -> None:
        self.name = name
        self._folder = tempfile.TemporaryDirectory(prefix=f"{name}-")
        self._log = Path(self._folder.name) / "log"
        module = f"benchmarks.peers.{name.replace('-', '_')}_peer"
        options = ["--device", device, "--threads", str(threads), "--equation", equation]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [python, "-m", module, *options],
                cwd=ROOT,
                env=_environment(device, threads),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.versions: dict[str, str] = self._answer()["versions"]

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Run neurons; see `worker.Worker.respond`.

        Parameters
        ----------
        currents : ndarray of shape (batch, time, size)
            What goes into each of them.

        Returns
        -------
        output, voltages : ndarray of shape (batch, time, size)
        """
        found = self._compute("respond", {"currents": currents})
        return found["output"], found["voltages"]

    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> np.ndarray:
        """
        Build a network, and run it once.

        Parameters
        ----------
        layers, images
            See `worker.Worker.predict`.

        Returns
        -------
        output : ndarray of shape (batch, time, size)
        """
        return self._compute("predict", {"images": images}, layers)["output"]

    def fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Build a network, and train it once with all images.

        Parameters
        ----------
        layers, images, labels, minibatch, learning_rate
            See `worker.Worker.fit`.

        Returns
        -------
        losses : ndarray of shape (1,)
            The mean of the losses.
        gradient : ndarray
            By how much the first kernel has changed, divided by the learning rate: the sum of its
            gradients, shaped like it.
        """
        found = self._compute(
            "fit",
            {"images": images, "labels": labels},
            layers,
            minibatch=minibatch,
            learning_rate=learning_rate,
        )
        return found["losses"], found["gradient"]

    def time(self, repeats: int = 1) -> float:
        """
        Have it do once more what it did last.

        Parameters
        ----------
        repeats : int
            How often.

        Returns
        -------
        seconds : float
            That one time takes.
        """
        return self._ask("time", repeats=repeats)["seconds"]

    def let_go(self) -> None:
        """Have it forget the network."""
        self._ask("close")

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
        self._folder.cleanup()

    def _compute(
        self,
        command: str,
        arrays: dict[str, np.ndarray],
        layers: list[StoredLayer] | None = None,
        **options: Any,
    ) -> dict[str, np.ndarray]:
        folder = Path(self._folder.name)
        given, results = folder / "given.npz", folder / "results.npz"
        np.savez(given, **arrays)
        if layers is not None:
            stored_layers.save(folder / "layers.npz", layers)
            options["layers"] = str(folder / "layers.npz")
        self._ask(command, arrays=str(given), results=str(results), **options)
        with np.load(results) as found:
            return dict(found)

    def _ask(self, command: str, **options: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"command": command, **options}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise PeerError(f"{self.name} has ended:\n{self._last_words()}") from error
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"{self.name} has ended:\n{self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.name}: {answer['error']}\n{self._last_words()}")
        return answer

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


def _environment(device: str, threads: int) -> dict[str, str]:
    """Return environment variables that give all libraries the same device and threads."""
    count = str(threads)
    more = {
        "OMP_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # one GPU for several processes
        "PYTHONWARNINGS": "ignore",
    }
    if device == "cpu":
        more["CUDA_VISIBLE_DEVICES"] = "-1"
    # Settings for the Python of the benchmarks would lead the others astray.
    left_out = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TF_USE_LEGACY_KERAS")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {**kept, **more}
