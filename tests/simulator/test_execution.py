"""What a Simulator says about how it runs a network."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import BuildError

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._execution import Execution, ExecutionRow


@pytest.fixture(scope="module")
def layers():
    with nengo.Network(seed=0) as net:
        net.image = nengo.Node(np.ones(4), label="image")
        x = CustomLayer(nengo.LIF(), label="hidden")(net.image, synapse=0.005)
        dense = tf.keras.layers.Dense(2, kernel_initializer="ones", name="readout")
        net.probe = nengo.Probe(CustomLayer(dense, label="out")(x))
    return net


@pytest.fixture(scope="module")
def recurrent():
    with nengo.Network(seed=0) as net:
        ensemble = nengo.Ensemble(5, 1, label="memory")
        nengo.Connection(nengo.Node([0.5], label="start"), ensemble)
        nengo.Connection(ensemble, ensemble, synapse=0.1)
        net.probe = nengo.Probe(ensemble)
    return net


def simulator(net, **settings):
    return Simulator(net, **{"progress_bar": False, "minibatch_size": 2, **settings})


def test_layers(layers):
    with simulator(layers) as sim:
        execution, training = sim.execution, sim.training_execution
    assert (execution.mode, training.mode) == ("layerwise", "layerwise")
    assert not execution.training
    assert training.training
    rows = {row.operator: (row.runs, row.why) for row in execution}
    assert rows["LIF()"] == ("along time, by itself", "LIF has a state")
    assert rows["Lowpass(tau=0.005)"] == ("along time, by itself", "Lowpass is a filter along time")
    assert rows["readout"][0] == "all steps at once"
    trained = {row.operator: (row.runs, row.why) for row in training}
    assert trained["LIF()"] == ("all steps at once", "LIF is trained by its response curve")
    assert trained["Lowpass(tau=0.005)"] == rows["Lowpass(tau=0.005)"]


def test_rows_are_in_the_order_in_which_they_run(layers):
    with simulator(layers) as sim:
        operators = [row.operator for row in sim.execution]
        assert len(sim.execution) == len(operators) == len(sim.execution.rows)
        assert sim.execution[0] == sim.execution.rows[0]
        assert sim.execution[-2:] == sim.execution.rows[-2:]
    order = [operators.index(each) for each in ("Lowpass(tau=0.005)", "LIF()", "readout")]
    assert order == sorted(order)
    # what only copies, and counts steps, is left out
    assert not {"Copy", "Reset", "TimeUpdate", "SimProbe"} & set(operators)


def test_rows_name_what_was_made(layers):
    with simulator(layers) as sim:
        names = {row.operator: row.name for row in sim.execution}
    assert names["LIF()"] == "hidden"
    assert names["readout"] == "out"
    assert names["Lowpass(tau=0.005)"] == "image->hidden"


def test_as_a_table(layers):
    with simulator(layers) as sim:
        execution = sim.execution
    lines = str(execution).splitlines()
    assert lines[0] == "in simulation: layerwise, which is the faster way for it"
    assert lines[1].split() == ["what", "operator", "runs", "why"]
    assert max(map(len, lines)) <= 100
    parts = [line for line in lines[3:] if not line.startswith(" ")]  # others go on from above
    for line, row in zip(parts, execution, strict=True):
        assert row.why.startswith(line.rpartition("   ")[2])
        for cell in (row.name, row.operator, row.runs):
            assert cell in line
    assert repr(execution) == "<Execution in simulation: layerwise, which is the faster way for it>"
    html = execution._repr_html_()
    assert html.count("<tr") == 1 + len(execution)
    assert "LIF has a state" in html


def test_what_is_shown_is_escaped():
    row = ExecutionRow(("<Node 'a'>",), "Copy", "all steps at once", "is <fast>")
    html = Execution("layerwise", "as was asked for", [row])._repr_html_()
    assert "&lt;Node" in html
    assert "<Node" not in html
    assert "<fast>" not in html


def test_without_rows():
    execution = Execution("stepwise", "as was asked for", [], training=True)
    assert str(execution) == "in training: stepwise, as was asked for"
    assert list(execution) == []


def test_a_cycle_is_one_row(recurrent):
    with simulator(recurrent, execution="auto") as sim:
        graph = sim.tensor_graph
        graph.settings.execution = "layerwise"  # whatever is faster for so small a network
        rows = [row for row in sim.execution if row.runs == "step by step"]
    (row,) = rows
    assert "memory" in row.names
    assert row.operator.endswith(" operators")
    assert row.why == "a recurrent connection: each step needs the result of the step before"


def test_layerwise_as_a_whole(layers):
    with simulator(layers, execution="layerwise") as sim:
        assert (sim.execution.mode, sim.execution.why) == ("layerwise", "as was asked for")
        assert sim.predict(n_steps=3, verbose=0)[layers.probe].shape == (2, 3, 2)


def test_layerwise_where_that_is_impossible(recurrent):
    with pytest.raises(BuildError) as info:
        simulator(recurrent, execution="layerwise")
    message = str(info.value)
    assert "memory" in message
    assert "a recurrent connection: each step needs the result of the step before" in message
    assert 'What to do: use execution="auto"' in message


def test_stepwise_is_what_nengo_dl_does(layers, monkeypatch):
    with nengo_dl.Simulator(layers, minibatch_size=2, progress_bar=False) as sim:
        expected = sim.predict(n_steps=20, verbose=0)[layers.probe]
    with simulator(layers, execution="stepwise") as sim:
        assert (sim.execution.mode, sim.execution.why) == ("stepwise", "as was asked for")
        assert len(sim.execution) == len(sim.training_execution) == 0

        def never(*args):
            raise AssertionError("the layers were run one after another")

        monkeypatch.setattr(type(sim.tensor_graph), "run_sequence", never)
        found = sim.predict(n_steps=20, verbose=0)[layers.probe]
    np.testing.assert_array_equal(found, expected)
    assert np.ptp(found) > 0


def test_auto_gives_way_where_nothing_can_be_gained():
    """nengo_dl merges many small operators in Python, which need a loop in any case."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node([1.0])
        for _ in range(12):
            node = nengo.Node(lambda t, x: x, size_in=1)
            nengo.Connection(source, node, synapse=None)
        nengo.Probe(node)
    with simulator(net) as sim:
        execution = sim.execution
        sim.run_steps(2)
    assert execution.mode == "stepwise"
    assert execution.why.startswith("since ")
    assert execution.why.endswith(" operators need a loop over the steps in any case")


