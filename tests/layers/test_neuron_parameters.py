"""Parameters of a layer's type of neurons: values and training, given to the layer."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from python_neurons import InPython
from simulation import fit, run

from nengo_layers_plus import CustomLayer, Sequential, Surrogate, Trainable, nengo_dl
from nengo_layers_plus.graph import NetworkGraph
from nengo_layers_plus.layers._errors import LayerError, UnknownArgumentError
from nengo_layers_plus.neurons import StoppedGradientWarning, TrainableLIF, changed


def layer_in(neurons, call=None, size=4, **kwargs):
    """Make a layer of neurons in a network; return both."""
    layer = CustomLayer(
        neurons,
        label="hidden",
        **{"ensemble_kwargs": {"gain": 2, "bias": 2, **kwargs.pop("values", {})}, **kwargs},
    )
    with nengo.Network(seed=0) as net:
        nengo.Probe(layer(nengo.Node(np.ones(size)), **(call or {})))
    return net, layer.calls[0].ensemble.neuron_type


def test_values_come_with_the_arguments_of_the_ensemble():
    _, neurons = layer_in(TrainableLIF(tau_ref=0.003), values={"tau_rc": 0.05})
    assert neurons == TrainableLIF(tau_ref=0.003, tau_rc=0.05)


def test_the_call_wins_over_the_layer():
    _, neurons = layer_in(TrainableLIF(), call={"tau_rc": 0.03}, values={"tau_rc": 0.05})
    assert neurons.tau_rc == 0.03


def test_an_array_of_the_shape_of_the_population_is_taken_neuron_by_neuron():
    values = np.linspace(0.01, 0.04, 4).reshape(2, 2, 1)
    _, neurons = layer_in(Surrogate(TrainableLIF()), call={"shape_in": (2, 2, 1), "tau_rc": values})
    assert isinstance(neurons, Surrogate)
    np.testing.assert_array_equal(neurons.neuron_type.tau_rc, values.ravel())


def test_values_change_what_neurons_do():
    slow, fast = (
        run(layer_in(TrainableLIF(), values={"tau_rc": each})[0], 30)[0] for each in (0.1, 0.005)
    )
    assert 0 < np.count_nonzero(slow) < np.count_nonzero(fast)


def test_the_type_that_was_given_stays_as_it_is():
    given = TrainableLIF()
    layer_in(given, values={"tau_rc": 0.05}, trainable=False)
    assert given == TrainableLIF()
    assert given.trainable_names == ("tau_rc",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"tau_rc": -1.0}, r"hidden.*expected values above 0 \(s\), got -1.0"),
        ({"tau_rc": np.ones(3)}, r"expected a number, or an array of shape \(4,\).*\(3,\)"),
        ({"tau_rc": "slow"}, "expected a number"),
    ],
)
def test_values_that_cannot_be_used(values, message):
    with pytest.raises(LayerError, match=message):
        layer_in(TrainableLIF(), values=values)


@pytest.mark.parametrize(
    ("neurons", "name", "message"),
    [
        (nengo.LIF(), "tau_rc", r"did you mean LIF\(tau_rc=\.\.\.\)\?"),
        (Surrogate(nengo.AdaptiveLIF()), "tau_nn", r"did you mean AdaptiveLIF\(tau_n=\.\.\.\)"),
        (TrainableLIF(), "tau_rcc", r"did you mean 'tau_rc'\?.*, and tau_rc, .* of TrainableLIF"),
        (TrainableLIF(), "gian", "did you mean 'gain'"),
        (nengo.LIF(), "xyz", r"no argument 'xyz'; it takes radius.*, seed$"),
    ],
)
@pytest.mark.parametrize("in_call", [False, True])
def test_names_of_no_argument(neurons, name, message, in_call):
    layer = CustomLayer(neurons, ensemble_kwargs={} if in_call else {name: 1})
    with nengo.Network(), pytest.raises(UnknownArgumentError, match=message):
        layer(nengo.Node([0.0]), **({name: 1} if in_call else {}))


def test_distributions_are_drawn_from():
    def drawn(**settings):
        with nengo.Network(seed=settings.pop("network", None)):
            layer = CustomLayer(
                TrainableLIF(),
                ensemble_kwargs={"tau_rc": nengo.dists.Uniform(0.01, 0.03), **settings},
            )
            node = nengo.Node(np.ones(50))
            return [layer(node).ensemble.neuron_type.tau_rc for _ in range(2)]

    first, second = drawn(network=1)
    assert first.shape == (50,)
    assert 0.01 <= first.min() < 0.013 < 0.027 < first.max() <= 0.03
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(drawn(network=1), [first, second])
    assert not np.array_equal(drawn(network=2)[0], first)
    seeded = drawn(seed=3)
    np.testing.assert_array_equal(seeded[0], seeded[1])
    assert not np.array_equal(drawn()[0], drawn()[0])
    with pytest.raises(LayerError, match="expected values above 0"):
        drawn(tau_rc=nengo.dists.Uniform(-1, -0.5))
    with pytest.raises(nengo.exceptions.ValidationError, match="ensemble_kwargs of a layer take"):
        TrainableLIF(tau_rc=nengo.dists.Uniform(0.01, 0.03))


# -----------------------------------------------------------------------------
# What trains


def names_that_train(neurons, trainable):
    net, _ = layer_in(neurons, trainable=trainable)
    return [each.name for each in NetworkGraph(net).parameters if each.trainable]


@pytest.mark.parametrize(
    ("trainable", "expected"),
    [
        (None, ["hidden.encoders", "hidden.bias", "hidden.tau_rc"]),
        (True, ["hidden.encoders", "hidden.bias", "hidden.tau_rc"]),
        (False, ["hidden.encoders"]),
        (Trainable(neuron_parameters=False), ["hidden.encoders", "hidden.bias"]),
        (
            {"neuron_parameters": ["tau_ref"]},
            ["hidden.encoders", "hidden.bias", "hidden.tau_ref"],
        ),
        ({"bias": False}, ["hidden.encoders", "hidden.tau_rc"]),
        (
            {"neuron_parameters": ("tau_rc", "tau_ref")},
            ["hidden.encoders", "hidden.bias", "hidden.tau_rc", "hidden.tau_ref"],
        ),
    ],
)
def test_what_trains(trainable, expected):
    # nothing depends on encoders, hence they are not there to train
    expected = [each for each in expected if each != "hidden.encoders"]
    assert names_that_train(Surrogate(TrainableLIF()), trainable) == expected


def test_what_a_network_says_of_its_ensembles_holds_for_them():
    with nengo.Network(seed=0) as net:
        nengo_dl.configure_settings(trainable=None)
        net.config[nengo.Ensemble].trainable = False
        nengo.Probe(CustomLayer(Surrogate(TrainableLIF()))(nengo.Node(np.ones(4))))
    (parameter,) = [each for each in NetworkGraph(net).parameters if "tau_rc" in each.name]
    assert not parameter.trainable
    assert parameter.why == "trainable is False in the network's settings"


def test_what_should_move_moves():
    net, _ = layer_in(Surrogate(TrainableLIF()), trainable=True)
    assert fit(net, 20)["hidden.tau_rc"] == (True, True)


@pytest.mark.parametrize(
    ("neurons", "trainable", "message"),
    [
        (nengo.LIF(), {"neuron_parameters": True}, "has no part 'neuron_parameters'; it has"),
        (TrainableLIF(), {"neuron_parameters": ["tau"]}, "no parameter is called 'tau'; Trainable"),
    ],
)
def test_what_cannot_train(neurons, trainable, message):
    with pytest.raises(LayerError, match=message):
        layer_in(neurons, trainable=trainable)


def test_names_of_other_parts_are_refused():
    with pytest.raises(nengo.exceptions.ValidationError, match=r"Trainable\.bias: expected True"):
        Trainable(bias=["tau_rc"])
    assert Trainable(neuron_parameters="tau_rc").neuron_parameters == ("tau_rc",)


def test_a_block_speaks_for_those_in_it_that_have_some():
    with nengo.Network() as net:
        stack = Sequential(
            [TrainableLIF(), nengo.LIF()], trainable={"neuron_parameters": ["tau_ref"]}
        )
        nengo.Probe(stack(nengo.Node(np.ones(2)), shape_in=(2,)))
    moving = [
        each.name.partition(".")[2] for each in NetworkGraph(net).parameters if each.is_trained
    ]
    assert moving == ["bias", "tau_ref", "bias"]


# -----------------------------------------------------------------------------
# No silence


def test_a_type_that_runs_in_python_is_warned_of():
    with pytest.warns(StoppedGradientWarning, match="InPython is a LIF with a step of its own"):
        layer_in(InPython())


@pytest.mark.parametrize(
    "neurons", [nengo.AdaptiveLIF(), nengo.Izhikevich(), TrainableLIF(), Surrogate(nengo.LIF())]
)
def test_others_are_not_warned_of(neurons):
    layer_in(neurons)  # warnings are errors


def test_copies_with_changes():
    assert changed(nengo.LIF(tau_rc=0.03), amplitude=0.5) == nengo.LIF(tau_rc=0.03, amplitude=0.5)
    wrapped = changed(Surrogate(nengo.LIF(), through_reset=True), amplitude=0.5)
    assert wrapped == Surrogate(nengo.LIF(amplitude=0.5), through_reset=True)
    with pytest.raises(nengo.exceptions.ValidationError, match="Sigmoid has no amplitude; scale"):
        changed(nengo.Sigmoid(), amplitude=2)
