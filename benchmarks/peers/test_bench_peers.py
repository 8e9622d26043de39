"""Ours beside other libraries for spiking networks: forward, and steps of training.

All build the same networks, with the same weights, for the same input, and have neurons with the
same equation. That they compute the same is checked before anything is timed: the neurons alone,
the gradient of the first weights, then the output of each network. What is timed begins with input
in NumPy's memory and ends with the result there.
"""

from __future__ import annotations

import pytest

from benchmarks.groups import RECORDED
from benchmarks.peers.comparison import ROUNDS, PeerError, Peers
from benchmarks.peers.definitions import MEMBERS
from benchmarks.peers.peer_cases import peer_cases

pytestmark = [pytest.mark.timeout(0), pytest.mark.benchmark(timer=RECORDED)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "peer_case" in metafunc.fixturenames:
        cases = peer_cases(metafunc.config.getoption("--quick"))
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


@pytest.mark.parametrize(
    ("equation", "library"),
    [(equation, name) for equation, names in MEMBERS.items() for name in names if name != "ours"],
)
def test_neurons_are_alike(peers, equation, library):
    _skip_if_missing(peers, library, equation)

    peers.require_alike(library, equation)


def test_network(benchmark, peers, peers_table, cache, quick, device_kind, peer_case, library):
    equation = peer_case.equation
    _skip_if_missing(peers, library, equation)
    measured, failed = cache.get(
        peer_case, lambda: peers.measure(peer_case, 2 if quick else ROUNDS)
    )
    _skip_if_missing(peers, library, equation)
    if library in failed:
        raise failed[library]
    figures = measured.figures(library, peer_case.samples_steps, reference="ours")
    benchmark.group = f"peers: {peer_case}"
    own = ("network", "use", "minibatch", "n_steps", "batches")
    benchmark.extra_info |= {
        "suite": "peers",
        **{name: getattr(peer_case, name) for name in own},
        "neurons": equation,
        "member": library,
        "device": device_kind,
        "threads": peers.threads,
        "versions": peers.process(library, equation).versions,
        "missing": peers.missing,
        **figures,
    }
    if library != "ours":
        benchmark.extra_info |= peers.require_alike(library, equation)
    RECORDED.record(benchmark, measured.seconds[library])
    peers_table.add_row(
        str(peer_case) if library == "ours" else "",
        library,
        f"{measured.median(library):.4f}",
        f"{figures['ratio_to_ours']:.2f}",
        f"{figures['ratio_least']:.2f}-{figures['ratio_most']:.2f}",
        f"{figures['samples_steps_per_second']:,.0f}",
        f"{figures['agreement']:.1%}" if "agreement" in figures else "",
    )
