"""`TunedNeurons` fire from their intercepts on, and at their maximum rates for 1."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import run

from nengo_layers_plus import TunedNeurons
from nengo_layers_plus.testing import check_layer


def outputs(layer, values, n_steps=1):
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(nengo.Node(values)))
    return run(net, n_steps)[0]


def test_it_keeps_the_contract():
    check_layer(TunedNeurons(nengo.LIF(), max_rates=100, intercepts=0), (3,))


@pytest.mark.parametrize("neuron_type", [nengo.LIFRate(), nengo.RectifiedLinear()])
def test_rates(neuron_type):
    layer = TunedNeurons(neuron_type, max_rates=[50, 100, 200], intercepts=0.25)
    np.testing.assert_allclose(outputs(layer, [1.0] * 3)[0], [50, 100, 200], rtol=1e-4)
    assert not outputs(layer, [0.2] * 3).any()


def test_spikes_count_for_the_amplitude():
    layer = TunedNeurons(nengo.LIF(), max_rates=100, intercepts=0, amplitude=0.01)
    spikes = outputs(layer, [1.0] * 4, n_steps=1000)
    assert set(np.unique(spikes).round(4)) == {0, 10}  # amplitude / dt
    np.testing.assert_allclose(spikes.mean(axis=0), 1, atol=0.02)


def test_the_neuron_type_is_left_as_it_was():
    neuron_type = nengo.LIF(tau_rc=0.05)
    assert repr(neuron_type) == "LIF(tau_rc=0.05)"  # which nengo remembers
    layer = TunedNeurons(neuron_type, amplitude=0.5)
    assert neuron_type == nengo.LIF(tau_rc=0.05)
    assert layer.layer_func == nengo.LIF(tau_rc=0.05, amplitude=0.5)
    assert repr(layer.layer_func) == "LIF(tau_rc=0.05, amplitude=0.5)"


def test_what_is_not_given_is_as_the_network_says():
    with nengo.Network() as net:
        net.config[nengo.Ensemble].max_rates = nengo.dists.Choice([77])
        ensemble = TunedNeurons(nengo.LIF(), intercepts=0.5, ensemble_kwargs={"seed": 3})(
            nengo.Node([0.0])
        ).ensemble
    assert ensemble.max_rates == nengo.dists.Choice([77])
    assert ensemble.intercepts.tolist() == [0.5]
    assert ensemble.seed == 3


def test_a_neuron_type_without_amplitude():
    with pytest.raises(ValidationError, match="Sigmoid has no amplitude; scale"):
        TunedNeurons(nengo.Sigmoid(), amplitude=0.1)
