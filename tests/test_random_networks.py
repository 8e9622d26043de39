"""Random networks of CustomLayers, against nengo_dl and against what the graph says of them."""

from __future__ import annotations

import warnings

import nengo
import numpy as np
from hypothesis import given, note
from hypothesis import strategies as st
from networks import SYNAPSES, NetworkPlan, network_plans
from simulation import fit_in, run, simulator

from nengo_layers_plus import Sequential, nengo_dl
from nengo_layers_plus._upstream import tf
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
    with simulator(network, minibatch_size=4) as sim:
        graph = NetworkGraph(sim)
        built = {each.name: each for each in graph.parameters}
        trained = sum(weight.shape.num_elements() for weight in sim.keras_model.trainable_weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras: no gradient, where nothing trains
            found = fit_in(sim, graph, n_steps=3) if trained else {}
    assert {name: each.trainable for name, each in planned.items()} == {
        name: each.trainable for name, each in built.items()
    }
    assert {name: each.shape for name, each in planned.items()} == {
        name: each.shape for name, each in built.items()
    }
    assert sum(each.size for each in built.values() if each.trainable) == trained
    for name, (trainable, moved) in found.items():
        assert trainable == built[name].trainable
        assert trainable or not moved, f"{name} is frozen and has moved"
    for index, layer in enumerate(plan.layers):
        for part, asked in layer.trainable.items():
            kind = {"bias": "bias", "weights": "Keras weights", "connection": "connection weights"}
            mine = [each for each in built.values() if each.kind == kind[part]]
            assert any(each.trainable == asked for each in mine), (index, part)


@given(
    plan=network_plans(),
    synapse=st.sampled_from(sorted(SYNAPSES)),
    nested=st.integers(0, 4),
)
def test_a_stack_equals_layer_by_layer(plan: NetworkPlan, synapse: str, nested: int) -> None:
    note(str(plan))
    # the layers before the first convolution keep the shape
    shape = next((each.shape_in for each in plan.layers if each.shape_in), (plan.size_in,))

    def build(stacked: bool) -> nengo.Network:
        tf.keras.utils.set_random_seed(plan.seed)
        with nengo.Network(seed=plan.seed) as network:
            x = nengo.Node(np.linspace(-1, 1, plan.size_in))
            layers = [each.layer_func() for each in plan.layers]
            if stacked:
                layers = [*([Sequential(layers[:nested])] if nested else []), *layers[nested:]]
                has_neurons = any(each.kind == "neurons" for each in plan.layers)
                settings = {"synapse": SYNAPSES[synapse]} if has_neurons else {}
                x = Sequential(layers, **settings)(x, shape_in=shape)
            else:
                shape_in = shape
                for layer in layers:
                    spikes = isinstance(layer, nengo.neurons.NeuronType)
                    x = nengo_dl.Layer(layer)(
                        x, shape_in=shape_in, synapse=SYNAPSES[synapse] if spikes else None
                    )
                    shape_in = getattr(x, "shape_out", shape_in)
            nengo.Probe(x)
        return network

    expected, got = run(build(stacked=False), 4), run(build(stacked=True), 4)
    np.testing.assert_array_equal(got, expected)