def test_parts_that_are_alike_share_a_line():
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(10, 64, label="many")
        nengo.Connection(nengo.Node(np.ones(64), label="source"), array.input)
        nengo.Connection(array.output, nengo.Node(size_in=64, label="out"))
        nengo.Probe(array.output)
    with simulator(net) as sim:
        execution = sim.execution
        sim.run_steps(1)
        assert sim.execution.waits == execution.waits - 1 > 0
    # it waits for compiling, and until then all steps
    assert execution.mode == "stepwise"
    assert execution.why.endswith("; then layerwise, which is the faster way for it")
    lines = str(execution).splitlines()
    assert max(map(len, lines)) <= 100
    assert len(lines) < 30
    assert sum("64 x many/many_0 .. many/many_63 " in line for line in lines) == 2
    assert len(execution) > 3 * 64
    expanded = str(execution.expanded()).splitlines()
    for number in range(64):
        assert sum(f"many/many_{number} " in line for line in expanded) >= 2


def test_a_cycle_of_many_parts_is_named_in_short():
    with nengo.Network(seed=0) as net:
        array = nengo.networks.EnsembleArray(10, 20, label="many")
        nengo.Connection(array.output, array.input, synapse=0.1)
        nengo.Probe(array.output)
    with simulator(net) as sim:
        sim.tensor_graph.settings.execution = "layerwise"  # whatever is faster
        execution = sim.execution
    (row,) = (row for row in execution if row.runs == "step by step")
    assert {f"many/many_{number}" for number in range(20)} < set(row.names)
    assert (execution.mode, execution.why, len(execution)) == ("stepwise", row.why, 1)
    assert "many/many_0 .. many/many_19" in execution._repr_html_()
    assert len(str(execution).splitlines()) < 20
