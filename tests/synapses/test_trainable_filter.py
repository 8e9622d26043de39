"""What trainable filters are made with, whatever they compute."""

from __future__ import annotations

import copy
import pickle
import re

import nengo
import numpy as np
import pytest
from filters import PLAIN
from nengo.exceptions import ReadonlyError, ValidationError

from nengo_layers_plus.synapses import TrainableAlpha, TrainableLowpass

KINDS = list(PLAIN)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_synapse_of_nengo(kind):
    synapse = kind(0.01)
    plain = PLAIN[kind](0.01)
    assert isinstance(synapse, PLAIN[kind])
    assert synapse != plain
    np.testing.assert_array_equal(synapse.num, plain.num)
    np.testing.assert_array_equal(synapse.den, plain.den)
    frequencies = np.array([1.0, 50.0])
    np.testing.assert_allclose(synapse.evaluate(frequencies), plain.evaluate(frequencies))
    both = synapse.combine(nengo.Lowpass(0.02))
    np.testing.assert_allclose(both.den, plain.combine(nengo.Lowpass(0.02)).den)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("tau", "given"),
    [(0.01, {}), (0.01, {"per_unit": True, "trainable": False, "seed": 3}), ([0.01, 0.02], {})],
)
def test_copies_are_equal(kind, tau, given):
    synapse = kind(tau, **given)
    with nengo.Network() as net:
        nengo.Probe(nengo.Node(np.zeros(np.size(tau))), synapse=synapse)
    for other in (
        pickle.loads(pickle.dumps(synapse)),
        copy.copy(synapse),
        copy.deepcopy(synapse),
        net.copy().probes[0].synapse,
        kind(tau, **given),
    ):
        assert other == synapse
        assert hash(other) == hash(synapse)
        assert repr(other) == repr(synapse)
        x = np.ones((5, np.size(tau)))
        np.testing.assert_array_equal(other.filt(x), synapse.filt(x))


def test_others_are_not_equal():
    synapses = [
        TrainableLowpass(0.01),
        TrainableLowpass(0.02),
        TrainableLowpass([0.01]),
        TrainableLowpass([0.01, 0.01]),
        TrainableLowpass(0.01, per_unit=True),
        TrainableLowpass(0.01, trainable=False),
        TrainableAlpha(0.01),
    ]
    assert len(set(synapses)) == len(synapses)
    assert len({repr(each) for each in synapses}) == len(synapses)


def test_it_shows_what_was_given():
    assert repr(TrainableLowpass(0.01)) == "TrainableLowpass(tau=0.01)"
    assert repr(TrainableAlpha([0.01, 0.5], trainable=False)) == (
        "TrainableAlpha(tau=[0.01, 0.5 ], trainable=False)"
    )
    assert repr(TrainableAlpha(1, per_unit=True)) == "TrainableAlpha(tau=1.0, per_unit=True)"
    assert len(repr(TrainableAlpha(np.full(1000, 0.1)))) < 80


def test_it_can_not_be_changed():
    tau = np.array([0.01, 0.02])
    synapse = TrainableLowpass(tau)
    tau[0] = 5
    assert synapse.tau.tolist() == [0.01, 0.02]
    with pytest.raises(ValueError, match="read-only"):
        synapse.tau[0] = 5
    with pytest.raises(ReadonlyError):
        synapse.tau = 0.5


@pytest.mark.parametrize(
    "tau", [True, "0.1", None, [], [[0.1], [0.1, 0.2]], 1j, np.array([True]), {"tau": 1}]
)
def test_what_is_no_number(tau):
    message = "TrainableLowpass.tau: expected a number, or an array with one for each unit, got "
    with pytest.raises(ValidationError, match=message + re.escape(repr(tau))):
        TrainableLowpass(tau)


@pytest.mark.parametrize("tau", [-0.1, np.nan, np.inf, [0.1, -0.1], [0.1, np.nan]])
def test_what_is_no_time_constant(tau):
    wrong = np.ravel(tau)[-1]
    message = rf"TrainableAlpha.tau: expected values above 0 \(s\), got {wrong}$"
    with pytest.raises(ValidationError, match=message):
        TrainableAlpha(tau)


def test_zero_does_not_train():
    with pytest.raises(ValidationError, match=r"got 0.0. What to do: use nengo.Lowpass\(0\)"):
        TrainableLowpass(0)
    with pytest.raises(ValidationError, match=r"got 0.0. What to do"):
        TrainableLowpass([0.1, 0], trainable=False)


def test_flags_are_true_or_false():
    with pytest.raises(ValidationError, match=r"TrainableLowpass.per_unit: .*'bool'.*'int'"):
        TrainableLowpass(0.1, per_unit=1)
    with pytest.raises(ValidationError, match=r"TrainableLowpass.trainable: "):
        TrainableLowpass(0.1, trainable="no")
    with pytest.raises(ValidationError, match=r"per_unit: expected True or None .*array of 2\)"):
        TrainableLowpass([0.1, 0.2], per_unit=False)


def test_an_array_of_another_size():
    with pytest.raises(
        ValidationError,
        match=r"tau: expected a number, or an array of 3, one for each unit; got an array of 2",
    ):
        TrainableLowpass([0.1, 0.2]).filt(np.zeros((4, 3)))


def test_an_array_has_no_transfer_function_that_is_that_of_all():
    for use in (lambda s: s.den, lambda s: s.evaluate(np.ones(1)), lambda s: s.combine(s)):
        with pytest.raises(ValidationError, match="tau: expected one time constant, got one for"):
            use(TrainableAlpha([0.1, 0.2]))


def test_signals_that_are_no_floats_or_change_their_shape():
    with pytest.raises(ValidationError, match="expected a float type, got int64"):
        TrainableLowpass(0.1).make_state((2,), (2,), 0.001, dtype=np.int64)
    with pytest.raises(ValidationError, match=r"of the shape of the output, \(3,\), got \(2,\)"):
        TrainableLowpass(0.1).make_state((2,), (3,), 0.001)
