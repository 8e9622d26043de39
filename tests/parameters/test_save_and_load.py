"""Parameters that are saved from one Simulator and loaded into another."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nengo.exceptions import SimulatorClosed, ValidationError
from networks import NetworkPlan, network_plans
from simulation import simulator

from nengo_layers_plus import (
    CustomLayer,
    LoadedParameters,
    ParameterError,
    ParameterMismatchError,
    Simulator,
    load_parameters,
    nengo_dl,
    read_parameters,
    save_parameters,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.parameters._simulator_parameters import SimulatorParameters

Keras = tf.keras.layers


def everything(seed, trainable=None, dtype="float32"):
    """Make a network with all kinds of drawn values; of rate neurons, which have no state."""
    tf.keras.utils.set_random_seed(seed)
    rng = np.random.RandomState(seed)
    with nengo.Network(seed=seed) as net:
        nengo_dl.configure_settings(trainable=trainable, dtype=dtype)
        image = nengo.Node(np.linspace(-1, 1, 6), label="image")
        x = nengo.Ensemble(12, 2, neuron_type=nengo.LIFRate(), label="x")
        y = nengo.Ensemble(8, 2, neuron_type=nengo.LIFRate(), label="y")
        nengo.Connection(image[:2], x, synapse=None)
        nengo.Connection(x, y, function=lambda v: v**2, synapse=0.01)
        nengo.Connection(x, y, solver=nengo.solvers.LstsqL2(weights=True), synapse=None)
        nengo.Connection(image[:4], y.neurons[[0, 5, 2, 7]], synapse=None)
        nengo.Connection(image[:2], y.neurons[6:2:-2], synapse=None)
        nengo.Connection(image[0], y.neurons, transform=rng.uniform(-1, 1, (8, 1)), synapse=None)
        hidden = CustomLayer(nengo.RectifiedLinear(), label="hidden")(
            y.neurons, transform=nengo_dl.dists.Glorot()
        )
        model = tf.keras.Sequential([Keras.Dense(6, dtype=dtype), Keras.Dense(4, dtype=dtype)])
        deep = CustomLayer(model, label="deep")(hidden)
        norm = CustomLayer(Keras.BatchNormalization(dtype=dtype), label="norm")(deep)
        shared = CustomLayer(Keras.Dense(4, dtype=dtype), label="shared")
        twice = shared(shared(norm))
        sparse = nengo.Sparse((4, 4), indices=[[0, 1], [3, 2]], init=rng.uniform(0, 1, 2))
        summed = nengo.Node(size_in=4, label="summed")
        nengo.Connection(twice, summed, transform=sparse, synapse=None)
        nengo.Connection(twice, summed, transform=float(rng.uniform()), synapse=None)
        convolution = nengo.Convolution(2, (2, 2, 1), kernel_size=(1, 1))
        convolved = nengo.Node(size_in=convolution.size_out, label="convolved")
        nengo.Connection(twice, convolved, transform=convolution, synapse=None)
        direct = nengo.Ensemble(1, 2, neuron_type=nengo.Direct(), label="direct")
        nengo.Connection(x, direct, synapse=None)
        for each in (x, y.neurons, summed, convolved, direct):
            nengo.Probe(each)
    return net


def outputs(sim, n_steps=4):
    """Return what all probes see, for one item of the minibatch."""
    return [value[:1] for value in sim.predict(n_steps=n_steps, verbose=0).values()]


def assert_same(found, expected, rtol=0.0):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "everything"
    with simulator(everything(seed=0)) as sim:
        save_parameters(sim, path)
        return path, outputs(sim)


@pytest.mark.parametrize(
    ("cls", "arguments", "setting"),
    [
        (nengo_dl.Simulator, {}, {}),
        (Simulator, {}, {}),
        (Simulator, {"minibatch_size": 1}, {"trainable": False}),
        (nengo_dl.Simulator, {"minibatch_size": 5, "unroll_simulation": 2}, {}),
        (Simulator, {}, {"dtype": "float64"}),
    ],
)
def test_the_function_is_the_same_whatever_the_seed(saved, cls, arguments, setting):
    path, expected = saved
    with cls(everything(seed=1, **setting), progress_bar=False, **arguments) as sim:
        before = outputs(sim)
        assert not any(np.allclose(one, other) for one, other in zip(before, expected, strict=True))
        report = load_parameters(sim, str(path))
        assert isinstance(report, LoadedParameters)
        assert report.complete
        assert set(report.loaded) == set(read_parameters(path))
        # several items, or steps, are multiplied in another order
        exact = cls is nengo_dl.Simulator and not arguments and not setting
        rtol = 0 if exact else 1e-4
        assert_same(outputs(sim), expected, rtol)
        sim.reset()
        assert_same(outputs(sim), expected, rtol)
        again = path.with_name("again")
        save_parameters(sim, again)
    first, second = read_parameters(path), read_parameters(again)
    assert set(first) == set(second)
    for name, array in first.items():
        np.testing.assert_array_equal(second[name].astype(array.dtype), array, err_msg=name)


def test_float64_into_float32(saved, tmp_path):
    with simulator(everything(seed=2, dtype="float64")) as sim:
        save_parameters(sim, tmp_path / "double")
        expected = outputs(sim)
    assert read_parameters(tmp_path / "double")["x.gain"].dtype == np.float64
    with simulator(everything(seed=1)) as sim:
        load_parameters(sim, tmp_path / "double")
        assert_same(outputs(sim), expected, 1e-4)
        assert NetworkGraph(sim).value(NetworkGraph(sim).parameters[0]).dtype == np.float32


def test_names_that_are_saved(saved):
    found = {name: array.shape for name, array in read_parameters(saved[0]).items()}
    assert found == {
        "x.encoders": (12, 2),
        "x.bias": (12,),
        "x.gain": (12,),
        "x->y.weights": (2, 12),
        "x->y.weights_1": (8, 12),
        "image->y.weights": (8, 1),
        "y.encoders": (8, 2),
        "y.bias": (8,),
        "y.gain": (8,),
        "x->direct.weights": (2, 12),
        "direct.encoders": (2, 2),
        "y->hidden.weights": (8, 8),
        "hidden.encoders": (8, 1),
        "hidden.bias": (8,),
        "hidden.gain": (8,),
        "deep.dense.kernel": (8, 6),
        "deep.dense.bias": (6,),
        "deep.dense_1.kernel": (6, 4),
        "deep.dense_1.bias": (4,),
        "norm.gamma": (4,),
        "norm.beta": (4,),
        "norm.moving_mean": (4,),
        "norm.moving_variance": (4,),
        "shared.kernel": (4, 4),
        "shared.bias": (4,),
        "shared_1->summed.weights": (),
        "shared_1->summed.weights_1": (2,),
        "shared_1->convolved.weights": (1, 1, 1, 2),
        "x->probe_0.weights": (2, 12),
    }


def test_all_arrays_of_nengo_dl_that_are_no_state_are_saved(saved):
    with simulator(everything(seed=0)) as sim:
        n_held = sum(int(np.prod(each.shape)) for each in sim.tensor_graph.base_params.values())
        signals = sim.tensor_graph.signals
        kept = [
            each
            for each in NetworkGraph(sim).parameters
            if not isinstance(each.source, tf.Variable) and each.source in signals
        ]
        assert sum(each.size for each in kept) == n_held
        # of the state, what nothing ever writes is a constant: either saved, or zero
        written = {
            signal.base
            for operators in sim.tensor_graph.plan
            for operator in operators
            for signal in (*operator.sets, *operator.incs, *operator.updates)
        }
        constant = [
            each
            for each in signals
            if each.trainable is None and each not in written and np.any(each.initial_value != 0)
        ]
        names = {each.name for each in constant if not each.name.startswith("<Node")}
        assert {name.rpartition(".")[2] for name in names} == {"gains", "weights"}
        assert len(constant) >= 4


def test_trained_weights_come_back(tmp_path):
    def build(seed):
        tf.keras.utils.set_random_seed(seed)
        with nengo.Network(seed=seed) as net:
            image = nengo.Node(np.ones(3), label="image")
            x = CustomLayer(nengo.RectifiedLinear(), label="x")(image)
            x = CustomLayer(Keras.BatchNormalization(), label="norm")(x)
            nengo.Probe(CustomLayer(Keras.Dense(2), label="y")(x))
        return net

    data = np.random.RandomState(0).uniform(size=(8, 1, 3))
    with simulator(build(0), minibatch_size=4) as sim:
        sim.compile(optimizer=tf.optimizers.SGD(0.01), loss="mse")
        sim.fit(data, np.ones((8, 1, 2)), epochs=2, verbose=0)
        save_parameters(sim, tmp_path / "a")
        expected = outputs(sim)
    with simulator(build(1)) as sim:
        # whatever was traced before
        sim.compile(optimizer="sgd", loss="mse")
        outputs(sim)
        load_parameters(sim, tmp_path / "a")
        assert_same(outputs(sim), expected, 1e-5)
        bias = sim.data[sim.model.toplevel.ensembles[0]].bias
        np.testing.assert_array_equal(bias, read_parameters(tmp_path / "a")["x.bias"])
        sim.fit(data[:1], np.ones((1, 1, 2)), verbose=0)
        assert not np.allclose(outputs(sim)[0], expected[0], atol=1e-6)


# what nengo_dl builds in as a constant


def folded(bias, gain, weights, trainable=False):
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=trainable)
        image = nengo.Node(np.array([0.5, 1.0]), label="image")
        ensemble = nengo.Ensemble(
            2, 1, neuron_type=nengo.RectifiedLinear(), gain=gain, bias=bias, label="x"
        )
        nengo.Connection(image, ensemble.neurons, transform=weights, synapse=None)
        nengo.Connection(ensemble.neurons, ensemble.neurons, synapse=0.1)
        alone = nengo.Ensemble(
            2, 1, neuron_type=nengo.RectifiedLinear(), gain=gain, bias=bias, label="alone"
        )
        nengo.Probe(ensemble.neurons)
        nengo.Probe(alone.neurons)
    return net


PLAIN = {"bias": np.zeros(2), "gain": np.ones(2), "weights": np.eye(2)}
DRAWN = {
    "bias": np.array([1.0, 2.0]),
    "gain": np.array([3.0, 4.0]),
    "weights": np.full((2, 2), 0.7),
}


@pytest.mark.parametrize(("first", "second"), [(PLAIN, DRAWN), (DRAWN, PLAIN)])
@pytest.mark.parametrize("trainable", [False, True])
def test_constants_that_nengo_dl_builds_in(first, second, trainable, tmp_path):
    with simulator(folded(**first, trainable=True)) as sim:
        save_parameters(sim, tmp_path / "a")
        expected = outputs(sim)
    with simulator(folded(**second, trainable=trainable), minibatch_size=2) as sim:
        before = sim.keras_model
        sim.run_steps(3)
        load_parameters(sim, read_parameters(tmp_path / "a"))
        assert (sim.keras_model is not before) == (not trainable or second is PLAIN)
        assert sim.n_steps == 3, "the state of the simulation is kept"
        save_parameters(sim, tmp_path / "b")
        sim.reset()
        assert_same(outputs(sim), expected)
        ensemble = sim.model.toplevel.ensembles[0]
        np.testing.assert_array_equal(sim.data[ensemble].bias, first["bias"])
        np.testing.assert_allclose(sim.data[ensemble].gain, first["gain"], rtol=1e-6)
        before = sim.keras_model
        load_parameters(sim, tmp_path / "b")
        assert sim.keras_model is before, "the same values need no new model"
    one, other = read_parameters(tmp_path / "a"), read_parameters(tmp_path / "b")
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def test_a_compiled_simulator_is_not_built_anew():
    with simulator(folded(**PLAIN)) as sim:
        sim.compile(optimizer="sgd", loss="mse")
        before, keras_model = outputs(sim), sim.keras_model
        with pytest.raises(ParameterError, match=r"x\.bias can't train .* before sim\.compile"):
            load_parameters(sim, {"x.bias": [1, 2], "x.encoders": [[1], [1]]}, strict=False)
        assert sim.keras_model is keras_model
        assert_same(outputs(sim), before)
        # encoders that nothing is decoded into change nothing
        load_parameters(sim, {"x.bias": [0, 0], "x.encoders": [[5], [5]]}, strict=False)
        assert sim.keras_model is keras_model


def test_state_goes_on_where_a_simulator_is_built_anew():
    with simulator(folded(**DRAWN)) as sim:
        sim.run_steps(5)
        expected = outputs(sim)
        load_parameters(sim, {"alone.bias": [7.0, 8.0]}, strict=False)
        found = outputs(sim)
        np.testing.assert_array_equal(found[0], expected[0])
        assert not np.array_equal(found[1], expected[1])


# what does not fit


def small(units=2, label="hidden", seed=0):
    tf.keras.utils.set_random_seed(seed)
    with nengo.Network(seed=seed, label="small") as net:
        image = nengo.Node(np.ones(3), label="image")
        x = CustomLayer(nengo.LIFRate(), label=label)(image)
        nengo.Probe(CustomLayer(Keras.Dense(units), label="output")(x))
    return net


@pytest.fixture(scope="module")
def small_saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("small") / "small"
    with simulator(small()) as sim:
        save_parameters(sim, path)
        return path, outputs(sim)


def values(sim):
    graph = NetworkGraph(sim)
    return {each.name: graph.value(each) for each in graph.parameters}


def test_all_that_does_not_fit_is_listed_and_nothing_is_changed(small_saved):
    path, _ = small_saved
    with simulator(small(units=4, label="hidden layer", seed=1)) as sim:
        before = values(sim)
        with pytest.raises(ParameterMismatchError) as caught:
            load_parameters(sim, path)
        error = caught.value
        assert isinstance(error, ValidationError)
        own = ("encoders", "bias", "gain")
        assert error.missing == tuple(f"hidden layer.{each}" for each in own)
        assert error.extra == tuple(f"hidden.{each}" for each in sorted(own))
        assert error.other_shape == {
            "output.kernel": ((3, 2), (3, 4)),
            "output.bias": ((2,), (4,)),
        }
        message = str(error)
        for text in (
            "8 parameters",
            str(path),
            'small"',
            "nothing was changed",
            "hidden.bias -> hidden layer.bias",
            "strict=False loads what fits",
        ):
            assert text in message
        (row,) = [line for line in message.splitlines() if line.startswith("output.kernel")]
        assert row.split("  ")[0] == "output.kernel"
        assert "(3, 2)" in row
        assert "(3, 4)" in row
        assert "other shape" in row
        assert {name: value.tolist() for name, value in before.items()} == {
            name: value.tolist() for name, value in values(sim).items()
        }
        report = load_parameters(sim, path, strict=False)
        assert report.loaded == ()
        assert (report.missing, report.extra) == (error.missing, error.extra)
        assert report.other_shape == error.other_shape
        assert not report.complete


def test_what_fits_is_loaded_if_not_strict(small_saved):
    path, _ = small_saved
    saved = read_parameters(path)
    with simulator(small(units=4, seed=1)) as sim:
        before = values(sim)
        report = load_parameters(sim, path, strict=False)
        assert report.loaded == ("hidden.encoders", "hidden.bias", "hidden.gain")
        after = values(sim)
        np.testing.assert_array_equal(after["hidden.bias"], saved["hidden.bias"])
        np.testing.assert_array_equal(after["output.kernel"], before["output.kernel"])


def test_mappings(small_saved):
    path, expected = small_saved
    saved = read_parameters(path)
    renamed = {name.replace("hidden", "other"): value for name, value in saved.items()}
    with simulator(small(label="other", seed=1)) as sim:
        assert load_parameters(sim, renamed).complete
        assert_same(outputs(sim), expected)
        lists = {"output.bias": [np.nan, np.inf]}
        load_parameters(sim, lists, strict=False)
        np.testing.assert_array_equal(values(sim)["output.bias"], lists["output.bias"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"output.bias": ["a", "b"]}, r"expected numbers for output\.bias"),
        ({"output.bias": [1j, 2]}, r"expected numbers for output\.bias"),
        ({"output.bias": [None, 1]}, r"expected numbers for output\.bias"),
        ({"output.bias": [[1], [1, 2]]}, r"array of numbers for output\.bias, got list"),
        ({"output.bias": [0, 1e300]}, r"output\.bias holds float32, in which .* infinite"),
        ({"output.bias": [0, -1e39]}, r"give values of at most 3\.4e\+38"),
        ({3: [0, 1]}, "expected names of parameters as keys, got 3"),
    ],
)
def test_values_that_are_no_numbers_change_nothing(small_saved, changes, message):
    saved = {**read_parameters(small_saved[0]), **changes}
    with simulator(small(seed=1)) as sim:
        before = values(sim)
        with pytest.raises(ParameterError, match=message):
            load_parameters(sim, saved)
        for name, value in values(sim).items():
            np.testing.assert_array_equal(value, before[name])


@pytest.mark.parametrize("trainable", [None, False])
def test_an_error_half_way_leaves_all_as_it_was(saved, monkeypatch, trainable):
    with simulator(everything(seed=1, trainable=trainable)) as sim:
        before, seen, data = values(sim), outputs(sim), sim.data[sim.model.toplevel.ensembles[0]]

        def fail(self, values, undo):
            raise MemoryError

        with monkeypatch.context() as patched:
            patched.setattr(SimulatorParameters, "_note", fail)
            with pytest.raises(MemoryError):
                load_parameters(sim, saved[0])
        for name, value in values(sim).items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)
        assert_same(outputs(sim), seen)
        np.testing.assert_array_equal(sim.data[sim.model.toplevel.ensembles[0]].gain, data.gain)
        sim.reset()
        assert_same(outputs(sim), seen)
        load_parameters(sim, saved[0])
        assert_same(outputs(sim), saved[1])


# learning rules


def learning(rule, seed=0):
    with nengo.Network(seed=seed) as net:
        image = nengo.Node(np.ones(1), label="image")
        x = nengo.Ensemble(10, 1, neuron_type=nengo.LIFRate(), label="x")
        y = nengo.Ensemble(10, 1, neuron_type=nengo.LIFRate(), label="y")
        nengo.Connection(image, x, synapse=None)
        learned = nengo.Connection(x, y, learning_rule_type=rule, synapse=None)
        if isinstance(rule, nengo.PES):
            nengo.Connection(image, learned.learning_rule, synapse=None)
        nengo.Probe(y)
    return net


@pytest.mark.parametrize("rule", [nengo.PES(), nengo.Voja(learning_rate=0.1)])
def test_what_a_learning_rule_changes(rule, tmp_path):
    changed = "x->y.weights" if isinstance(rule, nengo.PES) else "y.encoders"
    path = tmp_path / "learned"
    with simulator(learning(rule), minibatch_size=2) as sim:
        initial = NetworkGraph(sim).value(
            next(each for each in NetworkGraph(sim).parameters if each.name == changed)
        )
        sim.run_steps(20)
        save_parameters(sim, path)
        assert not np.allclose(read_parameters(path)[changed], initial[0])
        sim.reset(include_trainable=False)
        expected = outputs(sim, 20)
    with simulator(learning(rule, seed=1), minibatch_size=3) as sim:
        load_parameters(sim, path)
        # it goes on to learn as the other would have
        assert_same(outputs(sim, 20), expected, 1e-5)
    with simulator(learning(rule), minibatch_size=2) as sim:
        image = sim.model.toplevel.nodes[0]
        sim.run_steps(20, data={image: np.stack([np.ones((20, 1)), -np.ones((20, 1))])})
        with pytest.raises(
            ParameterError, match=f"{changed} is changed .*the 2 items .*minibatch_size=1"
        ):
            save_parameters(sim, tmp_path / "differ")
    assert not (tmp_path / "differ").exists()


# exchange with nengo_dl


def test_files_of_nengo_dl_go_both_ways(tmp_path):
    def build(layer_class, seed):
        tf.keras.utils.set_random_seed(seed)
        with nengo.Network(seed=seed) as net:
            image = nengo.Node(np.ones(4))
            x = layer_class(Keras.Conv2D(2, 2))(image, shape_in=(2, 2, 1))
            x = layer_class(nengo.RectifiedLinear())(x, transform=nengo_dl.dists.Glorot())
            nengo.Probe(layer_class(Keras.Dense(2))(x))
        return net

    classes = [(nengo_dl.Layer, nengo_dl.Simulator), (CustomLayer, Simulator)]
    for (layer, sim_class), (other_layer, other_sim_class) in (classes, classes[::-1]):
        path = tmp_path / layer.__name__
        with sim_class(build(layer, 0), progress_bar=False, seed=0) as sim:
            sim.save_params(path)
            save_parameters(sim, f"{path}.names")
            weights = [weight.numpy() for weight in sim.keras_model.weights]
        with other_sim_class(build(other_layer, 1), progress_bar=False, seed=0) as sim:
            sim.load_params(path)
            for one, other in zip(sim.keras_model.weights, weights, strict=True):
                np.testing.assert_array_equal(one.numpy(), other)
        with other_sim_class(build(other_layer, 2), progress_bar=False, seed=0) as sim:
            assert load_parameters(sim, f"{path}.names").complete
            for one, other in zip(sim.keras_model.weights, weights, strict=True):
                np.testing.assert_array_equal(one.numpy(), other)
            with pytest.raises(ParameterError, match=r"sim\.load_params\('"):
                load_parameters(sim, f"{path}.npz")


# what is no open Simulator


def test_closed_simulators_and_networks(tmp_path):
    net = small()
    with simulator(net) as sim:
        pass
    with pytest.raises(SimulatorClosed, match="can't save the parameters of a Simulator that is c"):
        save_parameters(sim, tmp_path / "a")
    with pytest.raises(SimulatorClosed, match="can't load parameters into a Simulator that is clo"):
        load_parameters(sim, {})
    with pytest.raises(ParameterError, match=r"expected a nengo_dl\.Simulator .* holds no values"):
        save_parameters(net, tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


# random networks

RATES = {
    "LIF": "LIFRate",
    "SpikingRectifiedLinear": "RectifiedLinear",
    "PoissonSpiking": "SoftLIFRate",
}


@given(plan=network_plans(), minibatch_size=st.sampled_from([None, 2]))
def test_random_networks(plan: NetworkPlan, minibatch_size, tmp_path_factory):
    for layer in plan.layers:
        # the voltages of spiking neurons are state, and begin with other values for another seed
        layer.name = RATES.get(layer.name, layer.name)
    path = tmp_path_factory.mktemp("random") / "parameters"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with simulator(plan.build("hooks")) as sim:
            save_parameters(sim, path)
            expected = outputs(sim)
            assert load_parameters(sim, path).complete
        plan.seed += 1
        with simulator(plan.build("call"), minibatch_size=minibatch_size) as sim:
            # the images are the network's own, and drawn with the plan's seed
            node = sim.model.toplevel.nodes[0]
            image = np.random.RandomState(plan.seed - 1).uniform(-1, 1, plan.size_in)
            assert load_parameters(sim, read_parameters(path)).complete
            data = np.broadcast_to(image, (minibatch_size or 1, 4, plan.size_in))
            found = [each[:1] for each in sim.predict({node: data}, verbose=0).values()]
    assert_same(found, expected, 1e-4)
