"""What is true of a network, or a Simulator, as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nengo

from nengo_layers_plus._upstream import default_simulation_settings, nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection._comparison._fact import Fact

# processes that draw nothing
_STEADY = (nengo.processes.PresentInput, nengo.processes.Piecewise, nengo.synapses.Synapse)


def network_facts(graph: NetworkGraph) -> dict[str, Fact]:
    """Return the seed and the settings of a network, by name."""
    seeds = graph.model.seeds
    facts = [
        Fact(
            "seed",
            "seed",
            graph.network.seed if graph.simulator is None else seeds.get(graph.network),
            counts=graph.network.seed is not None,
            attributes=("seed",),
            shown=None if graph.network.seed is not None else "None, so that it is drawn anew",
        )
    ]
    settings = default_simulation_settings() | {
        name: value for name, value in graph.simulator_settings.items() if value is not None
    }
    facts += [Fact(name, "simulation", value) for name, value in sorted(settings.items())]
    return {each.name: each for each in facts}


def simulator_facts(graph: NetworkGraph) -> dict[str, Fact]:
    """Return what a Simulator was made with, by name; for a network what it would be by default."""
    sim = graph.simulator
    if sim is None:
        return {"dt": Fact("dt", "simulation", float(graph.model.dt))}
    return {each.name: each for each in _of_simulator(sim)}


def _of_simulator(sim: nengo_dl.Simulator) -> Iterator[Fact]:
    values: dict[str, Any] = {
        "dt": float(sim.dt),
        "minibatch_size": int(sim.minibatch_size),
        "unroll_simulation": int(sim.unroll),
        "device": sim.tensor_graph.device,
    }
    for name, value in values.items():
        yield Fact(name, "simulation", value)
    yield Fact(
        "seed",
        "seed",
        int(sim.tensor_graph.seed),
        network_causes=("seed",),
        counts=_draws(sim.model.toplevel),
    )


def _draws(network: nengo.Network) -> bool:
    """Say whether something in a network is drawn in each simulation."""
    random = (nengo.StochasticSpiking, nengo.PoissonSpiking)
    processes = [node.output for node in network.all_nodes]
    for ensemble in network.all_ensembles:
        if isinstance(ensemble.neuron_type, random):
            return True
        processes.append(ensemble.noise)
    return any(
        isinstance(each, nengo.Process) and each.seed is None and not isinstance(each, _STEADY)
        for each in processes
    )
