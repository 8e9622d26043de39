"""A process that runs one library, and does what it is told on its standard input.

Commands and answers are pickled. The modules ``*_peer.py`` and ``torch_peers.py`` end with `serve`.
"""

from __future__ import annotations

import abc
import argparse
import os
import pickle
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from benchmarks.peers.definitions import StoredLayer

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
        Of its neurons: one of `benchmarks.peers.definitions`.
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
        Run neurons from a voltage of 0, with currents of shape (batch, time, size).

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

        The loss is the cross-entropy of the output's mean over time, where labels, of shape
        (batch,), are the indices of outputs. What is returned trains with all images once, and
        returns the mean of the losses, of shape (1,).
        """

    def to_common(self, output: np.ndarray) -> np.ndarray:
        """Return the output of `predict` with the shape (batch, time, size)."""
        return output

    @abc.abstractmethod
    def first_kernel(self) -> np.ndarray:
        """Return the first weights of what `fit` has built, as a `StoredLayer` has them."""

    @abc.abstractmethod
    def close(self) -> None:
        """Let go of what was built."""


def serve(makers: dict[str, Callable[[str, int, str], Worker]]) -> None:
    """
    Do what comes as commands, until there are no more.

    Parameters
    ----------
    makers : dict of callable
        By library, what takes the device, the number of threads and the equation, and makes the
        worker.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=makers)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--equation", required=True)
    options = parser.parse_args()
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        worker = makers[options.library](options.device, options.threads, options.equation)
        _answer(answers, worker.versions())
    except Exception as error:
        _answer(answers, error=error)
        return
    commands = _Commands(worker)
    while True:
        try:
            name, given = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            _answer(answers, getattr(commands, name)(**given))
        except Exception as error:
            _answer(answers, error=error)


def _answer(answers: BinaryIO, result: Any = None, error: Exception | None = None) -> None:
    if error is not None:
        traceback.print_exc()
    pickle.dump((result, f"{type(error).__name__}: {error}" if error else ""), answers)
    answers.flush()


class _Commands:
    """What a worker is told to do, by name."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.run: Run | None = None

    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.worker.respond(currents)

    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> np.ndarray:
        """Build a network, and run it once; return its output."""
        self.close()
        self.run = self.worker.predict(layers, images)
        return self.worker.to_common(self.run())

    def fit(
        self, layers: list[StoredLayer], learning_rate: float, **given: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Build a network, and train it once with all images.

        Returns
        -------
        losses : ndarray of shape (1,)
            The mean of the losses.
        gradient : ndarray
            By how much the first kernel has changed, divided by the learning rate: the sum of its
            gradients, shaped like it.
        """
        self.close()
        self.run = self.worker.fit(layers, learning_rate=learning_rate, **given)
        losses = self.run()
        change = layers[0].kernel - self.worker.first_kernel()
        return losses, change / learning_rate

    def time(self, repeats: int = 1) -> float:
        """Do once more what was done last; return the seconds of one time."""
        assert self.run is not None
        start = time.perf_counter()
        for _ in range(repeats):
            self.run()
        return (time.perf_counter() - start) / repeats

    def close(self) -> None:
        """Forget the network."""
        self.run = None
        self.worker.close()
