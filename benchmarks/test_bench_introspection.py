"""How long it takes to look into a network of 100 layers."""

from __future__ import annotations

import nengo
import pytest

from benchmarks.networks import alternating_layers
from nengo_layers_plus import compare, summary, to_source
from nengo_layers_plus.graph import NetworkGraph

N_LAYERS = 100
TARGET = 5.0  # the seconds that each of them may take
LOOKS = {
    "graph": lambda net: NetworkGraph(net).parameters,
    "compare": lambda net: compare(net, alternating_layers(N_LAYERS, tau_rc=0.03)),
    "summary": lambda net: str(summary(net)),
    "to_source": lambda net: to_source(net).code,
}


@pytest.fixture(scope="module")
def network() -> nengo.Network:
    return alternating_layers(N_LAYERS)


@pytest.mark.parametrize("name", LOOKS)
def test_look(benchmark, network, quick, name):
    benchmark.group = f"look-{N_LAYERS}-layers"
    benchmark.pedantic(LOOKS[name], (network,), rounds=1 if quick else 5)
    benchmark.extra_info |= {
        "suite": "introspection",
        "network": "alternating",
        "use": name,
        "member": "ours",
        "n_layers": N_LAYERS,
        "target_seconds": TARGET,
    }


def test_what_is_compared_differs_in_one_thing(network):
    (difference,) = LOOKS["compare"](network)

    assert difference.what == "neuron type.tau_rc"
    assert len(difference.places) == N_LAYERS // 2
