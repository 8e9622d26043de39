"""Random networks of CustomLayers, against nengo_dl and against what the graph says of them."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given, note
from hypothesis import strategies as st
from networks import NetworkPlan, network_plans
from simulation import fit, run, simulator

from nengo_layers_plus.graph import NetworkGraph


@given(plan=network_plans(), minibatch_size=st.sampled_from([1, 3]))
def test_equals_stock(plan: NetworkPlan, minibatch_size: int) -> None:
    note(str(plan))
    # Keras draws the seeds of initial weights when they are built, so each is run before the next
    expected = run(plan.build("stock"), 4, minibatch_size=minibatch_size)
    for how in ("call", "hooks"):
        got = run(plan.build(how), 4, minibatch_size=minibatch_size)
        for index, (values, same) in enumerate(zip(expected, got, strict=True)):
            np.testing.assert_array_equal(same, values, err_msg=f"{how}, probe {index}")


@given(plan=network_plans(trains=True))
def test_trains_what_it_says(plan: NetworkPlan) -> None:
    note(str(plan))
    network = plan.build("hooks")
    planned = {each.name: each for each in NetworkGraph(network).parameters}
    with simulator(network) as sim:
        built = {each.name: each for each in NetworkGraph(sim).parameters}
        trained = sum(weight.shape.num_elements() for weight in sim.keras_model.trainable_weights)
    assert {name: each.trainable for name, each in planned.items()} == {
        name: each.trainable for name, each in built.items()
    }
    assert {name: each.shape for name, each in planned.items()} == {
        name: each.shape for name, each in built.items()
    }
    assert sum(each.size for each in built.values() if each.trainable) == trained
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras: no gradient, where nothing trains
        found = fit(network, n_steps=3) if trained else {}
    for name, (trainable, moved) in found.items():
        assert trainable == built[name].trainable
        assert trainable or not moved, f"{name} is frozen and has moved"
    for index, layer in enumerate(plan.layers):
        for part, asked in layer.trainable.items():
            kind = {"bias": "bias", "weights": "Keras weights", "connection": "connection weights"}
            mine = [each for each in built.values() if each.kind == kind[part]]
            assert any(each.trainable == asked for each in mine), (index, part)
