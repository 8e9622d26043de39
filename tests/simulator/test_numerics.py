"""Where numbers become infinite, or are none: the first place is named, and the step."""

import pickle
from typing import ClassVar

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulationError, ValidationError

from nengo_layers_plus import CustomLayer, NeuronModel, Simulator, Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableAdaptiveLIF
from nengo_layers_plus.simulator import NonFiniteError

SETTINGS = {"minibatch_size": 2, "progress_bar": False, "check_numerics": True}
DATA = np.random.RandomState(0).uniform(0.5, 1, size=(2, 8, 2))
TARGETS = np.ones((2, 8, 2))


def build(*functions, weights=(1.0, 2.0)):
    """Build a chain of functions behind a connection with weights."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(keep_history=True)
        net.data = nengo.Node(np.zeros(2), label="data")
        x = nengo.Node(size_in=2, label="middle")
        net.connection = nengo.Connection(net.data, x, transform=weights, synapse=None)
        for number, function in enumerate(functions):
            x = CustomLayer(function, label=f"layer{number}")(x, shape_in=(2,))
        net.probe = nengo.Probe(x, label="probe")
    return net


def recurrent(factor=1e10):
    """Build a number that is multiplied, and handed on to the next step."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(keep_history=True)
        net.data = nengo.Node([0.0], label="data")
        x = nengo.Node(size_in=1, label="x")
        nengo.Connection(net.data, x, synapse=None)
        net.connection = nengo.Connection(x, x, transform=factor, synapse=0, label="again")
        net.probe = nengo.Probe(x)
        net.config[net.probe].keep_history = False
    return net


def found(call):
    with pytest.raises(NonFiniteError) as info:
        call()
    return info.value


def compiled(sim, rate=0.0, loss="mse"):
    sim.compile(tf.optimizers.SGD(rate), loss=loss)
    return sim


# -- values


@pytest.fixture(scope="module")
def chain():
    net = build(tf.identity)
    with Simulator(net, **SETTINGS) as sim:
        yield net, compiled(sim)


CALLS = {
    "predict": lambda sim, x: sim.predict(x, verbose=0),
    "predict_on_batch": lambda sim, x: sim.predict_on_batch(x),
    "run_steps": lambda sim, x: sim.run_steps(8, data={next(iter(sim.node_inputs)): x}),
    "evaluate": lambda sim, x: sim.evaluate(x, TARGETS, verbose=0),
    "fit": lambda sim, x: sim.fit(x, TARGETS, shuffle=False, verbose=0),
    "fit in chunks": lambda sim, x: sim.fit(x, TARGETS, shuffle=False, truncation=3, verbose=0),
}


@pytest.mark.parametrize("call", CALLS)
def test_all_calls_check(chain, call):
    _, sim = chain
    data = DATA.copy()
    data[1, 4, 1] = np.nan
    error = found(lambda: CALLS[call](sim, data))
    assert (error.name, error.what) == ("data", "output")
    assert (error.step, error.item, error.index) == (5, 1, (1,))
    assert np.isnan(error.value)
    assert str(error).startswith(
        "Simulator: expected finite numbers, got nan in the output of data, first in "
        "step 5 (t = 0.005 s), item 1 of the minibatch, at index (1,); 1 of 4 numbers are not "
        "finite in this step. What to do: look at the data"
    )
    CALLS[call](sim, DATA)  # it goes on from where it was
    sim.reset(include_trainable=False)
    assert isinstance(error, SimulationError)


@pytest.mark.parametrize("call", ["predict", "fit"])
def test_the_first_layer_is_named(call):
    net = build(tf.math.log, tf.math.square, lambda x: x - x)
    data = DATA.copy()
    data[0, 2, 0] = data[1, 6, 1] = 0
    with Simulator(net, **SETTINGS) as sim:
        error = found(lambda: CALLS[call](compiled(sim), data))
    assert error.name == "layer0"
    assert error.what == "output"
    assert (error.step, error.item, error.index, error.value) == (3, 0, (0,), -np.inf)
    assert "(log)" in str(error)
    assert "All that is computed before it is finite. What to do: look at what it gets" in str(
        error
    )


class Growing(NeuronModel):
    """Has a state that grows, and an output that does not."""

    state: ClassVar = {"level": nengo.dists.Choice([0.0])}

    def dynamics(self, xp, dt, current, level):
        level = 1e10 * level + current
        return xp.tanh(level), {"level": level}


