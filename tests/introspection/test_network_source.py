"""Random networks as code: built again they are the same, and the code stays as it is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from drawn_networks import network_plans as simulated_plans
from hypothesis import given, note
from hypothesis import strategies as st
from networks import LayerPlan, NetworkPlan, network_plans
from simulated_networks import NetworkPlan as SimulatedPlan
from simulation import run
from sourced_networks import round_trip

from nengo_layers_plus._upstream import tf
from nengo_layers_plus.introspection import NetworkSource, compare


def check_format(source: NetworkSource) -> None:
    """Check that the code is laid out as ruff does, and free of what it finds."""
    for command in (
        ["format", "--diff", "--line-length=88"],
        ["check", "--select=E,F", "--ignore=E501", "--quiet"],
    ):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "-"],
            input=source.code,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr


@given(plan=st.sampled_from(["float32", "float64"]).flatmap(simulated_plans))
def test_drawn_networks_come_back(plan: SimulatedPlan) -> None:
    note(str(plan))
    source, _ = round_trip(plan.build().network)
    note(source.code)
    check_format(source)


@given(plan=network_plans(trains=True))
def test_networks_of_layers_come_back(plan: NetworkPlan) -> None:
    note(str(plan))
    network = plan.build("hooks")
    source, built = round_trip(network)
    note(source.code)
    assert "CustomLayer" not in source.code
    assert not source.arguments
    assert compare(network, built)
    check_format(source)


def test_runs_the_same_to_the_last_bit() -> None:
    plan = NetworkPlan(
        9,
        [
            LayerPlan("conv", units=2, shape_in=(3, 3, 1), synapse="alpha"),
            LayerPlan("neurons", name="LIF", transform="matrix", probed=True),
            LayerPlan("dense", units=3, subnetwork=True, transform="glorot", synapse="number"),
            LayerPlan("function", name="square"),
        ],
        seed=4,
    )
    network = plan.build("call")
    _, built = round_trip(network)
    outputs = []
    for each in (network, built):
        tf.keras.utils.set_random_seed(1)
        outputs.append(run(each, 20))
    for values, same in zip(*outputs, strict=True):
        assert np.ptp(values) > 0
        np.testing.assert_array_equal(same, values)
