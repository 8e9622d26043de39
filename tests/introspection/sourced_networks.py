"""Networks that are written as code and built again, and how close the two are."""

from __future__ import annotations

import re
import warnings
from typing import Any

import nengo
import numpy as np
from nengo.builder import Builder, Signal

from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection import NetworkSource, to_source


def round_trip(network: nengo.Network) -> tuple[NetworkSource, nengo.Network]:
    """Write a network, build it again, and check that the two are the same to the last bit."""
    source = to_source(network)
    with warnings.catch_warnings():
        # nengo says again of some networks what it said when they were made, Keras of lambdas
        warnings.simplefilter("ignore")
        built = source.build(**source.values)
        again = to_source(built)
        assert described(built) == described(network)
    first, second = map(_without_remarks, (source, again))
    assert first == second
    assert again.arguments == source.arguments
    assert list(again.arrays) == list(source.arrays)
    return source, built


def _without_remarks(source: NetworkSource) -> str:
    """Return the code without remarks on objects of subclasses, which are plain afterwards."""
    return re.sub(r"^ *#.*\n", "", source.code, flags=re.MULTILINE)


def described(network: nengo.Network) -> list[Any]:
    """Describe what nengo builds of a network: operators, seeds, and all numbers, as bytes."""
    graph = NetworkGraph(network, seed=3)
    model = graph.model
    numbers: dict[int, int] = {}
    lines: list[Any] = []
    for operator in model.operators:
        lines.append(type(operator).__name__)
        lines += [_signal(each, numbers) for each in operator.all_signals]
    lines += [(_kind(key), seed) for key, seed in model.seeds.items()]
    lines += [
        (each.name, each.kind, each.shape, each.trainable, each.is_trained)
        for each in graph.parameters
    ]
    lines += [(str(each.attr), each.sample_every, each.label) for each in network.all_probes]
    lines += [(_kind(each), each.label, each.seed) for each in network.all_objects]
    lines += [
        str({key: each.value for key, each in graph.settings(probe).items() if key != "trainable"})
        for probe in network.all_probes
        if graph.settings(probe).get("keep_history", probe) is not probe
        and graph.settings(probe)["keep_history"].value is not True
    ]
    return lines


def _kind(obj: Any) -> str:
    # the code makes plain networks and Nodes of all kinds of them
    return next(cls for cls in type(obj).__mro__ if cls in Builder.builders).__name__


def _signal(signal: Signal, numbers: dict[int, int]) -> Any:
    number = numbers.setdefault(id(signal), len(numbers))
    value = signal.initial_value
    if value is None:
        return (number, tuple(signal.shape))
    if signal.sparse:
        coo = value.tocoo() if hasattr(value, "tocoo") else value.allocate().tocoo()
        return (number, coo.row.tobytes(), coo.col.tobytes(), coo.data.tobytes())
    value = np.asarray(value)
    return (number, value.dtype.str, value.shape, value.tobytes(), bool(signal.trainable))
