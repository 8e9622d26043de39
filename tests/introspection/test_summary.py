"""What a summary says of networks, without running them."""

from __future__ import annotations

import re

import nengo
import nengo_spa
import numpy as np
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from networks import NetworkPlan, network_plans
from rich.console import Console
from simulation import simulator

from nengo_layers_plus import (
    CustomLayer,
    Surrogate,
    load_parameters,
    nengo_dl,
    summary,
    surrogate,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.introspection import Summary, SummaryRow
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.synapses import TrainableLowpass


def build() -> nengo.Network:
    """Build a network of layers, stock layers and objects made by hand."""
    shared = tf.keras.layers.Dense(27, use_bias=False)
    with nengo.Network(label="mixed", seed=0) as net:
        image = nengo.Node(np.ones(16), label="image")
        conv = CustomLayer(tf.keras.layers.Conv2D(3, 2), label="conv")(image, shape_in=(4, 4, 1))
        spikes = nengo_dl.Layer(nengo.LIF(amplitude=0.5))(conv, label="spikes")
        fixed = CustomLayer(
            TrainableLIF(trainable=True), label="fixed", synapse=0.005, trainable={"bias": False}
        )(spikes)
        first = CustomLayer(shared, label="first")(fixed)
        again = CustomLayer(shared, label="again")(first)
        nengo.Probe(again, label="seen")
        memory = nengo.Ensemble(10, 2, label="memory", max_rates=nengo.dists.Uniform(90, 100))
        nengo.Connection(again[:2], memory, synapse=nengo.Alpha(0.01), transform=[[1, 2], [3, 4]])
        output = nengo.Node(size_in=2, label="output")
        learned = nengo.Connection(memory, output, learning_rule_type=nengo.PES())
        nengo.Connection(output, learned.learning_rule, synapse=None)
        nengo.Probe(output, label="read")
    return net


@pytest.fixture(scope="module")
def net() -> nengo.Network:
    return build()


@pytest.fixture(scope="module")
def table(net: nengo.Network) -> Summary:
    return summary(net)


@pytest.fixture(scope="module")
def sim():
    with simulator(build(), minibatch_size=3) as sim:
        yield sim


def parts(row: SummaryRow) -> dict[str, int]:
    return {each.name: each.size for each in row.parameters}


def test_rows_in_the_order_data_flows(table: Summary) -> None:
    assert [row.name for row in table] == [
        *("image", "conv", "spikes", "fixed", "first", "again", "memory", "output"),
    ]
    assert [row.kind for row in table] == [
        *("node", "tensor node", "ensemble", "ensemble"),
        *("tensor node", "tensor node", "ensemble", "node"),
    ]
    assert len(table) == 8
    assert table[0] is table["image"]
    assert [row.name for row in table[1:3]] == ["conv", "spikes"]


def test_what_they_are(table: Summary) -> None:
    assert table["image"].what == "values"
    assert table["conv"].what == "Conv2D"
    assert table["spikes"].what == "LIF(amplitude=0.5)"
    assert table["memory"].what == "LIF(), 2 dimensions"
    assert table["output"].what == "passes on"
    assert table["conv"].made_by.startswith("CustomLayer(conv2d")
    assert table["spikes"].made_by is table["memory"].made_by is None


def test_shapes_and_neurons(table: Summary) -> None:
    conv = table["conv"]
    assert (conv.shape_in, conv.shape_out) == ((4, 4, 1), (3, 3, 3))
    assert table["spikes"].shape_out == (3, 3, 3)
    assert [row.n_neurons for row in table] == [0, 0, 27, 27, 0, 0, 10, 0]
    assert table.n_neurons == 64


def test_parameters_by_part(table: Summary) -> None:
    assert parts(table["conv"]) == {"conv.kernel": 12, "conv.bias": 3}
    assert table["conv"].trains_in_words() == "kernel 12, bias 3"
    assert table["memory"].trains_in_words() == "weights 4, encoders 20, bias 10"
    assert table["fixed"].trains_in_words() == "tau_rc 1"
    output = table["output"]
    assert output.trains == ()
    assert parts(output) == {"memory->output.weights": 20}
    assert (output.n_trainable, output.n_fixed) == (0, 20)


def test_a_shared_keras_layer_is_listed_once(table: Summary) -> None:
    assert parts(table["first"]) == {"first.kernel": 27 * 27}
    assert parts(table["again"]) == {}
    assert table["first"].shares_with is None
    assert table["again"].shares_with == "first"
    assert "weights of first" in table["again"].cells()


def test_what_nengo_dl_leaves_out(table: Summary) -> None:
    spikes, fixed = table["spikes"], table["fixed"]
    assert [each.name for each in spikes.unused] == ["spikes.encoders"]
    assert spikes.constants == spikes.stays == ()
    assert [each.name for each in fixed.unused] == ["fixed.encoders"]
    # it can't train, but the neurons depend on it
    assert [each.name for each in fixed.constants] == ["fixed.bias"]
    assert fixed.stays == fixed.constants
    assert table["memory"].unused == table["memory"].constants == ()
    assert any("54 values of encoders" in each for each in table.notes)
    assert any("27 values of biases" in each for each in table.notes)


def test_settings_are_those_that_nengo_builds(net: nengo.Network, table: Summary) -> None:
    with nengo.Simulator(net_without_tensor_nodes(), progress_bar=False) as sim:
        ensemble = sim.model.toplevel.ensembles[0]
        row = summary(sim.model.toplevel)["memory"]
        for name in ("gain", "bias", "max_rates", "intercepts", "encoders"):
            np.testing.assert_allclose(
                row.setting(name).values, getattr(sim.data[ensemble], name), rtol=1e-5
            )
        voltage = sim.signals[sim.model.sig[ensemble.neurons]["voltage"]]
        np.testing.assert_allclose(row.setting("voltage").values, voltage, rtol=1e-5)
        assert row.seed == sim.model.seeds[ensemble]
    assert row.setting("voltage").initial_state
    assert row.setting("voltage").set_by == "the default of the type of neurons"


def net_without_tensor_nodes() -> nengo.Network:
    with nengo.Network(seed=3) as net:
        ensemble = nengo.Ensemble(10, 2, label="memory", max_rates=nengo.dists.Uniform(90, 100))
        nengo.Probe(ensemble)
    return net


def test_what_set_a_setting() -> None:
    with nengo.Network(label="configured", seed=0) as net:
        net.config[nengo.Ensemble].max_rates = nengo.dists.Choice([100])
        net.config[nengo.Connection].synapse = 0.02
        image = nengo.Node(np.zeros(4), label="image")
        given = nengo.Ensemble(4, 4, label="given", intercepts=[0, 0.1, 0.2, 0.3])
        nengo.Connection(image, given)
        nengo.Connection(image, given, synapse=0.01)
        layer = CustomLayer(
            nengo.LIF(initial_state={"voltage": nengo.dists.Choice([0.5])}),
            label="layer",
            ensemble_kwargs={"gain": 2, "bias": 1},
        )
        layer(image, bias=3, synapse=0.01)
    table = summary(net)
    row = table["given"]
    assert row.setting("max_rates").set_by == 'the configuration of <Network "configured">'
    assert row.setting("max_rates").built_in_words == "100 Hz"
    assert row.setting("intercepts").set_by == "given to the object"
    assert row.setting("intercepts").given_in_words == "array (4,), 0 .. 0.3"
    assert row.setting("gain").set_by == "found from max_rates and intercepts"
    assert row.setting("encoders").set_by == "nengo's default"
    assert [each.synapse_set_by for each in row.inputs] == [
        "given to the object",
        'the configuration of <Network "configured">',
    ]
    row = table["layer"]
    assert row.setting("gain").set_by == "ensemble_kwargs of the layer"
    assert row.setting("bias").set_by == "the call"
    assert row.setting("max_rates").set_by == "found from gain and bias"
    assert row.setting("max_rates").given is None
    assert row.setting("voltage").set_by == "the type of neurons"
    assert row.setting("voltage").built_in_words == "0.5"
    assert row.inputs[0].synapse_set_by == "the call"
    with pytest.raises(KeyError, match="layer has no setting 'gains'; it has gain, bias"):
        row.setting("gains")


def test_settings_that_are_shown_where_something_sets_them() -> None:
    noise = nengo.processes.WhiteNoise(seed=1)
    given = {"radius": 2.0, "eval_points": [[0.5], [-0.5]], "noise": noise}
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].normalize_encoders = False
        nengo.Ensemble(4, 1, label="plain")
        nengo.Ensemble(4, 1, label="given", **given)
    table = summary(net)
    always = {"gain", "bias", "max_rates", "intercepts", "encoders", "voltage", "refractory_time"}
    shown = {name: {each.name for each in table[name].settings} for name in ("plain", "given")}
    assert shown["plain"] - always == {"normalize_encoders"}
    assert shown["given"] - always == {"normalize_encoders", *given}
    row = table["given"]
    assert row.setting("normalize_encoders").set_by.startswith("the configuration of")
    assert {row.setting(name).set_by for name in given} == {"given to the object"}
    assert row.setting("radius").built_in_words == "2"
    assert row.setting("eval_points").built_in_words == "-1 .. 1"  # scaled by the radius
    assert row.setting("noise").values is None


