"""Copies of a network with other labels, made in another order."""

from __future__ import annotations

import random

import nengo

from nengo_layers_plus.introspection._network_copy import NetworkCopy


def shuffled(network: nengo.Network, seed: int) -> NetworkCopy:
    """Copy a network; give its objects other labels, and have them stand in another order."""
    rng = random.Random(seed)
    made = NetworkCopy(network)
    learns = any(each.learning_rule_type for each in network.all_connections)
    for each in (made.network, *made.network.all_networks):
        # nengo builds networks in order, and a learning rule before what leads to it
        for kind in (nengo.Ensemble, nengo.Node, nengo.Probe, nengo.Connection):
            if kind is not nengo.Connection or not learns:
                rng.shuffle(each.objects[kind])
    for obj in made.network.all_objects:
        obj.label = None if rng.random() < 0.5 else f"renamed {rng.random():.3f}"
    return made
