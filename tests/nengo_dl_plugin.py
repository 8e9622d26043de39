"""Runs nengo_dl's own tests of layers with `CustomLayer` in the place of `nengo_dl.Layer`.

``make upstream-tests`` hands this to pytest as a plugin; nengo_dl's tests come without the
configuration that they need.
"""

from __future__ import annotations

import pytest

from nengo_layers_plus import CustomLayer, nengo_dl


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dtype", default="float32", help="type of the simulation")
    parser.addoption(
        "--inference-only", action="store_true", help="as nengo_dl's own tests have it"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "training: trains a network")
    nengo_dl.Layer = nengo_dl.tensor_node.Layer = CustomLayer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    modules = {item.module for item in items}  # type: ignore[attr-defined]
    assert all(getattr(module, "Layer", CustomLayer) is CustomLayer for module in modules)
