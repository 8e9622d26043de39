"""A network as the benchmarks take it."""

from __future__ import annotations

from dataclasses import dataclass

import nengo


@dataclass(frozen=True, eq=False)
class BenchmarkNetwork:
    """
    A network with one input and one output.

    Parameters
    ----------
    network : nengo.Network
        All of it.
    input : nengo.Node
        Takes the data.
    probe : nengo.Probe
        Records the output; to train, it needs 10 values, one a class.
    """

    network: nengo.Network
    input: nengo.Node
    probe: nengo.Probe

    @property
    def n_neurons(self) -> int:
        """How many neurons it has."""
        return sum(each.n_neurons for each in self.network.all_ensembles)
