"""The Simulator gives the numbers of nengo_dl's."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import replace

import drawn_networks
import nengo
import numpy as np
import pytest
import trap_networks
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from same_numbers import (
    assert_all_ways_equal_nengo,
    assert_same_distribution,
    assert_same_gradients,
    assert_same_losses,
    assert_same_numbers,
    assert_same_use,
    quiet,
)
from ways import WAYS

from nengo_layers_plus import Simulator, nengo_dl
from nengo_layers_plus.simulator import _tiles

# without the explanation of a failure, which takes minutes
drawn = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
# what takes several times as long
seldom_drawn = settings(drawn, max_examples=max(2, settings.default.max_examples * 3 // 5))
dtypes = st.sampled_from(["float64", "float32"])


@contextlib.contextmanager
def small_minibatches_divided(divided=True):
    """Run minibatches in parts, as large ones are."""
    with pytest.MonkeyPatch.context() as patch:
        if divided:
            patch.setattr(_tiles, "_UNDIVIDED_BYTES", 0)
        yield


@drawn
@given(data=st.data(), dtype=dtypes, training=st.booleans(), divided=st.booleans())
def test_the_same_numbers(data, dtype, training, divided):
    plan = data.draw(drawn_networks.network_plans(dtype, training))
    calls = data.draw(drawn_networks.calls(plan.settings))
    with small_minibatches_divided(divided):
        assert_same_numbers(plan, calls, nengo_dl.Simulator, Simulator)


@drawn
@given(data=st.data(), dtype=dtypes)
def test_the_same_gradients(data, dtype):
    plan = data.draw(drawn_networks.network_plans(dtype, training=True))
    call = data.draw(drawn_networks.training_calls(plan.settings))
    assert_same_gradients(plan, replace(call, batches=1), nengo_dl.Simulator, Simulator)


@seldom_drawn
@given(data=st.data(), dtype=dtypes)
def test_the_same_losses(data, dtype):
    plan = data.draw(drawn_networks.network_plans(dtype, training=True, max_parts=2))
    call = data.draw(drawn_networks.training_calls(plan.settings))
    assert_same_losses(plan, call, nengo_dl.Simulator, Simulator)


@seldom_drawn
@given(plan=drawn_networks.random_network_plans(), n_steps=st.integers(2, 6))
def test_the_same_distribution(plan, n_steps):
    assert_same_distribution(plan, n_steps, nengo_dl.Simulator, Simulator)


def by_name(cases):
    """Run a test with each of some cases."""
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


@by_name(trap_networks.NUMBERS)
def test_numbers_of(case):
    with small_minibatches_divided():
        assert_same_numbers(case.plan, case.calls, nengo_dl.Simulator, Simulator)


@by_name(trap_networks.LOSSES)
def test_training_of(case):
    plan, call = case
    assert_same_losses(plan, call, nengo_dl.Simulator, Simulator)
    assert_same_gradients(plan, replace(call, batches=1), nengo_dl.Simulator, Simulator)


@by_name(trap_networks.DISTRIBUTIONS)
def test_distribution_of(case):
    assert_same_distribution(case, 4, nengo_dl.Simulator, Simulator)


@by_name(trap_networks.USES)
def test_use_of(case):
    assert_same_use(case.build, case.use, nengo_dl.Simulator, Simulator, **case.arguments)


@pytest.mark.parametrize(
    ("first", "second"), [(nengo_dl.Simulator, Simulator), (Simulator, nengo_dl.Simulator)]
)
def test_continues_what_the_other_saved(first, second, tmp_path):
    plan = trap_networks.NUMBERS["state from call to call"].plan
    with quiet():
        built = plan.build()
        kwargs = plan.settings.simulator
        with first(built.network, **kwargs) as sim:
            sim.run_steps(7)
            sim.save_params(tmp_path / "halfway", include_state=True)
            sim.run_steps(6)
            expected = [sim.data[probe][:, 7:] for probe in built.network.all_probes]
        with second(built.network, **kwargs) as sim:
            sim.load_params(tmp_path / "halfway", include_state=True)
            sim.run_steps(6)
            assert sim.n_steps == 13
            found = [sim.data[probe] for probe in built.network.all_probes]
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9)


@seldom_drawn
@given(
    plan=drawn_networks.network_plans("float64", max_parts=5, in_nengo=True),
    n_steps=st.integers(4, 20),  # of a probe without samples nengo has no shape
)
def test_all_ways_equal_nengo(plan, n_steps):
    assert_all_ways_equal_nengo(plan, n_steps, WAYS)


@functools.cache
def numbers_of_nengo():
    """What nengo gives for all networks where nengo_dl was wrong, by probe."""
    network = trap_networks.all_beside_each_other()
    # it fails to merge reversed views, in some orders
    with quiet(), nengo.Simulator(network, progress_bar=False, optimize=False) as sim:
        sim.run_steps(9)
        return [sim.data[probe] for probe in network.all_probes]


# "waiting" is stepwise as well, of a network that is long to compile
@pytest.mark.parametrize("way", [way for way in WAYS if way != "waiting"])
def test_right_where_nengo_dl_was_wrong(way):
    with quiet():
        network = trap_networks.all_beside_each_other()
        with WAYS[way](network, progress_bar=False, minibatch_size=2) as sim:
            sim.run_steps(9)
            found = [sim.data[probe] for probe in network.all_probes]
    wrong = {}
    for part in network.networks:
        for probe in part.all_probes:
            index = network.all_probes.index(probe)
            expected = numbers_of_nengo()[index]
            off = np.abs(found[index] - expected)
            if not np.all(off <= 1e-9 * (1 + np.abs(expected))):
                wrong.setdefault(part.label, []).append((str(probe), float(off.max())))
    assert len(network.networks) == len(trap_networks.RIGHT_IN_NENGO)
    assert not wrong
