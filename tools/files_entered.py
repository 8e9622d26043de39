"""Print which files of the package a call enters, as a table: how far a reader has to walk.

Run ``python tools/files_entered.py``, with ``--list`` for the names of the files. Those of
``_upstream`` are counted apart, since they run wherever nengo_dl and Keras do. So are those of
``simulator`` that a comparison enters by calling ``predict`` of a Simulator, as users do.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nengo
import numpy as np

import nengo_layers_plus
from nengo_layers_plus import CustomLayer, Sequential, Simulator, compare
from nengo_layers_plus._upstream import tf

PACKAGE = Path(nengo_layers_plus.__file__).parent


def files_entered(function: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Call a function; return its result, and the files of the package in which code ran."""
    files: set[str] = set()

    def trace(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            files.add(frame.f_code.co_filename)

    for module in (sys, threading):
        module.setprofile(trace)
    try:
        result = function()
    finally:
        for module in (sys, threading):
            module.setprofile(None)
    ours = [Path(file) for file in files if Path(file).is_relative_to(PACKAGE)]
    return result, sorted(str(file.relative_to(PACKAGE)) for file in ours)


def calls() -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each call, and the files that it enters."""
    tf.keras.utils.set_random_seed(0)
    image, networks = np.ones((1, 3, 4)), []
    for gain in (2, 3):
        with nengo.Network(seed=0) as network:
            networks.append(network)
            node = nengo.Node(np.zeros(4), label="image")
            neurons = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": gain, "bias": 2})
            _, of_neurons = files_entered(
                lambda layer=neurons, node=node: layer(node, synapse=0.01)
            )
            dense = CustomLayer(tf.keras.layers.Dense(2), trainable=False)
            _, of_keras = files_entered(lambda layer=dense, node=node: layer(node))
            stack = Sequential([tf.keras.layers.Dense(3), nengo.LIF(), tf.nn.relu])
            output, of_stack = files_entered(lambda layer=stack, node=node: layer(node))
            nengo.Probe(output, label="output")
    yield "CustomLayer of neurons", of_neurons
    yield "CustomLayer of a Keras layer", of_keras
    yield "Sequential", of_stack
    with Simulator(network, progress_bar=False) as sim:
        yield (
            "first predict of a Simulator",
            files_entered(lambda: sim.predict(image, verbose=0))[1],
        )
    yield "compare", files_entered(lambda: str(compare(*networks)))[1]
    data = {networks[0].nodes[0]: image}
    yield "compare with data", files_entered(lambda: str(compare(*networks, data)))[1]


if __name__ == "__main__":
    for name, files in calls():
        apart = ["_upstream", *(["simulator"] if name.startswith("compare") else [])]
        counts = {room: sum(file.startswith(f"{room}/") for file in files) for room in apart}
        own = len(files) - sum(counts.values())
        others = "".join(f" and {count} of {room}" for room, count in counts.items())
        print(f"{name:30}{own:4}{others}")
        if "--list" in sys.argv:
            print("".join(f"    {file}\n" for file in files), end="")
