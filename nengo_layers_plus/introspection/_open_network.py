"""The network of a Simulator that is open, and still is what the Simulator was made of."""

from __future__ import annotations

from collections.abc import Hashable
from itertools import zip_longest
from typing import Any

import nengo
import numpy as np
from nengo.builder import Model, Operator
from nengo.exceptions import SimulatorClosed, ValidationError

from nengo_layers_plus._upstream import nengo_dl
from nengo_layers_plus.graph._structure import build_model
from nengo_layers_plus.introspection._decoders import WithoutDecoders
from nengo_layers_plus.introspection._same import fingerprint

# what of an operator is of the objects it was made for, besides the signals
_OF_OBJECTS = ("neurons", "process", "learning_rate")


def open_network(sim: nengo_dl.Simulator, to: str) -> nengo.Network:
    """
    Return the network of a Simulator.

    Parameters
    ----------
    sim : nengo_dl.Simulator
        The Simulator.
    to : str
        What is to be done with it, for the errors; e.g. ``"compare"``.

    Raises
    ------
    nengo.exceptions.SimulatorClosed
        If it is closed.
    nengo.exceptions.ValidationError
        If its network was changed after it was built, so that it simulates something else than the
        network says.
    """
    if sim.closed:
        raise SimulatorClosed(
            f"can't {to} a Simulator that is closed, as its values are gone; do it before it is "
            "closed, inside its `with` block, or take its network"
        )
    network: nengo.Network = sim.model.toplevel
    if not _is_built(network, sim.model):
        raise ValidationError(
            f"can't {to} a Simulator whose network was changed after it was built: {network} is "
            "something else now than what is simulated. Make a new Simulator of it",
            attr="simulator",
            obj=sim,
        )
    return network


def _is_built(network: nengo.Network, model: Model) -> bool:
    """Say whether a model is that of a network, apart from the numbers in it."""
    try:
        again = build_model(network, model.seeds.get(network), WithoutDecoders())
    except Exception:  # what can't be built any more was changed
        return False
    for node in network.all_nodes:
        put_out = [built.sig.get(node, {}).get("out") for built in (model, again)]
        if isinstance(node.output, np.ndarray) and None not in put_out:
            before, now = (np.asarray(signal.initial_value) for signal in put_out)
            if not np.array_equal(before, now, equal_nan=True):
                return False
    return all(
        None not in (before, now) and _describe(before) == _describe(now)
        for before, now in zip_longest(model.operators, again.operators)
    )


def _describe(operator: Operator) -> Hashable:
    function: Any = getattr(operator, "func", None)  # of a TensorNode
    return (
        type(operator).__name__,
        tuple(signal.shape for signal in operator.all_signals),
        id(function),
        tuple(fingerprint(getattr(operator, name, None)) for name in _OF_OBJECTS),
    )
