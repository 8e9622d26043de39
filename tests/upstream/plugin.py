"""Runs the tests of nengo_dl and of nengo with our classes in the place of nengo_dl's.

The Makefile hands this to pytest as a plugin. Both packages are installed with their tests, but
without the configuration that these need: it is here and in ``pytest.ini``.

``--replace Simulator`` (or ``Layer``) puts our class there; without it the tests run on nengo_dl's
own. Tests that fail on those too are in ``known_failures.json`` and may fail. Nothing else may.
"""

from __future__ import annotations

import json
import sys
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nengo
import pytest

from nengo_layers_plus import CustomLayer, Simulator
from nengo_layers_plus._upstream import keras, nengo_dl

REPLACEMENTS = {"Simulator": Simulator, "Layer": CustomLayer}
KNOWN_FAILURES = Path(__file__).with_name("known_failures.json")

# A quick run leaves these out, and takes one in six of the tests of these packages and modules.
SLOW = (
    "test_keras.py::test_fit",
    "test_simulator.py::test_synapse_warning",
    "test_simulator.py::test_train_objective",
    "test_simulator.py::test_train_recurrent",
    "test_tensor_graph.py::test_deterministic_order",
    "test_tensor_graph.py::test_gradients",
    "test_probe.py::test_dts",
    "/spa/",
)
SAMPLED = ("nengo/", "nengo_dl/tests/test_converter.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--replace",
        action="append",
        default=[],
        choices=list(REPLACEMENTS),
        help="put our class in the place of nengo_dl's of this name",
    )
    parser.addoption("--quick", action="store_true", help="run a part that takes few minutes")
    parser.addoption(
        "--write-known-failures",
        action="store_true",
        help="write what fails to known_failures.json, instead of reading it",
    )
    # The options that nengo_dl's tests ask for.
    parser.addoption("--dtype", default="float32", choices=("float32", "float64"))
    parser.addoption("--unroll-simulation", default=1, type=int)
    parser.addoption("--device", default=None)
    parser.addoption("--inference-only", action="store_true", help="skip what trains")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "training: trains a network")
    config.addinivalue_line("markers", "performance: measures times on one certain machine")
    _bring_back_what_is_gone()
    for name in config.getoption("--replace"):
        _replace(name)
    if config.getoption("--write-known-failures") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_KnownFailures())


# Last, after nengo's plugin has dropped the tests that simulate nothing.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for name in config.getoption("--replace"):
        for module in {item.module for item in items}:  # type: ignore[attr-defined]
            assert getattr(module, name, REPLACEMENTS[name]) is REPLACEMENTS[name]

    if config.getoption("--quick"):
        slow = {item for item in items if any(name in item.nodeid for name in SLOW)}
        sampled = [item for item in items if item.nodeid.startswith(SAMPLED) and item not in slow]
        left_out = (slow | set(sampled)) - set(sampled[::6])
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]

    if not config.getoption("--write-known-failures"):
        known = _read_known_failures()
        for item in items:
            if item.nodeid in known:
                item.add_marker(pytest.mark.xfail(reason=known[item.nodeid], strict=False))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("performance"):
        pytest.skip("measures times on one certain machine")
    if item.get_closest_marker("training") and item.config.getoption("--inference-only"):
        pytest.skip("trains")


@pytest.fixture(autouse=True)
def _fresh_keras(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have nothing left over, and the same weights and data in every run.

    Some tests draw unseeded data and allow differences of 1e-8 alone: they fail now and then.
    """
    keras.utils.set_random_seed(zlib.crc32(request.node.nodeid.encode()))
    yield
    keras.backend.clear_session()


def _replace(name: str) -> None:
    stock = getattr(nengo_dl, name)
    for key, module in list(sys.modules.items()):
        if key.split(".")[0] == "nengo_dl" and vars(module).get(name) is stock:
            setattr(module, name, REPLACEMENTS[name])


def _bring_back_what_is_gone() -> None:
    """Stand in for what the tests use of older versions of nengo and pytest.

    Without the first, nengo_dl's test_simulator can't be imported. nengo has removed it on purpose.
    """
    if not hasattr(nengo.networks, "Oscillator"):
        nengo.networks.Oscillator = _oscillator

    warns = pytest.warns

    def warns_or_records(expected: Any = Warning, *args: Any, **options: Any) -> Any:
        if expected is None:
            return warnings.catch_warnings(record=True)
        return warns(expected, *args, **options)

    pytest.warns = warns_or_records


def _oscillator(synapse: float, frequency: float, n_neurons: int) -> nengo.Network:
    with nengo.Network() as net:
        ensemble = nengo.Ensemble(n_neurons, 2)
        turn = synapse * frequency
        nengo.Connection(ensemble, ensemble, synapse=synapse, transform=[[1, -turn], [turn, 1]])
    return net


def _read_known_failures() -> dict[str, str]:
    return json.loads(KNOWN_FAILURES.read_text()) if KNOWN_FAILURES.exists() else {}


class _KnownFailures:
    """Writes what fails, with the reasons that the file had, or else the messages."""

    def __init__(self) -> None:
        self.reasons = _read_known_failures()
        self.failures: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            message = str(crash.message if crash else report.longrepr).partition("\n")[0]
            self.failures[report.nodeid] = self.reasons.get(report.nodeid, message)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        text = json.dumps(self.failures, indent=2, sort_keys=True, ensure_ascii=False)
        KNOWN_FAILURES.write_text(text + "\n")
        # Failures are what was asked for.
        if session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = pytest.ExitCode.OK
