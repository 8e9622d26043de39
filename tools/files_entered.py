"""Print which files of the package a call enters, as a table: how far a reader has to walk.

Run ``python tools/files_entered.py``, with ``--list`` for the names of the files. Those of
``_upstream`` are counted apart: they run wherever nengo_dl and Keras do.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nengo
import numpy as np

import nengo_layers_plus as nlplus

PACKAGE = Path(nlplus.__file__).parent
TensorFlow = nlplus.nengo_dl.Layer.__call__.__globals__["tf"]
Keras = TensorFlow.keras.layers


def files_entered(function: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Call a function; return its result, and the files of the package in which code ran."""
    files: set[str] = set()

    def trace(frame: Any, event: str, _: Any) -> None:
        # a module runs when it is imported, a class body with it
        if event == "call" and frame.f_code.co_name not in ("<module>", "__getattr__"):
            files.add(frame.f_code.co_filename)

    sys.setprofile(trace)
    try:
        result = function()
    finally:
        sys.setprofile(None)
    names = sorted(str(Path(file).relative_to(PACKAGE)) for file in files if _is_ours(file))
    return result, names


def _is_ours(file: str) -> bool:
    return Path(file).is_relative_to(PACKAGE)


def calls() -> Iterator[tuple[str, list[str]]]:
    """Yield the name of each call, and the files that it enters."""
    image = np.ones((1, 3, 4))
    with nengo.Network(seed=0) as network:
        node = nengo.Node(np.zeros(4))
        neurons = nlplus.CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 1, "bias": 2})
        _, files = files_entered(lambda: neurons(node, synapse=0.01))
        yield "CustomLayer of neurons", files
        dense = nlplus.CustomLayer(Keras.Dense(2), trainable=False)
        _, files = files_entered(lambda: dense(node))
        yield "CustomLayer of a Keras layer", files
        stack = nlplus.Sequential([Keras.Dense(3), nengo.LIF(), TensorFlow.nn.relu])
        output, files = files_entered(lambda: stack(node))
        yield "Sequential", files
        nengo.Probe(output)
    with nlplus.Simulator(network, progress_bar=False) as sim:
        _, files = files_entered(lambda: sim.predict(image, verbose=0))
        yield "first predict of a Simulator", files
    _, files = files_entered(lambda: str(nlplus.compare(network, network)))
    yield "compare", files
    _, files = files_entered(lambda: str(nlplus.compare(network, network, {node: image})))
    yield "compare with data", files


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="also list the files")
    arguments = parser.parse_args()
    for name, files in calls():
        upstream = sum(file.startswith("_upstream") for file in files)
        print(f"{name:30}{len(files) - upstream:4} and {upstream} of _upstream")
        if arguments.list:
            print("".join(f"    {file}\n" for file in files), end="")
