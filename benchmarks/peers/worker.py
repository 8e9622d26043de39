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
    A library with the neurons of an equation, as all libraries are used; all arrays are 32-bit.

    What a library writes anew are the abstract methods. Of the others, and `respond`, the
    benchmarks command one by its name.
    """

    run: Run | None = None
    """Does once what was commanded last."""

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
        Run neurons from a voltage of 0; return what comes out, and the voltage behind each step.

        All are of shape (batch, time, size).
        """

    @abc.abstractmethod
    def make_predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        """
        Build a network with neurons between its layers, and none behind the last one.

        Images are of shape (batch, time, height, width, channels) or (batch, time, size). They are
        laid out as the library likes it now, and taken to its device when the network runs. What is
        returned runs it from voltages of 0; it returns the output as `to_common` takes it.
        """

    @abc.abstractmethod
    def make_fit(
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
        """Return the output of a network with the shape (batch, time, size)."""
        return output

    @abc.abstractmethod
    def first_kernel(self) -> np.ndarray:
        """Return the first weights of what was built to train, as a `StoredLayer` has them."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Let go of what was built."""

    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> np.ndarray:
        """Build a network, and run it once; return its output."""
        self.close()
        self.run = self.make_predict(layers, images)
        return self.to_common(self.run())

    def fit(
        self, layers: list[StoredLayer], learning_rate: float, **given: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Build a network, and train it once with all images.

        Returns the mean of the losses, and by how much the first kernel has changed, divided by the
        learning rate: the sum of its gradients, shaped like it.
        """
        self.close()
        self.run = self.make_fit(layers, learning_rate=learning_rate, **given)
        losses = self.run()
        return losses, (layers[0].kernel - self.first_kernel()) / learning_rate

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
        self.clear()


def serve(makers: dict[str, Callable[[str, int, str], Worker]]) -> None:
    """Make the worker that is named, and do what comes as commands, until there are no more."""
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
    while True:
        try:
            name, given = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            _answer(answers, getattr(worker, name)(**given))
        except Exception as error:
            _answer(answers, error=error)


def _answer(answers: BinaryIO, result: Any = None, error: Exception | None = None) -> None:
    if error is not None:
        traceback.print_exc()
    pickle.dump((result, f"{type(error).__name__}: {error}" if error else ""), answers)
    answers.flush()
