"""Files that contradict what a network itself gives."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import (
    CustomLayer,
    ParameterMismatchError,
    load_parameters,
    nengo_dl,
    read_parameters,
    save_parameters,
    summary,
)
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.parameters import _given_values
from nengo_layers_plus.synapses import TrainableLowpass

AXES = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
LEVELS = np.array([0.5, 0.25, 0.125, 0.0])
RATES = np.array([100.0, 120.0, 140.0, 160.0])

# name: arguments of the ensemble, of the connection to it, whether it is decoded there
FIRST = {
    "currents": ({"gain": np.full(4, 50.0), "bias": LEVELS}, {}, True),
    "curves": ({"max_rates": RATES, "intercepts": LEVELS}, {}, True),
    "rates": ({"max_rates": RATES}, {}, True),
    "drawn": ({}, {}, True),
    "encoded": ({"encoders": AXES}, {}, True),
    "unencoded": ({"encoders": AXES}, {}, False),
    "large": ({"radius": 1.0}, {}, True),
    "weighted": ({}, {"transform": np.ones((4, 2))}, False),
    "slow": ({"neuron_type": TrainableLIF(tau_rc=0.05)}, {}, False),
    "filtered": ({}, {"synapse": TrainableLowpass(0.01)}, False),
}
SECOND = {
    "currents": ({"gain": np.full(4, 500.0), "bias": 2 * LEVELS}, {}, True),
    "curves": ({"max_rates": 2 * RATES, "intercepts": -LEVELS}, {}, True),
    "rates": ({"max_rates": 2 * RATES}, {}, True),
    "drawn": ({"gain": np.full(4, 2.0), "bias": LEVELS}, {}, True),
    "encoded": ({"encoders": -AXES}, {}, True),
    "unencoded": ({"encoders": -AXES}, {}, False),
    "large": ({"radius": 2.0}, {}, True),
    "weighted": ({}, {"transform": -np.ones((4, 2))}, False),
    "slow": ({"neuron_type": TrainableLIF(tau_rc=0.03)}, {}, False),
    "filtered": ({}, {"synapse": TrainableLowpass(0.02)}, False),
}


def network(arguments, seed=0, trains=None):
    """Build ensembles of four neurons that one node leads to."""
    with nengo.Network(seed=seed) as net:
        nengo_dl.configure_settings(trainable=trains)
        image = nengo.Node([0.5, 1.0], label="in")
        for label, (own, connected, decoded) in arguments.items():
            neuron_type = own.get("neuron_type", nengo.LIFRate())
            own = {**own, "neuron_type": neuron_type}
            if trains is False and isinstance(neuron_type, TrainableLIF):
                own["neuron_type"] = neuron_type.replace(trainable=False)
            synapse = connected.get("synapse")
            if trains is False and synapse is not None:
                connected = {"synapse": synapse.replace(trainable=False)}
            ensemble = nengo.Ensemble(4, 2, label=label, **own)
            target = ensemble if decoded else ensemble.neurons
            transform = {} if decoded else {"transform": np.ones((4, 2))}
            arguments_of_connection = {"synapse": None, **transform, **connected}
            nengo.Connection(image, target, **arguments_of_connection)
            nengo.Probe(ensemble.neurons, label=label)
    return net


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Files of the same values from where they train, and from where none does."""
    folder = tmp_path_factory.mktemp("given")
    for name, trains in (("trained", None), ("fixed", False)):
        with simulator(network(FIRST, trains=trains)) as sim:
            save_parameters(sim, folder / name)
    return folder


def outputs(sim):
    values = sim.predict(n_steps=2, verbose=0)
    return {probe.label: values[probe][0, -1] for probe in sim.model.probes}


def test_what_trains_was_given_but_to_begin_with(saved):
    with simulator(network(SECOND, seed=1)) as sim:
        with pytest.raises(ParameterMismatchError, match=r"currents\.gain .*50 .*500, given") as e:
            load_parameters(sim, saved / "trained")
        here = e.value.contradicted
        assert here.keys() == {"currents.gain", "curves.gain", "drawn.gain", "large.radius"}
        assert here["currents.gain"] == ("50", "500, given to the object")
        assert here["large.radius"] == ("1", "2, given to the object")
        assert here["curves.gain"][1].endswith("found from max_rates and intercepts")
    # nor is it another one where nothing trains that trained there
    with simulator(network(SECOND, seed=1, trains=False)) as sim:
        with pytest.raises(ParameterMismatchError) as e:
            load_parameters(sim, saved / "trained")
        assert e.value.contradicted == here


