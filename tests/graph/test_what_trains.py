"""The report of what trains, against what Keras counts."""

from __future__ import annotations

import nengo
import numpy as np
import pytest
from nengo.exceptions import SimulatorClosed, ValidationError
from simulation import simulator

from nengo_layers_plus import CustomLayer
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.graph import NetworkGraph, Parameter, TrainingReport, what_trains

Keras = tf.keras.layers


@pytest.fixture(scope="module")
def network():
    with nengo.Network(seed=0, label="<b>net</b>") as net:
        image = nengo.Node(np.ones(3), label="image")
        x = CustomLayer(nengo.RectifiedLinear(), label="[red]x")(image)
        y = CustomLayer(Keras.Dense(1000), label="y")(x)
        y = CustomLayer(Keras.BatchNormalization(), label="norm")(y)
        frozen = CustomLayer(Keras.Dense(2), trainable=False, label="frozen")(y)
        nengo.Probe(frozen)
        CustomLayer(Keras.Dense(2), label="unseen")(y)
    return net


def test_rows_and_counts(network):
    report = what_trains(network)
    assert isinstance(report, TrainingReport)
    assert len(report) == len(NetworkGraph(network).parameters) == 12
    assert [each.name for each in report] == [report[index].name for index in range(len(report))]
    assert all(isinstance(each, Parameter) for each in report)
    assert report.trained + report.untrained == tuple(
        sorted(report, key=lambda each: not each.is_trained)
    )
    assert report.n_trained == 3 + 4000 + 2000
    assert report.n_untrained == 3 + 2000 + 2002 + 2002
    assert report.n_trainable == report.n_trained + 2002, "no gradient comes to what is not seen"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("moving", "trained"),
        ("staying", "untrained"),
        ("n_moving", "n_trained"),
        ("n_staying", "n_untrained"),
    ],
)
def test_names_of_before_warn(network, old, new):
    report = what_trains(network)
    with pytest.warns(DeprecationWarning, match=rf"TrainingReport\.{old} is deprecated: use {new}"):
        assert getattr(report, old) == getattr(report, new)
    with pytest.warns(DeprecationWarning, match=r"Parameter\.moves is deprecated: use is_trained"):
        assert report.trained[0].moves is True


def test_counts_are_those_of_keras(network):
    with simulator(network) as sim:
        report = what_trains(sim)
        count = tf.keras.backend.count_params
        assert report.n_trainable == sum(map(count, sim.keras_model.trainable_weights))
        assert report.n_trainable == what_trains(network).n_trainable
    with pytest.raises(SimulatorClosed, match="ask before it is closed, or ask its network"):
        what_trains(sim)


def test_text(network):
    text = str(what_trains(network))
    lines = text.splitlines()
    assert lines[0] == '<Network "<b>net</b>">'
    (row,) = [line for line in lines if line.startswith("y.kernel")]
    assert row.split("  ")[0] == "y.kernel"
    assert "(3, 1000)" in row
    assert row.split()[3:5] == ["3,000", "yes"]
    assert row.endswith("the Keras layer says so")
    assert any(line.startswith("[red]x.bias") for line in lines), "labels are no markup"
    assert lines[-1] == (
        "6,003 values are trained, 6,007 are not; 8,005 are trainable weights of the Keras model"
    )
    assert all(line == line.rstrip() for line in lines)
    assert repr(what_trains(network)).startswith("<TrainingReport of <Network")


def test_html(network):
    text = what_trains(network)._repr_html_()
    assert text.count("<tr>") == 13
    assert '<td style="text-align: right">3,000</td>' in text
    assert "trainable weights of the Keras model" in text


def test_html_of_labels():
    with nengo.Network() as net:
        nengo.Probe(CustomLayer(nengo.LIF(), label="<script>")(nengo.Node([0.0])))
    text = what_trains(net)._repr_html_()
    assert "<script>" not in text
    assert "&lt;script&gt;.bias" in text


def test_shapes_that_are_not_known():
    class Secret(Keras.Layer):
        def build(self, shape):
            self.scale = self.add_weight(name="scale", shape=(3,))

        def call(self, x):
            return x * self.scale

        def compute_output_shape(self, shape):
            return tf.TensorShape(shape)

        def get_config(self):
            raise NotImplementedError

        def __deepcopy__(self, memo):
            raise NotImplementedError

    with nengo.Network() as net:
        nengo.Probe(CustomLayer(Secret(), label="secret")(nengo.Node(np.ones(3))))
    report = what_trains(net)
    assert (report.n_trained, report.n_untrained, report.n_trainable) == (None, 0, None)
    assert "not known values are trained" in str(report)


def test_nothing_that_trains():
    assert str(what_trains(nengo.Network(label="empty"))).endswith("nothing in it could train")
    with pytest.raises(ValidationError, match=r"expected a nengo\.Network"):
        what_trains("net")