@pytest.mark.parametrize("call", ["predict", "fit"])
def test_a_state_that_no_one_sees(call):
    with nengo.Network(seed=0) as net:
        data = nengo.Node(np.zeros(2), label="data")
        kwargs = {"gain": 1, "bias": 0}
        nengo.Probe(CustomLayer(Growing(), ensemble_kwargs=kwargs, label="cells")(data))
    data = np.zeros((2, 8, 2))
    data[1, 2, 0] = 1  # 1e10 in the next step, and 1e40 in the seventh
    with Simulator(net, **SETTINGS) as sim:
        error = found(lambda: CALLS[call](compiled(sim), data))
    assert (error.name, error.what) == ("cells", "state 'level'")
    assert (error.step, error.item, error.index, error.value) == (7, 1, (0,), np.inf)


def test_of_what_steps_together_the_earliest_step_counts():
    net = recurrent()
    data = np.zeros((2, 8, 1))
    data[0, 3] = 1
    with Simulator(net, **SETTINGS) as sim:
        assert {row.runs for row in sim.execution} == {"step by step"}
        error = found(lambda: sim.predict(data, verbose=0))
    # 1e10 is written in the step of the input, and 1e40 three steps later
    assert (error.name, error.what) == ("x->x", "output")
    assert (error.step, error.item, error.value) == (7, 0, np.inf)


def test_what_a_learning_rule_changes():
    with nengo.Network(seed=0) as net:
        cells = nengo.Ensemble(5, 1, neuron_type=nengo.LIFRate(), label="cells")
        nengo.Connection(nengo.Node([0.5]), cells, synapse=None)
        out = nengo.Node(size_in=1)
        with pytest.warns(UserWarning, match="very high"):
            rule = nengo.PES(1e20)
        learned = nengo.Connection(
            cells, out, learning_rule_type=rule, synapse=None, label="learned"
        )
        nengo.Connection(out, learned.learning_rule, synapse=None)
        probe = nengo.Probe(out)
    with Simulator(net, progress_bar=False) as sim:
        values = sim.predict(n_steps=20, verbose=0)[probe]
    with Simulator(net, **SETTINGS) as sim:
        error = found(lambda: sim.run_steps(20))
    assert "SimPES" in str(error)
    # in the step before the one in which the output shows it
    assert error.step == np.flatnonzero(~np.isfinite(values))[0] > 1


def test_steps_are_counted_from_the_beginning_of_the_simulation(chain):
    net, sim = chain
    data = DATA.copy()
    data[0, 1, 0] = np.inf
    sim.run_steps(8, data={net.data: DATA})
    error = found(lambda: sim.run_steps(8, data={net.data: data}))
    assert error.step == 10
    assert sim.n_steps == 8
    sim.run_steps(8, data={net.data: DATA})  # the failed call has left nothing behind
    assert sim.n_steps == 16
    assert found(lambda: sim.run_steps(8, data={net.data: data})).step == 18
    sim.reset(include_trainable=False)


def test_long_simulations_in_chunks():
    net = build(tf.identity)
    data = np.ones((2, 300, 2))
    data[1, 250, 1] = np.nan
    with Simulator(net, **SETTINGS, memory_limit=2000) as sim:
        error = found(lambda: sim.predict(data, verbose=0))
    assert (error.step, error.item, error.index) == (251, 1, (1,))


def test_constant_values_have_no_step():
    with nengo.Network() as net:
        nengo.Probe(CustomLayer(tf.math.log, label="log")(nengo.Node([1.0, 0.0])))
    with Simulator(net, **SETTINGS) as sim:
        error = found(lambda: sim.predict(n_steps=5, verbose=0))
    assert (error.name, error.index) == ("log", (1,))
    assert error.step is None
    assert "log (log), in all steps, item 0 of the minibatch, at" in str(error)


# -- gradients


def train(net, data, targets, loss="mse", **kwargs):
    with Simulator(net, **SETTINGS) as sim:
        compiled(sim, loss=loss).fit(data, targets, shuffle=False, verbose=0, **kwargs)


