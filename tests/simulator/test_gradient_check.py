"""Training that gradients can't reach is refused before it starts."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from python_neurons import InPython, RateInPython

from nengo_layers_plus import (
    CustomLayer,
    Simulator,
    StoppedGradientError,
    StoppedGradientWarning,
    freeze,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableAdaptiveLIF

pytestmark = [
    pytest.mark.filterwarnings("ignore:.* does not have a native TensorFlow"),  # of nengo_dl
    pytest.mark.filterwarnings("ignore::nengo_layers_plus.neurons.StoppedGradientWarning"),
]


def network(neurons, bias=2):
    tf.keras.utils.set_random_seed(0)  # with some weights no neuron fires, and nothing moves
    with nengo.Network(seed=0) as net:
        before = CustomLayer(tf.keras.layers.Dense(3), label="before")(nengo.Node(np.ones(2)))
        middle = CustomLayer(neurons, label="middle", ensemble_kwargs={"gain": 1, "bias": bias})(
            before
        )
        nengo.Probe(CustomLayer(tf.keras.layers.Dense(2), label="after")(middle))
        nengo.Probe(before)
    return net


def fit(net, loss=None, **kwargs):
    with Simulator(net, progress_bar=False, seed=0) as sim:
        after, before = net.probes
        losses = {"after": {after: "mse"}, "before": {before: "mse"}}.get(loss, "mse")
        sim.compile("sgd", loss=losses)
        targets = {after: np.ones((1, 4, 2)), before: np.ones((1, 4, 3))}
        if loss is not None:
            targets = {probe: targets[probe] for probe in losses}
        weights = [each.numpy() for each in sim.keras_model.trainable_weights]
        sim.fit(n_steps=4, y=targets, epochs=1, verbose=0, **kwargs)
        return [
            not np.array_equal(old, each.numpy())
            for old, each in zip(weights, sim.keras_model.trainable_weights, strict=True)
        ]


def test_the_error_names_all(monkeypatch):
    started = []
    monkeypatch.setattr(tf.keras.Model, "fit", lambda *args, **kwargs: started.append(args))
    with Simulator(network(InPython()), progress_bar=False) as sim:
        sim.compile("sgd", loss="mse")
        with pytest.raises(StoppedGradientError) as caught:
            sim.fit(n_steps=4, y=np.ones((1, 4, 2)), verbose=0)
    message = str(caught.value)
    assert "middle: InPython is a LIF with a step of its own" in message
    assert "Could not learn: middle.bias" in message
    assert "by other ways alone: before.kernel, before.bias" in message
    assert "allow_stopped_gradients=True" in message
    assert started == []


def test_it_can_be_allowed():
    assert any(fit(network(RateInPython()), allow_stopped_gradients=True))


def test_a_loss_before_them_needs_no_gradient_through_them():
    assert any(fit(network(RateInPython()), loss="before"))


def test_a_loss_behind_them_does():
    net = network(RateInPython())
    with Simulator(net, progress_bar=False) as sim:
        sim.compile("sgd", loss={net.probes[0]: "mse"})
        with pytest.raises(StoppedGradientError, match=r"Could not learn: before\.kernel"):
            sim.fit(n_steps=4, y={net.probes[0]: np.ones((1, 4, 2))}, verbose=0)


def test_what_is_frozen_need_not_be_reached():
    net = network(RateInPython())
    freeze(net, "before", "middle")
    assert any(fit(net))


@pytest.mark.parametrize(("neurons", "bias"), [(nengo.AdaptiveLIF(), 5), (nengo.Izhikevich(), 20)])
def test_types_of_nengo_train(neurons, bias):
    net = network(neurons, bias)
    with Simulator(net, progress_bar=False, seed=0) as sim:
        sim.compile(tf.optimizers.SGD(0.01), loss="mse")
        names = [each.name for each in sim.what_trains().trained]
        before = [each.numpy() for each in sim.keras_model.trainable_weights]
        targets = {net.probes[0]: np.full((1, 9, 2), 50.0), net.probes[1]: np.ones((1, 9, 3))}
        sim.fit(n_steps=9, y=targets, epochs=2, verbose=0)
        after = [each.numpy() for each in sim.keras_model.trainable_weights]
    assert "before.kernel" in names
    assert all(not np.array_equal(*each) for each in zip(before, after, strict=True))


def test_parameters_that_a_curve_does_not_depend_on_are_warned_of():
    with pytest.warns(StoppedGradientWarning, match=r"middle\.tau_n, middle\.inc_n can't train"):
        fit(network(TrainableAdaptiveLIF()))
