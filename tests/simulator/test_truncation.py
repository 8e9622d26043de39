"""Training on chunks of steps: the numbers are those of a loop that is written out by hand."""

from typing import Any

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError

from nengo_layers_plus import Simulator, Surrogate, nengo_dl, surrogate
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableAdaptiveLIF

ITEMS, STEPS, CHUNK, SIZE = 4, 8, 3, 2
SETTINGS = {"minibatch_size": SIZE, "progress_bar": False, "seed": 0}


def draw(seed, *shape):
    return np.random.RandomState(seed).normal(size=shape)


def build_spiking():
    """Build a network with a memory in its neurons, its synapses and its connections."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64", keep_history=True)
        net.data = nengo.Node(np.zeros(2), label="data")
        neurons = nengo.Ensemble(
            6,
            1,
            neuron_type=Surrogate(
                TrainableAdaptiveLIF(tau_n=0.02, inc_n=0.05), surrogate.arctan(2.0)
            ),
            gain=np.full(6, 2.0),
            bias=np.linspace(5, 40, 6),
            label="spiking",
        ).neurons
        nengo.Connection(net.data, neurons, transform=draw(0, 6, 2), synapse=0.005)
        nengo.Connection(neurons, neurons, transform=1e-2 * draw(1, 6, 6), synapse=0.01)
        out = nengo.Node(size_in=2, label="out")
        nengo.Connection(neurons, out, transform=1e-2 * draw(2, 2, 6), synapse=None)
        net.probe = nengo.Probe(out, synapse=0.01, label="filtered")
        net.last = nengo.Probe(neurons, label="last")
        net.config[net.last].keep_history = False
    return net


def build_linear(**settings):
    """Build a network that is quick to compile: a filter between two connections that train."""
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(dtype="float64", keep_history=True, **settings)
        net.data = nengo.Node([0.5], label="data")
        middle = nengo.Node(size_in=1, label="middle")
        out = nengo.Node(size_in=1, label="out")
        net.first = nengo.Connection(net.data, middle, transform=1.5, synapse=0.05)
        net.second = nengo.Connection(middle, out, transform=2.0, synapse=None)
        net.probe = nengo.Probe(out, label="probe")
    return net


DATA = np.abs(10 * draw(3, ITEMS, STEPS, 2))
TARGETS = draw(4, ITEMS, STEPS, 2)
LAST_TARGETS = 100 * np.abs(draw(5, ITEMS, 1, 6))


def train_by_hand(net, targets, chunk=CHUNK, epochs=2):
    """Train with a loop of one's own, on nengo_dl's Simulator; return losses and weights."""
    history = []
    with nengo_dl.Simulator(net, **SETTINGS) as sim:
        last = getattr(net, "last", None)
        optimizer = tf.optimizers.Adam(0.01)
        optimizer.build(sim.keras_model.trainable_variables)

        @tf.function
        def train(data, wanted):
            with tf.GradientTape() as tape:
                steps = tf.fill([SIZE, 1], tf.shape(data)[1])
                found = sim.keras_model([data, steps], training=True)
                loss = sum(
                    tf.reduce_mean((each - target) ** 2)
                    for each, target in zip(found, wanted, strict=False)
                    if target is not None
                )
            if any(each is not None for each in wanted):
                weights = sim.keras_model.trainable_variables
                optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
            return loss

        for _ in range(epochs):
            losses = []
            for items in (slice(0, 2), slice(2, 4)):
                sim.reset(include_trainable=False)
                for start in range(0, STEPS, chunk):
                    stop = min(start + chunk, STEPS)
                    wanted: list[Any] = [None for _ in sim.model.probes]
                    for probe, value in targets.items():
                        if probe is not last or stop == STEPS:
                            now = value[items] if probe is last else value[items, start:stop]
                            wanted[sim.model.probes.index(probe)] = tf.constant(now)
                    size = net.data.size_out
                    loss = train(tf.constant(DATA[items, start:stop, :size]), wanted)
                    if any(each is not None for each in wanted):
                        losses.append(float(loss))
            history.append(np.mean(losses))
        return history, [each.numpy() for each in sim.keras_model.trainable_variables]


def train(net, targets, truncation=CHUNK, **kwargs):
    with Simulator(net, **SETTINGS, execution=kwargs.pop("execution", "auto")) as sim:
        sim.compile(tf.optimizers.Adam(0.01), loss=dict.fromkeys(targets, "mse"))
        history = sim.fit(
            {net.data: DATA[..., : net.data.size_out]},
            targets,
            truncation=truncation,
            epochs=2,
            shuffle=False,
            verbose=0,
            **kwargs,
        ).history
        return history["loss"], [each.numpy() for each in sim.keras_model.trainable_variables]


def assert_same(found, expected):
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)
    for one, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


@pytest.fixture(scope="module")
def by_hand():
    net = build_spiking()
    return train_by_hand(net, {net.probe: TARGETS, net.last: LAST_TARGETS})


# a target of the last step belongs to the last chunk: those before have that of all steps alone
@pytest.mark.parametrize("execution", ["auto", "stepwise"])
def test_it_is_the_loop_that_one_would_write(by_hand, execution):
    net = build_spiking()
    targets = {net.last: LAST_TARGETS, net.probe: TARGETS}
    assert_same(train(net, targets, execution=execution), by_hand)


@pytest.mark.parametrize("chunk", [CHUNK, 1])
def test_networks_that_run_layer_by_layer_as_a_whole(chunk):
    net = build_linear()
    targets = {net.probe: TARGETS[..., :1]}
    expected = train_by_hand(net, targets, chunk)
    assert_same(train(net, targets, chunk, execution="layerwise"), expected)


# -- what a network with one number shows


def weights_of(sim, net):
    return sim.data[net.first].weights.item(), sim.data[net.second].weights.item()


@pytest.mark.parametrize("execution", ["layerwise", "stepwise"])
def test_no_gradient_goes_back_to_an_earlier_chunk(execution):
    """The only input is in the first chunk, and all that counts of the target in the second."""
    net = build_linear()
    data = np.zeros((2, 8, 1))
    data[:, :2] = 10
    counts = np.zeros((2, 8))
    counts[:, 5:] = 1
    moved = {}
    for truncation in (None, 8, 4):
        with Simulator(net, **SETTINGS, execution=execution) as sim:
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
            sim.fit(
                data, np.ones((2, 8, 1)), truncation=truncation, sample_weight=counts, verbose=0
            )
            first, second = weights_of(sim, net)
            moved[truncation] = first != 1.5, second != 2.0
    assert moved == {None: (True, True), 8: (True, True), 4: (False, True)}


def test_a_chunk_as_long_as_the_sequence_changes_no_bit():
    weights = []
    for truncation in (None, 8, 100):
        net = build_linear()
        with Simulator(net, **SETTINGS) as sim:
            sim.compile(tf.optimizers.Adam(0.1), loss="mse")
            sim.fit(
                DATA[..., :1], TARGETS[..., :1], truncation=truncation, shuffle=False, verbose=0
            )
            weights.append(weights_of(sim, net))
    assert weights[0] == weights[1] == weights[2] != (1.5, 2.0)


def test_sequences_are_shuffled_and_their_steps_are_not():
    seen = []
    with nengo.Network() as net:
        data = nengo.Node([0], label="data")
        spy = nengo.Node(lambda t, x: seen.append((round(t * 1000), int(x[0]))) or x, size_in=1)
        out = nengo.Node(size_in=1)
        nengo.Connection(data, spy, synapse=None)
        nengo.Connection(spy, out, synapse=None)
        nengo.Probe(out)
    tf.keras.utils.set_random_seed(0)
    x = np.arange(5 * 7).reshape(5, 7, 1).astype("float32")
    with Simulator(net, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        seen.clear()
        sim.fit(x, x, truncation=3, epochs=3, verbose=0)
    sequences = np.array(seen).reshape(3, 5, 7, 2)
    assert (sequences[..., 0] == np.arange(1, 8)).all()  # time goes on from chunk to chunk
    assert (sequences[..., 1] % 7 == np.arange(7)).all()
    order = sequences[:, :, 0, 1] // 7
    assert (np.sort(order) == np.arange(5)).all()
    assert len({tuple(each) for each in order}) > 1


def test_the_state_is_as_it_was_and_validation_begins_from_it():
    net = build_linear()
    x, y = DATA[..., :1], TARGETS[..., :1]
    with Simulator(net, **SETTINGS) as sim:
        sim.compile(tf.optimizers.SGD(0.01), loss="mse")
        sim.run_steps(6)
        before = [each.numpy() for each in sim.tensor_graph.saved_state.values()]
        history = sim.fit(x, y, truncation=3, validation_data=(x, y), verbose=0).history
        after = [each.numpy() for each in sim.tensor_graph.saved_state.values()]
        assert sim.n_steps == 6
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
        assert max(np.abs(each).max() for each in before) > 0
        assert history["val_loss"] == pytest.approx([sim.evaluate(x, y, verbose=0)["loss"]])
        split = sim.fit(x, y, truncation=3, validation_split=0.5, verbose=0).history
        assert split["val_loss"] == pytest.approx([sim.evaluate(x[2:], y[2:], verbose=0)["loss"]])


def test_a_stateful_call_goes_on_from_minibatch_to_minibatch():
    """And what is validated in between does not move its state."""
    net = build_linear()
    x, y = DATA[..., :1], TARGETS[..., :1]
    with Simulator(net, **SETTINGS) as sim:
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        sim.fit(
            x,
            y,
            truncation=3,
            stateful=True,
            epochs=2,
            shuffle=False,
            validation_data=(x, y),
            verbose=0,
        )
        assert sim.n_steps == 2 * 2 * STEPS
        state = [each.numpy() for each in sim.tensor_graph.saved_state.values()]
    with Simulator(net, **SETTINGS) as sim:
        for start in (0, 2, 0, 2):
            sim.run_steps(STEPS, data={net.data: x[start : start + 2]})
        for one, other in zip(state, sim.tensor_graph.saved_state.values(), strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=1e-10)


def test_a_network_that_is_set_to_keep_no_state():
    losses = []
    for stateful in (True, False):
        net = build_linear(stateful=stateful)
        with Simulator(net, **SETTINGS) as sim:
            sim.compile(tf.optimizers.SGD(0.01), loss="mse")
            for _ in range(2):
                history = sim.fit(
                    DATA[..., :1], TARGETS[..., :1], truncation=3, shuffle=False, verbose=0
                )
                losses.append(history.history["loss"])
    assert losses[0] != losses[1]
    np.testing.assert_allclose(losses[:2], losses[2:], rtol=1e-12)


def test_a_network_that_runs_eagerly():
    losses = []
    for eager in (False, True):
        with Simulator(build_linear(), **SETTINGS, execution="stepwise") as sim:
            sim.compile(tf.optimizers.SGD(0.01), loss="mse", run_eagerly=eager)
            history = sim.fit(
                DATA[..., :1], TARGETS[..., :1], truncation=3, shuffle=False, verbose=0
            )
            losses.append(history.history["loss"])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)


def test_batches_of_callbacks_are_whole_sequences():
    """A callback may use the Simulator, too."""
    net = build_linear()
    x, y = DATA[..., :1], TARGETS[..., :1]
    losses = []
    for predicts in (False, True):
        with Simulator(net, **SETTINGS) as sim:
            batches = []

            def end(batch, logs, sim=sim, batches=batches, predicts=predicts):
                batches.append((batch, int(sim.keras_model.optimizer.iterations.numpy())))
                if predicts:
                    sim.predict(x, verbose=0)

            callback = tf.keras.callbacks.LambdaCallback(on_train_batch_end=end)
            sim.compile(tf.optimizers.Adam(0.01), loss="mse")
            history = sim.fit(
                x, y, truncation=3, epochs=2, shuffle=False, callbacks=[callback], verbose=0
            ).history
            losses.append(history["loss"])
            assert len(history["loss"]) == 2
            assert batches == [(0, 3), (1, 6), (0, 9), (1, 12)]
    assert losses[0] == losses[1]


def test_inputs_that_nodes_give_themselves():
    found = []
    for data in (None, np.full((2, 8, 1), 0.5)):
        net = build_linear()
        with Simulator(net, **SETTINGS) as sim:
            sim.compile(tf.optimizers.SGD(0.1), loss="mse")
            sim.fit(data, TARGETS[:2, :, :1], n_steps=8, truncation=3, verbose=0)
            found.append(weights_of(sim, net))
    assert found[0] == pytest.approx(found[1], rel=1e-12)
    assert found[0] != pytest.approx((1.5, 2.0))


def test_weights_of_samples():
    x, y = DATA[..., :1], TARGETS[..., :1]
    first_two, early = np.array([1.0, 1, 0, 0]), np.zeros((4, 8))
    early[:, :6] = 1
    steps_of_items = np.repeat(first_two[:, None], 8, axis=1)
    losses = {}
    with Simulator(build_linear(), **SETTINGS) as sim:
        sim.compile(tf.optimizers.SGD(0.01), loss="mse")
        for name, counts in {"items": first_two, "steps": steps_of_items, "early": early}.items():
            sim.reset()
            history = sim.fit(x, y, truncation=3, sample_weight=counts, shuffle=False, verbose=0)
            losses[name] = history.history["loss"]
    assert losses["items"] == pytest.approx(losses["steps"], rel=1e-12)
    assert losses["items"] != pytest.approx(losses["early"])


def test_metrics_of_a_target_of_the_last_step():
    with nengo.Network() as net:
        nengo_dl.configure_settings(keep_history=True)
        data = nengo.Node(np.zeros(3), label="data")
        scores = nengo.Node(size_in=3)
        nengo.Connection(data, scores, transform=1.5, synapse=0.01)
        whole, last = nengo.Probe(scores, label="whole"), nengo.Probe(scores, label="last")
        net.config[last].keep_history = False
    x = np.random.RandomState(0).uniform(size=(2, 5, 3))
    targets = {whole: np.zeros((2, 5, 3)), last: np.argmax(x.sum(axis=1), axis=1)[:, None, None]}
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
        sim.compile(
            tf.optimizers.SGD(0.0), loss={whole: "mse", last: loss}, metrics={last: "accuracy"}
        )
        expected = sim.evaluate(x, targets, verbose=0)
        found = sim.fit(x, targets, truncation=2, verbose=0).history
        assert found["last_accuracy"] == [pytest.approx(expected["last_accuracy"])]
        assert found["last_loss"] == [pytest.approx(expected["last_loss"], rel=1e-5)]
        assert int(sim.keras_model.optimizer.iterations.numpy()) == 3
        # without any other target, the chunks before are run, and not trained
        sim.compile(tf.optimizers.SGD(0.0), loss={last: loss})
        found = sim.fit(x, {last: targets[last]}, truncation=2, verbose=0).history
        assert found["loss"] == [pytest.approx(expected["last_loss"], rel=1e-5)]
        assert int(sim.keras_model.optimizer.iterations.numpy()) == 1


def test_memory_is_that_of_a_chunk():
    net = build_linear()
    x, y = np.ones((2, 5000, 1)), np.ones((2, 5000, 1))
    with Simulator(net, **SETTINGS, memory_limit=100_000, execution="layerwise") as sim:
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        with pytest.raises(ValidationError, match=r"in chunks of steps \(truncation=\.\.\.\)"):
            sim.fit(x, y, verbose=0)
        assert np.isfinite(sim.fit(x, y, truncation=100, verbose=0).history["loss"]).all()


def test_the_state_is_put_back_when_a_chunk_fails():
    fails = False
    with nengo.Network() as net:
        data = nengo.Node([1], label="data")

        def fail(t, x):
            if fails and t > 0.004:
                raise RuntimeError("on purpose")
            return x

        node, out = nengo.Node(fail, size_in=1), nengo.Node(size_in=1)
        nengo.Connection(data, node, synapse=None)
        nengo.Connection(node, out, synapse=0.01)
        probe = nengo.Probe(out)
    with Simulator(net, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")
        expected = sim.predict(n_steps=4, verbose=0)[probe]
        fails = True
        with pytest.raises(Exception, match="on purpose"):
            sim.fit(n_steps=6, y=np.ones((1, 6, 1)), truncation=3, verbose=0)
        fails = False
        np.testing.assert_array_equal(sim.predict(n_steps=4, verbose=0)[probe], expected)


# -- what can't be done


@pytest.fixture(scope="module")
def linear():
    net = build_linear()
    with Simulator(net, **SETTINGS) as sim:
        sim.compile(tf.optimizers.SGD(0.1), loss="mse")
        yield sim


@pytest.mark.parametrize(
    ("truncation", "message"),
    [
        (0, "expected a whole number from 1 to 2147483647, got 0"),
        (-3, "expected a whole number from 1 to 2147483647, got -3"),
        (2.0, r"expected a whole number from 1 to 2147483647, got 2\.0"),
        (True, r"expected a whole number from 1 to 2147483647, got True"),
        ("3", r"expected a whole number from 1 to 2147483647, got '3'"),
    ],
)
def test_bad_lengths(linear, truncation, message):
    with pytest.raises(ValidationError, match=rf"^Simulator\.truncation: {message}$"):
        linear.fit(DATA[..., :1], TARGETS[..., :1], truncation=truncation, verbose=0)


def test_chunks_are_multiples_of_unrolled_steps():
    with Simulator(build_linear(), **SETTINGS, unroll_simulation=2) as sim:
        sim.compile(tf.optimizers.SGD(0.1), loss="mse")
        with pytest.raises(
            ValidationError, match=r"multiple of unroll_simulation=2,.*got 3.*take 4"
        ):
            sim.fit(DATA[..., :1], TARGETS[..., :1], truncation=3, verbose=0)
        history = sim.fit(DATA[..., :1], TARGETS[..., :1], truncation=np.int64(6), verbose=0)
        assert np.isfinite(history.history["loss"]).all()


def loss_of_the_last_step(targets, outputs):
    return tf.reduce_mean(tf.square(targets[:, -1] - outputs[:, -1]), axis=-1)


@pytest.mark.parametrize("truncation", [3, 100])
def test_targets_need_all_steps(linear, truncation):
    message = (
        r"Simulator\.truncation: expected targets with 8 steps,.* got 1 for 'probe'.*keep_hist"
    )
    linear.compile(tf.optimizers.SGD(0.1), loss=loss_of_the_last_step)
    with pytest.raises(ValidationError, match=message):
        linear.fit(DATA[..., :1], TARGETS[:, :1, :1], truncation=truncation, verbose=0)
    linear.compile(tf.optimizers.SGD(0.1), loss="mse")
    with pytest.raises(ValidationError, match=r"\(items, 8, 1\) for 'mse'.* got \(items, 1, 1\)"):
        linear.fit(DATA[..., :1], TARGETS[:, :1, :1], truncation=truncation, verbose=0)


def test_data_that_is_no_array(linear):
    inputs = {"data": DATA[..., :1], "n_steps": np.full((4, 1), STEPS)}
    data = tf.data.Dataset.from_tensor_slices((inputs, {"probe": TARGETS[..., :1]})).batch(2)
    message = r"Simulator\.truncation: expected arrays in memory for x, got \w*Dataset, whose seq"
    with pytest.raises(ValidationError, match=message):
        linear.fit(data, truncation=3, verbose=0)
    assert np.isfinite(linear.fit(data, verbose=0).history["loss"]).all()
