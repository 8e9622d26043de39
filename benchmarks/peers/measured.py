"""Libraries side by side: whether they compute the same, then how long they take, in turns."""

from __future__ import annotations

import math
import os
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.peers import architectures, equations
from benchmarks.peers.environments import LIBRARIES
from benchmarks.peers.process import PeerError, PeerProcess

ROUNDS = 5
LEAST_SECONDS = 0.1
"""What takes less is done several times for one timing."""

LEARNING_RATE = 1e-5
"""Small, so that neurons fire as much after many steps of training as before."""

FIT_BATCHES = 4
"""Minibatches of one timed training: one step of training for each."""

LEAST_EQUAL_SPIKES = 0.999
VOLTAGE_DIFFERENCE = 1e-4
LEAST_AGREEMENT = 0.5
CLOSE = 1e-4
LARGEST_MEAN_DIFFERENCE = 0.05
GRADIENT_DIFFERENCE = 0.01
LOSS_DIFFERENCE = 0.001
"""What is allowed, of the size of the numbers: a spike flips where a voltage is within rounding of
the threshold, and moves what follows."""


@dataclass(frozen=True)
class PeerCase:
    """
    What all libraries with some neurons do, side by side.

    Parameters
    ----------
    equation : str
        Of the neurons: one of `equations`.
    network : {"dense", "convolutional"}
        Of `architectures.ARCHITECTURES`.
    use : {"predict", "fit"}
        Forward only, or steps of training.
    minibatch, n_steps : int
        Samples at once, and time steps of each.
    """

    equation: str
    network: str
    use: str
    minibatch: int
    n_steps: int

    @property
    def members(self) -> tuple[str, ...]:
        """Who does it."""
        return equations.MEMBERS[self.equation]

    @property
    def batches(self) -> int:
        """How many minibatches are timed at once."""
        return FIT_BATCHES if self.use == "fit" else 1

    @property
    def samples_steps(self) -> int:
        """How many samples times steps are timed at once."""
        return self.minibatch * self.n_steps * self.batches

    def __str__(self) -> str:
        return f"{self.equation}-{self.network}-{self.use}-{self.minibatch}x{self.n_steps}"


