"""`Residual`, `Filter`, `RecurrentNeurons`, `ChannelNeurons` and `TunedNeurons`."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import ValidationError
from simulation import fit, run

from nengo_layers_plus import (
    ChannelNeurons,
    CustomLayer,
    Filter,
    RecurrentNeurons,
    Residual,
    Sequential,
    Surrogate,
    TunedNeurons,
    nengo_dl,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.testing import check_layer

Keras = tf.keras.layers


@pytest.mark.parametrize("kwargs", [{}, {"subnetwork": True, "label": "block"}])
def test_residual_keeps_the_contract(kwargs):
    check_layer(Residual([Keras.Dense(4), nengo.LIF()], **kwargs), (4,))


def test_the_input_is_added():
    with nengo.Network() as net:
        nengo.Probe(Residual([lambda x: 10 * x])(nengo.Node([1.0, 2.0])))
    np.testing.assert_allclose(run(net, 1)[0], [[11, 22]])


def test_a_shortcut_of_its_own():
    block = Residual([lambda x: 10 * x], shortcut=[lambda x: x**2, lambda x: -x])
    with nengo.Network() as net:
        nengo.Probe(block(nengo.Node([1.0, 2.0])))
    np.testing.assert_allclose(run(net, 1)[0], [[9, 16]])
    assert [leaf.output.label for leaf in block.calls[0].leaves] == [
        "function",
        "shortcut/function",
        "shortcut/function_1",
        "add",
    ]


def test_the_arguments_of_the_call_are_for_both_ways():
    block = Residual([nengo.LIF()])
    with nengo.Network() as net:
        block(nengo.Node([1.0, 2.0]), transform=3.0, synapse=0.1)
        x = block(nengo.Node([1.0, 2.0]))
    body, _, around = net.connections[:3]
    assert body.synapse == around.synapse == nengo.Lowpass(0.1)
    assert body.transform.init == around.transform.init == 3.0
    assert block.calls[0].connection == (body, around)
    assert [each.synapse for each in net.connections[3:]] == [None] * 3
    assert x.shape_out == (2,)


def test_all_of_it_trains():
    block = Residual([Keras.Dense(4), nengo.RectifiedLinear()], shortcut=Keras.Dense(4))
    with nengo.Network(seed=0) as net:
        nengo.Probe(block(nengo.Node([0.5] * 4)))
    assert {name for name, (_, moved) in fit(net).items() if moved} == {
        "dense.kernel",
        "dense.bias",
        "rectified_linear.bias",
        "shortcut.kernel",
        "shortcut.bias",
    }


def test_deep_residual_networks():
    stack = Sequential(
        [
            Keras.Conv2D(4, 3, padding="same"),
            *[Residual([Keras.Conv2D(4, 3, padding="same"), nengo.LIF()]) for _ in range(3)],
            Residual(
                [Keras.Conv2D(8, 3, strides=2), nengo.LIF()], shortcut=Keras.Conv2D(8, 3, strides=2)
            ),
            Keras.Flatten(),
        ]
    )
    with nengo.Network() as net:
        stack(nengo.Node(np.zeros(25)), shape_in=(5, 5, 1))
    assert [parts.shape_out for parts in stack.calls[0].inner][-2:] == [(2, 2, 8), (32,)]
    assert len({each.label for each in (*net.nodes, *net.ensembles)}) == len(
        (*net.nodes, *net.ensembles)
    )


def test_shapes_that_can_not_be_added():
    with nengo.Network() as net:
        node = nengo.Node(np.zeros(4))
        # Keras itself would broadcast a single value
        with pytest.raises(ValidationError, match=r"put out the shape \(1,\), the shortcut \(4,\)"):
            Residual([Keras.Dense(1)])(node)
        with pytest.raises(ValidationError, match=r"shape \(3,\), the shortcut \(2,\)"):
            Residual([Keras.Dense(3)], shortcut=Keras.Dense(2))(node)
        with pytest.raises(ValidationError, match="expected one input"):
            Residual([Keras.Add()])([node, node])
    assert net.all_objects == [node]


def test_filter_keeps_the_contract():
    check_layer(Filter(0.005, label="slow"), (2, 3))


@pytest.mark.parametrize("synapse", [0.005, nengo.Alpha(0.01), None])
def test_it_filters_as_the_synapse_does(synapse):
    with nengo.Network() as net:
        node = nengo.Node([1.0, -2.0])
        nengo.Probe(Filter(synapse)(node))
        nengo.Probe(node, synapse=synapse)
    filtered, expected = run(net, 20)
    np.testing.assert_allclose(filtered, expected, atol=1e-6)


def test_it_keeps_the_shape_within_a_stack():
    stack = Sequential([tf.keras.layers.Conv2D(2, 2), nengo.LIF(), Filter(0.01)])
    with nengo.Network():
        stack(nengo.Node(np.zeros(9)), shape_in=(3, 3, 1))
    assert stack.calls[0].shape_out == (2, 2, 2)
    assert stack["filter"].calls[0].connection.synapse == nengo.Lowpass(0.01)


def test_it_keeps_the_shape_of_its_input_by_default():
    with nengo.Network() as net:
        image = nengo.Node(np.zeros(9))
        conv = CustomLayer(tf.keras.layers.Conv2D(2, 2))(image, shape_in=(3, 3, 1))
        layer = Filter(0.01)
        assert layer(conv).shape_out == (2, 2, 2)
        assert layer(CustomLayer(nengo.LIF())(conv)).shape_out == (2, 2, 2)
        assert layer(conv, shape_in=None).shape_out == (8,)
        assert layer(image[2:5]).shape_out == (3,)
        assert layer(conv[3]).shape_out == (1,)
        assert layer(conv, transform=np.ones((3, 8))).shape_out == (3,)
        assert layer(conv, transform=nengo.Dense((3, 8), init=np.ones((3, 8)))).shape_out == (3,)
        n_nodes = len(net.nodes)
        with pytest.raises(
            ValidationError, match=r"the shape can't be known.*give the shape itself"
        ):
            layer(conv[:4])
        with pytest.raises(ValidationError, match="takes one input, got 2; call it on each"):
            layer([conv, conv])
    assert len(net.nodes) == n_nodes


def test_random_dense_transforms():
    with nengo.Network():
        conv = CustomLayer(tf.keras.layers.Conv2D(2, 2))(
            nengo.Node(np.zeros(9)), shape_in=(3, 3, 1)
        )
        transform = nengo.Dense((3, 8), init=nengo.dists.Uniform(-1, 1))
        assert Filter(0.01)(conv, transform=transform).shape_out == (3,)


LINEAR = {"ensemble_kwargs": {"gain": 1, "bias": 0}}


def network(**kwargs):
    layer = RecurrentNeurons(nengo.RectifiedLinear(), **{**LINEAR, **kwargs})
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(nengo.Node([1.0, 2.0])))
    return net, layer


def test_recurrent_neurons_keeps_the_contract():
    check_layer(RecurrentNeurons(nengo.LIF()), (4,))


def test_outputs_come_back_one_step_later():
    weights = np.array([[0.0, 0.5], [0.0, 0.0]])  # from the second neuron to the first
    net, layer = network(recurrent_transform=weights, recurrent_synapse=0)
    np.testing.assert_allclose(run(net, 3)[0], [[1, 2], [2, 2], [2, 2]])
    connection = layer.calls[0].added["recurrent"]
    assert connection.pre == connection.post == layer.calls[0].output


def test_outputs_come_back_through_the_synapse():
    net, _ = network(recurrent_transform=1.0, recurrent_synapse=nengo.Lowpass(0.01))
    first, second = run(net, 2)[0][:, 0]
    assert first < second < 2


@pytest.mark.parametrize(
    ("trainable", "moving"),
    [
        (None, {"weights", "bias"}),
        (False, set()),
        ({"weights": False}, {"bias"}),
        ({"bias": False, "weights": True}, {"weights"}),
    ],
)
def test_what_trains(trainable, moving):
    net, _ = network(trainable=trainable)
    with net:
        nengo_dl.configure_settings(trainable=None)  # does not forget what the layer said
    results = fit(net, n_steps=3)
    assert {name.rpartition(".")[2] for name, (_, moved) in results.items() if moved} == moving


def test_a_stack_freezes_the_recurrent_weights():
    stack = Sequential(
        [tf.keras.layers.Dense(2), RecurrentNeurons(nengo.RectifiedLinear(), **LINEAR)],
        trainable=False,
    )
    with nengo.Network(seed=0) as net:
        nengo.Probe(stack(nengo.Node([1.0, 2.0])))
    assert not any(moved for _, moved in fit(net, n_steps=3).values())


def test_a_spike_can_not_come_back_at_once():
    with pytest.raises(ValidationError, match=r"recurrent_synapse: .*give 0 for a delay"):
        RecurrentNeurons(nengo.LIF(), recurrent_synapse=None)


def test_the_weights_are_drawn_as_those_of_keras():
    _, layer = network(trainable={"weights": True})
    assert isinstance(layer.calls[0].added["recurrent"].transform.init, nengo_dl.dists.Glorot)


def test_channel_neurons_keeps_the_contract():
    check_layer(ChannelNeurons(nengo.LIF(), gain=[1, 2], bias=1), (2, 2, 2))


def test_parameters_go_by_the_channel_of_the_convolution_before():
    stack = Sequential(
        [
            tf.keras.layers.Conv2D(3, 2, kernel_initializer="ones"),
            ChannelNeurons(nengo.RectifiedLinear(), gain=[1, 10, 100], bias=[0, 0, 1]),
        ]
    )
    with nengo.Network() as net:
        nengo.Probe(stack(nengo.Node(np.ones(9)), shape_in=(3, 3, 1)))
    np.testing.assert_allclose(run(net, 1)[0].reshape(4, 3), [[4, 40, 401]] * 4, rtol=1e-5)


def test_tuning_curves_by_channel():
    layer = ChannelNeurons(nengo.LIF(), max_rates=[100, 200], intercepts=0, trainable=False)
    with nengo.Network():
        ensemble = layer(nengo.Node([0.0] * 4), shape_in=(2, 2)).ensemble
    assert ensemble.max_rates.tolist() == [100, 200, 100, 200]
    assert ensemble.intercepts.tolist() == [0] * 4


@pytest.mark.parametrize(
    "gain", [[1, 2, 3], np.ones((2, 2)), "high", nengo.dists.Uniform(0, 1), [[1], [2]]]
)
def test_what_does_not_fit_the_channels(gain):
    layer = ChannelNeurons(nengo.LIF(), gain=gain, bias=0)
    with nengo.Network():
        node = nengo.Node([0.0] * 8)
        with pytest.raises(ValidationError, match=r"gain: .*each of the 2 channels of \(4, 2\)"):
            layer(node, shape_in=(4, 2))


@pytest.mark.parametrize("wrap", [lambda neurons: neurons, Surrogate])
def test_parameters_of_the_type_of_neurons_by_channel(wrap):
    layer = ChannelNeurons(wrap(TrainableLIF()), gain=1, bias=[1, 2], tau_rc=[0.01, 0.03])
    with nengo.Network():
        ensemble = layer(nengo.Node([0.0] * 4), shape_in=(2, 2)).ensemble
    neurons = getattr(ensemble.neuron_type, "neuron_type", ensemble.neuron_type)
    assert neurons.tau_rc.tolist() == [0.01, 0.03, 0.01, 0.03]
    assert ensemble.bias.tolist() == [1, 2, 1, 2]
    assert layer.neuron_parameters == {"tau_rc": [0.01, 0.03]}


def test_parameters_that_do_not_fit():
    layer = ChannelNeurons(TrainableLIF(), tau_rc=[0.01, 0.02, 0.03])
    with nengo.Network(), pytest.raises(ValidationError, match=r"tau_rc: .*each of the 2 channels"):
        layer(nengo.Node([0.0] * 4), shape_in=(2, 2))
    with pytest.raises(TypeError, match="ChannelNeurons has no argument 'taurc'; did you mean 'ta"):
        ChannelNeurons(TrainableLIF(), taurc=[0.01, 0.02])


def test_parameters_of_types_of_nengo():
    """They have one value for all neurons."""
    with pytest.raises(
        TypeError, match=r"LIF has one tau_rc for all of its .*TrainableLIF\(\), tau_rc"
    ):
        ChannelNeurons(nengo.LIF(), tau_rc=[0.01, 0.02])
    with pytest.raises(
        TypeError, match=r"LIF has one amplitude .*write a nengo_layers_plus\.NeuronM"
    ):
        ChannelNeurons(nengo.LIF(), amplitude=[1, 2])
    with pytest.raises(TypeError, match="no argument 'taurc'; did you mean 'tau_rc'"):
        ChannelNeurons(nengo.LIF(), taurc=0.02)
    for value in (0.05, [0.05, 0.05]):
        layer = ChannelNeurons(nengo.LIF(tau_ref=0.004), tau_rc=value, max_rates=100, intercepts=0)
        with nengo.Network():
            ensemble = layer(nengo.Node([0.0] * 4), shape_in=(2, 2)).ensemble
        assert ensemble.neuron_type == nengo.LIF(tau_rc=0.05, tau_ref=0.004)


def outputs(layer, values, n_steps=1):
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(nengo.Node(values)))
    return run(net, n_steps)[0]


def test_tuned_neurons_keeps_the_contract():
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
