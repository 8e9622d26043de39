"""Layers that are not linear are warned of where they would see single spikes."""

from __future__ import annotations

import warnings
from typing import Any

import nengo
import numpy as np
import pytest

from nengo_layers_plus import Simulator, from_keras
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.conversion import ConversionError

Keras = tf.keras.layers
SPIKES = nengo.SpikingRectifiedLinear()


def behind_neurons(*layers: Any, beside: Any = None, **settings: Any) -> tf.keras.Model:
    """Make a model of a convolution with a ReLU, and layers behind it."""
    image = tf.keras.Input((6, 6, 1), name="image")
    start = tf.keras.initializers.RandomUniform(0, 0.3, seed=1)
    x = Keras.Conv2D(4, 3, activation="relu", kernel_initializer=start, name="conv")(image)
    if beside is not None:
        other = Keras.Conv2D(4, 3, name="other", **settings)(image)
        x = beside([x, other])
    for layer in layers:
        x = layer(x)
    return tf.keras.Model(image, x)


def warned(model: tf.keras.Model, neurons: Any = SPIKES, **settings: Any) -> str:
    """Return what the conversion of a model warns of, in one text."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        from_keras(model, neurons, **settings)
    return "\n".join(str(each.message) for each in caught)


NOT_LINEAR = {
    "max": lambda: [Keras.MaxPooling2D(name="it")],
    "global max": lambda: [Keras.GlobalMaxPooling2D(name="it")],
    "max behind what is linear": lambda: [
        Keras.AveragePooling2D(),
        Keras.BatchNormalization(),
        Keras.Flatten(),
        Keras.Reshape((16, 1)),
        Keras.MaxPooling1D(name="it"),
    ],
    "softmax": lambda: [Keras.Flatten(), Keras.Dense(3, activation="softmax", name="it")],
    "norm": lambda: [Keras.LayerNormalization(name="it")],
    "abs": lambda: [Keras.Conv2D(3, 2, name="mixes"), Keras.Lambda(tf.abs, name="it")],
    "neurons": lambda: [Keras.Flatten(), Keras.Dense(5, activation="relu", name="it")],
    "square": lambda: [Keras.Lambda(tf.square, name="it")],
}


@pytest.mark.parametrize("kind", NOT_LINEAR)
def test_what_is_not_linear_is_warned_of(kind: str) -> None:
    model = behind_neurons(*NOT_LINEAR[kind]())

    for settings, times in (
        ({}, "0.001 times in a step, and no synapse averages over steps"),
        ({"synapse": 0.001}, "0.0022 times in the 2.16 ms over which synapse=0.001 averages"),
        ({"synapse": 0.02}, "0.04 times in the 40 ms over which synapse=0.02 averages"),
    ):
        message = warned(model, **settings)
        assert "'it' would see single spikes: a neuron with an input of 1 fires" in message
        assert f"{times}; 10 times are needed" in message
        assert "write from_keras(..., synapse=0.02, scale_firing_rates=250), with which" in message
    for quiet in (
        {"synapse": 0.02, "scale_firing_rates": 250},
        {"synapse": nengo.Alpha(0.02), "scale_firing_rates": 125},
    ):
        assert warned(model, **quiet) == ""
    assert warned(model, nengo.RectifiedLinear()) == ""


@pytest.mark.parametrize(
    ("neurons", "settings", "advice"),
    [
        (SPIKES, {"synapse": 0.005, "scale_firing_rates": 100}, (0.005, 1000)),
        (SPIKES, {"synapse": 0.005, "scale_firing_rates": {"conv": 2000}}, None),
        # they fire with at most 500 Hz
        (nengo.LIF(), {"synapse": 0.005, "scale_firing_rates": 100}, (0.02, 100)),
        (nengo.LIF(), {"synapse": 0.02}, (0.02, 20)),
        (nengo.LIF(amplitude=0.01), {"synapse": 0.02}, (0.02, 20)),
        # spikes at random vary by the square root of their number
        (nengo.PoissonSpiking(nengo.RectifiedLinear()), {"synapse": 0.02}, (0.05, 1000)),
        (nengo.RegularSpiking(nengo.RectifiedLinear()), {"synapse": 0.02}, (0.02, 250)),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_enough_spikes_go_by_the_rates_of_the_neurons(
    neurons: Any, settings: Any, advice: tuple[float, float] | None
) -> None:
    model = behind_neurons(Keras.MaxPooling2D(name="it"))

    message = "".join(each for each in warned(model, neurons, **settings).splitlines())
    if advice is None:
        assert message == ""
        return
    synapse, scale = advice
    assert f"from_keras(..., synapse={synapse}, scale_firing_rates={scale})" in message
    again = warned(model, neurons, synapse=synapse, scale_firing_rates=scale)
    assert "would see single spikes" not in again


SATURATES = {
    "minimum": lambda: Keras.Lambda(lambda x: tf.minimum(x, 50.0), name="it"),
    "where": lambda: Keras.Lambda(lambda x: tf.where(x > 100.0, 0.0 * x, x), name="it"),
    "kept ReLU": lambda: Keras.ReLU(50.0, name="it"),
}


@pytest.mark.parametrize("kind", SATURATES)
def test_what_saturates_below_the_height_of_a_spike_is_warned_of(kind: str) -> None:
    layer = SATURATES[kind]()
    model = behind_neurons(layer)

    assert "'it' would see single spikes" in warned(model, {"relu": SPIKES})
    # spikes 4 high never get there
    assert warned(model, {"relu": SPIKES}, scale_firing_rates=250) == ""


@pytest.mark.parametrize("merge", ["Maximum", "Minimum", "Multiply", "Dot"])
def test_two_branches_of_spikes(merge: str) -> None:
    arguments = {"axes": -1} if merge == "Dot" else {}
    model = behind_neurons(beside=getattr(Keras, merge)(**arguments, name="it"), activation="relu")

    assert "'it' would see single spikes" in warned(model)


@pytest.mark.parametrize(
    "linear",
    [
        lambda: {"beside": Keras.Add(), "activation": "relu"},
        lambda: {"beside": Keras.Concatenate(), "activation": "relu"},
        # a product with what does not spike is linear in the spikes
        lambda: {"beside": Keras.Multiply()},
    ],
)
def test_what_is_linear_is_not_warned_of(linear: Any) -> None:
    model = behind_neurons(
        Keras.Dropout(0.5), Keras.GlobalAveragePooling2D(), Keras.Dense(3), **linear()
    )

    assert warned(model) == ""


def test_rate_neurons_behind_spikes_see_spikes_too() -> None:
    model = behind_neurons(Keras.Conv2D(2, 3, activation="tanh", name="it"), Keras.Flatten())
    neurons = {"relu": SPIKES, "tanh": nengo.Tanh(tau_ref=1)}

    assert "'it' would see" in warned(model, neurons)
    assert warned(model, {"relu": nengo.RectifiedLinear(), "tanh": SPIKES}) == ""


def test_a_maximum_over_spikes_is_too_large() -> None:
    conv = behind_neurons().output
    maximum, average = (
        tf.keras.Model(
            conv.node.layer.input,
            [getattr(Keras, f"{kind}Pooling2D")(name=name)(conv) for kind, name in kinds],
        )
        for kinds in (
            (("Max", "local"), ("GlobalMax", "global")),
            (("Average", "local"), ("GlobalAverage", "global")),
        )
    )
    images = np.random.RandomState(0).uniform(0, 1, (4, 6, 6, 1))

    def ratios(expected: tf.keras.Model, **settings: Any) -> np.ndarray:
        settings = {"scale_firing_rates": 200, **settings}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = from_keras(maximum, SPIKES, **settings)
        with Simulator(converted.net, minibatch_size=4, seed=0, progress_bar=False) as sim:
            output = sim.predict(converted.present(images, 300), verbose=0)
        means = [output[probe][:, 150:].mean() for probe in converted.outputs.values()]
        return np.array(means) / [each.mean() for each in expected.predict(images, verbose=0)]

    assert (ratios(maximum) > [2, 4]).all()
    # a time constant alone does not help where neurons spike but once in seconds
    assert (ratios(maximum, synapse=0.02, scale_firing_rates=1) > [1.5, 4]).all()
    # what is advised is right to a few percent
    np.testing.assert_allclose(ratios(maximum, synapse=0.02, scale_firing_rates=250), 1, atol=0.04)
    np.testing.assert_allclose(ratios(average, max_to_avg_pool=True), 1, atol=0.02)


@pytest.mark.parametrize(
    ("pool", "shape", "settings"),
    [
        ("MaxPooling1D", (7, 2), {"pool_size": 3, "strides": 2, "padding": "same"}),
        ("MaxPooling2D", (5, 6, 2), {"pool_size": (2, 3), "padding": "same"}),
        ("MaxPooling3D", (4, 4, 4, 1), {"pool_size": 2, "strides": 1}),
        ("GlobalMaxPooling1D", (5, 2), {"keepdims": True}),
        ("GlobalMaxPooling2D", (3, 4, 2), {}),
        ("GlobalMaxPooling3D", (2, 3, 2, 2), {}),
    ],
)
def test_average_pooling_has_the_geometry_of_max_pooling(
    pool: str, shape: tuple[int, ...], settings: dict[str, Any]
) -> None:
    model = tf.keras.Sequential([tf.keras.Input(shape), getattr(Keras, pool)(**settings, name="p")])
    average = getattr(Keras, pool.replace("Max", "Average"))(**settings)

    converted = from_keras(model, max_to_avg_pool=True)

    made = converted.layers["p"].layer_func
    assert type(made) is type(average)
    assert (made.name, made.trainable) == ("p", True)
    values = tf.random.stateless_uniform((2, *shape), seed=(0, 1))
    np.testing.assert_allclose(made(values), average(values), rtol=1e-6)
    assert converted.layers["p"].calls[0].shape_out == model.output_shape[1:]
    assert type(from_keras(model).layers["p"].layer_func).__name__ == pool


def test_what_max_to_avg_pool_leaves() -> None:
    class Own(Keras.MaxPooling2D):
        pass

    model = behind_neurons(Own(name="own"), beside=Keras.Maximum(name="most"))
    layers = from_keras(model, max_to_avg_pool=True).layers

    assert type(layers["own"].layer_func) is Own
    assert type(layers["most"].layer_func) is Keras.Maximum
    pool = behind_neurons(Keras.MaxPooling2D(name="it"))
    assert warned(pool, max_to_avg_pool=True) == ""
    assert "or max_to_avg_pool=True for max pooling" in warned(pool)
    with pytest.raises(ConversionError, match="max_to_avg_pool: expected True or False, got 1"):
        from_keras(pool, max_to_avg_pool=1)  # type: ignore[arg-type]
