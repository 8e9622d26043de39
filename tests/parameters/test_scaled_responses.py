"""Parameters for neurons whose rates and amplitudes are scaled."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import (
    CustomLayer,
    ParameterMismatchError,
    TunedNeurons,
    from_keras,
    load_parameters,
    read_parameters,
    save_parameters,
)
from nengo_layers_plus._upstream import tf

Keras = tf.keras.layers


def tuned(rate, amplitude, neuron_type=nengo.RectifiedLinear, bias=0.0):
    with nengo.Network(seed=0) as net:
        layer = TunedNeurons(
            neuron_type(), max_rates=rate, intercepts=0, amplitude=amplitude, label="neurons"
        )
        nengo.Probe(layer(nengo.Node([0.5, 0.25])))
    return net


def output(sim):
    return sim.predict(n_steps=1, verbose=0)[sim.model.probes[0]][0, 0]


def saved(net, path, change=None):
    with simulator(net) as sim:
        if change is not None:
            load_parameters(sim, change, strict=False)
        save_parameters(sim, path)
        return output(sim)


def test_rates_that_are_scaled_keep_the_output(tmp_path):
    path = tmp_path / "file"
    # biases as if they were trained
    expected = saved(tuned(100, 1 / 100), path, change={"neurons.bias": [10.0, -5.0]})
    np.testing.assert_allclose(expected, [0.6, 0.2], rtol=1e-5)
    with simulator(tuned(200, 1 / 200)) as sim:
        report = load_parameters(sim, path)
        assert report.complete
        np.testing.assert_allclose(output(sim), expected, rtol=1e-5)
        ensemble = sim.model.toplevel.ensembles[0]
        np.testing.assert_allclose(sim.data[ensemble].gain, 200, rtol=1e-5)
        np.testing.assert_allclose(sim.data[ensemble].bias, [20, -10], rtol=1e-5)


def test_encoders_are_scaled_with_gains(tmp_path):
    def decoded(rate):
        with nengo.Network(seed=0) as net:
            neurons = nengo.Ensemble(
                *(2, 1),
                neuron_type=nengo.RectifiedLinear(amplitude=1 / rate),
                gain=[rate, 2 * rate],
                bias=[0.0, 0.0],
                encoders=[[1.0], [1.0]],
                label="neurons",
            )
            nengo.Connection(nengo.Node([0.5]), neurons, synapse=None)
            nengo.Probe(neurons.neurons)
        return net

    expected = saved(decoded(100), tmp_path / "file")
    np.testing.assert_allclose(expected, [0.5, 1.0], rtol=1e-5)
    with simulator(decoded(200)) as sim:
        assert load_parameters(sim, tmp_path / "file").complete
        np.testing.assert_allclose(output(sim), expected, rtol=1e-5)


def test_another_amplitude_alone_makes_other_neurons(tmp_path):
    path = tmp_path / "file"
    saved(tuned(100, 1 / 100), path, change={"neurons.bias": [10.0, -5.0]})
    with simulator(tuned(100, 1 / 200)) as sim:
        before = output(sim)
        with pytest.raises(
            ParameterMismatchError, match=r"amplitude 0\.01 .*amplitude 0\.005"
        ) as e:
            load_parameters(sim, path)
        assert e.value.other_amplitude == {
            "neurons.gain": (0.01, 0.005),
            "neurons.bias": (0.01, 0.005),
            "neurons.encoders": (0.01, 0.005),
        }
        report = load_parameters(sim, path, strict=False)
        assert report.other_amplitude == e.value.other_amplitude
        assert report.loaded == ()
        np.testing.assert_array_equal(output(sim), before)
        assert load_parameters(sim, read_parameters(path)).complete
        np.testing.assert_allclose(output(sim), [0.3, 0.1], rtol=1e-5)


def test_neurons_whose_rate_is_not_linear_are_other_neurons(tmp_path):
    path = tmp_path / "file"
    saved(tuned(100, 1 / 100, nengo.LIFRate), path)
    other = simulator(tuned(200, 1 / 200, nengo.LIFRate))
    with other as sim, pytest.raises(ParameterMismatchError, match="other amplitude"):
        load_parameters(sim, path)


def test_neurons_without_amplitude(tmp_path):
    path = tmp_path / "file"
    with nengo.Network(seed=0) as net:
        nengo.Probe(CustomLayer(nengo.Sigmoid(), label="neurons")(nengo.Node([0.5])))
    expected = saved(net, path)
    with simulator(tuned(100, 1 / 100)) as sim:
        assert not load_parameters(sim, path, strict=False).other_amplitude
    with simulator(net) as sim:
        load_parameters(sim, path)
        np.testing.assert_array_equal(output(sim), expected)


def test_a_converted_model_whose_rates_are_scaled(tmp_path):
    path = tmp_path / "file"
    tf.keras.utils.set_random_seed(0)
    model = tf.keras.Sequential(
        [
            tf.keras.Input((3,)),
            Keras.Dense(4, activation="relu", name="a"),
            Keras.Dense(2, name="b"),
        ]
    )
    x = np.random.RandomState(0).uniform(-1, 1, (5, 3))
    with simulator(from_keras(model).net) as sim:
        save_parameters(sim, path)
    scaled = from_keras(model, scale_firing_rates=100)
    for name in ("a", "b"):
        scaled.layers[name].layer_func.set_weights(
            [np.zeros_like(each) for each in scaled.layers[name].layer_func.get_weights()]
        )
    with simulator(scaled.net, minibatch_size=5) as sim:
        load_parameters(sim, path)
        found = sim.predict(scaled.present(x), verbose=0)[scaled.output][:, 0]
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)
