"""The Simulator gives the numbers of nengo_dl's."""

from __future__ import annotations

import drawn_networks
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from same_numbers import assert_same_numbers

from nengo_layers_plus import Simulator, nengo_dl

# Without the explanation of a failure, which takes minutes.
fast_to_fail = settings(phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])


@fast_to_fail
@given(data=st.data(), dtype=st.sampled_from(["float64", "float32"]), training=st.booleans())
def test_the_same_numbers(data, dtype, training):
    plan = data.draw(drawn_networks.network_plans(dtype, training))
    calls = data.draw(drawn_networks.calls(plan.settings))
    assert_same_numbers(plan, calls, nengo_dl.Simulator, Simulator)
