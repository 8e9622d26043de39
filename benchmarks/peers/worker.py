"""A process that runs one library, and does what it is told on its standard input.

Commands and answers are lines of JSON; arrays pass through files. Each ``*_peer.py`` ends with
``serve``.
"""

from __future__ import annotations

import abc
import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from benchmarks.peers.stored_layers import StoredLayer, load

Run = Callable[[], np.ndarray]


class Worker(abc.ABC):
    """
    What a library has to do; all arrays are 32-bit.

    Parameters
    ----------
    device : {"cpu", "gpu"}
        Where it computes.
    threads : int
        How many threads it may use.
    equation : str
        Of its neurons: one of `benchmarks.peers.equations`.
    """

    def __init__(self, device: str, threads: int, equation: str) -> None:
        self.device = device
        self.threads = threads
        self.equation = equation

    @abc.abstractmethod
    def versions(self) -> dict[str, str]:
        """Return the versions of what it uses, by name."""

    @abc.abstractmethod
    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Run neurons from a voltage of 0.

        Parameters
        ----------
        currents : ndarray of shape (batch, time, size)
            What goes into each of them.

        Returns
        -------
        output, voltages : ndarray of shape (batch, time, size)
            What comes out, and the voltage behind each step.
        """

    @abc.abstractmethod
    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        """
        Build a network with neurons between its layers.

        Parameters
        ----------
        layers : list of StoredLayer
            The layers; there are no neurons behind the last one.
        images : ndarray of shape (batch, time, height, width, channels) or (batch, time, size)
            The input. It is laid out as the library likes it now, and taken to its device when the
            network runs.

        Returns
        -------
        run : callable
            Runs the network from voltages of 0; returns the output as `to_common` takes it.
        """

    @abc.abstractmethod
    def fit(
        self,
        layers: list[StoredLayer],
        images: np.ndarray,
        labels: np.ndarray,
        minibatch: int,
        learning_rate: float,
    ) -> Run:
        """
        Build a network to train it by gradient descent: for each minibatch forward, back, update.

        The loss is the cross-entropy of the output's mean over time.

        Parameters
        ----------
        layers, images
            See `predict`.
        labels : ndarray of shape (batch,)
            The index of the output that shall be the largest.
        minibatch : int
            Samples of one step of training.
        learning_rate : float
            That of the updates.

        Returns
        -------
        run : callable
            Trains with all images once; returns the mean of the losses, of shape (1,).
        """

    @abc.abstractmethod
    def to_common(self, output: np.ndarray) -> np.ndarray:
        """Return the output of `predict` with the shape (batch, time, size)."""

    @abc.abstractmethod
    def first_kernel(self) -> np.ndarray:
        """Return the first weights of what `fit` has built, as a `StoredLayer` has them."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of what was built."""


def serve(make: Callable[[str, int, str], Worker]) -> None:
    """
    Do what comes as commands, until there are no more.

    Parameters
    ----------
    make : callable
        Takes the device, the number of threads and the equation; makes the worker.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--equation", required=True)
    options = parser.parse_args()
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        worker = make(options.device, options.threads, options.equation)
        _answer(answers, {"versions": worker.versions()})
    except Exception as error:
        _answer(answers, _failed(error))
        return
    session = _Session(worker)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            _answer(answers, getattr(session, command.pop("command"))(**command))
        except Exception as error:
            _answer(answers, _failed(error))


class _Session:
    """The commands, by name."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.run: Run | None = None

    def respond(self, arrays: str, results: str) -> dict[str, Any]:
        with np.load(arrays) as given:
            output, voltages = self.worker.respond(given["currents"])
        np.savez(results, output=output, voltages=voltages)
        return {}

    def predict(self, layers: str, arrays: str, results: str) -> dict[str, Any]:
        self.close()
        with np.load(arrays) as given:
            self.run = self.worker.predict(load(Path(layers)), given["images"])
        np.savez(results, output=self.worker.to_common(self.run()))
        return {}

    def fit(
        self, layers: str, arrays: str, results: str, minibatch: int, learning_rate: float
    ) -> dict[str, Any]:
        self.close()
        stored = load(Path(layers))
        with np.load(arrays) as given:
            self.run = self.worker.fit(
                stored, given["images"], given["labels"], minibatch, learning_rate
            )
        losses = self.run()
        change = stored[0].kernel - self.worker.first_kernel()
        np.savez(results, losses=losses, gradient=change / learning_rate)
        return {}

    def time(self, repeats: int) -> dict[str, Any]:
        assert self.run is not None
        start = time.perf_counter()
        for _ in range(repeats):
            self.run()
        return {"seconds": (time.perf_counter() - start) / repeats}

    def close(self) -> dict[str, Any]:
        self.run = None
        self.worker.close()
        return {}


def _answer(stream: TextIO, answer: dict[str, Any]) -> None:
    print(json.dumps(answer), file=stream, flush=True)


def _failed(error: Exception) -> dict[str, Any]:
    traceback.print_exc()
    return {"error": f"{type(error).__name__}: {error}"}
