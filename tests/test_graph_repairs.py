"""What was repaired of nengo_dl, where no network shows it by itself."""

import nengo
import numpy as np
import pytest

from nengo_layers_plus import Simulator, _upstream
from nengo_layers_plus._upstream import nengo_dl, tf
from nengo_layers_plus._upstream._simulation import view_of


def test_an_operator_without_a_builder_is_named_with_its_object():
    with nengo.Network() as network:
        node = nengo.Node(size_in=2, label="target")
    model = nengo.builder.Model()
    model.build(network)

    class Noise(nengo.builder.operator.Operator):
        def __init__(self):
            super().__init__(tag="mine")
            self.sets, self.incs, self.reads = [], [model.sig[node]["in"]], []
            self.updates = []

        def make_step(self, signals, dt, rng):
            return lambda: None

    model.add_op(Noise())
    with pytest.raises(nengo.exceptions.BuildError) as caught:
        _upstream.nengo_dl.Simulator(None, model=model, progress_bar=False)
    for words in ("No registered builder for", "mine", "Node 'target'", "Builder.register(Noise)"):
        assert words in str(caught.value)


def test_views_are_whole_rows():
    base = nengo.builder.Signal(np.zeros((4, 3)), name="base")
    signals = _upstream.nengo_dl.signals.SignalDict("float32", 1)
    whole = signals.get_tensor_signal([(2, 6)], "key", "float32", (4, 3), False)

    for view, slices, shape in (
        (base[::-1], ((5, 6), (4, 5), (3, 4), (2, 3)), (4, 3)),
        (base[1:3], ((3, 5),), (2, 3)),
        (base.reshape((12,)), ((2, 6),), (12,)),
        (base[1:3].reshape((6,)), ((3, 5),), (6,)),
    ):
        found = view_of(whole, view)
        assert (found.slices, found.shape) == (slices, shape)
    for view in (base[:, ::-1], base[:, 1:], base[1:, :1]):
        with pytest.raises(NotImplementedError, match="whole rows of Signal"):
            view_of(whole, view)


def test_repairs_are_made_once():
    nengo_dl = _upstream.nengo_dl
    before = nengo_dl.tensor_graph.TensorGraph.__init__
    _upstream.repair(nengo_dl)
    assert nengo_dl.tensor_graph.TensorGraph.__init__ is before


def test_items_of_a_minibatch_learn_by_least_squares_for_themselves():
    inputs = np.random.RandomState(0).uniform(-1, 1, (2, 6, 2))

    def build(values):
        with nengo.Network(seed=0) as network:
            _upstream.nengo_dl.configure_settings(dtype="float64")
            network.source = nengo.Node(nengo.processes.PresentInput(values, 0.001))
            pre = nengo.Ensemble(8, 2, neuron_type=nengo.LIFRate())
            post = nengo.Node(size_in=2)
            nengo.Connection(network.source, pre, synapse=None)
            rule = nengo.RLS(0.1, pre_synapse=0.002)
            learned = nengo.Connection(pre, post, learning_rule_type=rule)
            nengo.Connection(network.source, learned.learning_rule, synapse=None)
            network.probes_of = [nengo.Probe(post), nengo.Probe(learned.learning_rule, "inv_gamma")]
        return network

    network = build(inputs[0])
    with _upstream.nengo_dl.Simulator(network, minibatch_size=2, progress_bar=False) as sim:
        sim.run_steps(6, data={network.source: inputs})
        found = [sim.data[probe] for probe in network.probes_of]
    for item, values in enumerate(inputs):
        network = build(values)
        with nengo.Simulator(network, progress_bar=False) as sim:
            sim.run_steps(6)
            for probe, each in zip(network.probes_of, found, strict=True):
                np.testing.assert_allclose(each[item], sim.data[probe], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("simulator", [nengo_dl.Simulator, Simulator])
def test_a_second_simulator_does_not_warn_of_initializers(simulator):
    """Warnings are errors here."""
    with nengo.Network() as net:
        node = nengo_dl.TensorNode(tf.keras.layers.Dense(2), shape_in=(3,), pass_time=False)
    for _ in range(2):
        simulator(net, progress_bar=False).close()
    with nengo.Network() as net:
        start = tf.keras.initializers.GlorotUniform()
        for _ in range(2):
            layer = tf.keras.layers.Dense(2, kernel_initializer=start)
            nengo_dl.TensorNode(layer, shape_in=(3,), pass_time=False)
    with pytest.warns(UserWarning, match="is unseeded and being called multiple times"):
        simulator(net, progress_bar=False).close()
    assert node.tensor_func.built