def test_the_gradient_of_a_layer():
    """A root has an infinite slope at zero: of several steps, the last one is found first."""
    data = DATA.copy()
    data[0, 1] = data[0, 2, 1] = data[1, 5, 0] = 0
    error = found(lambda: train(build(tf.sqrt, tf.identity), data, TARGETS))
    assert error.name == "layer0"
    assert error.what == "gradient by the input"
    assert (error.step, error.item, error.index) == (6, 1, (0,))
    assert ", last in step 6 (t = 0.006 s), item 1 of" in str(error)
    assert "It comes back from layer0 (sqrt), with a gradient" in str(error)


@pytest.mark.parametrize("in_kernel", [True, False])
def test_a_gradient_that_grows_from_step_to_step(in_kernel, monkeypatch):
    """All values are zero: 1e10 a step makes the gradient infinite four steps before the last."""
    if not in_kernel:
        monkeypatch.setattr("nengo_layers_plus.simulator._choice.MOST_KERNELS", 0)
    data, targets = np.zeros((2, 9, 1)), np.ones((2, 1, 1))
    error = found(lambda: train(recurrent(), data, targets))
    assert (error.name, error.what) == ("x->x", "gradient by the output")
    assert error.step == 9 - 5
    assert error.item == 0
    assert "(fit with truncation)" in str(error)
    train(recurrent(), data, targets, truncation=3)


def test_the_gradient_of_a_loss():
    data = DATA.copy()
    data[1, 3, 1] = 0

    def root(target, found):
        return tf.reduce_mean(tf.sqrt(found), axis=-1)

    error = found(lambda: train(build(tf.identity), data, TARGETS, root))
    assert error.name == "probe"
    assert (error.step, error.item, error.index) == (4, 1, (1,))
    assert "It comes back from the loss" in str(error)


def test_the_gradient_by_weights():
    """All values and the gradients by them are finite."""
    net, data = build(tf.identity, weights=[1e-10, 1e-10]), np.full((2, 8, 2), 1e30)
    error = found(lambda: train(net, data, TARGETS, lambda target, found: 1e10 * found))
    assert error.what == "gradient by the weights"
    assert error.name == "data->middle"
    assert (error.step, error.item) == (None, None)


def test_a_loss_and_its_targets():
    def logarithm(target, found):
        return tf.reduce_mean(tf.math.log(0 * found), axis=-1)

    error = found(lambda: train(build(tf.identity), DATA, TARGETS, logarithm))
    assert (error.what, error.value) == ("loss", -np.inf)
    assert "What to do: look at the loss function" in str(error)
    targets = TARGETS.copy()
    targets[1, 5, 0] = np.nan
    error = found(lambda: train(build(tf.identity), DATA, targets))
    assert (error.name, error.what) == ("the Probe 'probe'", "target")
    assert (error.step, error.item, error.index) == (6, 1, (0,))


# -- parameters


def test_parameters_that_an_optimiser_has_spoilt():
    net = build(tf.identity)
    with Simulator(net, **SETTINGS) as sim:
        compiled(sim, rate=1e38, loss=lambda target, found: 100 * found)
        error = found(lambda: sim.fit(DATA, TARGETS, verbose=0))
        assert error.what == "weights"
        assert error.name == "data->middle"
        assert "lower learning rate" in str(error)
        # now that they are, each call says so, before anything is computed with them
        assert found(lambda: sim.predict(DATA, verbose=0)).what == "weights"


def test_variables_of_keras_layers():
    dense = tf.keras.layers.Dense(2, name="dense")
    with Simulator(build(dense), **SETTINGS) as sim:
        values = np.ones((2, 2))
        values[1, 0] = np.nan
        dense.kernel.assign(values)
        error = found(lambda: sim.predict(DATA, verbose=0))
    assert error.name == "layer0"
    assert error.what.startswith("variable '")
    assert "kernel" in error.what
    assert error.index == (1, 0)


class SinceSpike(NeuronModel):
    """Has a state that is infinite until a first spike, and a parameter that is so forever."""

    state: ClassVar = {"since": nengo.dists.Choice([np.inf])}

    def dynamics(self, xp, dt, current, since):
        since = xp.where(current > 1, 0 * current, since + dt)
        return xp.exp(-since), {"since": since}


