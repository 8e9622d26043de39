"""Arguments of a Simulator that can't be used are named."""

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import Simulator, nengo_dl

NAN, INF = float("nan"), float("inf")


def network():
    with nengo.Network(seed=0) as net:
        nengo.Probe(nengo.Node([1.0]))
    return net


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("network", ["net", nengo.Network, [], 3, {}]),
        ("dt", [0, -1, NAN, INF, "0.001", None, True, 1j, [0.001]]),
        ("seed", ["x", -1, 2**32, 1.5, True, [0]]),
        ("model", [3, "model", nengo.builder.Model, nengo.Network(add_to_container=False)]),
        (
            "device",
            ["/gpu:77", "/cpu:1", "/tpu:0", "gpu zero", "/cpu:x", "/cpu:0/gpu:0", 0, b"/cpu:0"],
        ),
        ("unroll_simulation", [0, -1, 1.0, "2", None, True]),
        ("minibatch_size", [0, -1, 2.0, "2", True, [2]]),
        ("progress_bar", ["yes", 1, None, []]),
        ("execution", ["fast", None, True, ["auto"], np.array(["auto", "auto"])]),
        ("memory_limit", [0, -1, 1e9, "1 GB", True]),
        ("check_numerics", ["yes", 1, None]),
    ],
)
def test_what_can_not_be_used_is_named(name, values):
    for value in values:
        arguments = {"network": network(), "progress_bar": False} | {name: value}
        with pytest.raises(
            ValidationError, match=rf"Simulator\.{name}: expected .+, got "
        ) as caught:
            Simulator(**arguments)
        assert repr(value) in str(caught.value)


def test_a_network_or_a_model_is_needed():
    with pytest.raises(ValidationError, match=r"Simulator\.network: .* got None, and no model"):
        Simulator(None)


def test_what_nengo_dl_takes_is_taken():
    model = nengo_dl.builder.NengoModel(dt=0.5**9, builder=nengo_dl.builder.NengoBuilder())
    net = network()
    model.build(net)
    with Simulator(
        None,
        dt=np.float32(0.5**9),
        seed=np.uint32(2**32 - 1),
        model=model,
        device="/device:CPU:0",
        unroll_simulation=np.int64(2),
        minibatch_size=np.int8(3),
        progress_bar=np.False_,
        memory_limit=np.int64(10**9),
        check_numerics=np.False_,
    ) as sim:
        assert sim.predict(n_steps=4, verbose=0)[net.probes[0]].shape == (3, 4, 1)


def test_a_seed_that_is_none_is_refused_before_anything_is_reset():
    with nengo.Network(seed=0) as net:
        noise = nengo.Node(nengo.processes.WhiteNoise(scale=False))
        probe = nengo.Probe(noise)
    with Simulator(net, seed=1, progress_bar=False) as sim:
        sim.run_steps(3)
        for seed in ("x", -1, 1.5):
            with pytest.raises(
                ValidationError, match=r"Simulator\.seed: expected None or an integer"
            ):
                sim.reset(seed=seed)
        assert (sim.n_steps, sim.seed) == (3, 1)
        first = sim.data[probe]
        assert first.shape == (3, 1)
        sim.reset(None, True, True, True)
        sim.run_steps(3)
        np.testing.assert_array_equal(sim.data[probe], first)