def test_seeds() -> None:
    def build(**kwargs):
        with nengo.Network(**kwargs) as net:
            nengo.Ensemble(2, 1, label="a", seed=7)
            nengo.Ensemble(2, 1, label="b")
        return net

    table = summary(build(seed=1))
    assert (table["a"].seed, table["a"].seed_given) == (7, True)
    assert table["b"].seed is not None
    assert not table["b"].seed_given
    assert not any("no seed" in each for each in table.notes)
    table = summary(build())
    assert (table["a"].seed, table["b"].seed) == (7, None)
    assert any("no seed" in each for each in table.notes)


def test_state(table: Summary) -> None:
    # voltage and refractory time; fixed has a filter in front of it as well
    assert table["spikes"].state_bytes == 27 * 2 * 4
    assert table["fixed"].state_bytes > 27 * 2 * 4
    assert table["conv"].state_bytes == 0
    assert table.state_bytes == sum(row.state_bytes for row in table)


def test_state_in_double_precision() -> None:
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64")
        nengo.Probe(nengo_dl.Layer(nengo.LIF())(nengo.Node(np.ones(5)), label="spikes"))
    assert summary(net)["spikes"].state_bytes == 5 * 2 * 8


def test_probes_are_named_where_they_read(table: Summary) -> None:
    assert {row.name: row.probes for row in table if row.probes} == {
        "again": ("seen",),
        "output": ("read",),
    }


