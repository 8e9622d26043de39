"""Programs such as the examples of nengo_dl teach to write, in small, with the right numbers.

Each is run by `Simulator`, and by what has the right numbers: core nengo, Keras or NumPy, else
`nengo_dl.Simulator`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import nengo
import numpy as np
import pytest
import tensorflow as tf
from nengo.utils.filter_design import cont2discrete
from sklearn.datasets import load_digits

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl

DT = 0.001


def ours(net: nengo.Network, **kwargs: Any) -> Simulator:
    return Simulator(net, progress_bar=False, seed=0, **kwargs)


def stock(net: nengo.Network, **kwargs: Any) -> nengo_dl.Simulator:
    return nengo_dl.Simulator(net, progress_bar=False, seed=0, **kwargs)


def of_core(net: nengo.Network, probe: nengo.Probe, n_steps: int) -> np.ndarray:
    with nengo.Simulator(net, progress_bar=False) as sim:
        sim.run_steps(n_steps)
        return sim.data[probe]


def in_double_precision(seed: int = 0) -> nengo.Network:
    """Make a network that is simulated with the precision of core nengo."""
    with nengo.Network(seed=seed) as net:
        nengo_dl.configure_settings(dtype="float64")
    return net


# -----------------------------------------------------------------------------
# Digits, read by convolutions of spiking neurons


def read_digits(n_images: int, presentation_time: float) -> tuple[nengo.Network, nengo.Probe, Any]:
    digits = load_digits()
    images = (digits.images[:n_images] / 16).reshape(n_images, 64)
    initial = {"kernel_initializer": tf.keras.initializers.GlorotUniform(seed=1)}
    with nengo.Network(seed=0) as net:
        net.config[nengo.Ensemble].max_rates = nengo.dists.Choice([100])
        net.config[nengo.Ensemble].intercepts = nengo.dists.Choice([0])
        net.config[nengo.Connection].synapse = None
        neurons = nengo.LIF(amplitude=0.01)
        nengo_dl.configure_settings(stateful=False, lif_smoothing=0.1)
        image = nengo.Node(nengo.processes.PresentInput(images, presentation_time))
        x = CustomLayer(tf.keras.layers.Conv2D(4, 3, **initial))(image, shape_in=(8, 8, 1))
        x = CustomLayer(neurons)(x)
        x = CustomLayer(tf.keras.layers.Conv2D(8, 3, strides=2, **initial))(x, shape_in=(6, 6, 4))
        x = CustomLayer(neurons)(x)
        out = CustomLayer(tf.keras.layers.Dense(10, **initial))(x)
        probe = nengo.Probe(out, label="out")
        nengo.Probe(out, synapse=0.02, label="filtered")
    return net, probe, digits.target[:n_images]


def test_spiking_digits(tmp_path: Any) -> None:
    n_images, n_steps = 20, 25
    loss = tf.losses.SparseCategoricalCrossentropy(from_logits=True)
    results = []
    for make in (ours, stock):
        net, probe, labels = read_digits(n_images, n_steps * DT)
        images = net.nodes[0].output.inputs.reshape(n_images, 1, 64)
        with make(net, minibatch_size=10) as sim:
            sim.compile(tf.optimizers.RMSprop(0.003), loss={probe: loss})
            y = {probe: labels.reshape(n_images, 1, 1)}
            losses = sim.fit({net.nodes[0]: images}, y, epochs=4, shuffle=False, verbose=0)
            sim.save_params(str(tmp_path / make.__name__))
        with make(net) as sim:
            sim.load_params(str(tmp_path / "ours"))
            # what PresentInput shows, one image after another
            sim.run_steps(3 * n_steps)
            outputs = [sim.data[each] for each in net.probes]
            results.append((losses.history["loss"], *outputs))
    (losses, raw, smooth), (stock_losses, stock_raw, stock_smooth) = results
    assert losses[-1] < 0.95 * losses[0]
    np.testing.assert_allclose(losses, stock_losses, rtol=1e-4)
    np.testing.assert_allclose(raw, stock_raw, atol=1e-4)
    np.testing.assert_allclose(smooth, stock_smooth, atol=1e-4)
    # a filter of 20 ms, from 0 on, which takes a step
    expected = nengo.Lowpass(0.02).filt(raw, dt=DT, y0=0)
    np.testing.assert_allclose(smooth[1:], expected[:-1], atol=1e-4)
    steps = np.ptp(raw.reshape(3, n_steps, 10), axis=1)
    assert (steps > 0).any()  # it spikes


# -----------------------------------------------------------------------------
# A memory of the last steps: matrices, a nonlinearity, and weights that train


def remember(theta: float, order: int) -> tuple[nengo.Network, nengo.Node, nengo.Probe, Any]:
    q = np.arange(order)
    row, column = np.meshgrid(q, q, indexing="ij")
    a = np.where(row < column, -1.0, (-1.0) ** (row - column + 1)) * (2 * row + 1) / theta
    b = ((-1.0) ** q * (2 * q + 1) / theta)[:, np.newaxis]
    a, b, *_ = cont2discrete((a, b, np.eye(order), np.zeros((order, 1))), dt=1, method="zoh")
    net = in_double_precision()
    with net:
        net.config[nengo.Connection].synapse = None
        nengo_dl.configure_settings(trainable=None)
        net.config[nengo.Connection].trainable = False
        image = nengo.Node(np.zeros(1))
        memory = nengo.Node(size_in=order)
        nengo.Connection(image, memory, transform=b)
        nengo.Connection(memory, memory, transform=a, synapse=0)
        hidden = nengo_dl.TensorNode(tf.tanh, shape_in=(3,), pass_time=False)
        start = np.random.RandomState(0).normal(size=(3, order)) / order
        weights = nengo.Connection(memory, hidden, transform=start)
        recurrent = nengo.Connection(hidden, hidden, transform=0.3 * np.eye(3)[::-1], synapse=0)
        readout = nengo.Node(size_in=2)
        last = nengo.Connection(hidden, readout, transform=np.ones((2, 3)) * [[1], [-0.5]])
        for each in (weights, recurrent, last):
            net.config[each].trainable = True
        probe = nengo.Probe(readout)
    return net, image, probe, (a, b, start)


def test_a_legendre_memory() -> None:
    n_steps = 8
    net, image, probe, (a, b, start) = remember(theta=4.0, order=6)
    series = np.random.RandomState(1).uniform(-1, 1, (5, n_steps, 1))
    # NumPy: a step of the memory sees itself a step before, and its input now
    memory, hidden, expected = np.zeros((5, 6)), np.zeros((5, 3)), []
    for step in range(n_steps):
        memory = memory @ a.T + series[:, step] @ b.T
        hidden = np.tanh(memory @ start.T + hidden @ (0.3 * np.eye(3)[::-1]).T)
        expected.append(hidden @ (np.ones((2, 3)) * [[1], [-0.5]]).T)
    losses = []
    for make in (ours, stock):
        with make(net, minibatch_size=5) as sim:
            output = sim.predict({image: series}, verbose=0)[probe]
            np.testing.assert_allclose(output, np.stack(expected, axis=1), atol=1e-9)
            sim.compile(tf.optimizers.Adam(0.02), loss="mse")
            target = np.cumsum(series, axis=1) * [0.1, -0.1]
            losses.append(sim.fit({image: series}, target, epochs=3, verbose=0).history["loss"])
    assert losses[0][-1] < losses[0][0]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-8)


# -----------------------------------------------------------------------------
# Networks of nengo: an integrator, and one that learns


def integrate() -> tuple[nengo.Network, nengo.Probe]:
    net = in_double_precision()
    with net:
        stimulus = nengo.Node(lambda t: np.sign(np.sin(20 * t)))
        ensemble = nengo.Ensemble(60, 1, neuron_type=nengo.LIF())
        nengo.Connection(stimulus, ensemble, transform=0.1, synapse=0.1)
        nengo.Connection(ensemble, ensemble, synapse=0.1)
        probe = nengo.Probe(ensemble, synapse=0.02)
    return net, probe


def learn() -> tuple[nengo.Network, nengo.Probe]:
    net = in_double_precision()
    with net:
        stimulus = nengo.Node(nengo.processes.WhiteSignal(1.0, high=5, seed=1))
        pre, post = nengo.Ensemble(50, 1), nengo.Ensemble(50, 1)
        error = nengo.Ensemble(50, 1)
        nengo.Connection(stimulus, pre)
        learned = nengo.Connection(
            pre, post, function=lambda x: 0 * x, learning_rule_type=nengo.PES(3e-4)
        )
        nengo.Connection(post, error)
        nengo.Connection(pre, error, function=lambda x: -(x**2))
        nengo.Connection(error, learned.learning_rule)
        probe = nengo.Probe(post, synapse=0.02)
    return net, probe


def product() -> tuple[nengo.Network, nengo.Probe]:
    net = in_double_precision()
    with net:
        rng = np.random.RandomState(2)
        first, second = (rng.normal(size=8) / np.sqrt(8) for _ in range(2))
        bind = nengo.networks.CircularConvolution(20, 8)
        nengo.Connection(nengo.Node(first), bind.input_a)
        nengo.Connection(nengo.Node(second), bind.input_b)
        probe = nengo.Probe(bind.output, synapse=0.03)
    return net, probe


@pytest.mark.parametrize("build", [integrate, learn, product])
def test_networks_of_nengo(build: Callable[[], tuple[nengo.Network, nengo.Probe]]) -> None:
    net, probe = build()
    expected = of_core(net, probe, 300)
    with ours(net) as sim:
        sim.run_steps(300)
        np.testing.assert_allclose(sim.data[probe], expected, atol=1e-8)
    assert np.ptp(expected) > 0.1


# -----------------------------------------------------------------------------
# Vectors that stand for symbols: a pair is found again by one of the two


def test_retrieval_of_a_pair() -> None:
    rng = np.random.RandomState(3)
    n_pairs, size = 12, 8
    roles, fillers = (rng.normal(size=(2, n_pairs, size)) / np.sqrt(size))[:2]
    bound = np.fft.irfft(np.fft.rfft(roles) * np.fft.rfft(fillers), size)
    net = in_double_precision()
    with net:
        nengo_dl.configure_settings(trainable=None)
        net.config[nengo.Ensemble].neuron_type = nengo.RectifiedLinear()
        net.config[nengo.Ensemble].gain = nengo.dists.Uniform(0.5, 1)
        net.config[nengo.Ensemble].bias = nengo.dists.Uniform(-0.1, 0.1)
        net.config[nengo.Connection].synapse = None
        trace, cue = nengo.Node(np.zeros(size)), nengo.Node(np.zeros(size))
        unbind = nengo.networks.CircularConvolution(5, size, invert_b=True)
        nengo.Connection(trace, unbind.input_a)
        nengo.Connection(cue, unbind.input_b)
        probe = nengo.Probe(unbind.output)
    x = {trace: bound[:, np.newaxis], cue: roles[:, np.newaxis]}
    histories = []
    for make in (ours, stock):
        with make(net, minibatch_size=6) as sim:
            sim.compile(tf.optimizers.RMSprop(0.001), loss="mse")
            y = {probe: fillers[:, np.newaxis]}
            histories.append(sim.fit(x, y, epochs=4, shuffle=False, verbose=0).history["loss"])
    assert histories[0][-1] < histories[0][0]
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-8)


# -----------------------------------------------------------------------------
# A Keras model that was trained elsewhere, in front of spiking neurons


def test_a_keras_model_in_a_network() -> None:
    tf.keras.utils.set_random_seed(0)
    model = tf.keras.Sequential(
        [
            tf.keras.Input((4, 4, 1)),
            tf.keras.layers.Conv2D(3, 2, activation="relu"),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(2, activation="tanh"),
        ]
    )
    images = np.random.RandomState(0).uniform(0, 1, (40, 4, 4, 1)).astype("float32")
    model.compile("sgd", "mse")
    model.fit(images, np.ones((40, 2)), epochs=2, verbose=0)
    features = model.predict(images, verbose=0)
    weights = model.get_weights()

    def build(source: Any) -> tuple[nengo.Network, nengo.Probe, nengo.Probe]:
        with nengo.Network(seed=0) as net:
            output = source()
            ensemble = nengo.Ensemble(40, 2, seed=1)
            nengo.Connection(output, ensemble, synapse=None)
            return net, nengo.Probe(output), nengo.Probe(ensemble, synapse=0.01)

    def with_model() -> Any:
        return CustomLayer(model)(nengo.Node(np.zeros(16)), shape_in=(4, 4, 1))

    def with_features() -> Any:
        return nengo.Node(lambda t: features[round(t / DT) - 1])

    net, probe, decoded = build(with_model)
    core, _, core_decoded = build(with_features)
    with ours(net) as sim:
        data = sim.predict({net.nodes[0]: images.reshape(1, 40, 16)}, verbose=0)
    np.testing.assert_allclose(data[probe][0], features, atol=1e-5)
    np.testing.assert_allclose(data[decoded][0], of_core(core, core_decoded, 40), atol=1e-3)
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
