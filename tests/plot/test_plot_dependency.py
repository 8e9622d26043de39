"""matplotlib is needed to draw, and for nothing else."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
import pytest

import nengo_layers_plus
from nengo_layers_plus import plot
from nengo_layers_plus.introspection import Comparison, Divergence

EACH: dict[str, Callable[[], Any]] = {
    "network": lambda: plot.network(_network()),
    "raster": lambda: plot.raster(np.zeros((2, 2))),
    "rates": lambda: plot.rates(np.zeros((2, 2))),
    "tuning": lambda: plot.tuning(_network().ensembles[0]),
    "history": lambda: plot.history({"loss": [1.0]}),
    "divergence": lambda: plot.divergence(_comparison()),
}


def _network() -> nengo.Network:
    with nengo.Network() as net:
        nengo.Ensemble(2, 1, gain=[1, 1], bias=[0, 0])
    return net


def _comparison() -> Comparison:
    shape = (1, 2, 1)
    apart = Divergence("a", (None, None), "node", np.zeros(2), 1.0, (shape, shape), None)
    return Comparison("a", "b", (), (), (), (), divergences=(apart,))


def test_all_pictures_are_here() -> None:
    assert sorted(EACH) == plot.__all__


@pytest.mark.parametrize("name", EACH)
def test_without_matplotlib_an_error_says_what_to_install(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"matplotlib.*pip install \"nengo-layers-plus\[plot\]\""):
        EACH[name]()


def test_a_network_needs_scipy_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match="pictures need scipy, not installed here"):
        EACH["network"]()


def test_importing_the_module_does_not_import_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    home = "nengo_layers_plus.plot"
    for name in [each for each in sys.modules if each == home or each.startswith(f"{home}.")]:
        monkeypatch.delitem(sys.modules, name)
    for module in ("matplotlib", "scipy"):
        monkeypatch.setitem(sys.modules, module, None)  # importing it would raise
    monkeypatch.setattr(nengo_layers_plus, "plot", plot)  # to be put back

    again = importlib.import_module(home)

    assert again is not plot
    assert again.__all__ == plot.__all__
    with pytest.raises(ImportError, match="pictures need matplotlib"):
        again.raster(np.zeros((2, 2)))
    for name in [each for each in sys.modules if each == home or each.startswith(f"{home}.")]:
        del sys.modules[name]  # what was there before is put back