def array_of(n_ensembles: int) -> nengo.Network:
    with nengo.Network(label="array", seed=0) as net:
        source = nengo.Node(np.ones(n_ensembles), label="source")
        array = nengo.networks.EnsembleArray(20, n_ensembles, label="many")
        nengo.Connection(source, array.input)
        nengo.Probe(array.output)
    return net


def test_layers_side_by_side_share_a_line() -> None:
    table = summary(array_of(6))
    lines = [line for line in str(table).splitlines() if "LIF" in line]
    assert len(lines) == 1
    assert "6 x LIF()" in lines[0]
    assert "6 x 20" in lines[0]
    assert "6 x (encoders" in lines[0]
    assert len(table) == len(table.to_dicts()) == 9
    assert table.n_neurons == 120


def test_an_array_can_be_opened() -> None:
    net = array_of(12)
    lines = str(summary(net)).splitlines()
    assert sum("many/many_0 .. many/many_11 " in line for line in lines) == 1
    opened = [line.split()[0] for line in str(summary(net, expand=True)).splitlines()]
    assert [name for name in opened if name.startswith("many/many_")] == [
        f"many/many_{number}" for number in range(12)
    ]


def test_a_network_of_nengo_spa() -> None:
    vocabulary = nengo_spa.Vocabulary(16, pointer_gen=np.random.RandomState(0))
    vocabulary.populate("A; B")
    with nengo_spa.Network(seed=0) as net:
        memory = nengo_spa.State(vocabulary, feedback=1.0, neurons_per_dimension=5, label="memory")
        bind = nengo_spa.Bind(vocabulary, neurons_per_dimension=5, label="bind")
        nengo_spa.sym.A >> memory
        memory >> bind.input_left
        nengo.Probe(bind.output)
    table = summary(net)
    text = str(table)
    assert max(map(len, text.splitlines())) <= 100
    assert len(table) > 80
    assert text.count("36 x LIF()") == 2
    assert len(text.splitlines()) < 70
    assert max(map(len, table.details().splitlines())) <= 100


