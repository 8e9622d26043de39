"""Libraries side by side, in processes: whether they compute the same, then how long they take."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import assert_same
from benchmarks.groups import Cache
from benchmarks.machine import n_cores
from benchmarks.measure import Measurement, take_turns
from benchmarks.peers import definitions, peer_cases
from benchmarks.peers.environments import LIBRARIES
from benchmarks.peers.peer_cases import PeerCase

ROOT = Path(__file__).parents[2]
# where workers are; the others are in `torch_peers`
MODULES = {"ours": "ours_peer", "keras-spiking": "keras_spiking_peer"}
ROUNDS = 5

LEARNING_RATE = 1e-5  # small, so that neurons fire as much after many steps of training as before

# relative limits: a spike flips where a voltage is within rounding of the threshold
LEAST_EQUAL_SPIKES = 0.999
DIFFERENCES = {"voltage_difference": 1e-4, "gradient_difference": 0.01}
LOSS_DIFFERENCE = 0.001


class PeerError(RuntimeError):
    """A library could not do what it was told, or does not start."""


class PeerProcess:
    """A library in a process of its own, which does one thing at a time and waits in between."""

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

    def ask(self, command: str, **arguments: Any) -> Any:
        """Have it call a method of `benchmarks.peers.worker.Worker`; return the answer."""
        try:
            pickle.dump((command, arguments), self._process.stdin)
            self._process.stdin.flush()
        except OSError as error:
            raise PeerError(f"{self.name} has ended:\n{self._last_words()}") from error
        return self._answer()

    def time(self, repeats: int = 1) -> float:
        """Have it do its last command again; return the seconds of one time."""
        return self.ask("time", repeats=repeats)

    def stop(self) -> None:
        """End the process."""
        try:
            self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._log.close()

    def _answer(self) -> Any:
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
    # Settings of the Python of the benchmarks do not hold for the others.
    own = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "TF_USE_LEGACY_KERAS")
    return {
        **{name: value for name, value in os.environ.items() if name not in own},
        "OMP_NUM_THREADS": str(threads),
        "TF_NUM_INTRAOP_THREADS": str(threads),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # one GPU for several processes
        "PYTHONWARNINGS": "ignore",
        **({"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}),
    }


class Peers:
    """The processes of all libraries: each is started when it is first needed, and then stays."""

    def __init__(self, device: str, threads: int | None = None) -> None:
        self.device = device
        self.threads = threads or n_cores() or 1
        self.missing: dict[str, str] = {}
        self._processes: dict[tuple[str, str], PeerProcess] = {}
        self._neurons = Cache()

    def process(self, member: str, equation: str) -> PeerProcess:
        """
        Return the process of a library, or of "ours", with the neurons of an equation.

        If it can't be run that is a `PeerError`, whose reason is kept in `missing`.
        """
        if member in self.missing:
            raise PeerError(self.missing[member])
        key = (member, equation)
        if key not in self._processes:
            library = LIBRARIES.get(member)
            python = Path(sys.executable) if library is None else library.python
            try:
                if not python.exists():
                    raise PeerError(f"there is no {python}; `make bench-peers` installs it")
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

        Returns ``equal_spikes``, a share of all, and, relative to ours, ``voltage_difference``, the
        largest where spikes are equal, and ``gradient_difference``, of the dense network's first
        weights.
        """
        return self._neurons.get((member, equation), lambda: self._compare(member, equation))

    def measure(
        self, case: PeerCase, rounds: int = ROUNDS
    ) -> tuple[Measurement, dict[str, Exception]]:
        """
        Measure all libraries in turns, after a check that they compute the same.

        Returns the errors of members as well, which can't be run, or compute something else.
        """
        agreement: dict[str, float] = {}
        losses: dict[str, float] = {}
        failed: dict[str, Exception] = {}
        outputs: dict[str, np.ndarray] = {}
        for member in case.members:
            if member != "ours":
                try:
                    self.require_alike(member, case.equation)
                    outputs[member] = _run_once(self.process(member, case.equation), case)
                except (AssertionError, PeerError) as error:
                    failed[member] = error
        # The check of neurons runs ours as well: its network comes last.
        expected = _run_once(self.process("ours", case.equation), case)
        limits = {"loss_difference": LOSS_DIFFERENCE, "deviations": 0.0}
        for member, output in outputs.items():
            try:
                share = assert_same(expected, output, member, "ours", **limits)
            except AssertionError as error:
                failed[member] = error
                continue
            if share is None:
                difference = np.abs(output - expected).max() / np.abs(expected).max()
                losses[member] = float(difference)
            else:
                agreement[member] = share
        right = ["ours", *(member for member in outputs if member not in failed)]
        processes = {member: self.process(member, case.equation) for member in right}
        seconds = take_turns({name: process.time for name, process in processes.items()}, rounds)
        for process in processes.values():
            process.ask("close")
        return Measurement(seconds, agreement, losses), failed

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            process.stop()
        self._processes.clear()

    def _compare(self, member: str, equation: str) -> dict[str, float]:
        currents = _currents(equation)
        training = {
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
            responses += [*process.ask("respond", currents=currents)]
            responses.append(process.ask("fit", **training)[1])
            process.ask("close")
        output, voltages, gradient, their_output, their_voltages, their_gradient = responses
        assert output.any(), "no neuron fires, hence there is nothing to compare"
        equal = np.isclose(their_output, output, rtol=1e-5)
        share = float(equal.mean())
        assert share >= LEAST_EQUAL_SPIKES, (
            f"{share:.2%} of the outputs of neurons of {member} are those of ours; "
            f"{LEAST_EQUAL_SPIKES:.1%} are needed"
        )
        voltage = np.abs(their_voltages - voltages)[equal].max() / np.abs(voltages).max()
        gradient = np.linalg.norm(their_gradient - gradient) / np.linalg.norm(gradient)
        figures = {"voltage_difference": float(voltage), "gradient_difference": float(gradient)}
        for name, allowed in DIFFERENCES.items():
            assert figures[name] <= allowed, (
                f"the {name.replace('_', ' ')} of {member} from ours is {figures[name]:.1e} of its "
                f"size; {allowed:.0e} is allowed"
            )
        return {"equal_spikes": share, **figures}


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
