"""Minibatches in memory: what is cut from them, and what is traced for them."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._array_calls import Lengths, is_constant_in_time

IMAGES = np.random.RandomState(0).uniform(0, 1, (4, 1, 3))


def build():
    with nengo.Network(seed=0) as net:
        net.source = nengo.Node(np.zeros(3), label="source")
        net.other = nengo.Node(lambda t: [t, 1], size_out=2, label="other")
        start = tf.keras.initializers.RandomNormal(seed=1)
        dense = tf.keras.layers.Dense(5, kernel_initializer=start)
        x = CustomLayer(dense)(net.source)
        y = CustomLayer(nengo.LIF(), ensemble_kwargs={"gain": 20, "bias": 9})(x, synapse=0.005)
        net.probe = nengo.Probe(y)
        net.copy = nengo.Probe(CustomLayer(lambda x: 2 * x)(net.other, shape_in=(2,)))
    return net


@pytest.fixture(scope="module")
def sims():
    net = build()
    options = {"minibatch_size": 2, "seed": 0, "progress_bar": False}
    with nengo_dl.Simulator(net, **options) as stock, Simulator(net, **options) as ours:
        yield net, stock, ours


class TestStandsStill:
    def test_repeated(self):
        assert is_constant_in_time(IMAGES.repeat(5, axis=1))
        assert is_constant_in_time(np.broadcast_to(IMAGES, (4, 5, 3)))

    @pytest.mark.parametrize("place", [(0, 0, 0), (3, 4, 2), (2, 2, 1)])
    def test_one_number_differs(self, place):
        values = IMAGES.repeat(5, axis=1)
        values[place] += 1e-12
        assert not is_constant_in_time(values)

    def test_large_arrays_are_seen_to_the_end(self):
        values = np.zeros((100, 4, 3000), dtype=np.float32)
        assert is_constant_in_time(values)
        values[99, 2, 2999] = 1
        assert not is_constant_in_time(values)

    def test_one_step_and_no_numbers(self):
        assert not is_constant_in_time(IMAGES)
        assert not is_constant_in_time(np.full((1, 3, 2), np.nan))
        assert not is_constant_in_time(tf.zeros((2, 3, 4)))


def data_of(net, n_steps, still, still_other):
    rng = np.random.RandomState(n_steps)
    arrays = []
    for node, stands in ((net.source, still), (net.other, still_other)):
        values = rng.uniform(0, 1, (4, n_steps, node.size_out))
        arrays.append((node, values[:, :1].repeat(n_steps, axis=1) if stands else values))
    return dict(arrays)


@pytest.mark.parametrize(
    ("n_steps", "still", "still_other"),
    [
        (6, True, True),
        (6, True, False),
        (6, False, True),
        (6, False, False),
        (1, True, True),
        (9, True, False),
        (9, False, True),
        (0, False, False),
    ],
)
@pytest.mark.filterwarnings("ignore:Running for one timestep")
def test_numbers(sims, n_steps, still, still_other):
    net, stock, ours = sims
    data = data_of(net, n_steps, still, still_other)
    expected, found = (sim.predict(data, verbose=0) for sim in (stock, ours))
    for probe in (net.probe, net.copy):
        assert found[probe].shape == expected[probe].shape
        np.testing.assert_allclose(found[probe], expected[probe], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [np.int64, np.float64, np.float16])
def test_types_of_data(sims, kind):
    net, stock, ours = sims
    data = {net.source: (3 * IMAGES.repeat(6, axis=1)).astype(kind)}
    expected, found = (sim.predict(data, verbose=0)[net.probe] for sim in (stock, ours))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_tensors(sims):
    net, stock, ours = sims
    data = {net.source: tf.constant(IMAGES.repeat(6, axis=1), tf.float32)}
    expected, found = (sim.predict(data, verbose=0)[net.probe] for sim in (stock, ours))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_the_state_is_left_as_it_was():
    net = build()
    with Simulator(net, minibatch_size=2, seed=0, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.1), loss={net.probe: "mse"})
        sim.run_steps(7)
        before = [each.numpy() for each in sim.tensor_graph.saved_state.values()]
        data = data_of(net, 6, still=True, still_other=False)
        target = {net.probe: np.ones((4, 6, 5))}
        first = sim.predict(data, verbose=0)[net.probe]
        sim.evaluate(data, target, verbose=0)
        sim.fit(data, target, verbose=0)
        sim.run_steps(3, stateful=False)
        after = [each.numpy() for each in sim.tensor_graph.saved_state.values()]
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
        assert sim.n_steps == 7
        assert first.any()
        sim.predict(data, stateful=True, verbose=0)
        assert sim.n_steps == 7 + 2 * 6


@pytest.mark.parametrize("items", [2, 6])  # one minibatch, and several
def test_results_may_be_written_to(items):
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.arange(3.0))
        probes = [nengo.Probe(source), nengo.Probe(source)]
    data = {source: np.random.RandomState(0).uniform(size=(items, 4, 3)).astype(np.float32)}
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        first = sim.predict(data, verbose=0)
        first[probes[0]][:] = -1
        np.testing.assert_array_equal(first[probes[1]], data[source])
        np.testing.assert_array_equal(sim.predict(data, verbose=0)[probes[0]], data[source])


@pytest.mark.parametrize("execution", ["auto", "stepwise"])
def test_processes_in_python_share_no_memory_with_the_state(execution):
    """Whether TensorFlow shares it depends on where it lies, hence many of them."""
    with nengo.Network(seed=0) as net:
        source = nengo.Node(np.ones(1))
        for size in range(1, 9):
            target = nengo.Node(size_in=size)
            nengo.Connection(
                source, target, transform=np.ones((size, 1)), synapse=nengo.Triangle(0.005)
            )
            nengo.Probe(target)
    with Simulator(net, execution=execution, seed=0, progress_bar=False) as sim:
        sim.run_steps(4)
        variables = list(sim.tensor_graph.saved_state.values())
        before = [np.array(each.numpy()) for each in variables]
        for _ in range(3):
            sim.predict(n_steps=3, verbose=0)
            for each, old in zip(variables, before, strict=True):
                np.testing.assert_array_equal(each, old)


def test_few_functions():
    net = build()
    with Simulator(net, minibatch_size=2, seed=0, progress_bar=False) as sim:
        for n_steps in (4, 5, 6, 7, 8, 4):
            sim.predict(data_of(net, n_steps, still=False, still_other=False), verbose=0)
        cases = list(sim._array_calls._functions)
        assert [each.steps for each in cases] == [4, None]
        for _ in range(3):
            sim.predict(data_of(net, 6, still=True, still_other=False), verbose=0)
        (source,) = {name for each in sim._array_calls._functions for name in each.constant}
        assert source == sim.get_name(net.source)


def test_what_was_traced_is_used_again(monkeypatch):
    traced = []
    with nengo.Network(seed=0) as net:
        source = nengo.Node([0.0])
        leaky = nengo.Node(size_in=1)
        nengo.Connection(source, leaky, synapse=0.01)
        probe = nengo.Probe(leaky)
    with Simulator(net, minibatch_size=2, progress_bar=False) as sim:
        kind = type(sim.tensor_graph)
        run = kind.run_sequence
        monkeypatch.setattr(
            kind, "run_sequence", lambda *arguments: traced.append(1) or run(*arguments)
        )
        sim.compile(tf.optimizers.SGD(0.0), loss="mse")

        def validated(x, y, **options):
            sim.fit(x, y, validation_data=(x[:3], y[:3]), verbose=0, epochs=2, **options)

        for method in (
            validated,
            lambda x, y: validated(x, y, truncation=3),
            lambda x, y: sim.evaluate(x, y, verbose=0),
            lambda x, y: sim.predict(x, verbose=0),
            lambda x, y: sim.run_steps(x.shape[1], {source: x[:2]}, stateful=False),
        ):
            counts = []
            for steps in (6, 6, 7, 6, 7, 7, 7, 6):
                before = len(traced)
                values = np.ones((4, steps, 1))
                method(values, values)
                counts.append(len(traced) - before)
            assert counts[1] == counts[3] == 0
            assert counts[-2:] == [0, 0]
        assert probe in sim.data


def test_a_function_that_fails_is_not_kept(monkeypatch):
    net = build()
    with Simulator(net, minibatch_size=2, seed=0, progress_bar=False) as sim:
        graph = type(sim.tensor_graph)
        monkeypatch.setattr(graph, "run_sequence", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            sim.predict(n_steps=3, verbose=0)
        monkeypatch.undo()
        assert sim.predict(n_steps=3, verbose=0)[net.probe].shape == (2, 3, 5)


def train_with_calls_within(cls, callbacks):
    """Train and validate while callbacks call the Simulator; return losses, steps and state."""
    net = build()
    with cls(net, minibatch_size=2, seed=0, progress_bar=False) as sim:
        sim.run_steps(5)
        sim.compile(tf.optimizers.SGD(0.0), loss={net.probe: "mse"})
        x = data_of(net, 6, still=False, still_other=False)
        y = {net.probe: np.ones((4, 6, 5))}
        history = sim.fit(
            *(x, y),
            epochs=3,
            shuffle=False,
            verbose=0,
            validation_data=(x, y),
            validation_freq=2,
            callbacks=[callbacks(sim)],
        ).history
        state = [each.numpy() for each in sim.tensor_graph.saved_state.values()]
        return {**history, "n_steps": sim.n_steps}, state


def predict_at_first(sim):
    return tf.keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: sim.predict(n_steps=3, verbose=0) and None
    )


def predict_at_each_end(sim):
    return tf.keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: sim.predict(n_steps=3 + epoch, verbose=0) and None
    )


@pytest.mark.parametrize("callbacks", [predict_at_first, predict_at_each_end])
def test_calls_within_calls(callbacks):
    expected, state = train_with_calls_within(nengo_dl.Simulator, callbacks)
    found, found_state = train_with_calls_within(Simulator, callbacks)
    assert found["n_steps"] == expected["n_steps"] == 5
    for name in ("loss", "val_loss"):
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5)
    for one, other in zip(found_state, state, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cls", [nengo_dl.Simulator, Simulator])
def test_a_state_that_was_loaded_before_any_step_is_kept(tmp_path, cls):
    net = build()
    data = data_of(net, 4, still=True, still_other=False)
    options = {"minibatch_size": 2, "seed": 0, "progress_bar": False}

    def use(sim):
        yield sim.predict(data, verbose=0)[net.probe]
        yield sim.predict(data, verbose=0)[net.probe]
        yield sim.predict_on_batch(n_steps=4)[net.probe]

    with cls(net, **options) as sim:
        sim.run_steps(25)
        sim.save_params(tmp_path / "state", include_state=True)
        expected = list(use(sim))
    with cls(net, **options) as sim:
        sim.load_params(tmp_path / "state", include_state=True)
        assert (sim.n_steps, sim.time) == (25, 25 * sim.dt)
        for one, other in zip(use(sim), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
        assert sim.n_steps == 25


# -- numbers of steps that functions are traced for


def test_lengths_of_the_first_and_those_that_recur():
    lengths = Lengths()
    assert [lengths.choose(steps) for steps in (30, 30, 50, 30, 50, 50, 50)] == [
        *(30, 30),  # the first
        None,
        30,
        None,
        *(50, 50),  # for the third time, and from then on
    ]


def test_always_another_length():
    lengths = Lengths()
    assert [lengths.choose(steps) for steps in range(5)] == [0, None, None, None, None]


def test_lengths_to_begin_anew():
    lengths = Lengths()
    lengths.choose(3)
    lengths.forget()
    assert lengths.choose(4) == 4
    assert lengths.choose(3) is None