def test_all_that_is_given_otherwise_is_listed_and_stays(saved):
    with simulator(network(SECOND, seed=1, trains=False)) as sim:
        before = outputs(sim)
        with pytest.raises(ParameterMismatchError, match="What to do: have the network give") as e:
            load_parameters(sim, saved / "fixed")
        assert e.value.contradicted.keys() == {
            *("currents.gain", "currents.bias", "curves.max_rates", "curves.intercepts"),
            *("rates.max_rates", "drawn.gain", "drawn.bias", "encoded.encoders", "large.radius"),
            *("in->weighted.weights", "slow.tau_rc", "in->filtered.tau"),
        }
        assert e.value.contradicted["slow.tau_rc"] == ("0.05", "0.03, the type of neurons")
        assert outputs(sim).keys() == before.keys()
        for label, values in outputs(sim).items():
            np.testing.assert_array_equal(values, before[label])

        report = load_parameters(sim, saved / "fixed", strict=False)
        assert report.contradicted == e.value.contradicted
        loaded = {name for name in report.loaded if not name.startswith("in->")}
        assert loaded == {
            *(f"{label}.gain" for label in ("encoded", "unencoded", "large", "weighted", "slow")),
            *(f"{label}.bias" for label in ("encoded", "unencoded", "large", "weighted", "slow")),
            *("unencoded.encoders", "weighted.encoders", "slow.encoders"),
            *("filtered.encoders", "filtered.gain", "filtered.bias"),
        }
        after = outputs(sim)
        for label in ("currents", "curves", "rates", "drawn"):
            np.testing.assert_array_equal(after[label], before[label])


@pytest.mark.parametrize("file", ["trained", "fixed"])
@pytest.mark.parametrize("trains", [None, False])
def test_a_network_that_gives_the_same_is_no_contradiction(saved, file, trains):
    with simulator(network(FIRST, seed=1, trains=trains)) as sim:
        report = load_parameters(sim, saved / file)
        assert report.complete
        assert report.contradicted == {}


def test_learned_values_load_where_they_are_given_and_frozen(tmp_path):
    """The same network, trained and saved, then built with nothing that trains."""
    given = {"currents": FIRST["currents"]}
    with simulator(network(given)) as sim:
        load_parameters(sim, {"currents.bias": np.full(4, 7.0)}, strict=False)
        save_parameters(sim, tmp_path / "learned")
    with simulator(network(given, trains=False)) as sim:
        load_parameters(sim, tmp_path / "learned")
        save_parameters(sim, tmp_path / "again")
    # what was saved there did not train, but the network gave the same
    with simulator(network(given, trains=False)) as sim:
        load_parameters(sim, tmp_path / "again")
        assert read_parameters(tmp_path / "again")["currents.bias"].tolist() == [7.0] * 4
        np.testing.assert_array_equal(sim.data[sim.model.toplevel.ensembles[0]].bias, 7.0)


def test_a_summary_says_what_is_in_force(tmp_path):
    with nengo.Network(seed=0) as net:
        layer = CustomLayer(
            nengo.LIFRate(), ensemble_kwargs={"gain": 500, "bias": 0}, label="hidden"
        )
        nengo.Probe(layer(nengo.Node([1.0] * 2), transform=2.0))
    with simulator(net) as sim:
        assert "gain 500, of array (2,), 500: ensemble_kwargs of the layer" in words(sim)
        load_parameters(sim, {"hidden.gain": [50.0, 50.0]}, strict=False)
        assert "gain 50: loaded, in place of array (2,), 500, ensemble_kwargs of the" in words(sim)
        assert "bias 0, of array (2,), 0: ensemble_kwargs of the layer" in words(sim)
        load_parameters(sim, {"hidden.gain": [500.0, 500.0]}, strict=False)
        assert "gain 500, of array (2,), 500: ensemble_kwargs of the layer" in words(sim)


def test_a_summary_of_what_was_drawn_and_loaded():
    with nengo.Network(seed=0) as net:
        nengo.Probe(CustomLayer(nengo.LIFRate(), label="hidden")(nengo.Node([1.0] * 2)))
    with simulator(net) as sim:
        gain = sim.data[net.ensembles[0]].gain
        load_parameters(sim, {"hidden.gain": 2 * gain}, strict=False)
        shown = words(sim)
        assert "found from max_rates and intercepts" not in shown.partition("bias")[0]
        assert "Hz: found from gain and bias that were loaded, in place of Uniform(" in shown