@dataclass
class MeasuredPeers:
    """
    What was measured in a case.

    Parameters
    ----------
    seconds : dict of list of float
        By member, one number a round.
    agreement : dict of dict of float
        By member, how well its numbers agree with ours.
    failed : dict of Exception
        By member, what went wrong. It has no seconds then.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    agreement: dict[str, dict[str, float]] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)

    def ratios(self, member: str) -> list[float]:
        """Return how many times as long as ours a member takes, in each round."""
        return [a / b for a, b in zip(self.seconds[member], self.seconds["ours"], strict=True)]

    def figures(self, member: str, samples_steps: int) -> dict[str, float]:
        """Return what reports show of a member, by name."""
        ratios = self.ratios(member)
        return {
            "samples_steps": samples_steps,
            "samples_steps_per_second": samples_steps / statistics.median(self.seconds[member]),
            "ratio_to_ours": statistics.median(ratios),
            "ratio_least": min(ratios),
            "ratio_most": max(ratios),
            **self.agreement.get(member, {}),
        }


class Peers:
    """
    The processes of all libraries: each is started when it is first needed, and then stays.

    Parameters
    ----------
    device : {"cpu", "gpu"}
        Where they compute.
    threads : int, optional
        How many threads each may use; by default as many as there are cores.
    """

    def __init__(self, device: str, threads: int | None = None) -> None:
        self.device = device
        self.threads = threads or _n_cores()
        self.missing: dict[str, str] = {}
        self._processes: dict[tuple[str, str], PeerProcess] = {}
        self._alike: dict[tuple[str, str], dict[str, float] | Exception] = {}

    def process(self, member: str, equation: str) -> PeerProcess:
        """
        Return the process of a library.

        Parameters
        ----------
        member : str
            The name of the library, or "ours".
        equation : str
            Of its neurons.

        Raises
        ------
        PeerError
            If it can't be run. The reason is in `missing` then.
        """
        if member in self.missing:
            raise PeerError(self.missing[member])
        key = (member, equation)
        if key not in self._processes:
            why_not = LIBRARIES[member].why_missing() if member != "ours" else ""
            try:
                if why_not:
                    raise PeerError(why_not)
                python = LIBRARIES[member].python if member != "ours" else Path(sys.executable)
                self._processes[key] = PeerProcess(
                    member, python, self.device, self.threads, equation
                )
            except PeerError as error:
                self.missing[member] = str(error)
                raise
        return self._processes[key]

    def present(self, case: PeerCase) -> list[str]:
        """Return the members of a case that can be run."""
        found = []
        for member in case.members:
            try:
                self.process(member, case.equation)
            except PeerError:
                if member == "ours":
                    raise
                continue
            found.append(member)
        return found

    def versions(self, member: str, equation: str) -> dict[str, str]:
        """Return the versions of what a library runs on, by name."""
        return self.process(member, equation).versions

    def require_alike(self, member: str, equation: str) -> dict[str, float]:
        """
        Check that the neurons of a library, and their gradients, are ours.

        Parameters
        ----------
        member, equation : str
            See `process`.

        Returns
        -------
        found : dict of float
            ``equal_spikes``, a share of all; ``voltage_difference``, the largest where spikes are
            equal, and ``gradient_difference``, of the first weights of the dense network: each of
            the size of ours.

        Raises
        ------
        AssertionError
            If they are not.
        """
        key = (member, equation)
        if key not in self._alike:
            try:
                self._alike[key] = self._compare(member, equation)
            except AssertionError as error:
                self._alike[key] = error
        found = self._alike[key]
        if isinstance(found, Exception):
            raise found
        return found

    def measure(self, case: PeerCase, rounds: int = ROUNDS) -> MeasuredPeers:
        """
        Measure all libraries in turns, after a check that they compute the same.

        Parameters
        ----------
        case : PeerCase
            What they do.
        rounds : int
            How often each is timed.

        Returns
        -------
        measured : MeasuredPeers
            Of those that can be run. One that computes something else has failed.
        """
        members = self.present(case)
        measured = MeasuredPeers()
        outputs: dict[str, np.ndarray] = {}
        for member in members:
            if member != "ours":
                try:
                    # before any network is built: it takes the process of ours as well
                    self.require_alike(member, case.equation)
                except (AssertionError, PeerError) as error:
                    measured.failed[member] = error
        for member in members:
            if member in measured.failed:
                continue
            try:
                outputs[member] = self._first(member, case)
                if member != "ours":
                    measured.agreement[member] = _agreement(
                        member, outputs["ours"], outputs[member], case.use
                    )
            except (AssertionError, PeerError) as error:
                if member == "ours":
                    raise
                measured.failed[member] = error
        order = [member for member in members if member not in measured.failed]
        processes = {member: self.process(member, case.equation) for member in order}
        repeats = {
            member: math.ceil(LEAST_SECONDS / process.time())
            for member, process in processes.items()
        }
        measured.seconds = {member: [] for member in order}
        for _ in range(rounds):
            for member in order:
                measured.seconds[member].append(processes[member].time(repeats[member]))
            order.append(order.pop(0))  # who comes first changes
        for process in processes.values():
            process.let_go()
        return measured

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.stop()
        self._processes.clear()

    def _first(self, member: str, case: PeerCase) -> np.ndarray:
        """Build a network and run it once; return its output, or the loss."""
        process = self.process(member, case.equation)
        layers = architectures.make(case.network, case.equation)
        n_samples = case.minibatch * case.batches
        images = architectures.make_images(case.network, n_samples, case.n_steps)
        if case.use == "predict":
            return process.predict(layers, images)
        labels = architectures.make_labels(n_samples)
        return process.fit(layers, images, labels, case.minibatch, LEARNING_RATE)[0]

    def _compare(self, member: str, equation: str) -> dict[str, float]:
        currents = _currents(equation)
        layers = architectures.make("dense", equation)
        images, labels = architectures.make_images("dense", 8, 25), architectures.make_labels(8)
        # A step that is large enough that its size is known in spite of rounding.
        rate = 1.0 if equation == equations.LIF else 1e-2
        found = []
        for each in ("ours", member):
            process = self.process(each, equation)
            responses = process.respond(currents)
            found.append((*responses, process.fit(layers, images, labels, 8, rate)[1]))
            process.let_go()
        (output, voltages, gradient), (their_output, their_voltages, their_gradient) = found
        assert output.any(), "no neuron fires, hence there is nothing to compare"
        equal = np.isclose(their_output, output, rtol=1e-5)
        share = float(equal.mean())
        assert share >= LEAST_EQUAL_SPIKES, (
            f"{share:.2%} of the outputs of neurons of {member} are those of ours; "
            f"{LEAST_EQUAL_SPIKES:.1%} are needed"
        )
        voltage = float(np.abs(their_voltages - voltages)[equal].max() / np.abs(voltages).max())
        assert voltage <= VOLTAGE_DIFFERENCE, (
            f"voltages of {member} differ from ours by {voltage:.1e} of the largest; "
            f"{VOLTAGE_DIFFERENCE:.0e} is allowed"
        )
        size = np.linalg.norm(gradient)
        slope = float(np.linalg.norm(their_gradient - gradient) / size)
        assert slope <= GRADIENT_DIFFERENCE, (
            f"the gradient of the first weights of {member} differs from ours by {slope:.1e} of "
            f"its size; {GRADIENT_DIFFERENCE:.0e} is allowed"
        )
        return {
            "equal_spikes": share,
            "voltage_difference": voltage,
            "gradient_difference": slope,
        }


def _currents(equation: str) -> np.ndarray:
    """Return currents for 4 samples, 50 steps and 256 neurons, of which many make them fire."""
    size = 1 if equation == equations.LIF else 100  # the latter are in Hz
    currents = np.random.RandomState(2).uniform(-size, 4 * size, (4, 50, 256))
    return currents.astype(np.float32)


def _agreement(member: str, ours: np.ndarray, theirs: np.ndarray, use: str) -> dict[str, float]:
    """
    Compare what a network gives with what ours gives.

    A spike that flips moves others of the same sample. Hence each sample is compared up to the
    first step at which it differs, and for the steps behind it only its mean.
    """
    assert theirs.shape == ours.shape, f"ours has the shape {ours.shape}, {member} {theirs.shape}"
    size = np.abs(ours).max()
    assert size > 0, "the network puts out nothing, hence there is nothing to compare"
    if use == "fit":
        difference = float(np.abs(theirs - ours).max() / size)
        assert difference <= LOSS_DIFFERENCE, (
            f"the loss of {member} is {theirs}, ours {ours}; {LOSS_DIFFERENCE:.1%} of difference "
            "is allowed"
        )
        return {"loss_difference": difference}
    close = np.abs(theirs - ours) <= CLOSE * size
    share = float(np.logical_and.accumulate(close.all(axis=2), axis=1).mean())
    assert share >= LEAST_AGREEMENT, (
        f"the outputs of {member} are ours, within {CLOSE:.0e} of the largest, only for "
        f"{share:.0%} of the steps, as a mean over samples; {LEAST_AGREEMENT:.0%} are needed"
    )
    means, expected = theirs.mean(axis=1), ours.mean(axis=1)
    difference = float(np.sqrt(np.mean((means - expected) ** 2) / np.mean(expected**2)))
    assert difference <= LARGEST_MEAN_DIFFERENCE, (
        f"means over time of {member} differ from ours by {difference:.1%} of their size; "
        f"{LARGEST_MEAN_DIFFERENCE:.0%} are allowed"
    )
    return {"agreement": share}


def _n_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