def test_arrays_are_written_by_their_shapes() -> None:
    with nengo.Network(seed=0) as net:
        process = nengo.processes.PresentInput(np.ones((300, 4)), 0.1)
        cells = nengo.Ensemble(
            4,
            1,
            neuron_type=nengo.LIF(
                tau_rc=0.03, initial_state={"voltage": nengo.dists.Choice(np.ones(300))}
            ),
            label="cells",
        )
        synapse = nengo.LinearFilter(np.ones(40), np.ones(41))
        nengo.Connection(nengo.Node(process, label="images"), cells.neurons, synapse=synapse)
    table = summary(net)
    assert table["images"].what == "PresentInput(inputs=array (300, 4), presentation_time=0.1)"
    assert table["cells"].what == (
        "LIF(tau_rc=0.03, initial_state={'voltage': Choice(options=array (300,))})"
    )
    assert table["cells"].synapses_in_words() == "LinearFilter(num=array (40,), den=array (41,))"


def test_two_are_not_folded() -> None:
    assert str(summary(array_of(2))).count("LIF()") == 2


def test_layers_in_a_row_do_not_share_a_line() -> None:
    with nengo.Network(seed=0) as net:
        x = nengo.Node(np.ones(4))
        for _ in range(4):
            x = nengo_dl.Layer(nengo.LIF())(x)
        nengo.Probe(x)
    assert str(summary(net)).count("LIF()") == 4


def test_one_that_differs_is_not_folded() -> None:
    net = array_of(6)
    net.networks[0].ensembles[2].neuron_type = nengo.LIFRate()
    lines = [line for line in str(summary(net)).splitlines() if "LIF" in line]
    assert [line.count("6 x") for line in lines] == [0] * len(lines)
    assert sum("LIFRate" in line for line in lines) == 1


def test_as_text(table: Summary) -> None:
    lines = str(table).splitlines()
    assert lines[0] == '<Network "mixed">'
    assert lines[1].split() == [
        *("layer", "what", "shape", "neurons", "trains", "stays", "synapse"),
    ]
    conv = next(line for line in lines if line.startswith("conv "))
    assert [each.strip() for each in conv.split("   ") if each.strip()] == [
        *("conv", "Conv2D", "(4, 4, 1) ->", "kernel 12, bias", "none"),
    ]
    assert max(map(len, lines)) <= 100
    assert repr(table).startswith('<Summary of <Network "mixed">: 64 neurons; ')


def test_as_html_and_by_rich() -> None:
    with nengo.Network(label="net", seed=0) as net:
        nengo.Node([0.0], label="<b>[red]</b>")
    table = summary(net)
    assert "&lt;b&gt;[red]&lt;/b&gt;" in table._repr_html_()
    console = Console(width=100, color_system=None)
    with console.capture() as capture:
        console.print(table)
    assert "<b>[red]</b>" in capture.get()
    assert "0 neurons; 0 values train" in capture.get()


def test_details(table: Summary) -> None:
    text = table.details("fixed")
    assert text.splitlines()[0] == "fixed"
    assert "made by" in text
    assert "tau_rc=0.02 s" in text
    assert "synapse Lowpass(0.005 s) (synapse of the layer)" in text
    assert "fixed.encoders (27, 1) is not used: " in text
    why = "trainable is False for the object itself; built in as a constant"
    assert f"fixed.bias (27,) stays: {why}" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
    assert "derived from the network" in text
    everything = table.details()
    assert all(table.details(row.name) in everything for row in table)
    with pytest.raises(KeyError, match="it has image, conv, spikes"):
        table.details("fix")


