"""Libraries side by side: whether they compute the same, then how long they take, in turns."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.agreement import assert_same
from benchmarks.groups import Cache
from benchmarks.machine import n_cores
from benchmarks.measure import Measurement, take_turns
from benchmarks.peers import definitions, peer_cases
from benchmarks.peers.environments import LIBRARIES
from benchmarks.peers.peer_cases import PeerCase
from benchmarks.peers.process import PeerError, PeerProcess

ROUNDS = 5

LEARNING_RATE = 1e-5
"""Small, so that neurons fire as much after many steps of training as before."""

# What is allowed, of the size of the numbers: a spike flips where a voltage is within rounding of
# the threshold, and moves what follows.
LEAST_EQUAL_SPIKES = 0.999
VOLTAGE_DIFFERENCE = 1e-4
GRADIENT_DIFFERENCE = 0.01
LOSS_DIFFERENCE = 0.001


@dataclass(frozen=True)
class MeasuredPeers:
    """What was measured in a case, how far losses are from ours, and which members failed."""

    measured: Measurement
    loss_differences: dict[str, float] = field(default_factory=dict)
    failed: dict[str, Exception] = field(default_factory=dict)

    def figures(self, member: str, samples_steps: int) -> dict[str, float]:
        """Return what reports show of a member, by name."""
        losses = self.loss_differences
        return {
            **self.measured.figures(member, samples_steps, reference="ours"),
            **({"loss_difference": losses[member]} if member in losses else {}),
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
        self.threads = threads or n_cores() or 1
        self.missing: dict[str, str] = {}
        self._processes: dict[tuple[str, str], PeerProcess] = {}
        self._neurons = Cache()

    def process(self, member: str, equation: str) -> PeerProcess:
        """
        Return the process of a library, or of "ours", with the neurons of an equation.

        Raises
        ------
        PeerError
            If it can't be run. The reason is in `missing` then.
        """
        if member in self.missing:
            raise PeerError(self.missing[member])
        key = (member, equation)
        if key not in self._processes:
            library = LIBRARIES.get(member)
            python = Path(sys.executable) if library is None else library.python
            try:
                if library is not None and (why_not := library.why_missing()):
                    raise PeerError(why_not)
                self._processes[key] = PeerProcess(
                    member, python, self.device, self.threads, equation
                )
            except PeerError as error:
                self.missing[member] = str(error)
                raise
        return self._processes[key]

    def require_alike(self, member: str, equation: str) -> dict[str, float]:
        """
        Check, once, that the neurons of a library, and their gradients, are ours.

        Returns
        -------
        figures : dict of float
            ``equal_spikes``, a share of all; ``voltage_difference``, the largest where spikes are
            equal, and ``gradient_difference``, of the first weights of the dense network: each of
            the size of ours.

        Raises
        ------
        AssertionError
            If they are not.
        """
        return self._neurons.get((member, equation), lambda: self._compare(member, equation))

    def measure(self, case: PeerCase, rounds: int = ROUNDS) -> MeasuredPeers:
        """
        Measure all libraries in turns, after a check that they compute the same.

        Those that can't be run are left out; one that computes something else has failed.
        """
        processes: dict[str, PeerProcess] = {}
        for member in case.members:
            try:
                processes[member] = self.process(member, case.equation)
            except PeerError:
                if member == "ours":
                    raise
        agreement: dict[str, float] = {}
        result = MeasuredPeers(Measurement({}, agreement))
        others = [member for member in processes if member != "ours"]
        # Before any network is built: it takes the process of ours as well.
        for member in others:
            try:
                self.require_alike(member, case.equation)
            except (AssertionError, PeerError) as error:
                result.failed[member] = error
        expected = _run_once(processes["ours"], case)
        for member in others:
            if member in result.failed:
                continue
            try:
                output = _run_once(processes[member], case)
                share = assert_same(
                    *(expected, output, member, "ours"),
                    loss_difference=LOSS_DIFFERENCE,
                    deviations=0.0,
                )
            except (AssertionError, PeerError) as error:
                result.failed[member] = error
                continue
            if share is None:
                difference = np.abs(output - expected).max() / np.abs(expected).max()
                result.loss_differences[member] = float(difference)
            else:
                agreement[member] = share
        right = {name: each for name, each in processes.items() if name not in result.failed}
        seconds = take_turns({name: process.time for name, process in right.items()}, rounds)
        for process in right.values():
            process.ask("close")
        return replace(result, measured=Measurement(seconds, agreement))

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.stop()
        self._processes.clear()

    def _compare(self, member: str, equation: str) -> dict[str, float]:
        currents = _currents(equation)
        given = {
            "layers": peer_cases.make_layers("dense", equation),
            "images": peer_cases.make_images("dense", 8, 25),
            "labels": peer_cases.make_labels(8),
            "minibatch": 8,
            # A step that is large enough that its size is known in spite of rounding.
            "learning_rate": 1.0 if equation == definitions.LIF else 1e-2,
        }
        responses = []
        for name in ("ours", member):
            process = self.process(name, equation)
            output, voltages = process.ask("respond", currents=currents)
            _, gradient = process.ask("fit", **given)
            process.ask("close")
            responses.append((output, voltages, gradient))
        (output, voltages, gradient), (their_output, their_voltages, their_gradient) = responses
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
        slope = float(np.linalg.norm(their_gradient - gradient) / np.linalg.norm(gradient))
        assert slope <= GRADIENT_DIFFERENCE, (
            f"the gradient of the first weights of {member} differs from ours by {slope:.1e} of "
            f"its size; {GRADIENT_DIFFERENCE:.0e} is allowed"
        )
        return {
            "equal_spikes": share,
            "voltage_difference": voltage,
            "gradient_difference": slope,
        }


def _run_once(process: PeerProcess, case: PeerCase) -> np.ndarray:
    """Build a network and run it once; return its output, or the loss."""
    layers = peer_cases.make_layers(case.network, case.equation)
    n_samples = case.minibatch * case.batches
    images = peer_cases.make_images(case.network, n_samples, case.n_steps)
    if case.use == "predict":
        return process.ask("predict", layers=layers, images=images)
    losses, _ = process.ask(
        "fit",
        layers=layers,
        images=images,
        labels=peer_cases.make_labels(n_samples),
        minibatch=case.minibatch,
        learning_rate=LEARNING_RATE,
    )
    return losses


def _currents(equation: str) -> np.ndarray:
    """Return currents for 4 samples, 50 steps and 256 neurons, of which many make them fire."""
    size = 1 if equation == definitions.LIF else 100  # the latter are in Hz
    currents = np.random.RandomState(2).uniform(-size, 4 * size, (4, 50, 256))
    return currents.astype(np.float32)
