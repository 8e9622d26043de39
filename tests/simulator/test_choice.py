"""Whether a network gains from being run layer by layer, and from when on."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from planned import planned

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus.simulator import _choice, _loop
from nengo_layers_plus.simulator._choice import Choice, choose, find_compiled
from nengo_layers_plus.simulator._compiled import compile_loop


def memory(size=8):
    """Build a memory of many ensembles, which takes seconds to compile."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.full(size, 0.3))
        ensembles = nengo.networks.EnsembleArray(10, size)
        nengo.Connection(source, ensembles.input)
        nengo.Connection(ensembles.output, ensembles.input, synapse=0.1)
        net.probe = nengo.Probe(ensembles.output)
    return net


def layers(time_constants=(0.02, 0.02, 0.02)):
    with nengo.Network(seed=0) as net:
        x = nengo.Node(np.full(4, 0.5))
        for tau_rc in time_constants:
            x = CustomLayer(nengo.LIF(tau_rc), ensemble_kwargs={"gain": 1, "bias": 1})(x)
        net.probe = nengo.Probe(x)
    return net


def test_deferred_steps():
    assert Choice(True, "", start=0.9, step=1e-3).deferred_steps == 0
    assert Choice(True, "", start=3.0, step=1e-3).deferred_steps == 3000


def test_layers_do_not_wait():
    plan, context = planned(layers())
    chosen = choose(plan, context, merged=10)
    assert chosen.layerwise
    assert chosen.deferred_steps == 0
    assert len(find_compiled(plan)) == 3


def test_many_operators_wait():
    plan, context = planned(memory())
    chosen = choose(plan, context, merged=12)
    assert chosen.layerwise
    assert chosen.start > 1
    assert chosen.deferred_steps > 1000


def test_many_loops_are_not_trained():
    plan, context = planned(memory(), training=True)
    assert not choose(plan, context, merged=12).layerwise


def test_only_the_largest_are_compiled(monkeypatch):
    monkeypatch.setattr(_choice, "MOST_KERNELS", 2)
    plan, _ = planned(layers((0.02, 0.03, 0.04)))
    assert len(find_compiled(plan)) == 2


def test_step_by_step_at_first(monkeypatch):
    """As nengo_dl does, to the last bit; and layer by layer once it pays, with the state kept."""
    monkeypatch.setattr(Choice, "deferred_steps", property(lambda self: 25))
    net = memory(size=2)
    with net:
        nengo_dl.configure_settings(dtype="float64")
    with (
        nengo_dl.Simulator(net, seed=0, progress_bar=False) as stock,
        Simulator(net, seed=0, progress_bar=False) as ours,
    ):
        assert "stepwise, for about 25 steps, as" in str(ours.execution)
        assert ours.execution.waits == 25
        for sim in (stock, ours):
            sim.run_steps(20)
        np.testing.assert_array_equal(ours.data[net.probe], stock.data[net.probe])
        assert "stepwise, for about 5 steps" in str(ours.execution)
        for sim in (stock, ours):
            sim.run_steps(20)
        assert ours.execution.mode == "layerwise"
        assert {each.defers_compilation for each in ours._array_calls._functions} == {True, False}
        np.testing.assert_allclose(ours.data[net.probe], stock.data[net.probe], rtol=1e-10)
        assert np.abs(ours.data[net.probe][20:]).max() > 0.01


@pytest.mark.parametrize("execution", ["stepwise", "layerwise"])
def test_what_was_asked_for_does_not_wait(monkeypatch, execution):
    monkeypatch.setattr(Choice, "deferred_steps", property(lambda self: 25))
    with Simulator(layers(), execution=execution, progress_bar=False) as sim:
        sim.run_steps(5)
        assert not any(each.defers_compilation for each in sim._array_calls._functions)
        assert "until then" not in str(sim.execution)


def test_a_network_that_is_always_trained_does_not_wait(monkeypatch):
    """Nor is it planned for simulation, which its layers may not be made for."""
    monkeypatch.setattr(Choice, "deferred_steps", property(lambda self: 25))
    net = layers()
    with net:
        nengo_dl.configure_settings(learning_phase=True)
    with Simulator(net, progress_bar=False) as sim:
        sim.predict(n_steps=5, verbose=0)
        assert not any(each.defers_compilation for each in sim._array_calls._functions)
        assert {row.why for row in sim.execution if row.operator == "LIF()"} == {
            "LIF is trained by its response curve"
        }


def test_layers_of_one_size_share_a_kernel(monkeypatch):
    compiled = []
    monkeypatch.setattr(
        _loop, "compile_loop", lambda *args: compiled.append(args) or compile_loop(*args)
    )
    net = layers()
    outputs = []
    for cls in (nengo_dl.Simulator, Simulator):
        with cls(net, seed=0, progress_bar=False) as sim:
            outputs.append(sim.predict(n_steps=30, verbose=0)[net.probe])

    np.testing.assert_allclose(*outputs, rtol=1e-5)
    assert outputs[0].any()
    assert len(compiled) == 2  # the first layer of the three sees what stands still


def test_kernels_are_counted_once(monkeypatch):
    plan, context = planned(layers())
    alike = choose(plan, context, merged=10).start
    monkeypatch.setattr(_choice, "_kernel_of", lambda group: group)
    assert choose(plan, context, merged=10).start > 2 * alike
    monkeypatch.undo()
    monkeypatch.setattr(_choice, "MOST_KERNELS", 1)
    assert len(find_compiled(plan)) == 3