def test_dicts_are_flat(table: Summary) -> None:
    dicts = table.to_dicts()
    for each in dicts:
        for name, value in each.items():
            assert value is None or isinstance(value, str | int | float | tuple), name
    fixed = dicts[3]
    assert fixed["neuron_bias_values"] == fixed["constant_values"] == 27
    assert (fixed["neuron_parameter_values"], fixed["trainable_values"]) == (1, 1)
    assert fixed["unused_values"] == 27
    assert fixed["encoder_values"] == 0
    memory = dicts[6]
    assert 90 <= memory["max_rates_min"] < memory["max_rates_max"] <= 100
    assert memory["max_rates"] == "Uniform(low=90, high=100)"
    assert memory["synapses"] == "Alpha(0.01 s)"


def test_direct_mode_has_no_neurons() -> None:
    with nengo.Network(seed=0) as net:
        direct = nengo.Ensemble(50, 3, neuron_type=nengo.Direct(), label="direct")
        nengo.Probe(direct)
    table = summary(net)
    assert table["direct"].n_neurons == table.n_neurons == 0
    assert [each.name for each in table["direct"].settings] == ["encoders"]


def test_encoders_in_use_may_be_constants() -> None:
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=False)
        direct = nengo.Ensemble(1, 3, neuron_type=nengo.Direct(), label="direct")
        nengo.Connection(nengo.Node(np.ones(3)), direct)
        nengo.Probe(direct)
    row = summary(net)["direct"]
    # nengo_dl takes out a multiplication by the identity
    assert [each.name for each in row.constants] == ["direct.encoders"]
    assert row.unused == ()
    assert row.n_fixed == 9


def test_trainable_without_a_gradient_is_noted() -> None:
    with nengo.Network(seed=0) as net:
        nengo_dl.Layer(nengo.LIF())(nengo.Node(np.ones(3)), label="unseen")
    assert "trainable, but no gradient comes to them: unseen.bias" in summary(net).notes


def test_empty_network() -> None:
    table = summary(nengo.Network(label="empty", seed=0))
    assert (len(table), table.n_trainable, table.n_non_trainable) == (0, 0, 0)
    assert "0 neurons" in str(table)


def test_leaves_all_as_it_was() -> None:
    net = build()
    legacy = np.random.mtrand._rand  # what nengo draws the seed of a network from
    before = legacy.get_state()[1].copy()
    summary(net)
    np.testing.assert_array_equal(legacy.get_state()[1], before)
    assert net.ensembles[0].seed is None
    assert not net.nodes[1].tensor_func.built


def test_something_else() -> None:
    with pytest.raises(nengo.exceptions.ValidationError, match=r"expected a nengo\.Network"):
        summary("network")


# of a Simulator


def test_totals_of_a_simulator(sim, table: Summary) -> None:
    of_sim = summary(sim)
    assert of_sim.n_trainable + of_sim.n_non_trainable == sim.keras_model.count_params()
    # what learns has values for each item
    assert of_sim.n_non_trainable == 3 * 20
    assert table.n_trainable == of_sim.n_trainable
    assert table.n_non_trainable == 20
    assert any("each of the 3 items" in each for each in of_sim.notes)
    assert not any("belong to no layer" in each for each in of_sim.notes)


def test_variables(sim) -> None:
    table = summary(sim)
    assert list(table.variables) == [each.name for each in sim.keras_model.weights]
    check_variables(sim, table)
    held = table.variables["TensorGraph/base_params/non_trainable_float32_3_2_10:0"]
    assert held == [("memory->output.weights", (slice(None), slice(0, 2)))]
    assert "non_trainable_float32_3_2_10:0 holds memory->output.weights [:, 0:2]" in str(table)
    assert "in trainable_float32_37:0[0:27]" in " ".join(table.details("spikes").split())
    assert summary(sim.model.toplevel).variables == {}


