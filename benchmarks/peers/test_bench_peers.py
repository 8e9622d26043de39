"""Ours beside other libraries for spiking networks: forward, and steps of training.

All build the same networks, with the same weights, for the same input, and have neurons with the
same equation. That they compute the same is checked before anything is timed: the neurons alone,
the gradient of the first weights, then the output of each network. What is timed begins with input
in NumPy's memory and ends with the result there.
"""

from __future__ import annotations

import pytest

from benchmarks.peers.equations import LIF, MEMBERS, RECTIFIED
from benchmarks.peers.measured import ROUNDS, MeasuredPeers, PeerCase, Peers
from benchmarks.peers.process import PeerError
from benchmarks.recorded import RECORDED

pytestmark = [pytest.mark.timeout(0), pytest.mark.benchmark(timer=RECORDED)]

SIZES = {
    ("dense", "predict"): ((1, 50), (32, 50), (256, 25)),
    ("dense", "fit"): ((1, 50), (32, 50), (256, 25)),
    ("convolutional", "predict"): ((1, 50), (32, 50), (256, 25)),
    # Gradients need all values of all steps.
    ("convolutional", "fit"): ((1, 50), (32, 25)),
}
"""Samples at once, and steps."""

QUICK_SIZES = {
    ("dense", "predict"): ((1, 50), (32, 50)),
    ("dense", "fit"): ((32, 50),),
    ("convolutional", "predict"): ((4, 20),),
    ("convolutional", "fit"): ((4, 20),),
}


def _cases(sizes: dict[tuple[str, str], tuple[tuple[int, int], ...]]) -> list[PeerCase]:
    return [
        PeerCase(equation, network, use, *size)
        for equation in (LIF, RECTIFIED)
        for (network, use), each in sizes.items()
        for size in each
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "peer_case" in metafunc.fixturenames:
        cases = _cases(QUICK_SIZES if metafunc.config.getoption("--quick") else SIZES)
        pairs = [(case, member) for case in cases for member in case.members]
        ids = [f"{case}-{member}" for case, member in pairs]
        metafunc.parametrize(("peer_case", "library"), pairs, ids=ids)


def _skip_if_missing(peers: Peers, library: str, equation: str) -> None:
    try:
        peers.process(library, equation)
    except PeerError as error:
        if library == "ours":
            raise
        pytest.skip(f"{library} is missing: {error}")


@pytest.fixture(scope="session")
def measured_cases() -> dict[PeerCase, MeasuredPeers]:
    """Return what was measured so far."""
    return {}


@pytest.mark.parametrize(
    ("equation", "library"),
    [(equation, name) for equation, names in MEMBERS.items() for name in names if name != "ours"],
)
def test_neurons_are_alike(peers, equation, library):
    _skip_if_missing(peers, library, equation)

    peers.require_alike(library, equation)


def test_network(
    benchmark, peers, peers_table, measured_cases, quick, device_kind, peer_case, library
):
    _skip_if_missing(peers, library, peer_case.equation)
    if peer_case not in measured_cases:
        measured_cases[peer_case] = peers.measure(peer_case, 2 if quick else ROUNDS)
        _skip_if_missing(peers, library, peer_case.equation)
    measured = measured_cases[peer_case]
    if library in measured.failed:
        raise measured.failed[library]
    benchmark.group = f"peers: {peer_case}"
    benchmark.extra_info |= {
        "suite": "peers",
        "network": peer_case.network,
        "use": peer_case.use,
        "neurons": peer_case.equation,
        "member": library,
        "minibatch": peer_case.minibatch,
        "n_steps": peer_case.n_steps,
        "batches": peer_case.batches,
        "device": device_kind,
        "threads": peers.threads,
        "versions": peers.versions(library, peer_case.equation),
        "missing": peers.missing,
        **measured.figures(library, peer_case.samples_steps),
    }
    if library != "ours":
        benchmark.extra_info |= peers.require_alike(library, peer_case.equation)
    RECORDED.record(benchmark, measured.seconds[library])
    peers_table.add(peer_case, library, measured)
