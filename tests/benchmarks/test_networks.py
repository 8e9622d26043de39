"""The networks are made of the layers that they are given, with what these say themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nengo
import pytest
from nengo.neurons import NeuronType

from benchmarks import networks
from benchmarks.case import Case
from benchmarks.groups import measure_group
from nengo_layers_plus import CustomLayer, nengo_dl

OWN_SYNAPSE = nengo.Alpha(0.02)


class Mine(CustomLayer):
    """A layer of a user, with values of its own."""

    def make_ensemble_kwargs(self, context: Any) -> dict[str, Any]:
        return {"gain": 7, "bias": 2} if isinstance(self.layer_func, NeuronType) else {}

    def make_synapse(self, context: Any) -> Any:
        return OWN_SYNAPSE

    def make_trainable(self, context: Any) -> bool:
        return False


class WithRates(CustomLayer):
    """A layer of a user that gives response curves in another way, and a synapse as an argument."""

    def __init__(self, layer_func: Any) -> None:
        super().__init__(layer_func, synapse=OWN_SYNAPSE)

    def make_ensemble_kwargs(self, context: Any) -> dict[str, Any]:
        neurons = isinstance(self.layer_func, NeuronType)
        return {"max_rates": 150, "intercepts": 0.1} if neurons else {}


BUILD = [
    networks.one_dense,
    networks.with_synapses,
    networks.residual,
    networks.recurrent,
    networks.population,
]


def made_by_layers(net: nengo.Network) -> list[nengo.Connection]:
    """Return the connections into layers: all but those of a network's own."""
    return [
        each
        for each in net.all_connections
        if each.post_obj is not each.pre_obj and type(each.post_obj) is not nengo.Node
    ]


@pytest.mark.parametrize("build", BUILD)
def test_what_a_layer_says_itself_is_in_force(build: Any) -> None:
    mine = build(Mine, nengo.LIF()).network
    curves = build(WithRates, nengo.LIF()).network

    for ensemble in mine.all_ensembles:
        assert set(ensemble.gain) == {7}
        assert set(ensemble.bias) == {2}
        assert mine.config[ensemble.neurons].trainable is False
    for ensemble in curves.all_ensembles:
        assert set(ensemble.max_rates) == {150}
        assert ensemble.gain is None
    for net in (mine, curves):
        assert {each.synapse for each in made_by_layers(net)} == {OWN_SYNAPSE}


@pytest.mark.parametrize("build", BUILD)
def test_other_layers_have_what_the_network_says(build: Any) -> None:
    for layer in (CustomLayer, nengo_dl.Layer):
        built = build(layer, nengo.LIF()).network
        gain = 8 if build is networks.population else 1
        for ensemble in built.all_ensembles:
            assert ensemble.gain == nengo.dists.Choice([gain])
            assert ensemble.bias == nengo.dists.Choice([0.9])
        filters = {each.synapse for each in made_by_layers(built)}
        assert filters == ({None, nengo.Lowpass(0.005)} if build is BUILD[1] else {None})


def test_a_layer_of_a_user_is_what_is_measured() -> None:
    case = Case("mine", networks.one_dense, minibatch=2, n_steps=30, layer=Mine)

    with pytest.raises(AssertionError, match="if Mine makes another network, give the case"):
        measure_group(case, rounds=1)
    group = measure_group(replace(case, stock_layer=Mine), rounds=1)

    assert group.measured.agreement == {"layer": 1.0, "ours": 1.0}