def words(sim):
    """Return what a summary says of the layer, with one space between words."""
    return " ".join(summary(sim).details("hidden").split())


def test_statements_tell_values_apart():
    value = _given_values.GivenValue("a.gain", None, "gain", np.full(3, 2.0), ("gain",), None)
    assert value.statement == "2.0"
    other = _given_values.GivenValue("a.gain", None, "gain", np.arange(3.0), ("gain",), None)
    assert other.statement.startswith("sha256:")
    assert (_given_values._shown(value.statement), _given_values._shown("x")) == (
        "2",
        "another array",
    )


def test_a_transform_of_what_is_decoded(tmp_path):
    """Its weights are made of decoders, too, so that what was given is compared alone."""

    def decoded(weights):
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(trainable=False)
            ensemble = nengo.Ensemble(4, 2, neuron_type=nengo.LIFRate(), label="x")
            out = nengo.Node(size_in=1, label="out")
            nengo.Connection(ensemble, out, transform=[weights], seed=1)
            nengo.Probe(out)
        return net

    with simulator(decoded([1.0, 2.0])) as sim:
        save_parameters(sim, tmp_path / "file")
        assert load_parameters(sim, tmp_path / "file").complete
    with simulator(decoded([1.0, 3.0])) as sim:
        report = load_parameters(sim, tmp_path / "file", strict=False)
        assert report.contradicted == {
            "x->out.weights": ("another array", "1 .. 3, given to the object")
        }
        assert "x->out.weights" not in report.loaded


ONE = nengo.dists.Choice


@pytest.mark.parametrize("way", ["ensemble", "config", "array", "layer", "curve", "uniform"])
def test_a_distribution_of_one_value_is_that_value(tmp_path, way):
    def fixed(value):
        neurons = {"neuron_type": nengo.RectifiedLinear()}
        own = {"gain": ONE([value]), "bias": ONE([0.0])}
        with nengo.Network(seed=0) as net:
            image = nengo.Node([1.0, 1.0])
            if way == "layer":
                hidden = CustomLayer(nengo.RectifiedLinear(), ensemble_kwargs=own)(image).ensemble
            elif way == "array":
                array = nengo.networks.EnsembleArray(3, 2, **own, **neurons)
                nengo.Connection(image, array.input, synapse=None)
                hidden = array.all_ensembles[0]
            else:
                if way == "config":
                    net.config[nengo.Ensemble].gain = own["gain"]
                    net.config[nengo.Ensemble].bias = own["bias"]
                    own = {}
                elif way == "curve":
                    own = {"max_rates": ONE([value]), "intercepts": ONE([0.0])}
                elif way == "uniform":
                    own["gain"] = nengo.dists.Uniform(value, value)
                hidden = nengo.Ensemble(3, 2, **own, **neurons)
                nengo.Connection(image, hidden, synapse=None)
            nengo.Probe(hidden.neurons, label="out")
            net.hidden = hidden
        return net

    with simulator(fixed(50.0)) as sim:
        save_parameters(sim, tmp_path / "file")
        assert load_parameters(sim, tmp_path / "file").complete
    with simulator(fixed(500.0)) as sim:
        with pytest.raises(ParameterMismatchError, match="given otherwise") as e:
            load_parameters(sim, tmp_path / "file")
        assert {saved for saved, _ in e.value.contradicted.values()} == {"50"}
        load_parameters(sim, tmp_path / "file", strict=False)
        np.testing.assert_allclose(sim.data[sim.model.toplevel.hidden].gain, 500.0)


def test_a_distribution_of_one_encoder(tmp_path):
    def encoded(encoder, trains):
        with nengo.Network(seed=0) as net:
            nengo_dl.configure_settings(trainable=None)
            ensemble = nengo.Ensemble(3, 2, encoders=ONE([encoder]), gain=[2.0] * 3, bias=[1.0] * 3)
            net.config[ensemble].trainable = trains
            nengo.Connection(nengo.Node([1.0, 0.0]), ensemble, synapse=None)
            nengo.Probe(ensemble.neurons)
        return net

    for trains in (False, True):
        with simulator(encoded([1.0, 0.0], trains)) as sim:
            save_parameters(sim, tmp_path / "file")
        with simulator(encoded([0.0, 2.0], trains)) as sim:
            report = load_parameters(sim, tmp_path / "file", strict=False)
        # what trains begins with them
        assert len(report.contradicted) == (0 if trains else 1)