def check_variables(sim, table: Summary) -> None:
    """Assert that each value of each variable belongs to one parameter, and is its value."""
    graph = NetworkGraph(sim)
    parameters = {each.name: each for each in graph.parameters}
    for weight, (name, held) in zip(sim.keras_model.weights, table.variables.items(), strict=True):
        owned = np.zeros(weight.shape, int)
        for parameter, index in held:
            owned[index] += 1
            source = parameters[parameter].source
            value = weight.numpy()[index]
            if hasattr(source, "reparametrisation"):
                value = source.value(value)
            np.testing.assert_allclose(
                value.ravel(), graph.value(parameters[parameter]).ravel(), err_msg=name
            )
        assert (owned == 1).all(), name


def test_after_training(sim) -> None:
    ensemble = next(each for each in sim.model.toplevel.ensembles if each.label == "spikes")
    name = next(
        name
        for name, held in summary(sim).variables.items()
        if ("spikes.bias", (slice(0, 27),)) in held
    )
    weight = next(each for each in sim.keras_model.weights if each.name == name)
    before = weight.numpy()
    gain = sim.model.params[ensemble].gain
    try:
        weight.assign(np.full(weight.shape, 5.0))
        row = summary(sim)["spikes"]
    finally:
        weight.assign(before)
    np.testing.assert_array_equal(row.setting("bias").values, 5)
    assert row.setting("bias").set_by == "trained; at first found from max_rates and intercepts"
    rates, _ = ensemble.neuron_type.max_rates_intercepts(gain, np.full(27, 5.0))
    np.testing.assert_allclose(row.setting("max_rates").values, rates, rtol=1e-5)
    assert row.setting("gain").set_by == "found from max_rates and intercepts"
    assert "trained" not in summary(sim)["spikes"].setting("bias").set_by


def test_a_closed_simulator() -> None:
    with nengo.Network() as net:
        nengo.Probe(nengo.Node([0.0]))
    sim = simulator(net)
    sim.close()
    with pytest.raises(nengo.exceptions.SimulatorClosed, match="do it before it is closed"):
        summary(sim)


@given(plan=network_plans(trains=True), minibatch_size=st.sampled_from([1, 3]))
def test_counts_what_keras_counts(plan: NetworkPlan, minibatch_size: int) -> None:
    note(str(plan))
    network = plan.build("hooks")
    planned = summary(network)
    with simulator(network, minibatch_size=minibatch_size) as sim:
        model = sim.keras_model
        table = summary(sim)
        trainable = sum(int(np.prod(each.shape)) for each in model.trainable_weights)
        assert table.n_trainable == planned.n_trainable == trainable
        assert table.n_trainable + table.n_non_trainable == model.count_params()
        assert planned.n_non_trainable == table.n_non_trainable
        assert sum(row.n_trainable for row in table) == trainable
        constants = sum(each.size for row in table for each in row.constants)
        assert sum(row.n_fixed for row in table) == table.n_non_trainable + constants
        assert planned.notes == table.notes
        check_variables(sim, table)


@pytest.mark.parametrize("trainable", [None, False])
def test_values_that_types_of_neurons_and_synapses_have_learned(trainable: bool | None) -> None:
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=trainable)
        neurons = Surrogate(TrainableLIF(tau_rc=0.05), surrogate.arctan(2.0))
        layer = CustomLayer(neurons, label="hidden", synapse=TrainableLowpass(0.02))
        nengo.Probe(layer(nengo.Node([1.0] * 2, label="image")))

    def learned(name: str, network: nengo.Network | nengo_dl.Simulator) -> str:
        text = " ".join(summary(network).details("hidden").split())
        return re.split("says so; |settings; ", text.partition(f" {name}")[2], maxsplit=1)[1]

    assert learned("hidden.tau_rc", net).startswith("0.05")
    with simulator(net) as sim:
        assert learned("hidden.tau_rc", sim).startswith("0.05; ")
        values = {"hidden.tau_rc": [0.03], "image->hidden.tau": [0.01]}
        load_parameters(sim, values, strict=False)
        assert learned("hidden.tau_rc", sim).startswith("0.03, at first 0.05; ")
        assert learned("image->hidden.tau", sim).startswith("0.01, at first 0.02; ")
        first, now = summary(sim)["hidden"].declared["hidden.tau_rc"]
        np.testing.assert_allclose((first, now), [[0.05], [0.03]])
