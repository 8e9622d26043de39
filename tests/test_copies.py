"""Copies and pickles of networks."""

from __future__ import annotations

import copy
import pickle

import nengo
import numpy as np
import pytest
from simulation import simulator

from nengo_layers_plus import (
    ChannelNeurons,
    CustomLayer,
    Filter,
    RateControl,
    RecurrentNeurons,
    Residual,
    Sequential,
    Simulator,
    Surrogate,
    TunedNeurons,
    freeze,
    from_keras,
    graph,
    nengo_dl,
    summary,
    surrogate,
    unfreeze,
)
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.neurons import TrainableLIF
from nengo_layers_plus.synapses import TrainableLowpass

# nengo_dl builds layers that were built before again, and gives them their weights back
pytestmark = pytest.mark.filterwarnings("ignore:The initializer .* is unseeded")

Keras = tf.keras.layers
IMAGE = np.linspace(0.1, 1, 4)


def doubled(values):
    return 2 * values


class Around(Keras.Layer):
    """Holds another layer, which is built when it is called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Keras.Dense(3)

    def call(self, values):
        return self.inner(values)


class Model(tf.keras.Model):
    """A model of a user, of which Keras knows no configuration."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.norm = Keras.Dense(3), Keras.BatchNormalization()

    def call(self, values, training=None):
        return self.norm(self.inner(values), training=training)


def functional():
    values = tf.keras.Input((4,))
    hidden = Keras.Dense(5, activation=doubled)(values)
    return tf.keras.Model(values, Keras.Add()([hidden, hidden]))


def adapted():
    layer = Keras.Normalization()
    layer.adapt(np.random.RandomState(0).rand(20, 4))
    return layer


def everything(seed=0):
    """Build layers of all kinds beside one another."""
    with nengo.Network(seed=seed, label="everything") as net:
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(IMAGE, label="image")
        shared = CustomLayer(Keras.Dense(4, name="shared"), label="shared")
        layers = {
            "dense": CustomLayer(Keras.Dense(3, activation=doubled)),
            "function": CustomLayer(doubled),
            "around": CustomLayer(Around()),
            "model": CustomLayer(Model()),
            "functional": CustomLayer(functional()),
            "adapted": CustomLayer(adapted()),
            "adapted model": CustomLayer(tf.keras.Sequential([adapted(), Keras.Dense(3)])),
            "recurrent": CustomLayer(Keras.LSTM(2)),
            "once": shared,
            "twice": lambda values, **_: shared(shared(values)),
            "stock": lambda values, **_: nengo_dl.Layer(Keras.Dense(2))(values),
            "neurons": CustomLayer(nengo.LIFRate(), ensemble_kwargs={"bias": 1.0, "gain": 2.0}),
            "surrogate": CustomLayer(Surrogate(nengo.LIF(), surrogate.arctan(2.0))),
            "declared": CustomLayer(TrainableLIF(tau_rc=0.03), synapse=TrainableLowpass(0.01)),
            "channels": ChannelNeurons(nengo.LIFRate()),
            "filter": Filter(0.01),
            "residual": Residual([Keras.Dense(4), nengo.RectifiedLinear(), Keras.Dense(4)]),
            "rates": RateControl(CustomLayer(nengo.LIFRate()), 100),
            "recurrent neurons": RecurrentNeurons(nengo.LIFRate()),
            "tuned": TunedNeurons(nengo.RectifiedLinear(), max_rates=10, intercepts=0),
            "stack": Sequential([Keras.Reshape((2, 2, 1)), Keras.Conv2D(3, 2), nengo.LIFRate()]),
        }
        shapes = {"recurrent": (2, 2), "channels": (2, 2, 1)}
        for label, layer in layers.items():
            arguments = {"shape_in": shapes[label]} if label in shapes else {}
            nengo.Probe(layer(image, **arguments), label=label)
    return net


def outputs(sim):
    values = sim.predict(n_steps=3, verbose=0)
    return {probe.label: values[probe] for probe in sim.model.probes}


@pytest.fixture(scope="module")
def simulated():
    """A network that was simulated, so that its Keras layers have weights, and its outputs."""
    tf.keras.utils.set_random_seed(0)
    net = everything()
    with simulator(net) as sim:
        return net, outputs(sim)


@pytest.mark.parametrize(
    ("cls", "how"),
    [
        (nengo_dl.Simulator, copy.deepcopy),
        (Simulator, lambda net: net.copy().copy()),
    ],
)
def test_copies_compute_the_same_and_are_independent(simulated, cls, how):
    net, expected = simulated
    new = how(net)
    assert [type(each) for each in new.all_objects] == [type(each) for each in net.all_objects]
    assert not {*new.all_objects} & {*net.all_objects}
    with cls(new, progress_bar=False, seed=0) as sim:
        found = outputs(sim)
        for each in new.all_nodes:
            if isinstance(getattr(each, "tensor_func", None), Keras.Layer):
                each.tensor_func.set_weights(
                    [np.zeros_like(weight) for weight in each.tensor_func.get_weights()]
                )
    assert found.keys() == expected.keys()
    for label, values in expected.items():
        np.testing.assert_allclose(found[label], values, rtol=1e-5, atol=1e-5, err_msg=label)
    # the weights of the original are its own
    with simulator(net) as sim:
        again = outputs(sim)
    for label, values in expected.items():
        np.testing.assert_array_equal(again[label], values, err_msg=label)


