"""Response curves in one pass give the numbers and gradients of nengo_dl's own."""

from __future__ import annotations

import nengo
import numpy as np
import pytest

from nengo_layers_plus import CustomLayer, Simulator, nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator import _curve

SIZE, BATCH = 6, 8


@pytest.fixture
def always(monkeypatch):
    """Compile small curves too, and count them."""
    compiled = []
    original = _curve._compiled

    def counted(operator, *arguments):
        compiled.append(type(operator.neurons))
        return original(operator, *arguments)

    monkeypatch.setattr(_curve, "_LEAST_SIZE", 1)
    monkeypatch.setattr(_curve, "_compiled", counted)
    return compiled


def build(neurons, smoothing=None):
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(
            dtype="float64", lif_smoothing=smoothing, trainable=True, keep_history=True
        )
        net.source = nengo.Node(np.zeros(SIZE))
        x = net.source
        for seed in (1, 2):
            start = tf.keras.initializers.RandomNormal(stddev=0.8, seed=seed)
            x = CustomLayer(tf.keras.layers.Dense(SIZE, kernel_initializer=start, dtype="float64"))(
                x
            )
            x = CustomLayer(neurons, ensemble_kwargs={"gain": 1, "bias": 1.3})(x)
        net.probe = nengo.Probe(x)
    return net


def train(cls, net, n_steps):
    """Train for two epochs; return the losses and what the weights are then."""
    rng = np.random.RandomState(0)
    x = rng.uniform(-1, 1, (2 * BATCH, n_steps, SIZE))
    y = rng.uniform(0, 1, (2 * BATCH, n_steps, SIZE))
    with cls(net, minibatch_size=BATCH, seed=0, progress_bar=False) as sim:
        sim.compile(tf.optimizers.SGD(0.01), loss={net.probe: "mse"})
        history = sim.fit({net.source: x}, {net.probe: y}, epochs=2, shuffle=False, verbose=0)
        return history.history["loss"], [each.numpy() for each in sim.keras_model.weights]


@pytest.mark.parametrize(
    ("neurons", "smoothing", "n_steps"),
    [
        (nengo.LIF(amplitude=0.01), None, 3),
        (nengo.LIF(amplitude=0.01), 0.05, 3),
        (nengo.LIFRate(tau_rc=0.05, amplitude=0.02), None, 3),
        (nengo.Sigmoid(tau_ref=0.5), None, 1),
        (nengo.SpikingRectifiedLinear(), None, 3),
    ],
    ids=str,
)
def test_training(always, neurons, smoothing, n_steps):
    # each with initializers of its own, which draw other weights when they are called again
    expected, found = (
        train(cls, build(neurons, smoothing), n_steps) for cls in (nengo_dl.Simulator, Simulator)
    )
    assert always.count(type(neurons)) >= 2
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-9)
    for one, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_small_ones_are_left_to_tensorflow(monkeypatch):
    def refuse(*arguments):
        raise AssertionError("compiled")

    monkeypatch.setattr(_curve, "_compiled", refuse)
    losses, _ = train(Simulator, build(nengo.LIF()), 1)
    assert np.isfinite(losses).all()


@pytest.mark.parametrize("shape", [(4, 3, 5), (1, 1, 5), (4, 1, 5), (1, 3, 5), (1, 1, 1)])
def test_sums_of_gradients(shape):
    values = np.random.RandomState(0).normal(size=(4, 3, 5))
    axes = tuple(axis for axis in range(3) if shape[axis] == 1)
    found = _curve._sum_to(tf.constant(values), tf.TensorShape(shape))
    np.testing.assert_allclose(found, values.sum(axes, keepdims=True) if axes else values)