def test_what_is_meant_to_be_infinite():
    with nengo.Network() as net:
        data = nengo.Node(np.zeros(2), label="data")
        kwargs = {"gain": 1, "bias": 0}
        probe = nengo.Probe(CustomLayer(SinceSpike(), ensemble_kwargs=kwargs)(data))
    with Simulator(net, **SETTINGS) as sim:
        assert sim.predict(DATA + 0.3, verbose=0)[probe].max() > 0.9
        assert sim.predict(0 * DATA, verbose=0)[probe].max() == 0
        error = found(lambda: sim.predict(np.where(DATA > 0.9, np.nan, DATA), verbose=0))
        assert error.name == "data"


# -- what it leaves alone


def build_spiking():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64", keep_history=True)
        net.data = nengo.Node(np.zeros(2), label="data")
        model = Surrogate(TrainableAdaptiveLIF(tau_n=0.02, inc_n=0.05), surrogate.arctan(2.0))
        cells = nengo.Ensemble(5, 1, neuron_type=model, gain=np.full(5, 2), bias=np.arange(5) * 9)
        weights = np.random.RandomState(0).normal(size=(5, 2))
        nengo.Connection(net.data, cells.neurons, transform=30 * weights, synapse=0.005)
        nengo.Connection(cells.neurons, cells.neurons, transform=weights @ weights.T / 100)
        dense = tf.keras.layers.Dense(2, kernel_initializer="ones", dtype="float64")
        out = CustomLayer(dense)(cells.neurons)
        net.probe = nengo.Probe(out, synapse=0.01)
    return net


def test_the_numbers_are_the_same():
    results = []
    for settings in ({"check_numerics": False, "execution": "stepwise"}, {}):
        net = build_spiking()
        with Simulator(net, **SETTINGS | settings, seed=0) as sim:
            sim.compile(tf.optimizers.Adam(0.01), loss="mse")
            history = sim.fit(DATA, TARGETS, epochs=3, verbose=0).history["loss"]
            weights = [each.numpy() for each in sim.keras_model.trainable_variables]
            results.append([history, *weights])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    assert np.ptp(results[0][0]) > 0


def operations(sim):
    """List the types of all operations of the graph that a Simulator runs."""
    inputs = [tf.zeros([2, 4, 2]), tf.fill([2, 1], 4)]
    run = tf.function(lambda: sim.keras_model(inputs, training=True), autograph=False)
    graph = run.get_concrete_function().graph.as_graph_def()
    functions = [node.op for each in graph.library.function for node in each.node_def]
    return [each.op for each in graph.node] + functions


def test_it_costs_nothing_where_it_is_not_asked_for():
    found = {}
    for check in (False, True):
        with Simulator(build(tf.identity), **SETTINGS | {"check_numerics": check}) as sim:
            found[check] = operations(sim)
    assert "IsFinite" in found[True]
    assert "EagerPyFunc" in found[True]
    assert not {"IsFinite", "EagerPyFunc"}.intersection(found[False])
    assert len(found[False]) < len(found[True]) / 2


def test_networks_that_would_step_run_in_layers():
    with nengo.Network(seed=0) as net:
        for _ in range(30):
            node = nengo.Node(lambda t, x: x, size_in=1)
            nengo.Connection(node, node, synapse=0.1)
    with Simulator(net, progress_bar=False) as sim:
        assert (sim.execution.mode, len(sim.execution)) == ("stepwise", 0)  # by nengo_dl
    with Simulator(net, progress_bar=False, check_numerics=True) as sim:
        (row,) = sim.execution
        assert (sim.execution.mode, sim.execution.why) == ("stepwise", row.why)
        assert len(sim.training_execution) > 0
        assert not sim.tensor_graph.defers_compilation(1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"check_numerics": True, "execution": "stepwise"},
            r'expected execution="auto" or "layerwise" with check_numerics=True, got "stepwise": .*'
            r'What to do: leave execution="auto"',
        ),
        ({"check_numerics": 2}, "expected True or False, got 2"),
        ({"check_numerics": "yes"}, "expected True or False, got 'yes'"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValidationError, match=rf"^Simulator\.check_numerics: {message}"):
        Simulator(nengo.Network(), progress_bar=False, **arguments)


def test_errors_can_be_sent_to_another_process():
    error = NonFiniteError("message", name="a", what="output", value=np.inf, step=3, index=(1,))
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == "message"
    assert vars(again) == vars(error)
