"""Which shapes of targets losses and metrics take."""

from __future__ import annotations

import pytest

from nengo_layers_plus import nengo_dl
from nengo_layers_plus._upstream import tf
from nengo_layers_plus.simulator._target_shapes import takes_labels, wanted_shape

OUTPUT = (8, 5, 3)
REPEATED = [(8, 1, 3), (8, 5, 1), (8, 1, 1)]


def own_mse(targets, outputs):
    return tf.reduce_mean((outputs - targets) ** 2, axis=-1)


class OwnLoss(tf.keras.losses.Loss):
    def call(self, targets, outputs):
        return tf.reduce_sum(tf.abs(targets - outputs), axis=-1)


@tf.function
def traced_mse(targets, outputs):
    return own_mse(targets, outputs)


def of_the_last_step(targets, outputs):
    return tf.keras.losses.mse(targets[:, -1], outputs[:, -1])


def of_labels(labels, outputs):
    chosen = tf.one_hot(tf.cast(labels[..., 0], tf.int32), outputs.shape[-1])
    return tf.reduce_sum(chosen * outputs, axis=-1)


def repeats_by_itself(targets, outputs):
    return own_mse(tf.broadcast_to(targets, tf.shape(outputs)), outputs)


def regardless(targets, outputs):
    return tf.reduce_sum(outputs, axis=-1)


def with_a_mask_and_a_constant(targets, outputs):
    return tf.reduce_mean(2.0 * tf.where(targets > 0, targets - outputs, 1.0) ** 2, axis=-1)


STRICT = ["mse", tf.keras.losses.Huber(), tf.keras.metrics.AUC(), "categorical_crossentropy"]
OWN = [own_mse, OwnLoss(), traced_mse, with_a_mask_and_a_constant, nengo_dl.losses.nan_mse]
FREE = [repeats_by_itself, regardless, nengo_dl.losses.Regularize()]


@pytest.mark.parametrize("function", [*STRICT, *OWN])
@pytest.mark.parametrize("target", REPEATED)
def test_targets_are_not_repeated_in_silence(function, target):
    assert wanted_shape(function, target, OUTPUT) == OUTPUT
    assert wanted_shape(function, OUTPUT, OUTPUT) == OUTPUT


@pytest.mark.parametrize("function", FREE)
@pytest.mark.parametrize("target", REPEATED)
def test_functions_may_take_other_shapes(function, target):
    assert wanted_shape(function, target, OUTPUT) == target


@pytest.mark.parametrize("target", [(8, 1, 3), (8, 9, 3)])
def test_a_function_of_some_steps(target):
    assert wanted_shape(of_the_last_step, target, OUTPUT) == target
    assert wanted_shape(of_the_last_step, (8, 1, 1), OUTPUT) == (8, 1, 1)  # of slices, not of these


def test_numbers_of_classes():
    assert wanted_shape(of_labels, (8, 5, 1), OUTPUT) == (8, 5, 1)
    for sparse in (
        "sparse_categorical_crossentropy",
        tf.keras.losses.SparseCategoricalCrossentropy(),
        tf.keras.metrics.SparseTopKCategoricalAccuracy(),
    ):
        assert wanted_shape(sparse, OUTPUT, OUTPUT) == (8, 5, 1)
        assert takes_labels(sparse)
    for either in ("accuracy", "ce"):
        assert wanted_shape(either, (8, 5, 1), OUTPUT) == (8, 5, 1)


def test_outputs_are_not_repeated_either():
    assert wanted_shape(own_mse, OUTPUT, (8, 1, 3)) == (8, 1, 3)


def test_an_error_is_left_to_the_call():
    def broken(targets, outputs):
        raise RuntimeError("broken")

    assert wanted_shape(broken, (8, 1, 3), OUTPUT) == (8, 1, 3)
