"""The ways in which a network can be run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nengo_layers_plus import Simulator, nengo_dl
from nengo_layers_plus.simulator._choice import Choice


def _chosen(choice: Choice) -> Callable[..., Any]:
    """Return what makes a Simulator that has chosen how to run."""

    def make(*args: Any, **kwargs: Any) -> Simulator:
        sim = Simulator(*args, **kwargs)
        sim.tensor_graph._choices.update({False: choice, True: choice})
        return sim

    return make


def _stepwise(*args: Any, **kwargs: Any) -> Simulator:
    return Simulator(*args, execution="stepwise", **kwargs)


WAYS: dict[str, Callable[..., Any]] = {
    # but for parts that have to run step by step, which do
    "layer by layer": _chosen(Choice(True, "as tested", start=0.0, step=1e-3)),
    "waiting": _chosen(Choice(True, "as tested", start=1e6, step=1e-3)),
    "stepwise": _stepwise,
    "nengo_dl": nengo_dl.Simulator,
}