def test_pickles_compute_the_same():
    tf.keras.utils.set_random_seed(0)
    with nengo.Network(seed=0) as net:
        image = nengo.Node(IMAGE)
        shared = CustomLayer(Keras.Dense(4))
        hidden = CustomLayer(Surrogate(TrainableLIF(), surrogate.arctan(2.0)))(
            shared(shared(image))
        )
        for layer in (doubled, tf.keras.Sequential([Keras.Dense(3)]), Around()):
            nengo.Probe(CustomLayer(layer)(hidden))
    with simulator(net) as sim:
        expected = list(sim.predict(n_steps=3, verbose=0).values())
    new = pickle.loads(pickle.dumps(net))
    first, second = (each.tensor_func for each in new.nodes[1:3])
    assert first is second
    with simulator(new) as sim:
        found = list(sim.predict(n_steps=3, verbose=0).values())
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def test_layers_that_are_shared_stay_shared():
    """Also one that a model holds, and that is a layer of its own as well."""
    inner = Keras.Dense(4, name="inner")
    values = tf.keras.Input((4,))
    model = tf.keras.Model(values, Keras.Dense(2)(inner(values)))
    for order in ([inner, model, model], [model, inner, model]):
        with nengo.Network() as net:
            image = nengo.Node(IMAGE)
            for each in order:
                nengo.Probe(CustomLayer(each)(image))
        with simulator(net):
            pass
        new = net.copy()
        functions = [each.tensor_func for each in new.nodes[1:]]
        functions = [getattr(each, "stands_for", each) for each in functions]
        models = [each for each in functions if isinstance(each, tf.keras.Model)]
        (dense,) = (each for each in functions if isinstance(each, Keras.Dense))
        assert models[0] is models[1]
        assert models[0].get_layer("inner") is dense
        assert models[0] is not model
        with simulator(new) as sim:
            assert len(sim.keras_model.weights) == 4


def test_a_copy_knows_what_layers_said():
    with nengo.Network(label="net") as net:
        nengo_dl.configure_settings(trainable=None)
        image = nengo.Node(np.ones(12), label="image")
        layer = CustomLayer(
            TrainableLIF(),
            label="hidden",
            synapse=TrainableLowpass(0.01),
            ensemble_kwargs={"max_rates": nengo.dists.Uniform(10, 20)},
        )
        nengo.Probe(layer(image, shape_in=(2, 2, 3)))
    freeze(net, layer)
    for new in (net.copy(), pickle.loads(pickle.dumps(net))):
        (ensemble,) = new.ensembles
        assert graph.shape_of(ensemble.neurons) == (2, 2, 3)
        assert summary(new).details("hidden") == summary(net).details("hidden")
        unfreeze(new, new)
        moving = {each.name for each in graph.what_trains(new).trained}
        assert moving == {"image->hidden.tau", "hidden.bias", "hidden.tau_rc"}
        assert graph.what_trains(net).n_trained == 0


def test_copies_of_tensor_nodes():
    with nengo.Network() as net:
        node = nengo_dl.TensorNode(doubled, shape_in=(2, 2), pass_time=False, label="node")
        new = node.copy()
    assert net.nodes == [node, new]
    assert (new.tensor_func, new.shape_in, new.shape_out) == (doubled, (2, 2), (2, 2))
    assert (new.pass_time, new.label, new.size_in) == (False, "node", 4)


def test_converted_networks():
    model = tf.keras.Sequential(
        [tf.keras.Input((4,)), Keras.Dense(6, activation="relu"), Keras.Dense(3)]
    )
    converted = from_keras(model)
    inputs = np.random.RandomState(0).rand(5, 4)
    for new in (copy.deepcopy(converted), pickle.loads(pickle.dumps(converted))):
        assert new.net is not converted.net
        assert new.input in new.net.all_nodes
        new.verify(inputs)


class Uncopied(Keras.Layer):
    def __deepcopy__(self, copies):
        raise TypeError("not to be copied")

    def get_config(self):
        raise TypeError("nor to be made again")

    def call(self, values):
        return values


def test_what_cannot_be_copied_is_named():
    with nengo.Network() as net:
        CustomLayer(Uncopied(name="own"), label="hidden")(nengo.Node(IMAGE))
    message = "'hidden'> can't be copied, as its Keras layer 'own' can't .*not to be copied.* to do"
    with pytest.raises(nengo.exceptions.ValidationError, match=message):
        net.copy()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda values: 2 * values, r"function .*<lambda> can't \(.*What to do: write functions"),
        (Keras.Lambda(lambda values: values, name="own"), "Keras layer 'own' can't"),
        (Keras.Dense(2, activation=lambda values: values, name="own"), "Keras layer 'own' can't"),
    ],
)
def test_what_cannot_be_pickled_is_named(function, message):
    with nengo.Network() as net:
        CustomLayer(function, label="hidden")(nengo.Node(IMAGE))
    with pytest.raises(pickle.PicklingError, match=f"'hidden'> can't be pickled, as its {message}"):
        pickle.dumps(net)
    net.copy()


def test_a_model_that_pickle_could_not_read_is_named():
    model = tf.keras.Sequential([adapted(), Keras.Dense(2)], name="own")
    with nengo.Network() as net:
        CustomLayer(model, label="hidden")(nengo.Node(IMAGE))
    with simulator(net):
        pass
    message = (
        "can't be pickled, as its Keras layer 'own' can't .*must have known shape.* What to do"
    )
    with pytest.raises(pickle.PicklingError, match=message):
        pickle.dumps(net)


@pytest.mark.parametrize("cls", [nengo_dl.Simulator, Simulator])
def test_simulators_say_what_to_do_instead(cls):
    with cls(nengo.Network(), progress_bar=False) as sim:
        for make in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(NotImplementedError, match=r"does not support pickling .*load_p"):
                make(sim)
