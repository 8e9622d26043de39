"""A process that runs one library, and does what it is told on its standard input.

Commands and answers are pickled. The modules ``*_peer.py`` and ``torch_peers.py`` end with `serve`.
"""

from __future__ import annotations

import abc
import argparse
import contextlib
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
    A library with the neurons of an equation; all arrays are 32-bit.

    A library implements the abstract methods; the benchmarks command a method by its name.
    """

    run: Run | None = None  # does the last command once more

    def __init__(self, device: str, threads: int, equation: str) -> None:
        self.device = device
        self.threads = threads
        self.equation = equation

    @abc.abstractmethod
    def versions(self) -> dict[str, str]:
        """Return the versions of its packages, by name."""

    @abc.abstractmethod
    def respond(self, currents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Run neurons from a voltage of 0; return outputs and voltages, all (batch, time, size)."""

    @abc.abstractmethod
    def make_predict(self, layers: list[StoredLayer], images: np.ndarray) -> Run:
        """
        Return a function that runs a network from voltages of 0, for `to_common`.

        It has neurons between its layers. Images, (batch, time, height, width, channels) or (batch,
        time, size), are laid out as the library likes it now, and go to its device when it runs.
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
        Return a function that trains a network with all images once by gradient descent.

        The loss is the cross-entropy of the output's mean over time, where labels, of shape
        (batch,), are the indices of outputs. It returns the mean of the losses, of shape (1,).
        """

    def to_common(self, output: np.ndarray) -> np.ndarray:
        """Return the output of a network with the shape (batch, time, size)."""
        return output

    @abc.abstractmethod
    def first_kernel(self) -> np.ndarray:
        """Return the first weights of the network that trains, as a `StoredLayer` has them."""

    @abc.abstractmethod
    def clear(self) -> None:
        """Drop the network."""

    def predict(self, layers: list[StoredLayer], images: np.ndarray) -> np.ndarray:
        """Build a network, and run it once; return its output."""
        self.close()
        self.run = self.make_predict(layers, images)
        return self.to_common(self.run())

    def fit(
        self, layers: list[StoredLayer], learning_rate: float, **arguments: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Train a network once; return the mean loss, and the first kernel's summed gradients."""
        self.close()
        self.run = self.make_fit(layers, learning_rate=learning_rate, **arguments)
        losses = self.run()
        return losses, (layers[0].kernel - self.first_kernel()) / learning_rate

    def time(self, repeats: int = 1) -> float:
        """Do the last command again; return the seconds of one time."""
        assert self.run is not None
        start = time.perf_counter()
        for _ in range(repeats):
            self.run()
        return (time.perf_counter() - start) / repeats

    def close(self) -> None:
        """Drop the last command and its network."""
        self.run = None
        self.clear()


def serve(makers: dict[str, Callable[[str, int, str], Worker]]) -> None:
    """Make the worker that is named, and obey commands until there are no more."""
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
    with contextlib.suppress(EOFError):
        while True:
            name, arguments = pickle.load(sys.stdin.buffer)
            try:
                _answer(answers, getattr(worker, name)(**arguments))
            except Exception as error:
                _answer(answers, error=error)


def _answer(answers: BinaryIO, result: Any = None, error: Exception | None = None) -> None:
    if error is not None:
        traceback.print_exc()
    pickle.dump((result, f"{type(error).__name__}: {error}" if error else ""), answers)
    answers.flush()
